"""One world from one seed: the product's own services on virtual time, its own store in memory, all else invented.

``World(seed, scale).run()`` returns a ``Course`` with what happened, a digest of it, and what broke.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from cadenced.config.values import Safety, SentCopy
from cadenced.core.planner import Quota
from cadenced.engine import moves, pace
from cadenced.engine.agenda import Agenda
from cadenced.engine.armoury import Armoury
from cadenced.engine.resolver import Resolver
from cadenced.engine.sender import Sender
from cadenced.engine.service import serve
from cadenced.engine.steadiness import Steadiness
from cadenced.engine.watcher import Watcher
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError
from cadenced.store import mailboxes, timeline, touches
from cadenced.store.schema import prospects
from cadenced.wording.settings import Settings
from simulation import settings_of_worlds as terms
from simulation.oracle import Oracle, Rest, Row
from simulation.sim_imap import ImapServer, SimInbox
from simulation.sim_people import Pen, Person
from simulation.sim_rest import LONGEST, Quiet
from simulation.sim_smtp import Dot, Odds, SimMailer, SmtpServer, Write
from simulation.sim_store import fresh_store
from simulation.virtual_loop import Dead, Process, UnrestError, VirtualLoop, process

BEGIN = datetime(2026, 1, 1, 7, tzinfo=UTC)
PLACES = (("Europe/Paris", "FR"), ("America/New_York", "US"), ("Asia/Tokyo", "JP"))
ROUNDS = 400
"""Rounds of the loop for a person and a day, beyond which something spins; a busy world needs 130."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a world is: people, days with faults, and quiet days after them in which all must come right."""

    people: int = 12
    days: int = 12
    calm: int = 8
    faults: bool = True
    far_jumps: bool = True

    @property
    def prospect_years(self) -> float:
        return self.people * (self.days + self.calm) / 365.25


@dataclass(slots=True)
class Parts:
    """What a mutant replaces; ``terms`` and ``level`` (of faults) are drawn where they are None."""

    watcher: type[Watcher] = Watcher
    sender: type[Sender] = Sender
    armoury: type[Armoury] | None = None
    mailer: type[SimMailer] = SimMailer
    inbox: type[SimInbox] = SimInbox
    barrier: bool = True
    durable: bool = True
    safety: Safety = field(default_factory=Safety)
    terms: terms.Terms | None = None
    level: float | None = None


@dataclass(slots=True)
class Course:
    """What a world came to."""

    seed: int
    digest: str
    sends: int
    broken: list[str]
    counts: dict[str, int]
    trace: list[str]


class SimClock:
    """Both clocks: monotonic never jumps, the wall does what the nemesis says."""

    def __init__(self, world: World) -> None:
        self._world = world

    def now(self) -> datetime:
        return self._world.wall()

    def monotonic(self) -> float:
        return self._world.loop.time()

    async def sleep(self, span: timedelta) -> None:
        await self._world.quiet.rest(span.total_seconds())


@dataclass(slots=True)
class Daemon:
    """One boot."""

    process: Process
    workspace: Workspace
    agenda: Agenda | None = None
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    services: list[asyncio.Task[None]] = field(default_factory=list)


class World:
    """Everything there is."""

    def __init__(self, seed: int, scale: Scale = Scale(), parts: Parts | None = None) -> None:
        self.seed = seed
        self.scale = scale
        self.parts = parts or Parts()
        self.chance = random.Random(seed)  # noqa: S311 - replay is the point
        self.loop = VirtualLoop()
        self.quiet = Quiet(self.loop, self._next_due)
        self.begin = BEGIN + timedelta(days=self.chance.randrange(0, 300))
        self.offset = timedelta()
        self.store = fresh_store()
        self.store.edge = self.edge
        self.terms = self._draw_terms()
        self.config = terms.config(self.terms, self.parts.safety)
        self.library = terms.EDITIONS[0]
        self.clock = SimClock(self)
        self.smtp = SmtpServer(self.loop, self.chance)
        self.imap = ImapServer(self.loop, self.chance, self.true_now)
        self.pen = Pen(self.chance)
        self.people: dict[str, Person] = {}
        self.daemon: Daemon | None = None
        self.faulty = scale.faults
        self.edge_odds = 0.0
        self.trace: list[str] = []
        self.counts: dict[str, int] = {}
        self.boots = 0
        self.fuse = 0
        self.oracle = Oracle(self.terms.min_gap.total_seconds(), self.terms.daily_limit)
        self.imap.on_step = self.smtp.on_step = self.step
        self.smtp.on_accept = self._accepted
        self.smtp.on_write = self._written

    def _draw_terms(self) -> terms.Terms:
        chance = self.chance
        copies = chance.choice((SentCopy.SERVER, SentCopy.SERVER, SentCopy.SELF, SentCopy.APPEND, SentCopy.NONE))
        gap = timedelta(seconds=chance.choice((0, 0, 30, 90)))
        limit = chance.choice((0, 0, max(2, self.scale.people // 3)))
        drawn = terms.Terms(copies, gap, limit, chance.choice((1, 4)), chance.random() < 0.8)
        return self.parts.terms or drawn

    # -- time

    def true_now(self) -> datetime:
        """The time that it really is."""
        return self.begin + timedelta(seconds=self.loop.time())

    def wall(self) -> datetime:
        """What the machine's wall clock says."""
        return self.true_now() + self.offset

    def at(self, moment: float, what: Callable[..., object], *args: Any) -> None:
        """Let something happen at a moment; whoever rests is awake by then."""
        self.quiet.foresee(moment)
        self.loop.later(moment - self.loop.time(), what, *args)

    def _next_due(self) -> float:
        """Return in how many seconds the store has something to do."""
        wall = (self.wall() - _EPOCH) // timedelta(microseconds=1)
        first, armed = self.store.raw.execute(_AHEAD).fetchone()
        moments = [armed + self.config.safety.quiet // timedelta(microseconds=1)] if armed else []
        if first and first <= wall:
            first = wall if armed else self._kept_back(wall)
        moments += [first] if first else []
        return (min(moments) - wall) / 1e6 if moments else LONGEST

    def _kept_back(self, wall: int) -> int | None:
        """Return until when a limit keeps back what is due, None where only a human can let it go."""
        held, quota = self.store.read(self._limits)
        if held:
            return None
        return (quota.until - _EPOCH) // timedelta(microseconds=1) if quota.until else wall

    def _limits(self, tx: Connection) -> tuple[str, Quota]:
        box = self.config.mailboxes[0]
        return mailboxes.get(tx, box.name).hold, pace.quota(tx, box, self.wall(), terms.ZONE, 0.8)

    # -- what is written down

    def tell(self, actor: str, what: str) -> None:
        """Write an event into the trace."""
        self.trace.append(f"{self.loop.time():.6f} {actor} {what}")
        self.counts[actor] = self.counts.get(actor, 0) + 1

    def row_of(self, message_id: str) -> Row | None:
        """Return what the ledger says of a message."""
        found = self.store.ask(f"{_ROWS} WHERE message_id = ?", message_id)
        return Row(*found[0][1:]) if found else None

    def _written(self, written: Write) -> None:
        self.tell("write", written.message.recipient)
        message_id = written.message.message_id
        held = self.store.ask("SELECT hold, held_at FROM mailboxes WHERE hold <> ''")
        rests = Rest(held[0][0], _moment(held[0][1])) if held else Rest()
        armed = self.store.ask("SELECT armed_at FROM touches WHERE message_id = ?", message_id)
        self.oracle.wrote(written, self.row_of(message_id), rests, _moment(armed[0][0]) if armed else None)

    def _accepted(self, dot: Dot) -> None:
        row = self.row_of(dot.message.message_id)
        self.tell("dot", f"{dot.message.recipient} {row and row.step}")
        self.oracle.accepted(dot, row, self.true_now())
        self.people[dot.message.recipient].received.append(dot.message.raw)
        self._file_copy(dot)
        self.heard(dot)

    def _file_copy(self, dot: Dot) -> None:
        copies = self.terms.sent_copy
        lag = self.chance.choice((0.5, 0.5, 20.0, 200.0))
        if copies is SentCopy.SERVER and self.terms.files:
            self.at(self.loop.time() + lag, self.imap.deliver, dot.message.raw, "Sent")
        elif copies is SentCopy.SELF and dot.message.copy_to:
            self.at(self.loop.time() + lag, self.imap.deliver, dot.message.raw, "INBOX")

    def heard(self, dot: Dot) -> None:
        """Let the prospect react; the cast overrides it."""

    # -- the product

    async def edge(self) -> None:
        """A state edge of the product: here a process may stall, stop or die."""
        if not await self.step():
            await asyncio.sleep(0)
            owner = process()
            if owner is not None:
                owner.alive()

    async def step(self) -> bool:
        """A moment between two lines of the product; returns whether something happened to the process there."""
        owner = process()
        if owner is None:
            return False
        owner.alive()
        self.fuse -= 1
        tripped = self.fuse == 0 or (self.edge_odds > 0 and self.chance.random() < self.edge_odds)
        if tripped:
            await self.trip_up(owner)
            owner.alive()
        return tripped

    async def trip_up(self, owner: Process) -> None:
        """Something happens to a process between two lines; the nemesis overrides it."""
        await asyncio.sleep(0)

    def boot(self) -> None:
        """Start the daemon."""
        self.boots += 1
        owner = Process(f"boot{self.boots}")
        space = Workspace(
            self.config, self.library, self.store, self.clock, owner.name, bytes(32), self.chance.random, _WORDING
        )
        self.daemon = Daemon(owner, space)
        self.tell("boot", owner.name)
        task = self.loop.task_of(owner, self._serve(self.daemon))
        self.daemon.services.append(task)

    async def _serve(self, daemon: Daemon) -> None:
        try:
            await self._serve_all(daemon)
        except Exception as fault:  # noqa: BLE001 - whatever ends the daemon is a finding
            self.oracle.breaks("I15", f"the daemon died: {type(fault).__name__}: {fault}")

    async def _serve_all(self, daemon: Daemon) -> None:
        space, parts = daemon.workspace, self.parts
        box = self.config.mailboxes[0]
        unknown = await self.store.run(lambda tx: touches.recover(tx, space.boot_id))
        if unknown:
            self.tell("doubt", str(unknown))
        space.unsteady = Steadiness(self.clock, await self.store.run(timeline.newest_at))
        inbox = parts.inbox(self.imap)
        inbox.waits = self.rest_until
        watcher = parts.watcher(space, box, inbox)
        sender = parts.sender(space, box, parts.mailer(self.smtp, self.clock, box.smtp.connections), watcher)
        if parts.armoury is not None:
            sender._armoury = parts.armoury(space, watcher.fence)
        resolver = Resolver(space, {box.name: watcher})
        agenda = Agenda(space, lambda names: sender.wake.set() if names else None)
        watcher.heard = sender.wake.set
        daemon.agenda = agenda
        space.changed = lambda: self._soon(daemon, agenda.wake)
        space.doubted = lambda: self._soon(daemon, resolver.wake)
        space.longest_sleep = timedelta(seconds=LONGEST)
        services = [asyncio.ensure_future(serve(one, daemon.stop)) for one in (watcher, sender, resolver, agenda)]
        done, _ = await asyncio.wait(services, return_when=asyncio.FIRST_EXCEPTION)
        await sender.close(20.0)
        for service in services:
            if service in done and service.exception() is not None:
                raise service.exception() or AssertionError

    def _soon(self, daemon: Daemon, event: asyncio.Event) -> None:
        if not daemon.process.dead:
            self.loop.call_soon(event.set)

    def notice(self) -> None:
        """Let the daemon notice, within half a second, that another process wrote to the store."""
        daemon = self.daemon
        if daemon is not None and daemon.agenda is not None:
            self.loop.later(self.chance.uniform(0.05, 0.55), daemon.agenda.wake.set)

    async def rest_until(self, news: asyncio.Event, seconds: float) -> bool:
        """Wait for news, as IDLE does."""
        waits = [asyncio.ensure_future(self.quiet.rest(seconds, listens=True)), asyncio.ensure_future(news.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waits:
                task.cancel()
        return news.is_set()

    # -- the course

    def furnish(self) -> None:
        """Fill the store, and plan who is enrolled when."""
        box = self.config.mailboxes[0].name
        self.store.transact(lambda tx: mailboxes.make_known(tx, [box]))
        for number in range(self.scale.people):
            zone, country = self.chance.choice(PLACES)
            person = Person(f"p{number}@x{number % 7}.example", zone, country)
            self.people[person.email] = person
            row = {"email": person.email, "mailbox": box, "timezone": zone, "country": country}
            row |= {"fields": {"first_name": f"Ann{number}"}, "created_at": self.wall()}
            self.store.transact(lambda tx, row=row: tx.execute(prospects.insert().values(**row)))
            self.at(self.chance.uniform(60, 0.6 * self.scale.days * 86_400), self.enrol, person.email)

    def enrol(self, email: str, sequence: str = "plan") -> None:
        """A human begins a sequence for somebody."""
        space = self.office()
        try:
            self.store.transact(lambda tx: moves.enrol(tx, space, email, sequence, space.now()))
        except RefusedError:  # somebody was enrolled already, or has opted out
            return
        self.oracle.begun_again(email)
        self.tell("enrol", email)
        self.notice()

    def office(self) -> Workspace:
        """Return the workspace of a command that a human runs beside the daemon."""
        return Workspace(
            self.config, self.library, self.store, self.clock, "office", bytes(32), self.chance.random, _WORDING
        )

    def run(self) -> Course:
        """Let it all happen."""
        asyncio.set_event_loop(self.loop)
        try:
            self._run()
        finally:
            asyncio.set_event_loop(None)
            self.loop.close()
        digest = hashlib.sha256("\n".join(self.trace).encode()).hexdigest()
        return Course(self.seed, digest, len(self.smtp.dots), self.oracle.broken, self.counts, self.trace)

    def _run(self) -> None:
        self.loop.most_rounds = ROUNDS * self.scale.people * (self.scale.days + self.scale.calm)
        try:
            self.loop.run_until_complete(self.loop.task_of_world(self._live()))
        except UnrestError as unrest:
            self.oracle.breaks("I13", str(unrest))
            self.loop.rounds = 0
            if self.daemon is not None:
                self.loop.run_until_complete(self.loop.task_of_world(self.loop.kill(self.daemon.process)))

    async def _live(self) -> None:
        self.furnish()
        self.boot()
        self.begin_faults()
        await asyncio.sleep(self.scale.days * 86_400)
        self.end_faults()
        await asyncio.sleep(self.scale.calm * 86_400)
        self.judge_end()
        if self.daemon is not None:
            await self.loop.kill(self.daemon.process)

    def begin_faults(self) -> None:
        """Let the nemesis loose; a world without one has none."""

    def end_faults(self) -> None:
        """From here on everything must come right."""
        self.faulty = False
        self.edge_odds = 0.0
        self.smtp.odds = Odds()

    def judge_end(self) -> None:
        """Compare the store with the facts."""
        for fault in self.loop.faults:
            self.oracle.breaks("world", fault)
        ask = self.store.ask
        self.oracle.moved(ask("SELECT id, before, after FROM moves"))
        self.oracle.rows_at_the_end({row[0]: Row(*row[1:]) for row in ask(_ROWS)})
        live = {f"{row[0]} {row[1]}": (row[2], row[3], _moment(row[4]), row[5]) for row in ask(_LIVE)}
        self.oracle.course_at_the_end(live, self.true_now())
        self.oracle.questions_at_the_end(row[0] for row in ask(_UNASKED))
        self.oracle.followed_at_the_end(row[0] for row in ask(_LOST))
        read: dict[str, list[datetime]] = {}
        for email, at in ask(_EFFECTS):
            read.setdefault(email, []).append(_EPOCH + timedelta(microseconds=at))
        self.oracle.answers_at_the_end(read, self.begin)
        for _ in ask("SELECT id FROM inbound WHERE evidence LIKE '%fault of cadenced%'"):
            self.oracle.breaks("I18", "a mail led to a fault of the product")


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


_WORDING = Settings(select=frozenset({"guilt"}))
_AHEAD = """
SELECT (SELECT min(due_at) FROM enrolments WHERE lane IN ('mail', 'desk')),
       (SELECT min(armed_at) FROM touches WHERE state = 'unknown')
"""
_ROWS = "SELECT message_id, recipient, sequence, step, generation, state, sha256, boot_id, evidence FROM touches"
_UNASKED = """
SELECT t.message_id FROM touches t JOIN enrolments e ON e.id = t.enrolment_id
WHERE t.state = 'in_doubt' AND NOT EXISTS (SELECT 1 FROM tasks q WHERE q.touch_id = t.id AND q.done_at IS NULL)
"""
_LOST = """
SELECT p.email FROM prospects p WHERE p.email NOT IN (SELECT email FROM suppressions)
AND (SELECT count(*) FROM enrolments e WHERE e.prospect_id = p.id AND e.outcome = 'moved to nurture')
  > (SELECT count(*) FROM enrolments e WHERE e.prospect_id = p.id AND e.sequence = 'nurture')
"""
_LIVE = """
SELECT p.email, e.sequence, e.state, e.step, e.due_at,
       (SELECT count(*) FROM tasks t WHERE t.enrolment_id = e.id AND t.done_at IS NULL)
FROM enrolments e JOIN prospects p ON p.id = e.prospect_id
WHERE e.state IN ('active', 'paused', 'awaiting_task')
"""
_EFFECTS = """
SELECT p.email, v.at FROM events v JOIN prospects p ON p.id = v.prospect_id
WHERE v.event IN ('replied', 'opted_out')
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

__all__ = ["Course", "Daemon", "Dead", "Parts", "Scale", "World"]

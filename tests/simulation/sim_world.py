"""One world from one seed: the product's own services on virtual time, its own store in memory, all else invented.

``World(seed, scale).run()`` returns a ``Course`` with what happened, a digest of it, and what broke.
"""

from __future__ import annotations

import asyncio
import hashlib
import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from cadenced.config.values import SentCopy
from cadenced.core.planner import Quota
from cadenced.engine import moves, pace
from cadenced.engine.armoury import Armoury
from cadenced.engine.resolver import Resolver
from cadenced.engine.sender import Sender
from cadenced.engine.service import serve
from cadenced.engine.steadiness import Steadiness
from cadenced.engine.watcher import Watcher
from cadenced.engine.workspace import Workspace
from cadenced.store import mailboxes, timeline, touches
from cadenced.store.database import Database
from cadenced.store.schema import prospects
from cadenced.wording.settings import Settings
from simulation import settings_of_worlds as terms
from simulation.oracle import Oracle, Row
from simulation.sim_imap import ImapServer, SimInbox
from simulation.sim_people import Pen, Person
from simulation.sim_smtp import Dot, Odds, SimMailer, SmtpServer, Write
from simulation.virtual_loop import Dead, Process, UnrestError, VirtualLoop, process

BEGIN = datetime(2026, 1, 1, 7, tzinfo=UTC)
PLACES = (("Europe/Paris", "FR"), ("America/New_York", "US"), ("Asia/Tokyo", "JP"))
TICK = 30.0
"""A rest of just so many seconds is a service's tick: while nothing is ahead it may be longer, for speed's sake."""
ROUNDS = 400
"""Rounds of the loop for a person and a day, beyond which something spins; a busy world needs 130."""
LONGEST_REST = 6 * 3600.0


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
    """What a mutant replaces."""

    watcher: type[Watcher] = Watcher
    sender: type[Sender] = Sender
    armoury: type[Armoury] | None = None
    mailer: type[SimMailer] = SimMailer
    inbox: type[SimInbox] = SimInbox
    barrier: bool = True


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
        await self._world.rest(span.total_seconds())


class SimStore(Database):
    """The real store; each transaction is a place where a process may stall, stop or die, before it or after it."""

    world: World

    async def run(self, work: Callable[[Connection], Any]) -> Any:
        await self.world.edge()
        result = self.transact(work)
        await self.world.edge()
        return result


_STORE: SimStore | None = None
_FRESH = b""
_CONNECTION: Any = None


def fresh_store() -> SimStore:
    """Return the one store in memory, empty: opening and migrating a new one takes longer than a world."""
    global _STORE, _FRESH  # noqa: PLW0603 - one engine keeps its compiled statements over all worlds
    if _STORE is None:
        _STORE = SimStore("sqlite://", inline=True)
        _STORE.open()
        _FRESH = _raw(_STORE).serialize()
    _raw(_STORE).deserialize(_FRESH)
    return _STORE


def _raw(store: SimStore) -> Any:
    global _CONNECTION  # noqa: PLW0603 - as above
    if _CONNECTION is None:
        _CONNECTION = store._engine.raw_connection()
    return _CONNECTION.driver_connection


@dataclass(slots=True)
class _Rest:
    wake_at: float
    earliest: float
    listens: bool
    done: asyncio.Future[None]
    timer: asyncio.TimerHandle

    def tick_from(self, moment: float) -> float:
        """Return the first of the service's own ticks that is not before a moment: nobody knows what comes."""
        return self.earliest + TICK * math.ceil(max(0.0, moment - self.earliest) / TICK)


@dataclass(slots=True)
class Daemon:
    """One boot."""

    process: Process
    workspace: Workspace
    senders: list[Sender] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)
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
        self.begin = BEGIN + timedelta(days=self.chance.randrange(0, 300))
        self.offset = timedelta()
        self.store = fresh_store()
        self.store.world = self
        self.terms = self._draw_terms()
        self.config = terms.config(self.terms)
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
        self._rests: dict[int, _Rest] = {}
        self._upcoming: list[float] = []
        safety = self.config.safety
        w = (safety.fence_age + safety.arm_ttl).total_seconds() + 0.5
        self.oracle = Oracle(w, self.terms.min_gap.total_seconds(), self.terms.daily_limit)
        self.smtp.on_accept = self._accepted
        self.smtp.on_write = self._written

    def _draw_terms(self) -> terms.Terms:
        chance = self.chance
        copies = chance.choice((SentCopy.SERVER, SentCopy.SERVER, SentCopy.SELF, SentCopy.APPEND, SentCopy.NONE))
        gap = timedelta(seconds=chance.choice((0, 0, 30, 90)))
        limit = chance.choice((0, 0, max(2, self.scale.people // 3)))
        return terms.Terms(copies, gap, limit, chance.choice((1, 4)))

    # -- time

    def true_now(self) -> datetime:
        """The time that it really is."""
        return self.begin + timedelta(seconds=self.loop.time())

    def wall(self) -> datetime:
        """What the machine's wall clock says."""
        return self.true_now() + self.offset

    def at(self, moment: float, what: Callable[..., object], *args: Any) -> None:
        """Let something happen at a moment; whoever rests is awake by then."""
        self.foresee(moment)
        self.loop.later(moment - self.loop.time(), what, *args)

    def foresee(self, moment: float, *, everybody: bool = False) -> None:
        """Let no listener rest beyond a moment at which something happens, except for its tick."""
        self._upcoming.append(moment)
        for rest in list(self._rests.values()):
            if rest.wake_at > rest.tick_from(moment) and (rest.listens or everybody):
                self._wake_by(rest, rest.tick_from(moment))

    def _wake_by(self, rest: _Rest, moment: float) -> None:
        rest.timer.cancel()
        rest.wake_at = moment
        rest.timer = self.loop.later(moment - self.loop.time(), _finish, rest.done)

    async def rest(self, seconds: float, *, listens: bool = False) -> None:
        """Sleep; a service's tick sleeps on while there is nothing to hear (or, where it does not listen, to do)."""
        if seconds != TICK:
            await asyncio.sleep(seconds)
            return
        now = self.loop.time()
        earliest = now + seconds
        ahead = self._next_happening(now) if listens else self._next_due(now)
        done = self.loop.create_future()
        rest = _Rest(0.0, earliest, listens, done, self.loop.later(seconds, _finish, done))
        ahead = min(ahead, now + LONGEST_REST)
        self._wake_by(rest, rest.tick_from(ahead) if listens else max(earliest, ahead))
        self._rests[id(rest)] = rest
        try:
            await done
        finally:
            rest.timer.cancel()
            del self._rests[id(rest)]

    def _next_happening(self, now: float) -> float:
        self._upcoming = [moment for moment in self._upcoming if moment > now]
        return min(self._upcoming, default=now + LONGEST_REST)

    def _next_due(self, now: float) -> float:
        """Return when the store has something to do next (loop time)."""
        wall = (self.wall() - _EPOCH) // timedelta(microseconds=1)
        raw = _raw(self.store)
        first = raw.execute("SELECT min(due_at) FROM enrolments WHERE lane IN ('mail', 'desk')").fetchone()[0]
        armed = raw.execute("SELECT min(armed_at) FROM touches WHERE state = 'unknown'").fetchone()[0]
        moments = [armed + self.config.safety.quiet // timedelta(microseconds=1)] if armed else []
        if first and first <= wall:
            first = wall if armed else self._kept_back(wall)
        moments += [first] if first else []
        return now + (min(moments) - wall) / 1e6 if moments else now + LONGEST_REST

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
        found = _raw(self.store).execute(f"{_ROWS} WHERE message_id = ?", (message_id,)).fetchone()
        return Row(*found[1:]) if found else None

    def _written(self, written: Write) -> None:
        self.tell("write", written.message.recipient)
        self.oracle.wrote(written, self.row_of(written.message.message_id))

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
        if copies is SentCopy.SERVER and (not self.faulty or self.chance.random() > 0.05):
            self.at(self.loop.time() + lag, self.imap.deliver, dot.message.raw, "Sent")
        elif copies is SentCopy.SELF and dot.message.copy_to:
            self.at(self.loop.time() + lag, self.imap.deliver, dot.message.raw, "INBOX")

    def heard(self, dot: Dot) -> None:
        """Let the prospect react; the cast overrides it."""

    # -- the product

    async def edge(self) -> None:
        """A state edge of the product: here a process may stall, stop or die."""
        owner = process()
        if owner is None:
            return
        owner.alive()
        if self.edge_odds and self.chance.random() < self.edge_odds:
            await self.trip_up(owner)
        else:
            await asyncio.sleep(0)
        owner.alive()

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
        daemon.senders, daemon.watchers = [sender], [watcher]
        space.changed = lambda: self._soon(daemon, sender.wake)
        space.doubted = lambda: self._soon(daemon, resolver.wake)
        services = [asyncio.ensure_future(serve(one, daemon.stop)) for one in (watcher, sender, resolver)]
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
        if daemon is not None:
            for sender in daemon.senders:
                self.loop.later(self.chance.uniform(0.05, 0.55), sender.wake.set)

    async def rest_until(self, news: asyncio.Event, seconds: float) -> bool:
        """Wait for news, as IDLE does."""
        waits = [asyncio.ensure_future(self.rest(seconds, listens=True)), asyncio.ensure_future(news.wait())]
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
        self.store.transact(lambda tx: moves.enrol(tx, space, email, sequence, space.now()))
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
        rows = self._ask(_ROWS)
        self.oracle.rows_at_the_end({row[0]: Row(*row[1:]) for row in rows})
        live = {f"{row[0]} {row[1]}": (row[2], row[3], _moment(row[4]), row[5]) for row in self._ask(_LIVE)}
        self.oracle.course_at_the_end(live, self.true_now())
        self.oracle.answers_at_the_end(dict(self._ask(_EFFECTS)))
        for _ in self._ask("SELECT id FROM inbound WHERE evidence LIKE '%fault of cadenced%'"):
            self.oracle.breaks("I18", "a mail led to a fault of the product")

    def _ask(self, question: str) -> list[Any]:
        return _raw(self.store).execute(question).fetchall()


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)


def _moment(microseconds: int | None) -> datetime | None:
    return None if microseconds is None else _EPOCH + timedelta(microseconds=microseconds)


_WORDING = Settings(select=frozenset({"guilt"}))
_ROWS = "SELECT message_id, recipient, sequence, step, generation, state, sha256, boot_id FROM touches"
_LIVE = """
SELECT p.email, e.sequence, e.state, e.step, e.due_at,
       (SELECT count(*) FROM tasks t WHERE t.enrolment_id = e.id AND t.done_at IS NULL)
FROM enrolments e JOIN prospects p ON p.id = e.prospect_id
WHERE e.state IN ('active', 'paused', 'awaiting_task')
"""
_EFFECTS = """
SELECT p.email, count(*) FROM events v JOIN prospects p ON p.id = v.prospect_id
WHERE v.event IN ('replied', 'opted_out') GROUP BY p.email
"""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

__all__ = ["Course", "Daemon", "Dead", "Parts", "Scale", "World"]

"""One world from one seed: the product's own services on virtual time, its own store in memory, all else invented.

``World(seed, scale).run()`` returns a ``Course`` with what happened, a digest of it, and what broke.
"""

from __future__ import annotations

import asyncio
import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from cadenced.config import Mailbox
from cadenced.config.values import SentCopy
from cadenced.core.planner import Quota
from cadenced.engine import moves, pace
from cadenced.engine.service import Service
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError
from cadenced.store import mailboxes
from cadenced.store.schema import prospects
from cadenced.wording.settings import Settings
from simulation import settings_of_worlds as terms
from simulation import sim_boot, sim_verdict
from simulation.oracle import Oracle, Rest, Row
from simulation.sim_boot import Daemon
from simulation.sim_imap import ImapServer
from simulation.sim_people import Pen, Person
from simulation.sim_rest import LONGEST, News, Quiet
from simulation.sim_scale import USUAL, Course, Parts, Scale
from simulation.sim_smtp import Dot, Odds, SmtpServer, Write
from simulation.sim_store import fresh_store
from simulation.sim_verdict import EPOCH, ROWS, moment
from simulation.virtual_loop import Dead, Process, UnrestError, VirtualLoop, process

BEGIN = datetime(2026, 1, 1, 7, tzinfo=UTC)
PLACES = (("Europe/Paris", "FR"), ("America/New_York", "US"), ("Asia/Tokyo", "JP"))
ROUNDS = 300
"""Rounds of the loop for a person and a day, beyond which something spins; a busy world needs 130."""


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


class World:
    """Everything there is."""

    def __init__(self, seed: int, scale: Scale = USUAL, parts: Parts | None = None) -> None:
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
        self.imaps = {box.name: ImapServer(self.loop, self.chance, self.true_now) for box in self.config.mailboxes}
        self.names = {box.address: box.name for box in self.config.mailboxes}
        self.pen = Pen(self.chance)
        self.people: dict[str, Person] = {}
        self.daemon: Daemon | None = None
        self.faulty = scale.faults
        self.edge_odds = 0.0
        self.trace: list[str] = []
        self.counts: dict[str, int] = {}
        self.boots = self.fuse = 0
        self._known_ahead: tuple[int, list[Any]] = (-1, [])
        self.oracle = Oracle(self.terms.min_gap.total_seconds(), self.terms.daily_limit)
        self._connect()

    def _connect(self) -> None:
        """Let the servers tell the world what happens to them."""
        if not self.scale.paced:
            self.smtp.hurry()
        for server in (self.smtp, *self.imaps.values()):
            server.on_step = self.step
        for imap in self.imaps.values():
            imap.on_change = self.quiet.stir
        self.smtp.on_accept = self._accepted
        self.smtp.on_write = self._written

    def _draw_terms(self) -> terms.Terms:
        chance = self.chance
        copies = chance.choice((SentCopy.SERVER, SentCopy.SERVER, SentCopy.SELF, SentCopy.APPEND, SentCopy.NONE))
        if self.scale.backups:  # where nobody files copies, a human alone can tell what was sent since the backup
            copies = chance.choice((SentCopy.SERVER, SentCopy.SELF))
        gap = timedelta(seconds=chance.choice((0, 0, 30, 90)))
        limit = chance.choice((0, 0, max(2, self.scale.people // 3)))
        limit = limit if self.scale.limit is None else self.scale.limit
        connections = chance.choice((1, 4))
        if not self.scale.paced:
            gap, connections = timedelta(), 16
            limit = chance.choice((0, 0, 60)) if self.scale.limit is None else limit
        drawn = terms.Terms(copies, gap, limit, connections, chance.random() < 0.8 or self.scale.backups)
        return replace(self.parts.climate.terms or drawn, boxes=self.scale.boxes)

    # -- time

    def true_now(self) -> datetime:
        """The time that it really is."""
        return self.begin + timedelta(seconds=self.loop.time())

    def wall(self) -> datetime:
        """What the machine's wall clock says."""
        return self.true_now() + self.offset

    def at(self, moment: float, what: Callable[..., object], *args: Any) -> None:
        """Let something happen at a moment."""
        self.loop.later(moment - self.loop.time(), what, *args)

    def _next_due(self) -> float:
        """Return in how many seconds the store has something to do; an unread inbox is tried again at once."""
        if self.daemon is not None and any(one.synced_at is None for one in self.daemon.watchers):
            return 0.0
        wall = (self.wall() - EPOCH) // timedelta(microseconds=1)
        rows = self._ahead()
        armed = rows[0][-1]
        moments = [self._doubts_ahead(armed, wall)] if armed else []
        for name, *lanes, _ in rows:
            first = min((one for one in lanes if one), default=None)
            if first and first <= wall:
                first = self._kept_back(name, wall) if self.store.ask(_LEFT, name, wall) else self._after(name, wall)
            moments += [first] if first else []
        return (min(moments) - wall) / 1e6 if moments else LONGEST

    def _ahead(self) -> list[Any]:
        """Return what is ahead in the store; it is asked again where anything was written since."""
        written = self.store.raw.total_changes
        if self._known_ahead[0] != written:
            self._known_ahead = (written, self.store.ask(_AHEAD))
        return self._known_ahead[1]

    def _after(self, name: str, wall: int) -> int | None:
        """Return when more is due where all that is due is on the wire: its end is heard of."""
        ((first,),) = self.store.ask(_LATER, name, wall)
        return first  # type: ignore[no-any-return] # a number of SQLite's, or none

    def _doubts_ahead(self, armed: int, wall: int) -> int:
        """Return when a doubt is looked into (again)."""
        quiet = armed + self.config.safety.quiet // timedelta(microseconds=1)
        if quiet > wall or self.daemon is None or self.daemon.resolver is None:
            return quiet
        seconds = [one.next_at for one in self.daemon.resolver._inquiries.values()]
        known = [one - self.loop.time() for one in seconds if one is not None]
        ((count,),) = self.store.ask(_DOUBTS)
        return wall + int(min(known) * 1e6) if count == len(known) else wall

    def _kept_back(self, name: str, wall: int) -> int | None:
        """Return until when a limit keeps back what is due, None where only a human can let it go."""
        held, quota = self.store.read(lambda tx: self._limits(tx, self.config.mailbox(name)))
        if held:
            return None
        return (quota.until - EPOCH) // timedelta(microseconds=1) if quota.until else wall

    def _limits(self, tx: Connection, box: Mailbox | None) -> tuple[str, Quota]:
        assert box is not None
        return mailboxes.get(tx, box.name).hold, pace.quota(tx, box, self.wall(), terms.ZONE, 0.8)

    # -- what is written down

    def tell(self, actor: str, what: str) -> None:
        """Write an event into the trace."""
        self.trace.append(f"{self.loop.time():.6f} {actor} {what}")
        self.counts[actor] = self.counts.get(actor, 0) + 1

    def row_of(self, message_id: str) -> Row | None:
        """Return what the ledger says of a message."""
        found = self.store.ask(f"{ROWS} WHERE message_id = ?", message_id)
        return Row(*found[0][1:]) if found else None

    def _written(self, written: Write) -> None:
        self.tell("write", written.message.recipient)
        name = self.names[written.message.mail_from]
        held = self.store.ask("SELECT hold, held_at FROM mailboxes WHERE hold <> '' AND name = ?", name)
        rests = Rest(held[0][0], moment(held[0][1])) if held else Rest()
        found = self.store.ask(_ARMED, written.message.message_id)
        row, armed = (Row(*found[0][1:-1]), moment(found[0][-1])) if found else (None, None)
        self.oracle.wrote(written, row, rests, armed)

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
            self.at(self.loop.time() + lag, self.imap_of(dot.message.mail_from).deliver, dot.message.raw, "Sent")
        elif copies is SentCopy.SELF and dot.message.copy_to:
            self.at(self.loop.time() + lag, self.imap_of(dot.message.mail_from).deliver, dot.message.raw, "INBOX")

    def imap_of(self, ours: str) -> ImapServer:
        """Return the inbox behind an address of ours."""
        return self.imaps[self.names[ours]]

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
        self.daemon = sim_boot.boot(self)

    def notice(self) -> None:
        """Let the daemon notice, within half a second, that another process wrote to the store."""
        daemon = self.daemon
        if daemon is not None and daemon.agenda is not None:
            self.loop.later(self.chance.uniform(0.05, 0.55), daemon.agenda.wake.set)

    async def guards(self, space: Workspace) -> Sequence[Service]:
        """Return what else runs in a daemon; a world with backups overrides it."""
        del space
        return ()

    async def rest_until(self, imap: ImapServer, news: News, seconds: float) -> bool:
        """Wait for news of an inbox, as IDLE does."""
        if not news.is_set():
            await self.quiet.rest(seconds, imap, news)
        return news.is_set()

    # -- the course

    def furnish(self) -> None:
        """Fill the store, and plan who is enrolled when."""
        boxes = self.config.mailboxes
        self.store.transact(lambda tx: mailboxes.make_known(tx, [box.name for box in boxes]))
        rows = []
        begins = 0.0
        for number in range(self.scale.people):
            zone, country = self.chance.choice(PLACES)
            box = boxes[(number if self.scale.paced else number // self.scale.together) % len(boxes)]
            person = Person(f"p{number}@x{number % 7}.example", zone, country, box.address)
            self.people[person.email] = person
            row = {"email": person.email, "mailbox": box.name, "timezone": zone, "country": country}
            rows.append(row | {"fields": {"first_name": f"Ann{number % 50}"}, "created_at": self.wall()})
            sequence = "other" if len(boxes) > 1 and number % 3 == 2 else "plan"
            if number % self.scale.together == 0:
                begins = self.chance.uniform(60, self._enrolled_by)
            self.at(begins, self.enrol, person.email, sequence)
        self.store.transact(lambda tx: tx.execute(prospects.insert(), rows))

    @property
    def _enrolled_by(self) -> float:
        """Return the seconds by which everybody has begun: late enough for most of a course to lie before the end."""
        return max(0.6 * self.scale.days, self.scale.days - 60.0) * 86_400

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
        return self.workspace("office")

    def workspace(self, boot: str) -> Workspace:
        """Return what a process of ours works with."""
        return Workspace(
            self.config, self.library, self.store, self.clock, boot, bytes(32), self.chance.random, _WORDING
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
        sim_verdict.judge(self)


_WORDING = Settings(select=frozenset({"guilt"}))
_ARMED = f"{ROWS.replace(' FROM', ', armed_at FROM')} WHERE message_id = ?"
_AHEAD = """
SELECT m.name,
       (SELECT min(due_at) FROM enrolments WHERE mailbox = m.name AND lane = 'mail' AND fresh = 0 AND due_at > 0),
       (SELECT min(due_at) FROM enrolments WHERE mailbox = m.name AND lane = 'mail' AND fresh = 1 AND due_at > 0),
       (SELECT min(due_at) FROM enrolments WHERE mailbox = m.name AND lane = 'desk' AND fresh = 0 AND due_at > 0),
       (SELECT min(due_at) FROM enrolments WHERE mailbox = m.name AND lane = 'desk' AND fresh = 1 AND due_at > 0),
       (SELECT min(armed_at) FROM touches
        WHERE state IN ('claimed', 'armed', 'unknown', 'in_doubt') AND state = 'unknown')
FROM mailboxes m
"""

_LEFT = """
SELECT 1 FROM enrolments e
WHERE mailbox = ?1 AND lane IN ('mail', 'desk') AND fresh IN (0, 1) AND due_at <= ?2 AND NOT EXISTS
  (SELECT 1 FROM touches t WHERE t.enrolment_id = e.id AND t.state IN ('claimed', 'armed')) LIMIT 1
"""
_LATER = """
SELECT min(due_at) FROM (
  SELECT min(due_at) AS due_at FROM enrolments WHERE mailbox = ?1 AND lane = 'mail' AND fresh = 0 AND due_at > ?2
  UNION ALL SELECT min(due_at) FROM enrolments WHERE mailbox = ?1 AND lane = 'mail' AND fresh = 1 AND due_at > ?2
  UNION ALL SELECT min(due_at) FROM enrolments WHERE mailbox = ?1 AND lane = 'desk' AND fresh = 0 AND due_at > ?2
  UNION ALL SELECT min(due_at) FROM enrolments WHERE mailbox = ?1 AND lane = 'desk' AND fresh = 1 AND due_at > ?2)
"""
_DOUBTS = """
SELECT count(*) FROM touches WHERE state IN ('claimed', 'armed', 'unknown', 'in_doubt') AND state = 'unknown'
"""

__all__ = ["Course", "Daemon", "Dead", "Parts", "Scale", "World"]

"""A rehearsal: the product's own services on a virtual clock, a store in memory, and ports that reach nobody.

Time jumps to the next moment at which anything can happen. At each moment the services tick in a fixed order, what
is on the wire ends, and this is repeated until nothing moves. The same input gives the same course.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from cadenced.config import Config
from cadenced.engine import intake_import
from cadenced.engine.intake_import import File, ImportResult
from cadenced.engine.resolver import Resolver
from cadenced.engine.sender import Sender
from cadenced.engine.service import Service
from cadenced.engine.watcher import Watcher
from cadenced.engine.workspace import TICK, Workspace
from cadenced.library import Library
from cadenced.sandbox import horizon
from cadenced.sandbox.chronicle import Happening, since
from cadenced.sandbox.clocks import VirtualClock
from cadenced.sandbox.desk import Desk
from cadenced.sandbox.memory import MemoryDatabase
from cadenced.sandbox.ports import WATCHED, RehearsalInbox, RehearsalMailer, Sent
from cadenced.sandbox.script import Heard, Script
from cadenced.store import mailboxes, outlook, people, touches
from cadenced.wording.settings import DEFAULTS, Settings

BOOT = "rehearsal"
INSTALL_KEY = bytes(32)
_ROUNDS = 100_000


@dataclass(frozen=True, slots=True)
class Setting:
    """What a rehearsal begins with; ``start`` is the virtual clock's first moment (UTC)."""

    config: Config
    library: Library
    start: datetime
    wording: Settings = DEFAULTS


class Rehearsal:
    """One course of events. Nothing on disk is written and nothing leaves the process."""

    def __init__(self, setting: Setting, script: Script | None = None, desk: Desk | None = None) -> None:
        self.clock = VirtualClock(setting.start)
        database = MemoryDatabase()
        database.open()
        names = [box.name for box in setting.config.mailboxes]
        database.transact(lambda tx: mailboxes.make_known(tx, names))
        parts = (setting.config, setting.library, database, self.clock, BOOT, INSTALL_KEY)
        self.workspace = Workspace(*parts, lambda: horizon.CHANCE, setting.wording)
        self.script = script or Script()
        self.desk = desk or Desk()
        self.sent: list[Sent] = []
        self.inboxes = {name: RehearsalInbox(self.clock, WATCHED) for name in names}
        watchers = {box.name: Watcher(self.workspace, box, self.inboxes[box.name]) for box in setting.config.mailboxes}
        self._watchers = tuple(watchers.values())
        self._senders = {
            box.name: Sender(self.workspace, box, RehearsalMailer(self.clock, told=self._note), watchers[box.name])
            for box in setting.config.mailboxes
        }
        resolver = Resolver(self.workspace, watchers)
        self._services: tuple[Service, ...] = (*self._watchers, *self._senders.values(), resolver)
        self._stirred = True
        self.workspace.changed = self._stir
        self.workspace.doubted = resolver.wake.set
        self._wake(self._services)

    def enrol(self, path: Path, sequence: str) -> ImportResult:
        """Import a file as the daemon would; RefusedError says why it is no list of prospects."""
        workspace = self.workspace
        file = File(path, path.name, sequence)
        return intake_import.import_file(workspace.database, file, workspace.rules(), workspace.now())

    async def run(self, until: datetime, enough: Callable[[datetime], bool] = lambda _: False) -> None:
        """Let everything happen up to ``until``, or to where nothing can happen any more, or it is ``enough``.

        ``enough`` is asked with the virtual time before each moment.
        """
        while not enough(self.clock.now()):
            least = await self._settle()
            moment = self._next(least)
            if moment is None or moment > until:
                self.clock.move_to(until)
                return
            self.clock.move_to(moment)

    def course(self) -> list[Happening]:
        """Return what happened, in order."""
        return self.workspace.database.read(lambda tx: since(tx, 0))

    def close(self) -> None:
        """Forget everything."""
        self.workspace.database.close()

    def _note(self, sent: Sent) -> None:
        self.sent.append(sent)
        email = sent.message.recipient
        if self.script.waits_for(email):
            self.workspace.database.read(lambda tx: self._hear(tx, sent, email))

    def _hear(self, tx: Connection, sent: Sent, email: str) -> None:
        touch, prospect = touches.get(tx, sent.message.touch), people.by_email(tx, email)
        if touch is not None and prospect is not None:
            self.script.hear(Heard(email, touch.step, sent.at, prospect.place, touch.mailbox, sent.message.raw))

    def _wake(self, services: Sequence[Service]) -> None:
        for service in services:
            service.wake.set()

    def _stir(self) -> None:
        self._stirred = True

    def _wake_concerned(self) -> None:
        """Wake the senders that may have something to do at this moment: who keeps a gap has none after a send."""
        self._stirred = False
        now = self.clock.now()
        last = self.sent[-1] if self.sent and self.sent[-1].at == now else None
        for name, ahead in self.workspace.database.read(outlook.of_all).items():
            box = self.workspace.config.mailbox(name)
            if box is None:
                continue
            busy = last is not None and bool(box.min_gap) and last.message.mail_from == box.address
            if ahead.waits("desk", now) or (ahead.waits("mail", now) and not busy):
                self._senders[name].wake.set()

    async def _settle(self) -> timedelta:
        """Do what is to be done at this moment; return the least span that a service wants to wait."""
        now = self.clock.now()
        for delivery in self.script.due(now):
            self.inboxes[delivery.mailbox].deliver(delivery.write(now))
            self._wake(self._watchers)
        self._stirred = True
        for _ in range(_ROUNDS):
            if self._stirred:
                self._work()
                self._wake_concerned()
            least = await self._round()
            if least > timedelta(0) and not self._stirred and not any(one.wake.is_set() for one in self._services):
                return least
        raise AssertionError("a rehearsal does not come to rest")  # pragma: no cover - a fault of a service

    def _work(self) -> bool:
        """Let the human work; returns whether there was anything to do."""
        if not self.workspace.database.read(lambda tx: self.desk.is_wanted(tx, self.clock.now())):
            return False
        return self.workspace.database.transact(lambda tx: self.desk.work(tx, self.workspace))

    async def _round(self) -> timedelta:
        """Let every service that was woken tick once, and what is on the wire end."""
        spans = {}
        sent = len(self.sent)
        for service in self._services:
            if service.wake.is_set():
                service.wake.clear()
                spans[service.name] = await service.tick()
        for sender in self._senders.values():
            await sender.drain()
            sender.wake.clear()
        for service in self._services:
            if spans.get(service.name) == timedelta(0):
                service.wake.set()
        if len(self.sent) > sent:
            return TICK  # who has sent need not look again soon: the store is asked
        return min([TICK, *spans.values()])

    def _next(self, least: timedelta) -> datetime | None:
        """Return the next moment at which anything can happen: what a service asked for, else what the store knows."""
        now = self.clock.now()
        soonest = [self.script.next_at(), self.desk.next_at]
        soonest.append(now + least if least < TICK else horizon.next_moment(self.workspace))
        return min((moment for moment in soonest if moment is not None), default=None)

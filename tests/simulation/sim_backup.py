"""An older database is put back in mid-course (RELIABILITY 2.7): what was sent, answered and done since is forgotten.

The file beside the database stays what it is, as it does when a human puts a backup back. That human then releases the
mailboxes once every inbox has been read, and brings in again who was enrolled since the backup and has not answered:
an answer in the thread from somebody else's address is nobody's where the enrolment is not known (docs/simulation.md).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import Connection

from cadenced.engine import restore
from cadenced.engine.restore import Guard
from cadenced.engine.service import Service
from cadenced.engine.workspace import TICK, Workspace
from cadenced.store import instance, tasks
from cadenced.store.instance import Mark
from simulation import settings_of_worlds as terms
from simulation.sim_office import Office
from simulation.sim_reactions import DAY, HOUR
from simulation.sim_scale import USUAL, Parts, Scale

LEAST_AGE = 2 * HOUR
"""A backup is at least so old when it is put back."""


class SimGuard(Guard):
    """The product's guard, whose file is a fact of the world."""

    def __init__(self, world: Backups, workspace: Workspace) -> None:
        super().__init__(workspace, terms.NOWHERE)
        self._world = world

    async def begin(self) -> None:
        space = self._workspace
        mark = await space.database.run(lambda tx: restore.begin(tx, space, self._world.mark))
        space.away = await space.database.run(restore.away)
        await self._write(mark)
        await space.database.run(instance.note_filed)

    async def rest(self, span: timedelta) -> None:
        del span  # a second; here a look more often than sends are counted would cost more than the world
        await self._workspace.clock.sleep(TICK)

    async def _write(self, mark: Mark) -> None:
        self._known = mark.last_send_seq
        self._wrote_at = self._workspace.clock.monotonic()
        self._world.mark = mark


class Backups(Office):
    """A world in which backups are made, and put back."""

    mark: Mark | None = None
    _backup: sqlite3.Connection | None = None
    _made_at = 0.0

    def __init__(self, seed: int, scale: Scale = USUAL, parts: Parts | None = None) -> None:
        self._brought_in: list[tuple[float, str, str]] = []
        super().__init__(seed, scale, parts)

    def fall(self) -> None:
        """End the daemon on the spot; the nemesis overrides it."""

    def rise(self) -> None:
        """Start it where there is none; the nemesis overrides it."""

    async def guards(self, space: Workspace) -> Sequence[Service]:
        if not self.scale.backups:
            return ()
        guard = SimGuard(self, space)
        await guard.begin()
        return (guard,)

    def enrol(self, email: str, sequence: str = "plan") -> None:
        super().enrol(email, sequence)
        self._brought_in.append((self.loop.time(), email, sequence))

    def make_backup(self) -> None:
        """Copy the database, as it is."""
        if not self.offset and not self.store.read(instance.restored):
            self._backup, self._made_at = self.store.copied(), self.loop.time()

    def put_back(self) -> None:
        """Put the last backup in the place of the database, if the file knows more than it."""
        if self._backup is None or self.offset or self.loop.time() - self._made_at < LEAST_AGE:
            return
        self.fall()
        if not self._is_behind(self._backup):
            return  # it knows all that was counted; what was sent in the last seconds alone is not
        self.tell("restore", f"{(self.loop.time() - self._made_at) / HOUR:.0f} hours old")
        self.store.put_back(self._backup)
        lost = {email for at, email, _ in self._brought_in if at > self._made_at}
        self.oracle.forgot(self._made_at, self.loop.time(), lost)
        self._backup = None
        self.rise()
        self.at(self.loop.time() + DAY, self._let_go_on, self._made_at)

    def _is_behind(self, backup: sqlite3.Connection) -> bool:
        known = dict(backup.execute("SELECT key, value FROM meta WHERE key IN ('boot_counter', 'send_seq')").fetchall())
        mark = self.mark
        return mark is not None and mark.last_send_seq > int(known.get("send_seq", 0))

    def _let_go_on(self, since: float) -> None:
        """Release, once every inbox has been read since; and bring in again who was brought in since the backup."""
        daemon = self.daemon
        is_read = daemon is not None and not daemon.process.dead and all(one.synced_at for one in daemon.watchers)
        if self.offset or not is_read:
            self.at(self.loop.time() + 6 * HOUR, self._let_go_on, since)
            return
        self.store.transact(lambda tx: restore.release(tx, self.office()))
        self.oracle.resting_since = None
        self.tell("human", "release --restored")
        for at, email, sequence in list(self._brought_in):
            if at > since and not self.oracle.answered_since(email, since):
                super().enrol(email, sequence)
        self.notice()

    def _do(self, task: tasks.OpenTask) -> None:
        if task.kind != "restored":
            super()._do(task)

    def _release(self, name: str) -> None:
        if not self.store.read(lambda tx: self._rests_for_a_restore(tx, name)):
            super()._release(name)

    def _rests_for_a_restore(self, tx: Connection, name: str) -> bool:
        found = instance.restored(tx)
        return found is not None and name in found.held

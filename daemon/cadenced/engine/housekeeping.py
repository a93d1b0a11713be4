"""Keeps the house: takes up edited sequences and templates, and notices what other processes wrote to the store."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Protocol

from sqlalchemy import Connection

from cadenced import systemd
from cadenced.engine import desk
from cadenced.engine.workspace import Workspace
from cadenced.errors import BrokenWorkspaceError, Problem
from cadenced.library import Library
from cadenced.library.admission import judge
from cadenced.store import admitted, edits

log = logging.getLogger(__name__)

LOOK = timedelta(seconds=0.5)
RELOAD = timedelta(seconds=2)


class Shelf(Protocol):
    """Sequences and templates on disk."""

    def changed(self) -> bool:
        """Whether the files differ from what was read last, and have been still for a moment."""
        ...

    def forget(self) -> None:
        """Let ``changed`` speak again although no file has changed."""
        ...

    def reload(self) -> Library:
        """Read everything; BrokenWorkspaceError with all problems, and the old library stays."""
        ...


class Housekeeping:
    """Looks about twice a second; cheap when nothing has happened."""

    def __init__(self, workspace: Workspace, shelf: Shelf, notice: Callable[[], None]) -> None:
        self.name = "housekeeping"
        self.wake = asyncio.Event()
        self.idle = True
        self.asked = False
        self.ticked_at = workspace.clock.monotonic()
        self._workspace = workspace
        self._shelf = shelf
        self._notice = notice
        self._is_new = True
        """What the daemon began with was read a moment ago, and is in force."""
        self._version = -1
        self._looked_at = float("-inf")

    async def tick(self) -> timedelta:
        """Compare, and pass on what changed."""
        clock = self._workspace.clock
        if self.asked or clock.monotonic() - self._looked_at >= RELOAD.total_seconds():
            self._looked_at = clock.monotonic()
            await self._take_up()
        self.ticked_at = clock.monotonic()
        version = await self._workspace.database.run_outside(self._workspace.database.version)
        if version != self._version:
            self._version = version
            self._notice()
        return LOOK

    async def rest(self, span: timedelta) -> None:
        """Sleep in real time: files and other processes do not follow a fast clock."""
        await asyncio.sleep(span.total_seconds())

    async def _take_up(self) -> None:
        """Read sequences and templates again where they have changed; broken ones are refused as a whole.

        Asked for or not, files are read only when they have been still for a moment: never half of one.
        """
        if self.asked:
            self.asked = False
            systemd.reloading()
            self._shelf.forget()
        if self._is_new:
            self._is_new = False
            await self._note_in_force()
        if not await asyncio.to_thread(self._shelf.changed):
            return
        await self._read()
        systemd.ready()

    async def _read(self) -> None:
        before = self._workspace.library
        try:
            self._workspace.library = await asyncio.to_thread(self._shelf.reload)
        except BrokenWorkspaceError as broken:
            await self._refuse(broken.problems)
            return
        await self._note_in_force()
        log.info("sequences and templates taken up")
        mended = _edited(before, self._workspace.library)
        await self._workspace.database.run(lambda tx: desk.reconsider(tx, self._workspace, mended))
        for warning in self._workspace.library.warnings:
            if warning not in before.warnings:
                log.warning("taken up, and may not be meant: %s", warning)
        self._notice()

    async def _note_in_force(self) -> None:
        versions = [template.version for template in self._workspace.library.templates.values()]

        def note(tx: Connection) -> None:
            edits.note_in_force(tx)
            admitted.note(tx, judge(), versions)

        await self._workspace.database.run(note)

    async def _refuse(self, problems: Sequence[Problem]) -> None:
        """Say why an edit is not in force: in the log, and where ``status`` and ``today`` look."""
        for problem in problems:
            log.error("refused: %s", problem)
        log.error("sequences and templates stay as they were")
        now = self._workspace.now()
        await self._workspace.database.run(lambda tx: edits.note_refused(tx, problems, now))


def _edited(before: Library, after: Library) -> frozenset[str]:
    """Return the templates that are not what they were."""
    versions = {name: template.version for name, template in before.templates.items()}
    return frozenset(name for name, template in after.templates.items() if versions.get(name) != template.version)

"""Imports by a command that was killed: the daemon ends those that began to be real, so that no list stays half.

Their rows wait as a whole (``import_spool``), and more is not needed; their reports go where those of dropped files go.
What waits for nothing but a command that does not come again is swept away after a day.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from cadenced.core.roster import Rules
from cadenced.engine import intake_report, intake_spool
from cadenced.ports import Clock
from cadenced.store import import_outcome, import_spool, imports
from cadenced.store.database import Database
from cadenced.store.import_activation import Activation
from cadenced.store.import_spool import Spool, StagedElsewhereError

log = logging.getLogger(__name__)

PATIENCE = timedelta(days=1)
"""For so long the rows of a killed command wait for its next run, where nothing of them is half done."""


class Left:
    """Finds what commands left half done in an inbox, and ends it step by step."""

    def __init__(self, database: Database, clock: Clock, inbox: Path, rules: Callable[[], Rules]) -> None:
        self._database = database
        self._clock = clock
        self._inbox = inbox
        self._rules = rules

    async def next(self) -> Spool | None:
        """Return the rows of an import that nobody has in hand, None where there are none; they must be closed."""
        folder = intake_spool.where_by_hand(self._inbox)
        if not any(folder.glob("*.*")):
            return None
        halfway = await self._database.run_outside(partial(self._database.read, imports.halfway))
        return await asyncio.to_thread(_first, folder, halfway) or await asyncio.to_thread(self._old, folder)

    def _old(self, folder: Path) -> Spool | None:
        """Return rows that have waited for too long; those that nothing became of go at once."""
        for path in _aged(folder, self._clock.now() - PATIENCE):
            spool = _opened(path)
            if spool is None:
                continue
            if self._is_begun(spool):
                return spool
            spool.remove()
            self._give_up(path)
        return None

    def _give_up(self, path: Path) -> None:
        """Note that an import is over whose rows are swept away."""
        for import_id, digest, sequence in self._database.read(imports.staging):
            if import_spool.place(path.parent, digest, sequence) == path:
                self._database.transact(partial(imports.give_up, import_id=import_id))

    def _is_begun(self, spool: Spool) -> bool:
        if not spool.is_whole:
            return False
        found = self._database.read(partial(imports.get, import_id=int(spool.facts["import"])))
        return found is not None and found.state in {"activating", "active"}

    async def finish(self, spool: Spool) -> AsyncGenerator[timedelta, None]:
        """Make real what is not; each step is as long as nobody else may write, and tells how long to rest."""
        with closing(spool):
            import_id = int(spool.facts["import"])
            found = await self._database.run(partial(imports.progress, import_id=import_id))
            if found.state == "activating":
                async with aclosing(self._make_real(spool, import_id)) as steps:
                    async for pause in steps:
                        yield pause
            await asyncio.to_thread(self._report, spool, import_id, found.name)
            while await self._database.run(partial(imports.drop_verdicts, import_id=import_id)):
                yield timedelta()
            await asyncio.to_thread(spool.remove)

    async def _make_real(self, spool: Spool, import_id: int) -> AsyncGenerator[timedelta, None]:
        outside = self._database.run_outside
        begin = partial(Activation, self._database, spool, import_id, self._rules(), self._clock.now())
        with closing(await outside(begin)) as slices:
            while not slices.is_over:
                await outside(slices.step)
                yield timedelta(seconds=await asyncio.to_thread(slices.rest))
        told = {"last": spool.last_place, "notes": spool.facts.get("notes", ()), "now": self._clock.now()}
        await self._database.run(partial(imports.finish, import_id=import_id, **told))
        yield timedelta()

    def _report(self, spool: Spool, import_id: int, name: str) -> None:
        def page(after: int) -> list[imports.Verdict]:
            return self._database.read(lambda tx: import_outcome.verdicts(tx, spool, import_id, after))

        intake_report.tell(spool, page, partial(intake_spool.report_by_hand, self._inbox, name))
        found = self._database.read(partial(imports.progress, import_id=import_id))
        log.info("imported", extra={"file": name, "import": import_id, **found.counts})


def _first(folder: Path, halfway: list[tuple[str, str]]) -> Spool | None:
    for digest, sequence in halfway:
        path = import_spool.place(folder, digest, sequence)
        if path.exists() and (found := _whole(path)):
            return found
    return None


def _whole(path: Path) -> Spool | None:
    spool = _opened(path)
    if spool is None or spool.is_whole:
        return spool
    spool.close()
    return None


def _opened(path: Path) -> Spool | None:
    """Return rows that wait, None where a process has them in hand."""
    try:
        return Spool(path)
    except StagedElsewhereError:
        return None


def _aged(folder: Path, before: datetime) -> Iterator[Path]:
    """Return where rows wait, or what is left of them, since before a moment."""
    for path in sorted({folder / f"{one.stem}.db" for one in folder.glob("*.*")}):
        written = max(_written(path.with_suffix(suffix)) for suffix in (".db", ".db-journal", ".lock"))
        if 0 < written < before.timestamp():
            yield path


def _written(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0

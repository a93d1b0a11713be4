"""Imports that a command began to make real and did not end: the daemon ends them, so that no list stays half.

Their rows wait as a whole (``import_spool``), and more is not needed; their reports go where those of dropped files go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path

from cadenced.core.roster import Rules
from cadenced.engine import intake_spool
from cadenced.engine.intake_report import write_report
from cadenced.ports import Clock
from cadenced.store import import_outcome, import_spool, imports
from cadenced.store.database import Database
from cadenced.store.import_activation import Activation
from cadenced.store.import_spool import Spool, StagedElsewhereError

log = logging.getLogger(__name__)


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
        if not any(folder.glob("*.db")):
            return None
        halfway = await self._database.run_outside(partial(self._database.read, imports.halfway))
        return await asyncio.to_thread(_first, folder, halfway)

    async def finish(self, spool: Spool) -> AsyncGenerator[timedelta, None]:
        """Make real what is not; each step is as long as nobody else may write, and tells how long to rest."""
        with closing(spool):
            import_id = int(spool.facts["import"])
            outside = self._database.run_outside
            begin = partial(Activation, self._database, spool, import_id, self._rules(), self._clock.now())
            with closing(await outside(begin)) as slices:
                while not slices.is_over:
                    span = await outside(slices.step)
                    yield timedelta(seconds=slices.pause(span))
            notes = spool.facts.get("notes", ())
            end = partial(imports.finish, import_id=import_id, notes=notes, now=self._clock.now())
            counts = await self._database.run(end)
            yield timedelta()
            name = (await self._database.run(partial(imports.progress, import_id=import_id))).name
            await asyncio.to_thread(self._report, spool, import_id, name)
            log.info("imported", extra={"file": name, "import": import_id, **counts})
        while await self._database.run(partial(imports.drop_verdicts, import_id=import_id)):
            yield timedelta()

    def _report(self, spool: Spool, import_id: int, name: str) -> None:
        def page(after: int) -> list[imports.Verdict]:
            return self._database.read(lambda tx: import_outcome.verdicts(tx, spool, import_id, after))

        write_report(page, intake_spool.report_by_hand(self._inbox, name))
        spool.remove()


def _first(folder: Path, halfway: list[tuple[str, str]]) -> Spool | None:
    for digest, sequence in halfway:
        path = import_spool.place(folder, digest, sequence)
        if path.exists() and (found := _whole(path)):
            return found
    return None


def _whole(path: Path) -> Spool | None:
    try:
        spool = Spool(path)
    except StagedElsewhereError:
        return None
    if spool.is_whole:
        return spool
    spool.close()
    return None

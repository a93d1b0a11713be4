"""The intake: files dropped into the inbox become prospects. A service: ``tick`` does a bounded piece of the work.

Nothing in memory matters: what was claimed lies in the spool, what was staged lies in the store, and both go on where
they were left (RELIABILITY 2.4).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing, closing
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TypeVar

from sqlalchemy.exc import DataError, IntegrityError

from cadenced.core.roster import Rules
from cadenced.engine import intake_spool as spool
from cadenced.engine.intake_import import File, ImportResult, Job
from cadenced.engine.intake_left import Left
from cadenced.engine.intake_report import Report, write_report
from cadenced.engine.intake_spool import Claimed, Found, Signature
from cadenced.errors import RefusedError
from cadenced.ports import Clock
from cadenced.store import imports
from cadenced.store.database import Database
from cadenced.store.import_spool import StagedElsewhereError
from cadenced.store.imports import Verdict

T = TypeVar("T")
log = logging.getLogger(__name__)

POLL = timedelta(seconds=1)
CUT_PATIENCE = timedelta(seconds=60)
"""A file whose last line has no end gets so much longer to be finished."""

RETRY = timedelta(seconds=30)
"""After a fault of the disk, until the next try."""

_AT_ONCE = timedelta()


@dataclass(frozen=True, slots=True)
class Drop:
    """Where files are dropped, and how long they must be still."""

    inbox: Path
    settle: timedelta = timedelta(seconds=2)


@dataclass(slots=True)
class _Watch:
    """What was seen of a file last, and since when it is so (monotonic seconds)."""

    signature: Signature
    since: float


@dataclass(slots=True)
class _Seen:
    """What is known of the files that lie in the folder; lost without harm."""

    files: dict[Path, _Watch] = field(default_factory=dict)
    told: set[Path] = field(default_factory=set)


class Intake:
    """Imports what is dropped, one file after another. ``rules`` is asked anew for each file."""

    name = "intake"
    idle: bool
    """Whether nothing lay in the inbox that is still to be imported, as of the last tick."""

    def __init__(self, database: Database, clock: Clock, drop: Drop, rules: Callable[[], Rules]) -> None:
        self._database = database
        self._clock = clock
        self._drop = drop
        self._rules = rules
        self._seen = _Seen()
        self._left = Left(database, clock, drop.inbox, rules)
        self.wake = asyncio.Event()
        self.idle = False
        self.heard: Callable[[], None] = lambda: None
        self._steps: AsyncGenerator[timedelta, None] | None = None

    async def tick(self) -> timedelta:
        """Do a piece of the work; return how long nothing needs to be done."""
        try:
            return await self._step()
        except OSError as fault:
            log.error("import stopped", extra={"fault": str(fault)})  # noqa: TRY400 - a full disk is no bug
            self._steps = None
            return RETRY

    async def rest(self, span: timedelta) -> None:
        """Let ``span`` pass in real time: files do not follow a fast clock."""
        await asyncio.sleep(span.total_seconds())

    async def _step(self) -> timedelta:
        if self._steps is None:
            claimed = await asyncio.to_thread(self._next)
            left = None if claimed else await self._left.next()
            self.idle = not claimed and not left and not self._seen.files
            if claimed:
                self._steps = self._import(claimed)
            elif left:
                self._steps = self._left.finish(left)
            else:
                return POLL
        try:
            return await anext(self._steps)
        except StopAsyncIteration:
            self._steps = None
        return _AT_ONCE

    async def close(self) -> None:
        """Let go of the file at hand; the next start goes on with it."""
        if self._steps is not None:
            await self._steps.aclose()
            self._steps = None

    def _scan(self) -> list[Found]:
        try:
            return list(spool.scan(self._drop.inbox))
        except FileNotFoundError:
            self._drop.inbox.mkdir(parents=True, exist_ok=True)
            return []

    def _next(self) -> Claimed | None:
        """Return what to import next: what was begun before, else the first file that is at rest."""
        begun = next(spool.left(self._drop.inbox), None)
        if begun is not None:
            return begun
        found = self._scan()
        self._forget(found)
        for file in found:
            if self._at_rest(file) and (claimed := self._taken(file)):
                return claimed
        return None

    def _taken(self, file: Found) -> Claimed | None:
        try:
            return spool.claim(self._drop.inbox, file)
        except spool.KeptError as fault:
            self._leave_alone(file.path, f"it cannot be taken out of its folder: {fault}")
            return None

    def _forget(self, found: list[Found]) -> None:
        paths = {file.path for file in found}
        self._seen.files = {path: watch for path, watch in self._seen.files.items() if path in paths}
        self._seen.told &= paths

    def _at_rest(self, file: Found) -> bool:
        if file.links > 1:
            return self._leave_alone(file.path, "it has a second name (hard link)")
        now = self._clock.monotonic()
        watch = self._seen.files.get(file.path)
        if watch is None or watch.signature != file.signature:
            self._seen.files[file.path] = _Watch(file.signature, now)
            watch = self._seen.files[file.path]
        still = timedelta(seconds=now - watch.since)
        if still < self._drop.settle:
            return False
        try:
            return self._complete(file.path, still)
        except OSError as fault:
            return self._leave_alone(file.path, fault.strerror or str(fault))

    def _complete(self, path: Path, still: timedelta) -> bool:
        if spool.written(path):
            return False
        table = path.name.lower().endswith(spool.TABLES)
        return not table or still >= self._drop.settle + CUT_PATIENCE or spool.ended(path)

    def _leave_alone(self, path: Path, why: str) -> bool:
        self._seen.files.pop(path, None)  # it keeps nobody waiting
        if path not in self._seen.told:
            self._seen.told.add(path)
            log.warning("file left alone", extra={"file": path.name, "reason": why})
        return False

    async def _import(self, claimed: Claimed) -> AsyncGenerator[timedelta, None]:
        """Bring one file in, step by step; a step is what may not be interrupted."""
        if await asyncio.to_thread(spool.over, claimed) is None:
            async with aclosing(self._bring_in(claimed)) as steps:
                async for pause in steps:
                    yield pause
        import_id = await asyncio.to_thread(spool.over, claimed)
        if import_id is None:
            return
        await asyncio.to_thread(spool.put_away, self._drop.inbox, claimed)
        yield _AT_ONCE
        while await self._database.run(partial(imports.drop_verdicts, import_id=import_id)):
            yield _AT_ONCE
        await asyncio.to_thread(spool.forget, claimed)

    async def _bring_in(self, claimed: Claimed) -> AsyncGenerator[timedelta, None]:
        """Import the rows and write the report. None of it is lost, and none done twice, by an end in between."""
        try:
            job = await asyncio.to_thread(self._open, claimed)
        except spool.StillWrittenError:
            await asyncio.to_thread(spool.give_back, self._drop.inbox, claimed)
            return
        except StagedElsewhereError:
            yield RETRY
            return
        except RefusedError as fault:
            await asyncio.to_thread(self._fail, claimed, str(fault))
            return
        with job:
            try:
                async with aclosing(self._make_real(job)) as steps:
                    async for pause in steps:
                        yield pause
                result = await self._outside(partial(job.finish, self._clock.now()))
            except (RefusedError, DataError, IntegrityError) as fault:
                await asyncio.to_thread(job.take_back, self._clock.now())
                await asyncio.to_thread(self._fail, claimed, _said(fault))
                return
            yield _AT_ONCE
            await self._report(job, claimed, result)

    def _open(self, claimed: Claimed) -> Job:
        if claimed.name.lower().endswith(".report.csv"):
            raise RefusedError("this is the report of an import; drop the corrected list instead")
        path = spool.copy(claimed)
        file = File(path, claimed.name, claimed.sequence, at_rest=False, staging=claimed.staging)
        return Job(self._database, file, self._rules())

    async def _make_real(self, job: Job) -> AsyncGenerator[timedelta, None]:
        now = self._clock.now()
        await self._outside(partial(job.begin, now))
        yield _AT_ONCE
        while await asyncio.to_thread(job.stage):
            yield _AT_ONCE
        await asyncio.to_thread(job.settle)
        yield _AT_ONCE
        slices = await self._outside(partial(job.activation, now))
        with closing(slices):
            while not slices.is_over:
                await self._outside(slices.step)
                self.heard()  # some of them may be due now
                yield timedelta(seconds=await asyncio.to_thread(slices.rest))

    async def _outside(self, work: Callable[[], T]) -> T:
        """Take transactions in the thread in which the daemon takes all of them, each in its turn."""
        return await self._database.run_outside(work)

    async def _report(self, job: Job, claimed: Claimed, result: ImportResult) -> None:
        inbox = self._drop.inbox
        taken = any(count for verdict, count in result.counts.items() if verdict != "rejected")
        place = await asyncio.to_thread(spool.reserve, inbox, claimed, spool.DONE if taken else spool.FAILED)
        await asyncio.to_thread(write_report, job.report, spool.report_of(place))
        await asyncio.to_thread(spool.declare_over, claimed, result.id)
        fields = {"file": claimed.name, "import": result.id, **result.counts, "notes": "; ".join(result.notes)}
        log.info("imported", extra=fields)

    def _fail(self, claimed: Claimed, reason: str) -> None:
        """Put a file away that is no list of prospects, with the reason where a row's would stand."""
        place = spool.reserve(self._drop.inbox, claimed, spool.FAILED)
        report = Report(spool.report_of(place))
        report.add([Verdict(1, "", "rejected", reason)])
        report.complete()
        spool.declare_over(claimed, 0)
        log.warning("not imported", extra={"file": claimed.name, "reason": reason})


def _said(fault: Exception) -> str:
    """Return the reason for which a file is put away; one file that the database refuses must not stop the daemon."""
    if isinstance(fault, RefusedError):
        return str(fault)
    return f"the database refuses this file ({type(fault).__name__}); nothing of it was imported"

"""One file on its way into the store, step by step: read and staged in batches, then made real slice by slice.

The steps are the same for the daemon (between which other work goes on) and for ``cadenced import`` (in a row).
"""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from pathlib import Path

from cadenced.core.roster import Roster, Rules
from cadenced.core.roster_sheet import Shares, Sheet
from cadenced.engine import intake_report
from cadenced.engine.intake_bytes import Examination, Nature
from cadenced.engine.intake_csv import Batch, Table
from cadenced.errors import RefusedError
from cadenced.store import import_outcome, import_spool, import_undo, imports, rests
from cadenced.store.database import Database
from cadenced.store.import_activation import Activation
from cadenced.store.import_spool import Spool
from cadenced.store.imports import Begun, Source, Verdict

CHUNK = 1024 * 1024
_SHOWN = 20
Progress = Callable[[int], None]
"""Told how many rows are read so far."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to import: ``name`` is what people call it; ``at_rest`` says that nobody is still writing it.

    ``staging`` is the folder in which its rows wait; without one, a kill before the end leaves nothing to go on with.
    """

    path: Path
    name: str = ""
    sequence: str = ""
    at_rest: bool = True
    staging: Path | None = None


@dataclass(frozen=True, slots=True)
class ImportResult:
    """What an import came to: how many rows got which verdict, and what is worth a remark.

    ``rejected`` holds the first rows that do not count, to be shown.
    """

    id: int
    counts: Mapping[str, int]
    notes: tuple[str, ...] = ()
    rejected: tuple[Verdict, ...] = ()


def import_file(
    database: Database, file: File, rules: Rules, now: datetime, progress: Progress | None = None
) -> ImportResult:
    """Import a file at once; RefusedError says why it is no list of prospects. Nothing or everything is imported."""
    with Job(database, file, rules) as job:
        run(job, now, progress or (lambda _rows: None))
        result = job.finish(now)
        rejected = tuple(job.refused(_SHOWN))
        job.tidy()
        return replace(result, rejected=rejected)


def run(job: Job, now: datetime, progress: Progress) -> None:
    """Do everything up to the end of the last row, resting between slices where others may want to write."""
    job.begin(now)
    while job.stage():
        progress(job.rows)
    _settle(job, now)
    with closing(job.activation(now)) as steps:
        while not steps.is_over:
            steps.step()
            rests.rest(steps.rest())


def _settle(job: Job, now: datetime) -> None:
    """Settle what is read; a file that is refused as a whole is no import under way."""
    try:
        job.settle()
    except RefusedError:
        job.take_back(now)
        raise


class Job:
    """An import under way. ``stage`` and ``settle`` work on files alone; the others take transactions, all short."""

    def __init__(self, database: Database, file: File, rules: Rules) -> None:
        """Look through the file; StagedElsewhereError where another process is importing it."""
        if not rules.mailboxes:
            raise RefusedError("there is no mailbox to write from: add a [[mailbox]] to the configuration")
        self.file = file
        self.rules = rules
        self.rows = 0
        self.begun: Begun | None = None
        self._database = database
        with ExitStack() as opened:
            self._nature = examine(file.path)
            stream = opened.enter_context(file.path.open("rb"))
            self._table = Table(stream, self._nature, cut_off=not file.at_rest)
            folder = file.staging or Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="cadenced-")))
            self._spool = Spool(import_spool.place(folder, *self._key()))
            opened.callback(self._spool.close)
            self._open = opened.pop_all()
        self._roster = Roster(self._table.header, rules, file.sequence)
        self._batches = self._table.batches()
        self._sheet: Sheet | None = None
        self._staged = 0

    def __enter__(self) -> Job:
        """Return itself; the files are closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the files."""
        self._open.close()

    @property
    def separator(self) -> str:
        """What stands between the cells."""
        return self._table.separator

    def begin(self, now: datetime) -> Begun:
        """Begin, or find where the same bytes were left."""
        if intake_report.was_told(self._spool) not in {None, self.source}:
            self._spool.restart({})  # the same rows came in before, by another file
        source = Source(self.file.name or self.file.path.name, *self._key())
        spooled = self._spool.facts.get("import", 0) if self._spool.is_whole else 0
        self.begun = self._database.transact(lambda tx: imports.begin(tx, source, now, spooled))
        if self.begun.phase == "staging" or (self.begun.phase == "activating" and not self._spool.is_whole):
            self._begin_staging(self.begun)
        self._staged = self._spool.last_line
        return self.begun

    @property
    def source(self) -> str:
        """The file by its whole name."""
        return str(self.file.path.resolve())

    @property
    def waiting(self) -> Path:
        """Where the rows wait."""
        return self._spool.path

    def _begin_staging(self, begun: Begun) -> None:
        """Stage what is not staged yet; by other rules nothing counts that was staged before."""
        facts = {"import": begun.id, "rules": _fingerprint(self.rules)}
        stale = any(self._spool.facts.get(name) != value for name, value in facts.items())
        if stale or intake_report.was_told(self._spool) is not None:
            self._spool.restart(facts | {"again": begun.phase == "activating"})
        if begun.phase == "staging":
            self.drop_verdicts()

    def _key(self) -> tuple[str, str]:
        """Return what makes it the same import: the bytes, the folder's sequence, whether a cut end counts."""
        digest = self._nature.sha256
        return (digest if self.file.at_rest or self._nature.ended else f"{digest[:-4]}-cut"), self.file.sequence

    def stage(self) -> bool:
        """Read the next rows and put them aside; False once there are none left, or all wait already."""
        if self._spool.is_whole or self._started().phase not in {"staging", "activating"}:
            return False
        batch = next(self._batches, None)
        if batch is None:
            return False
        self.rows += len(batch.lines) + len(batch.faulty)
        self._stage(batch)
        return True

    def _stage(self, batch: Batch) -> None:
        if self._sheet is None:
            self._sheet = Sheet(self._roster, Shares(self._loads()))
        if batch.lines and batch.lines[-1] <= self._staged:
            return  # waits already
        staged = self._sheet.read(batch.lines, batch.rows)
        self._spool.add(staged + [self._sheet.rejected(*record) for record in batch.faulty])

    def _loads(self) -> Mapping[str, int]:
        """Return how many people each mailbox has to write to, those of this file included."""
        running = self._database.read(lambda tx: imports.loads(tx, self.rules.mailboxes))
        waiting = self._spool.loads() if self._staged and len(running) > 1 else {}
        return {name: count + waiting.get(name, 0) for name, count in running.items()}

    def settle(self) -> None:
        """Decide what the rows alone decide, and make it durable; nothing is refused as a whole after this."""
        if self._started().phase in {"staging", "activating"} and not self._spool.is_whole:
            self._spool.finish(self._notes())
            if not self._spool.last_line:
                self.forget()
                raise RefusedError("there is a header, and no row below it")

    def activation(self, now: datetime) -> Activation | Nothing:
        """Return the slices in which the rows become real, to be closed; there are none where all are so already."""
        begun = self._started()
        if begun.phase not in {"staging", "activating"}:
            return Nothing()
        if self._spool.facts.get("again") and self._spool.is_in_pieces:
            self._start_over()
        return Activation(self._database, self._spool, begun.id, self.rules, now)

    def _start_over(self) -> None:
        """Begin with the first piece where rows were lost that were in the middle: theirs may be another order."""
        self.drop_verdicts()
        self._database.transact(lambda tx: imports.note_progress(tx, self._started().id, 0, {}))
        self._spool.note({"again": False})

    def finish(self, now: datetime) -> ImportResult:
        """Note the end; return what the import came to."""
        begun = self._started()
        if begun.phase == "known":
            return self._known(begun)
        notes = tuple(self._spool.facts.get("notes", ()))
        if begun.phase == "active":
            return ImportResult(begun.id, begun.counts, notes)
        counts = self._database.transact(lambda tx: imports.finish(tx, begun.id, self._spool.last_place, notes, now))
        return ImportResult(begun.id, counts, notes)

    def _known(self, begun: Begun) -> ImportResult:
        """Do nothing for bytes that were imported before, and say so."""
        counts = dict.fromkeys(imports.VERDICTS, 0) | {"unchanged": sum(begun.counts.values())}
        return ImportResult(begun.id, counts, (self._before(begun),))

    def _before(self, begun: Begun) -> str:
        day = f" on {begun.at:%Y-%m-%d}" if begun.at else ""
        return f"the same file was imported{day} already (import {begun.id})"

    def _notes(self) -> tuple[str, ...]:
        blank = self._table.blank
        counted = (f"{blank} empty line{'s were' if blank > 1 else ' was'} left out",) if blank else ()
        return (*self._nature.notes, *self._table.header.notes, *counted)

    def report(self, after: int) -> list[Verdict]:
        """Return the next lines of the report; none once it is complete."""
        begun = self._started()
        if begun.phase == "known":
            return self._same(self._before(begun))
        return self._database.read(lambda tx: import_outcome.verdicts(tx, self._spool, begun.id, after))

    def _same(self, reason: str) -> list[Verdict]:
        batch = next(self._batches, None)
        if batch is None:
            return []
        found = [*zip(batch.lines, batch.rows, strict=True), *((one.line, one.cells) for one in batch.faulty)]
        return [Verdict(line, self._roster.shown(cells), "unchanged", reason) for line, cells in sorted(found)]

    def tell(self, free: Callable[[], Path]) -> Path:
        """Write the report to a place that is free, unless a run that was killed has; return where it stands."""
        return intake_report.tell(self._spool, self.report, free, self.source)

    def refused(self, limit: int) -> list[Verdict]:
        """Return the first rows that do not count."""
        begun = self._started()
        if begun.phase == "known":
            return []
        return self._database.read(lambda tx: import_outcome.refused(tx, self._spool, begun.id, limit))

    def tidy(self) -> None:
        """Drop what was put aside."""
        self.drop_verdicts()
        self.forget()

    def drop_verdicts(self) -> None:
        """Drop what the report says, once it does."""
        while self._database.transact(partial(imports.drop_verdicts, import_id=self._started().id)):
            pass

    def forget(self) -> None:
        """Forget the rows that wait: their report is written, or they are refused as a whole."""
        self._spool.remove()

    def take_back(self, now: datetime) -> None:
        """Undo what became real of a file that the database refuses in the middle."""
        self.forget()
        if self.begun is not None and self.begun.phase in {"staging", "activating"}:
            import_undo.undo(self._database, self.begun.id, now, is_broken=True)

    def _started(self) -> Begun:
        if self.begun is None:
            raise AssertionError("an import is begun before it goes on")
        return self.begun


class Nothing:
    """No slice at all."""

    is_over = True

    def close(self) -> None:
        """Do nothing."""

    def step(self) -> float:
        """Do nothing."""
        return 0.0

    def rest(self) -> float:
        """Nobody has to wait for nothing."""
        return 0.0


def _fingerprint(rules: Rules) -> str:
    """Return what changes when the same rows could be read otherwise."""
    known = (rules.mailboxes, sorted(rules.sequences), rules.place, rules.language, rules.default_sequence)
    return hashlib.sha256(repr(known).encode()).hexdigest()


def examine(path: Path) -> Nature:
    """Look through a file; RefusedError says why it cannot be a CSV."""
    examination = Examination()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            examination.feed(chunk)
    return examination.nature()

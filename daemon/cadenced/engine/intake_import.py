"""One file on its way into the store, step by step: read and staged in batches, then made real at once.

The steps are the same for the daemon (between which other work goes on) and for ``cadenced import`` (in a row).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import islice
from pathlib import Path

from sqlalchemy import Connection

from cadenced.core.roster import Entry, Rejection, Roster, Rules
from cadenced.engine.intake_bytes import Examination, Nature
from cadenced.engine.intake_csv import Record, Table
from cadenced.errors import RefusedError
from cadenced.store import import_activation, imports
from cadenced.store.database import Database
from cadenced.store.imports import BATCH, Begun, Source, Staging, Verdict

CHUNK = 1024 * 1024
_SHOWN = 20
Row = tuple[int, Entry | Rejection]
Progress = Callable[[int], None]
"""Told how many rows are read so far."""


@dataclass(frozen=True, slots=True)
class File:
    """A file to import: ``name`` is what people call it; ``at_rest`` says that nobody is still writing it."""

    path: Path
    name: str = ""
    sequence: str = ""
    at_rest: bool = True


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
    with Job(file, rules) as job:
        database.transact(lambda tx: job.begin(tx, now))
        for batch in job.batches():
            if progress:
                progress(job.rows)
            database.transact(partial(job.stage, batch=batch))
        result = database.transact(lambda tx: job.activate(tx, now))
        rejected = tuple(database.read(lambda tx: imports.refused(tx, result.id, _SHOWN)))
        while database.transact(job.tidy):
            pass
        return replace(result, rejected=rejected)


class Job:
    """An import under way. ``read`` works on the file alone, ``begin``, ``stage`` and ``activate`` in transactions."""

    def __init__(self, file: File, rules: Rules) -> None:
        if not rules.mailboxes:
            raise RefusedError("there is no mailbox to write from: add a [[mailbox]] to the configuration")
        self.file = file
        self.rules = rules
        self.rows = 0
        self.begun: Begun | None = None
        self._staging: Staging | None = None
        self._open = ExitStack()
        self._nature = examine(file.path)
        stream = self._open.enter_context(file.path.open("rb"))
        try:
            self._table = Table(stream, self._nature, cut_off=not file.at_rest)
        except BaseException:
            self._open.close()
            raise
        self._roster = Roster(self._table.header, rules, file.sequence)
        self._records = self._table.records()

    def __enter__(self) -> Job:
        """Return itself; the file is closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self._open.close()

    @property
    def separator(self) -> str:
        """What stands between the cells."""
        return self._table.separator

    def begin(self, tx: Connection, now: datetime) -> Begun:
        """Begin, or find where the same bytes were left."""
        self.begun = imports.begin(tx, Source(self.file.name or self.file.path.name, *self._key()), now)
        if self.begun.phase == "staging":
            self._staging = Staging(tx, self.begun.id, self.rules.mailboxes)
        return self.begun

    def _key(self) -> tuple[str, str]:
        """Return what makes it the same import: the bytes, the folder's sequence, whether a cut end counts."""
        digest = self._nature.sha256
        return (digest if self.file.at_rest or self._nature.ended else f"{digest[:-4]}-cut"), self.file.sequence

    def read(self) -> list[Row]:
        """Return the next rows to stage; none once the file is read, or when its rows are in the store already."""
        if self.begun is None or self.begun.phase != "staging":
            return []
        batch = list(islice(self._unstaged(self.begun.last_line), BATCH))
        self.rows += len(batch)
        return batch

    def batches(self) -> Iterator[list[Row]]:
        """Return what ``read`` does, each read while the one before is staged: SQLite works without Python's lock."""
        with ThreadPoolExecutor(1, thread_name_prefix="import") as reader:
            coming = reader.submit(self.read)
            while batch := coming.result():
                coming = reader.submit(self.read)
                yield batch

    def _unstaged(self, last_line: int) -> Iterator[Row]:
        for record in self._records:
            if record.line > last_line:
                yield record.line, self._judge(record)

    def _judge(self, record: Record) -> Entry | Rejection:
        if record.fault:
            return Rejection(self._roster.shown(record.cells), record.fault)
        return self._roster.read(record.cells)

    def stage(self, tx: Connection, batch: list[Row]) -> None:
        """Put rows aside."""
        if self._staging is not None:
            self._staging.add(tx, batch)

    def activate(self, tx: Connection, now: datetime) -> ImportResult:
        """Make it real, all or nothing."""
        begun = self._started()
        if begun.phase == "known":
            return self._known(begun)
        counts = import_activation.activate(tx, begun.id, self.rules, now)
        if not sum(counts.values()):
            raise RefusedError("there is a header, and no row below it")
        notes = self._notes()
        imports.note(tx, begun.id, notes)
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

    def report(self, tx: Connection, after: int) -> list[Verdict]:
        """Return the next lines of the report; none once it is complete."""
        begun = self._started()
        if begun.phase != "known":
            return imports.verdicts(tx, begun.id, after)
        return [self._same(record, self._before(begun)) for record in islice(self._records, BATCH)]

    def _same(self, record: Record, reason: str) -> Verdict:
        return Verdict(record.line, self._roster.shown(record.cells), "unchanged", reason)

    def tidy(self, tx: Connection) -> bool:
        """Drop a part of what was put aside; False once nothing is left."""
        return imports.drop_rows(tx, self._started().id)

    def _started(self) -> Begun:
        if self.begun is None:
            raise AssertionError("an import is begun before it goes on")
        return self.begun


def examine(path: Path) -> Nature:
    """Look through a file; RefusedError says why it cannot be a CSV."""
    examination = Examination()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            examination.feed(chunk)
    return examination.nature()

"""Where rows wait until their import begins: a private SQLite file beside the drop folder, never in anybody's way.

Staging takes no lock of the real database. The file is made durable once, when it is whole; what a power cut leaves
half-made is thrown away and staged anew, what a killed process leaves goes on (RELIABILITY 2.4).

Rows become real in the order of the file. Only a list longer than a ``PIECE`` is taken piece by piece, each in the
order of its addresses: where millions are known, every address lies on another page of the index, and a slice in
the order of the file would write a page for each of its rows.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, NamedTuple

from cadenced.core.roster_sheet import COLUMNS, Staged
from cadenced.errors import RefusedError

VERSION = 2
"""Of the form of the file, and of the order in which rows become real; another one is staged anew."""

PIECE = 250_000
"""Lines whose order in the file does not count where there are more of them: nobody has ordered them by hand."""

_TABLES = """
CREATE TABLE staged (
    line INTEGER PRIMARY KEY, email TEXT, untagged TEXT, account TEXT, company TEXT, mailbox TEXT, fields TEXT,
    verdict TEXT, reason TEXT, sequence TEXT, timezone TEXT, country TEXT, language TEXT, stage TEXT, role TEXT,
    next_step_at INTEGER, person TEXT AS (CASE untagged WHEN '' THEN email ELSE untagged END)
);
CREATE TABLE turns (place INTEGER PRIMARY KEY, line INTEGER);
CREATE TABLE facts (name TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
"""
_INSERT = "INSERT OR IGNORE INTO staged VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TWICE = """
CREATE TEMP TABLE twice AS SELECT person FROM staged WHERE verdict = 'enrolled' GROUP BY person HAVING count(*) > 1
"""
_KEEP_THE_FIRST = """
WITH several AS (
    SELECT line, sequence, person FROM staged
    WHERE verdict = 'enrolled' AND person IN (SELECT person FROM temp.twice)
), ranked AS (
    SELECT line, first_value(line) OVER first AS first, first_value(sequence) OVER first AS sequence FROM several
    WINDOW first AS (PARTITION BY person ORDER BY sequence = '', line)
)
UPDATE staged SET verdict = CASE ranked.sequence WHEN '' THEN 'homeless' ELSE 'again' END,
    reason = 'the same person as in line ' || ranked.first || '; the first row counts'
FROM ranked WHERE staged.line = ranked.line AND ranked.line <> ranked.first
"""
CELL, NOTHING = "\x1f", "\x1e"
"""What stands between the values of a row, and for one that is not known; no value has a control character in it."""

_IN_PIECES = "INSERT INTO turns (line) SELECT line FROM staged WHERE line > ? AND line <= ? ORDER BY email, line"
_ROW = ", ".join(f"staged.{name}" for name in COLUMNS)
_AS_THEY_CAME = f"SELECT line AS place, {_ROW} FROM main.staged WHERE line > ? AND line <= ?"  # noqa: S608 - our names
_BY_TURNS = f"SELECT place, {_ROW} FROM main.turns JOIN main.staged USING (line) WHERE place > ? AND place <= ?"  # noqa: S608 - our names
_LINES = f"""
SELECT group_concat(replace(replace(replace(
    place || char(31) || {" || char(31) || ".join(COLUMNS[:-1])} || char(31) || coalesce(next_step_at, char(30)),
    char(92), char(92, 92)), char(10), char(92, 110)), char(13), char(92, 114)), char(10))
FROM (%s)
"""  # noqa: S608 - names of columns
_FORGET = """
UPDATE staged SET email = '(forgotten)', untagged = '', account = '', company = '', fields = '{}',
verdict = 'suppressed', reason = 'never to be written to',
sequence = '', timezone = '', country = '', language = '', stage = '', role = '', next_step_at = NULL
"""
_RUNNING = Path("/proc/sys/kernel/random/boot_id")


class StagedElsewhereError(RefusedError):
    """Another process has these very rows in hand."""


class Line(NamedTuple):
    """One line of a report as it stands before the import: who, and what was decided about the row alone."""

    line: int
    email: str
    verdict: str
    reason: str


class Spool:
    """The staged rows of one import. ``path`` may be attached to the real database once the file ``is_whole``."""

    def __init__(self, path: Path) -> None:
        """Open or begin the file; StagedElsewhereError where another process works on it."""
        self.path = path
        self._lock = _locked(path.with_suffix(".lock"))
        self._connection = self._open()

    def _open(self) -> sqlite3.Connection:
        if not self.path.exists():
            return self._begin()
        try:
            connection = _connect(self.path)
            facts = _facts(connection)
        except sqlite3.DatabaseError:  # cut off by a power cut
            return self._begin()
        if facts.get("version") == VERSION and (facts.get("whole") or facts.get("running") == (_running() or None)):
            return connection
        connection.close()
        return self._begin()

    def _begin(self) -> sqlite3.Connection:
        _unlink(self.path)
        connection = _connect(self.path)
        connection.executescript(f"BEGIN; {_TABLES}")
        _note(connection, {"version": VERSION, "running": _running()})
        connection.execute("COMMIT")
        return connection

    @property
    def is_whole(self) -> bool:
        """Whether every row is staged, and will be there whatever happens."""
        return bool(self.facts.get("whole"))

    @property
    def facts(self) -> Mapping[str, Any]:
        """What was noted about the import."""
        return _facts(self._connection)

    @property
    def last_line(self) -> int:
        """The last line that is staged, 0 where there is none."""
        (line,) = self._connection.execute("SELECT max(line) FROM staged").fetchone()
        return line or 0

    def count(self) -> int:
        """Return how many rows are staged."""
        (count,) = self._connection.execute("SELECT count(*) FROM staged").fetchone()
        return int(count)

    def loads(self) -> Mapping[str, int]:
        """Return how many rows each mailbox has been given."""
        return dict(self._connection.execute("SELECT mailbox, count(*) FROM staged GROUP BY mailbox"))

    def restart(self, facts: Mapping[str, Any]) -> None:
        """Forget every row; note what the next ones are read by."""
        self._connection.close()
        self._connection = self._begin()
        _note(self._connection, facts)

    def add(self, rows: Iterable[Staged]) -> None:
        """Stage rows; one that is staged already stays as it is. OSError where the disk is full."""
        with _on_disk():
            self._connection.execute("BEGIN")
            self._connection.executemany(_INSERT, rows)
            self._connection.execute("COMMIT")

    def finish(self, notes: Sequence[str]) -> None:
        """Settle which of several rows of one person counts, and make everything durable."""
        with _on_disk():
            self._finish(notes)

    def _finish(self, notes: Sequence[str]) -> None:
        self._connection.execute("BEGIN")
        self._connection.execute(_TWICE)
        if self._connection.execute("SELECT 1 FROM temp.twice").fetchone():
            self._connection.execute(_KEEP_THE_FIRST)
        self._connection.execute("DROP TABLE temp.twice")
        last = self.last_line
        for begin in range(0, last if last > PIECE else 0, PIECE):
            self._connection.execute(_IN_PIECES, (begin, begin + PIECE))
        self._connection.execute("COMMIT")
        self.note({"whole": True, "notes": list(notes)})
        _sync(self.path)

    def note(self, facts: Mapping[str, Any]) -> None:
        """Note something about the import, durably. OSError where the disk is full."""
        with _on_disk():
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.execute("BEGIN")
            _note(self._connection, facts)
            self._connection.execute("COMMIT")

    def page(self, after: int, limit: int) -> list[Line]:
        """Return the next lines of the report as far as they were decided by the rows alone."""
        query = "SELECT line, email, verdict, reason FROM staged WHERE line > ? ORDER BY line LIMIT ?"
        return [Line(*row) for row in self._connection.execute(query, (after, limit))]

    def refused(self, limit: int) -> list[Line]:
        """Return the first rows that are refused for their own words."""
        query = "SELECT line, email, verdict, reason FROM staged WHERE verdict = 'rejected' ORDER BY line LIMIT ?"
        return [Line(*row) for row in self._connection.execute(query, (limit,))]

    def forget(self, emails: Collection[str]) -> int:
        """Take people out of the rows that wait, by normalised address; returns out of how many."""
        marks = ", ".join("?" * len(emails))
        query = f"{_FORGET} WHERE lower(email) IN ({marks}) OR untagged IN ({marks})"
        with _on_disk():
            return self._connection.execute(query, (*emails, *emails)).rowcount

    @property
    def is_in_pieces(self) -> bool:
        """Whether rows become real in another order than that of the file."""
        return self._connection.execute("SELECT 1 FROM turns LIMIT 1").fetchone() is not None

    @property
    def last_place(self) -> int:
        """The place of the row that becomes real last: its line where the order is that of the file."""
        (place,) = self._connection.execute("SELECT max(place) FROM turns").fetchone()
        return place or self.last_line

    def until(self, after: int, count: int) -> int:
        """Return the place of the row ``count`` rows after a place, the last one where there are not so many."""
        if self.is_in_pieces:
            return min(after + count, self.last_place)
        query = "SELECT line FROM staged WHERE line > ? ORDER BY line LIMIT 1 OFFSET ?"
        found = self._connection.execute(query, (after, count - 1)).fetchone()
        return found[0] if found else self.last_line

    @property
    def order(self) -> str:
        """The query for the rows between two places, with their places."""
        return _BY_TURNS if self.is_in_pieces else _AS_THEY_CAME

    def lines(self, after: int, until: int) -> str:
        """Return the rows between two places as PostgreSQL's COPY takes them in, one a line."""
        (found,) = self._connection.execute(_LINES.replace("%s", self.order), (after, until)).fetchone()
        return f"{found}\n" if found else ""

    def close(self) -> None:
        """Let go of the file; what is staged stays."""
        self._connection.close()
        self._lock.close()

    def remove(self) -> None:
        """Remove the file."""
        self._connection.close()
        _unlink(self.path)
        self.path.with_suffix(".lock").unlink(missing_ok=True)
        self._lock.close()


def place(folder: Path, digest: str, sequence: str) -> Path:
    """Return where the rows of a file wait: the same bytes for the same sequence have one place."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if folder.is_symlink():
        raise NotADirectoryError(f"{folder.name} must be a folder of its own, not a link")
    return folder / f"{hashlib.sha256(f'{digest} {sequence}'.encode()).hexdigest()[:32]}.db"


def remove(path: Path) -> None:
    """Remove rows that nobody needs any more, unless somebody has taken them up again."""
    with contextlib.suppress(StagedElsewhereError):
        Spool(path).remove()


@contextmanager
def _on_disk() -> Iterator[None]:
    """Raise what is wrong with the disk as what it is: no fault of the file that is imported."""
    try:
        yield
    except sqlite3.OperationalError as cause:
        raise OSError(f"rows cannot be put aside: {cause}") from cause


def _unlink(path: Path) -> None:
    for name in ("", "-journal"):  # rows that were cut off must not outlive their journal
        Path(f"{path}{name}").unlink(missing_ok=True)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    for pragma in ("journal_mode = TRUNCATE", "synchronous = OFF", "cache_size = -16000", "temp_store = FILE"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _locked(path: Path) -> IO[str]:
    """Keep others out for as long as the file is open; it goes with the process."""
    while True:
        lock = path.open("a")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as cause:
            lock.close()
            raise StagedElsewhereError("this very file is being imported by another process") from cause
        if os.fstat(lock.fileno()).st_nlink:
            return lock
        lock.close()  # removed between opening and locking, with what it stood for


def _facts(connection: sqlite3.Connection) -> dict[str, Any]:
    return {name: json.loads(value) for name, value in connection.execute("SELECT name, value FROM facts")}


def _note(connection: sqlite3.Connection, facts: Mapping[str, Any]) -> None:
    rows = [(name, json.dumps(value)) for name, value in facts.items()]
    connection.executemany("INSERT OR REPLACE INTO facts VALUES (?, ?)", rows)


def _running() -> str:
    """Return which run of the machine this is: what was written in it survives every process."""
    return _RUNNING.read_text("ascii").strip() if _RUNNING.exists() else ""


def _sync(path: Path) -> None:
    for one, flags in ((path, os.O_RDONLY), (path.parent, os.O_RDONLY | os.O_DIRECTORY)):
        descriptor = os.open(one, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

"""Imports: begun once for the same bytes, staged in short transactions, resumable at any row, reported row by row."""

from __future__ import annotations

import functools
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Table, delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.dialects.postgresql import psycopg

from cadenced.core.roster import Entry, Rejection
from cadenced.store.schema import Utc, enrolments, import_rows, imports

VERDICTS = ("enrolled", "updated", "unchanged", "suppressed", "rejected")
"""What becomes of a row (CONTRACT 2)."""

BATCH = 2000
"""Rows staged in one transaction: short enough that a due send never notices (RELIABILITY 2.4)."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is imported: the name people know the file by, its digest, and the sequence that its folder names."""

    name: str
    sha256: str
    sequence: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where an import stands. ``phase`` is ``staging``, ``active`` (only its report is missing) or ``known``."""

    id: int
    phase: str
    last_line: int = 0
    counts: Mapping[str, int] = field(default_factory=dict)
    at: datetime | None = None


class Verdict(NamedTuple):
    """One line of a report."""

    line: int
    email: str
    verdict: str
    reason: str


def begin(tx: Connection, source: Source, now: datetime) -> Begun:
    """Begin an import, or find where the same bytes for the same sequence were left."""
    table = imports.c
    query = select(imports).where(table.sha256 == source.sha256, table.sequence == source.sequence)
    row = tx.execute(query).first()
    if row is None:
        return Begun(_insert(tx, source, now), "staging")
    if row.state == "staging":
        return Begun(row.id, "staging", _last_line(tx, row.id))
    if row.state == "active" and _last_line(tx, row.id):
        return Begun(row.id, "active", counts=row.counts)
    if row.state == "active" and not _worth_another_look(row.counts):
        return Begun(row.id, "known", counts=row.counts, at=row.finished_at)
    tx.execute(delete(import_rows).where(import_rows.c.import_id == row.id))
    tx.execute(update(imports).where(table.id == row.id).values(state="staging", started_at=now, name=source.name))
    return Begun(row.id, "staging")


def _worth_another_look(counts: Mapping[str, int]) -> bool:
    """Whether the same rows could fare better now: a sequence exists that did not, a suppression was lifted."""
    return any(counts.get(verdict) for verdict in ("rejected", "suppressed", "unchanged"))


def _insert(tx: Connection, source: Source, now: datetime) -> int:
    row = {"name": source.name, "sha256": source.sha256, "sequence": source.sequence, "state": "staging"}
    key = tx.execute(imports.insert().values(**row, started_at=now, counts={}, notes=[])).inserted_primary_key
    if key is None:  # pragma: no cover - every table here has a key
        raise AssertionError("an insert returned no key")
    return int(key[0])


def _last_line(tx: Connection, import_id: int) -> int:
    query = select(func.max(import_rows.c.line)).where(import_rows.c.import_id == import_id)
    return tx.execute(query).scalar() or 0


class Staging:
    """Puts rows aside for one import, and gives each new person the mailbox with the fewest running enrolments."""

    def __init__(self, tx: Connection, import_id: int, mailboxes: Sequence[str]) -> None:
        self.import_id = import_id
        self._loads = dict.fromkeys(mailboxes, 0)
        live = select(enrolments.c.mailbox, func.count()).where(enrolments.c.due_at.is_not(None))
        staged = select(import_rows.c.mailbox, func.count()).where(import_rows.c.import_id == import_id)
        for query in (live.group_by(enrolments.c.mailbox), staged.group_by(import_rows.c.mailbox)):
            for name, count in tx.execute(query) if len(mailboxes) > 1 else ():
                if name in self._loads:
                    self._loads[name] += count

    def add(self, tx: Connection, rows: Sequence[tuple[int, Entry | Rejection]]) -> None:
        """Stage rows with their lines; a row that is staged already stays as it is."""
        if rows:
            values = [self._values(line, row) for line, row in rows]
            tx.exec_driver_sql(_statement(tx.dialect.name), values)

    def _values(self, line: int, row: Entry | Rejection) -> tuple[Any, ...]:
        """Return a row in the order of ``_COLUMNS``, as the driver takes it: half of the time goes otherwise."""
        if isinstance(row, Rejection):
            return (self.import_id, line, row.email[:320], "rejected", row.reason, *_NOTHING)
        at = None if row.next_step_at is None else Utc().process_bind_param(row.next_step_at, _DIALECT)
        return (
            self.import_id,
            line,
            row.email,
            "enrolled",
            row.remark,
            row.untagged,
            row.account,
            row.company,
            self._mailbox(row.mailbox),
            row.sequence,
            row.timezone,
            row.country,
            row.language,
            row.stage,
            row.role,
            at,
            _encode(row.fields),
        )

    def _mailbox(self, wanted: str) -> str:
        name = wanted or min(self._loads, key=self._loads.__getitem__)
        self._loads[name] += 1
        return name


_COLUMNS = (
    "import_id",
    "line",
    "email",
    "verdict",
    "reason",
    "untagged",
    "account",
    "company",
    "mailbox",
    "sequence",
    "timezone",
    "country",
    "language",
    "stage",
    "role",
    "next_step_at",
    "fields",
)
_NOTHING = (*[""] * 10, None, "{}")
_DIALECT = sqlite.dialect()
_encode = json.JSONEncoder().encode


@functools.cache
def _statement(dialect: str) -> str:
    """Return the insert that stages a row, for this driver, with its values in the order of ``_COLUMNS``."""
    if dialect == "sqlite":
        return str(sqlite.insert(import_rows).on_conflict_do_nothing().compile(dialect=_DIALECT, column_keys=_COLUMNS))
    plain = psycopg.dialect(paramstyle="format")  # type: ignore[no-untyped-call] # as SQLAlchemy left it
    return str(postgresql.insert(import_rows).on_conflict_do_nothing().compile(dialect=plain, column_keys=_COLUMNS))


def insert_new(tx: Connection, table: Table) -> sqlite.Insert | postgresql.Insert:
    """Return this database's insert that can leave out what is there already."""
    return sqlite.insert(table) if tx.dialect.name == "sqlite" else postgresql.insert(table)


def finish(tx: Connection, import_id: int, now: datetime) -> Mapping[str, int]:
    """Note that an import is done; return how many rows fared how."""
    table = import_rows.c
    query = select(table.verdict, func.count()).where(table.import_id == import_id).group_by(table.verdict)
    found = {verdict: int(count) for verdict, count in tx.execute(query)}
    counts = {verdict: found.get(verdict, 0) for verdict in VERDICTS}
    tx.execute(update(imports).where(imports.c.id == import_id).values(state="active", finished_at=now, counts=counts))
    return counts


def note(tx: Connection, import_id: int, notes: Sequence[str]) -> None:
    """Keep what was worth a remark about the file as a whole."""
    tx.execute(update(imports).where(imports.c.id == import_id).values(notes=list(notes)))


def get(tx: Connection, import_id: int) -> Row[Any] | None:
    """Return an import, None where there is none of this id."""
    return tx.execute(select(imports).where(imports.c.id == import_id)).first()


def latest(tx: Connection, limit: int = 20) -> Sequence[Row[Any]]:
    """Return the imports, newest first."""
    return tx.execute(select(imports).order_by(imports.c.id.desc()).limit(limit)).all()


def verdicts(tx: Connection, import_id: int, after: int, limit: int = BATCH) -> list[Verdict]:
    """Return the next lines of an import's report."""
    table = import_rows.c
    query = (
        select(table.line, table.email, table.verdict, table.reason)
        .where(table.import_id == import_id, table.line > after)
        .order_by(table.line)
        .limit(limit)
    )
    return [Verdict(*row) for row in tx.execute(query)]


def refused(tx: Connection, import_id: int, limit: int) -> list[Verdict]:
    """Return the first rows that do not count, while they are still there."""
    table = import_rows.c
    query = select(table.line, table.email, table.verdict, table.reason).order_by(table.line).limit(limit)
    rows = tx.execute(query.where(table.import_id == import_id, table.verdict == "rejected"))
    return [Verdict(*row) for row in rows]


def drop_rows(tx: Connection, import_id: int, limit: int = 5 * BATCH) -> bool:
    """Delete staged rows whose report is written, a piece at a time; False once none are left."""
    table = import_rows.c
    last = select(table.line).where(table.import_id == import_id).order_by(table.line).offset(limit).limit(1)
    until = tx.execute(last).scalar()
    statement = delete(import_rows).where(table.import_id == import_id)
    tx.execute(statement if until is None else statement.where(table.line < until))
    return until is not None

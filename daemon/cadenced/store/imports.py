"""Imports: begun once for the same bytes, staged in short transactions, resumable at any row, reported row by row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, delete, func, select, update

from cadenced.errors import RefusedError, StoreError
from cadenced.store.schema import enrolments, import_verdicts, imports, prospects

VERDICTS = ("enrolled", "updated", "unchanged", "suppressed", "rejected")
"""What becomes of a row (CONTRACT 2)."""

BATCH = 2000
"""Rows that are written or read back in one go."""


@dataclass(frozen=True, slots=True)
class Source:
    """What is imported: the name people know the file by, its digest, and the sequence that its folder names."""

    name: str
    sha256: str
    sequence: str = ""


@dataclass(frozen=True, slots=True)
class Begun:
    """Where an import stands. ``phase``: ``staging``, ``activating``, ``active`` (no report yet), ``known``."""

    id: int
    phase: str
    counts: Mapping[str, int] = field(default_factory=dict)
    at: datetime | None = None


class Verdict(NamedTuple):
    """One line of a report."""

    line: int
    email: str
    verdict: str
    reason: str


def begin(tx: Connection, source: Source, now: datetime, spooled: int = 0) -> Begun:
    """Begin an import, or find where the same bytes for the same sequence were left.

    ``spooled`` is the import whose rows wait as a whole, 0 where none do.
    """
    table = imports.c
    query = select(imports).where(table.sha256 == source.sha256, table.sequence == source.sequence)
    row = tx.execute(query).first()
    if row is None:
        return Begun(_insert(tx, source, now), "staging")
    if row.state == "undoing":
        raise RefusedError(f"import {row.id} of the same file is being taken back: end it with --undo {row.id}")
    if row.state in {"staging", "activating"}:
        return Begun(row.id, row.state)
    if row.state == "active" and spooled == row.id:
        return Begun(row.id, "active", row.counts)
    if row.state == "active" and not _worth_another_look(row.counts):
        return Begun(row.id, "known", row.counts, row.finished_at)
    fresh = {"state": "staging", "started_at": now, "name": source.name, "reached": 0, "counts": {}}
    tx.execute(update(imports).where(table.id == row.id).values(fresh))
    return Begun(row.id, "staging")


def _worth_another_look(counts: Mapping[str, int]) -> bool:
    """Whether the same rows could fare better now: a sequence exists that did not, a suppression was lifted."""
    return not counts or any(counts.get(verdict) for verdict in ("rejected", "suppressed", "unchanged"))


def _insert(tx: Connection, source: Source, now: datetime) -> int:
    row = {"name": source.name, "sha256": source.sha256, "sequence": source.sequence, "state": "staging"}
    key = tx.execute(imports.insert().values(**row, started_at=now, counts={}, notes=[])).inserted_primary_key
    if key is None:  # pragma: no cover - every table here has a key
        raise AssertionError("an insert returned no key")
    return int(key[0])


def loads(tx: Connection, mailboxes: Sequence[str]) -> dict[str, int]:
    """Return how many enrolments run on each mailbox; where there is one mailbox nobody needs to count."""
    found = dict.fromkeys(mailboxes, 0)
    query = select(enrolments.c.mailbox, func.count()).where(enrolments.c.due_at.is_not(None))
    for name, count in tx.execute(query.group_by(enrolments.c.mailbox)) if len(mailboxes) > 1 else ():
        if name in found:
            found[name] = int(count)
    return found


def halfway(tx: Connection) -> list[tuple[str, str]]:
    """Return the imports that are becoming real: their digests and sequences."""
    query = select(imports.c.sha256, imports.c.sequence).where(imports.c.state == "activating")
    return [(digest, sequence) for digest, sequence in tx.execute(query.order_by(imports.c.id))]


def staging(tx: Connection) -> list[tuple[int, str, str]]:
    """Return the imports whose rows are being put aside: ids, digests and sequences."""
    query = select(imports.c.id, imports.c.sha256, imports.c.sequence).where(imports.c.state == "staging")
    return [(key, digest, sequence) for key, digest, sequence in tx.execute(query)]


def give_up(tx: Connection, import_id: int) -> None:
    """Note that rows which were put aside are gone, and come no more; who came by them before is there as ever."""
    came = select(prospects.c.id).where(prospects.c.import_id == import_id).limit(1)
    state = "given_up" if tx.execute(came).first() is None else "active"
    mine = (imports.c.id == import_id, imports.c.state == "staging")
    tx.execute(update(imports).where(*mine).values(state=state))


def begin_activation(tx: Connection, import_id: int) -> tuple[str, int]:
    """Note that rows become real from now on; return the import's name, and the place up to which they are."""
    row = progress(tx, import_id)
    tx.execute(update(imports).where(imports.c.id == import_id).values(state="activating"))
    return row.name, row.reached


def progress(tx: Connection, import_id: int) -> Row[Any]:
    """Return an import that exists."""
    return tx.execute(select(imports).where(imports.c.id == import_id)).one()


def note_progress(tx: Connection, import_id: int, reached: int, counts: Mapping[str, int]) -> None:
    """Note up to which place rows are real, and how they fared."""
    tx.execute(update(imports).where(imports.c.id == import_id).values(reached=reached, counts=dict(counts)))


def finish(tx: Connection, import_id: int, last: int, notes: Sequence[str], now: datetime) -> Mapping[str, int]:
    """Note that an import is done, up to its ``last`` place; return how many rows fared how.

    StoreError where the database has lost slices in a crash, as it may until this very commit: they are to come again.
    """
    row = progress(tx, import_id)
    if row.state == "activating" and row.reached < last:
        raise StoreError(f"the database has lost rows of import {import_id} after {row.reached}; they come again")
    found = row.counts
    counts = {verdict: found.get(verdict, 0) for verdict in VERDICTS}
    end = {"state": "active", "finished_at": now, "counts": counts, "notes": list(notes)}
    tx.execute(update(imports).where(imports.c.id == import_id).values(end))
    return counts


def get(tx: Connection, import_id: int) -> Row[Any] | None:
    """Return an import, None where there is none of this id."""
    return tx.execute(select(imports).where(imports.c.id == import_id)).first()


def latest(tx: Connection, limit: int = 20) -> Sequence[Row[Any]]:
    """Return the imports, newest first."""
    return tx.execute(select(imports).order_by(imports.c.id.desc()).limit(limit)).all()


def verdicts(tx: Connection, import_id: int, after: int, until: int) -> dict[int, tuple[str, str]]:
    """Return what became of rows that fared otherwise than their own words said, by line: verdict and reason."""
    table = import_verdicts.c
    here = (table.import_id == import_id, table.line > after, table.line <= until)
    return {
        line: (verdict, why)
        for line, verdict, why in tx.execute(select(table.line, table.verdict, table.reason).where(*here))
    }


def refused(tx: Connection, import_id: int, limit: int) -> list[tuple[int, str]]:
    """Return the first lines that were refused only while they became real, with the reasons."""
    table = import_verdicts.c
    query = select(table.line, table.reason).where(table.import_id == import_id, table.verdict == "rejected")
    return [(line, reason) for line, reason in tx.execute(query.order_by(table.line).limit(limit))]


def drop_verdicts(tx: Connection, import_id: int, limit: int = 5 * BATCH) -> bool:
    """Delete verdicts whose report is written, a piece at a time; False once none are left."""
    table = import_verdicts.c
    last = select(table.line).where(table.import_id == import_id).order_by(table.line).offset(limit).limit(1)
    until = tx.execute(last).scalar()
    statement = delete(import_verdicts).where(table.import_id == import_id)
    tx.execute(statement if until is None else statement.where(table.line < until))
    return until is not None

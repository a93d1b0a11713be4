"""Making somebody nobody: what tells of a person goes, what only counts stays.

Rows stay where something else depends on them: a touch says that a copy in Sent is ours (the restore guard), a mail's
digest that it was read, both how much a mailbox has sent. They keep moments, states, steps and numbers.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, Text, cast, delete, func, or_, select, update

from cadenced.store import forgotten, people, tasks
from cadenced.store.schema import accounts, enrolments, events, imports, inbound, prospects, suppressions, touches
from cadenced.store.schema import tasks as task_rows

_KEPT = ("sequence", "step")
"""What events of somebody forgotten keep of their data."""

_NOTHING: Mapping[Table, Mapping[str, Any]] = {
    enrolments: {"account_id": None, "timezone": "", "country": "", "role": "", "reason": "", "next_step_at": None},
    touches: {"subject": "", "raw": None, "sha256": "", "reply": "", "evidence": ""},
    inbound: {
        "message_id": "",
        "header_from": "",
        "subject": "",
        "until": "",
        "reply_text": "",
        "raw": None,
        "evidence": [],
    },
    task_rows: {"brief": "", "facts": {}, "note": "", "outcome": "forgotten"},
    prospects: {
        "account_id": None,
        "timezone": "",
        "country": "",
        "language": "",
        "stage": "",
        "role": "",
        "next_step_at": None,
        "fields": {},
        "untagged": "",
    },
}
_TOLD = {
    prospects: ("fields",),
    enrolments: ("reason",),
    task_rows: ("brief", "note", "facts"),
    events: ("data",),
    imports: ("name", "notes"),
}
"""Where others' rows may name a person."""

_SHORTEST, _LONGEST = 3, 600
"""Characters: less is no name, and no row quotes more of a reply."""


@dataclass(frozen=True, slots=True)
class Traces:
    """Where else a person is told of: rows of others, and the words in them: addresses, names, what was written."""

    rows: tuple[tuple[Table, int], ...]
    words: frozenset[str]


def traces(tx: Connection, ids: Collection[int], emails: Collection[str]) -> Traces:
    """Return what others' rows tell of these prospects; whole tables are read for their addresses."""
    found = {
        (table, key)
        for table, columns in _TOLD.items()
        for key in tx.execute(select(table.c.id).where(_names(table, columns, emails))).scalars()
    }
    colleagues = list(tx.execute(select(prospects.c.id).where(_of_account(ids))).scalars())
    found |= {(prospects, key) for key in colleagues}
    for table in (enrolments, task_rows, events):
        of_them = select(table.c.id).where(table.c.prospect_id.in_(colleagues))
        found |= {(table, key) for key in tx.execute(of_them).scalars()}
    words = {*emails, *_said(tx, ids), *(people.get(tx, key).name for key in ids)}
    return Traces(tuple(found), frozenset(word for word in words if len(word) >= _SHORTEST))


def _names(table: Table, columns: Iterable[str], emails: Collection[str]) -> ColumnElement[bool]:
    texts = [func.lower(cast(table.c[name], Text)) for name in columns]
    return or_(*(text.contains(email, autoescape=True) for text in texts for email in emails))


def _of_account(ids: Collection[int]) -> ColumnElement[bool]:
    of_them = select(prospects.c.account_id).where(prospects.c.id.in_(ids), prospects.c.account_id.is_not(None))
    return prospects.c.account_id.in_(of_them) & prospects.c.id.not_in(ids)


def _said(tx: Connection, ids: Collection[int]) -> set[str]:
    rows = tx.execute(select(inbound.c.subject, inbound.c.reply_text).where(inbound.c.prospect_id.in_(ids)))
    return {text[:_LONGEST] for row in rows for text in row}


def erase(tx: Connection, ids: Collection[int], emails: Collection[str], now: datetime) -> Mapping[str, int]:
    """Make these prospects nobody; ``emails`` are all addresses meant. Returns how many rows."""
    if tx.dialect.name == "sqlite":
        tx.exec_driver_sql("PRAGMA secure_delete = ON")  # what is taken out is overwritten in the file
    of_account = select(prospects.c.account_id).where(prospects.c.id.in_(ids), prospects.c.account_id.is_not(None))
    left = list(tx.execute(of_account).scalars())
    for task in tx.execute(select(task_rows.c.id).where(_open_of(ids))).scalars().all():
        tasks.close(tx, task, "forgotten", "", now)
    counts = {table.name: _empty(tx, table, ids, values) for table, values in _NOTHING.items()}
    counts["inbound"] += _unattributed(tx, emails)
    counts["events"] = _forget_events(tx, ids)
    counts["suppressions"] = tx.execute(delete(suppressions).where(_of_address(emails))).rowcount
    for key in ids:
        tx.execute(update(prospects).where(prospects.c.id == key).values(email=forgotten.nobody(key)))
        tx.execute(update(touches).where(touches.c.prospect_id == key).values(recipient=forgotten.nobody(key)))
    _drop_accounts(tx, left)
    return counts


def authors_of_nobodies(tx: Connection) -> list[tuple[int, str]]:
    """Return who wrote what has come for forgotten people since: a mail that answers one of ours finds its way."""
    nobody = prospects.c.email.endswith(forgotten.NOBODY, autoescape=True)
    query = select(inbound.c.prospect_id, inbound.c.header_from).join(
        prospects, prospects.c.id == inbound.c.prospect_id
    )
    rows = tx.execute(query.where(nobody, inbound.c.header_from != "").distinct())
    return [(int(key), author.lower()) for key, author in rows]


def _open_of(ids: Collection[int]) -> ColumnElement[bool]:
    return task_rows.c.prospect_id.in_(ids) & task_rows.c.done_at.is_(None)


def _empty(tx: Connection, table: Table, ids: Collection[int], values: Mapping[str, Any]) -> int:
    whose = table.c.id if table is prospects else table.c.prospect_id
    return tx.execute(update(table).where(whose.in_(ids)).values(dict(values))).rowcount


def _unattributed(tx: Connection, emails: Collection[str]) -> int:
    """Empty mails from these addresses that were never found to be a prospect's."""
    where = inbound.c.prospect_id.is_(None) & func.lower(inbound.c.header_from).in_(emails)
    return tx.execute(update(inbound).where(where).values(dict(_NOTHING[inbound]))).rowcount


def _forget_events(tx: Connection, ids: Collection[int]) -> int:
    rows = tx.execute(select(events.c.id, events.c.data).where(events.c.prospect_id.in_(ids))).all()
    for key, data in rows:
        kept = {name: data[name] for name in _KEPT if name in data}
        tx.execute(update(events).where(events.c.id == key).values(data=kept))
    return len(rows)


def _of_address(emails: Collection[str]) -> ColumnElement[bool]:
    return suppressions.c.email.in_(emails) | suppressions.c.untagged.in_(emails)


def _drop_accounts(tx: Connection, ids: Collection[int]) -> None:
    """Drop the companies in which nobody is left; a company of one is that person."""
    for key in set(ids):
        if tx.execute(select(prospects.c.id).where(prospects.c.account_id == key).limit(1)).first() is None:
            tx.execute(update(enrolments).where(enrolments.c.account_id == key).values(account_id=None))
            tx.execute(delete(accounts).where(accounts.c.id == key))


def silence(tx: Connection, found: Traces) -> int:
    """Take a person out of rows of others; returns out of how many."""
    changed = 0
    for table, key in found.rows:
        columns = _TOLD[table]
        row = tx.execute(select(*(table.c[name] for name in columns)).where(table.c.id == key)).first()
        values = {name: _without(value, found.words) for name, value in zip(columns, row or (), strict=bool(row))}
        if row is not None and tuple(values.values()) != tuple(row):
            tx.execute(update(table).where(table.c.id == key).values(values))
            changed += 1
    return changed


def _without(value: Any, words: Collection[str]) -> Any:
    """Return a value of JSON without these words, in whatever depth and case."""
    if isinstance(value, Mapping):
        return {key: _without(inner, words) for key, inner in value.items()}
    if isinstance(value, list):
        return [_without(inner, words) for inner in value]
    return without(value, words) if isinstance(value, str) else value


def without(text: str, words: Collection[str]) -> str:
    """Return a text in which ``(forgotten)`` stands in place of each of these words, in whatever case."""
    return _named(frozenset(words)).sub("(forgotten)", text)


@functools.lru_cache(4)
def _named(words: frozenset[str]) -> re.Pattern[str]:
    any_of = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w.+-])(?:{any_of})(?!\w|[\w-]*\.\w)", re.IGNORECASE)

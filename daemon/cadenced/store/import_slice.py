"""One slice of an import becomes real: people, accounts, enrolments and their timeline, in one short transaction.

Set-based: new people cost a few statements for the whole slice. Unique keys decide who is new, and what was sent,
answered or suppressed before keeps its state (RELIABILITY 2.4, I19).
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    ColumnElement,
    Connection,
    Insert,
    Select,
    Table,
    Text,
    and_,
    bindparam,
    exists,
    func,
    literal,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects import sqlite

from cadenced.core.roster import Rules
from cadenced.store import forgotten, import_known, import_plans
from cadenced.store.import_session import NEW, fates, plans, staged
from cadenced.store.schema import Utc, accounts, enrolments, events, import_verdicts, prospects, suppressions

_row = staged.c
_COUNTED = ("enrolled", "again", "homeless")
_NOW = bindparam("b_now", type_=Utc)
_IMPORT = bindparam("b_import", type_=BigInteger)
_PEOPLE = bindparam("b_people", type_=BigInteger)
_LIVES = bindparam("b_lives", type_=BigInteger)
_DATA = bindparam("b_data", type_=JSON)
_PLACE = _row.place - bindparam("b_after")


@dataclass(frozen=True, slots=True)
class Slice:
    """The rows after one place up to another, of one import, made real at one moment."""

    import_id: int
    name: str
    rules: Rules
    now: datetime
    after: int
    until: int

    def given(self) -> dict[str, Any]:
        """Return what the statements must know, as parameters."""
        usual = import_plans.usual(self.rules)
        return {"b_after": self.after, "b_import": self.import_id, "b_now": self.now, **usual}


def activate(tx: Connection, part: Slice) -> Mapping[str, int]:
    """Make a slice real; return how many of its rows fared how."""
    given = part.given()
    _recognise(tx, given)
    _refuse_without_sequence(tx, part.rules, given)
    import_plans.fill(tx, given, part.rules, part.now)
    if tx.execute(_ANY_FAULT).first():
        tx.execute(_told(tx, _WITHOUT_PLAN), given)
    tx.execute(_new(tx, accounts, ("key", "name"), _ACCOUNTS), given)
    if tx.execute(_ANY_KNOWN).first():
        import_known.update(tx, import_known.Work(part.import_id, part.name, part.rules, part.now, given))
        import_plans.fill_known(tx, given, part.rules, part.now)
        tx.execute(_KNOWN_WITHOUT_PLAN)
    _begin(tx, part, given)
    counts = {verdict: int(count) for verdict, count in tx.execute(_COUNTS, given)}
    tx.execute(_new(tx, import_verdicts, ("import_id", "line", "verdict", "reason"), _DIFFERING), given)
    tx.execute(fates.delete())
    return counts


def _new(tx: Connection, table: Table, names: tuple[str, ...], rows: Select[Any]) -> Insert:
    """Return this database's insert that leaves out what is there already; built once."""
    return _insert(tx.dialect.name, table, names, rows)


@functools.cache
def _insert(dialect: str, table: Table, names: tuple[str, ...], rows: Select[Any]) -> Insert:
    if dialect == "sqlite":
        return sqlite.insert(table).from_select(names, rows).on_conflict_do_nothing()
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - a start on SQLite does without

    return postgresql.insert(table).from_select(names, rows).on_conflict_do_nothing()


def _told(tx: Connection, rows: Select[Any]) -> Insert:
    """Note what is special about rows about which nothing is noted yet."""
    return _new(tx, fates, tuple(rows.selected_columns.keys()), rows)


def _same(table: Table) -> tuple[ColumnElement[bool], ...]:
    """Return by which a staged row and an address are one person."""
    tagged = table.c.untagged != ""
    return (
        table.c.email == _row.email,
        and_(table.c.email == _row.untagged, _row.untagged != ""),
        and_(table.c.untagged == _row.email, tagged),
        and_(table.c.untagged == _row.untagged, tagged),
    )


_ANY_SUPPRESSED = select(suppressions.c.email).limit(1)
_NEVER = {"verdict": "suppressed", "reason": "never to be written to"}
_SUPPRESSED = select(
    _row.place, literal(_NEVER["verdict"]).label("verdict"), literal(_NEVER["reason"]).label("reason")
).where(_row.verdict.in_(_COUNTED), or_(*(exists().where(same) for same in _same(suppressions))))
_REPEATED = select(_row.place, literal("unchanged").label("verdict"), _row.reason).where(_row.verdict == "again")
_ALIVE = _row.verdict.in_(("enrolled", "homeless"))
_BY_ADDRESS = [select(_row.place, prospects.c.id.label("prospect_id")).where(_ALIVE, it) for it in _same(prospects)[:2]]
_BY_VARIANT = [
    select(_row.place, func.min(prospects.c.id).label("prospect_id")).where(_ALIVE, it).group_by(_row.place)
    for it in _same(prospects)[2:]
]


def _recognise(tx: Connection, given: Mapping[str, Any]) -> None:
    """Set suppressed people aside, whatever variant of the address the file has (I10); link rows to known people.

    Of several rows of one person the first counts (settled when they were staged).
    """
    if tx.execute(_ANY_SUPPRESSED).first():
        tx.execute(_told(tx, _SUPPRESSED), given)
    _set_forgotten_aside(tx, given)
    for query in (_REPEATED, *_BY_ADDRESS, *_BY_VARIANT):
        tx.execute(_told(tx, query), given)


_ADDRESSES = select(_row.place, _row.email).where(_row.verdict.in_(_COUNTED))


def _set_forgotten_aside(tx: Connection, given: Mapping[str, Any]) -> None:
    """Set people aside who asked to be forgotten: only their own words, hashed, tell who they are."""
    if not forgotten.count(tx):
        return
    rows = {row.place: row.email for row in tx.execute(_ADDRESSES, given)}
    found = forgotten.among(tx, set(rows.values()))
    told = [{**_NEVER, "place": place} for place, email in rows.items() if email in found]
    done = set(tx.execute(select(fates.c.place)).scalars()) if told else set()
    fresh = [one for one in told if one["place"] not in done]
    if fresh:
        tx.execute(fates.insert(), fresh)


_HOMELESS = (
    update(fates)
    .where(exists().where(_row.place == fates.c.place, _row.verdict == "homeless"), fates.c.verdict == "")
    .values(verdict="unchanged", reason=select(_row.reason).where(_row.place == fates.c.place).scalar_subquery())
)
_WITHOUT_SEQUENCE = select(
    _row.place, literal("rejected").label("verdict"), bindparam("b_why", type_=Text).label("reason")
).where(_ALIVE, _row.sequence == "")


def _refuse_without_sequence(tx: Connection, rules: Rules, given: Mapping[str, Any]) -> None:
    """Refuse new people without a next step, in all of their rows; of known ones, a row may just tell something new."""
    names = ", ".join(list(rules.sequences)[:12])
    reason = (
        "no sequence: fill a column sequence, drop the file into the folder of a sequence, or set default_sequence"
        + (f" (there is {names})" if names else "")
    )
    tx.execute(_HOMELESS)
    tx.execute(_told(tx, _WITHOUT_SEQUENCE), {**given, "b_why": reason})


_ANY_FAULT = select(plans.c.fault).where(plans.c.fault != "").limit(1)
_WITHOUT_PLAN = (
    select(_row.place, literal("rejected").label("verdict"), plans.c.fault.label("reason"))
    .join_from(staged, plans, import_plans.OF_ROW)
    .where(NEW, plans.c.fault != "")
)
_WHY_NEVER = select(plans.c.fault).where(
    _row.place == fates.c.place, prospects.c.id == fates.c.prospect_id, import_plans.OF_PROSPECT, plans.c.fault != ""
)
_KNOWN_WITHOUT_PLAN = (
    update(fates)
    .where(fates.c.verdict == "", fates.c.prospect_id.is_not(None), _WHY_NEVER.correlate(fates).exists())
    .values(verdict="rejected", reason=_WHY_NEVER.correlate(fates).scalar_subquery())
)
_ANY_KNOWN = select(fates.c.place).where(fates.c.prospect_id.is_not(None), fates.c.verdict == "").limit(1)
_REFUSED = exists().where(fates.c.place == _row.place, fates.c.verdict != "")
_ACCOUNTS = (
    select(_row.account, func.min(_row.company))
    .where(_row.verdict == "enrolled", _row.account != "", ~_REFUSED)
    .group_by(_row.account)
)
_ACCOUNT = select(accounts.c.id).where(accounts.c.key == _row.account, _row.account != "").scalar_subquery()
_PROSPECT: dict[str, ColumnElement[Any]] = {
    "id": _PLACE + _PEOPLE,
    "email": _row.email,
    "untagged": _row.untagged,
    "account_id": _ACCOUNT,
    "mailbox": _row.mailbox,
    "timezone": plans.c.timezone,
    "country": plans.c.country,
    "language": _row.language,
    "stage": func.coalesce(func.nullif(_row.stage, ""), plans.c.stage),
    "role": _row.role,
    "next_step_at": _row.next_step_at,
    "fields": _row.fields,
    "created_at": _NOW,
    "import_id": _IMPORT,
}
_ADD_PROSPECTS = prospects.insert().from_select(
    list(_PROSPECT),
    select(*_PROSPECT.values()).join_from(staged, plans, import_plans.OF_ROW).where(NEW).order_by(_row.place),
)
_ENROLMENT: dict[str, ColumnElement[Any]] = {
    "prospect_id": prospects.c.id,
    "account_id": prospects.c.account_id,
    "mailbox": prospects.c.mailbox,
    "sequence": _row.sequence,
    "generation": literal(1),
    "state": plans.c.state,
    "step": plans.c.step,
    "due_at": plans.c.due_at,
    "anchor": _NOW,
    "lane": plans.c.lane,
    "fresh": literal(True, Boolean),
    "timezone": prospects.c.timezone,
    "country": prospects.c.country,
    "role": prospects.c.role,
    "done": literal([], JSON),
    "next_step_at": prospects.c.next_step_at,
    "enrolled_at": _NOW,
    "import_id": _IMPORT,
}
_ENROL_NEW = enrolments.insert().from_select(
    ["id", *_ENROLMENT],
    select(_PLACE + _LIVES, *_ENROLMENT.values())
    .join_from(staged, prospects, prospects.c.id == _PLACE + _PEOPLE)
    .join(plans, import_plans.OF_PROSPECT)
    .order_by(_row.place),
)
_ENROL_KNOWN = (
    select(*_ENROLMENT.values())
    .join_from(staged, fates, fates.c.place == _row.place)
    .join(prospects, prospects.c.id == fates.c.prospect_id)
    .join(plans, import_plans.OF_PROSPECT)
    .where(fates.c.verdict == "")
    .order_by(_row.place)
)
_TIMELINE = ["at", "prospect_id", "enrolment_id", "event", "data"]
_IMPORTED = events.insert().from_select(
    _TIMELINE,
    select(_NOW, prospects.c.id, literal(None, events.c.enrolment_id.type), literal("imported"), _DATA)
    .where(prospects.c.id > _PEOPLE)  # nobody else writes, so all of them are this slice's
    .order_by(prospects.c.id),
)
_BEGUN = enrolments.c.id > _LIVES
_SEQUENCES = select(enrolments.c.sequence).where(_BEGUN).distinct()
_ENROLLED = events.insert().from_select(
    _TIMELINE,
    select(_NOW, enrolments.c.prospect_id, enrolments.c.id, literal("enrolled"), _DATA)
    .where(_BEGUN, enrolments.c.sequence == bindparam("b_sequence", type_=Text))
    .order_by(enrolments.c.id),
)
_FARED = func.coalesce(func.nullif(fates.c.verdict, ""), _row.verdict)
_COUNTS = (
    select(_FARED, func.count()).join_from(staged, fates, fates.c.place == _row.place, isouter=True).group_by(text("1"))
)
_DIFFERING = (
    select(_IMPORT, _row.line, fates.c.verdict, fates.c.reason)
    .join_from(fates, staged, fates.c.place == _row.place)
    .where(fates.c.verdict != "")
)


def _begin(tx: Connection, part: Slice, given: Mapping[str, Any]) -> None:
    """Add the new people, enrol everybody who is to be, and write both into the timeline; known ones by their id."""
    span = part.until - part.after
    given = {**given, "b_people": _reserved(tx, prospects, span), "b_lives": _reserved(tx, enrolments, span)}
    tx.execute(_ADD_PROSPECTS, given)
    tx.execute(_ENROL_NEW, given)
    if tx.execute(_ANY_KNOWN).first():
        tx.execute(_new(tx, enrolments, tuple(_ENROLMENT), _ENROL_KNOWN), given)
    tx.execute(_IMPORTED, {**given, "b_data": {"import": part.import_id, "file": part.name}})
    for sequence in tx.execute(_SEQUENCES, given).scalars().all():
        data = {"sequence": sequence, "import": part.import_id}
        tx.execute(_ENROLLED, {**given, "b_data": data, "b_sequence": sequence})


def _reserved(tx: Connection, table: Table, count: int) -> int:
    """Return an id after which ``count`` ids are ours; whoever writes waits for this transaction."""
    if tx.dialect.name == "sqlite":
        return tx.execute(select(func.max(table.c.id))).scalar() or 0
    name = tx.execute(select(func.pg_get_serial_sequence(table.name, "id"))).scalar_one()
    base = int(tx.execute(select(func.nextval(name))).scalar_one())
    tx.execute(select(func.setval(name, base + count)))
    return base

"""Rows of people who are known already: what is new of them is taken over, and what runs is left alone."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Connection,
    Row,
    Select,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy import update as change

from cadenced.core.roster import Rules
from cadenced.store.import_session import fates, staged
from cadenced.store.schema import accounts, enrolments, events, prospects

_PAGE = 1000
_row = staged.c
_COLUMNS = ("timezone", "country", "language", "stage", "role", "next_step_at")
_LIVE_TOO = ("timezone", "country", "role", "next_step_at", "account_id")


@dataclass(frozen=True, slots=True)
class Work:
    """The import at hand; ``given`` tells the statements which slice it is."""

    import_id: int
    name: str
    rules: Rules
    now: datetime
    given: Mapping[str, Any]


@dataclass(slots=True)
class _Page:
    """What one page of rows changes."""

    verdicts: list[dict[str, Any]] = field(default_factory=list)
    people: list[dict[str, Any]] = field(default_factory=list)
    lives: list[dict[str, Any]] = field(default_factory=list)
    timeline: list[dict[str, Any]] = field(default_factory=list)


def update(tx: Connection, work: Work) -> None:
    """Take over what is new of known people, and say of each row what becomes of it."""
    tx.execute(_LEAVE_THE_SAME, work.given)
    for rows in _pages(tx, work):
        page = _Page()
        for row in rows:
            _judge(row, work, page)
        _write(tx, page)


_later = enrolments.alias()
_LATEST = select(func.max(_later.c.generation)).where(
    _later.c.prospect_id == prospects.c.id, _later.c.sequence == _row.sequence
)
_SAME_ACCOUNT = exists().where(accounts.c.id == prospects.c.account_id, accounts.c.key == _row.account)
_NOTHING_NEW = and_(
    cast(_row.fields, Text) == cast(prospects.c.fields, Text),
    *(or_(_row[name] == "", _row[name] == prospects.c[name]) for name in _COLUMNS if name != "next_step_at"),
    or_(_row.next_step_at.is_(None), _row.next_step_at == prospects.c.next_step_at),
    or_(_row.account == "", _SAME_ACCOUNT),
)
_LEAVE_THE_SAME = (
    change(fates)
    .where(
        _row.place == fates.c.place,
        fates.c.verdict == "",
        _row.reason == "",
        fates.c.prospect_id == prospects.c.id,
        enrolments.c.prospect_id == prospects.c.id,
        enrolments.c.sequence == _row.sequence,
        enrolments.c.generation == _LATEST.scalar_subquery(),
        _NOTHING_NEW,
    )
    .values(
        verdict="unchanged",
        reason=literal("is in ") + _row.sequence + literal(" already (") + enrolments.c.state + literal(")"),
    )
)
"""Settles at once the rows that tell nothing new of people who are there already: most of a list dropped again.

Only rows for which ``_judge`` would say the same; what is the least bit different is left to it.
"""

_mine = enrolments.c.prospect_id == prospects.c.id
_already = select(enrolments.c.state).where(_mine, enrolments.c.sequence == _row.sequence)
_live = select(func.min(enrolments.c.sequence)).where(_mine, enrolments.c.due_at.is_not(None))
_account = select(accounts.c.id).where(accounts.c.key == _row.account, _row.account != "")
_TO_JUDGE: Select[Any] = (
    select(
        *(_row[name] for name in ("place", "email", "sequence", "reason", *_COLUMNS)),
        _row.fields.label("new_fields"),
        _account.scalar_subquery().label("new_account"),
        _already.order_by(enrolments.c.generation.desc()).limit(1).scalar_subquery().label("already"),
        _live.scalar_subquery().label("live"),
        prospects,
    )
    .join_from(staged, fates, fates.c.place == _row.place)
    .join(prospects, prospects.c.id == fates.c.prospect_id)
    .where(fates.c.verdict == "", _row.place > bindparam("b_last"))
    .order_by(_row.place)
    .limit(_PAGE)
)


def _pages(tx: Connection, work: Work) -> Iterator[Sequence[Row[Any]]]:
    last = 0
    while rows := tx.execute(_TO_JUDGE, {**work.given, "b_last": last}).all():
        yield rows
        last = rows[-1].place


def _judge(row: Row[Any], work: Work, page: _Page) -> None:
    enrols, why = _may_enrol(row)
    changed = _changes(row, enrols=enrols, rules=work.rules)
    if changed:
        _take_over(row, changed, work, page)
    if enrols:
        return  # the verdict stands as it is
    verdict = "updated" if changed else "unchanged"
    reason = "; ".join(filter(None, (why, row.reason)))
    page.verdicts.append({"b_place": row.place, "verdict": verdict, "reason": reason})


def _may_enrol(row: Row[Any]) -> tuple[bool, str]:
    """Nobody is enrolled twice in a sequence, nor in two at a time: their mails would cross."""
    if not row.sequence:
        return False, "no sequence is named"
    if row.already:
        return False, f"is in {row.sequence} already ({row.already})"
    if row.live:
        return False, f"is in {row.live} already; halt it first"
    return True, ""


def _changes(row: Row[Any], *, enrols: bool, rules: Rules) -> Mapping[str, Any]:
    """Return what the row knows and the prospect does not; an empty cell takes nothing away."""
    old = row._mapping
    found: dict[str, Any] = {
        name: old[_row[name]] for name in _COLUMNS if old[_row[name]] and old[_row[name]] != old[prospects.c[name]]
    }
    if enrols and "stage" not in found and not old[_row.stage]:
        stage = rules.sequences[row.sequence].stage
        found |= {"stage": stage} if stage and stage != old[prospects.c.stage] else {}
    if row.new_account and row.new_account != row.account_id and ("company" in row.new_fields or not row.account_id):
        found["account_id"] = row.new_account
    fields = {name: value for name, value in row.new_fields.items() if row.fields.get(name) != value}
    return {**found, "fields": {**row.fields, **fields}} if fields else found


def _take_over(row: Row[Any], changed: Mapping[str, Any], work: Work, page: _Page) -> None:
    names = ("account_id", *_COLUMNS, "fields")
    now = {name: changed.get(name, row._mapping[prospects.c[name]]) for name in names}
    page.people.append({"b_id": row.id, **now})
    if any(name in changed for name in _LIVE_TOO):
        page.lives.append({"b_id": row.id, **{name: now[name] for name in _LIVE_TOO}})
    new = sorted({*changed} - {"fields", "account_id"} | {*_new_fields(row, changed)})
    data = {"import": work.import_id, "file": work.name, "changed": new}
    page.timeline.append({"at": work.now, "prospect_id": row.id, "event": "imported", "data": data})


def _new_fields(row: Row[Any], changed: Mapping[str, Any]) -> list[str]:
    fields: Mapping[str, str] = changed.get("fields", {})
    return [name for name, value in fields.items() if row.fields.get(name) != value]


def _write(tx: Connection, page: _Page) -> None:
    if page.verdicts:
        tx.execute(change(fates).where(fates.c.place == bindparam("b_place")), page.verdicts)
    if page.people:
        tx.execute(change(prospects).where(prospects.c.id == bindparam("b_id")), page.people)
    if page.lives:
        mine = enrolments.c.prospect_id == bindparam("b_id")
        tx.execute(change(enrolments).where(mine, enrolments.c.due_at.is_not(None)), page.lives)
    if page.timeline:
        tx.execute(events.insert(), page.timeline)

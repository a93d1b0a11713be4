"""When an enrolment that begins now is first due: asked of the lifecycle once for each sequence and place."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    MetaData,
    Row,
    String,
    Table,
    and_,
    func,
    literal,
    or_,
    select,
    update,
)

from cadenced.core import lifecycle
from cadenced.core.model import Enrolment, Place, State
from cadenced.core.pacing import NeverOpensError
from cadenced.core.roster import Rules
from cadenced.store import enrolments as rows
from cadenced.store.schema import Utc, import_rows, prospects

_row = import_rows.c
_PRIMARY = "primary"

plans = Table(
    "import_plans",
    MetaData(),
    Column("sequence", String(80), primary_key=True),
    Column("timezone", String(80), primary_key=True),
    Column("country", String(8), primary_key=True),
    Column("is_primary", Boolean, primary_key=True),
    Column("state", String(16)),
    Column("step", String(80)),
    Column("due_at", Utc),
    Column("lane", String(8)),
    prefixes=["TEMPORARY"],
)
"""One row for each group of people who are due at the same time; lives as long as the transaction."""


def timezone(rules: Rules) -> ColumnElement[str]:
    """Return the zone of a staged row, the usual one where the row knows none."""
    return func.coalesce(func.nullif(_row.timezone, ""), literal(rules.place.timezone))


def country(rules: Rules) -> ColumnElement[str]:
    """Return the country of a staged row, the usual one where the row knows none."""
    return func.coalesce(func.nullif(_row.country, ""), literal(rules.place.country))


def matches() -> ColumnElement[bool]:
    """Return the condition that joins a staged row and its prospect with their plan."""
    return and_(
        plans.c.sequence == _row.sequence,
        plans.c.timezone == prospects.c.timezone,
        plans.c.country == prospects.c.country,
        plans.c.is_primary == (prospects.c.role == _PRIMARY),
    )


def fill(tx: Connection, import_id: int, rules: Rules, now: datetime) -> None:
    """Plan every group of the import; rows of a group that can never be due are rejected."""
    drop(tx)
    plans.create(tx)
    planned: list[dict[str, Any]] = []
    for group in _groups(tx, import_id, rules):
        try:
            planned.append(_plan(group, rules, now))
        except NeverOpensError as fault:
            _reject(tx, import_id, group, rules, f"{group.sequence}: {fault}")
    if planned:
        tx.execute(plans.insert(), planned)


def drop(tx: Connection) -> None:
    """Forget the plans."""
    plans.drop(tx, checkfirst=False) if _there(tx) else None


def _there(tx: Connection) -> bool:
    if tx.dialect.name == "sqlite":
        query = "SELECT 1 FROM sqlite_temp_master WHERE name = 'import_plans'"
        return tx.exec_driver_sql(query).first() is not None
    return tx.exec_driver_sql("SELECT to_regclass('pg_temp.import_plans')").scalar() is not None


def _groups(tx: Connection, import_id: int, rules: Rules) -> Iterable[Row[Any]]:
    chosen = and_(_row.import_id == import_id, _row.verdict == "enrolled", _row.sequence != "")
    new = select(
        _row.sequence,
        timezone(rules).label("timezone"),
        country(rules).label("country"),
        (_row.role == _PRIMARY).label("is_primary"),
    ).where(chosen, _row.prospect_id.is_(None))
    who = (prospects.c.timezone, prospects.c.country, (prospects.c.role == _PRIMARY).label("is_primary"))
    known = select(_row.sequence, *who).where(chosen, prospects.c.id == _row.prospect_id)
    return tx.execute(new.union(known)).all()


def _plan(group: Row[Any], rules: Rules, now: datetime) -> dict[str, Any]:
    sequence = rules.sequences[group.sequence]
    begun = lifecycle.begin(
        Enrolment(
            id=0,
            prospect=0,
            mailbox="",
            sequence=sequence.name,
            generation=1,
            state=State.ACTIVE,
            step="",
            due_at=None,
            anchor=now,
            place=Place(group.timezone, group.country),
            role=_PRIMARY if group.is_primary else "",
        ),
        sequence,
        now,
    )
    return {
        "sequence": group.sequence,
        "timezone": group.timezone,
        "country": group.country,
        "is_primary": group.is_primary,
        "state": begun.state.value,
        "step": begun.step,
        "due_at": begun.due_at,
        "lane": rows.lane(begun, sequence),
    }


def _reject(tx: Connection, import_id: int, group: Row[Any], rules: Rules, reason: str) -> None:
    """Refuse the rows of a group; the place of a known person stands with the prospect."""
    known = select(prospects.c.id).where(prospects.c.timezone == group.timezone, prospects.c.country == group.country)
    here = or_(
        _row.prospect_id.in_(known),
        and_(_row.prospect_id.is_(None), timezone(rules) == group.timezone, country(rules) == group.country),
    )
    wanted = and_(_row.import_id == import_id, _row.verdict == "enrolled", _row.sequence == group.sequence)
    tx.execute(update(import_rows).where(wanted, here).values(verdict="rejected", reason=reason))

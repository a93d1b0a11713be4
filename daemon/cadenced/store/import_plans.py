"""When an enrolment that begins now is first due: asked of the lifecycle once for each sequence and place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, Row, Text, and_, bindparam, exists, func, select

from cadenced.core import lifecycle
from cadenced.core.model import Enrolment, Place, State
from cadenced.core.pacing import NeverOpensError
from cadenced.core.roster import Rules
from cadenced.store import enrolments as rows
from cadenced.store.import_session import NEW, fates, plans, staged
from cadenced.store.schema import prospects

_PRIMARY = "primary"


TIMEZONE: ColumnElement[str] = func.coalesce(func.nullif(staged.c.timezone, ""), bindparam("b_timezone", type_=Text))
"""The zone of a staged row, the usual one where the row knows none."""

COUNTRY: ColumnElement[str] = func.coalesce(func.nullif(staged.c.country, ""), bindparam("b_country", type_=Text))
"""The country of a staged row, the usual one where the row knows none."""

OF_PROSPECT = and_(
    plans.c.sequence == staged.c.sequence,
    plans.c.timezone == prospects.c.timezone,
    plans.c.country == prospects.c.country,
    plans.c.is_primary == (prospects.c.role == _PRIMARY),
)
"""Joins a staged row and its prospect with their plan."""

OF_ROW = and_(
    plans.c.sequence == staged.c.sequence,
    plans.c.timezone == TIMEZONE,
    plans.c.country == COUNTRY,
    plans.c.is_primary == (staged.c.role == _PRIMARY),
)
"""Joins a staged row of a new person with its plan."""

_NEW = (
    select(staged.c.sequence, TIMEZONE, COUNTRY, staged.c.role == _PRIMARY)
    .where(NEW, staged.c.sequence != "", ~exists().where(OF_ROW))
    .distinct()
)
_KNOWN = (
    select(staged.c.sequence, prospects.c.timezone, prospects.c.country, prospects.c.role == _PRIMARY)
    .join_from(staged, fates, fates.c.place == staged.c.place)
    .join(prospects, prospects.c.id == fates.c.prospect_id)
    .where(fates.c.verdict == "", staged.c.sequence != "", ~exists().where(OF_PROSPECT))
    .distinct()
)


def usual(rules: Rules) -> dict[str, str]:
    """Return the place of whoever has none, as parameters."""
    return {"b_timezone": rules.place.timezone, "b_country": rules.place.country}


def fill(tx: Connection, given: Mapping[str, Any], rules: Rules, now: datetime) -> None:
    """Plan every group of new people that has no plan yet."""
    _add(tx, tx.execute(_NEW, given), rules, now)


def fill_known(tx: Connection, given: Mapping[str, Any], rules: Rules, now: datetime) -> None:
    """Plan every group of known people that has no plan yet; their place stands with the prospect."""
    _add(tx, tx.execute(_KNOWN, given), rules, now)


def _add(tx: Connection, groups: Iterable[Row[Any]], rules: Rules, now: datetime) -> None:
    planned = [_plan(Group._make(group), rules, now) for group in groups]
    if planned:
        tx.execute(plans.insert(), planned)


class Group(NamedTuple):
    """People who are due at the same time."""

    sequence: str
    timezone: str
    country: str
    is_primary: bool


def _plan(group: Group, rules: Rules, now: datetime) -> dict[str, Any]:
    row = {**group._asdict(), "state": "", "step": "", "due_at": None, "lane": "", "stage": "", "fault": ""}
    sequence = rules.sequences.get(group.sequence)
    if sequence is None:
        return row | {"fault": f'sequence: "{group.sequence}" does not exist any more'}
    try:
        begun = lifecycle.begin(_enrolment(group, now), sequence, now)
    except NeverOpensError as fault:
        return row | {"fault": f"{group.sequence}: {fault}"}
    row |= {"state": begun.state.value, "step": begun.step, "due_at": begun.due_at}
    return row | {"lane": rows.lane(begun, sequence), "stage": sequence.stage}


def _enrolment(group: Group, now: datetime) -> Enrolment:
    return Enrolment(
        id=0,
        prospect=0,
        mailbox="",
        sequence=group.sequence,
        generation=1,
        state=State.ACTIVE,
        step="",
        due_at=None,
        anchor=now,
        place=Place(group.timezone, group.country),
        role=_PRIMARY if group.is_primary else "",
    )

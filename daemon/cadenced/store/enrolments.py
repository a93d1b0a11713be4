"""Enrolments as rows: read, written only as what the lifecycle made of them, and found when due."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    bindparam,
    exists,
    false,
    func,
    literal_column,
    not_,
    or_,
    select,
    true,
    update,
)

from cadenced.core import sequence as plan
from cadenced.core.model import Enrolment, Place, State
from cadenced.store.schema import enrolments
from cadenced.store.statement import Among, Statement

_LIVE = ("active", "paused", "awaiting_task")
_C = enrolments.c

MOVED_BY_A_TOUCH = ("step", "due_at", "anchor", "reason", "done")
"""What changes of an enrolment that goes on after a touch; ``save_touched`` writes these and nothing else."""

COLUMNS = (
    _C.id, _C.prospect_id, _C.mailbox, _C.sequence, _C.generation, _C.state, _C.step, _C.due_at, _C.anchor, _C.timezone,
    _C.country, _C.account_id, _C.role, _C.reason, _C.outcome, _C.then, _C.soft_bounces, _C.done, _C.next_step_at,
)  # fmt: skip
"""What ``from_row`` makes an enrolment from, in its order."""

# Statements are built once: building one costs several times what SQLite takes to run it.
_INSERT = enrolments.insert()
_BY_ID = select(*COLUMNS).where(_C.id == bindparam("id"))
_BY_IDS = Statement(select(*COLUMNS).where(Among(_C.id, "ids")))
_OF_PROSPECT = select(*COLUMNS).where(_C.prospect_id == bindparam("prospect")).order_by(_C.id)
_LIVE_OF_PROSPECT = _OF_PROSPECT.where(_C.state.in_(_LIVE))
_LIVE_OF_ACCOUNT = select(*COLUMNS).where(
    _C.account_id == bindparam("account"), _C.prospect_id != bindparam("but"), _C.due_at.is_not(None)
)
_IN_LANE = (_C.mailbox == bindparam("mailbox"), _C.lane == bindparam("lane"), _C.fresh == bindparam("is_fresh"))
_IS_DUE = (*_IN_LANE, _C.due_at <= bindparam("now"))
_DUE = Statement(
    select(*COLUMNS).where(*_IS_DUE, not_(Among(_C.id, "but"))).order_by(_C.due_at).limit(bindparam("most"))
)


def _in_lane(lane_name: str | BindParameter[str], *, fresh: bool) -> tuple[ColumnElement[bool], ...]:
    is_lane = _C.lane == (literal_column(f"'{lane_name}'") if isinstance(lane_name, str) else lane_name)
    return _C.mailbox == bindparam("mailbox"), is_lane, _C.fresh == (true() if fresh else false())


_ANY_DUE = Statement(
    select(
        or_(
            *(
                exists().where(*_in_lane(bindparam("lane"), fresh=fresh), _C.due_at <= bindparam("now"))
                for fresh in (True, False)
            )
        )
    )
)
_NEXT_DUE = Statement(
    select(
        *(
            select(func.min(_C.due_at))
            .where(*_in_lane(name, fresh=fresh), _C.due_at > bindparam("after"))
            .scalar_subquery()
            for name in ("mail", "desk")
            for fresh in (False, True)
        )
    )
)
_GENERATION = select(func.max(_C.generation)).where(
    _C.prospect_id == bindparam("prospect"), _C.sequence == bindparam("name")
)
_FIRST_ENROLLED = select(func.min(_C.enrolled_at)).where(_C.prospect_id == bindparam("prospect"))
_PRIMARIES = Statement(
    select(_C.account_id, _C.sequence, _C.fresh).where(
        Among(_C.account_id, "accounts"),
        _C.role == literal_column("'primary'"),  # an index of primaries is used for this very word, not for a value
    )
)
_TOUCHED = update(enrolments).where(_C.id == bindparam("this")).values(fresh=False)
_SAVE = update(enrolments).where(_C.id == bindparam("this"))
_SAVE_TOUCHED = Statement(_SAVE.values(fresh=False), *MOVED_BY_A_TOUCH, "lane")


def values(enrolment: Enrolment, sequence: plan.Sequence | None) -> dict[str, Any]:
    """Return the columns that an enrolment's state is kept in, without its id."""
    return {
        "prospect_id": enrolment.prospect,
        "account_id": enrolment.account,
        "mailbox": enrolment.mailbox,
        "sequence": enrolment.sequence,
        "generation": enrolment.generation,
        "state": enrolment.state.value,
        "step": enrolment.step,
        "due_at": enrolment.due_at,
        "anchor": enrolment.anchor,
        "lane": lane(enrolment, sequence),
        "timezone": enrolment.place.timezone,
        "country": enrolment.place.country,
        "role": enrolment.role,
        "reason": enrolment.reason,
        "outcome": enrolment.outcome,
        "then": enrolment.then,
        "soft_bounces": enrolment.soft_bounces,
        "done": list(enrolment.done),
        "next_step_at": enrolment.next_step_at,
    }


def lane(enrolment: Enrolment, sequence: plan.Sequence | None) -> str:
    """Return ``mail`` where an active enrolment's next step is sent, ``park`` behind a task, else ``desk``."""
    if enrolment.state is State.AWAITING_TASK:
        return "park"
    step = sequence.step(enrolment.step) if sequence else None
    return "mail" if enrolment.state is State.ACTIVE and isinstance(step, plan.MailStep) else "desk"


def from_row(row: Sequence[Any]) -> Enrolment:
    """Return the value that a row of ``COLUMNS`` holds."""
    (key, prospect, mailbox, sequence, generation, state, step, due_at, anchor, timezone,
     country, account, role, reason, outcome, then, soft_bounces, done, next_step_at) = row  # fmt: skip
    place = _place(timezone, country)
    return Enrolment(
        key, prospect, mailbox, sequence, generation, State(state), step, due_at, anchor, place,
        account, role, reason, outcome, then, soft_bounces, tuple(done), next_step_at,
    )  # fmt: skip


@lru_cache(1024)
def _place(timezone: str, country: str) -> Place:
    return Place(timezone, country)


def add(tx: Connection, enrolment: Enrolment, sequence: plan.Sequence, now: datetime) -> Enrolment:
    """Insert a new enrolment and return it with its id."""
    row = {**values(enrolment, sequence), "enrolled_at": now}
    new_id = tx.execute(_INSERT, row).inserted_primary_key
    if new_id is None:  # pragma: no cover - every table here has a key
        raise AssertionError("an insert returned no key")
    return get(tx, int(new_id[0]))


def save(tx: Connection, enrolment: Enrolment, sequence: plan.Sequence | None) -> None:
    """Write back what the lifecycle made of an enrolment."""
    tx.execute(_SAVE, {"this": enrolment.id, **values(enrolment, sequence)})


def save_touched(tx: Connection, moved: Collection[tuple[Enrolment, plan.Sequence]]) -> None:
    """Write back many active enrolments at once whose touches were sent: they stand at their next step now."""
    rows = [
        {
            "this": one.id,
            "step": one.step,
            "due_at": one.due_at,
            "anchor": one.anchor,
            "reason": one.reason,
            "done": list(one.done),
            "lane": lane(one, sequence),
        }
        for one, sequence in moved
    ]
    _SAVE_TOUCHED.run_each(tx, rows)


def mark_touched(tx: Connection, enrolment_id: int) -> None:
    """Note that a touch was sent: from now on it goes before first touches when the quota is short."""
    tx.execute(_TOUCHED, {"this": enrolment_id})


def get(tx: Connection, enrolment_id: int) -> Enrolment:
    """Return the enrolment of this id; it must exist."""
    return from_row(tx.execute(_BY_ID, {"id": enrolment_id}).one())


def among(tx: Connection, ids: Collection[int]) -> dict[int, Enrolment]:
    """Return the enrolments of these ids, by id."""
    return {row[0]: from_row(row) for row in _BY_IDS.rows(tx, ids=ids)}


def of_prospect(tx: Connection, prospect_id: int, *, live: bool = False) -> list[Enrolment]:
    """Return a prospect's enrolments, oldest first."""
    query = _LIVE_OF_PROSPECT if live else _OF_PROSPECT
    return [from_row(row) for row in tx.execute(query, {"prospect": prospect_id})]


def live_of_account(tx: Connection, account_id: int, but: int) -> list[Enrolment]:
    """Return the live enrolments of an account's other prospects."""
    return [from_row(row) for row in tx.execute(_LIVE_OF_ACCOUNT, {"account": account_id, "but": but})]


def due(tx: Connection, mailbox: str, lane_name: str, now: datetime, limit: int) -> list[Enrolment]:
    """Return what is due in one lane of one mailbox: follow-ups before first touches, then by date."""
    return _due(tx, {"mailbox": mailbox, "lane": lane_name, "now": now}, limit, ())


def due_mails(tx: Connection, mailbox: str, now: datetime, limit: int, but: Collection[int]) -> list[Enrolment]:
    """Return whose mail is due in one mailbox, in the order of ``due``, ``but`` these enrolments."""
    return _due(tx, {"mailbox": mailbox, "lane": "mail", "now": now}, limit, but)


def _due(tx: Connection, where: Mapping[str, Any], limit: int, but: Collection[int]) -> list[Enrolment]:
    found: list[Enrolment] = []
    for fresh in (False, True):
        found += map(from_row, _DUE.rows(tx, **where, is_fresh=fresh, but=but, most=limit - len(found)))
        if len(found) >= limit:
            break
    return found


def any_due(tx: Connection, mailbox: str, lane_name: str, now: datetime) -> bool:
    """Whether anything is due in one lane of one mailbox."""
    ((found,),) = _ANY_DUE.rows(tx, mailbox=mailbox, lane=lane_name, now=now)
    return bool(found)


def next_due(tx: Connection, mailbox: str, after: datetime) -> datetime | None:
    """Return when the next thing after ``after`` is due for a mailbox, None where nothing is planned."""
    (moments,) = _NEXT_DUE.rows(tx, mailbox=mailbox, after=after)
    return min((m for m in moments if m is not None), default=None)


def latest_generation(tx: Connection, prospect_id: int, sequence: str) -> int:
    """Return the highest generation of a prospect in a sequence, 0 where there was none."""
    return tx.execute(_GENERATION, {"prospect": prospect_id, "name": sequence}).scalar() or 0


def first_enrolled_at(tx: Connection, prospect_id: int) -> datetime | None:
    """Return when a prospect was first enrolled anywhere."""
    return tx.execute(_FIRST_ENROLLED, {"prospect": prospect_id}).scalar()


def primaries_told(tx: Connection, accounts: Collection[int]) -> dict[tuple[int, str], bool]:
    """Return by account and sequence whether its primary has had a first touch there; no entry: no primary there."""
    told: dict[tuple[int, str], bool] = {}
    if accounts:
        for account, sequence, fresh in _PRIMARIES.rows(tx, accounts=accounts):
            key = (account, sequence)
            told[key] = told.get(key, False) or not fresh
    return told


def counts(tx: Connection) -> Mapping[str, int]:
    """Return how many enrolments are in each state, states without any included."""
    query = select(enrolments.c.state, func.count()).group_by(enrolments.c.state)
    found = {state: int(n) for state, n in tx.execute(query)}
    return {state.value: found.get(state.value, 0) for state in State}

"""Enrolments as rows: read, written only as what the lifecycle made of them, and found when due."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, and_, func, select

from cadenced.core import sequence as plan
from cadenced.core.model import Enrolment, Place, State
from cadenced.store.schema import enrolments

_LIVE = ("active", "paused", "awaiting_task")


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


def from_row(row: Row[Any]) -> Enrolment:
    """Return the value that a row of ``enrolments`` holds."""
    return Enrolment(
        id=row.id,
        prospect=row.prospect_id,
        mailbox=row.mailbox,
        sequence=row.sequence,
        generation=row.generation,
        state=State(row.state),
        step=row.step,
        due_at=row.due_at,
        anchor=row.anchor,
        place=Place(row.timezone, row.country),
        account=row.account_id,
        role=row.role,
        reason=row.reason,
        outcome=row.outcome,
        then=row.then,
        soft_bounces=row.soft_bounces,
        done=tuple(row.done),
        next_step_at=row.next_step_at,
    )


def add(tx: Connection, enrolment: Enrolment, sequence: plan.Sequence, now: datetime) -> Enrolment:
    """Insert a new enrolment and return it with its id."""
    row = {**values(enrolment, sequence), "enrolled_at": now}
    new_id = tx.execute(enrolments.insert().values(row)).inserted_primary_key
    if new_id is None:  # pragma: no cover - every table here has a key
        raise AssertionError("an insert returned no key")
    return get(tx, int(new_id[0]))


def save(tx: Connection, enrolment: Enrolment, sequence: plan.Sequence | None) -> None:
    """Write back what the lifecycle made of an enrolment."""
    row = values(enrolment, sequence)
    tx.execute(enrolments.update().where(enrolments.c.id == enrolment.id).values(row))


def mark_touched(tx: Connection, enrolment_id: int) -> None:
    """Note that a touch was sent: from now on it goes before first touches when the quota is short."""
    tx.execute(enrolments.update().where(enrolments.c.id == enrolment_id).values(fresh=False))


def get(tx: Connection, enrolment_id: int) -> Enrolment:
    """Return the enrolment of this id; it must exist."""
    return from_row(tx.execute(select(enrolments).where(enrolments.c.id == enrolment_id)).one())


def of_prospect(tx: Connection, prospect_id: int, *, live: bool = False) -> list[Enrolment]:
    """Return a prospect's enrolments, oldest first."""
    query = select(enrolments).where(enrolments.c.prospect_id == prospect_id).order_by(enrolments.c.id)
    if live:
        query = query.where(enrolments.c.state.in_(_LIVE))
    return [from_row(row) for row in tx.execute(query)]


def live_of_account(tx: Connection, account_id: int, but: int) -> list[Enrolment]:
    """Return the live enrolments of an account's other prospects."""
    query = select(enrolments).where(
        enrolments.c.account_id == account_id, enrolments.c.prospect_id != but, enrolments.c.due_at.is_not(None)
    )
    return [from_row(row) for row in tx.execute(query)]


def due(tx: Connection, mailbox: str, lane_name: str, now: datetime, limit: int) -> list[Enrolment]:
    """Return what is due in one lane of one mailbox: follow-ups before first touches, then by date."""
    found: list[Enrolment] = []
    for fresh in (False, True):
        query = (
            select(enrolments)
            .where(
                enrolments.c.mailbox == mailbox,
                enrolments.c.lane == lane_name,
                enrolments.c.fresh == fresh,
                enrolments.c.due_at <= now,
            )
            .order_by(enrolments.c.due_at)
            .limit(limit - len(found))
        )
        found += [from_row(row) for row in tx.execute(query)]
        if len(found) >= limit:
            break
    return found


def next_due(tx: Connection, mailbox: str, after: datetime) -> datetime | None:
    """Return when the next thing after ``after`` is due for a mailbox, None where nothing is planned."""
    moments = []
    for lane_name in ("mail", "desk"):
        for fresh in (False, True):
            query = select(func.min(enrolments.c.due_at)).where(
                enrolments.c.mailbox == mailbox,
                enrolments.c.lane == lane_name,
                enrolments.c.fresh == fresh,
                enrolments.c.due_at > after,
            )
            moments.append(tx.execute(query).scalar())
    return min((m for m in moments if m is not None), default=None)


def latest_generation(tx: Connection, prospect_id: int, sequence: str) -> int:
    """Return the highest generation of a prospect in a sequence, 0 where there was none."""
    query = select(func.max(enrolments.c.generation)).where(
        and_(enrolments.c.prospect_id == prospect_id, enrolments.c.sequence == sequence)
    )
    return tx.execute(query).scalar() or 0


def first_enrolled_at(tx: Connection, prospect_id: int) -> datetime | None:
    """Return when a prospect was first enrolled anywhere."""
    query = select(func.min(enrolments.c.enrolled_at)).where(enrolments.c.prospect_id == prospect_id)
    return tx.execute(query).scalar()


def primary_told(tx: Connection, account_id: int, sequence: str) -> bool | None:
    """Whether the account's primary has had a first touch in this sequence; None where it has no primary there."""
    query = select(enrolments.c.fresh).where(
        enrolments.c.account_id == account_id, enrolments.c.sequence == sequence, enrolments.c.role == "primary"
    )
    rows: Sequence[bool] = tx.execute(query).scalars().all()
    return None if not rows else any(not fresh for fresh in rows)


def elsewhere(tx: Connection, mailboxes: Collection[str]) -> Mapping[str, int]:
    """Return how many live enrolments hang on mailboxes other than these, by the mailbox's name."""
    query = (
        select(enrolments.c.mailbox, func.count())
        .where(enrolments.c.state.in_(_LIVE), enrolments.c.mailbox.not_in(mailboxes))
        .group_by(enrolments.c.mailbox)
    )
    return {name: int(n) for name, n in tx.execute(query)}


def counts(tx: Connection) -> Mapping[str, int]:
    """Return how many enrolments are in each state, states without any included."""
    query = select(enrolments.c.state, func.count()).group_by(enrolments.c.state)
    found = {state: int(n) for state, n in tx.execute(query)}
    return {state.value: found.get(state.value, 0) for state in State}

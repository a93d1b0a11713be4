"""Invariants of people and enrolments: once each, a next step each, one sequence at a time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sqlalchemy import Connection, Select, and_, exists, func, literal_column, or_, select

from cadenced.store.audit_findings import Breach, Given
from cadenced.store.schema import enrolments, prospects, suppressions, tasks

_LIVE = ("active", "paused", "awaiting_task")


def twice(tx: Connection, _given: Given) -> Iterator[Breach]:
    """Find addresses that are the same person's: letters of another size, a +tag, dots that Gmail ignores."""
    # A literal, no parameter: PostgreSQL would take the two parameters of SELECT and GROUP BY for two expressions.
    identity = func.lower(func.coalesce(func.nullif(prospects.c.untagged, literal_column("''")), prospects.c.email))
    query = (
        select(identity.label("same"), func.count().label("n"), func.min(prospects.c.id), func.max(prospects.c.id))
        .group_by(identity)
        .having(func.count() > 1)
    )
    for same, count, first, last in tx.execute(query):
        ids = {"first": int(first), "last": int(last)}
        yield Breach(f"{same} stands there {count} times (prospects {first} to {last})", ids)


def without_next_step(tx: Connection, _given: Given) -> Iterator[Breach]:
    """Find live enrolments without a date, or parked ones without a reason."""
    parked = and_(enrolments.c.state.in_(("paused", "awaiting_task")), enrolments.c.reason == "")
    query = _with_email().where(enrolments.c.state.in_(_LIVE), or_(enrolments.c.due_at.is_(None), parked))
    for row in tx.execute(query):
        missing = "no date" if row.due_at is None else "no reason"
        yield Breach(
            f"enrolment {row.id} of {row.email} in {row.sequence} is {row.state} and has {missing}", _ids(row.id)
        )


def dated_though_over(tx: Connection, _given: Given) -> Iterator[Breach]:
    """Find ended enrolments that still have a date, or no outcome."""
    over = enrolments.c.state.not_in(_LIVE)
    query = _with_email().where(over, or_(enrolments.c.due_at.is_not(None), enrolments.c.outcome == ""))
    for row in tx.execute(query):
        wrong = "a date" if row.due_at is not None else "no outcome"
        yield Breach(
            f"enrolment {row.id} of {row.email} in {row.sequence} is {row.state} and has {wrong}", _ids(row.id)
        )


def two_at_a_time(tx: Connection, _given: Given) -> Iterator[Breach]:
    """Find prospects with more than one live enrolment."""
    live = enrolments.c.state.in_(_LIVE)
    crowd = (
        select(enrolments.c.prospect_id, func.count().label("n"))
        .where(live)
        .group_by(enrolments.c.prospect_id)
        .having(func.count() > 1)
        .subquery()
    )
    query = select(prospects.c.email, crowd.c.prospect_id, crowd.c.n).join(crowd, crowd.c.prospect_id == prospects.c.id)
    for email, prospect_id, count in tx.execute(query):
        yield Breach(f"{email} runs through {count} sequences at a time", {"prospect": prospect_id})


def unasked(tx: Connection, _given: Given) -> Iterator[Breach]:
    """Find enrolments that wait for a task while none is open."""
    asked = exists().where(
        tasks.c.done_at.is_(None),
        or_(tasks.c.enrolment_id == enrolments.c.id, tasks.c.prospect_id == enrolments.c.prospect_id),
    )
    query = _with_email().where(enrolments.c.state == "awaiting_task", ~asked)
    for row in tx.execute(query):
        text = f"enrolment {row.id} of {row.email} waits for a task, and none is open ({row.reason})"
        yield Breach(f"{text}; cadenced resume {row.email}", _ids(row.id))


def live_though_suppressed(tx: Connection, _given: Given) -> Iterator[Breach]:
    """Find live enrolments of suppressed addresses."""
    query = (
        _with_email().join(suppressions, suppressions.c.email == prospects.c.email).where(enrolments.c.state.in_(_LIVE))
    )
    for row in tx.execute(query):
        text = f"{row.email} is suppressed, and enrolment {row.id} in {row.sequence} is {row.state}"
        yield Breach(f"{text}; cadenced halt {row.email}", _ids(row.id))


def _with_email() -> Select[Any]:
    columns = (
        enrolments.c.id,
        enrolments.c.sequence,
        enrolments.c.state,
        enrolments.c.due_at,
        enrolments.c.reason,
        prospects.c.email,
    )
    return select(*columns).select_from(enrolments.join(prospects, prospects.c.id == enrolments.c.prospect_id))


def _ids(enrolment: int) -> dict[str, int]:
    return {"enrolment": enrolment}

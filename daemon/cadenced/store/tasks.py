"""Tasks for the human: opened once, listed by their date, done with an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, select, update

from cadenced.store.schema import prospects, tasks


@dataclass(frozen=True, slots=True)
class NewTask:
    """What to ask of the human; ``facts`` is shown beside the brief."""

    kind: str
    brief: str
    due_at: datetime
    prospect: int | None = None
    enrolment: int | None = None
    touch: int | None = None
    step: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenTask:
    """A task as the human sees it."""

    id: int
    kind: str
    brief: str
    due_at: datetime
    opened_at: datetime
    prospect: int | None
    email: str
    enrolment: int | None
    touch: int | None
    step: str
    facts: Mapping[str, str]
    done_at: datetime | None = None
    outcome: str = ""
    note: str = ""


def add(tx: Connection, task: NewTask, now: datetime) -> int:
    """Open a task; the same open question about the same enrolment is not asked twice. Returns its id."""
    same = (
        select(tasks.c.id)
        .where(
            tasks.c.done_at.is_(None),
            tasks.c.kind == task.kind,
            tasks.c.prospect_id == task.prospect,
            tasks.c.enrolment_id == task.enrolment,
            tasks.c.step == task.step,
            tasks.c.brief == task.brief,
        )
        .limit(1)
    )
    found = tx.execute(same).scalar()
    if found is not None:
        return int(found)
    row = {
        "kind": task.kind,
        "brief": task.brief,
        "due_at": task.due_at,
        "opened_at": now,
        "prospect_id": task.prospect,
        "enrolment_id": task.enrolment,
        "touch_id": task.touch,
        "step": task.step,
        "facts": dict(task.facts),
    }
    new = tx.execute(tasks.insert().values(row)).inserted_primary_key
    return int(new[0]) if new else 0


def close(tx: Connection, task_id: int, outcome: str, note: str, now: datetime) -> bool:
    """Mark a task as done; False when it was done before."""
    where = (tasks.c.id == task_id) & tasks.c.done_at.is_(None)
    return tx.execute(update(tasks).where(where).values(done_at=now, outcome=outcome, note=note)).rowcount == 1


def close_of_enrolment(tx: Connection, enrolment_id: int, outcome: str, now: datetime) -> None:
    """Close all that is open for an enrolment because its questions are settled."""
    where = (tasks.c.enrolment_id == enrolment_id) & tasks.c.done_at.is_(None)
    tx.execute(update(tasks).where(where).values(done_at=now, outcome=outcome))


def close_of_plan(tx: Connection, enrolment_id: int, outcome: str, now: datetime) -> None:
    """Close what was asked so that an enrolment could go on, because it is over; answers still wait for the human."""
    of_plan = (tasks.c.step != "") | tasks.c.kind.in_(("decision", "template", "wording", "colleague"))
    where = (tasks.c.enrolment_id == enrolment_id) & tasks.c.done_at.is_(None) & of_plan
    tx.execute(update(tasks).where(where).values(done_at=now, outcome=outcome))


def open_of_kind(tx: Connection, *kinds: str) -> list[OpenTask]:
    """Return the open tasks of these kinds, oldest first."""
    query = _query().where(tasks.c.done_at.is_(None), tasks.c.kind.in_(kinds)).order_by(tasks.c.id)
    return [_from_row(row) for row in tx.execute(query)]


def close_of_step(tx: Connection, enrolment_id: int, outcome: str, now: datetime) -> None:
    """Close what is asked about the next step of an enrolment: its own task, or why its mail cannot be made."""
    of_step = (tasks.c.step != "") | tasks.c.kind.in_(("decision", "template", "wording"))
    where = (tasks.c.enrolment_id == enrolment_id) & tasks.c.done_at.is_(None) & of_step
    tx.execute(update(tasks).where(where).values(done_at=now, outcome=outcome))


def close_of_touch(tx: Connection, touch_id: int, outcome: str, now: datetime) -> None:
    """Close the question that a touch in doubt had raised."""
    where = (tasks.c.touch_id == touch_id) & tasks.c.done_at.is_(None)
    tx.execute(update(tasks).where(where).values(done_at=now, outcome=outcome))


def get(tx: Connection, task_id: int) -> OpenTask | None:
    """Return a task by its id, done or not."""
    row = tx.execute(_query().where(tasks.c.id == task_id)).first()
    return _from_row(row) if row else None


def open_until(tx: Connection, until: datetime | None = None) -> list[OpenTask]:
    """Return open tasks due until a moment (None: all), the oldest date first."""
    query = _query().where(tasks.c.done_at.is_(None)).order_by(tasks.c.due_at, tasks.c.id)
    if until is not None:
        query = query.where(tasks.c.due_at <= until)
    return [_from_row(row) for row in tx.execute(query)]


def open_of_enrolment(tx: Connection, enrolment_id: int) -> list[OpenTask]:
    """Return the open tasks of an enrolment, the oldest date first."""
    query = _query().where(tasks.c.done_at.is_(None), tasks.c.enrolment_id == enrolment_id)
    return [_from_row(row) for row in tx.execute(query.order_by(tasks.c.due_at, tasks.c.id))]


def of_prospect(tx: Connection, prospect_id: int) -> list[OpenTask]:
    """Return all tasks about a prospect, oldest first."""
    query = _query().where(tasks.c.prospect_id == prospect_id).order_by(tasks.c.id)
    return [_from_row(row) for row in tx.execute(query)]


def _query() -> Any:
    return select(tasks, prospects.c.email).select_from(
        tasks.outerjoin(prospects, prospects.c.id == tasks.c.prospect_id)
    )


def _from_row(row: Row[Any]) -> OpenTask:
    return OpenTask(
        row.id,
        row.kind,
        row.brief,
        row.due_at,
        row.opened_at,
        row.prospect_id,
        row.email or "",
        row.enrolment_id,
        row.touch_id,
        row.step,
        row.facts,
        row.done_at,
        row.outcome,
        row.note,
    )

"""Tasks for the human: opened once, listed by their date, done with an outcome."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Select, Update, bindparam, func, select, update

from cadenced.store.schema import prospects, tasks

_OPEN = tasks.c.done_at.is_(None)
_TASK = tasks.c.id == bindparam("task")
_ENROLMENT = tasks.c.enrolment_id == bindparam("enrolment")
_QUERY = select(tasks, prospects.c.email).select_from(tasks.outerjoin(prospects, prospects.c.id == tasks.c.prospect_id))
_ADD = tasks.insert()
_GET = _QUERY.where(_TASK)
_OPEN_OF_ENROLMENT = _QUERY.where(_OPEN, _ENROLMENT).order_by(tasks.c.due_at, tasks.c.id)
_OPEN_UNTIL = _QUERY.where(_OPEN, tasks.c.due_at <= bindparam("until")).order_by(tasks.c.due_at, tasks.c.id)
_ALL_OPEN = _QUERY.where(_OPEN).order_by(tasks.c.due_at, tasks.c.id)
_OF_PROSPECT = _QUERY.where(tasks.c.prospect_id == bindparam("prospect")).order_by(tasks.c.id)
_NEWEST = select(func.max(tasks.c.id))
_NEXT_DUE = select(func.min(tasks.c.due_at)).where(_OPEN, tasks.c.due_at > bindparam("after"))


def _closing(*where: ColumnElement[bool]) -> Update:
    return update(tasks).where(_OPEN, *where).values(done_at=bindparam("at"), outcome=bindparam("how"))


_CLOSE = _closing(_TASK).values(note=bindparam("said"))
_CLOSE_OF_ENROLMENT = _closing(_ENROLMENT)
_CLOSE_OF_PLAN = _closing(
    _ENROLMENT, (tasks.c.step != "") | tasks.c.kind.in_(("decision", "template", "wording", "colleague"))
)
_CLOSE_OF_STEP = _closing(_ENROLMENT, (tasks.c.step != "") | tasks.c.kind.in_(("decision", "template", "wording")))
_CLOSE_OF_TOUCH = _closing(tasks.c.touch_id == bindparam("touch"))


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
    asked = {"kind": task.kind, "step": task.step, "brief": task.brief}
    about = {"prospect": task.prospect, "enrolment": task.enrolment}
    named = {name: value for name, value in about.items() if value is not None}
    found = tx.execute(_same("prospect" in named, "enrolment" in named), {**asked, **named}).scalar()
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
    new = tx.execute(_ADD, row).inserted_primary_key
    return int(new[0]) if new else 0


@cache
def _same(of_prospect: bool, of_enrolment: bool) -> Select[int]:
    """Return what looks for a task that asks the same; whom it is about may be nobody."""
    about = (
        tasks.c.prospect_id == bindparam("prospect") if of_prospect else tasks.c.prospect_id.is_(None),
        _ENROLMENT if of_enrolment else tasks.c.enrolment_id.is_(None),
    )
    asked = (getattr(tasks.c, name) == bindparam(name) for name in ("kind", "step", "brief"))
    return select(tasks.c.id).where(_OPEN, *about, *asked).limit(1)


def close(tx: Connection, task_id: int, outcome: str, note: str, now: datetime) -> bool:
    """Mark a task as done; False when it was done before."""
    return tx.execute(_CLOSE, {"task": task_id, "at": now, "how": outcome, "said": note}).rowcount == 1


def close_of_enrolment(tx: Connection, enrolment_id: int, outcome: str, now: datetime) -> None:
    """Close all that is open for an enrolment because its questions are settled."""
    tx.execute(_CLOSE_OF_ENROLMENT, {"enrolment": enrolment_id, "at": now, "how": outcome})


def close_of_plan(tx: Connection, enrolment_id: int, outcome: str, now: datetime) -> None:
    """Close what was asked so that an enrolment could go on, because it is over; answers still wait for the human."""
    tx.execute(_CLOSE_OF_PLAN, {"enrolment": enrolment_id, "at": now, "how": outcome})


def close_of_step(tx: Connection, enrolment_id: int, outcome: str, now: datetime) -> None:
    """Close what is asked about the next step of an enrolment: its own task, or why its mail cannot be made."""
    tx.execute(_CLOSE_OF_STEP, {"enrolment": enrolment_id, "at": now, "how": outcome})


def close_of_touch(tx: Connection, touch_id: int, outcome: str, now: datetime) -> None:
    """Close the question that a touch in doubt had raised."""
    tx.execute(_CLOSE_OF_TOUCH, {"touch": touch_id, "at": now, "how": outcome})


def open_of_kind(tx: Connection, *kinds: str) -> list[OpenTask]:
    """Return the open tasks of these kinds, oldest first."""
    query = _QUERY.where(_OPEN, tasks.c.kind.in_(kinds)).order_by(tasks.c.id)
    return [_from_row(row) for row in tx.execute(query)]


def get(tx: Connection, task_id: int) -> OpenTask | None:
    """Return a task by its id, done or not."""
    row = tx.execute(_GET, {"task": task_id}).first()
    return _from_row(row) if row else None


def open_until(tx: Connection, until: datetime | None = None) -> list[OpenTask]:
    """Return open tasks due until a moment (None: all), the oldest date first."""
    rows = tx.execute(_ALL_OPEN) if until is None else tx.execute(_OPEN_UNTIL, {"until": until})
    return [_from_row(row) for row in rows]


def next_due(tx: Connection, after: datetime) -> datetime | None:
    """Return when the next open task after a moment is due, None where there is none."""
    found: datetime | None = tx.execute(_NEXT_DUE, {"after": after}).scalar()
    return found


def newest(tx: Connection) -> int:
    """Return the id of the task that was opened last, 0 where none ever was."""
    return int(tx.execute(_NEWEST).scalar() or 0)


def open_of_enrolment(tx: Connection, enrolment_id: int) -> list[OpenTask]:
    """Return the open tasks of an enrolment, the oldest date first."""
    return [_from_row(row) for row in tx.execute(_OPEN_OF_ENROLMENT, {"enrolment": enrolment_id})]


def of_prospect(tx: Connection, prospect_id: int) -> list[OpenTask]:
    """Return all tasks about a prospect, oldest first."""
    return [_from_row(row) for row in tx.execute(_OF_PROSPECT, {"prospect": prospect_id})]


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

"""The event log: append-only, past-tense words; a prospect's rows in order are the timeline."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select

from cadenced.core.model import Enrolment
from cadenced.store.schema import events
from cadenced.store.statement import Statement
from cadenced.store.touches import Touch

_ADD = events.insert()
_ADD_EACH = Statement(_ADD, "at", "event", "prospect_id", "enrolment_id", "data")
_OF_PROSPECT = select(events).where(events.c.prospect_id == bindparam("prospect")).order_by(events.c.id)
_NEWEST = select(events.c.at).order_by(events.c.id.desc()).limit(1)


def note(tx: Connection, at: datetime, event: str, prospect_id: int | None, **data: Any) -> None:
    """Append what happened to a prospect (None: to the installation)."""
    tx.execute(_ADD, {"at": at, "event": event, "prospect_id": prospect_id, "data": _known(data)})


def note_of(tx: Connection, at: datetime, event: str, enrolment: Enrolment, **data: Any) -> None:
    """Append what happened to an enrolment."""
    known = _known({"sequence": enrolment.sequence, **data})
    row = {"at": at, "event": event, "prospect_id": enrolment.prospect, "enrolment_id": enrolment.id, "data": known}
    tx.execute(_ADD, row)


def note_sent(tx: Connection, at: datetime, sent: Collection[tuple[Enrolment, Touch]]) -> None:
    """Append that many touches were sent, each with its step and subject."""
    rows = [
        {"at": at, "event": "sent", "prospect_id": one.prospect, "enrolment_id": one.id, "data": _sent(one, touch)}
        for one, touch in sent
    ]
    _ADD_EACH.run_each(tx, rows)


def _sent(enrolment: Enrolment, touch: Touch) -> dict[str, Any]:
    return _known({"sequence": enrolment.sequence, "step": touch.step, "subject": touch.subject})


def of_prospect(tx: Connection, prospect_id: int) -> list[Mapping[str, Any]]:
    """Return a prospect's timeline, oldest first: ``at``, ``event`` and the event's own facts."""
    rows = tx.execute(_OF_PROSPECT, {"prospect": prospect_id})
    return [{"at": row.at, "event": row.event, **row.data} for row in rows]


def newest_at(tx: Connection) -> datetime | None:
    """Return when the newest event happened, None where there is none."""
    found: datetime | None = tx.execute(_NEWEST).scalar()
    return found


def _known(data: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _moment(value) if isinstance(value, datetime) else value for key, value in data.items() if value}


def _moment(value: datetime) -> str:
    """Return a moment as every JSON of ours shows it."""
    return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

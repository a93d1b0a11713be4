"""What people ask the database: counts for a page, all about one person, everything that is kept. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, func, select

from cadenced.core.model import Enrolment
from cadenced.store import forgotten
from cadenced.store.enrolments import COLUMNS, from_row
from cadenced.store.schema import (
    enrolments,
    events,
    imports,
    inbound,
    prospects,
    suppressions,
    tasks,
    touches,
)
from cadenced.store.touches import OPEN_DOUBT


@dataclass(frozen=True, slots=True)
class Doubt:
    """A touch of which nobody knows whether it was sent, with what is known of it."""

    touch: int
    email: str
    sequence: str
    step: str
    mailbox: str
    state: str
    subject: str
    armed_at: datetime | None
    reply: str
    evidence: str


@dataclass(frozen=True, slots=True)
class Suppression:
    """Since when and why an address is never written to."""

    reason: str
    at: datetime


def doubts(tx: Connection) -> list[Doubt]:
    """Return every touch in doubt, the oldest first."""
    query = select(touches).where(touches.c.state.in_(OPEN_DOUBT)).order_by(touches.c.armed_at, touches.c.id)
    return [
        Doubt(
            touch=row.id,
            email=row.recipient,
            sequence=row.sequence,
            step=row.step,
            mailbox=row.mailbox,
            state=row.state,
            subject=row.subject,
            armed_at=row.armed_at,
            reply=row.reply,
            evidence=row.evidence,
        )
        for row in tx.execute(query)
    ]


def due(tx: Connection, now: datetime) -> Mapping[str, int]:
    """Return how many enrolments of each mailbox have something to do now; what waits for a human does not count."""
    query = (
        select(enrolments.c.mailbox, func.count())
        .where(enrolments.c.due_at <= now, enrolments.c.lane.in_(("mail", "desk")))
        .group_by(enrolments.c.mailbox)
    )
    return {name: int(n) for name, n in tx.execute(query)}


def next_mails(tx: Connection, mailbox: str, most: int) -> Iterator[Enrolment]:
    """Yield the enrolments whose mails of a mailbox are due first (they may be due already), about ``most`` of them."""
    for fresh in (False, True):
        query = select(*COLUMNS).where(
            enrolments.c.mailbox == mailbox,
            enrolments.c.lane == "mail",
            enrolments.c.fresh == fresh,
            enrolments.c.due_at.is_not(None),
        )
        yield from map(from_row, tx.execute(query.order_by(enrolments.c.due_at).limit(most)))


def live_by_mailbox(tx: Connection) -> Mapping[str, int]:
    """Return how many live enrolments belong to each mailbox, also to those that are no longer configured."""
    query = (
        select(enrolments.c.mailbox, func.count())
        .where(enrolments.c.due_at.is_not(None))
        .group_by(enrolments.c.mailbox)
    )
    return {name: int(n) for name, n in tx.execute(query)}


def open_tasks(tx: Connection, until: datetime | None = None) -> int:
    """Return how many tasks are open and due until a moment (None: all)."""
    query = select(func.count()).select_from(tasks).where(tasks.c.done_at.is_(None))
    if until is not None:
        query = query.where(tasks.c.due_at <= until)
    return tx.execute(query).scalar_one()


def suppressed_count(tx: Connection) -> int:
    """Return how many addresses are never written to, those of forgotten people among them."""
    return tx.execute(select(func.count()).select_from(suppressions)).scalar_one() + forgotten.count(tx)


def suppression(tx: Connection, email: str) -> Suppression | None:
    """Return since when and why an address is suppressed, None where it is not."""
    row = tx.execute(select(suppressions).where(suppressions.c.email == email)).first()
    return Suppression(row.reason, row.at) if row else None


def prospect(tx: Connection, prospect_id: int) -> Row[Any]:
    """Return a prospect's whole row; it must exist."""
    return tx.execute(select(prospects).where(prospects.c.id == prospect_id)).one()


def touches_of(tx: Connection, prospect_id: int) -> list[Row[Any]]:
    """Return a prospect's touches, oldest first, without their bytes."""
    columns = [column for column in touches.c if column.name != "raw"]
    return list(tx.execute(select(*columns).where(touches.c.prospect_id == prospect_id).order_by(touches.c.id)))


def inbound_of(tx: Connection, prospect_id: int) -> list[Row[Any]]:
    """Return the mails attributed to a prospect, oldest first, without their bytes."""
    columns = [column for column in inbound.c if column.name != "raw"]
    return list(tx.execute(select(*columns).where(inbound.c.prospect_id == prospect_id).order_by(inbound.c.id)))


def ended_at(tx: Connection, enrolment_id: int) -> datetime | None:
    """Return when the last thing happened to an enrolment."""
    return tx.execute(select(func.max(events.c.at)).where(events.c.enrolment_id == enrolment_id)).scalar()


def imported(tx: Connection, limit: int) -> list[Row[Any]]:
    """Return the newest imports: id, name, sequence, state, moments, counts, notes."""
    return list(tx.execute(select(imports).order_by(imports.c.id.desc()).limit(limit)))


def everything(tx: Connection, prospect_id: int, email: str) -> Mapping[str, list[Mapping[str, Any]]]:
    """Return every row that is kept of a person, by table."""
    own: Iterable[tuple[Table, Any]] = (
        (prospects, prospects.c.id == prospect_id),
        (suppressions, suppressions.c.email == email),
        (enrolments, enrolments.c.prospect_id == prospect_id),
        (touches, touches.c.prospect_id == prospect_id),
        (inbound, inbound.c.prospect_id == prospect_id),
        (tasks, tasks.c.prospect_id == prospect_id),
        (events, events.c.prospect_id == prospect_id),
    )
    return {table.name: [dict(row._mapping) for row in tx.execute(select(table).where(where))] for table, where in own}


def runs_since(tx: Connection, prospect_id: int, at: datetime) -> bool:
    """Whether a prospect's live enrolments all began after a moment: what was written before does not concern them."""
    began = select(enrolments.c.enrolled_at).where(
        enrolments.c.prospect_id == prospect_id, enrolments.c.due_at.is_not(None)
    )
    moments = tx.execute(began).scalars().all()
    return bool(moments) and all(moment > at for moment in moments)

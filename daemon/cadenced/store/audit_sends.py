"""Invariants of the ledger: armed, frozen, unique, and never after a stop."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, ColumnElement, Connection, and_, func, or_, select, type_coerce

from cadenced.store import forgotten
from cadenced.store.audit_findings import TRAIL, Breach, Given
from cadenced.store.schema import enrolments, events, inbound, suppressions, touches

UNDER_WAY = timedelta(minutes=15)
"""A claim lives for seconds, an armed touch for the ten minutes that a server may take to answer."""

_BY_HAND = ("resumed", "enrolled", "task_done", "doubt_settled")
_BATCH = 500


def sent_unarmed(tx: Connection, _given: Given) -> Iterator[Breach]:
    """Find sent touches that were never armed, or have no moment of sending."""
    query = select(touches.c.id, touches.c.recipient, touches.c.step).where(
        touches.c.state == "sent", or_(touches.c.armed_at.is_(None), touches.c.sent_at.is_(None))
    )
    for touch, recipient, step in tx.execute(query):
        yield Breach(f"touch {touch} to {recipient} (step {step}) was sent and never armed", {"touch": touch})


def changed_bytes(tx: Connection, _given: Given) -> Iterator[Breach]:
    """Find touches whose bytes do not have the digest that was frozen with them; read in batches."""
    after = 0
    columns = (touches.c.id, touches.c.recipient, touches.c.raw, touches.c.sha256, touches.c.state)
    somebody = ~touches.c.recipient.endswith(forgotten.NOBODY, autoescape=True)
    while True:
        query = select(*columns).where(touches.c.id > after, somebody)
        rows = tx.execute(query.order_by(touches.c.id).limit(_BATCH)).all()
        if not rows:
            return
        after = rows[-1].id
        for row in rows:
            if row.raw is None and row.state != "sent":
                continue
            if row.raw is None or hashlib.sha256(row.raw).hexdigest() != row.sha256:
                yield Breach(f"the bytes of touch {row.id} to {row.recipient} are not those frozen", {"touch": row.id})


def repeated_ids(tx: Connection, _given: Given) -> Iterator[Breach]:
    """Find Message-IDs, and steps of one person, that stand on more than one touch."""
    for columns in (
        (touches.c.message_id,),
        (touches.c.prospect_id, touches.c.sequence, touches.c.step, touches.c.generation),
    ):
        query = select(func.min(touches.c.id), func.max(touches.c.id)).group_by(*columns).having(func.count() > 1)
        for first, last in tx.execute(query):
            yield Breach(f"touches {first} and {last} are the same mail", {"touch": first, "other": last})


def after_suppression(tx: Connection, _given: Given) -> Iterator[Breach]:
    """Find touches that were sent to an address after it had been suppressed."""
    query = (
        select(touches.c.id, touches.c.recipient, touches.c.sent_at, suppressions.c.at, suppressions.c.reason)
        .join(suppressions, suppressions.c.email == touches.c.recipient)
        .where(touches.c.state == "sent", _trails(touches.c.armed_at, suppressions.c.at))
    )
    for row in tx.execute(query):
        text = (
            f"touch {row.id} was sent to {row.recipient} at {row.sent_at:%Y-%m-%d %H:%M:%S}"
            f" after the suppression at {row.at:%H:%M:%S} ({row.reason})"
        )
        yield Breach(text, {"touch": row.id})


def after_reply(tx: Connection, given: Given) -> Iterator[Breach]:
    """Find touches sent in an enrolment after its prospect had answered.

    It may go on where a human, or a date that was read, set it going between; or where its sequence says so.
    """
    query = (
        select(
            touches.c.id,
            touches.c.recipient,
            touches.c.enrolment_id,
            touches.c.sequence,
            touches.c.armed_at,
            inbound.c.id.label("mail"),
            inbound.c.seen_at,
            inbound.c.verdict,
        )
        .join(inbound, inbound.c.prospect_id == touches.c.prospect_id)
        .join(enrolments, enrolments.c.id == touches.c.enrolment_id)
        .where(
            touches.c.state == "sent",
            inbound.c.verdict.like("reply.%"),
            enrolments.c.enrolled_at < inbound.c.seen_at,
            _trails(touches.c.armed_at, inbound.c.seen_at),
        )
    )
    for row in tx.execute(query):
        if given.goes_on(row.sequence, row.verdict):
            continue
        if not _set_going(tx, row.enrolment_id, row.seen_at, row.armed_at):
            text = f"touch {row.id} to {row.recipient} was sent after the answer {row.mail} ({row.verdict})"
            yield Breach(text, {"touch": row.id, "inbound": row.mail})


def _trails(armed: Column[datetime], stopped: Column[datetime]) -> ColumnElement[bool]:
    """Whether a payload may have left longer after a stop than the protocol allows; counted in microseconds."""
    return type_coerce(armed, BigInteger) > type_coerce(stopped, BigInteger) + TRAIL // timedelta(microseconds=1)


def _set_going(tx: Connection, enrolment_id: int, since: datetime, until: datetime) -> bool:
    """Whether something that may end a silence happened to an enrolment between an answer and a touch."""
    query = select(events.c.id).where(
        and_(
            events.c.enrolment_id == enrolment_id,
            events.c.event.in_(_BY_HAND),
            events.c.at >= since,
            events.c.at <= until,
        )
    )
    return tx.execute(query.limit(1)).first() is not None


def doubtful(tx: Connection, _given: Given) -> Iterator[Breach]:
    """List touches of which nobody knows whether they were sent."""
    query = select(touches.c.id, touches.c.recipient, touches.c.state).where(
        touches.c.state.in_(("unknown", "in_doubt"))
    )
    for touch, recipient, state in tx.execute(query):
        text = f"touch {touch} to {recipient} is {state.replace('_', ' ')}; cadenced resolve {touch} sent|resend|skip"
        yield Breach(text, {"touch": touch})


def stuck(tx: Connection, given: Given) -> Iterator[Breach]:
    """List touches that a process took in hand long ago and never put down."""
    since = func.coalesce(touches.c.armed_at, touches.c.claimed_at, touches.c.planned_at)
    query = select(touches.c.id, touches.c.recipient, touches.c.state).where(
        touches.c.state.in_(("claimed", "armed")), since < given.now - UNDER_WAY
    )
    for touch, recipient, state in tx.execute(query):
        text = f"touch {touch} to {recipient} is {state} for long; the daemon looks into it at its next start"
        yield Breach(text, {"touch": touch})

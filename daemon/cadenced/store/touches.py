"""The ledger of touches. Every transition is a guarded update of one row; row counts are the truth."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, func, or_, select, update

from cadenced.core.model import Enrolment, Thread, TouchState
from cadenced.store import leases
from cadenced.store.schema import enrolments, mailboxes, prospects, suppressions, touches

OPEN_DOUBT = (TouchState.UNKNOWN.value, TouchState.IN_DOUBT.value)


@dataclass(frozen=True, slots=True)
class Touch:
    """One step as it happened (or is happening) to one enrolment."""

    id: int
    prospect: int
    enrolment: int
    sequence: str
    step: str
    generation: int
    mailbox: str
    recipient: str
    state: TouchState
    message_id: str
    ref: str
    root_id: str
    subject: str
    attempts: int
    boot_id: str
    armed_at: datetime | None
    sent_at: datetime | None
    planned_at: datetime
    raw: bytes = b""
    reply: str = ""
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Frozen:
    """What is fixed about a touch before anything leaves: ids, bytes, and the template they came from."""

    message_id: str
    ref: str
    root_id: str
    subject: str
    raw: bytes
    sha256: str
    template: str
    template_version: str


def from_row(row: Row[Any]) -> Touch:
    """Return the value that a row of ``touches`` holds."""
    return Touch(
        row.id,
        row.prospect_id,
        row.enrolment_id,
        row.sequence,
        row.step,
        row.generation,
        row.mailbox,
        row.recipient,
        TouchState(row.state),
        row.message_id,
        row.ref,
        row.root_id,
        row.subject,
        row.attempts,
        row.boot_id,
        row.armed_at,
        row.sent_at,
        row.planned_at,
        row.raw or b"",
        row.reply,
        row.evidence,
    )


def of_step(tx: Connection, enrolment: Enrolment, step: str) -> Touch | None:
    """Return the one touch that an enrolment's step can ever have, None before it is reserved."""
    query = select(touches).where(
        touches.c.prospect_id == enrolment.prospect,
        touches.c.sequence == enrolment.sequence,
        touches.c.step == step,
        touches.c.generation == enrolment.generation,
    )
    row = tx.execute(query).first()
    return from_row(row) if row else None


def reserve(tx: Connection, enrolment: Enrolment, recipient: str, frozen: Frozen, now: datetime) -> Touch:
    """Insert the row that makes this touch the only one of its step; its bytes never change again."""
    row = {
        "prospect_id": enrolment.prospect,
        "enrolment_id": enrolment.id,
        "sequence": enrolment.sequence,
        "step": enrolment.step,
        "generation": enrolment.generation,
        "mailbox": enrolment.mailbox,
        "recipient": recipient,
        "state": TouchState.PLANNED.value,
        "planned_at": now,
        "message_id": frozen.message_id,
        "ref": frozen.ref,
        "root_id": frozen.root_id,
        "subject": frozen.subject,
        "raw": frozen.raw,
        "sha256": frozen.sha256,
        "template": frozen.template,
        "template_version": frozen.template_version,
    }
    tx.execute(touches.insert().values(row))
    found = of_step(tx, enrolment, enrolment.step)
    if found is None:  # pragma: no cover - it was inserted two lines above
        raise AssertionError("a reserved touch cannot be found")
    return found


def claim(tx: Connection, touch_id: int, boot_id: str, now: datetime) -> bool:
    """Take a planned touch (or one that was given up unsent) for this process; False when somebody else was first."""
    return _move(
        tx, touch_id, {TouchState.PLANNED, TouchState.CANCELLED}, "", state="claimed", boot_id=boot_id, claimed_at=now
    )


def arm(tx: Connection, touch_ids: Collection[int], boot_id: str, now: datetime) -> set[int]:
    """Arm claimed touches whose enrolment still stands before this very step; returns those that may leave.

    The commit of this transaction is the point that decides between a touch and an answer: what stopped the
    enrolment before it wins, always.
    """
    still_wanted = exists().where(
        enrolments.c.id == touches.c.enrolment_id,
        enrolments.c.state == "active",
        enrolments.c.step == touches.c.step,
    )
    variants = or_(
        suppressions.c.email.in_([prospects.c.email, prospects.c.untagged]),
        and_(suppressions.c.untagged != "", suppressions.c.untagged.in_([prospects.c.email, prospects.c.untagged])),
    )
    unwanted = exists().where(prospects.c.id == touches.c.prospect_id, variants)
    held = exists().where(mailboxes.c.name == touches.c.mailbox, mailboxes.c.hold != "")
    statement = (
        update(touches)
        .where(
            touches.c.id.in_(touch_ids),
            touches.c.state == TouchState.CLAIMED.value,
            touches.c.boot_id == boot_id,
            still_wanted,
            ~unwanted,
            ~held,
            *leases.held(tx, boot_id, touches.c.mailbox),
        )
        .values(state=TouchState.ARMED.value, armed_at=now)
        .returning(touches.c.id)
    )
    return set(tx.execute(statement).scalars())


def settle(tx: Connection, touch_id: int, boot_id: str, state: TouchState, **columns: object) -> bool:
    """Write the end of a submission that this process armed or claimed; False when somebody else settled it."""
    return _move(tx, touch_id, {TouchState.CLAIMED, TouchState.ARMED}, boot_id, state=state.value, **columns)


def resolve(tx: Connection, touch_id: int, state: TouchState, evidence: str, now: datetime) -> bool:
    """Write the end of a touch in doubt, with what proves it; False when somebody else was first."""
    columns: dict[str, object] = {"state": state.value, "evidence": evidence, "settled_at": now}
    if state is TouchState.SENT:
        columns["sent_at"] = func.coalesce(touches.c.armed_at, now)
    return _move(tx, touch_id, {TouchState.UNKNOWN, TouchState.IN_DOUBT, TouchState.ARMED}, "", **columns)


def prove(tx: Connection, touch_id: int, evidence: str, now: datetime) -> bool:
    """Write that a touch which was to be sent (again) was sent: a copy of it was found after a restore, or late."""
    origins = {TouchState.PLANNED, TouchState.CLAIMED, TouchState.CANCELLED}
    columns = {"state": TouchState.SENT.value, "evidence": evidence, "settled_at": now, "sent_at": now}
    columns["armed_at"] = func.coalesce(touches.c.armed_at, touches.c.planned_at)
    return _move(tx, touch_id, origins, "", **columns)


def _move(tx: Connection, touch_id: int, origins: Collection[TouchState], owner: str, **columns: object) -> bool:
    where: list[ColumnElement[bool]] = [touches.c.id == touch_id, touches.c.state.in_([s.value for s in origins])]
    if owner:
        where.append(touches.c.boot_id == owner)
    return tx.execute(update(touches).where(and_(*where)).values(**columns)).rowcount == 1


def recover(tx: Connection, boot_id: str) -> int:
    """After a start: what another boot had claimed was not sent and is planned again; what it had armed is unknown.

    Returns how many touches are now unknown.
    """
    other = touches.c.boot_id != boot_id
    tx.execute(update(touches).where(touches.c.state == "claimed", other).values(state="planned"))
    return tx.execute(update(touches).where(touches.c.state == "armed", other).values(state="unknown")).rowcount


def get(tx: Connection, touch_id: int) -> Touch | None:
    """Return a touch by its id."""
    row = tx.execute(select(touches).where(touches.c.id == touch_id)).first()
    return from_row(row) if row else None


def of_prospect(tx: Connection, prospect_id: int) -> list[Touch]:
    """Return all touches of a prospect, oldest first."""
    query = select(touches).where(touches.c.prospect_id == prospect_id).order_by(touches.c.id)
    return [from_row(row) for row in tx.execute(query)]


def known(tx: Connection, ids: Iterable[str], refs: Iterable[str]) -> list[Touch]:
    """Return the touches whose Message-ID or reference is among these, newest first."""
    query = (
        select(touches)
        .where(or_(touches.c.message_id.in_(list(ids)), touches.c.ref.in_(list(refs))))
        .order_by(touches.c.id.desc())
    )
    return [from_row(row) for row in tx.execute(query)]


def last_sent(tx: Connection, prospect_id: int) -> Touch | None:
    """Return the touch that reached the prospect last."""
    query = (
        select(touches)
        .where(touches.c.prospect_id == prospect_id, touches.c.state == "sent")
        .order_by(touches.c.sent_at.desc(), touches.c.id.desc())
        .limit(1)
    )
    row = tx.execute(query).first()
    return from_row(row) if row else None


def thread(tx: Connection, root_id: str) -> Thread:
    """Return the conversation that began with ``root_id``: the ids that were sent, oldest first, and its subject."""
    query = (
        select(touches.c.message_id, touches.c.subject)
        .where(touches.c.root_id == root_id, touches.c.state == "sent")
        .order_by(touches.c.sent_at, touches.c.id)
    )
    rows = tx.execute(query).all()
    return Thread(tuple(row.message_id for row in rows), rows[0].subject if rows else "")


def steps_of_text(tx: Connection, enrolment_id: int, version: str) -> list[str]:
    """Return the steps of an enrolment that were sent with this very version of a template."""
    query = select(touches.c.step).where(
        touches.c.enrolment_id == enrolment_id, touches.c.state == "sent", touches.c.template_version == version
    )
    return list(tx.execute(query).scalars())


def in_doubt(tx: Connection, enrolment_id: int) -> bool:
    """Whether a touch of this enrolment hangs between sent and not sent."""
    query = select(touches.c.id).where(touches.c.enrolment_id == enrolment_id, touches.c.state.in_(OPEN_DOUBT))
    return tx.execute(query.limit(1)).first() is not None


def doubts(tx: Connection, *states: TouchState) -> Sequence[Touch]:
    """Return the touches in these states of doubt, oldest first."""
    query = select(touches).where(touches.c.state.in_([s.value for s in states])).order_by(touches.c.armed_at)
    return [from_row(row) for row in tx.execute(query)]


def armed_for(tx: Connection, prospect_id: int) -> bool:
    """Whether a payload for this prospect may be on its way right now (the stop barrier waits for that)."""
    query = select(touches.c.id).where(touches.c.prospect_id == prospect_id, touches.c.state == "armed")
    return tx.execute(query.limit(1)).first() is not None


def sent_since(tx: Connection, mailbox: str, since: datetime) -> int:
    """Return how many touches a mailbox has sent since a moment; doubtful ones count, to stay under the limit."""
    sent = select(func.count()).where(touches.c.mailbox == mailbox, touches.c.sent_at >= since)
    doubtful = select(func.count()).where(
        touches.c.mailbox == mailbox, touches.c.state.in_(OPEN_DOUBT), touches.c.armed_at >= since
    )
    return int(tx.execute(sent).scalar_one()) + int(tx.execute(doubtful).scalar_one())


def last_sent_at(tx: Connection, mailbox: str, now: datetime) -> datetime | None:
    """Return when a mailbox last sent something, for certain or not; what a wrong clock dated ahead does not count."""
    sent = select(func.max(touches.c.sent_at)).where(touches.c.mailbox == mailbox, touches.c.sent_at <= now)
    doubtful = select(func.max(touches.c.armed_at)).where(
        touches.c.mailbox == mailbox, touches.c.state.in_(OPEN_DOUBT), touches.c.armed_at <= now
    )
    moments = (tx.execute(sent).scalar(), tx.execute(doubtful).scalar())
    return max((moment for moment in moments if moment is not None), default=None)


def cancel_planned(tx: Connection, enrolment_id: int, now: datetime) -> None:
    """Give up touches that were prepared and never claimed, because their enrolment is over."""
    where = and_(touches.c.enrolment_id == enrolment_id, touches.c.state == "planned")
    tx.execute(update(touches).where(where).values(state="cancelled", settled_at=now))


def copy_was_seen(tx: Connection, touch_id: int) -> bool:
    """Whether a copy of this touch was read in some folder, perhaps before anybody doubted that it was sent."""
    query = select(touches.c.id).where(touches.c.id == touch_id, touches.c.copy_seen_at.is_not(None))
    return tx.execute(query).first() is not None


def note_copy(tx: Connection, ref: str, now: datetime) -> Touch | None:
    """Note that a copy written by a server was seen; returns the touch it proves, None for an unknown reference."""
    tx.execute(update(touches).where(touches.c.ref == ref, touches.c.copy_seen_at.is_(None)).values(copy_seen_at=now))
    row = tx.execute(select(touches).where(touches.c.ref == ref)).first()
    return from_row(row) if row else None


def give_up(tx: Connection, touch_id: int, reply: str, now: datetime) -> bool:
    """Reject a planned touch that no server has taken for days; it was definitely not sent."""
    return _move(tx, touch_id, {TouchState.PLANNED}, "", state="rejected", reply=reply, settled_at=now)

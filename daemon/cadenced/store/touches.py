"""The ledger of touches. Every transition is a guarded update of one row; row counts are the truth."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from cadenced.core.model import Enrolment, TouchState
from cadenced.store import leases, people
from cadenced.store.schema import Utc, enrolments, mailboxes, prospects, touches
from cadenced.store.statement import Among, Statement

OPEN_DOUBT = (TouchState.UNKNOWN.value, TouchState.IN_DOUBT.value)
_C = touches.c


def _is_one_of(*states: str) -> ColumnElement[bool]:
    return _C.state.in_([literal_column(f"'{state}'") for state in states])


IS_OPEN = _is_one_of("claimed", "armed", "unknown", "in_doubt")
"""The condition of the index of open touches, in its own words: SQLite uses a partial index for these alone."""
IS_DOUBTFUL = and_(IS_OPEN, _is_one_of(*OPEN_DOUBT))

_READ = (
    _C.id, _C.prospect_id, _C.enrolment_id, _C.sequence, _C.step, _C.generation, _C.mailbox, _C.recipient, _C.state,
    _C.message_id, _C.ref, _C.root_id, _C.subject, _C.attempts, _C.boot_id, _C.armed_at, _C.sent_at, _C.planned_at,
    _C.reply, _C.evidence, _C.template_version, func.coalesce(_C.wire_id, ""),
)  # fmt: skip
"""What a ``Touch`` without its bytes is made from, in its order."""
WHOLE = (*_READ, _C.raw)
"""What ``whole`` makes a ``Touch`` from."""
_STATE = 8
_RESERVED = (
    "prospect_id", "enrolment_id", "sequence", "step", "generation", "mailbox", "recipient", "state", "planned_at",
    "message_id", "ref", "root_id", "subject", "raw", "sha256", "template", "template_version",
)  # fmt: skip

# Statements are built once: building one costs several times what SQLite takes to run it.
_INSERT = touches.insert()
_INSERT_CLAIMED = Statement(_INSERT, *_RESERVED, "boot_id", "claimed_at")
_OF_STEP = select(*WHOLE).where(
    _C.prospect_id == bindparam("prospect"),
    _C.sequence == bindparam("name"),
    _C.step == bindparam("step"),
    _C.generation == bindparam("generation"),
)
_OF_PROSPECTS = Statement(select(*_READ).where(Among(_C.prospect_id, "prospects")).order_by(_C.id))
_RAW = select(_C.id, _C.raw).where(_C.id.in_(bindparam("ids", expanding=True)))
_LAST_SENT = (
    select(*WHOLE)
    .where(_C.prospect_id == bindparam("prospect"), _C.state == "sent")
    .order_by(_C.sent_at.desc(), _C.id.desc())
    .limit(1)
)
_ARMED_FOR = Statement(
    select(_C.id).where(IS_OPEN, _C.state == "armed", _C.prospect_id + 0 == bindparam("prospect")).limit(1)
)
_DOUBTS = Statement(select(*WHOLE).where(IS_OPEN, Among(_C.state, "states")).order_by(_C.armed_at))
_KNOWN = Statement(
    select(*WHOLE)
    .where(or_(Among(_C.message_id, "ids"), Among(_C.wire_id, "ids"), Among(_C.ref, "refs")))
    .order_by(_C.id.desc())
)
_ARMED_OR_NOW = func.coalesce(_C.armed_at, bindparam("moment", type_=Utc))
_ARMED_OR_PLANNED = func.coalesce(_C.armed_at, _C.planned_at)
_OF_OTHERS = (IS_OPEN, _C.boot_id != bindparam("boot"))
_PLAN_ANEW = Statement(update(touches).where(*_OF_OTHERS, _C.state == "claimed").values(state="planned"))
_DOUBT = Statement(update(touches).where(*_OF_OTHERS, _C.state == "armed").values(state="unknown"))
_OF_ID = Statement(select(*WHOLE).where(_C.id == bindparam("id")))
_CANCEL = update(touches).where(_C.enrolment_id == bindparam("this"), _C.state == "planned")
_STEP_STANDS = exists().where(
    enrolments.c.id == _C.enrolment_id, enrolments.c.state == "active", enrolments.c.step == _C.step
)
_IS_SUPPRESSED = exists().where(prospects.c.id == _C.prospect_id, people.IS_SUPPRESSED)
_IS_HELD = exists().where(mailboxes.c.name == _C.mailbox, mailboxes.c.hold != "")
_AMONG = Among(_C.id, "ids")
_ARM = (
    update(touches)
    .where(_AMONG, _C.state == "claimed", _C.boot_id == bindparam("boot"), _STEP_STANDS, ~_IS_SUPPRESSED, ~_IS_HELD)
    .values(state="armed", armed_at=bindparam("now"))
    .returning(_C.id)
)
_STILL_WANTED = Statement(select(_C.id).where(_AMONG, _STEP_STANDS, ~_IS_SUPPRESSED))
_OURS = Statement(
    select(_C.id).where(_AMONG, or_(_C.state == "claimed", _C.state == "armed"), _C.boot_id == bindparam("boot"))
)
_SETTLE = Statement(update(touches).where(_C.id == bindparam("this")), "state", "sent_at", "settled_at", "reply")
_BY_REFS = Statement(select(_C.ref, _C.id).where(Among(_C.ref, "refs")))


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
    reply: str = ""
    evidence: str = ""
    template_version: str = ""
    wire_id: str = ""
    raw: bytes = b""


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


def whole(cells: Sequence[Any]) -> Touch:
    """Return the touch that a row of ``WHOLE`` holds."""
    facts = list(cells)
    facts[_STATE], facts[-1] = TouchState(facts[_STATE]), facts[-1] or b""
    return Touch(*facts)


def of_step(tx: Connection, enrolment: Enrolment, step: str) -> Touch | None:
    """Return the one touch that an enrolment's step can ever have, None before it is reserved."""
    key = {"prospect": enrolment.prospect, "name": enrolment.sequence, "step": step}
    row = tx.execute(_OF_STEP, {**key, "generation": enrolment.generation}).first()
    return whole(row) if row else None


def of_prospects(tx: Connection, prospects: Collection[int]) -> dict[int, list[Touch]]:
    """Return all touches of these prospects, oldest first, without their bytes, by prospect."""
    found: dict[int, list[Touch]] = {prospect: [] for prospect in prospects}
    for row in _OF_PROSPECTS.rows(tx, prospects=prospects):
        cells = list(row)
        cells[_STATE] = TouchState(cells[_STATE])
        touch = Touch(*cells)
        found[touch.prospect].append(touch)
    return found


def bytes_of(tx: Connection, ids: Collection[int]) -> dict[int, bytes]:
    """Return the frozen bytes of these touches, by id."""
    return {row.id: row.raw or b"" for row in tx.execute(_RAW, {"ids": list(ids)})} if ids else {}


@dataclass(frozen=True, slots=True)
class Reservation:
    """A touch before it has its row: whose step it is, to which address, with which bytes."""

    enrolment: Enrolment
    recipient: str
    frozen: Frozen


def reserve(tx: Connection, enrolment: Enrolment, recipient: str, frozen: Frozen, now: datetime) -> Touch:
    """Insert the row that makes this touch the only one of its step; its bytes never change again."""
    tx.execute(_INSERT, _row(Reservation(enrolment, recipient, frozen), now))
    found = of_step(tx, enrolment, enrolment.step)
    if found is None:  # pragma: no cover - it was inserted a line above
        raise AssertionError("a reserved touch cannot be found")
    return found


def reserve_claimed(
    tx: Connection, reservations: Sequence[Reservation], boot_id: str, now: datetime
) -> dict[str, Touch]:
    """Insert many touches that this process claims in the same breath; returns them by reference."""
    if not reservations:
        return {}
    claimed = {"state": TouchState.CLAIMED.value, "boot_id": boot_id, "claimed_at": now}
    _INSERT_CLAIMED.run_each(tx, [{**_row(one, now), **claimed} for one in reservations])
    by_ref = {one.frozen.ref: one for one in reservations}
    return {ref: _claimed(key, by_ref[ref], boot_id, now) for ref, key in _BY_REFS.rows(tx, refs=by_ref)}


def _claimed(key: int, wanted: Reservation, boot_id: str, now: datetime) -> Touch:
    """Return a touch as it was written a moment ago."""
    one, frozen = wanted.enrolment, wanted.frozen
    return Touch(
        key, one.prospect, one.id, one.sequence, one.step, one.generation, one.mailbox, wanted.recipient,
        TouchState.CLAIMED, frozen.message_id, frozen.ref, frozen.root_id, frozen.subject, 0, boot_id, None, None, now,
        template_version=frozen.template_version, raw=frozen.raw,
    )  # fmt: skip


def _row(wanted: Reservation, now: datetime) -> dict[str, object]:
    enrolment, frozen = wanted.enrolment, wanted.frozen
    return {
        "prospect_id": enrolment.prospect,
        "enrolment_id": enrolment.id,
        "sequence": enrolment.sequence,
        "step": enrolment.step,
        "generation": enrolment.generation,
        "mailbox": enrolment.mailbox,
        "recipient": wanted.recipient,
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


def references(tx: Connection, refs: Collection[str]) -> set[str]:
    """Return those of these references that a touch has."""
    return {ref for ref, _ in _BY_REFS.rows(tx, refs=refs)} if refs else set()


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
    return {key for (key,) in _arm_on(tx).rows(tx, ids=touch_ids, boot=boot_id, now=now)}


_arms: dict[str, Statement] = {}
"""The statement that arms, by dialect: where several workers may serve a mailbox, it asks for the lease too."""


def _arm_on(tx: Connection) -> Statement:
    if tx.dialect.name not in _arms:
        _arms[tx.dialect.name] = Statement(_ARM.where(*leases.held(tx, bindparam("boot"), touches.c.mailbox)))
    return _arms[tx.dialect.name]


def unwanted(tx: Connection, touch_ids: Collection[int]) -> set[int]:
    """Return those of these touches that nobody wants any more: their enrolment was stopped or has moved on."""
    return set(touch_ids) - {key for (key,) in _STILL_WANTED.rows(tx, ids=touch_ids)}


def settle(
    tx: Connection, touch_id: int, boot_id: str, state: TouchState, *, was_armed: bool = True, **columns: object
) -> bool:
    """Write the end of a submission of this process; False when somebody else settled it.

    A submission that was never armed ends a claim and nothing else: a touch that is armed may be on the wire.
    """
    origins = {TouchState.CLAIMED, TouchState.ARMED} if was_armed else {TouchState.CLAIMED}
    return _move(tx, touch_id, origins, boot_id, state=state.value, **columns)


def settle_sent(tx: Connection, replies: Mapping[int, str], boot_id: str, now: datetime) -> set[int]:
    """Write that many touches of this process were sent, each with the server's reply; returns those still ours."""
    ours = {key for (key,) in _OURS.rows(tx, ids=replies, boot=boot_id)}
    sent = {"state": TouchState.SENT.value, "sent_at": now, "settled_at": now}
    # Whoever writes waits for the end of this transaction: what was ours a line above still is.
    _SETTLE.run_each(tx, [{"this": touch, "reply": replies[touch], **sent} for touch in sorted(ours)])
    return ours


def resolve(tx: Connection, touch_id: int, state: TouchState, evidence: str, now: datetime) -> bool:
    """Write the end of a touch in doubt, with what proves it; False when somebody else was first."""
    columns: dict[str, object] = {"state": state.value, "evidence": evidence, "settled_at": now}
    if state is TouchState.SENT:
        columns["sent_at"] = _ARMED_OR_NOW
    return _move(tx, touch_id, {TouchState.UNKNOWN, TouchState.IN_DOUBT, TouchState.ARMED}, "", **columns)


def prove(tx: Connection, touch_id: int, evidence: str, now: datetime) -> bool:
    """Write that a touch which was to be sent (again) was sent: a copy of it was found after a restore, or late."""
    origins = {TouchState.PLANNED, TouchState.CLAIMED, TouchState.CANCELLED}
    columns = {"state": TouchState.SENT.value, "evidence": evidence, "settled_at": now, "sent_at": now}
    columns["armed_at"] = _ARMED_OR_PLANNED
    return _move(tx, touch_id, origins, "", **columns)


def _move(tx: Connection, touch_id: int, origins: Collection[TouchState], owner: str, **columns: object) -> bool:
    own = {"owner": owner} if owner else {}
    named = {
        "this": touch_id,
        "origins": [state.value for state in origins],
        "moment": columns.get("settled_at"),
        **own,
    }
    computed = tuple((name, value) for name, value in columns.items() if isinstance(value, ColumnElement))
    given = {name: value for name, value in columns.items() if not isinstance(value, ColumnElement)}
    return _moving(tuple(given), computed, is_ours=bool(owner)).run(tx, **named, **given) == 1


@lru_cache(64)
def _moving(
    given: tuple[str, ...], computed: Collection[tuple[str, ColumnElement[Any]]], *, is_ours: bool
) -> Statement:
    """Return the statement that moves a touch, for columns of these names."""
    where: list[ColumnElement[bool]] = [_C.id == bindparam("this"), Among(_C.state, "origins")]
    if is_ours:
        where.append(_C.boot_id == bindparam("owner"))
    return Statement(update(touches).where(and_(*where)).values(**dict(computed)), *given, *dict(computed))


def recover(tx: Connection, boot_id: str) -> int:
    """After a start: what another boot had claimed was not sent and is planned again; what it had armed is unknown.

    Returns how many touches are now unknown.
    """
    _PLAN_ANEW.run(tx, boot=boot_id)
    return _DOUBT.run(tx, boot=boot_id)


def get(tx: Connection, touch_id: int) -> Touch | None:
    """Return a touch by its id."""
    return next(map(whole, _OF_ID.rows(tx, id=touch_id)), None)


def of_prospect(tx: Connection, prospect_id: int) -> list[Touch]:
    """Return all touches of a prospect, oldest first."""
    query = select(*WHOLE).where(touches.c.prospect_id == prospect_id).order_by(touches.c.id)
    return [whole(row) for row in tx.execute(query)]


def known(tx: Connection, ids: Iterable[str], refs: Iterable[str]) -> list[Touch]:
    """Return the touches with one of these Message-IDs, as given or as it travelled, or references, newest first."""
    return [whole(row) for row in _KNOWN.rows(tx, ids=list(ids), refs=list(refs))]


def last_sent(tx: Connection, prospect_id: int) -> Touch | None:
    """Return the touch that reached the prospect last."""
    row = tx.execute(_LAST_SENT, {"prospect": prospect_id}).first()
    return whole(row) if row else None


def doubts(tx: Connection, *states: TouchState) -> Sequence[Touch]:
    """Return the touches in these states of doubt, oldest first."""
    return [whole(row) for row in _DOUBTS.rows(tx, states=[state.value for state in states])]


def armed_for(tx: Connection, prospect_id: int) -> bool:
    """Whether a payload for this prospect may be on its way right now (the stop barrier waits for that)."""
    return bool(_ARMED_FOR.rows(tx, prospect=prospect_id))


def cancel_planned(tx: Connection, enrolment_id: int, now: datetime) -> None:
    """Give up touches that were prepared and never claimed, because their enrolment is over."""
    tx.execute(_CANCEL, {"this": enrolment_id, "state": "cancelled", "settled_at": now})


def give_up(tx: Connection, touch_id: int, reply: str, now: datetime) -> bool:
    """Reject a planned touch that no server has taken for days; it was definitely not sent."""
    return _move(tx, touch_id, {TouchState.PLANNED}, "", state="rejected", reply=reply, settled_at=now)

"""The end of a submission, written in one transaction: what each of the four answers means for touch and enrolment."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection
from tenacity import RetryCallState, Retrying, wait_exponential

from cadenced import ports
from cadenced.core import events
from cadenced.core.model import Enrolment, State, TouchState
from cadenced.engine import answers, moves, refusals
from cadenced.engine.desk import Claimed
from cadenced.engine.workspace import Workspace
from cadenced.store import enrolments, mailboxes, timeline, touches

PATIENCE = timedelta(days=2)
"""For so long a message is offered again after 4yz (RFC 5321, 4.5.4.1 asks for at least some days)."""

Taken = tuple[Claimed, ports.Accepted]
"""A touch, and the answer by which the server took it over."""

_BACK_OFF = wait_exponential(multiplier=30, max=4 * 3600)


def back_off(attempt: int) -> timedelta:
    """Return how long to wait after the ``attempt``-th postponed try: 30 s, 1 min, 2 min … 4 h."""
    state = RetryCallState(Retrying(), None, (), {})
    state.attempt_number = attempt
    return timedelta(seconds=_BACK_OFF(state))


def settle(tx: Connection, workspace: Workspace, claimed: Claimed, answer: ports.Answer) -> None:
    """Write what came of a submission; a touch that somebody else settled meanwhile is left alone."""
    write: Callable[[Connection], None]
    match answer:
        case ports.Accepted():
            settle_accepted(tx, workspace, [(claimed, answer)])
            return
        case ports.Refused():
            write = partial(_refused, workspace=workspace, claimed=claimed, answer=answer)
        case ports.Deferred():
            write = partial(_deferred, workspace=workspace, claimed=claimed, answer=answer)
        case ports.Unknown():
            write = partial(_unknown, workspace=workspace, claimed=claimed, answer=answer)
    write(tx)
    workspace.changed()


def settle_accepted(tx: Connection, workspace: Workspace, accepted: Sequence[Taken]) -> list[Taken]:
    """Write that many touches of one mailbox were sent, in few statements; returns those that are not ours any more."""
    now = workspace.now()
    replies = {claimed.touch.id: answer.reply for claimed, answer in accepted}
    ours = touches.settle_sent(tx, replies, workspace.boot_id, now)
    late = [taken for taken in accepted if taken[0].touch.id not in ours]
    sent = [claimed.touch for claimed, _ in accepted if claimed.touch.id in ours]
    if not sent:
        return late
    standing = enrolments.among(tx, [touch.enrolment for touch in sent])
    moves.note_sent(tx, workspace, [(standing[touch.enrolment], touch) for touch in sent], now)
    mailboxes.note_sent(tx, sent[0].mailbox, now)
    workspace.sends += len(sent)
    workspace.changed()
    return late


def note_sent(tx: Connection, workspace: Workspace, enrolment: Enrolment, touch: touches.Touch, now: datetime) -> None:
    """Move the enrolment on after its touch is known to have been sent."""
    moves.note_sent(tx, workspace, [(enrolment, touch)], now)
    mailboxes.note_first_sent(tx, touch.mailbox, now)
    workspace.sends += 1


def _refused(tx: Connection, workspace: Workspace, claimed: Claimed, answer: ports.Refused) -> None:
    """Write a complete 5yz: the message was not taken. What it says of the address decides what follows."""
    touch = claimed.touch
    text = f"{answer.code} {answer.text}"
    refusal = refusals.read(text, touch.mailbox, touch.id)
    if refusal.verdict == "bounce.blocked":  # about us, not about them: the same bytes leave once the mailbox is well
        if _end(tx, workspace, claimed, TouchState.PLANNED, reply=text):
            answers.hold_mailbox(tx, workspace, touch.mailbox, refusal)
            _postpone(tx, workspace, claimed, timedelta(hours=1), text)
    elif _end(tx, workspace, claimed, TouchState.REJECTED, reply=text):
        _without_it(tx, workspace, claimed, refusal)


def _without_it(tx: Connection, workspace: Workspace, claimed: Claimed, refusal: answers.Taken) -> None:
    """Act on a refusal; where the enrolment lives on, it goes on with the next step."""
    refusals.take(tx, workspace, enrolments.get(tx, claimed.enrolment), refusal)
    stands = enrolments.get(tx, claimed.enrolment)
    step = claimed.touch.step
    if stands.live:
        moves.move(tx, workspace, stands, events.Skipped(workspace.now(), step), step=step)


def _deferred(tx: Connection, workspace: Workspace, claimed: Claimed, answer: ports.Deferred) -> None:
    """Definitely not sent: planned again with the same bytes, or given up where nobody wants it any more."""
    touch = claimed.touch
    tried = touch.attempts + (0 if answer.mailbox_fault or answer.phase == "gate" else 1)
    if not _end(tx, workspace, claimed, TouchState.PLANNED, reply=answer.text, attempts=tried):
        return  # settled, or erased, by somebody else
    enrolment = enrolments.get(tx, claimed.enrolment)
    if not enrolment.live or enrolment.step != touch.step:
        touches.cancel_planned(tx, enrolment.id, workspace.now())
        return
    if answer.mailbox_fault:
        mailboxes.note_fault(tx, touch.mailbox, smtp=answer.text)
    elif answer.phase != "gate":
        _try_later(tx, workspace, claimed, answer.text, tried)


def _try_later(tx: Connection, workspace: Workspace, claimed: Claimed, text: str, tried: int) -> None:
    touch = claimed.touch
    if workspace.now() - touch.planned_at < PATIENCE:
        _postpone(tx, workspace, claimed, back_off(tried), text)
    elif touches.give_up(tx, touch.id, text, workspace.now()):
        _without_it(tx, workspace, claimed, refusals.exhausted(text, touch.mailbox, touch.id))


def _unknown(tx: Connection, workspace: Workspace, claimed: Claimed, answer: ports.Unknown) -> None:
    """Write that the payload left and no answer came (RFC 1047); the resolver looks into it, nothing is repeated."""
    if not _end(tx, workspace, claimed, TouchState.UNKNOWN, reply=answer.text):
        return
    workspace.doubted()
    timeline.note_of(tx, workspace.now(), "unanswered", enrolments.get(tx, claimed.enrolment), step=claimed.touch.step)


def _postpone(tx: Connection, workspace: Workspace, claimed: Claimed, span: timedelta, text: str) -> None:
    enrolment = enrolments.get(tx, claimed.enrolment)
    if enrolment.state is not State.ACTIVE:
        return
    now = workspace.now()
    event = events.Postponed(now, now + span, f"postponed by the server: {text}")
    moves.move(tx, workspace, enrolment, event, until=now + span, reason=text, step=enrolment.step)


def _end(tx: Connection, workspace: Workspace, claimed: Claimed, state: TouchState, **columns: object) -> bool:
    touch, boot, now = claimed.touch.id, workspace.boot_id, workspace.now()
    return touches.settle(tx, touch, boot, state, was_armed=claimed.was_armed, settled_at=now, **columns)

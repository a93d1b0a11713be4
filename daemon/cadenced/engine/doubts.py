"""How a touch in doubt ends: sent by proof, planned again by proof, or put before a human. One transaction each.

Whoever judges may have waited for servers meanwhile. So the row is read again here, and only what still stands as it
was judged is settled: of the resolver, an answer and a human, one wins (RELIABILITY 2.1, 2.10 I7).
"""

from __future__ import annotations

import logging

from sqlalchemy import Connection

from cadenced.core import events, lifecycle
from cadenced.core.model import State, TouchState
from cadenced.engine import moves, settling
from cadenced.engine.workspace import Workspace
from cadenced.store import copies, enrolments, people, tasks, timeline, touches
from cadenced.store.touches import Touch

log = logging.getLogger(__name__)

ABSENT = "proved to be absent"
"""How the evidence begins of a touch that rule N has planned again; it does so once."""


def settle_as_sent(tx: Connection, workspace: Workspace, judged: Touch, evidence: str) -> bool:
    """Write that a touch was sent, and move its enrolment on; False when it was settled before, or is on the wire."""
    now = workspace.now()
    touch = touches.get(tx, judged.id)
    if touch is None or touch.state is TouchState.ARMED:
        return False
    doubtful = touch.state in {TouchState.UNKNOWN, TouchState.IN_DOUBT}
    settle = touches.resolve(tx, touch.id, TouchState.SENT, evidence, now) if doubtful else False
    if not settle and not touches.prove(tx, touch.id, evidence, now):
        return False
    tasks.close_of_touch(tx, touch.id, "settled by evidence", now)
    enrolment = enrolments.get(tx, touch.enrolment)
    if touch.state is TouchState.IN_DOUBT:
        timeline.note_sent(tx, now, [(enrolment, touch)])
        event = events.DoubtSettled(now, touch.step, "sent")
        moves.move(tx, workspace, enrolment, event, step=touch.step, how="sent", evidence=evidence)
        enrolments.mark_touched(tx, enrolment.id)
    else:
        settling.note_sent(tx, workspace, enrolment, touch, now)
    return True


def raise_doubt(tx: Connection, workspace: Workspace, judged: Touch, reason: str) -> bool:
    """Put a touch before the human: it may have been sent, or not, and only they can decide. False: settled before."""
    touch = _still_unknown(tx, judged)
    now = workspace.now()
    if touch is None or not touches.resolve(tx, touch.id, TouchState.IN_DOUBT, reason, now):
        return False
    prospect = people.get(tx, touch.prospect)
    enrolment = enrolments.get(tx, touch.enrolment)
    brief = (
        f"Was {touch.subject!r} sent to {prospect.email}? The connection broke before the server answered; {reason}."
        f" Look, then: cadenced resolve {touch.id} sent|resend|skip"
    )
    task = tasks.NewTask("doubt", brief, now, touch.prospect, touch.enrolment, touch.id)
    task_id = tasks.add(tx, task, now)
    timeline.note_of(tx, now, "task_opened", enrolment, task=task_id, kind="doubt", brief=brief)
    event = events.DoubtRaised(now, touch.step, f"in doubt: step {touch.step}; {reason}")
    moves.move(tx, workspace, enrolment, event, step=touch.step, touch=touch.id, reason=reason)
    log.warning("in doubt", extra={"touch": touch.id, "reason": reason})
    return True


def plan_again(tx: Connection, workspace: Workspace, judged: Touch, evidence: str) -> bool:
    """Plan a touch again that is proved not to have been sent: the same bytes leave through the ordinary armed send.

    False when it was settled before. Where its enrolment does not stand before this step any more, it is given up.
    """
    touch = _still_unknown(tx, judged)
    if touch is None or copies.was_seen(tx, touch.id):
        return False
    now = workspace.now()
    enrolment = enrolments.get(tx, touch.enrolment)
    wanted = enrolment.live and enrolment.step == touch.step
    state = TouchState.PLANNED if wanted else TouchState.CANCELLED
    told = f"{ABSENT}: {evidence}"
    if not touches.resolve(tx, touch.id, state, told, now):
        return False
    timeline.note_of(tx, now, "doubt_settled", enrolment, step=touch.step, how="not sent", evidence=told)
    if wanted and enrolment.state is State.ACTIVE:  # it was put off while it was in doubt
        sequence = workspace.sequence(enrolment.sequence)
        at_once = lifecycle.apply(enrolment, events.Postponed(now, now, "it was not sent"), sequence)
        enrolments.save(tx, at_once, sequence)
    log.warning("not sent", extra={"touch": touch.id, "again": wanted, "evidence": evidence})
    workspace.changed()
    return True


def _still_unknown(tx: Connection, judged: Touch) -> Touch | None:
    """Return the touch as it stands now, None where anything has become of it since it was judged."""
    touch = touches.get(tx, judged.id)
    if touch is None or touch.state is not TouchState.UNKNOWN:
        return None
    if judged.state is TouchState.UNKNOWN and touch.armed_at != judged.armed_at:
        return None
    return touch

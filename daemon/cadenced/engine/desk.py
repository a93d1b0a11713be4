"""Carries out in one transaction what the planner decides: tasks opened, ends written, mails claimed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from cadenced.core import events, lifecycle, pacing, planner
from cadenced.core.model import Enrolment, State, TouchState
from cadenced.core.planner import Given, Quota
from cadenced.core.sequence import Step, TaskStep
from cadenced.engine import moves, preparation
from cadenced.engine.workspace import Workspace
from cadenced.ports import Outgoing
from cadenced.store import enrolments, inbox, mailboxes, people, tasks, timeline, touches

BATCH = 200


@dataclass(frozen=True, slots=True)
class Claimed:
    """A touch that is this process's to send now."""

    enrolment: int
    touch: touches.Touch
    message: Outgoing


@dataclass(frozen=True, slots=True)
class Moment:
    """What is the same for all enrolments of one mailbox at one time."""

    mailbox: str
    now: datetime
    synced_at: datetime | None
    quota: Quota


def given(tx: Connection, enrolment: Enrolment, email: str, moment: Moment) -> Given:
    """Gather what the planner must know about one enrolment."""
    state = mailboxes.get(tx, moment.mailbox)
    told: bool | None = True
    if enrolment.account is not None:
        told = enrolments.primary_told(tx, enrolment.account, enrolment.sequence)
    return Given(
        now=moment.now,
        inbox_synced_at=moment.synced_at,
        suppressed=people.is_suppressed(tx, email),
        quota=moment.quota,
        doubt=touches.in_doubt(tx, enrolment.id),
        hold=state.hold,
        primary_told=told,
    )


def clear(tx: Connection, workspace: Workspace, moment: Moment) -> int:
    """Do all that is due and sends nothing: wake, open tasks, finish. Returns how many enrolments moved."""
    due = enrolments.due(tx, moment.mailbox, "desk", moment.now, BATCH)
    for enrolment in due:
        waking = lifecycle.wake(enrolment, moment.now)
        if isinstance(waking, events.Resumed):
            moves.move(tx, workspace, enrolment, waking)
        else:
            _act(tx, workspace, enrolment, moment, may_send=False)
    return len(due)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look at the mail lane brought: touches to send, and how many enrolments had to wait or ask instead."""

    claimed: tuple[Claimed, ...] = ()
    put_off: int = 0


def claim_mail(tx: Connection, workspace: Workspace, moment: Moment, slots: int, busy: Collection[int]) -> Batch:
    """Reserve and claim up to ``slots`` due touches; ``busy`` are enrolments whose touch is on the wire already."""
    claimed: list[Claimed] = []
    put_off = 0
    for enrolment in enrolments.due(tx, moment.mailbox, "mail", moment.now, slots + len(busy) + BATCH // 4):
        if len(claimed) >= slots:
            break
        if enrolment.id not in busy:
            ready = _act(tx, workspace, enrolment, moment, may_send=True)
            claimed += [ready] if ready else []
            put_off += ready is None
    return Batch(tuple(claimed), put_off)


def decide(tx: Connection, workspace: Workspace, enrolment: Enrolment, moment: Moment) -> planner.Action:
    """Return the next action of one due enrolment. Data that makes no sense comes to a human and blocks nobody."""
    sequence = workspace.sequence(enrolment.sequence)
    try:
        prospect = people.get(tx, enrolment.prospect)
        return planner.next_action(enrolment, sequence, given(tx, enrolment, prospect.email, moment))
    except (ValueError, LookupError, OverflowError) as fault:  # a zone that is gone, a window that never opens
        return planner.OpenTask(None, f"Nothing can be planned here: {fault}. Mend it, then mark this task as done.")


def _act(
    tx: Connection, workspace: Workspace, enrolment: Enrolment, moment: Moment, *, may_send: bool
) -> Claimed | None:
    """Carry out the next action of one due enrolment; returns the touch where that is a mail to send."""
    match decide(tx, workspace, enrolment, moment):
        case planner.Send(step) if may_send:
            return _claim(tx, workspace, enrolment, step, moment.now)
        case planner.Send():  # the step has become a mail since the row was written: into the lane of mails
            enrolments.save(tx, enrolment, workspace.sequence(enrolment.sequence))
        case planner.OpenTask(step, why):
            open_task(tx, workspace, enrolment, step, why)
        case planner.Finish(outcome, then):
            moves.finish(tx, workspace, enrolment, outcome, then)
        case planner.Wait(until, reason):
            _wait(tx, workspace, enrolment, until, reason)
    return None


def _wait(tx: Connection, workspace: Workspace, enrolment: Enrolment, until: datetime, reason: str) -> None:
    """Put a due enrolment off. Only the row changes: a shut window is nothing for the timeline."""
    if enrolment.state is not State.ACTIVE or enrolment.due_at is None:
        return
    later = max(until, workspace.now() + timedelta(milliseconds=1))
    postponed = events.Postponed(workspace.now(), later, reason)
    sequence = workspace.sequence(enrolment.sequence)
    enrolments.save(tx, lifecycle.apply(enrolment, postponed, sequence), sequence)


def open_task(tx: Connection, workspace: Workspace, enrolment: Enrolment, step: Step | None, why: str) -> int:
    """Ask the human, and hold the enrolment until it is done; returns the task's id."""
    now = workspace.now()
    kind = step.kind if isinstance(step, TaskStep) else "decision"
    due_at = _task_day(step, enrolment, now)
    facts = {"purpose": step.purpose} if step is not None and step.purpose else {}
    task = tasks.NewTask(
        kind=kind,
        brief=why,
        due_at=due_at,
        prospect=enrolment.prospect,
        enrolment=enrolment.id,
        step=step.id if step is not None else "",
        facts=facts,
    )
    task_id = tasks.add(tx, task, now)
    moves.move(tx, workspace, enrolment, events.TaskOpened(now, task.step, due_at, f"task {task_id}: {why}"))
    timeline.note_of(tx, now, "task_opened", enrolment, task=task_id, kind=kind, brief=why)
    return task_id


def _task_day(step: Step | None, enrolment: Enrolment, now: datetime) -> datetime:
    """Return when a task is due: now, or when the hours begin that the step asks for."""
    if step is None or step.hours is None:
        return now
    window = pacing.Window(opens=step.hours[0], closes=step.hours[1])
    try:
        return pacing.open_from(now, window, enrolment.place)
    except (ValueError, LookupError, OverflowError):  # a zone that is gone: the human knows the hour
        return now


def _claim(tx: Connection, workspace: Workspace, enrolment: Enrolment, step: Step, now: datetime) -> Claimed | None:
    touch = touches.of_step(tx, enrolment, step.id)
    if touch is None:
        prepared = preparation.prepare(tx, workspace, enrolment, step)
        if isinstance(prepared, preparation.Obstacle):
            _ask_about(tx, workspace, enrolment, prepared)
            return None
        if _under_another_name(tx, workspace, enrolment, prepared.frozen.template_version):
            moves.move(tx, workspace, enrolment, events.Skipped(now, step.id), step=step.id, reason="sent before")
            return None
        touch = touches.reserve(tx, enrolment, prepared.recipient, prepared.frozen, now)
        if inbox.is_own(tx, touch.mailbox, touch.ref):
            _was_sent(tx, workspace, enrolment, touch, now)
            return None
    if touch.state in {TouchState.SENT, TouchState.REJECTED, TouchState.SKIPPED}:
        moves.move(tx, workspace, enrolment, events.Skipped(now, step.id), step=step.id, touch=touch.id)
        return None
    if not touches.claim(tx, touch.id, workspace.boot_id, now):
        _wait(tx, workspace, enrolment, now + planner.LOOK_AGAIN, "its touch is under way elsewhere")
        return None
    box = workspace.mailbox(touch.mailbox)
    message = Outgoing(
        touch=touch.id,
        mail_from=box.address,
        recipient=touch.recipient,
        raw=touch.raw,
        message_id=touch.message_id,
        copy_to=box.address if workspace.sent_copy(box) == "self" else "",
    )
    return Claimed(enrolment.id, touch, message)


def _under_another_name(tx: Connection, workspace: Workspace, enrolment: Enrolment, version: str) -> bool:
    """Whether the same text has gone out in a step that now has another name."""
    sequence = workspace.sequence(enrolment.sequence)
    return any(sequence.step(step) is None for step in touches.steps_of_text(tx, enrolment.id, version))


def _was_sent(tx: Connection, workspace: Workspace, enrolment: Enrolment, touch: touches.Touch, now: datetime) -> None:
    """Take a touch for sent whose copy was found before the store knew of it (RELIABILITY 2.7)."""
    touches.prove(tx, touch.id, "a copy of it was found that is older than this database", now)
    moves.move(tx, workspace, enrolment, events.Sent(now, touch.step), step=touch.step, subject=touch.subject)
    enrolments.mark_touched(tx, enrolment.id)


def _ask_about(tx: Connection, workspace: Workspace, enrolment: Enrolment, obstacle: preparation.Obstacle) -> None:
    now = workspace.now()
    task = tasks.NewTask(
        kind=obstacle.kind,
        brief=obstacle.brief,
        due_at=now,
        prospect=enrolment.prospect,
        enrolment=enrolment.id,
        facts=obstacle.facts,
    )
    task_id = tasks.add(tx, task, now)
    reason = f"task {task_id}: {obstacle.brief}"
    moves.move(tx, workspace, enrolment, events.TaskOpened(now, "", now, reason))
    timeline.note_of(tx, now, "task_opened", enrolment, task=task_id, kind=obstacle.kind, brief=obstacle.brief)


def reconsider(tx: Connection, workspace: Workspace, mended: Collection[str]) -> int:
    """Close what was asked about templates that have been edited since, and try their mails again; returns how many."""
    now = workspace.now()
    asked = [task for task in tasks.open_of_kind(tx, "template", "wording") if task.facts.get("template") in mended]
    for task in asked:
        tasks.close(tx, task.id, "the template was edited", "", now)
        enrolment = enrolments.get(tx, task.enrolment or 0)
        if enrolment.state is State.AWAITING_TASK and not tasks.open_of_enrolment(tx, enrolment.id):
            moves.move(tx, workspace, enrolment, events.TaskDone(now, "", "the template was edited"))
    return len(asked)

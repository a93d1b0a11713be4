"""Carries out in one transaction what the planner decides: tasks opened, ends written, mails claimed."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from cadenced.core import events, lifecycle, pacing, planner
from cadenced.core.model import Enrolment, State, TouchState
from cadenced.core.planner import Given, Quota
from cadenced.core.sequence import Step, TaskStep
from cadenced.engine import dossiers, moves, preparation
from cadenced.engine.dossiers import Dossier
from cadenced.engine.preparation import Case, Obstacle, Prepared
from cadenced.engine.workspace import Workspace
from cadenced.ports import Outgoing
from cadenced.store import enrolments, inbox, tasks, timeline, touches
from cadenced.store.touches import Reservation

BATCH = 200


@dataclass(frozen=True, slots=True)
class Claimed:
    """A touch that is this process's to send now; ``was_armed``: False once its submission ended before its arming."""

    enrolment: int
    touch: touches.Touch
    message: Outgoing
    was_armed: bool = True


@dataclass(frozen=True, slots=True)
class Moment:
    """What is the same for all enrolments of one mailbox at one time; ``hold`` says why the mailbox rests."""

    mailbox: str
    now: datetime
    synced_at: datetime | None
    quota: Quota
    hold: str


def given(workspace: Workspace, dossier: Dossier, moment: Moment) -> Given:
    """Return what the planner must know about one enrolment."""
    return Given(
        now=moment.now,
        inbox_synced_at=moment.synced_at,
        suppressed=dossier.suppressed,
        quota=moment.quota,
        doubt=dossier.doubt,
        hold=moment.hold,
        primary_told=dossier.primary_told,
        away=workspace.away,
    )


def clear(tx: Connection, workspace: Workspace, moment: Moment) -> int:
    """Do all that is due and sends nothing: wake, open tasks, finish. Returns how many enrolments moved."""
    due = enrolments.due(tx, moment.mailbox, "desk", moment.now, BATCH)
    for dossier in dossiers.gather(tx, due):
        waking = lifecycle.wake(dossier.enrolment, moment.now)
        if isinstance(waking, events.Resumed):
            moves.move(tx, workspace, dossier.enrolment, waking)
        else:
            _act(tx, workspace, dossier, moment)
    return len(due)


@dataclass(frozen=True, slots=True)
class Batch:
    """What one look at the mail lane brought: touches to send, and how many enrolments had to wait or ask instead."""

    claimed: tuple[Claimed, ...] = ()
    put_off: int = 0


@dataclass(frozen=True, slots=True)
class Wanted:
    """Mails that are to be sent now: those claimed with the bytes they have, and those whose message is to be made."""

    again: tuple[Claimed, ...] = ()
    fresh: tuple[Case, ...] = ()
    put_off: int = 0


def claim_mail(tx: Connection, workspace: Workspace, moment: Moment, slots: int, busy: Collection[int]) -> Batch:
    """Reserve and claim up to ``slots`` due touches; ``busy`` are enrolments whose touch is on the wire already."""
    wanted = want_mail(tx, workspace, moment, slots, busy)
    kit = preparation.materials(workspace)
    return claim_prepared(tx, workspace, wanted, [preparation.prepare(kit, case) for case in wanted.fresh])


def want_mail(tx: Connection, workspace: Workspace, moment: Moment, slots: int, busy: Collection[int]) -> Wanted:
    """Look for up to ``slots`` due mails, and do what else is due in their lane."""
    due = enrolments.due_mails(tx, moment.mailbox, moment.now, slots, busy)
    again: list[Claimed] = []
    fresh: list[Case] = []
    for dossier in dossiers.gather(tx, due):
        step = _act(tx, workspace, dossier, moment, may_send=True)
        touch = dossier.of_step(step.id) if step is not None else None
        if touch is not None:
            again += _claim_again(tx, workspace, dossier.enrolment, touch, moment.now)
        elif step is not None:
            fresh.append(preparation.case_of(workspace, dossier, step))
    return Wanted(tuple(again), tuple(fresh), len(due) - len(again) - len(fresh))


def claim_prepared(
    tx: Connection, workspace: Workspace, wanted: Wanted, prepared: Sequence[Prepared | Obstacle]
) -> Batch:
    """Reserve and claim what was prepared meanwhile, in the order of ``wanted.fresh``.

    Whoever has moved in between is looked at again another time.
    """
    standing = enrolments.among(tx, [case.enrolment.id for case in wanted.fresh]) if wanted.fresh else {}
    known = touches.references(tx, [case.reference for case in wanted.fresh])
    fresh: list[Reservation] = []
    for case, made in zip(wanted.fresh, prepared, strict=True):
        if standing.get(case.enrolment.id) != case.enrolment:
            continue
        if case.reference in known:
            _had_before(tx, workspace, case)
        else:
            fresh += _reservation(tx, workspace, case, made)
    claimed = _reserve(tx, workspace, fresh)
    return Batch((*wanted.again, *claimed), wanted.put_off + len(wanted.fresh) - len(claimed))


def _had_before(tx: Connection, workspace: Workspace, case: Case) -> None:
    """Go on without a step that this address has had, or was to have, before its person was forgotten and came back.

    A touch is named by the address. What has come to be for this very prospect meanwhile is looked at another time.
    """
    if any(touch.prospect != case.enrolment.prospect for touch in touches.known(tx, (), [case.reference])):
        skipped = events.Skipped(workspace.now(), case.step.id)
        moves.move(tx, workspace, case.enrolment, skipped, step=case.step.id, reason="this address had it before")


def decide(workspace: Workspace, dossier: Dossier, moment: Moment) -> planner.Action:
    """Return the next action of one due enrolment. Data that makes no sense comes to a human and blocks nobody."""
    enrolment = dossier.enrolment
    known = given(workspace, dossier, moment)
    try:
        return planner.next_action(enrolment, workspace.sequence(enrolment.sequence), known)
    except (ValueError, LookupError, OverflowError) as fault:  # a zone that is gone, a window that never opens
        return planner.OpenTask(None, f"Nothing can be planned here: {fault}. Mend it, then mark this task as done.")


def _act(
    tx: Connection, workspace: Workspace, dossier: Dossier, moment: Moment, *, may_send: bool = False
) -> Step | None:
    """Carry out the next action of one due enrolment; returns the step where that is a mail to send."""
    enrolment = dossier.enrolment
    match decide(workspace, dossier, moment):
        case planner.Send(step) if may_send:
            return step
        case planner.Send():  # the step has become a mail since the row was written: into the lane of mails
            enrolments.save(tx, enrolment, workspace.sequence(enrolment.sequence))
        case planner.OpenTask(step, why):
            open_task(tx, workspace, enrolment, step, why)
        case planner.Skip(step, reason):
            skipped = events.Skipped(workspace.now(), step.id)
            moves.move(tx, workspace, enrolment, skipped, step=step.id, reason=reason)
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


def _reservation(tx: Connection, workspace: Workspace, case: Case, made: Prepared | Obstacle) -> list[Reservation]:
    """Return what is to be reserved: nothing where a human must look, or where the text went out before."""
    enrolment, step = case.enrolment, case.step
    if isinstance(made, Obstacle):
        _ask_about(tx, workspace, enrolment, made)
        return []
    sequence = workspace.sequence(enrolment.sequence)
    if any(sequence.step(gone) is None for gone in case.steps_of_text(made.frozen.template_version)):
        skipped = events.Skipped(workspace.now(), step.id)  # it has gone out in a step that now has another name
        moves.move(tx, workspace, enrolment, skipped, step=step.id, reason="sent before")
        return []
    return [Reservation(enrolment, made.recipient, made.frozen)]


def _reserve(tx: Connection, workspace: Workspace, fresh: list[Reservation]) -> list[Claimed]:
    """Write many touches for the first time, claimed by this process."""
    if not fresh:
        return []
    now = workspace.now()
    found = inbox.own_among(tx, fresh[0].enrolment.mailbox, [one.frozen.ref for one in fresh])
    for one in fresh:
        if one.frozen.ref in found:
            touch = touches.reserve(tx, one.enrolment, one.recipient, one.frozen, now)
            _was_sent(tx, workspace, one.enrolment, touch, now)
    wanted = [one for one in fresh if one.frozen.ref not in found]
    reserved = touches.reserve_claimed(tx, wanted, workspace.boot_id, now)
    return [_claimed(workspace, reserved[one.frozen.ref]) for one in wanted]


def _claim_again(
    tx: Connection, workspace: Workspace, enrolment: Enrolment, touch: touches.Touch, now: datetime
) -> list[Claimed]:
    """Claim a touch that has its row already: the same bytes leave as before."""
    if touch.state in {TouchState.SENT, TouchState.REJECTED, TouchState.SKIPPED}:
        moves.move(tx, workspace, enrolment, events.Skipped(now, touch.step), step=touch.step, touch=touch.id)
        return []
    if not touches.claim(tx, touch.id, workspace.boot_id, now):
        _wait(tx, workspace, enrolment, now + planner.LOOK_AGAIN, "its touch is under way elsewhere")
        return []
    frozen = touches.bytes_of(tx, [touch.id])[touch.id]
    return [_claimed(workspace, replace(touch, raw=frozen))]


def _claimed(workspace: Workspace, touch: touches.Touch) -> Claimed:
    box = workspace.mailbox(touch.mailbox)
    message = Outgoing(
        touch=touch.id,
        mail_from=box.address,
        recipient=touch.recipient,
        raw=touch.raw,
        message_id=touch.message_id,
        copy_to=box.address if workspace.sent_copy(box) == "self" else "",
    )
    return Claimed(touch.enrolment, touch, message)


def _was_sent(tx: Connection, workspace: Workspace, enrolment: Enrolment, touch: touches.Touch, now: datetime) -> None:
    """Take a touch for sent whose copy was found before the store knew of it (RELIABILITY 2.7)."""
    touches.prove(tx, touch.id, "a copy of it was found that is older than this database", now)
    moves.move(tx, workspace, enrolment, events.Sent(now, touch.step), step=touch.step, subject=touch.subject)
    enrolments.mark_touched(tx, enrolment.id)


def _ask_about(tx: Connection, workspace: Workspace, enrolment: Enrolment, obstacle: Obstacle) -> None:
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

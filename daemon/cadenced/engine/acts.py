"""What a human does by hand: halt, pause, resume, skip, note, done, suppress, resolve, release."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from cadenced.core import address, events, pacing
from cadenced.core.model import Enrolment, Prospect, TouchState
from cadenced.engine import moves
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError
from cadenced.store import enrolments, forgotten, inbox, mailboxes, people, rests, tasks, timeline, touches

CONVERSATION = frozenset({"reached", "interested", "meeting", "won", "lost", "answered", "not_interested"})
"""Outcomes of a task after which a human conversation runs, and the sequence rests. All others let it go on."""

WIRE = timedelta(milliseconds=500)


@dataclass(frozen=True, slots=True)
class Agreed:
    """A next step that was agreed on with a prospect: what, and when (UTC)."""

    what: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a task, in a word of the human's own and perhaps more."""

    outcome: str
    note: str = ""
    agreed: Agreed | None = None


def find(tx: Connection, email: str) -> Prospect:
    """Return the prospect of an address as a user types it; RefusedError where there is none."""
    normal = address.normalise(email)
    prospect = people.by_email(tx, normal)
    if prospect is None:
        raise RefusedError(unknown(tx, normal))
    return prospect


def unknown(tx: Connection, email: str) -> str:
    """Return what can be said of a normalised address that is no prospect's."""
    at = forgotten.at(tx, email)
    if at is None:
        return f"{email} is not a prospect"
    return f"{email} was forgotten on {at:%Y-%m-%d}: never written to again, and nothing else is kept of it"


def halt(tx: Connection, workspace: Workspace, email: str, reason: str = "") -> list[Enrolment]:
    """End everything that runs for a prospect."""
    now = workspace.now()
    event = events.Halted(now, "halted by hand", reason or "halted by hand")
    return _each(tx, workspace, find(tx, email), event, reason=reason)


def pause(tx: Connection, workspace: Workspace, email: str, until: datetime, reason: str = "") -> list[Enrolment]:
    """Set a prospect aside until a moment."""
    event = events.Paused(workspace.now(), until, reason or "paused by hand")
    return _each(tx, workspace, find(tx, email), event, until=until, reason=reason)


def resume(tx: Connection, workspace: Workspace, email: str) -> list[Enrolment]:
    """Take up what was paused, or what was halted last where nothing runs; RefusedError when there is nothing."""
    prospect = find(tx, email)
    if people.is_suppressed(tx, prospect.email):
        raise RefusedError(f"{prospect.email} is suppressed and is not written to")
    event = events.Resumed(workspace.now())
    live = enrolments.of_prospect(tx, prospect.id, live=True)
    parked = [enrolment for enrolment in live if enrolment.state != "active"]
    for task in (task for enrolment in parked for task in tasks.open_of_enrolment(tx, enrolment.id)):
        _demand_no_doubt(task)
    if parked:
        for enrolment in parked:
            tasks.close_of_enrolment(tx, enrolment.id, "resumed by hand", workspace.now())
        return [moves.move(tx, workspace, enrolment, event) for enrolment in parked]
    halted = [one for one in enrolments.of_prospect(tx, prospect.id) if one.state == "halted"]
    if live or not halted:
        raise RefusedError(f"nothing of {email} is paused or halted")
    return [moves.move(tx, workspace, halted[-1], event)]


def skip(tx: Connection, workspace: Workspace, email: str) -> list[Enrolment]:
    """Leave the next step out."""
    prospect = find(tx, email)
    now = workspace.now()
    moved = []
    for enrolment in enrolments.of_prospect(tx, prospect.id, live=True):
        if enrolment.step:
            tasks.close_of_step(tx, enrolment.id, "skipped", now)
            active = moves.move(tx, workspace, enrolment, events.Skipped(now, enrolment.step), step=enrolment.step)
            moved.append(_unpark(tx, workspace, active, now))
    if not moved:
        raise RefusedError(f"{email} has no next step to skip")
    return moved


def _unpark(tx: Connection, workspace: Workspace, enrolment: Enrolment, now: datetime) -> Enrolment:
    if enrolment.state != "awaiting_task":
        return enrolment
    return moves.move(tx, workspace, enrolment, events.Resumed(now))


def _each(
    tx: Connection, workspace: Workspace, prospect: Prospect, event: events.Event, **facts: object
) -> list[Enrolment]:
    live = enrolments.of_prospect(tx, prospect.id, live=True)
    if not live:
        raise RefusedError(f"nothing runs for {prospect.email}")
    return [moves.move(tx, workspace, enrolment, event, **facts) for enrolment in live]


def note(tx: Connection, workspace: Workspace, email: str, text: str) -> None:
    """Write something down about a prospect; templates see the newest note as ``notes``."""
    prospect = find(tx, email)
    timeline.note(tx, workspace.now(), "note", prospect.id, text=text)
    people.set_fields(tx, prospect.id, {**prospect.fields, "notes": text})


def done(tx: Connection, workspace: Workspace, task_id: int, result: Result) -> tasks.OpenTask:
    """Mark a task as done; its enrolment goes on, or rests where a conversation runs or a next step was agreed on."""
    now = workspace.now()
    outcome, text, agreed = result.outcome, result.note, result.agreed
    task = tasks.get(tx, task_id)
    if task is None:
        raise RefusedError(f"there is no task {task_id}")
    _demand_no_doubt(task)
    if not tasks.close(tx, task_id, outcome, text, now):
        raise RefusedError(f"task {task_id} was done on {task.done_at:%Y-%m-%d}: {task.outcome}")
    if task.prospect is not None:
        timeline.note(tx, now, "task_done", task.prospect, task=task_id, outcome=outcome, note=text)
    if task.enrolment is not None:
        _go_on_after(tx, workspace, task, result)
    elif agreed is not None and task.prospect is not None:
        _open_agreed(tx, workspace, task, None, agreed)
    return task


def _demand_no_doubt(task: tasks.OpenTask) -> None:
    if task.kind == "doubt" and task.done_at is None:
        raise RefusedError(f"say what became of the mail: cadenced resolve {task.touch} sent|resend|skip")


def _go_on_after(tx: Connection, workspace: Workspace, task: tasks.OpenTask, result: Result) -> None:
    outcome, agreed = result.outcome, result.agreed
    enrolment = enrolments.get(tx, task.enrolment or 0)
    over = outcome in CONVERSATION and agreed is None
    if enrolment.state in {"awaiting_task", "paused"}:
        event = events.TaskDone(workspace.now(), task.step, outcome, over)
        enrolment = _still_away(tx, workspace, moves.move(tx, workspace, enrolment, event))
    if agreed is not None:
        _open_agreed(tx, workspace, task, enrolment, agreed)


def _still_away(tx: Connection, workspace: Workspace, enrolment: Enrolment) -> Enrolment:
    """Let an absence that was read while a human was asked have its effect now: nobody is written to while away."""
    last = inbox.latest_of(tx, enrolment.prospect)
    if enrolment.state != "active" or last is None or last.verdict != "auto.out_of_office" or not last.until:
        return enrolment
    until = date.fromisoformat(last.until)
    if until < workspace.now().date():
        return enrolment
    return moves.move(tx, workspace, enrolment, events.Answered(workspace.now(), last.verdict, until))


def _open_agreed(
    tx: Connection, workspace: Workspace, task: tasks.OpenTask, enrolment: Enrolment | None, agreed: Agreed
) -> None:
    """Open the agreed next step as a task; a live enrolment waits for it."""
    now = workspace.now()
    today = now.astimezone(pacing.zone(workspace.config.daemon.timezone))
    brief = f"{agreed.what} (agreed on {today:%Y-%m-%d})"
    if task.prospect is not None:
        people.set_next_step(tx, task.prospect, agreed.what, agreed.at)
    new = tasks.NewTask(agreed.what.split()[0].lower(), brief, agreed.at, task.prospect, task.enrolment)
    task_id = tasks.add(tx, new, now)
    timeline.note(tx, now, "task_opened", task.prospect, task=task_id, kind=new.kind, brief=brief, due_at=agreed.at)
    if enrolment is not None and enrolment.live:
        event = events.TaskOpened(now, "", agreed.at, f"task {task_id}: {brief}")
        moves.move(tx, workspace, replace(enrolment, next_step_at=agreed.at), event)


def suppress(tx: Connection, workspace: Workspace, email: str, reason: str) -> bool:
    """Never write to an address again, known or not; False when it was so already."""
    normal = address.normalise(email)
    now = workspace.now()
    fresh = forgotten.at(tx, normal) is None and people.suppress(tx, normal, reason, now)
    for prospect in people.of_addresses(tx, {normal, address.identity(normal)}):
        if fresh:
            timeline.note(tx, now, "suppressed", prospect.id, reason=reason)
        for enrolment in enrolments.of_prospect(tx, prospect.id, live=True):
            moves.move(tx, workspace, enrolment, events.Halted(now, "suppressed", reason), reason=reason)
    return fresh


def unsuppress(tx: Connection, workspace: Workspace, email: str) -> bool:
    """Lift a suppression; nothing that it ended begins again by itself. False when there was none."""
    normal = address.normalise(email)
    lifted = people.unsuppress(tx, normal) | forgotten.lift(tx, normal)
    prospect = people.by_email(tx, normal)
    if lifted and prospect is not None:
        timeline.note(tx, workspace.now(), "unsuppressed", prospect.id)
    return lifted


def resolve(tx: Connection, workspace: Workspace, touch_id: int, how: str) -> touches.Touch:
    """Settle a touch in doubt by a human's word: ``sent``, ``resend`` (the same bytes again) or ``skip``."""
    touch = touches.get(tx, touch_id)
    if touch is None or touch.state not in {TouchState.UNKNOWN, TouchState.IN_DOUBT}:
        raise RefusedError(f"touch {touch_id} is not in doubt")
    if how == "sent":
        from cadenced.engine import doubts  # noqa: PLC0415 - it brings the send path along, and who halts must not wait

        doubts.settle_as_sent(tx, workspace, touch, "a human says that it was sent")
        return touch
    now = workspace.now()
    state = TouchState.PLANNED if how == "resend" else TouchState.SKIPPED
    if not touches.resolve(tx, touch_id, state, f"a human says: {how}", now):
        raise RefusedError(f"touch {touch_id} was settled a moment ago")
    tasks.close_of_touch(tx, touch_id, how, now)
    enrolment = enrolments.get(tx, touch.enrolment)
    moves.move(tx, workspace, enrolment, events.DoubtSettled(now, touch.step, how), step=touch.step, how=how)
    return touch


def release(tx: Connection, workspace: Workspace, name: str) -> bool:
    """Let a mailbox that was held send again; False when it was not held."""
    lifted = mailboxes.release(tx, name)
    if lifted:
        now = workspace.now()
        timeline.note(tx, now, "mailbox_released", None, mailbox=name)
        for task in tasks.open_of_kind(tx, "mailbox"):
            if task.facts.get("mailbox") == name:
                tasks.close(tx, task.id, "released", "", now)
    return lifted


def barrier(workspace: Workspace, prospect_id: int) -> bool:
    """Wait until no payload for a prospect can be on its way any more (RELIABILITY 2.3), at most ``arm_ttl`` and a bit.

    Called after a stop has been committed and before it is acknowledged; returns False where the wait ran out.
    """
    limit = workspace.config.safety.arm_ttl + WIRE
    deadline = workspace.clock.monotonic() + limit.total_seconds()
    while workspace.database.read(lambda tx: touches.armed_for(tx, prospect_id)):
        if workspace.clock.monotonic() > deadline:
            return False
        rests.rest(0.05)
    return True

"""One event, one transaction: what the lifecycle makes of an enrolment, and all that follows from it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime
from operator import attrgetter
from typing import Any

from sqlalchemy import Connection

from cadenced.core import events, lifecycle
from cadenced.core import sequence as plan
from cadenced.core.model import Enrolment, State
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError
from cadenced.store import enrolments, people, tasks, timeline, touches
from cadenced.store.touches import Touch

_WORDS: dict[type[events.Event], str] = {
    events.Sent: "sent",
    events.Postponed: "postponed",
    events.DoubtRaised: "in_doubt",
    events.DoubtSettled: "doubt_settled",
    events.Skipped: "skipped",
    events.Paused: "paused",
    events.Resumed: "resumed",
    events.Halted: "halted",
    events.Completed: "finished",
}


def move(tx: Connection, workspace: Workspace, enrolment: Enrolment, event: events.Event, **facts: Any) -> Enrolment:
    """Apply ``event`` and write the new state, the timeline, and what an ending entails; returns the new enrolment."""
    sequence = workspace.sequence(enrolment.sequence)
    try:
        after = lifecycle.apply(enrolment, event, sequence)
    except (ValueError, LookupError, OverflowError) as fault:  # a zone that is gone, a window that never opens
        after = lifecycle.stranded(enrolment, event, _ask_what_next(tx, enrolment, event.at, f"nothing fits: {fault}"))
    if enrolment.state in {State.PAUSED, State.AWAITING_TASK} and after.state is State.ACTIVE:
        after = _held_by_questions(tx, after, event.at, sequence)
    word = _WORDS.get(type(event))
    if word:
        timeline.note_of(tx, event.at, word, enrolment, **facts)
    elif after.state is not enrolment.state:
        _note_change(tx, event.at, after)
    if enrolment.live and not after.live:
        after = _end(tx, workspace, after, event.at)
    enrolments.save(tx, after, sequence)
    workspace.changed()
    return after


def note_sent(tx: Connection, workspace: Workspace, sent: Sequence[tuple[Enrolment, Touch]], at: datetime) -> None:
    """Move many enrolments on whose touches were sent. Where nothing but the next step follows, all in one."""
    plain: list[tuple[Enrolment, plan.Sequence]] = []
    told: list[tuple[Enrolment, Touch]] = []
    for enrolment, touch in sent:
        sequence = workspace.sequence(enrolment.sequence)
        event = events.Sent(at, touch.step)
        after = _simply(enrolment, event, sequence)
        if after is None:
            move(tx, workspace, enrolment, event, step=touch.step, subject=touch.subject)
            enrolments.mark_touched(tx, enrolment.id)
        else:
            plain.append((after, sequence))
            told.append((enrolment, touch))
    timeline.note_sent(tx, at, told)
    enrolments.save_touched(tx, plain)


_rest_of = attrgetter(*(one.name for one in fields(Enrolment) if one.name not in enrolments.MOVED_BY_A_TOUCH))
"""What a touch leaves as it is, of an enrolment that simply goes on."""


def _simply(enrolment: Enrolment, event: events.Sent, sequence: plan.Sequence) -> Enrolment | None:
    """Return what a sent touch makes of an active enrolment that goes on; None where more than that follows."""
    if enrolment.state is not State.ACTIVE:
        return None
    try:
        after = lifecycle.apply(enrolment, event, sequence)
    except (ValueError, LookupError, OverflowError):
        return None  # ``move`` asks the human
    return after if _rest_of(after) == _rest_of(enrolment) else None


def _held_by_questions(tx: Connection, taken_up: Enrolment, at: datetime, sequence: plan.Sequence) -> Enrolment:
    """Hold what would go on while a question about it is still open: an answer may wait there to be read."""
    others = tasks.open_of_enrolment(tx, taken_up.id)
    if not others:
        return taken_up
    reason = f"task {others[0].id}: {others[0].brief}"
    return lifecycle.apply(taken_up, events.TaskOpened(at, "", others[0].due_at, reason), sequence)


def _ask_what_next(tx: Connection, enrolment: Enrolment, at: datetime, why: str) -> str:
    """Ask the human where no plan leads on; returns what an enrolment then waits for."""
    email = people.get(tx, enrolment.prospect).email
    brief = f"What comes next for {email} after {enrolment.sequence}? Decide by hand: {why}."
    live = enrolment.id if enrolment.live else None
    task_id = tasks.add(tx, tasks.NewTask("decision", brief, at, enrolment.prospect, live), at)
    timeline.note_of(tx, at, "task_opened", enrolment, task=task_id, kind="decision", brief=brief)
    return f"task {task_id}: {brief}"


def _note_change(tx: Connection, at: datetime, after: Enrolment) -> None:
    words = {State.PAUSED: "paused", State.HALTED: "halted", State.FINISHED: "finished", State.ACTIVE: "resumed"}
    word = words.get(after.state)
    if word:
        timeline.note_of(tx, at, word, after, reason=after.reason, until=after.due_at)


def _end(tx: Connection, workspace: Workspace, ended: Enrolment, at: datetime) -> Enrolment:
    """Give up what was prepared, close the plan's own tasks, and begin the sequence that follows."""
    touches.cancel_planned(tx, ended.id, at)
    tasks.close_of_plan(tx, ended.id, ended.outcome, at)
    if ended.state is State.FINISHED and ended.then:
        follow(tx, workspace, ended, ended.then, at)
    return replace(ended, then="")


def finish(tx: Connection, workspace: Workspace, enrolment: Enrolment, outcome: str, then: str) -> Enrolment:
    """End an enrolment by plan; ``then`` names the sequence that takes over."""
    event = events.Completed(workspace.now(), outcome)
    return move(tx, workspace, replace(enrolment, then=then), event, outcome=outcome)


def follow(tx: Connection, workspace: Workspace, ended: Enrolment, name: str, at: datetime) -> Enrolment | None:
    """Begin the sequence ``name`` for somebody who comes from another one; its first delay counts from now."""
    prospect = people.get(tx, ended.prospect)
    if people.is_suppressed(tx, prospect.email):
        return None
    if name not in workspace.library.sequences:
        _ask_what_next(tx, ended, at, f"the sequence {name}, which was to follow, is gone")
        return None
    fresh = replace(ended, sequence=name, outcome="", reason="", then="", soft_bounces=0)
    try:
        return _begin(tx, workspace, fresh, at)
    except (ValueError, LookupError, OverflowError) as fault:
        _ask_what_next(tx, ended, at, f"{name} was to follow, and nothing fits: {fault}")
        return None


def enrol(tx: Connection, workspace: Workspace, email: str, name: str, at: datetime) -> Enrolment:
    """Begin a sequence for a known prospect by hand; RefusedError says why not."""
    prospect = people.by_email(tx, email)
    if prospect is None:
        raise RefusedError(f"{email} is not a prospect; import a CSV row with this address first")
    if people.is_suppressed(tx, email):
        raise RefusedError(f"{email} is suppressed and is not written to")
    if name not in workspace.library.sequences:
        known = ", ".join(sorted(workspace.library.sequences))
        raise RefusedError(f"there is no sequence {name!r}; there are: {known}")
    live = enrolments.of_prospect(tx, prospect.id, live=True)
    if live:
        raise RefusedError(f"{email} is in {live[0].sequence} ({live[0].state}); halt that first")
    fresh = Enrolment(
        id=0,
        prospect=prospect.id,
        mailbox=prospect.mailbox,
        sequence=name,
        generation=0,
        state=State.ACTIVE,
        step="",
        due_at=None,
        anchor=at,
        place=prospect.place,
        account=prospect.account,
        role=people.role_of(tx, prospect.id),
        next_step_at=people.next_step_at(tx, prospect.id),
    )
    return _begin(tx, workspace, fresh, at)


def _begin(tx: Connection, workspace: Workspace, base: Enrolment, at: datetime) -> Enrolment:
    sequence = workspace.sequence(base.sequence)
    generation = enrolments.latest_generation(tx, base.prospect, base.sequence) + 1
    begun = lifecycle.begin(replace(base, generation=generation), sequence, at)
    added = enrolments.add(tx, begun, sequence, at)
    if sequence.stage:
        people.set_stage(tx, base.prospect, sequence.stage)
    timeline.note_of(tx, at, "enrolled", added, due_at=added.due_at)
    workspace.changed()
    return added

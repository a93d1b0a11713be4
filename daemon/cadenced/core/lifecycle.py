"""How an enrolment moves: one table, ``TRANSITIONS[state][event type]``. A missing cell is an IllegalEventError.

The diagram in docs/lifecycle.md is drawn from the table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from cadenced.core import events, pacing
from cadenced.core.model import Enrolment, State
from cadenced.core.pacing import Delay
from cadenced.core.sequence import (
    AccountScope,
    Ask,
    Continue,
    Goto,
    Halt,
    Move,
    Pause,
    Reaction,
    Sequence,
    Snooze,
    Suppress,
    TaskStep,
    WaitStep,
)
from cadenced.errors import IllegalEventError

SOFT_BOUNCES_MAX = 3
"""So many soft bounces in one enrolment, and a human looks at the address."""

MORNING = time(8, 0)
_ONWARD = Delay(1, "business days")


def apply(enrolment: Enrolment, event: events.Event, sequence: Sequence) -> Enrolment:
    """Return what ``event`` makes of ``enrolment``; IllegalEventError where the table has no cell for it."""
    try:
        move = TRANSITIONS[enrolment.state][type(event)]
    except KeyError:
        raise IllegalEventError(
            f"{type(event).__name__} cannot happen to an enrolment that is {enrolment.state}"
        ) from None
    return move(enrolment, event, sequence)


def begin(enrolment: Enrolment, sequence: Sequence, at: datetime) -> Enrolment:
    """Return a new enrolment set on its first step."""
    return _go_on(replace(enrolment, state=State.ACTIVE, anchor=at, done=()), sequence, at)


def wake(enrolment: Enrolment, now: datetime) -> events.Event | None:
    """Return the event that time alone brings about: the waking of a paused enrolment, else None."""
    if enrolment.state is not State.PAUSED or enrolment.due_at is None or enrolment.due_at > now:
        return None
    if enrolment.then:
        return events.Completed(now, f"moved to {enrolment.then}")
    return events.Resumed(now)


def stranded(enrolment: Enrolment, event: events.Event, reason: str) -> Enrolment:
    """Return the enrolment behind a human where ``event`` cannot be dated: a zone that is gone, no day that fits.

    What was done stays done. What is over stays over.
    """
    step = event.step if isinstance(event, events.Sent | events.Skipped | events.TaskDone) else ""
    done = (*enrolment.done, step) if step else enrolment.done
    if not enrolment.live:
        return replace(enrolment, done=done)
    return replace(enrolment, done=done, state=State.AWAITING_TASK, due_at=event.at, reason=reason)


def reaction_to(enrolment: Enrolment, event: events.Answered, sequence: Sequence) -> Reaction:
    """Return what this answer does to this enrolment: the sequence's word; patience with soft bounces ends."""
    if event.verdict == "bounce.soft" and enrolment.soft_bounces + 1 >= SOFT_BOUNCES_MAX:
        return Halt("Mail to this address keeps coming back. Check it, or find another one.")
    reaction = sequence.reaction(event.verdict)
    if isinstance(reaction, Goto) and sequence.step(reaction.step) is None:
        return Ask(f"Look at this answer: it leads to the step {reaction.step}, which is gone.")
    return reaction


def _sent(enrolment: Enrolment, event: events.Sent, sequence: Sequence) -> Enrolment:
    done = (*enrolment.done, event.step)
    if event.step != enrolment.step or not enrolment.live:
        # overtaken by an answer: the fact is kept, and what may follow one day keeps its distance from it
        return replace(enrolment, done=done, anchor=max(enrolment.anchor, event.at))
    moved = _go_on(enrolment, sequence, event.at, done=done)
    if enrolment.state is State.ACTIVE:
        return moved
    return replace(moved, due_at=enrolment.due_at, reason=enrolment.reason)


def _doubt_settled(enrolment: Enrolment, event: events.DoubtSettled, sequence: Sequence) -> Enrolment:
    active = replace(enrolment, state=State.ACTIVE)
    if event.how == "resend":
        return _taken_up(active, sequence, event.at)
    settled = _sent(active, events.Sent(event.at, event.step), sequence)
    if event.step == enrolment.step:
        return settled
    return _taken_up(settled, sequence, event.at)  # the plan went on meanwhile; the date of the question is not its own


def _settled_meanwhile(enrolment: Enrolment, event: events.DoubtSettled, sequence: Sequence) -> Enrolment:
    """Let what is taken up one day keep its distance from a touch that was found to be sent, or was left out."""
    if event.how == "resend":
        return enrolment
    return _sent(enrolment, events.Sent(event.at, event.step), sequence)


def _postponed(enrolment: Enrolment, event: events.Postponed, _: Sequence) -> Enrolment:
    return replace(enrolment, due_at=event.until, reason=event.reason)


def _written_by_hand(enrolment: Enrolment, event: events.WrittenByHand, sequence: Sequence) -> Enrolment:
    """Count the delay of the next step from the human's own mail, never making it earlier."""
    anew = _go_on(enrolment, sequence, event.at, stay=True)
    if enrolment.due_at is None or anew.due_at is None or anew.due_at <= enrolment.due_at:
        return enrolment
    return replace(anew, reason="you wrote yourself; the next step waits its time from then")


def _written_meanwhile(enrolment: Enrolment, event: events.WrittenByHand, _: Sequence) -> Enrolment:
    """Let what may go on one day keep its distance from the human's own mail."""
    return replace(enrolment, anchor=max(enrolment.anchor, event.at))


def _answered(enrolment: Enrolment, event: events.Answered, sequence: Sequence) -> Enrolment:
    reaction = reaction_to(enrolment, event, sequence)
    counted = replace(enrolment, soft_bounces=enrolment.soft_bounces + (event.verdict == "bounce.soft"))
    return _REACTIONS[type(reaction)](counted, event, reaction, sequence)


def _answered_too_late(enrolment: Enrolment, event: events.Answered, sequence: Sequence) -> Enrolment:
    """Nothing more will be sent; only a stronger outcome than the present one is worth noting."""
    if isinstance(sequence.reaction(event.verdict), Suppress):
        return replace(enrolment, outcome=event.verdict)
    return enrolment


def _halt(enrolment: Enrolment, event: events.Answered, _reaction: Reaction, _: Sequence) -> Enrolment:
    return _over(enrolment, State.HALTED, event.verdict, f"answered: {event.verdict}")


def _continue(enrolment: Enrolment, _event: events.Answered, _reaction: Reaction, _: Sequence) -> Enrolment:
    return enrolment


def _pause(enrolment: Enrolment, event: events.Answered, reaction: Pause, sequence: Sequence) -> Enrolment:
    if enrolment.state is State.AWAITING_TASK:
        return enrolment  # a human decides anyway when it goes on
    day = event.until + timedelta(days=1) if event.until else None  # the first business day after the return
    until = _wake(enrolment, event.at, day, reaction.default, sequence)
    if enrolment.state is State.PAUSED:  # what was promised before still holds: an absence only makes it longer
        return replace(enrolment, due_at=max(until, enrolment.due_at or until))
    return _parked(enrolment, until, f"{event.verdict}: until {until:%Y-%m-%d}", "")


def _snooze(enrolment: Enrolment, event: events.Answered, reaction: Snooze, sequence: Sequence) -> Enrolment:
    until = _wake(enrolment, event.at, event.until, reaction.default, sequence)
    return _parked(enrolment, until, f"{event.verdict}: not before {until:%Y-%m-%d}", reaction.then)


def _goto(enrolment: Enrolment, event: events.Answered, reaction: Goto, sequence: Sequence) -> Enrolment:
    step = sequence.step(reaction.step)
    if step is None:  # pragma: no cover - ``reaction_to`` asks in its place
        return _ask(enrolment, event, Ask(""), sequence)
    before = sequence.steps[: sequence.steps.index(step)]
    moved = replace(enrolment, state=State.ACTIVE, done=tuple(s.id for s in before), then="")
    return _go_on(moved, sequence, event.at)


def _move(enrolment: Enrolment, event: events.Answered, reaction: Move, _: Sequence) -> Enrolment:
    return replace(
        _over(enrolment, State.FINISHED, f"moved to {reaction.sequence}", f"answered: {event.verdict}"),
        then=reaction.sequence,
    )


def _ask(enrolment: Enrolment, event: events.Answered, _reaction: Reaction, _: Sequence) -> Enrolment:
    return replace(
        enrolment,
        state=State.AWAITING_TASK,
        due_at=_next_morning(event.at, enrolment),
        reason=f"answered: {event.verdict}",
    )


_REACTIONS: Mapping[type[Reaction], Callable[..., Enrolment]] = {
    Halt: _halt,
    Continue: _continue,
    Pause: _pause,
    Snooze: _snooze,
    Goto: _goto,
    Move: _move,
    Ask: _ask,
    Suppress: _halt,
}


def _colleague(enrolment: Enrolment, event: events.ColleagueAnswered, sequence: Sequence) -> Enrolment:
    reason = f"{event.who} of the same account answered: {event.verdict}"
    if sequence.account_scope is AccountScope.HALT:
        return _over(enrolment, State.HALTED, "colleague answered", reason)
    if sequence.account_scope is AccountScope.HOLD and enrolment.state is not State.PAUSED:
        return replace(enrolment, state=State.AWAITING_TASK, due_at=_next_morning(event.at, enrolment), reason=reason)
    return enrolment


def _task_opened(enrolment: Enrolment, event: events.TaskOpened, _: Sequence) -> Enrolment:
    return replace(enrolment, state=State.AWAITING_TASK, due_at=event.due_at, reason=event.reason)


def _doubt(enrolment: Enrolment, event: events.DoubtRaised, _: Sequence) -> Enrolment:
    return replace(enrolment, state=State.AWAITING_TASK, due_at=_next_morning(event.at, enrolment), reason=event.reason)


def _task_done(enrolment: Enrolment, event: events.TaskDone, sequence: Sequence) -> Enrolment:
    if event.over:
        return _over(enrolment, State.HALTED, event.outcome, "a conversation runs; the sequence rests")
    active = replace(enrolment, state=State.ACTIVE)
    if event.step and event.step == enrolment.step:
        return _go_on(replace(active, done=(*enrolment.done, event.step)), sequence, event.at)
    return _taken_up(active, sequence, event.at)


def _done_meanwhile(enrolment: Enrolment, event: events.TaskDone, _: Sequence) -> Enrolment:
    """Let a pause stand, unless the task has led to a conversation."""
    if event.over:
        return _over(enrolment, State.HALTED, event.outcome, "a conversation runs; the sequence rests")
    return enrolment


def _paused(enrolment: Enrolment, event: events.Paused, _: Sequence) -> Enrolment:
    then = enrolment.then if enrolment.state is State.PAUSED else ""
    return _parked(enrolment, event.until, event.reason, then)


def _resumed(enrolment: Enrolment, event: events.Resumed, sequence: Sequence) -> Enrolment:
    return _taken_up(replace(enrolment, state=State.ACTIVE, outcome=""), sequence, event.at)


def _halted(enrolment: Enrolment, event: events.Halted, _: Sequence) -> Enrolment:
    return _over(enrolment, State.HALTED, event.outcome, event.reason)


def _completed(enrolment: Enrolment, event: events.Completed, _: Sequence) -> Enrolment:
    return replace(_over(enrolment, State.FINISHED, event.outcome, ""), then=enrolment.then)


def _fact(enrolment: Enrolment, _event: events.Event, _: Sequence) -> Enrolment:
    return enrolment


def _go_on(
    enrolment: Enrolment,
    sequence: Sequence,
    anchor: datetime,
    *,
    done: tuple[str, ...] | None = None,
    stay: bool = False,
) -> Enrolment:
    """Set the enrolment on its next step; a ``wait`` step adds to the delay of what follows it.

    ``done`` are the steps that are finished now. ``stay``: the step that is next already remains so where it can,
    whatever was edited before it. A sequence that is gone ends nobody: the step stays, and the planner asks.
    """
    ready = anchor
    done = enrolment.done if done is None else done
    if not sequence.steps and enrolment.step:
        return replace(enrolment, done=done, due_at=ready, anchor=anchor, reason="")
    for step in sequence.upcoming(done, enrolment.role, enrolment.step if stay else ""):
        ready = pacing.add(ready, step.after, enrolment.place)
        if isinstance(step, WaitStep):
            ready = pacing.add(ready, step.span, enrolment.place)
            continue
        window = sequence.window.narrowed(step.hours)
        due = ready if isinstance(step, TaskStep) else pacing.open_from(ready, window, enrolment.place)
        return replace(enrolment, done=done, step=step.id, due_at=due, anchor=anchor, reason="")
    return replace(enrolment, done=done, step="", due_at=ready, anchor=anchor, reason="")


def _taken_up(enrolment: Enrolment, sequence: Sequence, at: datetime) -> Enrolment:
    """Go on where it was left: the next step when it would have been due anyway, but not before ``at``."""
    planned = _go_on(replace(enrolment, then=""), sequence, enrolment.anchor, stay=True)
    if planned.due_at is None or planned.due_at >= at:
        return planned
    step = sequence.step(planned.step)
    if step is None or isinstance(step, TaskStep):
        return replace(planned, due_at=at)
    return replace(planned, due_at=pacing.open_from(at, sequence.window.narrowed(step.hours), enrolment.place))


def _parked(enrolment: Enrolment, until: datetime, reason: str, then: str) -> Enrolment:
    return replace(enrolment, state=State.PAUSED, due_at=until, reason=reason, then=then)


def _over(enrolment: Enrolment, state: State, outcome: str, reason: str) -> Enrolment:
    return replace(enrolment, state=state, due_at=None, outcome=outcome, reason=reason, then="")


def _wake(enrolment: Enrolment, at: datetime, day: date | None, default: Delay, sequence: Sequence) -> datetime:
    """Return when a parked enrolment wakes: the day read, else the default; never in the past, on a business day."""
    place = enrolment.place
    local = at.astimezone(pacing.zone(place.timezone)).date()
    if day is None or day <= local:
        moment = pacing.add(at, default if default.amount else _ONWARD, place)
        day = max(moment.astimezone(pacing.zone(place.timezone)).date(), local)
        if day == local:
            return moment
    day = pacing.business_day_from(day, place.country)
    morning = pacing.to_utc(day, MORNING, place.timezone)
    return pacing.open_from(max(morning, at), sequence.window, place)


def _next_morning(at: datetime, enrolment: Enrolment) -> datetime:
    """Return the morning of the next business day: when a human has looked at what came up."""
    place = enrolment.place
    day = pacing.business_day_from(at.astimezone(pacing.zone(place.timezone)).date() + timedelta(days=1), place.country)
    return pacing.to_utc(day, MORNING, place.timezone).astimezone(UTC)


Transition = Callable[[Enrolment, Any, Sequence], Enrolment]

TRANSITIONS: Mapping[State, Mapping[type[events.Event], Transition]] = {
    State.ACTIVE: {
        events.Sent: _sent,
        events.Postponed: _postponed,
        events.WrittenByHand: _written_by_hand,
        events.Answered: _answered,
        events.ColleagueAnswered: _colleague,
        events.TaskOpened: _task_opened,
        events.DoubtRaised: _doubt,
        events.DoubtSettled: _doubt_settled,
        events.Skipped: _sent,
        events.Paused: _paused,
        events.Resumed: _resumed,
        events.Halted: _halted,
        events.Completed: _completed,
    },
    State.PAUSED: {
        events.Sent: _sent,
        events.WrittenByHand: _written_meanwhile,
        events.Answered: _answered,
        events.ColleagueAnswered: _colleague,
        events.TaskOpened: _task_opened,
        events.TaskDone: _done_meanwhile,
        events.DoubtRaised: _fact,
        events.DoubtSettled: _settled_meanwhile,
        events.Skipped: _sent,
        events.Paused: _paused,
        events.Resumed: _resumed,
        events.Halted: _halted,
        events.Completed: _completed,
    },
    State.AWAITING_TASK: {
        events.Sent: _sent,
        events.WrittenByHand: _written_meanwhile,
        events.Answered: _answered,
        events.ColleagueAnswered: _fact,
        events.TaskOpened: _task_opened,
        events.TaskDone: _task_done,
        events.DoubtRaised: _doubt,
        events.DoubtSettled: _doubt_settled,
        events.Skipped: _sent,
        events.Paused: _paused,
        events.Resumed: _resumed,
        events.Halted: _halted,
        events.Completed: _completed,
    },
    State.HALTED: {
        events.Sent: _sent,
        events.WrittenByHand: _written_meanwhile,
        events.Answered: _answered_too_late,
        events.ColleagueAnswered: _fact,
        events.TaskDone: _fact,
        events.DoubtRaised: _fact,
        events.DoubtSettled: _settled_meanwhile,
        events.Skipped: _fact,
        events.Halted: _halted,
        events.Resumed: _resumed,
    },
    State.FINISHED: {
        events.Sent: _sent,
        events.WrittenByHand: _fact,
        events.Answered: _answered_too_late,
        events.ColleagueAnswered: _fact,
        events.TaskDone: _fact,
        events.DoubtRaised: _fact,
        events.DoubtSettled: _fact,
        events.Skipped: _fact,
    },
}

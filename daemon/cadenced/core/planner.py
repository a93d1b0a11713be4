"""What comes next for one enrolment: a ladder of guards, the first that speaks wins. Decides; does nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from cadenced.core import pacing
from cadenced.core.model import Enrolment, State
from cadenced.core.sequence import MailStep, Sequence, Step, TaskStep, WaitStep

LOOK_AGAIN = timedelta(minutes=1)

LATE = timedelta(days=7)
"""A mail that fell due while nothing ran, and for longer than this, may not fit any more (RELIABILITY 2.5)."""


@dataclass(frozen=True, slots=True)
class Send:
    """Prepare and send the mail of ``step``."""

    step: Step


@dataclass(frozen=True, slots=True)
class OpenTask:
    """Ask the human; ``step`` is None outside the plan."""

    step: Step | None
    why: str


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing until a moment (UTC); ``reason`` is what ``cadenced why`` prints."""

    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing more will happen here; ``then`` names the sequence that follows (``""``: none)."""

    outcome: str
    then: str = ""


@dataclass(frozen=True, slots=True)
class Skip:
    """Leave ``step`` out, and go on with what follows it."""

    step: Step
    reason: str


Action = Send | OpenTask | Wait | Finish | Skip


@dataclass(frozen=True, slots=True)
class Quota:
    """What a mailbox may still do: the next moment at which it may send, and why not before (``""``: it may now)."""

    until: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Away:
    """A long time during which nothing ran: what fell due then has waited for no reason of its own."""

    since: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class Given:
    """What the planner must know of the world.

    ``inbox_synced_at`` is when the mailbox's folders were last read to the end (None: never, or not since a fault; how
    fresh it must be is the fence's affair, directly before a send). ``doubt`` says that a
    touch of this enrolment hangs between sent and not sent. ``hold`` says why the mailbox rests. ``primary_told`` is
    whether the account's primary has had the first touch: None where the account has no primary. ``away`` is the last
    long time during which nothing ran.
    """

    now: datetime
    inbox_synced_at: datetime | None = None
    suppressed: bool = False
    quota: Quota = Quota()
    doubt: bool = False
    hold: str = ""
    primary_told: bool | None = True
    away: Away | None = None


def next_action(enrolment: Enrolment, sequence: Sequence, given: Given) -> Action:
    """Return the one thing to do next for a live enrolment, or how long to wait and why."""
    for guard in _LADDER:
        action = guard(enrolment, sequence, given)
        if action is not None:
            return action
    step = sequence.step(enrolment.step)
    if step is None:  # pragma: no cover - the ladder has spoken before
        raise AssertionError("the ladder lets only existing steps pass")
    return OpenTask(step, _brief(step)) if isinstance(step, TaskStep) else Send(step)


def _over(enrolment: Enrolment, _: Sequence, _given: Given) -> Action | None:
    return None if enrolment.live else Finish(enrolment.outcome)


def _suppressed(_enrolment: Enrolment, _: Sequence, given: Given) -> Action | None:
    return Finish("suppressed") if given.suppressed else None


def _parked(enrolment: Enrolment, _: Sequence, given: Given) -> Action | None:
    if enrolment.state is State.ACTIVE:
        return None
    if enrolment.state is State.PAUSED and enrolment.due_at and enrolment.due_at <= given.now:
        return Finish(f"moved to {enrolment.then}", enrolment.then) if enrolment.then else Wait(given.now, "wakes now")
    word = "paused" if enrolment.state is State.PAUSED else "waits for a task"
    return Wait(enrolment.due_at or given.now + LOOK_AGAIN, f"{word}: {enrolment.reason}")


def _in_doubt(_enrolment: Enrolment, _: Sequence, given: Given) -> Action | None:
    if not given.doubt:
        return None
    return Wait(given.now + LOOK_AGAIN, "the last touch may or may not have been sent; that is settled first")


def _not_due(enrolment: Enrolment, _: Sequence, given: Given) -> Action | None:
    if enrolment.due_at is None or enrolment.due_at <= given.now:
        return None
    what = f"step {enrolment.step} is due then" if enrolment.step else "the last wait runs until then"
    return Wait(enrolment.due_at, enrolment.reason or what)


def _steps_over(enrolment: Enrolment, sequence: Sequence, _: Given) -> Action | None:
    if enrolment.step:
        return None
    return Finish(f"moved to {sequence.then}" if sequence.then else "completed", sequence.then)


def _step_gone(enrolment: Enrolment, sequence: Sequence, _: Given) -> Action | None:
    step = sequence.step(enrolment.step)
    if isinstance(step, WaitStep):
        return OpenTask(None, f"The step {step.id} is a wait by now. Go on after it by closing this, or put it back.")
    if step is not None:
        return None
    if not sequence.steps:
        return OpenTask(None, f"The sequence {sequence.name} is gone. Put it back, or halt this and begin another one.")
    return OpenTask(None, f"The step {enrolment.step} is gone from the sequence. Skip it, or put it back.")


def _late(enrolment: Enrolment, sequence: Sequence, given: Given) -> Action | None:
    """Judge a mail that is late because nothing ran: as its step says, else a follow-up is held behind a question.

    A first mail refers to nothing that could have grown old, and many may have waited for their turn anyway.
    """
    step = sequence.step(enrolment.step)
    if given.away is None or not isinstance(step, MailStep) or not _missed(enrolment, given.away):
        return None
    told = f"it was due on {enrolment.due_at:%Y-%m-%d}, and nothing ran until {given.away.until:%Y-%m-%d}"
    match step.late or ("hold" if enrolment.done else "send"):
        case "skip":
            return Skip(step, f"too late: {told}")
        case "hold":
            how = "As soon as this task is done it is sent; cadenced skip leaves it out."
            return OpenTask(None, f"Does the mail of step {step.id} still fit? {told[:1].upper()}{told[1:]}. {how}")
    return None


def _missed(enrolment: Enrolment, away: Away) -> bool:
    """Whether an enrolment's step has lost more than a week to a time during which nothing ran."""
    due = enrolment.due_at
    return due is not None and away.until - max(due, away.since) > LATE


def _primary_first(enrolment: Enrolment, sequence: Sequence, given: Given) -> Action | None:
    if not sequence.primary_first or enrolment.role == "primary" or enrolment.done or given.primary_told:
        return None
    if given.primary_told is None:
        return OpenTask(
            None, "This account has no primary. Tell the person you know best before others are written to."
        )
    return Wait(given.now + timedelta(hours=1), "the account's primary is told before the others are written to")


def _mailbox_held(enrolment: Enrolment, sequence: Sequence, given: Given) -> Action | None:
    if not given.hold or not isinstance(sequence.step(enrolment.step), MailStep):
        return None
    return Wait(given.now + LOOK_AGAIN, f"the mailbox {enrolment.mailbox} rests: {given.hold}")


def _inbox_unread(enrolment: Enrolment, sequence: Sequence, given: Given) -> Action | None:
    if not isinstance(sequence.step(enrolment.step), MailStep):
        return None
    if given.inbox_synced_at is not None:
        return None
    return Wait(given.now + timedelta(seconds=5), "the inbox has not been read; an answer might lie in it")


def _outside_window(enrolment: Enrolment, sequence: Sequence, given: Given) -> Action | None:
    step = sequence.step(enrolment.step)
    if not isinstance(step, MailStep):
        return None
    opens = pacing.open_from(given.now, sequence.window.narrowed(step.hours), enrolment.place)
    return None if opens == given.now else Wait(opens, "outside the sending window")


def _over_quota(enrolment: Enrolment, sequence: Sequence, given: Given) -> Action | None:
    if given.quota.until is None or not isinstance(sequence.step(enrolment.step), MailStep):
        return None
    return None if given.quota.until <= given.now else Wait(given.quota.until, given.quota.reason)


_LADDER: tuple[Callable[[Enrolment, Sequence, Given], Action | None], ...] = (
    _over,
    _suppressed,
    _parked,
    _in_doubt,
    _not_due,
    _steps_over,
    _step_gone,
    _late,
    _primary_first,
    _mailbox_held,
    _outside_window,
    _inbox_unread,
    _over_quota,
)


def _brief(step: TaskStep) -> str:
    return step.brief or f"{step.kind.capitalize()}."

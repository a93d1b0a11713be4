"""What happened, as frozen facts in the past tense; ``lifecycle`` says what each does to an enrolment."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True)
class Sent:
    """The touch of ``step`` was accepted by the mail server."""

    at: datetime
    step: str


@dataclass(frozen=True, slots=True)
class Postponed:
    """Something stands in the way of the next step until a later moment; the step stays what it is."""

    at: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class WrittenByHand:
    """The human wrote to the prospect from their own mail program: a touch, though none of ours."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Answered:
    """A mail came in and was judged; ``until`` is the day that was read in it."""

    at: datetime
    verdict: str
    until: date | None = None


@dataclass(frozen=True, slots=True)
class ColleagueAnswered:
    """Somebody else of the same account answered."""

    at: datetime
    who: str
    verdict: str


@dataclass(frozen=True, slots=True)
class TaskOpened:
    """The human was asked to do something before this can go on; ``step`` is empty outside the plan."""

    at: datetime
    step: str
    due_at: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class TaskDone:
    """The human did it. ``step`` is empty outside the plan; ``over`` says that a conversation runs from here."""

    at: datetime
    step: str
    outcome: str
    over: bool = False


@dataclass(frozen=True, slots=True)
class DoubtRaised:
    """Nobody can tell whether the touch of ``step`` was sent; a human is asked."""

    at: datetime
    step: str
    reason: str


@dataclass(frozen=True, slots=True)
class DoubtSettled:
    """The doubt about the touch of ``step`` is gone: ``how`` is ``sent``, ``resend`` or ``skip``."""

    at: datetime
    step: str
    how: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """The human left ``step`` out."""

    at: datetime
    step: str


@dataclass(frozen=True, slots=True)
class Paused:
    """Set aside by hand until a moment."""

    at: datetime
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """Taken up again: by hand, or because the wake date came."""

    at: datetime


@dataclass(frozen=True, slots=True)
class Halted:
    """Ended by hand, or by what was learnt of the address."""

    at: datetime
    outcome: str
    reason: str


@dataclass(frozen=True, slots=True)
class Completed:
    """All steps are done, or the prospect goes on in another sequence."""

    at: datetime
    outcome: str


Event = (
    Sent
    | Postponed
    | WrittenByHand
    | Answered
    | ColleagueAnswered
    | TaskOpened
    | TaskDone
    | DoubtRaised
    | DoubtSettled
    | Skipped
    | Paused
    | Resumed
    | Halted
    | Completed
)

"""The nouns of the product as frozen values: who, where it stands, and the words for both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

VERDICTS = (
    "reply.interested",
    "reply.question",
    "reply.objection",
    "reply.not_now",
    "reply.referral",
    "reply.not_interested",
    "reply.unsubscribe",
    "reply.unclear",
    "auto.out_of_office",
    "auto.left_company",
    "auto.acknowledgement",
    "auto.challenge",
    "auto.other",
    "bounce.hard",
    "bounce.soft",
    "bounce.blocked",
    "bounce.delayed",
    "complaint",
    "invite.accepted",
    "invite.declined",
    "invite.tentative",
    "unrelated",
)
"""Every verdict on an incoming mail; the part before the dot is its family."""


class State(StrEnum):
    """Where an enrolment stands. ``active`` has a dated next step, the next two are parked with a wake date."""

    ACTIVE = "active"
    PAUSED = "paused"
    AWAITING_TASK = "awaiting_task"
    HALTED = "halted"
    FINISHED = "finished"


LIVE = (State.ACTIVE, State.PAUSED, State.AWAITING_TASK)
"""The states in which something is still to happen."""


class TouchState(StrEnum):
    """Where the sending of one touch stands (the arrows are in RELIABILITY, 2.1)."""

    PLANNED = "planned"
    CLAIMED = "claimed"
    ARMED = "armed"
    SENT = "sent"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    IN_DOUBT = "in_doubt"
    CANCELLED = "cancelled"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a prospect lives: an IANA time zone and an ISO 3166 country (``""``: no holidays known)."""

    timezone: str = "UTC"
    country: str = ""


NO_FIELDS: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Prospect:
    """A person who is written to. ``email`` is normalised; ``fields`` holds every other known value as text."""

    id: int
    email: str
    mailbox: str
    account: int | None = None
    place: Place = Place()
    language: str = ""
    stage: str = ""
    fields: Mapping[str, str] = field(default_factory=lambda: NO_FIELDS)

    @property
    def name(self) -> str:
        """The name that a person would use, or the address where no name is known."""
        full = " ".join(filter(None, (self.fields.get("first_name"), self.fields.get("last_name"))))
        return full or self.email


@dataclass(frozen=True, slots=True)
class Enrolment:
    """One prospect in one sequence; moved by ``lifecycle.apply`` and nothing else.

    ``step`` is the id of the step that comes next (``""``: all are done). ``due_at`` (UTC) is when that step, or the
    waking of a parked enrolment, is due; it is None only when the enrolment is over. ``anchor`` is when the step
    before happened. ``then`` names the sequence that follows a snooze. ``done`` lists the ids of finished steps.
    """

    id: int
    prospect: int
    mailbox: str
    sequence: str
    generation: int
    state: State
    step: str
    due_at: datetime | None
    anchor: datetime
    place: Place = Place()
    account: int | None = None
    role: str = ""
    reason: str = ""
    outcome: str = ""
    then: str = ""
    soft_bounces: int = 0
    done: tuple[str, ...] = ()
    next_step_at: datetime | None = None

    @property
    def live(self) -> bool:
        """Whether something is still to happen."""
        return self.state in LIVE


@dataclass(frozen=True, slots=True)
class Draft:
    """A rendered touch before it becomes a message: subject and body in Markdown."""

    subject: str
    body: str
    template: str = ""
    version: str = ""


@dataclass(frozen=True, slots=True)
class Thread:
    """The conversation a message belongs to: its ids oldest first, and the subject it began with."""

    message_ids: tuple[str, ...] = ()
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """Something for the human: what to do, for whom, by when (UTC), and everything needed to do it."""

    id: int
    kind: str
    prospect: int | None
    enrolment: int | None
    brief: str
    due_at: datetime
    facts: Mapping[str, str] = field(default_factory=dict)

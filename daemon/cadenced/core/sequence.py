"""What a sequence is: steps with delays, and what each verdict does. Values only; ``library`` reads them from YAML."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import time
from enum import StrEnum

from cadenced.core.pacing import Delay, Window


class AccountScope(StrEnum):
    """What an answer does to the enrolments of colleagues in the same account."""

    HALT = "halt"
    HOLD = "hold"
    IGNORE = "ignore"


@dataclass(frozen=True, slots=True)
class Step:
    """What all steps have. ``after`` counts from the step before; ``to`` is ``all``, ``primary`` or ``others``.

    ``late`` is what becomes of a mail that is more than a week late since nothing ran: ``send``, ``skip``, ``hold``; ""
    holds a follow-up and sends a first mail.
    """

    id: str
    after: Delay = Delay()
    purpose: str = ""
    hours: tuple[time, time] | None = None
    to: str = "all"
    line: int = 0
    late: str = ""


@dataclass(frozen=True, slots=True)
class EmailStep(Step):
    """A mail from ``templates/TEMPLATE.md``, in the running thread or a new one."""

    template: str = ""
    new_thread: bool = False


@dataclass(frozen=True, slots=True)
class InviteStep(Step):
    """A mail with a calendar request; ``at`` is the prospect's field that holds the day and time."""

    template: str = ""
    minutes: int = 30
    at: str = "next_step_at"
    new_thread: bool = False


@dataclass(frozen=True, slots=True)
class TaskStep(Step):
    """Something the human does: ``kind`` is a word such as ``call``, ``brief`` tells how."""

    kind: str = "call"
    brief: str = ""


@dataclass(frozen=True, slots=True)
class WaitStep(Step):
    """Time that passes; ``span`` is added to the delay of whatever follows."""

    span: Delay = Delay()


MailStep = EmailStep | InviteStep
"""The steps that send."""


@dataclass(frozen=True, slots=True)
class Halt:
    """End the enrolment; ``task`` says what the human does next (``""``: nothing)."""

    task: str = ""


@dataclass(frozen=True, slots=True)
class Continue:
    """Take note, and go on as planned."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait until the date that was read, else for ``default``, and go on with the step that was next."""

    default: Delay = Delay(5, "business days")


@dataclass(frozen=True, slots=True)
class Snooze:
    """Wait until the date that was read, else for ``default``; then go on, or into the sequence ``then``."""

    default: Delay = Delay(1, "months")
    then: str = ""


@dataclass(frozen=True, slots=True)
class Goto:
    """Go to another step of the same sequence."""

    step: str


@dataclass(frozen=True, slots=True)
class Move:
    """End here and begin another sequence."""

    sequence: str


@dataclass(frozen=True, slots=True)
class Ask:
    """Hold the enrolment behind a task for the human."""

    task: str


@dataclass(frozen=True, slots=True)
class Suppress:
    """Never write to this address again; ``task`` says what the human does next (``""``: nothing)."""

    task: str = ""


Reaction = Halt | Continue | Pause | Snooze | Goto | Move | Ask | Suppress

DEFAULT_REACTIONS: Mapping[str, Reaction] = {
    "reply": Halt("Answer the reply."),
    "reply.unsubscribe": Suppress(),
    "auto": Continue(),
    "auto.out_of_office": Pause(),
    "auto.left_company": Halt("This person has left. Find out who has taken over."),
    "auto.challenge": Halt("Their mail filter asks for a proof that you are human. Confirm it by hand."),
    "bounce": Continue(),
    "bounce.hard": Suppress("The address does not exist. Find another way to reach this prospect."),
    "complaint": Suppress(),
    "invite": Halt("They answered the invitation. Take the conversation on."),
    "unrelated": Continue(),
}
"""What happens when a sequence's ``on`` is silent (CONTRACT 3)."""

ALWAYS_SUPPRESS = ("reply.unsubscribe", "complaint", "bounce.hard")
"""Verdicts that no sequence can overrule: the law, and the address's death."""


@dataclass(frozen=True, slots=True)
class Sequence:
    """A way to follow up. ``then`` names the sequence after it; ``version`` is the digest of its source."""

    name: str
    steps: tuple[Step, ...]
    title: str = ""
    stage: str = ""
    language: str = ""
    window: Window = Window()
    then: str = ""
    on: Mapping[str, Reaction] = field(default_factory=dict)
    account_scope: AccountScope = AccountScope.HOLD
    primary_first: bool = False
    version: str = ""

    def step(self, step_id: str) -> Step | None:
        """Return the step of this id, None where the sequence has (or still has) none."""
        for step in self.steps:
            if step.id == step_id:
                return step
        return None

    def upcoming(self, done: Iterable[str], role: str, standing: str = "") -> tuple[Step, ...]:
        """Return the steps still to come for somebody of ``role``: those after the last one that was done.

        A step inserted before one that was done is not made up for; a removed step never re-enables an earlier one.
        Nor does an inserted one come before the step on which somebody is ``standing`` already.
        """
        finished = set(done)
        last = max((n for n, step in enumerate(self.steps) if step.id in finished), default=-1)
        now = next((n for n, step in enumerate(self.steps) if step.id == standing), -1)
        if now > last:
            waits = tuple(step for step in self.steps[last + 1 : now] if isinstance(step, WaitStep))
            return tuple(step for step in (*waits, *self.steps[now:]) if _meant_for(step, role))
        return tuple(step for step in self.steps[last + 1 :] if _meant_for(step, role))

    def reaction(self, verdict: str) -> Reaction:
        """Return what a verdict does here; the most specific key wins, the sequence's own before the default."""
        family = verdict.partition(".")[0]
        if verdict in ALWAYS_SUPPRESS:
            own = self.on.get(verdict)
            return own if isinstance(own, Suppress) else DEFAULT_REACTIONS[verdict]
        for key in (verdict, family):
            for table in (self.on, DEFAULT_REACTIONS):
                if key in table:
                    return table[key]
        return Ask("Look at this answer: nothing says what it means.")


def _meant_for(step: Step, role: str) -> bool:
    return step.to == "all" or (step.to == "primary") == (role == "primary")

"""Sequences and enrolments that the laws of the core are stated with."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from cadenced.core import lifecycle
from cadenced.core.model import Enrolment, Place, State
from cadenced.core.pacing import ALWAYS, Delay
from cadenced.core.sequence import EmailStep, Sequence, TaskStep, WaitStep

MONDAY = datetime(2026, 3, 2, 9, tzinfo=UTC)

PLAN = Sequence(
    "plan",
    (
        EmailStep("hello", template="hello"),
        EmailStep("question", Delay(4, "business days"), template="question"),
        TaskStep("call", Delay(1, "business days"), kind="call", brief="Call twice."),
        WaitStep("wait", span=Delay(10, "days")),
        EmailStep("last", template="last"),
    ),
    window=ALWAYS,
    then="nurture",
)


def enrolled(sequence: Sequence = PLAN, at: datetime = MONDAY, **changes: Any) -> Enrolment:
    """Return somebody who has just been enrolled."""
    role = changes.pop("role", "")
    base = Enrolment(1, 1, "julie", sequence.name, 1, State.ACTIVE, "", None, at, Place("Europe/Paris", "FR"), 7)
    begun = lifecycle.begin(replace(base, role=role), sequence, at)
    return replace(begun, **changes)

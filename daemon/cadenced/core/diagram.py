"""The lifecycle's table as a picture: Mermaid text that docs/lifecycle.md holds and a test compares."""

from __future__ import annotations

from dataclasses import fields
from datetime import UTC, datetime, timedelta

from cadenced.core import events, lifecycle
from cadenced.core.model import Enrolment, State
from cadenced.core.pacing import ALWAYS, Delay
from cadenced.core.sequence import Continue, EmailStep, Halt, Pause, Reaction, Sequence, Snooze, TaskStep

_AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
_PLAN = Sequence(
    "plan",
    (EmailStep("first", template="first"), TaskStep("call"), EmailStep("last", Delay(1, "days"), template="last")),
    window=ALWAYS,
)
_REACTIONS: dict[str, Reaction] = {"halt": Halt(), "continue": Continue(), "pause": Pause(), "snooze": Snooze()}


def mermaid() -> str:
    """Return the state diagram: an arrow for every cell of the table that leads to another state."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for state, cells in lifecycle.TRANSITIONS.items():
        for kind in cells:
            for label, after in _outcomes(state, kind):
                if after is not state:
                    arrows.setdefault((state.value, after.value), []).append(label)
    lines = [f"    {a} --> {b}: {', '.join(sorted(set(labels)))}" for (a, b), labels in sorted(arrows.items())]
    return "\n".join(["stateDiagram-v2", "    [*] --> active: enrolled", *lines])


def _outcomes(state: State, kind: type[events.Event]) -> list[tuple[str, State]]:
    before = Enrolment(1, 1, "julie", "plan", 1, state, "first", _AT, _AT, account=1)
    if kind is not events.Answered:
        return [(kind.__name__, lifecycle.apply(before, _sample(kind), _PLAN).state)]
    found = []
    for word, reaction in _REACTIONS.items():
        plan = Sequence("plan", _PLAN.steps, window=ALWAYS, on={"reply": reaction})
        after = lifecycle.apply(before, events.Answered(_AT, "reply.question"), plan)
        found.append((f"Answered ({word})", after.state))
    return found


def _sample(kind: type[events.Event]) -> events.Event:
    given = {"at": _AT, "until": _AT + timedelta(days=3), "due_at": _AT + timedelta(days=1), "step": "first"}
    needed = [field.name for field in fields(kind)]
    return kind(**{name: given.get(name, "" if name != "over" else False) for name in needed})  # type: ignore[arg-type] # built by the names of its own fields

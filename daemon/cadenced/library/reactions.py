"""The ``on`` table of a sequence: which verdict does what."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cadenced.config import forms
from cadenced.config.forms import FormError
from cadenced.config.spelling import did_you_mean, nearest
from cadenced.config.table import Report
from cadenced.core.model import VERDICTS
from cadenced.core.pacing import Delay
from cadenced.core.sequence import (
    ALWAYS_SUPPRESS,
    DEFAULT_REACTIONS,
    Ask,
    Continue,
    Goto,
    Halt,
    Move,
    Pause,
    Reaction,
    Snooze,
    Suppress,
)

FAMILIES = tuple(dict.fromkeys(verdict.partition(".")[0] for verdict in VERDICTS))
KEYS = (*dict.fromkeys((*FAMILIES, *VERDICTS)),)
"""What may stand on the left in ``on``: every verdict, and the families before the dot."""


def read(values: object, report: Report) -> Mapping[str, Reaction]:
    """Read the table ``on``; what is wrong in it goes to the report."""
    if values is None:
        return {}
    if not isinstance(values, dict):
        report.problem(("on",), f"on: this must be a table and is {forms.kind(values)}", "reply: halt")
        return {}
    found: dict[str, Reaction] = {}
    for verdict, value in values.items():
        reaction = _checked(str(verdict), value, report)
        if reaction is not None:
            found[verdict] = reaction
    return found


def _checked(verdict: str, value: object, report: Report) -> Reaction | None:
    path = ("on", verdict)
    if verdict not in KEYS:
        cure = did_you_mean(verdict, KEYS) if nearest(verdict, KEYS) else f"known are {', '.join(FAMILIES)}"
        report.problems.append(report.at(path, f'"{verdict}" is not a verdict', cure, key=True))
        return None
    try:
        reaction = _reaction(verdict, value)
    except FormError as wrong:
        report.problem(path, f"{verdict}: {wrong.message}", wrong.cure)
        return None
    if verdict in ALWAYS_SUPPRESS and not isinstance(reaction, Suppress):
        message = f"{verdict} always ends all mail to this address; no sequence can overrule it"
        report.problem(path, message, "remove the line, or write suppress")
        return None
    return reaction


def _reaction(verdict: str, value: object) -> Reaction:
    action, argument = _parts(value)
    if action not in ACTIONS:
        raise FormError(f'"{action}" is not an action', did_you_mean(action, ACTIONS))
    return ACTIONS[action](verdict, argument)


def _parts(value: object) -> tuple[str, object]:
    """Return action and argument of ``halt``, ``"goto: call"`` or ``{goto: call}``."""
    if isinstance(value, dict) and len(value) == 1:
        action, argument = next(iter(value.items()))
        return str(action), argument
    if isinstance(value, dict) and len(value) > 1 and not any(list(value.values())[1:]):
        raise FormError("a comma ends the text before it", "put the whole text in quotes")
    if isinstance(value, dict):
        raise FormError("one verdict has one action", 'such as "snooze: {then: nurture}"')
    action, colon, rest = forms.filled(value).partition(":")
    return action.strip(), rest.strip() if colon else None


def _halt(verdict: str, argument: object) -> Reaction:
    if argument is not None:
        return Halt(forms.prose(argument))
    usual = _usual(verdict)
    return usual if isinstance(usual, Halt) else Halt()


def _suppress(verdict: str, argument: object) -> Reaction:
    if argument is not None:
        return Suppress(forms.prose(argument))
    usual = _usual(verdict)
    return usual if isinstance(usual, Suppress) else Suppress()


def _usual(verdict: str) -> Reaction | None:
    """Return what the verdict does without ``on``: its task is kept where only the action is named again."""
    return DEFAULT_REACTIONS.get(verdict) or DEFAULT_REACTIONS.get(verdict.partition(".")[0])


def _continue(_verdict: str, argument: object) -> Reaction:
    if argument is not None:
        raise FormError("continue takes nothing behind it")
    return Continue()


def _pause(_verdict: str, argument: object) -> Reaction:
    return Pause() if argument is None else Pause(_some(argument))


def _snooze(_verdict: str, argument: object) -> Reaction:
    if not isinstance(argument, dict):
        return Snooze() if argument is None else Snooze(_some(argument))
    if unknown := [key for key in argument if key not in {"then", "for"}]:
        raise FormError(f'snooze knows no key "{unknown[0]}"', did_you_mean(unknown[0], ("then", "for")))
    span = _some(argument["for"]) if argument.get("for") else Snooze().default
    return Snooze(span, forms.name(argument["then"]) if argument.get("then") else "")


def _some(value: object) -> Delay:
    if not (delay := forms.delay(value)).amount:
        raise FormError("this wait must be longer than nothing", 'such as "5 business days"')
    return delay


def _goto(_verdict: str, argument: object) -> Reaction:
    return Goto(forms.name(_named(argument, "goto: STEP")))


def _move(_verdict: str, argument: object) -> Reaction:
    return Move(forms.name(_named(argument, "move: SEQUENCE")))


def _ask(_verdict: str, argument: object) -> Reaction:
    if not (brief := forms.prose(_named(argument, "task: TEXT"))):
        raise FormError("the task says nothing", "write task: TEXT")
    return Ask(brief)


def _named(argument: object, shape: str) -> object:
    if argument is None:
        raise FormError(f"{shape.partition(':')[0]} needs something behind it", f"write {shape}")
    return argument


ACTIONS: Mapping[str, Callable[[str, object], Reaction]] = {
    "halt": _halt,
    "continue": _continue,
    "pause": _pause,
    "snooze": _snooze,
    "goto": _goto,
    "move": _move,
    "task": _ask,
    "suppress": _suppress,
}

"""Chains of sequences that come back to where they began: legal when time passes on the way, refused when none does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from graphlib import CycleError, TopologicalSorter

from cadenced.config.positions import Path
from cadenced.config.table import Report
from cadenced.core.sequence import MailStep, Move, Sequence, Snooze, Step, WaitStep

_ROLES = ("primary", "other")
_SOON = timedelta(days=1)
_CURE = "add a wait, or a delay to a step: after: 3 months"


@dataclass(frozen=True, slots=True)
class Link:
    """A way from one sequence into another: where it is written, and the time that passes before it is taken."""

    path: Path
    target: str
    rest: timedelta


def links(sequence: Sequence, role: str) -> Iterator[Link]:
    """Yield every way out of a sequence for somebody of ``role``."""
    steps = [step for step in sequence.steps if step.to == "all" or (step.to == "primary") == (role == "primary")]
    if sequence.then:
        yield Link(("then",), sequence.then, _rest(steps))
    first = next((n for n, step in enumerate(steps) if isinstance(step, MailStep)), len(steps) - 1)
    for verdict, reaction in sequence.on.items():
        if isinstance(
            reaction, Move
        ):  # an answer may come as soon as the first mail is out, a machine's within seconds
            yield Link(("on", verdict), reaction.sequence, _rest(steps[: first + 1]))
        elif isinstance(reaction, Snooze) and reaction.then:
            yield Link(("on", verdict), reaction.then, reaction.default.roughly())


def _rest(steps: list[Step]) -> timedelta:
    spans = (step.span.roughly() for step in steps if isinstance(step, WaitStep))
    return sum((step.after.roughly() for step in steps), timedelta()) + sum(spans, timedelta())


def check(sequences: Mapping[str, Sequence], reports: Mapping[str, Report]) -> None:
    """Put a problem where a chain loops without rest, a warning where it comes back within a day."""
    for role in _ROLES:
        ways = {name: list(links(sequence, role)) for name, sequence in sequences.items()}
        if cycle := _restless({name: [link for link in found if not link.rest] for name, found in ways.items()}):
            link = next(link for link in ways[cycle[0]] if link.target == cycle[1] and not link.rest)
            way = " → ".join(cycle)
            reports[cycle[0]].problem(link.path, f"{way} goes round without any delay, and would never rest", _CURE)
            return
    for name, sequence in sequences.items():
        rest = _way_back(name, sequences)
        if rest is not None and timedelta() < rest < _SOON:
            reports[name].warning(("then",), f"{sequence.name} comes back to itself within a day", _CURE)


def _restless(ways: Mapping[str, list[Link]]) -> list[str]:
    """Return one cycle, in the order in which it is walked and ending where it began; empty where there is none."""
    graph = {name: [link.target for link in found if link.target in ways] for name, found in ways.items()}
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as found:
        return list(reversed(found.args[1]))
    return []


def _way_back(name: str, sequences: Mapping[str, Sequence]) -> timedelta | None:
    """Return how long the chain of ``then`` takes until it reaches ``name`` again, None where it never does."""
    rest, at = timedelta(), name
    for _ in range(len(sequences)):
        sequence = sequences[at]
        rest += min(
            (link.rest for role in _ROLES for link in links(sequence, role) if link.path == ("then",)), default=rest
        )
        at = sequence.then
        if at == name:
            return rest
        if at not in sequences:
            return None
    return None

"""Variables that no row can fill: a slip of the pen is found before it holds a message back."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from cadenced.config.positions import Path
from cadenced.config.spelling import did_you_mean, nearest
from cadenced.config.table import Report
from cadenced.core.sequence import InviteStep, Sequence
from cadenced.errors import Problem
from cadenced.library.folder import Source
from cadenced.writing.context import GIVEN, VARIABLES
from cadenced.writing.template import Template

_ANY_COLUMN = "a column of this name must be in the file that is dropped"


@dataclass(frozen=True, slots=True)
class Unknown:
    """What was found: problems where the columns are known, warnings where any column may still come."""

    problems: list[Problem] = field(default_factory=list)
    warnings: list[Problem] = field(default_factory=list)


def check(
    sequences: Mapping[str, Sequence],
    reports: Mapping[str, Report],
    sources: Iterable[Source],
    templates: Mapping[str, Template],
    columns: Collection[str] | None,
) -> Unknown:
    """Look at every variable; with ``columns`` None only those are doubted that look like a known one misspelt."""
    found = Unknown()
    for source in sources:
        if source.name in templates:
            _template(source, templates[source.name], columns, found)
    for name, sequence in sequences.items():
        _invitations(sequence, reports[name], columns)
    return found


def _template(source: Source, template: Template, columns: Collection[str] | None, found: Unknown) -> None:
    for name in sorted(template.variables):
        if not (cure := _doubt(name, columns)):
            continue
        line, column = _place(source.text, name)
        problem = Problem(source.file, line, column, f'no row is known to have a field "{name}"', cure)
        (found.problems if columns is not None and name in template.required else found.warnings).append(problem)


def _invitations(sequence: Sequence, report: Report, columns: Collection[str] | None) -> None:
    for n, step in enumerate(sequence.steps):
        if isinstance(step, InviteStep) and (cure := _doubt(step.at, columns)):
            path: Path = ("steps", n, "at")
            say = report.warning if columns is None else report.problem
            say(path, f'no row is known to have a field "{step.at}"', cure)


def _doubt(name: str, columns: Collection[str] | None) -> str:
    """Return the cure for a variable that no row may have, ``""`` where there is nothing to doubt."""
    known = VARIABLES if columns is None else (*columns, *GIVEN, "email")
    if name in known:
        return ""
    if columns is None:
        return f'did you mean "{near}"? else {_ANY_COLUMN}' if (near := nearest(name, known)) else ""
    return did_you_mean(name, known)


def _place(text: str, name: str) -> tuple[int, int]:
    found = re.search(rf"\b{re.escape(name)}\b", text)
    if not found:
        return 0, 0
    return text.count("\n", 0, found.start()) + 1, found.start() - (text.rfind("\n", 0, found.start()) + 1) + 1

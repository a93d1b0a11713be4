"""The child that tries templates: it takes its own powers away, then reads and renders what it is given.

It speaks lines of JSON: ``["name", "source"]`` in, ``null`` or ``[line, column, message, cure]`` out. Mistakes in a
template are not its business (the parent finds the same ones); only what breaks a bound is.
"""

from __future__ import annotations

import json
import math
import resource
import signal
import sys
from collections.abc import Iterator, Mapping
from datetime import date

from cadenced.errors import TemplateError
from cadenced.writing import frontmatter as frontmatter  # noqa: PLC0414 - while files may still be read and written
from cadenced.writing import template
from cadenced.writing.context import COLUMNS, GIVEN
from cadenced.writing.grammar import GROUPS
from cadenced.writing.values import OutOfBoundsError

MEMORY = 256 * 1024 * 1024
SECONDS = 2
"""Of the processor, for each template."""

_NO_MORE_THAN = (
    (resource.RLIMIT_AS, MEMORY),
    (resource.RLIMIT_FSIZE, 0),
    (resource.RLIMIT_CORE, 0),
    (resource.RLIMIT_NOFILE, 16),
)
_BREAKS = (OutOfBoundsError, MemoryError, RecursionError)
_LONG = "Ångström & Söhne <b>*x*</b> [a](http://b) " * 4
_WORDS = {"next_step_at": "2026-12-03T10:00", "last_spoke_at": "2026-11-19", "email": "anna@example.com"}


def main() -> None:
    """Try every template that comes in on standard input, and answer each on standard output."""
    _bind()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        name, source = json.loads(line)
        _allow_seconds()
        sys.stdout.write(f"{json.dumps(_fault(name, source))}\n")
        sys.stdout.flush()


def _bind() -> None:
    for fatal in (signal.SIGXCPU, signal.SIGXFSZ):  # Python ignores the second
        signal.signal(fatal, signal.SIG_DFL)
    for what, most in _NO_MORE_THAN:
        _, hard = resource.getrlimit(what)
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (least, least))


def _allow_seconds() -> None:
    """Let the limit of processor time begin anew: it counts from the start of the process."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    wanted = math.ceil(used.ru_utime + used.ru_stime) + SECONDS
    resource.setrlimit(resource.RLIMIT_CPU, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def _fault(name: str, source: str) -> list[object] | None:
    """Return what bound a template breaks, None where it breaks none."""
    try:
        tried = template.parse(source, name)
    except TemplateError as wrong:
        return _broken_bound(wrong)
    for context in _samples(tried.variables):
        try:
            tried.render(context)
        except TemplateError as wrong:
            if fault := _broken_bound(wrong):
                return fault
    return None


def _broken_bound(wrong: TemplateError) -> list[object] | None:
    problem = wrong.problem
    if isinstance(wrong.__cause__, _BREAKS):
        return [problem.line, problem.column, problem.message, problem.cure]
    return None


def _samples(variables: frozenset[str]) -> Iterator[Mapping[str, object]]:
    """Yield rows as they come: one with everything, one with long and awkward values, one with almost nothing."""
    names = (*COLUMNS, *sorted(variables - set(GIVEN)))
    for word in ("Sample", _LONG, ""):
        groups = {group: dict.fromkeys(parts, word) for group, parts in GROUPS.items() if group != "loop"}
        row: dict[str, object] = {**dict.fromkeys((*names, *GIVEN), word), **groups, "now": date(2026, 11, 30)}
        yield {**row, **_WORDS} if word else {**row, "email": _WORDS["email"]}

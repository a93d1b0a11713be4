"""A version of a template is let in only after a child process has read and rendered it within bounds.

The child has no environment, no files to write and little memory and time (RELIABILITY 4.3): a template that would
eat a processor or all memory kills the child, and becomes a problem. Versions that passed are remembered.
"""

from __future__ import annotations

import json
import platform
from collections.abc import Collection, Iterator, Sequence

import jinja2

from cadenced import __version__
from cadenced.errors import BrokenWorkspaceError, Problem
from cadenced.library.child import Child, ChildError
from cadenced.library.folder import Source
from cadenced.writing import template
from cadenced.writing.template import Template

WALL = 5.0
"""Seconds within which one template must be read and rendered."""
START = 60.0
"""Seconds within which the child must have started; a machine may be very busy."""
BOOT = "import sys; sys.path[:] = sys.argv[1:]; from cadenced.library import trial; trial.main()"
_CURE = "a template fills in values; take the calculation or the repetition out"


def judge() -> str:
    """Return who tries templates here: another version of any of these may judge otherwise."""
    return f"cadenced {__version__}, Python {platform.python_version()}, Jinja2 {jinja2.__version__}"


class Admission:
    """Remembers what passed, compiled; one child tries all new versions of a load. ``boot`` is the code it runs.

    ``passed`` are versions that this ``judge`` has let in before, in another process.
    """

    def __init__(self, wall: float = WALL, boot: str = BOOT, passed: Collection[str] = ()) -> None:
        self._passed: set[str] = set(passed)
        self._compiled: dict[tuple[str, str], Template] = {}
        self._wall = wall
        self._boot = boot

    def refusals(self, sources: Sequence[Source]) -> list[Problem]:
        """Try every version not seen before, and return why those were refused that must not be let in.

        BrokenWorkspaceError where no child can be started.
        """
        current = {(source.file, source.version) for source in sources}
        self._compiled = {key: found for key, found in self._compiled.items() if key in current}
        waiting = [source for source in sources if source.version not in self._passed]
        problems: list[Problem] = []
        while waiting:
            answers = list(self._answers(waiting))
            for source, problem in zip(waiting, answers, strict=False):
                if problem:
                    problems.append(problem)
                else:
                    self._passed.add(source.version)
            waiting = waiting[len(answers) :]
        return problems

    def compiled(self, source: Source) -> Template:
        """Return the template of a source that passed, compiled once; TemplateError says what is wrong with it."""
        key = source.file, source.version
        if key not in self._compiled:
            self._compiled[key] = template.parse(source.text, source.name, source.file)
        return self._compiled[key]

    def _answers(self, sources: Sequence[Source]) -> Iterator[Problem | None]:
        """Yield a verdict on each source in turn; after one that killed the child the rest is left for a new one."""
        with self._child(sources[0]) as child:
            for source in sources:
                try:
                    problem = json.loads(child.ask(json.dumps([source.name, source.text]), self._wall))
                except ChildError:
                    yield Problem(source.file, 1, 0, "it takes more time or memory than any letter", _CURE)
                    return
                yield Problem(source.file, *problem) if problem else None

    def _child(self, source: Source) -> Child:
        """Start a child and wait until it is ready."""
        try:
            return Child.ready(self._boot, START)
        except ChildError as wrong:
            message = "the trial of templates could not be started"
            problem = Problem(source.file, 0, 0, message, "is memory or the process limit short?")
            raise BrokenWorkspaceError([problem]) from wrong

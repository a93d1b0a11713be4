"""A version of a template is let in only after a child process has read and rendered it within bounds.

The child has no environment, no files to write and little memory and time (RELIABILITY 4.3): a template that would
eat a processor or all memory kills the child, and becomes a problem. Versions that passed are remembered.
"""

from __future__ import annotations

import json
import os
import selectors
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from cadenced.errors import BrokenWorkspaceError, Problem
from cadenced.library.folder import Source
from cadenced.writing import template
from cadenced.writing.template import Template

WALL = 5.0
"""Seconds within which one template must be read and rendered."""
_START = 60.0
_LONGEST_ANSWER = 64 * 1024
BOOT = "import sys; sys.path[:] = sys.argv[1:]; from cadenced.library import trial; trial.main()"
_CURE = "a template fills in values; take the calculation or the repetition out"


class Admission:
    """Remembers what passed, compiled; one child tries all new versions of a load. ``boot`` is the code it runs."""

    def __init__(self, wall: float = WALL, boot: str = BOOT) -> None:
        self._passed: set[str] = set()
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
        asked = "".join(f"{json.dumps([source.name, source.text])}\n" for source in sources)
        with _child(self._boot, asked) as answers:
            for source in sources:
                answer = answers.line(self._wall)
                if not answer:
                    yield Problem(source.file, 1, 0, "it takes more time or memory than any letter", _CURE)
                    return
                problem = json.loads(answer)
                yield Problem(source.file, *problem) if problem else None


@contextmanager
def _child(boot: str, asked: str) -> Iterator[_Answers]:
    """Start a child without environment, send it what is asked, and see to it that it ends."""
    command = [sys.executable, "-I", "-S", "-c", boot, *sys.path]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(  # noqa: S603 - our own interpreter and code, nothing of it comes from a user
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=quiet, env={}, cwd="/", start_new_session=True
    ) as process:
        try:
            if process.stdin is None or process.stdout is None:
                raise AssertionError("both were asked for")
            answers = _Answers(process.stdout)
            if answers.line(_START) != b"ready":
                message = "the trial of templates could not be started"
                raise BrokenWorkspaceError(
                    [Problem("templates", 0, 0, message, "is memory or the process limit short?")]
                )
            process.stdin.write(asked.encode())
            process.stdin.close()
            yield answers
        finally:
            process.kill()


class _Answers:
    """Lines out of a pipe, each within a time."""

    def __init__(self, pipe: IO[bytes]) -> None:
        self._pipe = pipe
        self._read = b""
        self._selector = selectors.DefaultSelector()
        self._selector.register(pipe, selectors.EVENT_READ)

    def line(self, seconds: float) -> bytes:
        """Return the next line; empty where the child died, is late or says too much."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._read:
            if len(self._read) > _LONGEST_ANSWER or not self._selector.select(max(0.0, deadline - time.monotonic())):
                return b""
            piece = os.read(self._pipe.fileno(), _LONGEST_ANSWER)
            if not piece:
                return b""
            self._read += piece
        line, _, self._read = self._read.partition(b"\n")
        return line

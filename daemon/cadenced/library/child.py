"""A child process that answers lines with lines, each within a time, and that ends when it is left."""

from __future__ import annotations

import os
import select
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

LONGEST_ANSWER = 64 * 1024
_MORE = 0.1
"""Seconds for which a late child is let be that a busy machine keeps waiting: its limit of processor time ends it."""


class ChildError(Exception):
    """The child died, or did not answer in time, or said too much."""


class Child:
    """Runs Python code with this interpreter's modules and nothing else: no environment, no folder, no open files."""

    def __init__(self, code: str) -> None:
        command = [sys.executable, "-I", "-S", "-c", code, *sys.path]
        pipe, nowhere = subprocess.PIPE, subprocess.DEVNULL
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and code, nothing comes from a user
                command, stdin=pipe, stdout=pipe, stderr=nowhere, env={}, cwd="/", start_new_session=True, bufsize=0
            )
        except OSError as wrong:
            raise ChildError(f"no process could be started: {wrong.strerror}") from wrong
        self._read = b""

    @classmethod
    def ready(cls, code: str, seconds: float) -> Self:
        """Start a child and return it when it has said its first line; ChildError where it does not."""
        child = cls(code)
        try:
            child.answer(seconds)
        except ChildError:
            child.close()
            raise
        return child

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the child at once."""
        self._process.kill()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait()

    def ask(self, line: str, seconds: float) -> bytes:
        """Return the answer to one line; ChildError where none comes."""
        if self._process.stdin is not None:
            rest = memoryview(f"{line}\n".encode())
            with suppress(BrokenPipeError):  # a dead child is noticed by its silence
                while rest:
                    rest = rest[os.write(self._process.stdin.fileno(), rest) :]
        return self.answer(seconds)

    def answer(self, seconds: float) -> bytes:
        """Return the next line that the child says; ChildError where none comes and the machine is not to blame."""
        deadline = time.monotonic() + seconds
        while b"\n" not in self._read:
            piece = self._piece(deadline)
            if not piece or len(self._read) > LONGEST_ANSWER:
                raise ChildError("it died, was late, or said too much")
            self._read += piece
        line, _, self._read = self._read.partition(b"\n")
        return line

    def _piece(self, deadline: float) -> bytes:
        """Return what comes next, empty at the end or when time is up."""
        if self._process.stdout is None:
            return b""
        poll = select.poll()
        poll.register(self._process.stdout, select.POLLIN)
        while not poll.poll(max(0.0, deadline - time.monotonic()) * 1000):
            if not self._waits_for_the_machine():
                return b""
            deadline = time.monotonic() + _MORE
        return os.read(self._process.stdout.fileno(), LONGEST_ANSWER)

    def _waits_for_the_machine(self) -> bool:
        """Whether it would go on if it had a processor or the disk: that is no lateness of its own."""
        try:
            state = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return False
        return state in {"R", "D"}

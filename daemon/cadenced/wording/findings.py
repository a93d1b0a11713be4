"""Findings: what the linter says, where, and what to write in its place."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import NamedTuple

ERROR, WARNING, INFO = "error", "warning", "info"
SEVERITIES = (ERROR, WARNING, INFO)


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """One finding; lines and columns from 1 in code points, the end just behind the words meant."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    rule: str
    severity: str
    message: str
    replacements: tuple[str, ...] = ()


class Hit(NamedTuple):
    """What a rule sees: offsets in a draft's `subject` or `body`, a word for its message, a certain replacement.

    A mild hit is one step less severe than its rule: the words may be harmless.
    """

    start: int
    end: int
    detail: str = ""
    part: str = "body"
    mild: bool = False
    replacements: tuple[str, ...] = ()


class Lines:
    """Offsets of a text as lines and columns."""

    __slots__ = ("_starts",)

    def __init__(self, text: str) -> None:
        starts = [0]
        at = text.find("\n")
        while at >= 0:
            starts.append(at + 1)
            at = text.find("\n", at + 1)
        self._starts = starts

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column, both from 1."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

    def offset(self, line: int, column: int) -> int:
        """Return the offset of a line and column."""
        return self._starts[line - 1] + column - 1

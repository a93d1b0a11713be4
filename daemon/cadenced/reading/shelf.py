"""Patterns arranged for a text whose keys are known: only the alternatives that can match in it are tried."""

import re
from collections.abc import Iterable, Iterator

from cadenced.reading.patterns import Pattern
from cadenced.reading.patterns_keys import Branch, Row, written


class Shelf:
    """A row of patterns in which the first that speaks wins.

    Of a pattern with keys of its own the earliest words in the text are told, of another its first alternative's.
    """

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        """Take the patterns in their order."""
        self._rows = tuple((one, branch) for one in patterns for branch in one.branches)
        self._row = Row(branch for _, branch in self._rows)
        self.keys = self._row.keys.union(*(one.keys for one, _ in self._rows))
        """What a text is to be asked for."""

    def find(self, text: str, lowered: str, present: frozenset[str]) -> tuple[Pattern, str] | None:
        """Return the first pattern that speaks in a text which holds these keys, and its words."""
        speaking: Pattern | None = None
        best: re.Match[str] | None = None
        for pattern, branch in self._possible(present):
            if best is not None and pattern is not speaking:
                break
            match = branch.find(text, lowered)
            if match and (best is None or match.start() < best.start()):
                speaking, best = pattern, match
                if not pattern.keys:
                    break
        return (speaking, written(best, text)) if speaking and best else None

    def _possible(self, present: frozenset[str]) -> Iterator[tuple[Pattern, Branch]]:
        for at in self._row.possible(present):
            pattern, branch = self._rows[at]
            if not pattern.keys or not present.isdisjoint(pattern.keys):
                yield pattern, branch

"""Patterns arranged for speed: a lower-case text is asked once for all their keys, then only by what can match."""

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from cadenced.reading import patterns_keys
from cadenced.reading.patterns import Pattern

_ESCAPE_OR_TEXT = re.compile(r"\\.|[^\\]+", re.DOTALL)


class _Phrase:
    """One alternative of a pattern; compiled when first tried."""

    def __init__(self, pattern: Pattern, source: str) -> None:
        self.pattern = pattern
        self.keys = patterns_keys.keys(source)
        self._source = source

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(_lowered(self._source), re.MULTILINE)


def _lowered(source: str) -> str:
    r"""Write an expression for lower-case text; `\S` and its like keep their meaning."""
    return _ESCAPE_OR_TEXT.sub(lambda piece: piece[0] if piece[0][0] == "\\" else piece[0].lower(), source)


class Phrasebook:
    """A row of patterns that mind no upper case, in which the first that speaks wins."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        """Take the patterns in their order; their own `keys` are not needed."""
        self._phrases = tuple(_Phrase(one, source) for one in patterns for source in patterns_keys.parts(one.source))
        self._keyless = tuple(at for at, phrase in enumerate(self._phrases) if not phrase.keys)
        self._by_key: dict[str, list[int]] = {}
        for at, phrase in enumerate(self._phrases):
            for key in phrase.keys:
                self._by_key.setdefault(key, []).append(at)
        self._keys = patterns_keys.index(self._by_key)

    def first(self, lowered: str) -> tuple[Pattern, re.Match[str]] | None:
        """Return the first pattern that speaks in a lower-case text, with its words."""
        return next(self._matches(lowered), None)

    def _matches(self, lowered: str) -> Iterator[tuple[Pattern, re.Match[str]]]:
        possible = set(self._keyless)
        for key in patterns_keys.present(self._keys, lowered):
            possible.update(self._by_key[key])
        for at in sorted(possible):
            match = self._phrases[at].regex.search(lowered)
            if match:
                yield self._phrases[at].pattern, match

    def compile(self) -> None:
        """Compile every expression ahead of its first use."""
        for phrase in self._phrases:
            _ = phrase.regex

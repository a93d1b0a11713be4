"""Patterns arranged for speed: a lower-case text is asked once for all their keys, then only by what can match."""

import re
from collections.abc import Iterable
from functools import cached_property

from cadenced.reading import patterns_keys, presence
from cadenced.reading.patterns import Pattern


class _Phrase:
    """One alternative of a pattern; compiled when first tried."""

    def __init__(self, pattern: Pattern, source: str) -> None:
        self.pattern = pattern
        self.keys, self.also = [*patterns_keys.needs(source), frozenset(), frozenset()][:2]
        self._source = source

    @cached_property
    def regex(self) -> re.Pattern[str]:
        return re.compile(patterns_keys.in_lower_case(self._source), re.MULTILINE)

    def search(self, lowered: str) -> re.Match[str] | None:
        """Find the phrase in a text that holds one of its `keys`; it must hold one of `also`, too."""
        for key in self.also:
            if key in lowered:
                return self.regex.search(lowered)
        return None if self.also else self.regex.search(lowered)


def joined(patterns: Iterable[Pattern]) -> re.Pattern[str]:
    """Return one expression for all, to be tried on short lower-case texts."""
    return re.compile("|".join(f"(?:{patterns_keys.in_lower_case(one.source)})" for one in patterns), re.MULTILINE)


class Phrasebook:
    """A row of patterns that mind no upper case, in which the first that speaks wins."""

    def __init__(self, patterns: Iterable[Pattern]) -> None:
        """Take the patterns in their order; their own `keys` are not needed."""
        self._phrases = tuple(_Phrase(one, source) for one in patterns for source in patterns_keys.parts(one.source))
        self._keyless = sum(1 << at for at, phrase in enumerate(self._phrases) if not phrase.keys)
        self._by_key: dict[str, int] = {}  # the phrases that a key makes possible, one bit for each
        for at, phrase in enumerate(self._phrases):
            for key in phrase.keys:
                self._by_key[key] = self._by_key.get(key, 0) | 1 << at
        self._keys = presence.index(self._by_key)

    def first(self, lowered: str) -> tuple[Pattern, re.Match[str]] | None:
        """Return the first pattern that speaks in a lower-case text, with its words."""
        possible = self._keyless
        for key in presence.likely(self._keys, lowered):  # one too many costs a look, no more
            possible |= self._by_key[key]
        while possible:
            lowest = possible & -possible
            phrase = self._phrases[lowest.bit_length() - 1]
            match = phrase.search(lowered)
            if match:
                return phrase.pattern, match
            possible ^= lowest
        return None

    def compile(self) -> None:
        """Compile every expression ahead of its first use."""
        for phrase in self._phrases:
            _ = phrase.regex

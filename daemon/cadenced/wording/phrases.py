"""Phrases: a language's turns of speech, each tried only where its anchor word stands in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cached_property, lru_cache
from typing import NamedTuple

from cadenced.wording.language import Language

MILD = "mild"
NEXT_STEP = "next-step"
_BEFORE, _BEHIND, _TAIL = 60, 60, 160


class Phrase(NamedTuple):
    """A phrase found: offsets, and whether it is of the mild kind."""

    start: int
    end: int
    mild: bool


class _Entry:
    """One phrase of the book, compiled when it is first tried."""

    def __init__(self, code: str, mild: bool, source: str, anchor: str, language: Language) -> None:
        self.code = code
        self.mild = mild
        self.leads = source.startswith(anchor)
        """Whether the anchor is the phrase's first word."""
        self.reach = _reach(source)
        """How far behind the start of the anchor the phrase may end."""
        self.needs = _needs(source)
        """Words without which the phrase cannot stand in a text."""
        self._source = source
        self._language = language

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """The expression over folded text."""
        return _compiled(self._source, self._language)


@lru_cache(maxsize=32)
def book(language: Language, codes: frozenset[str] | None = None) -> dict[str, tuple[_Entry, ...]]:
    """Return the phrases of a language (of some rules, None: all) by anchor word.

    They stand in `[phrases.CODE]` and `[mild.CODE]` of its file.
    """
    if codes is not None:
        chosen = {anchor: tuple(one for one in all_ if one.code in codes) for anchor, all_ in book(language).items()}
        return {anchor: entries for anchor, entries in chosen.items() if entries}
    found: dict[str, list[_Entry]] = {}
    for table, mild in (("phrases", False), (MILD, True)):
        for code, anchors in language.data.get(table, {}).items():
            for anchor, sources in anchors.items():
                entries = [_Entry(code, mild, source, anchor, language) for source in sources]
                found.setdefault(anchor, []).extend(entries)
    return {anchor: tuple(entries) for anchor, entries in found.items()}


def _reach(pattern: str) -> int:
    return _TAIL if "[^" in pattern else _BEHIND


def _needs(pattern: str) -> frozenset[str]:
    """Return the plain words of a pattern outside all groups."""
    outside, depth = [], 0
    for char in pattern:
        depth += char == "("
        outside.append(char if not depth else "\0")
        depth -= char == ")"
    bare = "".join(outside)
    if "|" in bare:
        return frozenset()
    parts = (part.removesuffix(r"\b") for part in bare.split(" "))
    return frozenset(part for part in parts if part.isalpha())


def _compiled(pattern: str, language: Language) -> re.Pattern[str]:
    """Return a blank stands for any white space, `{name}` for a fragment of the language."""
    return re.compile(r"(?<!\w)(?:" + filled(pattern, language).replace(" ", r"\s+") + ")")


def filled(pattern: str, language: Language) -> str:
    """Return the pattern with the language's fragments in it."""
    fragments: dict[str, str] = language.data.get("fragments", {})
    for name, fragment in fragments.items():
        pattern = pattern.replace("{" + name + "}", f"(?:{fragment})")
    return pattern


@lru_cache(maxsize=64)
def fragment(language: Language, name: str) -> re.Pattern[str]:
    """One fragment by itself, over folded text; matches nothing where the language lacks it."""
    known = name in language.data.get("fragments", {})
    return _compiled("{" + name + "}" if known else "(?!)", language)


def find(
    lower: str, vocabulary: frozenset[str], language: Language, codes: frozenset[str] | None = None
) -> dict[str, list[Phrase]]:
    """Every phrase (of some rules, None: all) in a folded text with these words, by rule and in order.

    Next steps have their own `has`.
    """
    found: dict[str, list[Phrase]] = {}
    entries = book(language, codes)
    for anchor in entries.keys() & vocabulary:
        for entry in entries[anchor]:
            if entry.code != NEXT_STEP and entry.needs <= vocabulary:
                for start, end in _near(lower, anchor, entry):
                    found.setdefault(entry.code, []).append(Phrase(start, end, entry.mild))
    return {code: sorted(set(hits)) for code, hits in found.items()}


def has(code: str, lower: str, vocabulary: frozenset[str], language: Language) -> bool:
    """Whether any phrase of one rule stands in the text."""
    entries = book(language)
    return any(
        next(_near(lower, anchor, entry), None) is not None
        for anchor in entries.keys() & vocabulary
        for entry in entries[anchor]
        if entry.code == code and entry.needs <= vocabulary
    )


def _near(lower: str, anchor: str, entry: _Entry) -> Iterator[tuple[int, int]]:
    """Return the places of a phrase, looked for only around its anchor."""
    at = lower.find(anchor)
    done = 0
    while at >= 0:
        if entry.leads:
            match = entry.pattern.match(lower, at)
        else:
            match = entry.pattern.search(lower, max(done, at - _BEFORE), at + entry.reach)
        if match:
            yield match.span()
            done = match.end()
        at = lower.find(anchor, max(at + 1, done))


@lru_cache(maxsize=64)
def pattern_of(language: Language, name: str) -> re.Pattern[str]:
    """Return an expression of the language's `[words]` table; matches nothing where the language lacks it."""
    source: str = language.data.get("words", {}).get(name, "(?!)")
    return re.compile(r"(?<!\w)(?:" + filled(source, language).replace(" ", r"\s+") + r")(?!\w)")

"""Phrases: a language's turns of speech, each tried only where its anchor word stands in the text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from cadenced.wording.language import Language

MILD = "mild"


class Phrase(NamedTuple):
    """A phrase found: offsets, and whether it is of the mild kind."""

    start: int
    end: int
    mild: bool


class _Entry(NamedTuple):
    code: str
    mild: bool
    pattern: re.Pattern[str]


@lru_cache(maxsize=16)
def book(language: Language) -> dict[str, tuple[_Entry, ...]]:
    """The phrases of a language by anchor word, from `[phrases.CODE]` and `[mild.CODE]` of its file."""
    found: dict[str, list[_Entry]] = {}
    for table, mild in (("phrases", False), (MILD, True)):
        for code, anchors in language.data.get(table, {}).items():
            for anchor, patterns in anchors.items():
                entries = (_Entry(code, mild, _compiled(pattern, language)) for pattern in patterns)
                found.setdefault(anchor, []).extend(entries)
    return {anchor: tuple(entries) for anchor, entries in found.items()}


def _compiled(pattern: str, language: Language) -> re.Pattern[str]:
    """A blank stands for any white space, `{name}` for a fragment of the language."""
    return re.compile(r"(?<!\w)(?:" + filled(pattern, language).replace(" ", r"\s+") + ")")


def filled(pattern: str, language: Language) -> str:
    """The pattern with the language's fragments in it."""
    fragments: dict[str, str] = language.data.get("fragments", {})
    for name, fragment in fragments.items():
        pattern = pattern.replace("{" + name + "}", f"(?:{fragment})")
    return pattern


@lru_cache(maxsize=64)
def fragment(language: Language, name: str) -> re.Pattern[str]:
    """One fragment by itself, over folded text; matches nothing where the language lacks it."""
    known = name in language.data.get("fragments", {})
    return _compiled("{" + name + "}" if known else "(?!)", language)


def find(lower: str, vocabulary: frozenset[str], language: Language) -> dict[str, list[Phrase]]:
    """Every phrase in a folded text, by rule and in order."""
    found: dict[str, list[Phrase]] = {}
    for entry in _candidates(vocabulary, language):
        for match in entry.pattern.finditer(lower):
            found.setdefault(entry.code, []).append(Phrase(match.start(), match.end(), entry.mild))
    for hits in found.values():
        hits.sort()
    return found


def _candidates(vocabulary: frozenset[str], language: Language) -> Iterator[_Entry]:
    entries = book(language)
    for anchor in entries.keys() & vocabulary:
        yield from entries[anchor]


@lru_cache(maxsize=64)
def pattern_of(language: Language, name: str) -> re.Pattern[str]:
    """An expression of the language's `[words]` table; matches nothing where the language lacks it."""
    source: str = language.data.get("words", {}).get(name, "(?!)")
    return re.compile(r"(?<!\w)(?:" + filled(source, language).replace(" ", r"\s+") + r")(?!\w)")

"""The ear: which words of a text any phrase hangs on, and how many could be the writer's own pronouns.

Most words of a letter mean nothing to any rule, and come again in the next letter: each is looked at once.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from cadenced.wording import phrases as phrasebook
from cadenced.wording.language import Language

_WORDS = re.compile(r"[^\W\d_]+")
_MOST, _LONGEST = 20_000, 40
"""So many words are remembered for each language, none of them longer."""


class Heard(NamedTuple):
    """``words`` are those that phrases hang on; ``ours`` is the most pronouns that can be about the writer."""

    words: frozenset[str]
    ours: int


_NOTHING = Heard(frozenset(), 0)


class Ear:
    """Hears one language, for the phrases of some rules."""

    def __init__(self, language: Language, codes: frozenset[str] | None) -> None:
        book = phrasebook.book(language, codes)
        needed = [entry.needs for entries in book.values() for entry in entries]
        self._wanted = frozenset(book).union(*needed)
        self._language = language
        self._dull: set[str] = set()
        self._known: dict[str, Heard] = {}

    def hear(self, pieces: Sequence[str]) -> Heard:
        """Return what a folded text is about that was split at white space."""
        telling = set(pieces)
        telling -= self._dull
        words: set[str] = set()
        ours = 0
        for piece in telling:
            heard = self._known.get(piece) or self._listen(piece)
            words |= heard.words
            if heard.ours:
                ours += heard.ours * pieces.count(piece)
        return Heard(frozenset(words), ours)

    def _listen(self, piece: str) -> Heard:
        """Look at one piece: no word and no pronoun reaches over white space, but an elided one wants a word behind."""
        words = self._wanted.intersection(_WORDS.findall(piece))
        found = self._language.pattern.finditer(f"{piece} x")
        ours = sum(self._language.voice_of(match[0]) == "self" for match in found)
        heard = Heard(words, ours) if words or ours else _NOTHING
        self._remember(piece, heard)
        return heard

    def _remember(self, piece: str, heard: Heard) -> None:
        if len(piece) > _LONGEST:
            return
        if len(self._dull) + len(self._known) >= _MOST:
            self._dull.clear()
            self._known.clear()
        if heard is _NOTHING:
            self._dull.add(piece)
        else:
            self._known[piece] = heard


@lru_cache(maxsize=32)
def of(language: Language, codes: frozenset[str] | None) -> Ear:
    """Return the ear for a language and the phrases of some rules (None: all)."""
    return Ear(language, codes)

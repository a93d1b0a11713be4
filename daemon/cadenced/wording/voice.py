"""Voice: who a text is about. Every first- and second-person pronoun with its place, and their balance.

`measure` counts a bare text as it stands; `measure_message` leaves out what is not the message's own words:
greeting, signature, quoted text, addresses, code, and front matter other than the subject.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from cadenced.wording import language as languages
from cadenced.wording import text as texts
from cadenced.wording.language import Language
from cadenced.wording.voices.place import Place


class Span(NamedTuple):
    """A pronoun: line and columns from 1 in code points, `end_column` just behind it; voice self, joint or you."""

    line: int
    column: int
    end_column: int
    text: str
    voice: str


class Mark(NamedTuple):
    """A pronoun by its offsets."""

    start: int
    end: int
    voice: str


@dataclass(frozen=True, slots=True)
class Balance:
    """How often a text speaks of its sender, of both, and of its reader."""

    self: int
    joint: int
    you: int
    share: float
    words: int
    spans: tuple[Span, ...]


def measure(text: str, language: str = "") -> Balance:
    """Count everything that stands in `text` but addresses; the language is detected where none is given."""
    return balance(text, texts.without_addresses(text), languages.chosen(text, language))


def measure_message(source: str, language: str = "") -> Balance:
    """Count a message's own words; places are those of `source`, Markdown with or without front matter."""
    own = texts.own_words(source, language)
    return balance(source, own, languages.chosen(own, language))


def balance(source: str, own: str, language: Language) -> Balance:
    """Count `own`, which has the length of `source` with blanks where nothing counts."""
    found = marks(own, language)
    voices = [mark.voice for mark in found]
    ours, yours = voices.count("self"), voices.count("you")
    share = yours / (yours + ours) if yours + ours else 0.0
    spans = tuple(_places(source, found))
    return Balance(ours, voices.count("joint"), yours, share, len(own.split()), spans)


def marks(text: str, language: Language) -> list[Mark]:
    """Every pronoun of the text in order."""
    lower = languages.fold(text)
    sure = language.sure.get
    found = []
    for match in language.pattern.finditer(lower):
        voice = sure(match[0])
        if voice is not None:
            found.append(Mark(*match.span(), voice))
        elif mark := _doubtful(Place(text, lower, *match.span()), language):
            found.append(mark)
    return found


def _doubtful(place: Place, language: Language) -> Mark | None:
    word = place.word
    doubt = language.doubts.get(word)
    if doubt is not None and not doubt(place):
        return None
    voice = language.voice_of(word)
    if word in language.joint_words and _is_joint(place.lower, place.start, place.end, language):
        voice = "joint"
    return Mark(place.start + language.inside.get(word, 0), place.end, voice)


def _is_joint(lower: str, start: int, end: int, language: Language) -> bool:
    if lower[max(0, start - 20) : start].endswith(language.joint_before):
        return True
    return language.joint_after.match(lower, end) is not None


def _places(source: str, found: list[Mark]) -> Iterator[Span]:
    line, line_start, seen = 1, 0, 0
    for start, end, voice in found:
        breaks = source.count("\n", seen, start)
        if breaks:
            line += breaks
            line_start = source.rfind("\n", seen, start) + 1
        seen = start
        yield Span(line, start - line_start + 1, end - line_start + 1, source[start:end], voice)

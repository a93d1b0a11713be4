"""Which of eight languages a text is written in, told by its most frequent words."""

import re
from collections.abc import Mapping
from functools import cache

from cadenced.reading import patterns

LANGUAGES = ("en", "fr", "de", "nl", "es", "it", "pt", "sv")
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")
_MAX_TEXT = 1500
_SURE = 1.15  # how far the first must be ahead of the second
_LETTERS = {
    "ß": "de",
    "ä": "de sv",
    "ö": "de sv",
    "ü": "de",
    "å": "sv",
    "ñ": "es",
    "¿": "es",
    "¡": "es",
    "ã": "pt",
    "õ": "pt",
}
_LETTER_WEIGHT = 0.7


def detect(text: str) -> str:
    """Return en, fr, de, nl, es, it, pt or sv; an empty string when the words do not tell."""
    scores = dict.fromkeys(LANGUAGES, 0.0)
    part = text[:_MAX_TEXT].lower()
    weights = _weights()
    for word in _WORD.findall(part.replace("’", "'")):
        for language, weight in weights.get(word, ()):
            scores[language] += weight
    _add_letters(part, scores)
    return _clear_winner(scores)


def _add_letters(text: str, scores: dict[str, float]) -> None:
    for letter, languages in _LETTERS.items():
        if letter in text:
            for language in languages.split():
                scores[language] += _LETTER_WEIGHT


def _clear_winner(scores: Mapping[str, float]) -> str:
    (first, best), (_, second) = sorted(scores.items(), key=lambda item: -item[1])[:2]
    return first if best >= 0.5 and best >= second * _SURE else ""


@cache
def _weights() -> Mapping[str, tuple[tuple[str, float], ...]]:
    """For each word the languages it speaks for; shared by n languages it counts 1/n for each."""
    where: dict[str, set[str]] = {}
    for language, words in patterns.table("language").items():
        for word in words.split():
            where.setdefault(word, set()).add(language)
    return {word: tuple((language, 1 / len(found)) for language in sorted(found)) for word, found in where.items()}

"""How strongly the words of a text speak for each of several meanings: learnt weights, one row for each word or pair.

The rows stand in `patterns/NAME.toml` and are written by `tests/benchmarks/weigh_words.py` from invented answers.
A text is a bag of features: words cut to six letters without accents, pairs of neighbours, pairs with a word
between them, first words; months and weekdays are one word each. The shares of the meanings sum to one.
"""

import itertools
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from cadenced.reading import patterns

SCALE = 40.0
"""A weight of one is written as 40."""

_MOST = 1_200  # characters: who has said more has said it before
_CUT = 6
_STEM = 4
_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|\d+|[?!@€$£%]")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n+")
_FEW, _SEVERAL = 6, 20
# Names of months that are words of other meaning, too.
_PLAIN = frozenset({"may", "mars", "mar", "mai", "set", "out", "ago", "jun", "march"})


@dataclass(frozen=True)
class Scale:
    """Kinds of meaning, and for each feature its weight for each kind, in `SCALE`ths."""

    kinds: Sequence[str]
    rows: Mapping[str, tuple[int, ...]]

    def shares(self, found: Sequence[str]) -> Mapping[str, float]:
        """Return for each kind the share with which these features speak for it."""
        known = [self.rows[one] for one in found if one in self.rows]
        sums = list(map(sum, zip(*known, strict=True))) or [0] * len(self.kinds)
        return dict(zip(self.kinds, softened(sums, len(found)), strict=True))

    def reasons(self, found: Iterable[str], kind: str, most: int = 4) -> tuple[str, ...]:
        """Return the features that speak loudest for a kind, loudest first."""
        at = self.kinds.index(kind)
        told = [(self.rows[one][at], one) for one in found if one in self.rows and one[0] not in "#~"]
        return tuple(one for weight, one in sorted(told, key=lambda pair: (-pair[0], pair[1]))[:most] if weight > 0)


def softened(sums: Sequence[float], features: int) -> list[float]:
    """Turn sums of weights into shares; the more features, the less each counts."""
    damped = [total / SCALE / math.sqrt(features + 1) for total in sums]
    highest = max(damped)
    powers = [math.exp(value - highest) for value in damped]
    return [power / sum(powers) for power in powers]


@cache
def load(name: str) -> Scale:
    """Read `patterns/NAME.toml`; a missing file is FileNotFoundError."""
    table = patterns.table(name)
    parted = (line.split("\t") for line in table["rows"].strip().split("\n"))
    return Scale(tuple(table["kinds"]), {word: tuple(map(int, row.split(" "))) for word, row in parted})


def distance(days: int | None) -> str:
    """Return the feature for a day that the text names, so many days ahead, or for none."""
    if days is None:
        return "#no day"
    return next((name for least, name in _DISTANCES if days >= least), "#day soon")


_DISTANCES = ((46, "#day far"), (14, "#day weeks ahead"), (9, "#day after next week"))


def features(text: str) -> tuple[str, ...]:
    """Return what of a text is weighed, each once."""
    found: dict[str, None] = {}
    words = 0
    for sentence in _SENTENCE.split(plain(text)):
        spoken = _WORD.findall(sentence)
        words += len(spoken)
        if spoken:
            found.update(dict.fromkeys(_of_sentence([_classed(word) for word in spoken])))
    found["#few" if words < _FEW else "#several" if words < _SEVERAL else "#many"] = None
    return tuple(found)


def plain(text: str) -> str:
    """Return the beginning of a text in lower case, with plain apostrophes and without accents."""
    lowered = text[:_MOST].lower().replace("’", "'")
    if lowered.isascii():
        return lowered
    return "".join(sign for sign in unicodedata.normalize("NFD", lowered) if not unicodedata.combining(sign))


def _of_sentence(words: list[str]) -> Iterator[str]:
    cut = [word[:_CUT] for word in words]
    yield from cut
    yield from (f"~{word[:_STEM]}" for word in words if len(word) > _STEM)
    yield from (f"{one} {two}" for one, two in itertools.pairwise(cut))
    yield from (f"{one} _ {two}" for one, two in zip(cut, cut[2:], strict=False))
    yield f"^ {cut[0]}"
    if cut[-1] == "?":
        yield f"? {cut[0]}"


def _classed(word: str) -> str:
    return "0" if word.isdigit() else _calendar().get(word, word)


@cache
def _calendar() -> Mapping[str, str]:
    """Return the names of months and weekdays in every language."""
    found: dict[str, str] = {}
    for words in patterns.table("dates").values():
        for month in words.get("months", ()):
            found.update({plain(name): "MONTH" for name in month.split("|") if len(name) > 2})
        for day in words.get("weekdays", ()):
            found.update({plain(name): "DAY" for name in re.split(r"\(.*?\)\??|\|", day) if name.isalpha()})
    return {name: kind for name, kind in found.items() if name not in _PLAIN}

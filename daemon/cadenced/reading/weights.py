"""How strongly the words of a text speak for each of several meanings: learnt weights, one row for each word or pair.

The rows stand in `patterns/NAME.toml` and are written by `tests/benchmarks/weigh_words.py` from invented answers.
A text is a bag of features: words cut to six letters without accents, pairs of neighbours, pairs with a word
between them, first words; months and weekdays are one word each. The shares of the meanings sum to one.
"""

import itertools
import math
import re
import struct
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
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


_BITS = 32
_BIAS = 1 << 15  # makes each weight positive, so that none borrows from its neighbour
_FIELD = (1 << _BITS) - 1


@dataclass(frozen=True)
class Scale:
    """Kinds of meaning, and for each feature its weight for each kind in `SCALE`ths, put into one number (`packed`)."""

    kinds: Sequence[str]
    rows: Mapping[str, int]

    def shares(self, found: Sequence[str]) -> Mapping[str, float]:
        """Return for each kind the share with which these features speak for it."""
        known = list(filter(None, map(self.rows.get, found)))
        total, bias = sum(known), len(known) * _BIAS
        sums = [(total >> at & _FIELD) - bias for at in range(0, _BITS * len(self.kinds), _BITS)]
        return dict(zip(self.kinds, softened(sums, len(found)), strict=True))

    def reasons(self, found: Iterable[str], kind: str, most: int = 4) -> tuple[str, ...]:
        """Return the features that speak loudest for a kind, loudest first."""
        at = _BITS * self.kinds.index(kind)
        told = [(_BIAS - (self.rows[one] >> at & _FIELD), one) for one in found if one in self.rows]
        return tuple(one for weight, one in sorted(told) if weight < 0 and one[0] not in "#~")[:most]


def packed(weights: Iterable[int]) -> int:
    """Return weights as one number, the first in its lowest bits; adding such numbers adds each weight."""
    biased = [weight + _BIAS for weight in weights]
    return int.from_bytes(struct.pack(f"<{len(biased)}I", *biased), "little")


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
    return Scale(tuple(table["kinds"]), {word: packed(map(int, row.split(" "))) for word, row in parted})


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
    classes = _calendar()
    for sentence in _SENTENCE.split(plain(text)):
        spoken = _WORD.findall(sentence)
        words += len(spoken)
        if spoken:
            found.update(dict.fromkeys(_of_sentence([classes.get(word) or _classed(word) for word in spoken])))
    found["#few" if words < _FEW else "#several" if words < _SEVERAL else "#many"] = None
    return tuple(found)


def plain(text: str) -> str:
    """Return the beginning of a text in lower case, with plain apostrophes and without accents."""
    lowered = text[:_MOST].lower().replace("’", "'")
    if lowered.isascii():
        return lowered
    return "".join(sign for sign in unicodedata.normalize("NFD", lowered) if not unicodedata.combining(sign))


def _of_sentence(words: list[str]) -> list[str]:
    cut = [word[:_CUT] for word in words]
    stems = [f"~{word[:_STEM]}" for word in words if len(word) > _STEM]
    pairs = [f"{one} {two}" for one, two in itertools.pairwise(cut)]
    apart = [f"{one} _ {two}" for one, two in zip(cut, cut[2:], strict=False)]
    last = [f"? {cut[0]}"] if cut[-1] == "?" else []
    return [*cut, *stems, *pairs, *apart, f"^ {cut[0]}", *last]


def _classed(word: str) -> str:
    return "0" if word.isdigit() else word


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

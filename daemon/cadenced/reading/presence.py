"""Which of very many keys a text holds, found without asking for each: runs of four bytes, compared as sets."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

DIGIT = "\\d"
"""The piece that stands for any digit."""

_PIECE = 4
_DIGIT = re.compile(r"\d")


@dataclass(frozen=True, slots=True, eq=False)
class Index:
    """Keys by their first four bytes in UTF-8, each with its last four; `short` are those of fewer bytes."""

    heads: frozenset[int]
    by_head: Mapping[int, tuple[tuple[str, int], ...]]
    short: tuple[str, ...]
    digit: bool


def index(keys: Iterable[str]) -> Index:
    """Arrange keys so that those of a text are found without asking for each."""
    by_head: dict[int, list[tuple[str, int]]] = {}
    short = []
    every = set(keys)
    for key in sorted(every - {DIGIT}):
        data = key.encode("utf-8", "surrogatepass")
        if len(data) < _PIECE:
            short.append(key)
        else:
            by_head.setdefault(_number(data[:_PIECE]), []).append((key, _number(data[-_PIECE:])))
    arranged = {head: tuple(several) for head, several in by_head.items()}
    return Index(frozenset(arranged), arranged, tuple(short), DIGIT in every)


def present(keys: Index, lowered: str) -> frozenset[str]:
    """Return the keys that a lower-case text holds."""
    return frozenset([key for key in likely(keys, lowered) if key in lowered or key is DIGIT])


def likely(keys: Index, lowered: str) -> frozenset[str]:
    """Return the keys that a lower-case text holds, and some long ones of which it holds beginning and end."""
    pieces = _pieces(lowered)
    found = [key for head in pieces & keys.heads for key, tail in keys.by_head[head] if tail in pieces]
    found += [key for key in keys.short if key in lowered]
    if keys.digit and _DIGIT.search(lowered):
        found.append(DIGIT)
    return frozenset(found)


def within(around: frozenset[str], lowered: str) -> frozenset[str]:
    """Return those keys of a whole text that a lower-case part of it holds."""
    found = [key for key in around if key in lowered]
    if DIGIT in around and _DIGIT.search(lowered):
        found.append(DIGIT)
    return frozenset(found)


@lru_cache(maxsize=6)  # the same text is asked for several kinds of keys
def _pieces(text: str) -> frozenset[int]:
    """Return every run of four bytes as a number: four views of the text, each a byte further on."""
    view = memoryview(text.encode("utf-8", "surrogatepass"))
    pieces: set[int] = set()
    for at in range(min(_PIECE, len(view))):
        pieces.update(view[at : len(view) - (len(view) - at) % _PIECE].cast("I"))
    return frozenset(pieces)


def _number(four: bytes) -> int:
    return int(memoryview(four).cast("I")[0])

"""Pieces of text without which an expression cannot match: a cheap look before the dear one.

They are worked out from the expression itself. The parser of the standard library is not public; where it is
missing or meets something unknown there are no keys, and every text is tried: slower, never wrong.
"""

import importlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

_FLAGS = re.IGNORECASE | re.MULTILINE
_BORDERS = (r"\b", r"(?:\b|(?=<))", r"(?:\b|(?=\())")  # what may stand before a group of words
_CLOSINGS = (r")\b", ")")
_SHORTEST = 2
_RARE = frozenset("?@")  # one such sign is a key, too
_PIECE = 4
_MOST = 80
_MANY = 8


@dataclass(frozen=True)
class Branch:
    """One alternative of an expression with its keys; compiled without further ado."""

    regex: re.Pattern[str]
    keys: frozenset[str]

    def possible(self, present: frozenset[str]) -> bool:
        """Say whether the alternative can match in a text that holds these keys."""
        return not self.keys or not self.keys.isdisjoint(present)


@dataclass(frozen=True)
class Index:
    """Keys by their first four bytes in UTF-8, each with its last four; `short` are those of fewer bytes."""

    by_head: Mapping[int, tuple[tuple[str, int], ...]]
    heads: frozenset[int]  # between sets the shorter one is walked, which for a short text is the text
    short: tuple[str, ...]


def index(keys: Iterable[str]) -> Index:
    """Arrange keys so that those of a text are found without asking for each."""
    by_head: dict[int, list[tuple[str, int]]] = {}
    short = []
    for key in sorted(set(keys)):
        data = key.encode("utf-8", "surrogatepass")
        if len(data) < _PIECE:
            short.append(key)
        else:
            by_head.setdefault(_number(data[:_PIECE]), []).append((key, _number(data[-_PIECE:])))
    return Index({head: tuple(several) for head, several in by_head.items()}, frozenset(by_head), tuple(short))


def present(keys: Index, lowered: str) -> frozenset[str]:
    """Return the keys that a lower-case text holds."""
    pieces = _pieces(lowered)
    found = [
        key
        for head in pieces.intersection(keys.heads)
        for key, tail in keys.by_head[head]
        if tail in pieces and key in lowered
    ]
    return frozenset(found + [key for key in keys.short if key in lowered])


@lru_cache(maxsize=2)  # the same text is asked for several kinds of keys, one after the other
def _pieces(text: str) -> frozenset[int]:
    """Return every run of four bytes as a number: four views of the text, each a byte further on."""
    view = memoryview(text.encode("utf-8", "surrogatepass"))
    pieces: set[int] = set()
    for at in range(min(_PIECE, len(view))):
        pieces.update(view[at : len(view) - (len(view) - at) % _PIECE].cast("I"))
    return frozenset(pieces)


def _number(four: bytes) -> int:
    return int(memoryview(four).cast("I")[0])


def branches(source: str) -> tuple[Branch, ...]:
    """Part an expression at its outermost alternatives, so that each is tried only where it can match."""
    return tuple(Branch(re.compile(piece, _FLAGS), frozenset(keys(piece))) for piece in parts(source))


def parts(source: str) -> tuple[str, ...]:
    """Return the outermost alternatives of an expression, also those within a group of words that is its whole."""
    return tuple(inner for piece in _alternatives(source) for inner in _unwrapped(piece))


def _unwrapped(piece: str) -> list[str]:
    """Part a group of words further, where as a whole it has no keys, or many."""
    border = next((border for border in _BORDERS if piece.startswith(f"{border}(?:")), None)
    if border is None or 0 < len(keys(piece)) <= _MANY or not piece.endswith(_CLOSINGS):
        return [piece]
    end = next(closing for closing in _CLOSINGS if piece.endswith(closing))
    alternatives = _alternatives(piece[len(border) + 3 : -len(end)])
    if not all(_is_whole(alternative) for alternative in alternatives):
        return [piece]
    return [f"{_border(border, alternative)}(?:{alternative}{end}" for alternative in alternatives]


def _border(border: str, alternative: str) -> str:
    """Return what has to stand before an alternative: a letter or figure can only follow the border of a word."""
    return r"\b" if alternative[:1].isalnum() else border


def _is_whole(piece: str) -> bool:
    try:
        re.compile(piece, _FLAGS)
    except re.error:
        return False
    return True


def _alternatives(source: str) -> list[str]:
    pieces, depth, start, at, in_class = [], 0, 0, 0, False
    while at < len(source):
        sign = source[at]
        if sign == "\\":
            at += 1
        elif in_class:
            in_class = sign != "]"
        elif sign == "[":
            in_class = True
        elif sign in "()":
            depth += 1 if sign == "(" else -1
        elif sign == "|" and depth == 0:
            pieces.append(source[start:at])
            start = at + 1
        at += 1
    return [*pieces, source[start:]]


def keys(source: str) -> tuple[str, ...]:
    """Return lower-case strings of which any match must hold at least one; empty when there is no such set."""
    try:
        parser = importlib.import_module("re._parser")
        found = _of_sequence(parser.parse(source, re.IGNORECASE | re.MULTILINE))
    except (ImportError, AttributeError, re.error):
        return ()
    return tuple(sorted(found)) if found and len(found) <= _MOST else ()


def needs(source: str) -> tuple[tuple[str, ...], ...]:
    """Return sets of lower-case strings, the most telling first: any match must hold at least one of each."""
    try:
        parser = importlib.import_module("re._parser")
        found = _every(parser.parse(source, re.IGNORECASE | re.MULTILINE))
    except (ImportError, AttributeError, re.error):
        return ()
    useful = [one for one in dict.fromkeys(found) if len(one) <= _MOST and _better(frozenset(), one)]
    ranked = sorted(useful, key=lambda one: (-min(map(len, one)), len(one), sorted(one)))
    return tuple(tuple(sorted(one)) for one in ranked)


def _every(tokens: Any) -> list[frozenset[str]]:
    """Return the set of each part that must be there, also of those within a group."""
    found: list[frozenset[str]] = []
    run = ""
    for name, value in [*((str(op), value) for op, value in tokens), ("END", None)]:
        if name == "LITERAL":
            run += chr(value).lower()
            continue
        found.append(frozenset({run}))
        run = ""
        found += _every_of_part(name, value)
    return found


def _every_of_part(name: str, value: Any) -> list[frozenset[str]]:
    if name == "SUBPATTERN":
        return _every(value[-1])
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and value[0] >= 1:
        return _every(value[2])
    return [_of_part(name, value)]


def _of_sequence(tokens: Any) -> frozenset[str]:
    """Return the best set among the parts that must all be there: the one whose shortest key is longest."""
    best: frozenset[str] = frozenset()
    run = ""
    for name, value in [*((str(op), value) for op, value in tokens), ("END", None)]:
        if name == "LITERAL":
            run += chr(value).lower()
            continue
        best = _better(best, frozenset({run}))
        run = ""
        best = _better(best, _of_part(name, value))
    return best


def _of_part(name: str, value: Any) -> frozenset[str]:
    if name == "SUBPATTERN":
        return _of_sequence(value[-1])
    if name == "BRANCH":
        branches = [_of_sequence(branch) for branch in value[1]]
        return frozenset().union(*branches) if all(branches) else frozenset()
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and value[0] >= 1:
        return _of_sequence(value[2])
    return frozenset()


def _better(old: frozenset[str], new: frozenset[str]) -> frozenset[str]:
    new = new if new and all(len(key) >= _SHORTEST or key in _RARE for key in new) else frozenset()
    if not new or not old:
        return new or old
    return new if (min(map(len, new)), -len(new)) > (min(map(len, old)), -len(old)) else old

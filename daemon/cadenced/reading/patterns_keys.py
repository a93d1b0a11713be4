"""Pieces of text without which an expression cannot match: a cheap look before the dear one.

They are worked out from the expression itself. The parser of the standard library is not public; where it is
missing or meets something unknown there are no keys, and every text is tried: slower, never wrong.
"""

import importlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

_FLAGS = re.IGNORECASE | re.MULTILINE
_OPENING = r"\b(?:"
_CLOSINGS = (r")\b", ")")
_SHORTEST = 2
_RARE = frozenset("?@")  # one such sign is a key, too
_PIECE = 3
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


Index = Mapping[str, tuple[str, ...]]
"""Keys by their first letters."""


def index(keys: Iterable[str]) -> Index:
    """Arrange keys so that those of a text are found without asking for each."""
    found: dict[str, list[str]] = {}
    for key in sorted(set(keys)):
        found.setdefault(key[:_PIECE] if len(key) >= _PIECE else "", []).append(key)
    return {piece: tuple(several) for piece, several in found.items()}


def present(keys: Index, lowered: str) -> frozenset[str]:
    """Return the keys that a lower-case text holds."""
    pieces = {lowered[at : at + _PIECE] for at in range(len(lowered) - _PIECE + 1)} | {""}
    return frozenset([key for piece in pieces.intersection(keys) for key in keys[piece] if key in lowered])


def branches(source: str) -> tuple[Branch, ...]:
    """Part an expression at its outermost alternatives, so that each is tried only where it can match."""
    pieces = [inner for piece in _alternatives(source) for inner in _unwrapped(piece)]
    return tuple(Branch(re.compile(piece, _FLAGS), frozenset(keys(piece))) for piece in pieces)


def _unwrapped(piece: str) -> list[str]:
    """Part a group of words further, where as a whole it has no keys, or many."""
    if 0 < len(keys(piece)) <= _MANY or not piece.startswith(_OPENING) or not piece.endswith(_CLOSINGS):
        return [piece]
    end = next(closing for closing in _CLOSINGS if piece.endswith(closing))
    inner = piece[len(_OPENING) : -len(end)]
    alternatives = _alternatives(inner)
    balanced = all(_is_whole(alternative) for alternative in alternatives)
    return [f"{_OPENING}{alternative}{end}" for alternative in alternatives] if balanced else [piece]


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

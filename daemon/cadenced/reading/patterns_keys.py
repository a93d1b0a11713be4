"""Pieces of text without which an expression cannot match: a cheap look before the dear one.

They are worked out from the expression itself. The parser of the standard library is not public; where it is
missing or meets something unknown there are no keys, and every text is tried: slower, never wrong.
"""

import importlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from cadenced.reading.presence import DIGIT

_FLAGS = re.IGNORECASE | re.MULTILINE
_BORDERS = (r"\b", r"(?:\b|(?=<))", r"(?:\b|(?=\())")  # what may stand before a group of words
_CLOSINGS = (r")\b", ")")
_SHORTEST = 2
_RARE = frozenset("?@")  # one such sign is a key, too
_MOST = 80
_LONG = 4  # a second set of shorter keys costs more than it spares
_MANY = 8


@dataclass(frozen=True, slots=True)
class Branch:
    """One alternative of an expression; a match of it holds one of `keys` and one of each of `more`.

    It is written for lower-case text, unless it is `cased`.
    """

    regex: re.Pattern[str]
    keys: frozenset[str]
    more: tuple[frozenset[str], ...] = ()
    cased: bool = False

    def possible(self, present: frozenset[str]) -> bool:
        """Say whether the alternative can match in a text that holds these keys."""
        return (not self.keys or not self.keys.isdisjoint(present)) and self.completed(present)

    def completed(self, present: frozenset[str]) -> bool:
        """Say whether these keys, which hold one of its first, hold all others that it needs."""
        return not any(map(present.isdisjoint, self.more))

    def find(self, text: str, lowered: str) -> re.Match[str] | None:
        """Find it in a text or in its lower-case form; `written` tells the words."""
        return self.regex.search(text if self.cased else lowered)

    def search(self, lowered: str) -> re.Match[str] | None:
        """Find it in a lower-case text; without one of its keys there it is not tried."""
        return self.regex.search(lowered) if any(key in lowered for key in self.keys) or not self.keys else None

    @property
    def every(self) -> frozenset[str]:
        """All keys that a text is to be asked for."""
        return self.keys.union(*self.more)


def written(match: re.Match[str], text: str) -> str:
    """Return the words of a match in a text or its lower-case form as they are written in the text."""
    return text[match.start() : match.end()] if len(match.string) == len(text) else match[0]


class Row:
    """Alternatives in their order, those that can match in a text found by its keys."""

    def __init__(self, branches: Iterable[Branch]) -> None:
        """Take them; their numbers are their places."""
        self._branches = tuple(branches)
        self._keyless = [at for at, branch in enumerate(self._branches) if not branch.keys]
        self._by_key: dict[str, list[int]] = {}
        for at, branch in enumerate(self._branches):
            for key in branch.keys:
                self._by_key.setdefault(key, []).append(at)
        self._first = frozenset(self._by_key)
        self.keys = frozenset(key for branch in self._branches for key in branch.every)
        """What a text is to be asked for."""

    def possible(self, present: frozenset[str]) -> list[int]:
        """Return the numbers of those that can match in a text which holds these keys, in order."""
        numbers = set(self._keyless)
        for key in self._first & present:
            numbers.update(self._by_key[key])
        return [at for at in sorted(numbers) if self._branches[at].completed(present)]


def branches(source: str) -> tuple[Branch, ...]:
    """Part an expression that minds no case at its outermost alternatives, each to be tried only where it can match."""
    return tuple(map(_branch, parts(source)))


def _branch(piece: str) -> Branch:
    if "(?-i:" in piece:
        return replace(branch(re.compile(piece, _FLAGS)), cased=True)
    return branch(re.compile(in_lower_case(piece), re.MULTILINE))


_ESCAPE_OR_TEXT = re.compile(r"\\.|[^\\]+", re.DOTALL)


def in_lower_case(source: str) -> str:
    r"""Write an expression for lower-case text; `\S` and its like keep their meaning."""
    return _ESCAPE_OR_TEXT.sub(lambda piece: piece[0] if piece[0][0] == "\\" else piece[0].lower(), source)


def branch(regex: re.Pattern[str], most: int = _MOST) -> Branch:
    """Return a whole expression with its keys, sets of more than so many left out."""
    first, *more = needs(regex.pattern, most, digits=True) or (frozenset(),)
    return Branch(regex, first, tuple(several for several in more if _selective(several)))


def needs(source: str, most: int = _MOST, digits: bool = False) -> tuple[frozenset[str], ...]:
    """Return sets of lower-case strings of each of which any match must hold at least one, the most telling first.

    `digits`: any digit counts as a string, too (`presence.DIGIT`).
    """
    found = dict.fromkeys(several for several in _all_of(_parsed(source)) if 0 < len(several) <= most)
    useful = (several for several in found if digits or DIGIT not in several)
    return tuple(sorted(useful, key=lambda several: (-min(map(len, several)), len(several), sorted(several))))


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
    found = needs(source)
    return tuple(sorted(found[0])) if found else ()


def _selective(keys: frozenset[str]) -> bool:
    return min(map(len, keys)) >= _LONG or keys == {DIGIT}


def _parsed(source: str) -> Any:
    try:
        parser = importlib.import_module("re._parser")
        return parser.parse(source, re.IGNORECASE | re.MULTILINE)
    except (ImportError, AttributeError, re.error):
        return ()


def _all_of(tokens: Any, before: str = "") -> list[frozenset[str]]:
    """Return a set for each part of a sequence that must be there and can be told by its text.

    `before`: the letters right before it, which the parser has taken out of the alternatives that share them.
    """
    found: list[frozenset[str]] = []
    run = before
    for name, value in [*((str(op), value) for op, value in tokens), ("END", None)]:
        if name == "LITERAL":
            run += chr(value).lower()
            continue
        found += [frozenset({run}), *_of_part(name, value, run)]
        run = ""
    return [several for several in found if several and all(map(_tells, several))]


def _tells(key: str) -> bool:
    return len(key) >= _SHORTEST or key in _RARE


def _of_part(name: str, value: Any, before: str) -> list[frozenset[str]]:
    if name == "SUBPATTERN":
        return _all_of(value[-1], before)
    if name == "BRANCH":
        best = [_best(_all_of(one, before)) for one in value[1]]
        return [frozenset().union(*best)] if all(best) else []
    if name in ("MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT") and value[0] >= 1:
        return _all_of(value[2], before)
    if name == "IN" and all(_is_digits(str(kind), one) for kind, one in value):
        return [frozenset({DIGIT})]
    return []


def _is_digits(kind: str, value: Any) -> bool:
    """Whether a member of a class stands for digits only, as `1-4` does."""
    if kind == "RANGE":
        return bool(ord("0") <= value[0] and value[1] <= ord("9"))
    return str(value) == "CATEGORY_DIGIT"


def _best(sets: list[frozenset[str]]) -> frozenset[str]:
    """Return the set whose shortest key is longest, of several such the smallest."""
    return max(sets, key=lambda several: (min(map(len, several)), -len(several)), default=frozenset())

"""Where each key of a TOML document stands: tomllib reads values and forgets their places.

The scanner is meant for text that tomllib has already accepted; of anything else it makes what it can and never loops.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

Path = tuple[str | int, ...]
"""The way to a value: keys, and the index inside an array of tables."""

_SPACE = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_BASIC = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
_LITERAL = re.compile(r"'([^'\n]*)'")
_LONG_BASIC = re.compile(r'"""(?:[^"\\]|\\.|"{1,2}(?!"))*"{3,5}', re.DOTALL)
_LONG_LITERAL = re.compile(r"'''(?:[^']|'{1,2}(?!'))*'{3,5}", re.DOTALL)
_PLAIN = re.compile(r"[^,\]\}#\r\n]*")
_LINE = re.compile(r"[^\n]*\n?")
_DEEPEST = 60


@dataclass(frozen=True, slots=True)
class Position:
    """1-based lines and columns of a key and of its value."""

    line: int
    column: int
    value_line: int
    value_column: int


def locate(text: str) -> Mapping[Path, Position]:
    """Return the position of every key and table header in ``text``; of a table written twice the first."""
    scanner = _Scanner(text)
    scanner.document()
    return scanner.found


class _Scanner:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.found: dict[Path, Position] = {}
        self._table: Path = ()
        self._counts: dict[Path, int] = {}
        self._starts = [0, *(match.end() for match in re.finditer("\n", text))]

    def document(self) -> None:
        self._skip(_GAP)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                self._header()
            else:
                self._pair(self._table, 0)
            self._skip(_LINE)
            self._skip(_GAP)

    def _header(self) -> None:
        start = self.at
        array = self.text.startswith("[[", start)
        self.at += 2 if array else 1
        keys = self._keys()
        path: Path = (*self._resolved(keys[:-1]), keys[-1])
        if array:
            count = self._counts[path] = self._counts.get(path, -1) + 1
            self._note(path, start, start)
            path = (*path, count)
        self._table = path
        self._note(path, start, start)

    def _resolved(self, keys: list[str]) -> Path:
        """Walk into the newest element of every array of tables on the way."""
        path: Path = ()
        for key in keys:
            path = (*path, key)
            if path in self._counts:
                path = (*path, self._counts[path])
        return path

    def _pair(self, table: Path, depth: int) -> None:
        start = self.at
        path: Path = (*table, *self._keys())
        self._skip(_SPACE)
        if self.text[self.at : self.at + 1] == "=":
            self.at += 1
        self._skip(_SPACE)
        self._note(path, start, self.at)
        for length in range(len(table) + 1, len(path)):
            self._note(path[:length], start, self.at)
        self._value(path, depth)

    def _keys(self) -> list[str]:
        keys: list[str] = []
        while True:
            self._skip(_SPACE)
            key = self._key()
            if key is None:
                return keys or [""]
            keys.append(key)
            self._skip(_SPACE)
            if self.text[self.at : self.at + 1] != ".":
                return keys
            self.at += 1

    def _key(self) -> str | None:
        for pattern in (_BARE, _BASIC, _LITERAL):
            if match := pattern.match(self.text, self.at):
                self.at = match.end()
                return match[match.lastindex or 0]
        return None

    def _value(self, path: Path, depth: int) -> None:
        opening = self.text[self.at : self.at + 1]
        if opening == "{" and depth < _DEEPEST:
            self._inline(path, depth)
        elif opening == "[" and depth < _DEEPEST:
            self._array(path, depth)
        else:
            patterns = (_LONG_BASIC, _LONG_LITERAL, _BASIC, _LITERAL, _PLAIN)
            self.at = next(match.end() for pattern in patterns if (match := pattern.match(self.text, self.at)))

    def _inline(self, path: Path, depth: int) -> None:
        for _ in self._items("}"):
            self._pair(path, depth + 1)

    def _array(self, path: Path, depth: int) -> None:
        for index, _ in enumerate(self._items("]")):
            self._note((*path, index), self.at, self.at)
            self._value((*path, index), depth + 1)

    def _items(self, closing: str) -> Iterator[None]:
        """Stop at the start of each item between brackets; leave behind the closing one."""
        self.at += 1
        while self.at < len(self.text):
            self._skip(_GAP)
            if self.text[self.at : self.at + 1] in ("", closing):
                break
            before = self.at
            yield
            self._skip(_GAP)
            if self.text[self.at : self.at + 1] == ",":
                self.at += 1
            if self.at == before:
                break
        self.at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        if match := pattern.match(self.text, self.at):
            self.at = match.end()

    def _note(self, path: Path, key_at: int, value_at: int) -> None:
        if path not in self.found:
            self.found[path] = Position(*self._place(key_at), *self._place(value_at))

    def _place(self, offset: int) -> tuple[int, int]:
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1

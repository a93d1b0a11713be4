"""IMAP responses as they lie on the wire (RFC 3501, 9): bytes in, responses out, and what the useful ones say.

This stands in for aioimaplib's own reader, which calls itself once a line (1,500 lines in one buffer end in a
RecursionError), strips every ``* `` inside a line, and drops STATUS lines that come within a LIST (RFC 5819).
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

MAX_TEXT = 8 * 1024 * 1024
MAX_LITERAL = 96 * 1024 * 1024
MAX_DEPTH = 50

_LITERAL = re.compile(rb"~?\{(\d{1,10})\+?\}\Z")
_STATUS = re.compile(rb"[^ ]+ (?:OK|NO|BAD|BYE|PREAUTH)\b", re.IGNORECASE)
_TOKEN = re.compile(rb'[ \t]+|[()]|"(?:[^"\\]|\\.)*"|(?:[^\s()"\[]|\[[^\]\[]*\])+|.', re.DOTALL)


class GarbageError(Exception):
    """What came is not IMAP, or more of it than anybody needs; nothing after it can be trusted."""


@dataclass(frozen=True, slots=True)
class Response:
    """One response without its CRLFs: ``texts[0] literals[0] texts[1] …``; there is one text more than literals."""

    texts: tuple[bytes, ...]
    literals: tuple[bytes, ...] = ()

    @property
    def head(self) -> bytes:
        """Return the text before the first literal."""
        return self.texts[0]

    def tokens(self) -> list[Any]:
        """Return the response as nested lists: atoms are ``str``, strings and literals ``bytes``, NIL is None.

        Raises ``GarbageError`` where brackets do not match.
        """
        stack: list[list[Any]] = [[]]
        for index, text in enumerate(self.texts):
            _tokenise(_LITERAL.sub(b"", text) if index < len(self.literals) else text, stack)
            if index < len(self.literals):
                stack[-1].append(self.literals[index])
        if len(stack) != 1:
            raise GarbageError("brackets that do not close")
        return stack[0]


def _tokenise(text: bytes, stack: list[list[Any]]) -> None:
    for match in _TOKEN.finditer(text):
        token = match.group()
        if token == b"(":
            if len(stack) > MAX_DEPTH:
                raise GarbageError("brackets too deep")
            stack.append([])
        elif token == b")":
            if len(stack) == 1:
                raise GarbageError("a bracket that closes nothing")
            closed = stack.pop()
            stack[-1].append(closed)
        elif token[:1] == b'"' and len(token) > 1:
            stack[-1].append(re.sub(rb"\\(.)", rb"\1", token[1:-1], flags=re.DOTALL))
        elif token.strip():
            stack[-1].append(None if token.upper() == b"NIL" else token.decode("utf-8", "surrogateescape"))


class Framer:
    """Bytes in, whole responses out, wherever the segments and the literals break."""

    def __init__(self) -> None:
        self._text = bytearray()
        self._texts: list[bytes] = []
        self._literals: list[bytes] = []
        self._literal: bytearray | None = None
        self._missing = 0

    @property
    def is_within_response(self) -> bool:
        """Tell whether a response has begun and not ended."""
        return bool(self._text or self._texts or self._literal is not None)

    def feed(self, data: bytes) -> Iterator[Response]:
        """Yield the responses that ``data`` completes; raises ``GarbageError`` for what is too long."""
        at = 0
        while at < len(data) or self._is_literal_whole:
            if self._literal is not None:
                at = self._fill(self._literal, data, at)
                continue
            line, at = self._line(data, at)
            response = None if line is None else self._end_of_text(line)
            if response is not None:
                yield response

    @property
    def _is_literal_whole(self) -> bool:
        return self._literal is not None and not self._missing

    def _fill(self, literal: bytearray, data: bytes, at: int) -> int:
        end = min(len(data), at + self._missing)
        literal += memoryview(data)[at:end]
        self._missing -= end - at
        if not self._missing:
            self._literals.append(bytes(literal))
            self._literal = None
        return end

    def _line(self, data: bytes, at: int) -> tuple[bytes | None, int]:
        """Return the line that ends in ``data``, None when none does, and where to go on; each byte is read once."""
        if self._text[-1:] == b"\r" and data[at : at + 1] == b"\n":
            line, at = bytes(self._text[:-1]), at + 1
        else:
            end = data.find(b"\r\n", at)
            self._text += data[at:] if end < 0 else data[at:end]
            if len(self._text) > MAX_TEXT:
                raise GarbageError("a line that does not end")
            if end < 0:
                return None, len(data)
            line, at = bytes(self._text), end + 2
        self._text.clear()
        return line, at

    def _end_of_text(self, line: bytes) -> Response | None:
        self._texts.append(line)
        literal = None if len(self._texts) == 1 and _STATUS.match(line) else _LITERAL.search(line)
        if literal is None:
            response = Response(tuple(self._texts), tuple(self._literals))
            self._texts, self._literals = [], []
            return response
        self._missing = int(literal.group(1))
        if self._missing + sum(map(len, self._literals)) > MAX_LITERAL or len(self._texts) > 10_000:
            raise GarbageError("a literal larger than any mail")
        self._literal = bytearray()
        return None


@dataclass(frozen=True, slots=True)
class Listed:
    """A line of LIST: attributes in lower case without backslash, the delimiter, and the name as the wire has it."""

    attributes: frozenset[str]
    delimiter: str
    name: bytes


def listed(response: Response) -> Listed | None:
    """Return what ``* LIST (…) "/" name`` says, None for any other response."""
    return _listed_before(response) if len(response.head) < 300 and not response.literals else _listed(response)


@functools.lru_cache(1024)
def _listed_before(response: Response) -> Listed | None:
    """Remember lines of usual length: folders are the same from look to look."""
    return _listed(response)


def _listed(response: Response) -> Listed | None:
    tokens = _tokens_of(response, 1, "LIST")
    if len(tokens) < 5 or not isinstance(tokens[2], list):
        return None
    attributes = frozenset(str(a).lstrip("\\").lower() for a in tokens[2])
    return Listed(attributes, _text(tokens[3]).decode("ascii", "replace"), _text(tokens[4]))


def status(response: Response) -> tuple[bytes, dict[str, int]] | None:
    """Return name and items of ``* STATUS name (UIDNEXT 1 …)``, None for any other response; not to be changed."""
    return _status_before(response) if len(response.head) < 300 and not response.literals else _status(response)


@functools.lru_cache(1024)
def _status_before(response: Response) -> tuple[bytes, dict[str, int]] | None:
    """Remember lines of usual length: in most folders nothing happens from look to look."""
    return _status(response)


def _status(response: Response) -> tuple[bytes, dict[str, int]] | None:
    tokens = _tokens_of(response, 1, "STATUS")
    if len(tokens) < 4 or not isinstance(tokens[3], list):
        return None
    return _text(tokens[2]), {_word(key): number(value) for key, value in _pairs(tokens[3])}


def searched(response: Response) -> list[int] | None:
    """Return the numbers of ``* SEARCH 1 2 3``, None for any other response."""
    tokens = _tokens_of(response, 1, "SEARCH")
    return [number(token) for token in tokens[2:] if isinstance(token, str)] if tokens else None


def fetched(response: Response) -> dict[str, Any] | None:
    """Return the items of ``* 12 FETCH (UID 5 BODY[] …)``, names in upper case and without ``<0>``; else None."""
    tokens = _tokens_of(response, 2, "FETCH")
    if len(tokens) < 4 or not isinstance(tokens[3], list):
        return None
    return {_word(key).partition("<")[0]: value for key, value in _pairs(tokens[3])}


def capabilities(response: Response) -> list[str]:
    """Return the words of ``* CAPABILITY …`` in upper case, none for any other response."""
    return [_word(token) for token in _tokens_of(response, 1, "CAPABILITY")[2:]]


def code(response: Response, name: str) -> str | None:
    """Return the argument of ``* OK [NAME argument] …``, None for any other response."""
    match = re.match(rb"\* OK \[" + name.encode() + rb" ([^\]]{1,200})\]", response.head, re.IGNORECASE)
    return match.group(1).decode("ascii", "replace") if match else None


def _tokens_of(response: Response, place: int, word: str) -> list[Any]:
    """Return the tokens of a response whose word at ``place`` is this one, else none: status texts are not tokens."""
    words = response.head.split(b" ", place + 1)
    if len(words) <= place or words[place].upper() != word.encode():
        return []
    return response.tokens()


def number(value: object) -> int:
    """Return a number as IMAP writes it; raises ``GarbageError``."""
    if not isinstance(value, str) or not value.isascii() or not value.isdigit() or len(value) > 20:
        raise GarbageError("not a number")
    return int(value)


def internal_date(value: object) -> datetime | None:
    """Return an INTERNALDATE in UTC, None for what is none."""
    if not isinstance(value, bytes):
        return None
    try:
        return datetime.strptime(value.decode("ascii").strip(), "%d-%b-%Y %H:%M:%S %z").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _pairs(items: list[Any]) -> Iterator[tuple[Any, Any]]:
    return zip(items[::2], items[1::2], strict=False)


def _word(token: object) -> str:
    return token.upper() if isinstance(token, str) else ""


def _text(token: object) -> bytes:
    if isinstance(token, bytes):
        return token
    return token.encode("utf-8", "surrogateescape") if isinstance(token, str) else b""

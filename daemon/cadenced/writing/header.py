"""Header lines as bytes: what a value says becomes text in one field, never another field (RELIABILITY I25)."""

from __future__ import annotations

import base64
import functools
import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from cadenced.errors import ComposeError

LONGEST_NAME = 200
LONGEST_SUBJECT = 500
LONGEST_LINE = 998  # RFC 5322, 2.1.1

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_FORBIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]|=\\?")
_PHRASE = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?: [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?")
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,900}>")
_URI = re.compile(r"(?:https?|mailto):[!#-;=?-~]{1,900}")
_PLAIN_IN_WORD = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789!*+-/")
_Q = [chr(n) if n in _PLAIN_IN_WORD else "_" if n == 0x20 else f"={n:02X}" for n in range(256)]
_AROUND = len("=?utf-8?q??=")
_LONGEST_ENCODED_LINE = 76  # RFC 2047, 2


def checked(text: str, what: str, most: int) -> str:
    """Return ``text``; ComposeError where it holds a control character, a line end, ``=?``, or is too long."""
    fault = _FORBIDDEN.search(text)
    if fault:
        raise ComposeError(f"{what} holds {fault[0]!r}, which no header may carry")
    if len(text) > most:
        raise ComposeError(f"{what} has {len(text)} characters; {most} is the most")
    return text


def address(text: str) -> str:
    """Return a bare address; ComposeError for anything that is not plainly one."""
    if not _ADDRESS.fullmatch(text) or "=?" in text:
        raise ComposeError(f"{text[:80]!r} is not an address that can stand in a header")
    return text


def message_ids(ids: tuple[str, ...]) -> list[str]:
    """Return the ids that are well formed, in angle brackets; ids come from other people's mail too."""
    bracketed = (one if one.startswith("<") else f"<{one}>" for one in (raw.strip() for raw in ids))
    return [one for one in bracketed if _MESSAGE_ID.fullmatch(one)]


def uri(text: str, what: str) -> str:
    """Return an http(s) or mailto URI; ComposeError for anything that could not stand in angle brackets."""
    if not _URI.fullmatch(text):
        raise ComposeError(f"{what} is not a URL that can stand in a header: {text[:80]!r}")
    return text


def date(at: datetime) -> str:
    """Return a moment as a Date field says it (RFC 5322, 3.3), in its own zone; a naive one says that none is known."""
    offset = at.utcoffset()
    zone = "-0000" if offset is None else f"{at:%z}" if offset.seconds % 60 else _zone(offset)
    day = f"{_DAYS[at.weekday()]}, {at.day:02d} {_MONTHS[at.month - 1]} {at.year:04d}"
    return f"{day} {at.hour:02d}:{at.minute:02d}:{at.second:02d} {zone}"


@functools.lru_cache(maxsize=64)
def _zone(offset: timedelta) -> str:
    minutes = abs(offset) // timedelta(minutes=1)
    return f"{'-' if offset < timedelta() else '+'}{minutes // 60:02d}{minutes % 60:02d}"


def unstructured(name: str, text: str) -> str:
    """Return a field of free text, encoded words only where they are needed (RFC 2047)."""
    value = text if text.isascii() else "\r\n ".join(_encoded(text, len(name) + 2))
    return f"{name}: {value}\r\n"


@functools.lru_cache(maxsize=4096)
def mailbox(name: str, display: str, addr_spec: str) -> str:
    """Return a field that names one person: ``To: "Martin, Julie" <julie@abc.example>``."""
    shown = " ".join(checked(display, f"the name in {name}", LONGEST_NAME).split())
    spec = address(addr_spec)
    if not shown:
        return f"{name}: {spec}\r\n"
    phrase = _phrase(shown, len(name) + 2)
    last = len(phrase) - phrase.rfind("\n")
    gap = " " if last + len(spec) + 3 + (len(name) + 2) * ("\n" not in phrase) <= 78 else "\r\n "
    return f"{name}: {phrase}{gap}<{spec}>\r\n"


def _phrase(text: str, used: int) -> str:
    if not text.isascii():
        return "\r\n ".join(_encoded(text, used))
    if _PHRASE.fullmatch(text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _encoded(text: str, used: int) -> Iterator[str]:
    """Yield encoded words, cut between characters, each for a line of its own; ``used`` is taken on the first."""
    mostly_ascii = sum(char.isascii() for char in text) * 2 >= len(text)
    pieces = _pieces(text, used, _q if mostly_ascii else _b)
    for piece in pieces:
        yield f"=?utf-8?q?{_q(piece)}?=" if mostly_ascii else f"=?utf-8?b?{_b(piece)}?="


def _pieces(text: str, used: int, encode: Callable[[str], str]) -> Iterator[str]:
    room = _LONGEST_ENCODED_LINE - used - _AROUND
    piece = ""
    for char in text:
        if piece and len(encode(piece + char)) > room:
            yield piece
            piece, room = "", _LONGEST_ENCODED_LINE - 1 - _AROUND
        piece += char
    yield piece


def _q(text: str) -> str:
    return "".join(_Q[byte] for byte in text.encode())


def _b(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")

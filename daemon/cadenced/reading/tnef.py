"""TNEF (`winmail.dat`, [MS-OXTNEF]): the person's words out of the packet that some Outlooks make of a mail.

Only what leads to the body is read; attachments stay shut. Every step is bounded; anything unexpected ends the reading
with what was found up to there.
"""

import struct
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from cadenced.reading import charset, rtf

TYPES = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
NAME = "winmail.dat"
LIMIT = 4_000_000  # bytes of a packet that are looked into
_SIGNATURE = 0x223E9F78
_BODY, _CODEPAGE, _PROPERTIES = 0x0002800C, 0x00069007, 0x00069003
_PR_BODY, _PR_RTF, _PR_HTML, _PR_CODEPAGE = 0x1000, 0x1009, 0x1013, 0x3FDE
_ATTRIBUTES, _VALUES = 2_000, 4_000  # how many are walked
_TEXT, _WIDE, _BINARY, _OBJECT = 0x1E, 0x1F, 0x102, 0x0D
_SIZES = {0x02: 4, 0x03: 4, 0x04: 4, 0x05: 8, 0x06: 8, 0x07: 8, 0x0A: 4, 0x0B: 4, 0x14: 8, 0x40: 8, 0x48: 16}


@dataclass(frozen=True, slots=True)
class Body:
    """The words of a packet, as text, else as HTML; "" means none."""

    text: str
    html: str


def body(data: bytes) -> Body:
    """Return what a packet says; nothing for anything that is no packet."""
    found: dict[int, bytes] = {}
    with suppress(struct.error, ValueError, IndexError):  # a cut or odd packet: what stood before counts
        _collect(memoryview(data)[:LIMIT], found)
    return _read(found)


def _collect(view: memoryview, found: dict[int, bytes]) -> None:
    for kind, value in _attributes(view):
        if kind in (_BODY, _CODEPAGE):
            found.setdefault(kind, bytes(value))
        elif kind == _PROPERTIES:
            for name, data in _properties(value):
                found.setdefault(name, data)


def _attributes(view: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Walk the packet: a level, a name, a length, the value, a checksum (which nobody needs here)."""
    if struct.unpack_from("<I", view)[0] != _SIGNATURE:
        return
    at = 6
    for _ in range(_ATTRIBUTES):
        if at + 9 > len(view):
            return
        level, kind, size = struct.unpack_from("<BII", view, at)
        if level not in (1, 2):
            return
        if level == 1:  # 2 is an attachment
            yield kind, view[at + 9 : at + 9 + size]
        at += 9 + size + 2


def _properties(view: memoryview) -> Iterator[tuple[int, bytes]]:
    """Walk the MAPI properties, of which the few that make a body are given by their number."""
    count, at = struct.unpack_from("<I", view)[0], 4
    for _ in range(min(count, _VALUES)):
        kind, name = struct.unpack_from("<HH", view, at)
        at = _after_name(view, at + 4) if name >= 0x8000 else at + 4
        many = kind & 0x1000 or kind in (_TEXT, _WIDE, _BINARY, _OBJECT)
        values = struct.unpack_from("<I", view, at)[0] if many else 1
        at += 4 if many else 0
        for _ in range(min(values, _VALUES)):
            value, at = _value(view, at, kind & 0x0FFF)
            if name in (_PR_BODY, _PR_RTF, _PR_HTML, _PR_CODEPAGE):
                yield name, _in_utf8(value, kind & 0x0FFF)


def _value(view: memoryview, at: int, kind: int) -> tuple[memoryview, int]:
    """Return a value and where the next one begins: all end at a multiple of four."""
    size = _SIZES.get(kind)
    if size is None:
        if kind not in (_TEXT, _WIDE, _BINARY, _OBJECT):
            raise ValueError
        size, at = struct.unpack_from("<I", view, at)[0], at + 4
    if at + size > len(view):
        raise ValueError
    return view[at : at + size], at + size + -size % 4


def _after_name(view: memoryview, at: int) -> int:
    """Skip the name of a named property: a GUID, then a number or a text."""
    if struct.unpack_from("<I", view, at + 16)[0] == 0:
        return at + 24
    size = struct.unpack_from("<I", view, at + 20)[0]
    return int(at + 24 + size + -size % 4)


def _in_utf8(value: memoryview, kind: int) -> bytes:
    """Return wide text as UTF-8, marked as such; other values as they are."""
    if kind != _WIDE:
        return bytes(value)
    return b"\xef\xbb\xbf" + bytes(value).decode("utf-16-le", "replace").encode("utf-8", "replace")


def _read(found: Mapping[int, bytes]) -> Body:
    page = _codepage(found)
    text = _text(found.get(_PR_BODY) or found.get(_BODY, b""), page)
    html = _text(found.get(_PR_HTML, b""), page)
    if not text.strip() and not html.strip():
        text = rtf.text(rtf.unpacked(found.get(_PR_RTF, b"")))
    return Body(text, html)


def _codepage(found: Mapping[int, bytes]) -> str:
    told = found.get(_PR_CODEPAGE) or found.get(_CODEPAGE, b"")
    number = int.from_bytes(told[:4], "little")
    return {65001: "utf-8", 20127: "utf-8", 28591: "latin-1", 0: "cp1252"}.get(number, f"cp{number}")


def _text(data: bytes, page: str) -> str:
    marked = data.startswith(b"\xef\xbb\xbf")
    read = charset.text_of(data[3:], "utf-8") if marked else charset.text_of(data, page)
    return read.replace("\r\n", "\n").replace("\r", "\n")

"""Quoted-printable (RFC 2045, 6.7), line by line: what most lines are is let through without a look at each letter."""

from __future__ import annotations

import binascii
import re

_AS_IT_IS = re.compile(r"[ -<>-~]*[!-<>-~]")
"""A line that needs no encoding, only cutting; but for a lone dot, which a careless server would take for the end."""
_LONGEST = 76


def whole_lines(text: str) -> str:
    """Return lines that all end in LF as lines that end in CRLF; ``=_`` of a boundary can never occur in them."""
    return "".join([f"{_line(line)}\r\n" for line in text.split("\n")[:-1]])


def any_text(text: str) -> str:
    """Return what the standard library makes of any text, with CRLF."""
    data = binascii.b2a_qp(text.encode("utf-8", "replace"), istext=True)
    return data.decode("ascii").replace("\n", "\r\n")


def _line(line: str) -> str:
    if not line:
        return ""
    if not _AS_IT_IS.fullmatch(line) or line == ".":
        return any_text(f"{line}\n")[:-2]
    return line if len(line) <= _LONGEST else _cut(line)


def _cut(line: str) -> str:
    """Cut a line as the standard library does: 75 characters and ``=``, and 2 to 76 that are left."""
    starts = range(0, len(line) - 1, _LONGEST - 1)
    pieces = [line[at : at + _LONGEST - 1] for at in starts[:-1]]
    return "=\r\n".join([*pieces, line[starts[-1] :]])

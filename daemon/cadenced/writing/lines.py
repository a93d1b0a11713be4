"""Line ends: LF is the only one inside, whatever a file or a prospect's row brings in."""

from __future__ import annotations

import re

_SIGNS = ("\r", "\x0b", "\x0c", "\x85", "\u2028", "\u2029")
_OTHER_LINE_ENDS = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")


def normalised(source: str) -> str:
    """Return ``source`` without a byte order mark and with LF as its only line end."""
    text = source.removeprefix("\ufeff")
    return _OTHER_LINE_ENDS.sub("\n", text) if any(sign in text for sign in _SIGNS) else text

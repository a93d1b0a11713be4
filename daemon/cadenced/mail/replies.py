"""SMTP replies as the server writes them (RFC 5321, 4.2): a strict reader of bytes, and whom a refusal is about."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

MAX_LINE = 8_192
MAX_REPLY = 32_768
_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])([^\r\n]*))?\r?\Z")


class GarbageError(Exception):
    """What came is not an SMTP reply; nothing after it can be trusted."""


@dataclass(frozen=True, slots=True)
class Reply:
    """One complete reply: its code and its text, lines joined by a newline."""

    code: int
    text: str

    @property
    def is_done(self) -> bool:
        """Tell whether this is a 2yz."""
        return 200 <= self.code <= 299

    @property
    def is_permanent(self) -> bool:
        """Tell whether this is a 5yz."""
        return self.code >= 500

    def __str__(self) -> str:
        """Return code and text on one line."""
        return f"{self.code} {' '.join(self.text.split())}"[:500]


class ReplyReader:
    """Bytes in, replies out, whatever the segments; holds at most one unfinished reply of bounded size."""

    def __init__(self) -> None:
        self._buffer = b""
        self._code = 0
        self._lines: list[str] = []
        self._size = 0

    @property
    def is_within_reply(self) -> bool:
        """Tell whether a reply has begun and not ended."""
        return bool(self._buffer or self._lines)

    def feed(self, data: bytes) -> Iterator[Reply]:
        """Yield the replies that ``data`` completes; raises ``GarbageError`` at what is none, after those before it."""
        *lines, self._buffer = (self._buffer + data).split(b"\n")
        for line in lines:
            reply = self._take(line)
            if reply is not None:
                yield reply
        if len(self._buffer) > MAX_LINE:
            raise GarbageError("a reply line that does not end")

    def _take(self, line: bytes) -> Reply | None:
        said, goes_on = _read(line)
        if not goes_on and not self._lines:
            return said
        self._size += len(line)
        if self._size > MAX_REPLY or (self._lines and said.code != self._code):
            raise GarbageError("a reply too long or with two codes")
        self._code = said.code
        self._lines.append(said.text)
        if goes_on:
            return None
        reply = Reply(said.code, "\n".join(self._lines))
        self._lines, self._size = [], 0
        return reply


@lru_cache(256)
def _read(line: bytes) -> tuple[Reply, bool]:
    """Return what a line without its LF says, and whether the reply goes on; servers say the same few things."""
    match = _LINE.match(line) if len(line) < MAX_LINE else None
    if match is None:
        raise GarbageError(f"not an SMTP reply: {line[:80]!r}")
    code, separator, text = match.groups()
    return Reply(int(code), (text or b"").decode("utf-8", "backslashreplace")), separator == b"-"


_ENHANCED = re.compile(r"\b([245]\.\d{1,3}\.\d{1,3})\b")
_MAILBOX_CODES = frozenset({421, 432, 454, 530, 534, 535, 538})
_MAILBOX_STATUSES = frozenset({
    "4.3.2",  # Microsoft 365: more than three connections of this mailbox at once
    "4.5.4", "5.4.5",  # Google: daily sending quota
    "5.7.8", "5.7.9", "5.7.14", "5.7.57", "5.7.139",  # who are you? (RFC 4954; Google; Microsoft)
    "5.7.60", "5.2.252",  # Microsoft 365: this mailbox may not send as this address
})  # fmt: skip
_RELAYING = re.compile(
    r"relay(?:ing)?(?: access)? (?:is )?(?:denied|not permitted|not allowed|prohibited)", re.IGNORECASE
)


def concerns_mailbox(reply: Reply) -> bool:
    """Tell whether a refusal is about the mailbox or the connection, and not about this message or its recipient."""
    statuses = _ENHANCED.findall(reply.text[:1000])
    return (
        reply.code in _MAILBOX_CODES
        or any(status in _MAILBOX_STATUSES for status in statuses)
        or _RELAYING.search(reply.text[:1000]) is not None
    )


def concerns_size(reply: Reply) -> bool:
    """Tell whether a refusal is about the size of this message (RFC 1870; RFC 3463, 5.2.3 and 5.3.4)."""
    return reply.code == 552 or bool({"5.2.3", "5.3.4"}.intersection(_ENHANCED.findall(reply.text[:1000])))

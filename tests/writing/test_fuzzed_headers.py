"""T1: whatever a row or a stranger's mail puts into a message, its fields stay those that the program chose.

``CADENCED_FUZZ=1000000 pytest tests/writing/test_fuzzed_headers.py`` for a long run; ``CADENCED_SEED`` for another one.
"""

from __future__ import annotations

import os
import random
import re
from typing import Any

from cadenced.core.model import Draft, Thread
from cadenced.errors import ComposeError
from cadenced.writing.compose import compose
from writing.samples import envelope

COUNT = int(os.environ.get("CADENCED_FUZZ", "20000"))
SEED = int(os.environ.get("CADENCED_SEED", "1"))
FIELDS = [
    b"Date", b"From", b"To", b"Subject", b"Message-ID", b"In-Reply-To", b"References", b"X-Cadence-Ref",
    b"List-Unsubscribe", b"List-Unsubscribe-Post", b"MIME-Version", b"Content-Type",
]  # fmt: skip
PIECES = [
    "a", "b", " ", "\t", "\r", "\n", "\r\n", "\x00", "\x0b", "\x0c", "\x1c", "\x1d", "\x1e", "\x85", "\u2028", "\u2029",
    "=?", "?=", "=?utf-8?q?=0A?=", "=?UTF-8?B?Cg==?=", "Bcc: e@x.example", ":", ";", ",", "<", ">", "@", '"', "\\", "(",
    ")", "é", "日", "🎉", "\ud800", "=", "?", "_", "--", ".",
]  # fmt: skip
ANY_LINE_END = re.compile(rb"\r\n|[\r\n\x0b\x0c\x1c-\x1e\x85]")


def changes(which: int, wild: str) -> dict[str, Any]:
    """Return where one wild value goes."""
    return [
        {"recipient_name": wild},
        {"sender_name": wild},
        {"recipient_address": f"m{wild}@acme.example"},
        {"thread": Thread((wild, f"<{wild}@x>", "<ok@x>"), wild)},
        {"unsubscribe_url": f"https://u.example/{wild}"},
        {"unsubscribe_mailto": f"out{wild}@x.example"},
        {},
    ][which]


def test_no_value_changes_the_list_of_fields() -> None:
    dice = random.Random(SEED)  # noqa: S311 - a seed makes a failure repeatable
    made = 0
    for _ in range(COUNT):
        wild = "".join(dice.choice(PIECES) for _ in range(dice.randrange(6)))
        which = dice.randrange(7)
        try:
            raw = compose(envelope(**changes(which, wild)), Draft(wild if which == 6 else "Hi", wild or "x"))
        except ComposeError:
            continue
        made += 1
        lines = [line for line in ANY_LINE_END.split(raw.partition(b"\r\n\r\n")[0]) if line[:1] not in {b" ", b"\t"}]
        names = [line.partition(b":")[0] for line in lines]
        assert names == [field for field in FIELDS if field in names], repr(wild)
        assert raw.isascii()
        assert b"\r\n.\r\n" not in raw
        assert raw.count(b"\r") == raw.count(b"\n") == raw.count(b"\r\n")
    assert made > COUNT // 10

"""Whatever stands in a field of a header, it is read without an error, within bounds, and in linear time.

``CADENCED_FUZZ=1000000 pytest tests/reading/test_fuzzed_fields.py`` for a long run; ``CADENCED_SEED`` for another one.
"""

import os
import random
from datetime import datetime

from cadenced.reading import charset, headers, mime

COUNT = int(os.environ.get("CADENCED_FUZZ", "20000"))
SEED = int(os.environ.get("CADENCED_SEED", "1"))
PIECES = [
    *("a", "Paula Ott", "paula@prospect.example", "<", ">", "@", '"', "\\", "(", ")", ",", ";", ":", ".", " ", "\t"),
    *("\r\n ", "\n", "\r", "\x00", "\x85", "\u2028", "é", "日", "🎉", "\ud800", "=?", "?=", "=?utf-8?q?=C3=A9?="),
    *("=?utf-8?B?w6k=?=", "=?x?b?%%%?=", "=?utf-8?q?=0A?=", "Mon, 2 Mar 2026 10:00:05 +0000", "99 Feb 99999 99:99"),
    *("-9999", "mailto:", "group:", "boundary=", "name*0*=utf-8''%C3", "name*1=x", "charset=", "%", "=", "'", "*"),
    *("text/plain", "<a1@abc.example>"),
]


def wild(dice):
    return "".join(dice.choice(PIECES) for _ in range(dice.randrange(12)))


def test_addresses_of_any_field_are_addresses():
    dice = random.Random(SEED)  # noqa: S311 - a seed makes a failure repeatable
    for _ in range(COUNT):
        value = wild(dice)
        for one in headers.addresses(value):
            assert one.address
            assert len(one.address) <= 320, repr(value)
            assert len(one.name) <= 300, repr(value)
            assert not set(one.address) & set("<> \t\r\n"), repr(value)


def test_any_field_is_read_or_left():
    dice = random.Random(SEED)  # noqa: S311 - a seed makes a failure repeatable
    for _ in range(COUNT // 4):
        value = wild(dice)
        day = headers.date_of(value)
        assert day is None or (isinstance(day, datetime) and day.tzinfo is not None)
        assert all(one and len(one) <= 990 for one in headers.message_ids(value)), repr(value)
        assert "\x00" not in charset.words_decoded(value) or "\x00" in value
        assert isinstance(mime.parameter(f"text/plain; {value}", "name"), str)


def test_a_block_of_any_fields_is_a_header():
    dice = random.Random(SEED)  # noqa: S311 - a seed makes a failure repeatable
    for _ in range(COUNT // 8):
        block = "".join(f"{dice.choice(['From', 'To', 'Date', 'X-' + wild(dice)])}: {wild(dice)}\n" for _ in range(4))
        fields, _ = mime.split(block.encode("utf-8", "surrogatepass"))
        for name in fields:
            assert all("\n" not in value and "\r" not in value for value in fields.raw(name)), repr(block)


def test_long_fields_are_read_up_to_a_limit():
    for piece in PIECES:
        value = piece * 30_000
        assert len(headers.addresses(value)) <= 500
        assert len(headers.message_ids(value)) <= 20_000
        headers.date_of(value)
        mime.parameter(f"text/plain; {value}", "name")

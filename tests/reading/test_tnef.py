"""A `winmail.dat` gives the person's words, from its text, its HTML or its rich text; broken ones give nothing."""

import base64
import os
import random
import struct

import pytest

from cadenced.errors import InboundError
from cadenced.reading import inbound, rtf, tnef, verdict

WORDS = "Hello Julie,\n\nyes, Tuesday suits us – the café at ten.\n\nTom"
# [MS-OXRTFCP] 3.1.2.1: the example of the specification.
PACKED = bytes.fromhex(
    "2d0000002b0000004c5a4675f1c5c7a703000a007263706731323542320af32068656c090020627705b06c647d0a800fa0"
)
TEXT, WIDE, BINARY, LONG = 0x1E, 0x1F, 0x102, 0x03
SEED = int(os.environ.get("CADENCED_SEED", "1"))
FUZZ = int(os.environ.get("CADENCED_TNEF_FUZZ", "3000"))


def padded(data):
    return data + b"\x00" * (-len(data) % 4)


def prop(kind, name, data, named=b""):
    head = struct.pack("<HH", kind, name) + named
    if kind == LONG:
        return head + data
    return head + struct.pack("<II", 1, len(data)) + padded(data)


def attribute(kind, data, level=1):
    return struct.pack("<BII", level, kind, len(data)) + data + b"\x00\x00"


def packet(*props, before=b"", after=b""):
    held = struct.pack("<I", len(props)) + b"".join(props)
    return struct.pack("<IH", 0x223E9F78, 1) + before + attribute(0x00069003, held) + after


def literally(source):
    """Pack rich text without any repetition."""
    pieces = [b"\x00" + source[at : at + 8] for at in range(0, len(source), 8)]
    return struct.pack("<IIII", len(source), len(source), 0x75465A4C, 0) + b"".join(pieces)


def mail(data, around=b""):
    head = b"From: Tom <tom@prospect.example>\nTo: julie@abc.example\nSubject: Re: Your workshop\n"
    kind = b"Content-Type: application/ms-tnef; name=winmail.dat\nContent-Transfer-Encoding: base64\n\n"
    return head + b"Date: Mon, 2 Mar 2026 10:00:05 +0000\n" + around + kind + base64.encodebytes(data)


RICH = (
    rb"{\rtf1\ansi\ansicpg1252\fromtext{\fonttbl{\f0\fswiss Arial;}}{\*\generator Riched20;}\uc1\pard\f0 Hello Julie,"
    rb"\par\par yes, Tuesday suits us \endash  the caf\'e9 at ten.\par\par {\*\htmltag64 <p>}Tom}"
)
NAMED = b"\x11" * 16 + struct.pack("<II", 1, 6) + padded("ab\0".encode("utf-16-le"))
PACKETS = [
    pytest.param(packet(prop(TEXT, 0x1000, WORDS.encode("cp1252"))), id="text"),
    pytest.param(packet(prop(WIDE, 0x1000, WORDS.encode("utf-16-le"))), id="wide text"),
    pytest.param(packet(prop(LONG, 0x3FDE, b"\xe9\xfd\x00\x00"), prop(TEXT, 0x1000, WORDS.encode())), id="UTF-8"),
    pytest.param(
        packet(prop(WIDE, 0x8001, b"a\x00b\x00", NAMED), prop(TEXT, 0x1000, WORDS.encode("cp1252"))), id="named"
    ),
    pytest.param(packet(prop(BINARY, 0x1009, literally(RICH))), id="rich text"),
    pytest.param(packet(before=attribute(0x0002800C, WORDS.encode("cp1252"))), id="old body"),
    pytest.param(packet(prop(BINARY, 0x1013, WORDS.replace("\n", "<br>").encode("cp1252"))), id="HTML"),
]


@pytest.mark.parametrize("data", PACKETS)
def test_a_person_is_read_out_of_a_packet(data):
    read = inbound.parse(mail(data))
    assert read.readable().replace("\r\n", "\n").strip() == WORDS
    judged = verdict.judge(read)
    assert judged.kind == "reply.interested"


def test_the_text_of_the_mail_goes_before_its_packet():
    outer = b'Content-Type: multipart/mixed; boundary="b"\n\n--b\nContent-Type: text/plain\n\nNo.\n\n--b\n'
    assert inbound.parse(mail(PACKETS[0].values[0], outer)).text.strip() == "No."


def test_rich_text_is_unpacked_as_the_specification_does():
    assert rtf.unpacked(PACKED) == b"{\\rtf1\\ansi\\ansicpg1252\\pard hello world}\r\n"
    assert rtf.text(rtf.unpacked(PACKED)).strip() == "hello world"


def test_rich_text_may_overlap_itself():
    # a byte of its own, then a stretch that begins one sign before the place where it is written
    source = struct.pack("<IIII", 0, 9, 0x75465A4C, 0) + b"\x02" + b"x" + struct.pack(">H", 207 << 4 | 6)
    assert rtf.unpacked(source) == b"x" * 9


@pytest.mark.parametrize(
    ("source", "words"),
    [
        (rb"{\rtf1\ansi a\par b\line c\tab d}", "a\nb\nc\td"),
        (rb"{\rtf1\ansi\uc1 \u233?t\u233?}", "été"),
        (rb"{\rtf1\ansi\uc0 \u-10179 \u-8704 ok}", "😀ok"),
        (rb"{\rtf1\ansi\ansicpg1251 \'cf\'f0\'e8\'e2\'e5\'f2}", "Привет"),
        (rb"{\rtf1 {\fonttbl{\f0 Arial;}}{\colortbl;\red0;}{\*\x hidden}{\pict 0102}seen \{\}\\}", "seen {}\\"),
        (rb"no rich text", ""),
        (b"", ""),
    ],
)
def test_rich_text_gives_its_words(source, words):
    assert rtf.text(source) == words


def test_attachments_of_a_packet_stay_shut():
    inside = attribute(0x0002800C, b"from the attachment", level=2)
    assert tnef.body(packet(after=inside)) == tnef.Body("", "")


def test_a_mail_with_an_empty_or_broken_packet_is_still_a_message():
    for data in (b"", b"\x78\x9f\x3e\x22", packet(prop(BINARY, 0x1009, b"LZFu")), packet()[:-9]):
        assert inbound.parse(mail(data)).text == ""


def test_a_broken_packet_is_never_an_error():
    dice = random.Random(SEED)  # noqa: S311 - a seed makes a failure repeatable
    seeds = [one.values[0] for one in PACKETS]
    for _ in range(FUZZ):
        data = bytearray(dice.choice(seeds))
        for _ in range(dice.randrange(1, 12)):
            data[dice.randrange(len(data))] = dice.choice((0, 1, 0x7F, 0x80, 0xFF, dice.randrange(256)))
        cut = bytes(data[: dice.randrange(len(data))]) if dice.random() < 0.3 else bytes(data)
        found = tnef.body(cut)
        assert isinstance(found.text + found.html, str)
        rtf.text(rtf.unpacked(cut[-400:]))
        try:
            inbound.parse(mail(cut))
        except InboundError:
            pytest.fail("a message with a header is readable")


@pytest.mark.parametrize("count", [500, 1_000])
def test_hostile_packets_are_bounded(count):
    endless = packet(prop(TEXT, 0x1000, b"x")) + b"\x01" * 4_000_000
    many = struct.pack("<I", 0xFFFFFFFF) + prop(LONG, 0x3FDE, b"\0\0\0\0") * count
    bomb = struct.pack("<IIII", 0, 0x7FFFFFFF, 0x75465A4C, 0) + b"\xff" + b"\x00\x1f" * 8 * count
    for data in (endless, packet() + attribute(0x00069003, many), packet(prop(BINARY, 0x1009, bomb))):
        tnef.body(data)
    assert len(rtf.unpacked(bomb)) <= rtf.LIMIT
    assert rtf.text(b"{\\rtf1" + b"{" * 100 * count) == ""

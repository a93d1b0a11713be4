"""A mail inside an opaque signature is read like any other; what is encrypted or broken is not."""

import base64
import random

import pytest

from cadenced.reading import inbound, smime

MAIL = b"Content-Type: text/plain; charset=utf-8\n\nYes, Tuesday suits us.\n"
SIGNED, DATA, ENVELOPED = (bytes.fromhex(f"2a864886f70d0107{n}") for n in ("02", "01", "03"))


def der(tag, inside):
    size = len(inside)
    long = size.to_bytes((size.bit_length() + 7) // 8 or 1, "big")
    return bytes([tag]) + (bytes([size]) if size < 128 else bytes([0x80 | len(long)]) + long) + inside


def opened(tag, inside):
    return bytes([tag, 0x80]) + inside + b"\x00\x00"


def signed(mail, kind=SIGNED, wrap=der, octets=None):
    content = wrap(0x30, der(6, DATA) + wrap(0xA0, octets or der(4, mail)))
    fields = der(2, b"\x01") + der(0x31, der(0x30, der(6, b"\x60\x86"))) + content + der(0x31, b"")
    return wrap(0x30, der(6, kind) + wrap(0xA0, wrap(0x30, fields)))


def message(data):
    head = b"From: p@x.example\nSubject: Re: x\nContent-Type: application/pkcs7-mime; smime-type=signed-data\n"
    return head + b"Content-Transfer-Encoding: base64\n\n" + base64.encodebytes(data)


@pytest.mark.parametrize("wrap", [der, opened])
@pytest.mark.parametrize("mail", [MAIL, MAIL * 40])
def test_a_signed_mail_is_taken_out_of_closed_and_open_lengths(wrap, mail):
    pieces = opened(0x24, der(4, mail[:20]) + der(4, mail[20:]))
    assert smime.content(signed(mail, wrap=wrap)) == mail
    assert smime.content(signed(mail, wrap=wrap, octets=pieces)) == mail


def test_the_words_of_a_signed_mail_are_its_text():
    assert inbound.parse(message(signed(MAIL))).text.strip() == "Yes, Tuesday suits us."


def test_an_encrypted_mail_has_no_text():
    found = inbound.parse(message(signed(MAIL, kind=ENVELOPED)))
    assert found.text == ""
    assert [part.content_type for part in found.parts] == ["application/pkcs7-mime"]


def test_broken_signatures_hold_nothing_and_never_fail():
    rolls = random.Random(7)  # noqa: S311 - the same breaks every time
    whole = signed(MAIL)
    for _ in range(3_000):
        broken = bytearray(whole[: rolls.randrange(len(whole))])
        for _ in range(rolls.randrange(4)):
            if broken:
                broken[rolls.randrange(len(broken))] = rolls.randrange(256)
        assert isinstance(smime.content(bytes(broken)), bytes)
    assert smime.content(b"\x30\x80" * 5_000) == b""

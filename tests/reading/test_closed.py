"""A mail that cannot be read goes to a human, with the reason; its packing is never taken for words."""

import base64

import pytest

from cadenced.reading import inbound, verdict

HEAD = b"From: Tom <tom@prospect.example>\nTo: julie@abc.example\nSubject: Re: Your workshop\n"
DATED = HEAD + b"Date: Mon, 2 Mar 2026 10:00:05 +0000\n"
ENVELOPED = bytes.fromhex("30800609") + bytes.fromhex("2a864886f70d010703") + b"\xa0\x80" + b"x" * 60
ARMOUR = b"-----BEGIN PGP MESSAGE-----\n\nhQEMA0vPyoWV1nQ+AQf\n-----END PGP MESSAGE-----\n"


def base64_of(kind, data):
    return b"Content-Type: " + kind + b"\nContent-Transfer-Encoding: base64\n\n" + base64.encodebytes(data)


def nested(depth):
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (at, at) for at in range(depth))
    return head + b"\n\nDo not write to me again.\n"


PGP = (
    b'Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=b\n\n--b\n'
    b"Content-Type: application/pgp-encrypted\n\nVersion: 1\n\n--b\nContent-Type: application/octet-stream\n\n"
)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        pytest.param(base64_of(b"application/pkcs7-mime; smime-type=enveloped-data", ENVELOPED), "encrypted (S/MIME)"),
        pytest.param(PGP + ARMOUR + b"--b--\n", "encrypted (PGP)"),
        pytest.param(b"Content-Type: text/plain\n\n" + ARMOUR, "encrypted (PGP)"),
        pytest.param(base64_of(b"application/ms-tnef", b"x" * 50), "nothing but a winmail.dat that cannot be read"),
        pytest.param(nested(13), "parts nested too deep"),
        pytest.param(nested(3_000), "parts nested too deep"),
    ],
)
def test_the_evidence_says_why_nothing_was_read(body, why):
    judged = verdict.judge(inbound.parse(DATED + body))
    assert (judged.kind, judged.evidence) == ("reply.unclear", (why,))


def test_what_is_nested_as_people_nest_is_read():
    judged = verdict.judge(inbound.parse(DATED + nested(12)))
    assert judged.kind == "reply.unsubscribe"


def test_an_empty_answer_is_not_called_encrypted():
    assert verdict.judge(inbound.parse(DATED + b"\n\n")).evidence == ()

"""SMTP's replies: the same whatever the segments, strictly read, and about whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as some

from cadenced.mail.replies import GarbageError, Reply, ReplyReader, concerns_mailbox, concerns_size

TALK = b"220 hello\r\n250-one\r\n250-two\r\n250 three\r\n354\r\n550-5.1.1 no\n550 5.1.1 really\n"
REPLIES = [Reply(220, "hello"), Reply(250, "one\ntwo\nthree"), Reply(354, ""), Reply(550, "5.1.1 no\n5.1.1 really")]


def read(*pieces: bytes) -> list[Reply]:
    reader = ReplyReader()
    return [reply for piece in pieces for reply in reader.feed(piece)]


def test_replies_are_the_same_wherever_the_segments_break() -> None:
    for at in range(len(TALK) + 1):
        assert read(TALK[:at], TALK[at:]) == REPLIES
    assert read(*(TALK[n : n + 1] for n in range(len(TALK)))) == REPLIES


@pytest.mark.parametrize(
    "line",
    [b"hello\r\n", b"25 ok\r\n", b"2500 ok\r\n", b"250ok\r\n", b"250_ok\r\n", b" 250 ok\r\n", b"+50 ok\r\n",
     b"150 ok\r\n", b"650 ok\r\n", b"250-a\r\n251 b\r\n", b"\r\n", b"250 a\rb\r\n", b"x" * 10_000,
     b"250-a\r\n" * 10_000, b"\xb2\xb5\xb0 ok\r\n"],
)  # fmt: skip
def test_what_is_not_quite_a_reply_is_garbage(line: bytes) -> None:
    with pytest.raises(GarbageError):
        read(line)


def test_replies_before_garbage_are_heard() -> None:
    heard = []
    with pytest.raises(GarbageError):
        heard.extend(ReplyReader().feed(b"nonsense\r\n"))
    reader = ReplyReader().feed(b"250 ok\r\nnonsense\r\n")
    assert next(reader) == Reply(250, "ok")
    with pytest.raises(GarbageError):
        next(reader)


@given(some.lists(some.binary(max_size=30), max_size=10))
def test_any_bytes_are_replies_or_garbage(pieces: list[bytes]) -> None:
    try:
        for reply in read(*pieces):
            assert 200 <= reply.code <= 599
            concerns_mailbox(reply)
    except GarbageError:
        pass


@pytest.mark.parametrize(
    ("code", "text", "ours"),
    [
        (535, "5.7.8 bad password", True), (530, "5.7.0 Authentication required", True), (454, "4.7.0 Temporary", True),
        (554, "5.7.1 <a@x>: Relay access denied", True), (550, "relaying denied", True),
        (550, "5.7.60 SMTP; Client", True),
        (550, "5.4.5 Daily user sending limit exceeded", True), (432, "4.3.2 STOREDRV.ClientSubmit", True),
        (550, "5.1.1 user unknown", False), (552, "5.2.2 mailbox full", False), (450, "4.2.0 greylisted", False),
        (554, "5.7.1 message rejected as spam", False), (550, "15.7.80 is no status", False),
    ],
)  # fmt: skip
def test_a_refusal_is_about_the_mailbox_or_about_the_message(code: int, text: str, ours: bool) -> None:
    assert concerns_mailbox(Reply(code, text)) is ours


def test_size_is_the_message_s_own_fault() -> None:
    assert concerns_size(Reply(552, "too big"))
    assert concerns_size(Reply(550, "5.2.3 too big"))
    assert not concerns_size(Reply(550, "5.7.1 no"))

"""The four answers of a submission, each by the phase in which it comes (RELIABILITY 2.1, rows 6 to 13)."""

from __future__ import annotations

import asyncio

import pytest

from cadenced import ports
from cadenced.mail.smtp import Pool, SmtpSettings
from peers import clocks, smtp_sink
from peers.smtp_sink import Close, Hold, Nothing, Raw, Say, Sink, Take

RAW = b"From: julie@abc.example\r\nTo: ada@x.example\r\nMessage-ID: <t1@abc.example>\r\n\r\nHello\r\n.dot\r\n"


def outgoing(recipient: str = "ada@x.example", raw: bytes = RAW, **fields: str) -> ports.Outgoing:
    return ports.Outgoing(1, "julie@abc.example", recipient, raw, "<t1@abc.example>", **fields)


async def open_gate(message: ports.Outgoing) -> float | None:
    return float("inf")


def pool_to(sink: Sink, **settings: object) -> Pool:
    fields = {"security": "none", "command_timeout": 60.0, "dot_timeout": 60.0} | settings
    return Pool(SmtpSettings(sink.host, sink.port, **fields), clocks.HastyClock())


async def submit(sink: Sink, gate: ports.Gate = open_gate, **settings: object) -> ports.Answer:
    pool = pool_to(sink, **settings)
    try:
        return await pool.submit(outgoing(), gate)
    finally:
        await pool.close()


async def test_a_complete_2yz_after_the_dot_is_accepted_and_the_bytes_are_the_frozen_ones() -> None:
    async with smtp_sink.serve() as sink:
        answer = await submit(sink)
        assert isinstance(answer, ports.Accepted)
        assert "queued as" in answer.reply
        [message] = sink.accepted
        assert message.raw == RAW
        assert (message.mail_from, message.recipients) == ("julie@abc.example", ("ada@x.example",))


@pytest.mark.parametrize("stage", ["connect", "mail", "rcpt", "data"])
@pytest.mark.parametrize(
    "act",
    [Say("421 4.3.0 closing"), Say("451 4.3.0 later"), Close(), Raw(b"nonsense\r\n")],
    ids=["421", "451", "close", "garbage"],
)
async def test_before_the_payload_every_failure_is_definitely_not_sent(stage: str, act: smtp_sink.Act) -> None:
    async with smtp_sink.serve() as sink:
        sink.always(stage, act)
        answer = await submit(sink)
        assert isinstance(answer, ports.Deferred)
        assert answer.phase == stage
        assert not answer.permanent
        assert sink.accepted == []
        assert sink.dropped_payloads == []


@pytest.mark.parametrize("stage", ["rcpt", "data"])
async def test_a_5yz_about_the_recipient_or_the_message_is_refused(stage: str) -> None:
    async with smtp_sink.serve() as sink:
        sink.plan(stage, Say("550 5.1.1 no such\n550 5.1.1 person"))
        assert await submit(sink) == ports.Refused(550, "5.1.1 no such\n5.1.1 person", stage)


@pytest.mark.parametrize(
    ("stage", "reply"),
    [
        ("mail", "553 5.7.1 sender address rejected: not owned by user"),
        ("rcpt", "554 5.7.1 <ada@x.example>: Relay access denied"),
        ("rcpt", "550 5.4.5 Daily user sending limit exceeded"),
        ("dot", "554 5.2.252 SendAsDenied"),
        ("dot", "432 4.3.2 Concurrent connections limit exceeded"),
    ],
)
async def test_a_refusal_of_the_mailbox_is_not_held_against_the_prospect(stage: str, reply: str) -> None:
    async with smtp_sink.serve() as sink:
        sink.plan(stage, Say(reply))
        answer = await submit(sink)
        assert isinstance(answer, ports.Deferred)
        assert answer.mailbox_fault


async def test_a_message_too_large_is_refused_at_mail() -> None:
    async with smtp_sink.serve() as sink:
        sink.plan("mail", Say("552 5.3.4 too big"))
        assert await submit(sink) == ports.Refused(552, "5.3.4 too big", "data")


async def test_a_complete_5yz_after_the_dot_is_refused_and_a_4yz_deferred() -> None:
    async with smtp_sink.serve() as sink:
        sink.plan("dot", Say("554 5.6.0 no"), Say("452 4.3.1 disk full"))
        assert await submit(sink) == ports.Refused(554, "5.6.0 no", "dot")
        assert await submit(sink) == ports.Deferred("452 4.3.1 disk full", "dot")


@pytest.mark.parametrize(
    "act",
    [
        Say("421 4.3.0 closing"), Take(Say("421 4.3.0 closing")), Close(), Take(Close()), Nothing(), Take(Nothing()),
        Raw(b"hello?\r\n"), Take(Raw(b"25")), Raw(b"250-and\r\n451 so\r\n"), Raw(b"2500 ok\r\n"), Raw(b"250ok\r\n"),
        Raw(b"354 more\r\n"), Raw(b"x" * 10_000_000), Raw(b"250-more\r\n" * 100_000), Raw(b" 25\r\n"),
    ],
    ids=lambda act: repr(act)[:40],
)  # fmt: skip
async def test_after_the_payload_anything_but_a_complete_answer_is_unknown(act: smtp_sink.Act) -> None:
    async with smtp_sink.serve() as sink:
        sink.plan("dot", act)
        assert isinstance(await submit(sink, dot_timeout=0.2), ports.Unknown)


@pytest.mark.parametrize("size", [0, 1, 40, len(RAW), len(RAW) + 2])
async def test_a_connection_that_dies_within_the_payload_is_unknown(size: int) -> None:
    async with smtp_sink.serve() as sink:
        sink.plan("payload", Close(after=size))
        assert isinstance(await submit(sink), ports.Unknown)


async def test_a_reply_in_segments_of_one_byte_is_the_same_reply() -> None:
    async with smtp_sink.serve() as sink:
        for stage, text in {
            "connect": b"220-hello\r\n220 you\r\n",
            "rcpt": b"250 ok\r\n",
            "dot": b"250-a\r\n250 b\r\n",
        }.items():
            sink.plan(stage, Raw(text, in_pieces=True))
        assert await submit(sink) == ports.Accepted("250 a b")


async def test_a_complete_answer_counts_even_when_garbage_or_the_end_follow_it() -> None:
    async with smtp_sink.serve() as sink:
        sink.plan("dot", Raw(b"250 taken\r\ngarbage\r\n"))
        assert await submit(sink) == ports.Accepted("250 taken")


async def test_a_late_250_is_accepted_within_the_dot_timeout() -> None:
    async with smtp_sink.serve() as sink:
        sink.plan("dot", Hold(seconds=0.3))
        assert isinstance(await submit(sink), ports.Accepted)


async def test_a_silent_server_before_the_payload_is_given_up_after_the_command_timeout() -> None:
    async with smtp_sink.serve() as sink:
        sink.always("rcpt", Nothing())
        for seconds in (0.2, 2.0, 20.0):  # a slow machine may come no further in less
            answer = await submit(sink, command_timeout=seconds)
            assert isinstance(answer, ports.Deferred)
            if answer.phase == "rcpt":
                break
        assert answer.phase == "rcpt"


async def test_nobody_listening_is_tried_again_and_then_deferred() -> None:
    async with smtp_sink.serve() as sink:
        pool = pool_to(sink)
    clock = clocks.HastyClock()
    pool = Pool(SmtpSettings(sink.host, sink.port, "none"), clock)
    answer = await pool.submit(outgoing(), open_gate)
    assert isinstance(answer, ports.Deferred)
    assert (answer.phase, answer.mailbox_fault) == ("connect", True)
    assert len(clock.slept) == 2


async def test_a_greeting_that_refuses_for_good_is_not_tried_again() -> None:
    async with smtp_sink.serve() as sink:
        sink.always("connect", Say("554 5.7.1 go away"))
        assert isinstance(await submit(sink), ports.Deferred)
        assert sink.connections == 1


async def test_an_unknown_submission_is_never_tried_again_by_the_pool() -> None:
    async with smtp_sink.serve() as sink:
        sink.plan("dot", Take(Close()))
        pool = pool_to(sink)
        assert isinstance(await pool.submit(outgoing(), open_gate), ports.Unknown)
        await pool.close()
        assert len(sink.accepted) == 1
        assert sink.connections == 1


async def test_a_late_answer_is_never_taken_for_the_answer_to_the_next_message() -> None:
    async with smtp_sink.serve() as sink:
        late = asyncio.Event()
        sink.plan("dot", Hold(late, then=Take(Say("250 2.0.0 late"))))
        pool = pool_to(sink, dot_timeout=0.1)
        assert isinstance(await pool.submit(outgoing(), open_gate), ports.Unknown)
        late.set()
        sink.plan("rcpt", Say("550 5.1.1 no"))
        assert isinstance(await pool.submit(outgoing("bob@x.example"), open_gate), ports.Refused)
        assert sink.connections == 2
        assert sink.verbs().count("MAIL") == 2  # nothing was said over the connection that owes an answer
        await pool.close()


async def test_a_submission_cancelled_after_the_payload_says_nothing_and_its_connection_is_not_used_again() -> None:
    async with smtp_sink.serve() as sink:
        taken = asyncio.Event()
        sink.on_accept = lambda _: taken.set()
        sink.plan("dot", Take(Nothing()))
        pool = pool_to(sink)
        submission = asyncio.create_task(pool.submit(outgoing(), open_gate))
        await taken.wait()
        submission.cancel()
        with pytest.raises(asyncio.CancelledError):
            await submission
        assert isinstance(await pool.submit(outgoing(), open_gate), ports.Accepted)
        assert sink.connections == 2
        await pool.close()

"""Three commands in one breath (RFC 2920) or one by one: answers mean the same, and each is waited for long enough."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import aiosmtplib
import pytest
from test_smtp_answers import RAW, open_gate, outgoing, pool_to

from cadenced import ports
from cadenced.mail.submission import Channel
from peers import smtp_sink
from peers.smtp_sink import EXTENSIONS, Close, Raw, Say
from simulation.virtual_loop import VirtualLoop

AT_ONCE, ONE_BY_ONE = list(EXTENSIONS), [one for one in EXTENSIONS if one != "PIPELINING"]
GOODBYE, LATER, NEVER = Say("421 4.3.2 closing"), Say("451 4.3.0 later"), Say("550 5.1.1 no")
SLOWLY = Raw(b"550-5.1.1 no\r\n550 5.1.1 really\r\n", in_pieces=True)


@pytest.mark.parametrize("extensions", [AT_ONCE, ONE_BY_ONE], ids=["at once", "one by one"])
@pytest.mark.parametrize(
    ("stage", "act", "answer", "phase"),
    [
        ("mail", NEVER, ports.Deferred, "mail"),  # a sender who is refused is refused for everybody
        ("mail", LATER, ports.Deferred, "mail"),
        ("mail", GOODBYE, ports.Deferred, "mail"),
        ("rcpt", NEVER, ports.Refused, "rcpt"),
        ("rcpt", SLOWLY, ports.Refused, "rcpt"),
        ("rcpt", LATER, ports.Deferred, "rcpt"),
        ("rcpt", GOODBYE, ports.Deferred, "rcpt"),
        ("rcpt", Close(), ports.Deferred, "rcpt"),
        ("rcpt", Raw(b"hello?\r\n"), ports.Deferred, "rcpt"),
        ("data", Say("554 5.7.1 no"), ports.Refused, "data"),
        ("data", GOODBYE, ports.Deferred, "data"),
        ("data", Say("250 what is DATA?"), ports.Deferred, "data"),
    ],
)
async def test_an_answer_before_the_payload_means_the_same_in_one_breath_and_one_by_one(
    extensions: list[str], stage: str, act: smtp_sink.Act, answer: type, phase: str
) -> None:
    asked: list[int] = []

    async def gate(message: ports.Outgoing) -> float | None:
        asked.append(message.touch)
        return float("inf")

    async with smtp_sink.serve(extensions=extensions) as sink:
        sink.plan(stage, act)
        pool = pool_to(sink)
        found = await pool.submit(outgoing(), gate)
        assert (type(found), found.phase) == (answer, phase)
        assert (asked, sink.accepted) == ([], [])  # nobody is armed for what cannot leave
        assert isinstance(await pool.submit(outgoing(), open_gate), ports.Accepted)
        assert [one.raw for one in sink.accepted] == [RAW]
        await pool.close()


@pytest.mark.parametrize("stage", ["mail", "rcpt", "data"])
async def test_more_answers_than_commands_end_the_connection_before_the_payload(stage: str) -> None:
    async with smtp_sink.serve() as sink:
        usual = {"mail": b"250 ok\r\n", "rcpt": b"250 ok\r\n", "data": b"354 go on\r\n"}
        sink.plan(stage, Raw(usual[stage] + b"250 and one more\r\n"))
        pool = pool_to(sink)
        found = await pool.submit(outgoing(), open_gate)
        assert isinstance(found, ports.Deferred)
        assert sink.accepted == []
        assert isinstance(await pool.submit(outgoing(), open_gate), ports.Accepted)
        assert sink.connections == 2
        await pool.close()


class Line(asyncio.Transport):
    """A connection that takes everything."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Take it."""

    def is_closing(self) -> bool:
        return False


class Owner:
    def on_lost(self, protocol: object) -> None:
        """Hear of the end."""


def on_the_line(talk: Callable[[Channel], Coroutine[Any, Any, float]]) -> float:
    """Let somebody talk over a greeted connection in virtual time; returns what they return."""
    loop = VirtualLoop()
    asyncio.set_event_loop(loop)
    try:
        channel = Channel(loop, Owner())  # type: ignore[arg-type] # it only hears of the end
        channel.connection_made(Line())
        channel.data_received(b"220 hello\r\n")
        return loop.run_until_complete(talk(channel))
    finally:
        asyncio.set_event_loop(None)
        loop.close()


async def heard(channel: Channel, patience: float) -> float:
    """Wait for a reply; returns for how long."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    channel.write(b"NOOP\r\n")
    with pytest.raises(aiosmtplib.SMTPReadTimeoutError):
        await channel.read_reply(patience)
    return loop.time() - began


@pytest.mark.parametrize(("first", "second"), [(60.0, 600.0), (600.0, 0.5), (60.0, 60.0)])
def test_each_reply_is_waited_for_as_long_as_it_was_given_though_one_alarm_serves_many(
    first: float, second: float
) -> None:
    async def talk(channel: Channel) -> float:
        await channel.read_reply(None)
        channel.write(b"MAIL\r\n")
        asyncio.get_running_loop().call_later(30 if first > 30 else 0, channel.data_received, b"250 ok\r\n")
        await channel.read_reply(first)
        return await heard(channel, second)

    assert on_the_line(talk) == pytest.approx(second, abs=0.01)


def test_a_reply_that_comes_late_within_its_time_is_heard() -> None:
    async def talk(channel: Channel) -> float:
        await channel.read_reply(20)
        for code in (b"250 ok\r\n", b"354 go\r\n", b"250 taken\r\n"):
            channel.write(b"x")
            asyncio.get_running_loop().call_later(599, channel.data_received, code)
            await channel.read_reply(600)
        return asyncio.get_running_loop().time()

    assert on_the_line(talk) == pytest.approx(3 * 599, abs=0.01)


def test_a_connection_that_ended_leaves_no_alarm_behind() -> None:
    async def talk(channel: Channel) -> float:
        await channel.read_reply(None)
        channel.write(b"MAIL\r\n")
        asyncio.get_running_loop().call_soon(channel.data_received, b"250 ok\r\n")
        await channel.read_reply(600)
        channel.connection_lost(None)
        return float(channel._alarm is not None)

    assert on_the_line(talk) == 0

"""The next transaction opened behind a payload, in one breath (RFC 2920, 3.1): whatever comes of it, each touch has
exactly the answer that its own payload had, and no byte of a payload leaves that its own gate did not let out."""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from test_smtp_answers import RAW, pool_to

from cadenced import ports
from cadenced.mail import turns
from cadenced.mail.smtp import Pool
from peers import smtp_sink
from peers.patience import comes
from peers.smtp_sink import EXTENSIONS, Close, Hold, Raw, Say, Sink, Take, Usual


def letter(number: int, **changes: object) -> ports.Outgoing:
    raw = RAW.replace(b"Hello", b"Hello %d" % number)
    message = ports.Outgoing(number, "julie@abc.example", f"p{number}@x.example", raw, f"<t{number}@abc.example>")
    return dataclasses.replace(message, **changes)


class Gates:
    """The sender's gate: notes who asked, and lets out whom it is told to."""

    def __init__(self, shut: tuple[int, ...] = ()) -> None:
        self.asked: list[int] = []
        self.shut = shut
        self.held = asyncio.Event()
        self.held.set()

    async def __call__(self, message: ports.Outgoing) -> float | None:
        self.asked.append(message.touch)
        await self.held.wait()
        return None if message.touch in self.shut else float("inf")


@dataclasses.dataclass
class Talk:
    """Letters that share one connection: the second waits while the first is on the wire."""

    sink: Sink
    pool: Pool
    gate: Gates

    async def send(self, *letters: ports.Outgoing) -> list[ports.Answer]:
        return await asyncio.gather(*(self.pool.submit(one, self.gate) for one in letters))

    @property
    def arrived(self) -> list[tuple[str, bytes]]:
        return [(one.recipients[0], one.raw) for one in self.sink.accepted]

    @property
    def lines(self) -> str:
        """The verbs' first letters as they came, EMRD, without NOOPs."""
        return "".join(verb[0] for verb in self.sink.verbs() if verb != "NOOP")


@asynccontextmanager
async def talking(
    gate: Gates | None = None, connections: int = 1, command_timeout: float = 60.0, **sink: object
) -> AsyncIterator[Talk]:
    async with smtp_sink.serve(**sink) as server:
        pool = pool_to(server, connections=connections, command_timeout=command_timeout)
        yield Talk(server, pool, gate or Gates())
        await pool.close()
        assert server.dropped_payloads == [b""] * len(server.dropped_payloads)  # never a part of a message


def parcel(*numbers: int) -> list[tuple[str, bytes]]:
    return [(letter(n).recipient, letter(n).raw) for n in numbers]


async def test_the_next_transaction_stands_behind_the_payload_in_one_write() -> None:
    async with talking() as talk:
        written: list[bytes] = []
        original = talk.pool._open

        async def opened() -> object:
            session = await original()
            write = session.channel.write
            session.channel.write = lambda data, expecting=1: (written.append(data), write(data, expecting))[1]
            return session

        talk.pool._open = opened  # type: ignore[method-assign] # it looks at what is written
        answers = await talk.send(letter(1), letter(2), letter(3))
        assert all(isinstance(one, ports.Accepted) for one in answers)
        assert talk.arrived == parcel(1, 2, 3)
        assert [data.endswith(b"DATA\r\n") for data in written if b"Hello" in data] == [True, True, False]
        assert talk.lines == "E" + "MRD" * 3


async def test_each_gate_is_asked_after_the_354_and_before_its_payload() -> None:
    async with talking() as talk:
        seen: list[tuple[int, int, str]] = []

        async def gate(message: ports.Outgoing) -> float:
            seen.append((message.touch, len(talk.sink.accepted), talk.lines))
            return float("inf")

        talk.gate = gate  # type: ignore[assignment] # another gate
        await talk.send(letter(1), letter(2))
        assert seen == [(1, 0, "EMRD"), (2, 1, "EMRDMRD")]


@pytest.mark.parametrize(
    ("stage", "act", "phase"),
    [
        ("mail", Say("451 4.3.0 later"), "mail"),
        ("mail", Say("550 5.1.0 no"), "mail"),
        ("rcpt", Say("550 5.1.1 no"), "rcpt"),
        ("rcpt", Raw(b"550-5.1.1 no\r\n550 5.1.1 really\r\n", in_pieces=True), "rcpt"),
        ("rcpt", Say("451 4.2.1 later"), "rcpt"),
        ("rcpt", Say("421 4.3.2 closing"), "rcpt"),
        ("rcpt", Close(), "rcpt"),
        ("data", Say("554 5.7.1 no"), "data"),
        ("data", Say("250 what is DATA?"), "data"),
    ],
)
async def test_a_refusal_of_what_was_opened_ahead_is_that_touch_s_alone(
    stage: str, act: smtp_sink.Act, phase: str
) -> None:
    async with talking() as talk:
        talk.sink.plan(stage, Usual(), act)
        first, second, third = await talk.send(letter(1), letter(2), letter(3))
        assert isinstance(first, ports.Accepted)
        assert isinstance(second, ports.Refused | ports.Deferred)
        assert second.phase == phase
        assert isinstance(third, ports.Accepted)
        assert talk.arrived == parcel(1, 3)
        assert talk.gate.asked == [1, 3]


async def test_a_354_after_a_refused_recipient_opened_ahead_ends_the_connection_without_a_dot() -> None:
    async with talking() as talk:
        talk.sink.plan("rcpt", Usual(), Say("550 5.1.1 no"))
        talk.sink.plan("data", Usual(), Say("354 well then"))
        first, second, third = await talk.send(letter(1), letter(2), letter(3))
        assert (type(first), type(second), type(third)) == (ports.Accepted, ports.Refused, ports.Accepted)
        assert talk.arrived == parcel(1, 3)
        assert (talk.sink.connections, talk.sink.dropped_payloads) == (2, [b""])


async def test_a_gate_that_stays_shut_for_the_one_opened_ahead_ends_the_connection_without_a_dot() -> None:
    async with talking(Gates(shut=(2,))) as talk:
        first, second, third = await talk.send(letter(1), letter(2), letter(3))
        assert second == ports.Deferred("the gate stayed shut", "gate")
        assert isinstance(first, ports.Accepted)
        assert isinstance(third, ports.Accepted)
        assert talk.arrived == parcel(1, 3)
        assert (talk.sink.connections, talk.sink.dropped_payloads) == (2, [b""])


@pytest.mark.parametrize(
    "dot",
    [
        Say("421 4.3.2 closing"),
        Close(),
        Take(Close()),
        Take(Say("421 4.3.2 closing, with your mail")),
        Raw(b"garbage\r\n"),
        Raw(b"199 what\r\n"),
    ],
    ids=["421", "close", "taken and closed", "taken and 421", "garbage", "no code"],
)
async def test_a_dot_without_an_answer_leaves_the_one_opened_behind_it_to_another_connection(
    dot: smtp_sink.Act,
) -> None:
    async with talking() as talk:
        talk.sink.plan("dot", dot)
        first, second = await talk.send(letter(1), letter(2))
        assert isinstance(first, ports.Unknown)
        assert isinstance(second, ports.Accepted)
        assert [one for one in talk.arrived if one[0] == letter(2).recipient] == parcel(2)
        assert talk.gate.asked == [1, 2]
        assert talk.sink.connections == 2


@pytest.mark.parametrize(("code", "kind"), [("451 4.3.0 later", ports.Deferred), ("554 5.6.0 no", ports.Refused)])
async def test_a_refused_dot_is_the_first_s_and_the_second_goes_on_where_it_was_opened(code: str, kind: type) -> None:
    async with talking() as talk:
        talk.sink.plan("dot", Say(code))
        first, second = await talk.send(letter(1), letter(2))
        assert type(first) is kind
        assert isinstance(second, ports.Accepted)
        assert talk.arrived == parcel(2)
        assert talk.sink.connections == 1


@pytest.mark.parametrize("act", [Close(), Say("421 4.4.2 bye")], ids=["closes", "says 421"])
async def test_a_server_that_goes_away_after_its_250_has_taken_one_and_gets_the_other_again(act: smtp_sink.Act) -> None:
    async with talking() as talk:
        talk.sink.plan("mail", Usual(), act)
        first, second = await talk.send(letter(1), letter(2))
        assert isinstance(first, ports.Accepted)
        assert isinstance(second, ports.Accepted)
        assert talk.arrived == parcel(1, 2)
        assert talk.sink.connections == 2


@pytest.mark.parametrize("number", [2, 3, 4], ids=["mail", "rcpt", "data"])
async def test_answers_in_single_bytes_mean_the_same(number: int) -> None:
    async with talking() as talk:
        for stage, said in (("dot", b"250 2.0.0 ok\r\n"), ("mail", b"250 ok\r\n"), ("rcpt", b"250 ok\r\n")):
            talk.sink.plan(stage, *[Raw(said, in_pieces=True)] * number)
        answers = await talk.send(*(letter(n) for n in range(1, number + 1)))
        assert all(isinstance(one, ports.Accepted) for one in answers)
        assert talk.arrived == parcel(*range(1, number + 1))
        assert talk.sink.connections == 1


@pytest.mark.parametrize(
    ("stage", "said"),
    [("dot", b"250 taken\r\n250 and one more\r\n"), ("mail", b"250 ok\r\n250 and one more\r\n"),
     ("rcpt", b"250 ok\r\n250 and one more\r\n"), ("dot", b"250 taken\r\n354 go on\r\n")],
)  # fmt: skip
async def test_more_answers_than_commands_let_no_payload_out_over_that_connection(stage: str, said: bytes) -> None:
    async with talking() as talk:
        skipped = [] if stage == "dot" else [Usual()]
        talk.sink.plan(stage, *skipped, Raw(said))
        first, second = await talk.send(letter(1), letter(2))
        assert isinstance(first, ports.Accepted)
        assert isinstance(second, ports.Accepted | ports.Deferred)  # as it comes: all in one segment or not
        assert talk.arrived == (parcel(1, 2) if isinstance(second, ports.Accepted) else parcel(1))
        assert isinstance((await talk.send(letter(3)))[0], ports.Accepted)
        assert [one.connection > 1 for one in talk.sink.accepted[1:]] == [True] * len(talk.sink.accepted[1:])


async def test_a_server_without_pipelining_has_nothing_opened_ahead() -> None:
    async with talking(extensions=[one for one in EXTENSIONS if one != "PIPELINING"]) as talk:
        seen: list[str] = []
        talk.sink.on_accept = lambda _: seen.append(talk.lines)
        await talk.send(letter(1), letter(2))
        assert seen == ["EMRD", "EMRDMRD"]
        assert talk.arrived == parcel(1, 2)


@pytest.mark.parametrize(
    "second",
    [letter(2, copy_to="julie@abc.example"), letter(2, recipient="é@x.example"), letter(2, raw=RAW + "é\r\n".encode())],
    ids=["a copy goes along", "SMTPUTF8", "8BITMIME"],
)
async def test_what_needs_more_than_three_commands_or_cannot_be_carried_here_is_not_opened_ahead(
    second: ports.Outgoing,
) -> None:
    async with talking(extensions=["PIPELINING"]) as talk:
        seen: list[str] = []
        talk.sink.on_accept = lambda _: seen.append(talk.lines)
        first, _ = await talk.send(letter(1), second)
        assert isinstance(first, ports.Accepted)
        assert seen[0] == "EMRD"


async def test_nothing_is_opened_ahead_once_nothing_may_begin_and_who_waits_is_told_without_a_connection() -> None:
    async with talking() as talk:
        talk.gate.held.clear()
        sending = asyncio.create_task(talk.send(letter(1), letter(2), letter(3)))
        await comes(lambda: talk.gate.asked == [1])
        talk.pool.may_begin = lambda: False
        talk.gate.held.set()
        first, *others = await sending
        assert isinstance(first, ports.Accepted)
        assert others == [ports.Deferred("nothing may leave now", "gate")] * 2
        assert (talk.lines, talk.sink.connections, talk.gate.asked) == ("EMRD", 1, [1])


async def test_one_opened_ahead_that_may_not_begin_any_more_ends_the_connection_without_a_dot() -> None:
    async with talking() as talk:
        hold = asyncio.Event()
        talk.sink.plan("dot", Hold(hold))
        sending = asyncio.create_task(talk.send(letter(1), letter(2)))
        await comes(lambda: talk.sink.holding == 1)
        talk.pool.may_begin = lambda: False
        hold.set()
        first, second = await sending
        assert isinstance(first, ports.Accepted)
        assert second == ports.Deferred("nothing may leave now", "gate")
        assert talk.gate.asked == [1]
        assert talk.arrived == parcel(1)


async def test_closing_lets_the_dot_be_answered_and_sends_nothing_more() -> None:
    async with talking() as talk:
        hold = asyncio.Event()
        talk.sink.plan("dot", Hold(hold))
        sending = asyncio.create_task(talk.send(letter(1), letter(2)))
        await comes(lambda: talk.sink.holding == 1)
        await talk.pool.close()
        hold.set()
        first, second = await sending
        assert isinstance(first, ports.Accepted)
        assert isinstance(second, ports.Deferred)
        assert talk.arrived == parcel(1)


@dataclasses.dataclass(frozen=True)
class Swallow:
    """Take the message, and throw away whatever has come behind it."""

    async def __call__(self, talk: smtp_sink.Conversation) -> bool:
        await talk.usual()
        while (await talk.reader.readline()) != b"DATA\r\n":
            pass
        return False


async def test_a_server_that_throws_away_what_stands_behind_a_dot_is_sent_nothing_there_any_more() -> None:
    async with talking(command_timeout=1.0) as talk:
        talk.sink.plan("dot", Swallow())
        answers = await talk.send(letter(1), letter(2), letter(3), letter(4))
        assert isinstance(answers[0], ports.Accepted)
        assert not talk.pool._opens_ahead
        told = [n for n, answer in enumerate(answers, 1) if isinstance(answer, ports.Accepted)]
        assert talk.arrived == parcel(*told)  # all of them, where this machine answers within a second
        talk.sink.plan("dot", Hold(hold := asyncio.Event()))
        sending = asyncio.create_task(talk.send(letter(5), letter(6)))
        await comes(lambda: talk.sink.holding == 1 or sending.done())
        assert not talk.pool._ahead
        hold.set()
        await sending


async def test_a_dot_that_is_answered_late_holds_up_nobody_but_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "AHEAD", 0.01)
    async with talking(connections=2) as talk:
        holds = [asyncio.Event(), asyncio.Event()]
        talk.sink.plan("dot", *map(Hold, holds))
        sending = [asyncio.create_task(talk.pool.submit(letter(n), talk.gate)) for n in (1, 2, 3)]
        await comes(lambda: talk.sink.holding == 2)
        await comes(lambda: not talk.pool._turns._opened)  # the third stood behind one of the two, for so long
        holds[1].set()
        await comes(sending[2].done)
        assert isinstance(sending[2].result(), ports.Accepted)
        holds[0].set()
        assert [type(await one) for one in sending] == [ports.Accepted] * 3
        assert sorted(talk.arrived) == parcel(1, 2, 3)


@pytest.mark.parametrize("who", [1, 2], ids=["the first", "the one opened ahead"])
async def test_a_submission_that_is_cut_takes_nobody_along(who: int) -> None:
    async with talking() as talk:
        hold = asyncio.Event()
        talk.sink.plan("dot", Hold(hold))
        sending = {n: asyncio.create_task(talk.pool.submit(letter(n), talk.gate)) for n in (1, 2, 3)}
        await comes(lambda: talk.sink.holding == 1)
        sending[who].cancel()
        hold.set()
        answers = await asyncio.gather(*sending.values(), return_exceptions=True)
        assert isinstance(answers[who - 1], asyncio.CancelledError)
        others = [answer for n, answer in enumerate(answers, 1) if n != who]
        assert all(isinstance(one, ports.Accepted) for one in others)
        assert who == 1 or letter(2).recipient not in dict(talk.arrived)
        assert isinstance((await talk.send(letter(4)))[0], ports.Accepted)  # no turn was lost


async def test_no_turn_is_lost_whoever_is_cut_and_whatever_the_server_says() -> None:
    async with talking(connections=3) as talk:
        acts: list[Callable[[], smtp_sink.Act]] = [
            lambda: Say("421 bye"),
            Close,
            Usual,
            lambda: Say("451 later"),
            Usual,
        ]
        for n in range(40):
            for stage in ("mail", "rcpt", "data", "dot"):
                talk.sink.plan(stage, acts[(n * 7 + len(stage)) % 5]())
        sending = [asyncio.create_task(talk.pool.submit(letter(n), talk.gate)) for n in range(60)]
        for n in range(0, 60, 7):
            await comes(lambda n=n: talk.sink.connections > n // 7 or all(one.done() for one in sending))
            sending[n].cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        for stage in ("mail", "rcpt", "data", "dot"):
            talk.sink.once[stage].clear()
        taken = [one.recipients for one in talk.sink.accepted]
        assert len(taken) == len({tuple(one) for one in taken})  # nobody twice
        told = [n for n, one in enumerate(sending) if not one.cancelled() and isinstance(one.result(), ports.Accepted)]
        assert {letter(n).recipient for n in told} <= {one[0] for one in taken}
        assert talk.pool._turns._free == 3
        assert not talk.pool._ahead
        assert all(isinstance(one, ports.Accepted) for one in await talk.send(*map(letter, range(100, 109))))

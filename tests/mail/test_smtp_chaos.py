"""Any faults at any stage, cancellations too: an answer never claims what the server's ledger denies (I1, I5, I7)."""

from __future__ import annotations

import asyncio
import os
import random

import pytest

from cadenced import ports
from cadenced.mail.smtp import Pool, SmtpSettings
from peers import clocks, smtp_sink
from peers.smtp_sink import Close, Hold, Raw, Say, Take

SEEDS = int(os.environ.get("CADENCED_SMTP_SEEDS", "25"))
MESSAGES = 40

DEFINITE = [Say("421 4.3.0 bye"), Say("451 4.3.0 later"), Say("550 5.1.1 no"), Close(), Raw(b"what?\r\n")]
DOUBTFUL = [
    *DEFINITE, Take(Close()), Take(Say("421 4.3.0 bye")), Take(Raw(b"2")), Take(Raw(b"250 ok\r\n", in_pieces=True)),
    Hold(seconds=0.01), Take(Raw(b"250 ok\r\nmore\r\n")), Take(Raw(b"garbage\r\n")), Raw(b"250-not yet\r\n"),
]  # fmt: skip


def disturb(sink: smtp_sink.Sink, chance: random.Random) -> None:
    """Plan some faults for the next messages."""
    for _ in range(MESSAGES):
        stage = chance.choice(["connect", "ehlo", "mail", "rcpt", "data", "payload", "dot", "dot", "rset", "noop"])
        acts: list[smtp_sink.Act] = {"payload": [Close(chance.randint(0, 90))], "dot": DOUBTFUL}.get(stage, DEFINITE)
        quiet = [smtp_sink.Usual()] * chance.randint(0, 6)
        sink.plan(stage, *quiet, chance.choice(acts))


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_no_answer_contradicts_the_ledger(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - a seed that repeats, not a secret
    async with smtp_sink.serve(extensions=["PIPELINING"] if seed % 2 else []) as sink:
        disturb(sink, chance)
        settings = SmtpSettings(sink.host, sink.port, "none", connections=chance.randint(1, 6), dot_timeout=0.3)
        pool = Pool(settings, clocks.HastyClock())

        async def gate(message: ports.Outgoing) -> float | None:
            await asyncio.sleep(chance.choice([0, 0, 0.001]))
            return chance.choice([None, 0.0, *[float("inf")] * 8])

        answers = await asyncio.gather(*(_submit(pool, n, gate, chance) for n in range(MESSAGES)))
        await pool.close()
        ledger = [message.recipients for message in sink.accepted]
        for n, answer in enumerate(answers):
            times = ledger.count((f"p{n}@x.example",))
            assert times in _possible(answer), (seed, n, answer, times)
        assert all(message.raw == _raw(int(message.recipients[0][1:].split("@")[0])) for message in sink.accepted)


def _possible(answer: ports.Answer | None) -> set[int]:
    if isinstance(answer, ports.Accepted):
        return {1}
    return {0, 1} if answer is None or isinstance(answer, ports.Unknown) else {0}


async def _submit(pool: Pool, n: int, gate: ports.Gate, chance: random.Random) -> ports.Answer | None:
    """Return the answer, None when the submission was cancelled and so said nothing."""
    message = ports.Outgoing(n, "julie@abc.example", f"p{n}@x.example", _raw(n), f"<{n}@abc.example>")
    submission = asyncio.create_task(pool.submit(message, gate))
    if chance.random() < 0.2:
        await asyncio.sleep(chance.random() * 0.02)
        submission.cancel()
    [answer] = await asyncio.gather(submission, return_exceptions=True)
    if isinstance(answer, asyncio.CancelledError):
        return None
    if isinstance(answer, BaseException):
        raise answer
    return answer


def _raw(n: int) -> bytes:
    return b"Subject: %d\r\n\r\n.%d\r\n" % (n, n)

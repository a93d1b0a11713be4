"""A submission server with every fault, and the truth of it: which dots were accepted, and when."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cadenced import ports
from simulation.virtual_loop import VirtualLoop, process

IDLE_LIMIT = 300.0
"""Seconds after which the server hangs up on a client that says nothing (RFC 5321, 4.5.3.2.7)."""

WIRE = 0.45
"""The longest that a payload is on its way, in seconds: just under what W allows for."""


@dataclass(frozen=True, slots=True)
class Dot:
    """A message that the server took over."""

    at: float
    message: ports.Outgoing


@dataclass(frozen=True, slots=True)
class Write:
    """A payload that left, whatever became of it. ``settled`` tells that the client got a complete refusal."""

    at: float
    message: ports.Outgoing
    refused: list[bool] = field(default_factory=list)


@dataclass(slots=True)
class Odds:
    """How often what goes wrong, for one submission."""

    refused_early: float = 0.0
    refused_dot: float = 0.0
    goodbye: float = 0.0
    cut: float = 0.0
    lost: float = 0.0
    slow: float = 0.0
    stall: float = 0.0
    blocked: float = 0.0
    dead_address: float = 0.0
    longest_stall: float = 6.0  # seconds between the gate and the payload


class SmtpServer:
    """One provider's way in, as the world knows it."""

    def __init__(self, loop: VirtualLoop, chance: random.Random) -> None:
        self.loop = loop
        self.chance = chance
        self.odds = Odds()
        self.down = False
        self.wire, self.usual = WIRE, 0.3  # a payload's way, and the longest that an answer usually takes (seconds)
        self.beat = 0.0  # answers come at multiples of so many seconds: those of a batch come together
        self.dots: list[Dot] = []
        self.writes: dict[str, list[Write]] = {}
        self.on_accept: Callable[[Dot], None] = lambda _: None
        self.on_write: Callable[[Write], None] = lambda _: None
        self.on_stall: Callable[[ports.Outgoing], None] = lambda _: None
        self.on_transaction: Callable[[ports.Outgoing], None] = lambda _: None
        self.on_step: Callable[[], Awaitable[object]] = _nothing

    def hurry(self) -> None:
        """Be a server nearby, which answers many connections at once."""
        self.wire, self.usual, self.beat = 0.05, 0.05, 0.1

    def hits(self, odds: float) -> bool:
        """Draw, and only where there is something to draw for."""
        return odds > 0 and self.chance.random() < odds

    def write(self, message: ports.Outgoing) -> asyncio.Future[str]:
        """Let a payload leave; the future tells the reply, or that the connection ended."""
        reply: asyncio.Future[str] = self.loop.create_future()
        written = Write(self.loop.time(), message)
        self.writes.setdefault(message.message_id, []).append(written)
        self.on_write(written)
        self.loop.later(self.chance.uniform(0.001, self.wire), self._receive, written, reply)
        return reply

    def _receive(self, written: Write, reply: asyncio.Future[str]) -> None:
        odds = self.odds
        if self.down or self.hits(odds.cut):
            return self._answer(reply, "cut")
        if self.hits(odds.refused_dot):
            written.refused.append(True)
            return self._answer(reply, self.chance.choice(("451 4.3.0 try later", "554 5.6.0 not this")))
        goodbye = self.hits(odds.goodbye)
        if goodbye and self.chance.random() < 0.5:
            return self._answer(reply, "421 4.3.2 closing")
        dot = Dot(self.loop.time(), written.message)
        self.dots.append(dot)
        self.on_accept(dot)
        if goodbye:
            return self._answer(reply, "421 4.3.2 closing, with your mail")
        if self.hits(odds.lost):
            return self._answer(reply, "cut", self.chance.choice((0.01, 1.0, 700.0)))
        patience = (
            self.chance.choice((2.0, 45.0, 400.0)) if self.hits(odds.slow) else self.chance.uniform(0.005, self.usual)
        )
        return self._answer(reply, "250 2.0.0 taken", patience)

    def _answer(self, reply: asyncio.Future[str], text: str, after: float = 0.02) -> None:
        if self.beat:
            after = self.beat * math.ceil((self.loop.time() + after) / self.beat) - self.loop.time()
        self.loop.later(after, lambda: None if reply.done() else reply.set_result(text))


class SimMailer:
    """The client's side: awaits the gate exactly as the real pool does, between 354 and the payload."""

    def __init__(self, server: SmtpServer, clock: ports.Clock, connections: int, dot_timeout: float = 600.0) -> None:
        self.server = server
        self.clock = clock
        self.dot_timeout = dot_timeout
        self._slots = asyncio.Semaphore(connections)

    async def submit(self, message: ports.Outgoing, gate: ports.Gate) -> ports.Answer:
        """Hand one message over."""
        async with self._slots:
            self.server.on_transaction(message)
            refusal = await self._prepare(message)
            if refusal is not None:
                return refusal
            ready_at = self.server.loop.time()
            deadline = await gate(message)
            await self._pause(message, self.server.odds.stall, self.server.odds.longest_stall)
            await asyncio.sleep(0.003)
            return await self._hand_over(message, deadline, ready_at)

    async def _hand_over(self, message: ports.Outgoing, deadline: float | None, ready_at: float) -> ports.Answer:
        if deadline is None:
            return ports.Deferred("the gate stayed shut", "gate")
        if self.server.loop.time() - ready_at > IDLE_LIMIT or self.server.down:
            return ports.Deferred("the server went away while the gate was asked", "gate", mailbox_fault=True)
        if self.is_late(deadline):
            return ports.Deferred("the deadline passed before the payload", "gate")
        self._alive()
        reply = self.server.write(message)
        try:
            text = await asyncio.wait_for(reply, self.dot_timeout)
        except TimeoutError:
            return ports.Unknown("no answer in time")
        self._alive()
        return self.judge(text)

    def is_late(self, deadline: float) -> bool:
        """Whether the payload may no longer leave."""
        return self.clock.monotonic() > deadline

    @staticmethod
    def judge(text: str) -> ports.Answer:
        """Return what a reply to the dot means."""
        if text.startswith("2"):
            return ports.Accepted(text)
        if text.startswith("5"):
            return ports.Refused(int(text[:3]), text[4:], "dot")
        if text == "cut" or text.startswith("421"):
            return ports.Unknown(text)
        return ports.Deferred(text, "dot")

    async def _prepare(self, message: ports.Outgoing) -> ports.Answer | None:
        """Go through connect, MAIL, RCPT and DATA to the 354."""
        server = self.server
        await asyncio.sleep(0.012)
        for phase in ("connect", "mail", "rcpt", "data"):
            await self._pause(message, server.odds.stall / 4, 20.0)
            if server.down or server.hits(server.odds.cut / 4):
                return ports.Deferred(f"connection lost at {phase}", phase, mailbox_fault=True)
            if phase == "rcpt" and server.hits(server.odds.dead_address):
                return ports.Refused(550, "5.1.1 no such user", "rcpt")
            if phase in {"rcpt", "data"} and server.hits(server.odds.refused_early):
                return ports.Deferred("451 4.7.1 greylisted", phase)
            if phase == "mail" and server.hits(server.odds.blocked):
                return ports.Refused(550, "5.7.1 blocked: listed at a blocklist", "data")
        return None

    async def _pause(self, message: ports.Outgoing, odds: float, longest: float) -> None:
        server = self.server
        await server.on_step()
        if server.hits(odds):
            server.on_stall(message)
            await asyncio.sleep(server.chance.uniform(0.0, longest))
            self._alive()

    def _alive(self) -> None:
        owner = process()
        if owner is not None:
            owner.alive()

    async def close(self) -> None:
        """Say goodbye."""


async def _nothing() -> None:
    pass

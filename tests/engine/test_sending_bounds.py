"""What a send waits for has a bound: a process that stands still, copies that are filed slowly, a stop."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import house
import pytest
from test_batches import MANY, cases_of, counted, made
from test_batches_reviewed import Wire
from test_hostile_orders import Home, home

from cadenced import ports
from cadenced.config import SentCopy
from cadenced.core.model import TouchState
from cadenced.engine import letters
from cadenced.engine import sender as sending
from cadenced.engine.letters import Kit, Letter, Order, Refusal
from cadenced.engine.scribe import Scribe
from cadenced.engine.scriptorium import Scriptorium
from simulation.virtual_loop import VirtualLoop

__all__ = ["home"]

TAKEN = ports.Accepted("250 ok")


def lives(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists()


async def test_a_process_that_stands_still_is_done_without(home: Home) -> None:
    cases = cases_of(home)
    apart = Scribe(home.workspace, apart=True, patience=0.5)
    pid = await apart.moved_in()
    os.kill(pid, signal.SIGSTOP)
    several = await asyncio.gather(*(apart.write(cases) for _ in range(3)))
    assert several == [made(home, cases)] * 3
    await house.until(lambda: not lives(pid), 60)


async def test_a_process_that_stands_still_holds_up_no_end(home: Home) -> None:
    apart = Scribe(home.workspace, apart=True)
    pid = await apart.moved_in()
    os.kill(pid, signal.SIGSTOP)
    await apart.close(5)
    await house.until(lambda: not lives(pid), 60)


class OneByOne(Scriptorium):
    """Does one thing after the other, each in twenty seconds of the loop's time."""

    def __init__(self, kit: Kit) -> None:
        super().__init__()
        self.ready.set_result(0)
        self.kit = kit
        self.free_at = 0.0

    async def make(self, orders: Sequence[Order]) -> list[Letter | Refusal]:
        loop = asyncio.get_running_loop()
        self.free_at = max(self.free_at, loop.time()) + 20
        await asyncio.sleep(self.free_at - loop.time())
        self.heard_at = loop.time()
        return [letters.make(self.kit, order) for order in orders]


def test_a_process_that_makes_messages_for_many_is_waited_for_as_long_as_it_moves(home: Home) -> None:
    async def waited() -> list[str]:
        apart = Scribe(home.workspace, apart=True, patience=30)
        room = apart._room = OneByOne(apart._materials())
        apart._moving = asyncio.create_task(asyncio.sleep(0, room))
        cases = cases_of(home)
        await asyncio.gather(*(apart.write(cases) for _ in range(5)))
        return ["apart" if apart._apart else "in place", f"{asyncio.get_running_loop().time():.0f} s"]

    loop = VirtualLoop()
    try:
        began = loop.time()
        assert loop.run_until_complete(waited()) == ["apart", f"{began + 100:.0f} s"]
    finally:
        loop.close()


@dataclass
class SlowToFile(Wire):
    """A server that answers late, and an inbox that files no copy before it is told to."""

    may_file: asyncio.Event = field(default_factory=asyncio.Event)
    filed: int = 0

    async def submit(self, message: ports.Outgoing, gate: ports.Gate) -> ports.Answer:
        assert await gate(message) is not None
        await self.go.wait()
        return TAKEN

    async def file_copy(self, touch: object) -> None:
        await self.may_file.wait()
        self.filed += 1


async def test_touches_wait_for_copies_that_cannot_be_filed_and_none_is_lost(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sending, "UNFILED_MOST", 3)
    everybody = [f"{n}.{email}" for n in range(3) for email in MANY]  # more than may be under way at once
    for email in everybody:
        home.enrol(email)
    wire = SlowToFile(home, lambda _: TAKEN)
    wire.go.set()
    sender = wire.sender()
    assert home.workspace.sent_copy(home.workspace.mailbox("julie")) is SentCopy.AUTO
    for _ in range(5):
        await sender.tick()
        if sender._on_wire:
            await asyncio.wait(list(sender._on_wire.values()))
    before = counted(home, TouchState.SENT)
    assert before < len(everybody)
    wire.may_file.set()
    while counted(home, TouchState.SENT) < len(everybody):
        await sender.tick()
        await sender.drain()
    assert wire.filed == len(everybody)


def test_a_stop_takes_its_grace_once(home: Home) -> None:
    for email in MANY[:2]:
        home.enrol(email)

    async def stopped() -> float:
        wire = SlowToFile(home, lambda _: TAKEN)
        sender = wire.sender()
        await sender.tick()
        loop = asyncio.get_running_loop()
        await asyncio.sleep(1)  # both are armed by now
        began = loop.time()
        loop.call_later(15, wire.go.set)  # the touches end late, and then their copies cannot be filed
        await sender.close(20)
        return loop.time() - began

    loop = VirtualLoop()
    try:
        assert loop.run_until_complete(stopped()) == pytest.approx(20, abs=0.1)
    finally:
        loop.close()

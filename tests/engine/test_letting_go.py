"""A daemon with many parts ends within one grace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from cadenced.engine.supervisor import Crew, Supervisor, Together
from peers.patience import PATIENCE


class Stuck:
    """A part that never ends."""

    has_ended = False

    async def close(self, grace: float) -> None:
        async with asyncio.timeout(grace):
            await asyncio.Event().wait()
        self.has_ended = True


class OneOfMany:
    """A part that ends when each of its kind has been told to: one after the other, none ever does."""

    def __init__(self, all_told: asyncio.Barrier) -> None:
        self._all_told = all_told
        self.has_ended = False

    async def close(self, _grace: float) -> None:
        await self._all_told.wait()
        self.has_ended = True


async def test_a_thousand_parts_end_side_by_side_and_one_that_does_not_keeps_no_other_back() -> None:
    all_told = asyncio.Barrier(1000)
    parts, stuck = [OneOfMany(all_told) for _ in range(1000)], Stuck()
    async with asyncio.timeout(PATIENCE):
        await Together((stuck, *parts)).close(0.5)
    assert all(part.has_ended for part in parts)
    assert not stuck.has_ended


@dataclass
class Busy:
    """A service in the middle of a long tick."""

    name: str = "busy"
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    idle: bool = False
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    may_end: asyncio.Event = field(default_factory=asyncio.Event)

    async def tick(self) -> timedelta:
        self.begun.set()
        await self.may_end.wait()
        return timedelta(seconds=30)

    async def rest(self, span: timedelta) -> None:
        await asyncio.sleep(span.total_seconds())


async def test_a_stop_is_told_at_once_however_long_a_tick_takes() -> None:
    supervisor, busy, told = Supervisor(()), Busy(), asyncio.Event()
    supervisor.services = (busy,)
    running = asyncio.create_task(supervisor.run())
    await busy.begun.wait()
    supervisor.join(Crew((), at_stop=told.set))
    supervisor.at_stop = (all_told := asyncio.Event()).set
    supervisor.stop.set()
    await told.wait()
    await all_told.wait()
    assert not running.done()
    busy.may_end.set()
    await running


async def test_who_joins_after_the_stop_is_told_too() -> None:
    supervisor, busy, told = Supervisor(()), Busy(), asyncio.Event()
    supervisor.services = (busy,)
    running = asyncio.create_task(supervisor.run())
    await busy.begun.wait()
    supervisor.stop.set()
    supervisor.join(Crew((), at_stop=told.set))
    assert told.is_set()
    busy.may_end.set()
    await running

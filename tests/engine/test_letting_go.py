"""A daemon with many parts ends within one grace."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta

from cadenced.engine.supervisor import Crew, Supervisor, Together


class Slow:
    """A part that takes a while to end, or never does."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.has_ended = False

    async def close(self, grace: float) -> None:
        await asyncio.wait_for(asyncio.sleep(self._seconds), grace)
        self.has_ended = True


async def test_a_thousand_parts_end_side_by_side_and_one_that_does_not_keeps_no_other_back() -> None:
    parts = [Slow(0.05) for _ in range(1000)]
    stuck = Slow(3600)
    async with asyncio.timeout(10):
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

"""A service that begins once the first touches have left."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from cadenced.engine.late import Late
from cadenced.engine.service import serve


class Counted:
    """A service that counts its ticks, and ends the loop at the second one."""

    def __init__(self, stop: asyncio.Event) -> None:
        self.name = "counted"
        self.wake = asyncio.Event()
        self.idle = True
        self.ticks = 0
        self.is_closed = False
        self._stop = stop

    async def tick(self) -> timedelta:
        self.ticks += 1
        if self.ticks == 2:
            self._stop.set()
        return timedelta(hours=1)

    async def rest(self, span: timedelta) -> None:
        await asyncio.sleep(span.total_seconds())

    async def close(self) -> None:
        self.is_closed = True


async def test_it_is_made_when_it_may_begin_and_is_woken_as_itself() -> None:
    stop, may_begin, made = asyncio.Event(), asyncio.Event(), list[Counted]()

    def make() -> Counted:
        made.append(Counted(stop))
        return made[0]

    late = Late("counted", may_begin, make)
    running = asyncio.create_task(serve(late, stop))
    await asyncio.sleep(0)
    late.wake.set()  # news that come too early are no reason to begin
    for _ in range(20):
        await asyncio.sleep(0)
    assert not made
    assert not late.idle  # whoever waits until nothing is left to do waits for it
    may_begin.set()
    for _ in range(20):
        await asyncio.sleep(0)
    assert made[0].ticks == 1
    assert late.idle
    late.wake.set()
    await running
    assert made[0].ticks == 2
    await late.close()
    assert made[0].is_closed


async def test_a_stop_before_it_has_begun_ends_it() -> None:
    stop = asyncio.Event()
    late = Late("never", asyncio.Event(), lambda: Counted(stop))
    running = asyncio.create_task(serve(late, stop))
    await asyncio.sleep(0)
    stop.set()
    await running
    await late.close()

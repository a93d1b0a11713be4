"""A daemon with many parts ends within one grace."""

from __future__ import annotations

import asyncio

from cadenced.engine.supervisor import Together


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

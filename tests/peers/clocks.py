"""Clocks for tests: one that only moves when it is told to, and the real one."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta


class RealClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.monotonic()

    async def sleep(self, span: timedelta) -> None:
        await asyncio.sleep(span.total_seconds())


class ToldClock:
    """A clock that stands still until ``advance``; who sleeps wakes when their time has come."""

    def __init__(self, now: datetime = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)) -> None:
        self._now = now
        self._monotonic = 1000.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []
        self.slept: list[float] = []

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._monotonic

    async def sleep(self, span: timedelta) -> None:
        self.slept.append(span.total_seconds())
        event = asyncio.Event()
        self._sleepers.append((self._monotonic + span.total_seconds(), event))
        await event.wait()

    async def advance(self, seconds: float) -> None:
        """Move on and let everybody who wakes run for a while."""
        self._monotonic += seconds
        self._now += timedelta(seconds=seconds)
        for until, event in self._sleepers:
            if until <= self._monotonic:
                event.set()
        self._sleepers = [(until, event) for until, event in self._sleepers if not event.is_set()]
        for _ in range(20):
            await asyncio.sleep(0)


class HastyClock(ToldClock):
    """A clock whose sleeps take no time at all; they are written down."""

    async def sleep(self, span: timedelta) -> None:
        self.slept.append(span.total_seconds())
        self._monotonic += span.total_seconds()
        self._now += span
        await asyncio.sleep(0)

"""Time that is not the machine's: a clock that stands until it is moved, and one on which a day takes a second."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)
BRAKED = 0.05
"""How fast a braked clock runs, as a part of its pace."""

NAP = 0.02
"""The shortest real sleep: services on a fast clock would else spin for nothing."""


class VirtualClock:
    """Stands still until it is moved. Whoever sleeps moves it: there is only one who drives."""

    def __init__(self, now: datetime) -> None:
        self._start = now
        self._now = now

    def now(self) -> datetime:
        """Return the virtual wall clock."""
        return self._now

    def monotonic(self) -> float:
        """Return the virtual seconds since the start."""
        return (self._now - self._start).total_seconds()

    async def sleep(self, span: timedelta) -> None:
        """Move on by ``span``."""
        self.move_to(self._now + span)
        await asyncio.sleep(0)

    def move_to(self, moment: datetime) -> None:
        """Move on to a moment; it never goes back."""
        self._now = max(self._now, moment)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a fast clock runs: real seconds that a day takes.

    The night before ``opens`` and the weekend pass quickly. The hours in which mail leaves get
    most of a day's time, so that a slow machine still sends within them.
    """

    zone: ZoneInfo
    day: float
    opens: int = 6

    def span(self, at: datetime) -> tuple[datetime, float]:
        """Return until when the pace at ``at`` holds, and how many virtual seconds pass in a real one."""
        local = at.astimezone(self.zone)
        midnight = local.replace(hour=0, minute=0, second=0, microsecond=0)
        if local.weekday() >= 5:
            return self._next_day(midnight), DAY.total_seconds() / (self.day * 0.3)
        opens = midnight.replace(hour=self.opens)
        if local < opens:
            return opens.astimezone(UTC), self.opens * 3600 / (self.day * 0.1)
        return self._next_day(midnight), (24 - self.opens) * 3600 / (self.day * 1.15)

    def _next_day(self, midnight: datetime) -> datetime:
        return (midnight + DAY).astimezone(UTC)


class FastClock:
    """The wall clock runs at a ``Pace`` once it is started; monotonic seconds stay real: time-outs mean what they say.

    While ``is_braked`` says so it nearly stands: an hour should not pass while a message is on its way.
    May be read from any thread.
    """

    def __init__(
        self,
        start: datetime,
        pace: Pace,
        is_braked: Callable[[], bool] = lambda: False,
        real: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pace = pace
        self._is_braked = is_braked
        self._real = real
        self._now = start
        self._seen: float | None = None
        self._lock = threading.Lock()

    def start(self) -> None:
        """Let time run."""
        self._seen = self._real()

    def now(self) -> datetime:
        """Return the fast wall clock."""
        with self._lock:
            if self._seen is not None:
                real = self._real()
                left, self._seen = real - self._seen, real
                self._advance(left * BRAKED if self._is_braked() else left)
            return self._now

    def _advance(self, left: float) -> None:
        """Move on by real seconds, at the pace of each hour that passes."""
        while left > 0:
            until, rate = self._pace.span(self._now)
            needed = (until - self._now).total_seconds() / rate
            if needed > left:
                self._now += timedelta(seconds=left * rate)
                return
            self._now, left = until, left - needed

    def monotonic(self) -> float:
        """Return the machine's seconds."""
        return self._real()

    async def sleep(self, span: timedelta) -> None:
        """Return after ``span`` of the fast clock's time, in naps."""
        target = self.now() + span
        await asyncio.sleep(NAP)
        while (now := self.now()) < target:
            _, rate = self._pace.span(now)
            await asyncio.sleep(min(NAP * 5, max(NAP, (target - now).total_seconds() / rate)))

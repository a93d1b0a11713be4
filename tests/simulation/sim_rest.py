"""Quiet hours cost nothing: a service that would only find nothing sleeps on until something can have happened.

A service's tick is never left out while something is ahead of it; it is moved to the first of its own moments that is
not before what comes, so that nobody profits from knowing the future.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from dataclasses import dataclass

from cadenced.engine.workspace import TICK
from simulation.virtual_loop import VirtualLoop

LONGEST = 6 * 3600.0
_TICK = TICK.total_seconds()


@dataclass(slots=True)
class _Rest:
    wake_at: float
    earliest: float
    listens: bool
    done: asyncio.Future[None]
    timer: asyncio.TimerHandle

    def tick_from(self, moment: float) -> float:
        """Return the first of the service's own ticks that is not before a moment: nobody knows what comes."""
        return self.earliest + _TICK * math.ceil(max(0.0, moment - self.earliest) / _TICK)


class Quiet:
    """Who rests, and what is ahead. ``next_due`` says in how many seconds the store has something to do."""

    def __init__(self, loop: VirtualLoop, next_due: Callable[[], float]) -> None:
        self.loop = loop
        self.next_due = next_due
        self._rests: dict[int, _Rest] = {}
        self._upcoming: list[float] = []

    def foresee(self, moment: float, *, everybody: bool = False) -> None:
        """Let no listener rest beyond a moment at which something happens, except for its tick."""
        self._upcoming.append(moment)
        for rest in list(self._rests.values()):
            if rest.wake_at > rest.tick_from(moment) and (rest.listens or everybody):
                self._wake_by(rest, rest.tick_from(moment))

    async def rest(self, seconds: float, *, listens: bool = False) -> None:
        """Sleep; who has nothing to do for a tick or more sleeps on while there is nothing to hear, or to do."""
        if seconds < _TICK:
            await asyncio.sleep(seconds)
            return
        now = self.loop.time()
        earliest = now + _TICK
        ahead = min(self._next_happening(now) if listens else now + self.next_due(), now + LONGEST)
        done = self.loop.create_future()
        rest = _Rest(0.0, earliest, listens, done, self.loop.later(seconds, _finish, done))
        self._wake_by(rest, rest.tick_from(ahead) if listens else max(earliest, ahead))
        self._rests[id(rest)] = rest
        try:
            await done
        finally:
            rest.timer.cancel()
            del self._rests[id(rest)]

    def _wake_by(self, rest: _Rest, moment: float) -> None:
        rest.timer.cancel()
        rest.wake_at = moment
        rest.timer = self.loop.later(moment - self.loop.time(), _finish, rest.done)

    def _next_happening(self, now: float) -> float:
        self._upcoming = [moment for moment in self._upcoming if moment > now]
        return min(self._upcoming, default=now + LONGEST)


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)

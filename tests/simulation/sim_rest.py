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

LONGEST = 24 * 3600.0
_TICK = TICK.total_seconds()


class News(asyncio.Event):
    """An event that whoever rests is told of without a task of their own."""

    def __init__(self) -> None:
        super().__init__()
        self.rests: asyncio.Future[None] | None = None
        self.looked_at = float("-inf")  # when the last look began

    def set(self) -> None:
        super().set()
        if self.rests is not None:
            _finish(self.rests)


@dataclass(slots=True)
class _Rest:
    wake_at: float
    earliest: float
    whose: object
    done: asyncio.Future[None]
    timer: asyncio.TimerHandle

    def tick_from(self, moment: float) -> float:
        """Return the first of the service's own ticks that is not before a moment: nobody knows what comes."""
        return self.earliest + _TICK * math.ceil(max(0.0, moment - self.earliest) / _TICK)


class Quiet:
    """Who rests, and what is ahead. ``next_due`` says in how many seconds the store has something to do.

    Who rests for an inbox has its ticks where something happens to it; ``stir`` tells of that. What happens while
    somebody looks, and may be overlooked, gives them another tick.
    """

    def __init__(self, loop: VirtualLoop, next_due: Callable[[], float]) -> None:
        self.loop = loop
        self.next_due = next_due
        self._rests: dict[int, _Rest] = {}
        self._stirred: dict[object, float] = {}

    def stir(self, whose: object = None) -> None:
        """Let whoever rests for an inbox (None: everybody) have the next tick: something has just happened there."""
        now = self._stirred[whose] = self.loop.time()
        for rest in self._rests.values():
            if (whose is None or rest.whose is whose) and rest.wake_at > rest.tick_from(now):
                self._wake_by(rest, rest.tick_from(now))

    async def rest(self, seconds: float, whose: object = None, news: News | None = None) -> None:
        """Sleep; who has nothing to do for a tick or more sleeps on while there is nothing to hear, or to do."""
        now = self.loop.time()
        done = self.loop.create_future()
        if seconds < _TICK:
            rest = _Rest(now + seconds, now + seconds, whose, done, self.loop.later(seconds, _finish, done))
        else:
            ahead = now + min(LONGEST, self.next_due() if news is None else self._next_look(whose, news))
            rest = _Rest(0.0, now + _TICK, whose, done, self.loop.later(seconds, _finish, done))
            self._wake_by(rest, rest.tick_from(ahead) if whose is not None else max(rest.earliest, ahead))
        if news is not None:
            news.rests = done
        self._rests[id(rest)] = rest
        try:
            await done
        finally:
            rest.timer.cancel()
            if news is not None:
                news.rests, news.looked_at = None, self.loop.time()
            del self._rests[id(rest)]

    def _next_look(self, whose: object, news: News) -> float:
        """Return in how many seconds an inbox is worth a look: at once, if something happened during the last one."""
        stirred = max(self._stirred.get(one, float("-inf")) for one in (whose, None))
        return 0.0 if stirred > news.looked_at else LONGEST

    def _wake_by(self, rest: _Rest, moment: float) -> None:
        rest.timer.cancel()
        rest.wake_at = moment
        rest.timer = self.loop.later(moment - self.loop.time(), _finish, rest.done)


def _finish(done: asyncio.Future[None]) -> None:
    if not done.done():
        done.set_result(None)

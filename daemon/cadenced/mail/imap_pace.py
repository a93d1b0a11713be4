"""How much is asked of a server: logins a second, and questions a second by those mailboxes that listen closely.

One ``Pace`` stands for all mailboxes of a server, so that a thousand of them do not knock at its door at once.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Callable

NEAR = 0.005
"""Seconds that a server takes at most to answer NOOP where it is asked instead of listened to: it is in the house."""
RHYTHM = 0.15
"""Seconds between two questions of one mailbox that listens closely."""
FAR_REST = 30.0
"""Seconds after which a server that was too slow for questions is tried again."""
_ASKED = 100.0
"""Questions a second by all mailboxes of a server together."""

_GAP, _LONGEST_GAP = 0.04, 2.0
"""Seconds between two logins to one server: usually, and while it turns us away."""
_AT_ONCE = 20
"""Logins that need not wait when there were none for a while."""


class Pace:
    """What is asked of one server; ``chance`` is between 0 and 1, and keeps logins from ticking like a clock."""

    def __init__(self, chance: Callable[[], float] = random.random) -> None:
        self.close = 0
        self._chance = chance
        self._gap = _GAP
        self._free_at = float("-inf")

    @property
    def rhythm(self) -> float:
        """Seconds between two questions of one mailbox, however many listen closely."""
        return max(RHYTHM, self.close / _ASKED)

    def reserve(self, now: float) -> float:
        """Return how many seconds from ``now`` (monotonic) a login has to wait for its turn."""
        self._free_at = max(self._free_at, now - _AT_ONCE * self._gap) + self._gap * (0.5 + self._chance())
        return max(0.0, self._free_at - now)

    async def turn(self) -> None:
        """Wait until one more login is no haste."""
        wait = self.reserve(asyncio.get_running_loop().time())
        if wait:
            await asyncio.sleep(wait)

    def turned_away(self) -> None:
        """Knock half as often: the server does not take (so many of) us."""
        self._gap = min(self._gap * 2, _LONGEST_GAP)

    def welcomed(self) -> None:
        """Knock more often again, down to the usual gap."""
        self._gap = max(self._gap / 2, _GAP)


class Nearness:
    """Whether a server answers so fast that asking it now and then costs nothing; the best of three answers counts.

    A server ``in_house``, on this machine, is never far: slow answers then only say that the machine is busy.
    """

    def __init__(self, *, in_house: bool = False) -> None:
        self._in_house = in_house
        self._trips: deque[float] = deque(maxlen=3)
        self._far_until = float("-inf")

    def note(self, trip: float, now: float) -> None:
        """Note how many seconds an answer took."""
        self._trips.append(trip)
        if len(self._trips) == self._trips.maxlen and min(self._trips) > NEAR:
            self._far_until = now + FAR_REST
            self._trips.clear()

    def is_far(self, now: float) -> bool:
        """Whether it was too slow a short while ago."""
        return now < self._far_until and not self._in_house

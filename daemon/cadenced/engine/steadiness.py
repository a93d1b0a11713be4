"""Whether the wall clock can be trusted: while it jumps, or stands before what has happened, nothing is sent."""

from __future__ import annotations

import logging
import threading
from datetime import datetime, timedelta

from cadenced.ports import Clock

log = logging.getLogger(__name__)

JUMP = timedelta(seconds=60)
"""A difference between the two clocks, or to the newest event, that no slow adjustment makes (RELIABILITY 2.5)."""

CALM = timedelta(minutes=2)
"""For so long the wall clock must have run evenly before sends begin again."""


class Steadiness:
    """Compares the wall clock with the monotonic one, from look to look; ``newest`` is the newest known event.

    May be asked from any thread. Meant for real clocks alone: a fast clock jumps by nature.
    """

    def __init__(self, clock: Clock, newest: datetime | None) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wall, self._elapsed = clock.now(), clock.monotonic()
        self._calm_at = self._elapsed
        self._reason = ""
        if newest is not None and self._wall < newest - JUMP:
            self._doubt(f"the clock stands before what happened at {newest:%Y-%m-%d %H:%M} UTC")

    def __call__(self) -> str:
        """Return why the wall clock is not to be trusted now, empty when it is."""
        with self._lock:
            wall, elapsed = self._clock.now(), self._clock.monotonic()
            jump = (wall - self._wall) - timedelta(seconds=elapsed - self._elapsed)
            self._wall, self._elapsed = wall, elapsed
            if abs(jump) > JUMP:
                self._doubt(f"the clock has jumped by {jump.total_seconds():+.0f} s")
            if elapsed >= self._calm_at:
                self._reason = ""
            return self._reason

    def _doubt(self, reason: str) -> None:
        self._reason = reason
        self._calm_at = self._elapsed + CALM.total_seconds()
        log.warning("no send begins: %s", reason, extra={"seconds": CALM.total_seconds()})

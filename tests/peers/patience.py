"""Waiting for what must come: for the event itself, never for a time in which it usually has come.

``PATIENCE`` ends a test that hangs. It is no bound of anything: what is promised within a time is measured by the
moments at which it happened, and nothing else is asked to happen soon, for the machine may be slow or busy.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import TypeVar

PATIENCE = 600.0
"""Seconds."""

T = TypeVar("T")


def until(fact: Callable[[], T], seconds: float = PATIENCE, pause: float = 0.02) -> T:
    """Wait for a fact, and return it."""
    end = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(pause)
    return found


async def comes(fact: Callable[[], T], seconds: float = PATIENCE, pause: float = 0.005) -> T:
    """Wait for a fact while the loop goes on, and return it."""
    end = time.monotonic() + seconds
    while not (found := fact()):
        assert time.monotonic() < end, "it did not happen"
        await asyncio.sleep(pause)
    return found

"""Not locking the owner's account: a login that was refused is left alone for longer and longer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from cadenced import errors

PAUSES = (60.0, 300.0, 900.0)
"""Seconds without any login after the first, the second and every further refusal in a row."""


class LoginGuard:
    """Counts refusals of one login; ``monotonic`` gives seconds. Until one ``is_proven`` they take turns."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self.turn = asyncio.Lock()
        self.is_proven = False
        self._monotonic = monotonic
        self._refusals = 0
        self._until = 0.0
        self._why = ""

    def demand(self) -> None:
        """Raise ``LoginRefusedError`` with the server's words while no login may be tried."""
        left = self._until - self._monotonic()
        if self._refusals and left > 0:
            raise errors.LoginRefusedError(f"{self._why} (not tried again for {left:.0f} s)")

    def accepted(self) -> None:
        """Forget what was refused."""
        self.is_proven = True
        self._refusals = 0

    def refused(self, why: str) -> None:
        """Count a definite refusal."""
        self.is_proven = False
        self._refusals += 1
        self._why = why
        self._until = self._monotonic() + PAUSES[min(self._refusals, len(PAUSES)) - 1]

"""Sleeping in a thread: not by ``time.sleep``, which fails (EINVAL) where libfaketime fakes the wall clock alone."""

from __future__ import annotations

import os
import threading


def rest(seconds: float) -> None:
    """Do nothing for so long; where that is no time at all, let others have their turn."""
    if seconds > 0:
        threading.Event().wait(seconds)
    else:
        os.sched_yield()

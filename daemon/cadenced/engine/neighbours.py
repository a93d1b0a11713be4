"""The other workers on the same PostgreSQL database: told of what was changed here, and heard of what they change.

A change is told after its commit, many changes at once: within a tenth of a second or so. Polling stays as the net.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

from cadenced.engine.workspace import TICK, Workspace
from cadenced.errors import StoreError
from cadenced.store import bell
from cadenced.store.bell import Bell

log = logging.getLogger(__name__)

HASTE = 0.05
"""Seconds between two rings, so that a hundred commits a second do not keep everybody else awake."""


class Neighbours:
    """Rings when woken. ``work`` and ``leases`` are called when another rings."""

    def __init__(self, workspace: Workspace, work: Callable[[], None], leases: Callable[[], None]) -> None:
        self.name = "neighbours"
        self.wake = asyncio.Event()
        self.idle = True
        self._workspace = workspace
        self._bell = Bell(workspace.database, workspace.boot_id, {bell.WORK: work, bell.LEASES: leases})
        self._listening: asyncio.Task[None] | None = None

    async def tick(self) -> timedelta:
        """Tell what has changed since the last time."""
        if self._listening is None:
            self._listening = asyncio.create_task(self._bell.listen(), name="listening")
        database, origin = self._workspace.database, self._workspace.boot_id
        await database.run_outside(_nothing)  # what was said to change is committed by then: the thread is one
        try:
            await database.aside(lambda tx: bell.ring(tx, bell.WORK, origin))
        except StoreError as fault:
            log.debug("not told", extra={"fault": str(fault)})
        await asyncio.sleep(HASTE)
        return TICK

    async def rest(self, span: timedelta) -> None:
        """Sleep in real time."""
        await asyncio.sleep(span.total_seconds())

    async def close(self, grace: float) -> None:  # noqa: ARG002 - the signature of whatever is closed
        """Listen no more."""
        if self._listening is not None:
            self._listening.cancel()
            with suppress(asyncio.CancelledError):
                await self._listening


def _nothing() -> None:
    """Wait for one's turn."""

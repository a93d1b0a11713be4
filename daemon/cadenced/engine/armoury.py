"""The armed send's gate: whoever waits at 354 is fenced and armed together, one NOOP and one commit a batch.

RELIABILITY 2.1: directly before the payload the inbox is read to its end, then one durable commit re-checks that the
touch is still wanted. The payload's first byte must leave within ``arm_ttl`` of that commit, or not at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection

from sqlalchemy import Connection

from cadenced.engine.workspace import Workspace
from cadenced.errors import CadencedError
from cadenced.ports import Outgoing
from cadenced.store import touches

log = logging.getLogger(__name__)

Fence = Callable[[], Awaitable[float | None]]
"""Reads every watched folder to its end; returns when it began (monotonic seconds), None when that failed."""


class Armoury:
    """The gate of one mailbox."""

    def __init__(self, workspace: Workspace, fence: Fence) -> None:
        self._workspace = workspace
        self._fence = fence
        self._waiting: list[tuple[int, asyncio.Future[float | None]]] = []
        self._arming: asyncio.Task[None] | None = None

    async def gate(self, message: Outgoing) -> float | None:
        """Return the monotonic deadline for the payload of ``message``, None when it must not leave (any more)."""
        opened: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((message.touch, opened))
        if self._arming is None or self._arming.done():
            self._arming = asyncio.create_task(self._arm_waiting(), name="armoury")
        return await opened

    async def _arm_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            deadlines: dict[int, float] = {}
            try:
                deadlines = await self._arm([touch for touch, _ in batch])
            except CadencedError as fault:
                log.warning("arming failed", extra={"fault": str(fault)})
            finally:
                for touch, opened in batch:
                    if not opened.done():
                        opened.set_result(deadlines.get(touch))

    async def _arm(self, ids: Collection[int]) -> dict[int, float]:
        began = await self._fence()
        if began is None:
            return {}
        return await self._workspace.database.run(lambda tx: self._commit(tx, ids, began))

    def _commit(self, tx: Connection, ids: Collection[int], fenced_at: float) -> dict[int, float]:
        """Arm what is still wanted, if the fence is fresh when the transaction runs."""
        safety = self._workspace.config.safety
        clock = self._workspace.clock
        moment = clock.monotonic()
        if moment - fenced_at > safety.fence_age.total_seconds():
            return {}
        deadline = moment + safety.arm_ttl.total_seconds()
        return dict.fromkeys(touches.arm(tx, ids, self._workspace.boot_id, clock.now()), deadline)

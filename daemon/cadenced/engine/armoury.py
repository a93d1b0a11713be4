"""The armed send's gate: whoever waits at 354 is fenced and armed together, one NOOP and one commit a batch.

RELIABILITY 2.1: directly before the payload the inbox is read to its end, then one durable commit re-checks that the
touch is still wanted. The payload's first byte must leave within ``arm_ttl`` of that commit, or not at all.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Coroutine

from sqlalchemy import Connection

from cadenced.engine.closing import Closing, Ended
from cadenced.engine.workspace import Workspace
from cadenced.errors import CadencedError
from cadenced.ports import Outgoing
from cadenced.store import copies, touches

log = logging.getLogger(__name__)

FENCE_PATIENCE = 5.0
"""Seconds after which a gate is told no because the inbox is not read yet (RELIABILITY 2.3)."""

Fence = Callable[[], Coroutine[None, None, float | None]]
"""Reads every watched folder to its end; returns when it began (monotonic seconds), None when that failed."""


Waiting = list[tuple[int, "asyncio.Future[float | None]"]]
"""Touches at the gate, each with the answer that is awaited."""

TOO_LATE = float("-inf")
"""The deadline where a commit of arms failed on its way: armed or not, nobody knows, and nothing may leave."""

CLAIM_TTL = 120.0
"""Seconds that a claim may wait for its arming. A process that was stopped meanwhile plans anew."""


class Armoury:
    """The gate of one mailbox."""

    def __init__(self, workspace: Workspace, fence: Fence, closing: Closing | None = None) -> None:
        self._workspace = workspace
        self._fence = fence
        self._closing = closing or Closing(workspace)
        self._closing.arms_follow = self._is_expected
        self._waiting: Waiting = []
        self._claimed_at: dict[int, float] = {}
        self._on_their_way: set[int] = set()
        self._turned_away: set[int] = set()
        self._arming: asyncio.Task[None] | None = None
        self._reading: asyncio.Task[float | None] | None = None

    def note_claim(self, touch: int, looked_at: float) -> None:
        """Note when (monotonic) window and quota of a claimed touch were looked at: they hold for ``CLAIM_TTL``."""
        self._claimed_at[touch] = looked_at
        self._on_their_way.add(touch)

    def forget(self, touch: int) -> None:
        """Forget a touch that has left the wire."""
        self._on_their_way.discard(touch)
        self._claimed_at.pop(touch, None)
        self._turned_away.discard(touch)

    def turned_away(self, touch: int) -> bool:
        """Whether the gate was ready and the touch alone was not wanted any more: that says nothing of the others."""
        return touch in self._turned_away

    async def gate(self, message: Outgoing) -> float | None:
        """Return the monotonic deadline for the payload of ``message``, None when it must not leave (any more)."""
        self._on_their_way.discard(message.touch)
        if message.copy_refused:
            await self._workspace.database.run(lambda tx: copies.note_without(tx, message.touch))
        opened: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        self._waiting.append((message.touch, opened))
        if not self._is_arming():
            self._arming = asyncio.create_task(self._arm_waiting(), name="armoury")
        return await opened

    def _is_arming(self) -> bool:
        return self._arming is not None and not self._arming.done()

    def _is_expected(self) -> bool:
        """Whether touches will soon be armed: they wait here, or are on their way."""
        return self._is_arming() or bool(self._on_their_way)

    async def _arm_waiting(self) -> None:
        while self._waiting:
            batch: Waiting = []
            deadlines: dict[int, float] = {}
            try:
                began = await self._fenced()
                batch = self._take()  # whoever came during the fence too: its age is what counts
                if began is not None:
                    deadlines = dict.fromkeys((touch for touch, _ in batch), TOO_LATE)
                    deadlines = await self._arm(_present(batch), began)
            except CadencedError as fault:
                log.warning("arming failed", extra={"fault": str(fault)})
            except Exception as fault:  # noqa: BLE001 - handed on to those who wait, and by them to the supervisor
                batch = batch or self._take()
                _hand_on(fault, batch)
            finally:
                for touch, opened in batch or self._take():
                    if not opened.done():
                        opened.set_result(deadlines.get(touch))
        if not self._on_their_way:
            asyncio.get_running_loop().call_soon(self._closing.write_on)

    def _take(self) -> Waiting:
        batch, self._waiting = self._waiting, []
        return batch

    async def _arm(self, ids: Collection[int], began: float) -> dict[int, float]:
        """Arm in one commit with the ends of those that were armed before; where these fail, alone."""
        ended = self._closing.take()
        try:
            armed = await self._workspace.database.run(lambda tx: self._commit(tx, ids, began, ended))
        except Exception:  # whose fault it was shows when they are written by themselves
            if not ended:
                raise
            await ended.settle()
            armed = await self._workspace.database.run(lambda tx: self._commit(tx, ids, began))
            return dict.fromkeys(ids, TOO_LATE) | armed
        ended.written()
        return armed

    async def _fenced(self) -> float | None:
        """Ask for the fence, and wait for it no longer than it could be of use: the reading itself goes on."""
        patience = max(FENCE_PATIENCE, self._workspace.config.safety.fence_age.total_seconds())
        until = asyncio.get_running_loop().time() + patience
        if self._reading is not None and not await _ended(self._reading, until):
            return None  # one that began so long ago would not be young enough
        self._reading = asyncio.create_task(self._fence(), name="fence")
        if await _ended(self._reading, until):
            return self._reading.result()
        log.warning("inbox too slow", extra={"patience": patience})
        return None

    def _commit(
        self, tx: Connection, ids: Collection[int], fenced_at: float, ended: Ended | None = None
    ) -> dict[int, float]:
        """Arm what is still wanted, if the fence is fresh when the transaction runs."""
        if ended is not None:
            ended.write(tx)
        safety = self._workspace.config.safety
        clock = self._workspace.clock
        moment = clock.monotonic()
        if moment - fenced_at > safety.fence_age.total_seconds() or self._workspace.unsteady():
            return {}
        deadline = moment + safety.arm_ttl.total_seconds()
        young = [touch for touch in ids if moment - self._claimed_at.get(touch, moment) <= CLAIM_TTL]
        armed = touches.arm(tx, young, self._workspace.boot_id, clock.now())
        if len(armed) < len(ids):
            self._turned_away |= touches.unwanted(tx, set(ids) - armed)
        return dict.fromkeys(armed, deadline)


def _present(batch: Waiting) -> list[int]:
    """Return the touches whose answer is still awaited: who was cancelled has left."""
    return [touch for touch, opened in batch if not opened.done()]


def _hand_on(fault: Exception, batch: Waiting) -> None:
    for _, opened in batch:
        if not opened.done():
            opened.set_exception(fault)


async def _ended(reading: asyncio.Task[float | None], until: float) -> bool:
    """Wait for a reading until a moment of the loop's clock, without ever cutting it."""
    left = until - asyncio.get_running_loop().time()
    done, _ = await asyncio.wait({reading}, timeout=max(0.0, left))
    return bool(done)

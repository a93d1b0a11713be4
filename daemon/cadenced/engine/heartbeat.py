"""A worker's sign of life on a shared database; while it fails, nothing new is begun (RELIABILITY 2.2)."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from cadenced.errors import StoreError
from cadenced.ports import Clock
from cadenced.store import leases
from cadenced.store.database import Database
from cadenced.store.leases import RENEW, SPAN, Worker

log = logging.getLogger(__name__)

APART = timedelta(seconds=5)
"""So far this machine's clock may be from the database's: due moments are one clock's, and seen by all workers."""


class Heartbeat:
    """Keeps one worker alive. ``on_loss`` is called when its time was up: what it held may be others' by now."""

    def __init__(self, database: Database, clock: Clock, worker: Worker, span: timedelta = SPAN) -> None:
        self.worker = worker
        self.span = span
        self.is_lost = False
        self.on_loss: Callable[[], None] = lambda: None
        self._database = database
        self._clock = clock
        self._heard_at = float("-inf")
        self._apart = timedelta()
        self._beating: asyncio.Task[None] | None = None
        self._is_mute = False

    async def begin(self) -> None:
        """Register, for the first time or after a loss, and beat from now on; StoreError when that cannot be."""
        asked = self._clock.monotonic()
        self.worker = replace(self.worker, since=None)
        told = await self._database.aside(lambda tx: leases.register(tx, self.worker, self.span))
        self.is_lost = False
        self._note(asked, told)
        if self._beating is None:
            self._beating = asyncio.create_task(self._beat_on(), name="heartbeat")

    async def end(self) -> None:
        """Beat no more."""
        if self._beating is not None:
            self._beating.cancel()
            with suppress(asyncio.CancelledError):
                await self._beating
            self._beating = None

    def doubt(self) -> str:
        """Return why nothing may begin here now, empty where this worker surely lives and its clock is right."""
        if self.is_lost:
            return "this worker was silent for too long; it begins anew"
        silent = self._clock.monotonic() - self._heard_at
        if silent > self.span.total_seconds() / 2:
            return f"the database has not heard of this worker for {silent:.0f} s"
        if abs(self._apart) > APART:
            return f"this machine's clock and the database's are {self._apart.total_seconds():+.0f} s apart"
        return ""

    async def _beat_on(self) -> None:
        while True:
            await self._clock.sleep(RENEW * (self.span / SPAN))
            if not self.is_lost:
                await self.beat()

    async def beat(self) -> None:
        """Renew once; a database that cannot be reached is tried again."""
        asked = self._clock.monotonic()
        try:
            told = await self._database.aside(partial(leases.renew, boot=self.worker.boot, span=self.span))
        except StoreError as fault:
            if not self._is_mute:
                log.warning("lease not renewed", extra={"fault": str(fault)})
            self._is_mute = True
            return
        if told is None:
            log.warning("silent for too long: mailboxes are given up", extra={"worker": self.worker.boot})
            self.is_lost = True
            self.on_loss()
        else:
            self._note(asked, told)

    def _note(self, asked: float, told: datetime) -> None:
        """Remember the moment before the question: the database's answer is at least that young."""
        self._heard_at = asked
        self._is_mute = False
        apart = self._clock.now() - told
        if abs(apart) > APART >= abs(self._apart):
            log.error("no send begins: the clock differs from the database's", extra={"seconds": apart.total_seconds()})
        self._apart = apart

"""A service that begins once the first touches have left: what it is made of is imported then, and delays none."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from cadenced.engine.service import Service
from cadenced.engine.workspace import TICK


class Late:
    """Stands in for a service until ``may_begin`` is set, and is that service from then on."""

    def __init__(self, name: str, may_begin: asyncio.Event, make: Callable[[], Service]) -> None:
        self.name = name
        self.wake = asyncio.Event()
        self._may_begin = may_begin
        self._make = make
        self._service: Service | None = None

    @property
    def idle(self) -> bool:
        """Whether it has begun, and nothing is left that could be done now."""
        return self._service is not None and self._service.idle

    async def tick(self) -> timedelta:
        """Begin, if that may be, and do what is to be done now."""
        if not self._may_begin.is_set():
            return TICK
        if self._service is None:
            self._service = self._make()
            self._service.wake = self.wake
        return await self._service.tick()

    async def rest(self, span: timedelta) -> None:
        """Rest as the service does; before it has begun, until it may."""
        if self._service is None:
            await self._may_begin.wait()
        else:
            await self._service.rest(span)

    async def close(self) -> None:
        """Let go of a service that has something to let go of."""
        close = getattr(self._service, "close", None)
        if close is not None:
            await close()

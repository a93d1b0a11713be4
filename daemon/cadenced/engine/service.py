"""A service is a tick. One loop runs them all; a tick is never cut, and stop is an event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Protocol


class Service(Protocol):
    """Something that runs as long as the daemon does."""

    name: str
    wake: asyncio.Event

    @property
    def idle(self) -> bool:
        """Whether nothing is left that could be done now."""
        ...

    async def tick(self) -> timedelta:
        """Do what is to be done now; return how long nothing more is expected."""
        ...

    async def rest(self, span: timedelta) -> None:
        """Let ``span`` pass, or return earlier when there is news; may be cancelled at any time."""
        ...


async def serve(service: Service, stop: asyncio.Event) -> None:
    """Tick until ``stop`` is set."""
    while not stop.is_set():
        service.wake.clear()
        span = await service.tick()
        if span > timedelta(0):
            await _first_of(service.rest(span), service.wake.wait(), stop.wait())
        else:
            await asyncio.sleep(0)


async def _first_of(*waits: Awaitable[object]) -> None:
    """Return when the first is done; the others are cancelled and have ended by then. Its fault is raised."""
    tasks = [asyncio.ensure_future(wait) for wait in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result

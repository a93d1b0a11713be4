"""Runs all services under one TaskGroup until a signal, a fault, or (when asked) until nothing is left to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from cadenced.engine.service import Service, serve

log = logging.getLogger(__name__)

GRACE = 20.0
"""Seconds that sends on the wire have to end after SIGTERM."""

_QUIET_ROUNDS = 3


class Leaves(Protocol):
    """A part that lets go by itself."""

    async def close(self) -> None:
        """End."""
        ...


@dataclass(frozen=True, slots=True)
class Leaving:
    """Lets a part go, and waits no longer than the grace."""

    part: Leaves

    async def close(self, grace: float) -> None:
        """End it."""
        await asyncio.wait_for(self.part.close(), grace)


class Closes(Protocol):
    """A part that must be let go of in an orderly way, within ``grace`` seconds."""

    async def close(self, grace: float) -> None:
        """End."""
        ...


@dataclass(slots=True)
class Supervisor:
    """Owns the services' tasks. ``pulse`` is called about every second while all of them move."""

    services: Sequence[Service]
    closes: Sequence[Closes] = ()
    pulse: Callable[[], None] = field(default=lambda: None)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(self, *, until_idle: bool = False, settle: float = 0.3) -> None:
        """Run until ``stop`` is set; a service that dies ends the daemon with its exception."""
        try:
            async with asyncio.TaskGroup() as group:
                for service in self.services:
                    group.create_task(self._guard(service), name=service.name)
                group.create_task(self._beat(), name="pulse")
                if until_idle:
                    group.create_task(self._stop_when_idle(settle), name="idleness")
        except BaseExceptionGroup as faults:
            raise _first(faults) from None
        finally:
            await self._close()

    async def _guard(self, service: Service) -> None:
        try:
            await serve(service, self.stop)
        except Exception:
            log.exception("service died", extra={"service": service.name})
            self.stop.set()
            raise

    async def _beat(self) -> None:
        while not self.stop.is_set():
            self.pulse()
            try:
                await asyncio.wait_for(self.stop.wait(), 1.0)
            except TimeoutError:
                continue

    async def _stop_when_idle(self, settle: float) -> None:
        """Stop once every service has been idle for several looks in a row, each after another tick."""
        quiet = 0
        while quiet < _QUIET_ROUNDS and not self.stop.is_set():
            await asyncio.sleep(settle)
            idle = all(service.idle for service in self.services)
            quiet = quiet + 1 if idle else 0
            if idle:
                for service in self.services:
                    service.wake.set()
        self.stop.set()

    async def _close(self) -> None:
        """Let go of one part after the other, all within one grace; one that does not end keeps no other back."""
        until = asyncio.get_running_loop().time() + GRACE
        for part in self.closes:
            try:
                await part.close(max(1.0, until - asyncio.get_running_loop().time()))
            except TimeoutError:
                log.warning("a part did not end in time", extra={"part": type(part).__name__})


def _first(faults: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the fault that ended the daemon; the others followed from it."""
    fault: BaseException = faults
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return fault

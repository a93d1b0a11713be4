"""Runs all services under one TaskGroup until a signal, a fault, or (when asked) until nothing is left to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol

from cadenced.engine.service import Service, serve
from cadenced.errors import CadencedError

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
        async with asyncio.timeout(grace):
            await self.part.close()


class Closes(Protocol):
    """A part that must be let go of in an orderly way, within ``grace`` seconds."""

    async def close(self, grace: float) -> None:
        """End."""
        ...


@dataclass(frozen=True, slots=True)
class Together:
    """Parts that are let go of side by side: a thousand one after the other would take longer than any grace."""

    parts: Sequence[Closes]

    async def close(self, grace: float) -> None:
        """End them."""
        await asyncio.gather(*(_let_go(part, grace) for part in self.parts))


@dataclass(slots=True)
class Crew:
    """Services that come and go together while the daemon runs, and what is let go of after them, in this order."""

    services: Sequence[Service]
    closes: Sequence[Closes] = ()
    at_stop: Callable[[], None] = field(default=lambda: None)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    def end(self) -> None:
        """Begin nothing any more, from this moment on; ticks under way end by themselves, however long they take."""
        self.stop.set()
        self.at_stop()


@dataclass(slots=True)
class Supervisor:
    """Owns the services' tasks. ``pulse`` is called about every second while all of them move.

    ``at_stop`` is called at the stop itself: ticks under way are not cut, and may take their time.
    """

    services: Sequence[Service]
    closes: Sequence[Closes] = ()
    at_stop: Callable[[], None] = field(default=lambda: None)
    pulse: Callable[[], None] = field(default=lambda: None)
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    _crews: list[Crew] = field(default_factory=list)
    _group: asyncio.TaskGroup | None = None

    async def run(self, *, until_idle: bool = False, settle: float = 0.3) -> None:
        """Run until ``stop`` is set; a service that dies ends the daemon with its exception."""
        try:
            async with asyncio.TaskGroup() as self._group:
                for service in self.services:
                    self._group.create_task(self._guard(service, self.stop), name=service.name)
                self._group.create_task(self._beat(), name="pulse")
                self._group.create_task(self._tell(), name="stopping")
                if until_idle:
                    self._group.create_task(self._stop_when_idle(settle), name="idleness")
        except BaseExceptionGroup as faults:
            raise _first(faults) from None
        finally:
            await self._close()

    def join(self, crew: Crew) -> None:
        """Let a crew begin; whoever asks for it also lets it go, after ``stop`` too."""
        if self._group is None:
            raise RuntimeError("the supervisor does not run yet")
        if self.stop.is_set():
            crew.end()
        self._crews.append(crew)
        crew.tasks += [
            self._group.create_task(self._guard(service, crew.stop), name=service.name) for service in crew.services
        ]

    async def part(self, crew: Crew, grace: float) -> None:
        """Let a crew end: no tick of its services is cut, then each of its parts has ``grace`` seconds."""
        crew.end()
        if crew.tasks:
            await asyncio.wait(crew.tasks)
        for part in crew.closes:
            await _let_go(part, grace)
        if crew in self._crews:
            self._crews.remove(crew)

    async def _guard(self, service: Service, stop: asyncio.Event) -> None:
        try:
            await _serve_whole(service, stop)
        except Exception as fault:
            known = isinstance(fault, CadencedError)  # it says by itself what is wrong
            log.exception("service died", extra={"service": service.name, "fault": str(fault)}, exc_info=not known)
            self.stop.set()
            raise

    async def _tell(self) -> None:
        await self.stop.wait()
        self.at_stop()
        for crew in self._crews:
            crew.end()

    def _all(self) -> list[Service]:
        return [*self.services, *(service for crew in self._crews for service in crew.services)]

    async def _beat(self) -> None:
        while not self.stop.is_set():
            self.pulse()
            with suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self.stop.wait()

    async def _stop_when_idle(self, settle: float) -> None:
        """Stop once every service has been idle for several looks in a row, each after another tick."""
        quiet = 0
        while quiet < _QUIET_ROUNDS and not self.stop.is_set():
            await asyncio.sleep(settle)
            idle = all(service.idle for service in self._all())
            quiet = quiet + 1 if idle else 0
            if idle:
                for service in self._all():
                    service.wake.set()
        self.stop.set()

    async def _close(self) -> None:
        """Let go of one part after the other, all within one grace; one that does not end keeps no other back."""
        until = asyncio.get_running_loop().time() + GRACE
        for part in self.closes:
            await _let_go(part, max(1.0, until - asyncio.get_running_loop().time()))


async def _serve_whole(service: Service, stop: asyncio.Event) -> None:
    """Serve; a tick that was cut from within, by a future that is cancelled, is a fault: no TaskGroup would notice."""
    try:
        await serve(service, stop)
    except asyncio.CancelledError as cut:
        task = asyncio.current_task()
        if task is None or task.cancelling():
            raise
        raise RuntimeError("a tick was cut from within") from cut


async def _let_go(part: Closes, grace: float) -> None:
    try:
        await part.close(grace)
    except TimeoutError:
        log.warning("a part did not end in time", extra={"part": type(part).__name__})


def _first(faults: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the fault that ended the daemon; the others followed from it."""
    fault: BaseException = faults
    while isinstance(fault, BaseExceptionGroup):
        fault = fault.exceptions[0]
    return fault

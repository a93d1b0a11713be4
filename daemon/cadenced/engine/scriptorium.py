"""The process that makes letters, from outside: what is asked of it is answered in order, or not at all."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Sequence
from typing import Any, Self, cast

from cadenced.engine import parcels
from cadenced.engine.letters import Kit, Letter, Order, Refusal

_CODE = "import sys; sys.path[:] = sys.argv[1:]; from cadenced.engine import copyist; copyist.main()"
_KEPT = ("PYTHONTZPATH", "LD_LIBRARY_PATH")
"""What the process sees of our environment, in which secrets stand: where to find zones of time and libraries."""


class GoneError(Exception):
    """The process has ended, and what was asked of it stays unanswered."""


class Scriptorium(asyncio.SubprocessProtocol):
    """One process. ``heard_at`` is when something came from it, by the loop's clock; ``ready`` has its id."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.heard_at = float("-inf")
        self.ready: asyncio.Future[int] = loop.create_future()
        self.ended: asyncio.Future[None] = loop.create_future()
        self._loop = loop
        self._asked: deque[asyncio.Future[list[Letter | Refusal]]] = deque()
        self._read = bytearray()
        self._process: asyncio.SubprocessTransport | None = None

    @classmethod
    async def begin(cls, kit: Kit) -> Self:
        """Start a process and give it its kit; OSError where there cannot be one."""
        loop = asyncio.get_running_loop()
        command = [sys.executable, "-P", "-s", "-S", "-c", _CODE, *sys.path]
        env = {name: os.environ[name] for name in _KEPT if name in os.environ}
        _, protocol = await loop.subprocess_exec(cls, *command, env=env, stderr=None)
        protocol.give(kit)
        return protocol

    def give(self, kit: Kit) -> None:
        """Have what is asked from now on made with this kit."""
        self._send(parcels.of_kit(kit))

    async def make(self, orders: Sequence[Order]) -> list[Letter | Refusal]:
        """Return what came of each order; GoneError where the process ends meanwhile."""
        parcel = parcels.of_orders(orders)
        if self.ended.done():
            raise GoneError("the process that makes letters has ended")
        answer: asyncio.Future[list[Letter | Refusal]] = self._loop.create_future()
        self._asked.append(answer)
        self._send(parcel)
        return await answer

    def leave(self) -> None:
        """Let the process end once it has made what it was asked for."""
        pipe = self._pipe()
        if pipe is not None:
            pipe.close()

    def kill(self) -> None:
        """End the process now."""
        if self._process is not None and not self.ended.done():
            self._process.kill()

    def _send(self, parcel: bytes) -> None:
        pipe = self._pipe()
        if pipe is not None:
            pipe.write(parcel)

    def _pipe(self) -> asyncio.WriteTransport | None:
        pipe = self._process.get_pipe_transport(0) if self._process is not None else None
        return cast("asyncio.WriteTransport | None", pipe)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Note the process."""
        self._process = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:  # noqa: ARG002 - the signature of a protocol
        """Hand on what is whole."""
        self.heard_at = self._loop.time()
        self._read += data
        head = parcels.HEAD.size
        while len(self._read) >= head:
            length, told = parcels.HEAD.unpack_from(self._read)
            if len(self._read) < head + length:
                return
            parcel = bytes(memoryview(self._read)[head : head + length])
            del self._read[: head + length]
            self._take(parcel, told)

    def _take(self, parcel: bytes, told: int) -> None:
        if not self.ready.done():
            self.ready.set_result(int(parcel))
            return
        answer = self._asked.popleft()
        if not answer.done():  # who asked may have been cancelled
            answer.set_result(parcels.letters_of(parcel, told))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - the signature of a protocol
        """Tell all who wait that nothing more will come: it has ended, and all that it said is read."""
        gone = GoneError("the process that makes letters has ended")
        waiting: list[asyncio.Future[Any]] = [self.ready, *self._asked]
        for answer in waiting:
            if not answer.done():
                answer.set_exception(gone)
                answer.exception()  # nobody may be waiting
        self._asked.clear()
        if not self.ended.done():
            self.ended.set_result(None)

"""The scribe makes messages: in place where they are few, in a process of its own where many are due.

Rendering, wording and composing cost more than all the rest of a send together, and need neither store nor network.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Sequence
from concurrent.futures import Executor

from cadenced.engine import preparation
from cadenced.engine.preparation import Case, Materials, Obstacle, Prepared
from cadenced.engine.workspace import Workspace
from cadenced.library import Library

log = logging.getLogger(__name__)

FEW = 12
"""So many messages are made in place at a time: they keep the event loop for some milliseconds."""

PATIENCE = 30.0
"""Seconds without a sign of life after which the process is done without: it makes a thousand messages in one."""

FAREWELL = 1.0
"""Seconds that the process has to end by itself; one that was stopped never would, and would hold up our own end."""

Made = Prepared | Obstacle


class Scribe:
    """Makes the messages of a workspace; ``apart`` allows it a process of its own, started with the first busy hour."""

    def __init__(self, workspace: Workspace, *, apart: bool = False, patience: float = PATIENCE) -> None:
        self._workspace = workspace
        self._apart = apart
        self._patience = patience
        self._library: Library | None = None
        self._kit: Materials | None = None
        self._room: Executor | None = None
        self._moving: asyncio.Future[int] | None = None
        self._heard_at = float("-inf")  # by the loop's clock

    async def write(self, cases: Sequence[Case]) -> list[Made]:
        """Return what came of each case, in order."""
        kit = self._materials()
        if not self._apart or len(cases) <= FEW:
            return await _in_place(kit, cases)
        try:
            self._move_in(kit)
            if self._room is None or self._moving is None or not self._moving.done():
                return await _in_place(kit, cases)  # nobody waits for a process that begins
            self._moving.result()
            return await self._write_apart(self._room, cases)
        except Exception as fault:  # noqa: BLE001 - killed, or it could not begin; what is a case's fault shows below
            log.warning("messages are made in place from now on", extra={"fault": str(fault)})
            self._apart = False
            if isinstance(fault, TimeoutError):
                _see_off(self._pid(), 0.0)
            self._let_go()
            return await _in_place(kit, cases)

    async def _write_apart(self, room: Executor, cases: Sequence[Case]) -> list[Made]:
        """Have them made in the process; TimeoutError where nothing at all has come from it for long (SIGSTOP)."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        making = loop.run_in_executor(room, _write, cases)
        while not making.done():
            await asyncio.wait({making}, timeout=self._patience)
            if not making.done() and loop.time() - max(asked_at, self._heard_at) >= self._patience:
                raise TimeoutError("the process that makes messages stands still")
        self._heard_at = loop.time()
        return making.result()

    async def moved_in(self) -> int:
        """Wait until the process can be given work; returns its id."""
        self._move_in(self._materials())
        return await self._moving if self._moving is not None else 0

    def _move_in(self, kit: Materials) -> None:
        if self._room is None:
            self._room = _room(kit)
            self._moving = asyncio.get_running_loop().run_in_executor(self._room, os.getpid)

    async def close(self, grace: float) -> None:
        """End the process, if there is one; one that does not move is killed."""
        pid = self._pid()
        self._let_go()
        await asyncio.to_thread(_see_off, pid, min(grace, FAREWELL))

    def _pid(self) -> int:
        moving = self._moving
        is_known = moving is not None and moving.done() and not moving.cancelled() and moving.exception() is None
        return moving.result() if moving is not None and is_known else 0

    def _let_go(self) -> None:
        """Let the process end once it has made what it was given: a cancelled tick is a dead sender."""
        room, self._room, self._moving = self._room, None, None
        if room is not None:
            room.shutdown(wait=False)

    def _materials(self) -> Materials:
        """Return the materials of the hour; after an edit the process begins anew with those."""
        library = self._workspace.library
        if self._kit is None or library is not self._library:
            self._let_go()
            self._library, self._kit = library, preparation.materials(self._workspace)
        return self._kit


async def _in_place(kit: Materials, cases: Sequence[Case]) -> list[Made]:
    """Make messages here, and let others have their turn every now and then."""
    made: list[Made] = []
    for case in cases:
        made.append(preparation.prepare(kit, case))
        if len(made) % FEW == 0:
            await asyncio.sleep(0)
    return made


_kits: list[Materials] = []
"""In the scribe's own process: what it makes messages from."""


def _room(kit: Materials) -> Executor:
    import multiprocessing  # noqa: PLC0415 - a daemon with little to do never needs it
    from concurrent.futures import ProcessPoolExecutor  # noqa: PLC0415 - as above

    context = multiprocessing.get_context("spawn")  # a fork would copy threads' locks and open connections
    return ProcessPoolExecutor(1, mp_context=context, initializer=_furnish, initargs=(kit,))


def _see_off(pid: int, patience: float) -> None:
    """Wait for the end of a child process (0: there is none), and bring it about where it does not come."""
    import multiprocessing  # noqa: PLC0415 - where there is a process it is there already

    for child in multiprocessing.active_children() if pid else ():
        if child.pid == pid:
            child.join(patience)
            child.kill()


def _furnish(kit: Materials) -> None:
    """Begin in the new process: signals are the parent's affair, and its end is ours."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _kits[:] = [kit]
    threading.Thread(target=_follow, name="follow the parent", daemon=True).start()


def _follow() -> None:
    import multiprocessing.connection  # noqa: PLC0415 - in the new process it is there already

    parent = multiprocessing.parent_process()
    if parent is not None:
        multiprocessing.connection.wait([parent.sentinel])
    os._exit(0)


def _write(cases: Sequence[Case]) -> list[Made]:
    return [preparation.prepare(_kits[0], case) for case in cases]

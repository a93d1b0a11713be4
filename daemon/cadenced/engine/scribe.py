"""The scribe makes messages: in place where they are few, in a process of its own where many are due.

Rendering, wording and composing cost as much as all the rest of a send together, and need neither store nor network.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from cadenced.engine import preparation
from cadenced.engine.letters import Kit
from cadenced.engine.preparation import Case, Obstacle, Prepared
from cadenced.engine.scriptorium import GoneError, Scriptorium
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
        self._kit: Kit | None = None
        self._room: Scriptorium | None = None
        self._moving: asyncio.Task[Scriptorium] | None = None

    async def write(self, cases: Sequence[Case]) -> list[Made]:
        """Return what came of each case, in order."""
        kit = self._materials()
        if not self._apart or len(cases) <= FEW:
            return await _in_place(kit, cases)
        try:
            self._move_in(kit)
            if self._room is None or not self._room.ready.done():
                return await _in_place(kit, cases)  # nobody waits for a process that begins
            return await self._write_apart(self._room, cases)
        except (OSError, GoneError, TypeError, TimeoutError) as fault:
            # killed, or it could not begin, or what a case holds cannot travel; what is a case's own fault shows below
            log.warning("messages are made in place from now on", extra={"fault": str(fault)})
            self._apart = False
            await self._let_go(0.0)
            return await _in_place(kit, cases)

    async def _write_apart(self, room: Scriptorium, cases: Sequence[Case]) -> list[Made]:
        """Have them made in the process; TimeoutError where nothing at all has come from it for long (SIGSTOP)."""
        loop = asyncio.get_running_loop()
        asked_at = loop.time()
        making = loop.create_task(room.make([preparation.order_of(case) for case in cases]), name="letters")
        try:
            while not making.done():
                await asyncio.wait({making}, timeout=self._patience)
                if not making.done() and loop.time() - max(asked_at, room.heard_at) >= self._patience:
                    raise TimeoutError("the process that makes messages stands still")
        finally:
            making.cancel()
        return [preparation.answer_to(case, made) for case, made in zip(cases, making.result(), strict=True)]

    async def moved_in(self) -> int:
        """Wait until the process can be given work; returns its id."""
        self._move_in(self._materials())
        return await (await self._moving).ready if self._moving is not None else 0

    def _move_in(self, kit: Kit) -> None:
        """Have a process begun, or find out how that went; OSError where there cannot be one."""
        if self._moving is None:
            self._moving = asyncio.create_task(self._begun(kit), name="scribe")
        elif self._moving.done():
            self._moving.result()

    async def _begun(self, kit: Kit) -> Scriptorium:
        room = await Scriptorium.begin(kit)
        if self._kit is not None and self._kit is not kit:
            room.give(self._kit)  # edited meanwhile
        self._room = room
        return room

    async def close(self, grace: float) -> None:
        """End the process, if there is one; one that does not move is killed."""
        await self._let_go(min(grace, FAREWELL))

    async def _let_go(self, patience: float) -> None:
        """Let the process end once it has made what it was given, within so many seconds."""
        moving, self._moving, self._room = self._moving, None, None
        if moving is None:
            return
        try:
            room = await moving
        except OSError:
            return
        room.leave()
        await asyncio.wait({room.ended}, timeout=patience)
        room.kill()
        await asyncio.wait({room.ended}, timeout=FAREWELL)

    def _materials(self) -> Kit:
        """Return the materials of the hour; after an edit the process goes on with those."""
        library = self._workspace.library
        if self._kit is None or library is not self._library:
            self._library, self._kit = library, preparation.materials(self._workspace)
            if self._room is not None:
                self._room.give(self._kit)
        return self._kit


async def _in_place(kit: Kit, cases: Sequence[Case]) -> list[Made]:
    """Make messages here, and let others have their turn every now and then."""
    made: list[Made] = []
    for case in cases:
        made.append(preparation.prepare(kit, case))
        if len(made) % FEW == 0:
            await asyncio.sleep(0)
    return made

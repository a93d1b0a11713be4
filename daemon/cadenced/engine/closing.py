"""The end of submissions: those that end together are written in one commit, each waits until its end is durable."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from sqlalchemy import Connection

from cadenced import ports
from cadenced.engine import settling
from cadenced.engine.desk import Claimed
from cadenced.engine.workspace import Workspace

log = logging.getLogger(__name__)

Ended = tuple[Claimed, ports.Answer]


class Closing:
    """Settles one mailbox's submissions, as many at once as have ended meanwhile."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._waiting: list[tuple[Ended, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def settle(self, claimed: Claimed, answer: ports.Answer) -> None:
        """Write what came of a submission; returns when that is durable, raises what the store raises."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(((claimed, answer), done))
        if self._writing is None or self._writing.done():
            self._writing = asyncio.create_task(self._write_waiting(), name="closing")
        await done

    async def _write_waiting(self) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting, []
            accepted = [one for one in batch if isinstance(one[0][1], ports.Accepted)]
            if accepted:
                await self._write(accepted)
            for one in batch:
                if not isinstance(one[0][1], ports.Accepted):
                    await self._write([one])

    async def _write(self, batch: Sequence[tuple[Ended, asyncio.Future[None]]]) -> None:
        """Write some ends in one transaction; where that fails, each alone, so that one cannot spoil the others'."""
        try:
            await self._workspace.database.run(lambda tx: self._settle(tx, [ended for ended, _ in batch]))
        except Exception as fault:  # noqa: BLE001 - handed on to those who wait, and by them to the supervisor
            if len(batch) > 1:
                log.warning("settling one by one", extra={"fault": str(fault)})
                for one in batch:
                    await self._write([one])
                return
            batch[0][1].set_exception(fault)
            return
        for _, done in batch:
            if not done.done():
                done.set_result(None)

    def _settle(self, tx: Connection, batch: Sequence[Ended]) -> None:
        accepted = [(claimed, answer) for claimed, answer in batch if isinstance(answer, ports.Accepted)]
        if accepted:
            settling.settle_accepted(tx, self._workspace, accepted)
        for claimed, answer in batch:
            if not isinstance(answer, ports.Accepted):
                settling.settle(tx, self._workspace, claimed, answer)

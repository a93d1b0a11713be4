"""The end of submissions: those that end together are written in one commit, with the next arms where such are due."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from sqlalchemy import Connection

from cadenced import ports
from cadenced.engine import doubts, settling
from cadenced.engine.desk import Claimed
from cadenced.engine.workspace import Workspace

log = logging.getLogger(__name__)

PATIENCE = 0.05
"""Seconds that an end waits for a commit of arms to join: until it is written, a crash makes a doubt of it."""


class Closing:
    """Settles one mailbox's submissions, as many at once as have ended meanwhile.

    ``arms_follow`` tells whether a commit of arms is to be expected that will ``take`` what waits here.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.arms_follow: Callable[[], bool] = lambda: False
        self._alarm: asyncio.TimerHandle | None = None
        self._workspace = workspace
        self._waiting: list[tuple[settling.Taken, asyncio.Future[None]]] = []
        self._writing: asyncio.Task[None] | None = None

    async def settle(self, claimed: Claimed, answer: ports.Answer) -> None:
        """Write what came of a submission; returns when that is durable, raises what the store raises."""
        if not isinstance(answer, ports.Accepted):
            await self._workspace.database.run(lambda tx: settling.settle(tx, self._workspace, claimed, answer))
            return
        loop = asyncio.get_running_loop()
        done: asyncio.Future[None] = loop.create_future()
        self._waiting.append(((claimed, answer), done))
        if not self.arms_follow():
            self.write_on()
        elif self._alarm is None:
            self._alarm = loop.call_later(PATIENCE, self.write_on)
        await done

    def write_on(self) -> None:
        """Write what waits, unless that is being done; whoever does it looks again at its end."""
        self._alarm = None
        if self._waiting and (self._writing is None or self._writing.done()):
            self._writing = asyncio.create_task(self._write_waiting(), name="closing")

    def take(self) -> Ended:
        """Hand over what waits: whoever takes it writes it."""
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        waiting, self._waiting = self._waiting, []
        return Ended(self._workspace, waiting)

    async def _write_waiting(self) -> None:
        while self._waiting:
            await self.take().settle()


class Ended:
    """Submissions that have ended, and those who wait until that is written."""

    def __init__(self, workspace: Workspace, waiting: Sequence[tuple[settling.Taken, asyncio.Future[None]]]) -> None:
        self._workspace = workspace
        self._waiting = waiting

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._waiting)

    def write(self, tx: Connection) -> None:
        """Write them, in a transaction that may do more.

        An answer that comes after the mailbox became another worker's is still the server's own word: it is evidence.
        """
        if not self._waiting:
            return
        late = settling.settle_accepted(tx, self._workspace, [taken for taken, _ in self._waiting])
        for claimed, answer in late:
            told = f"the server took it: {answer.reply}"
            if doubts.settle_as_sent(tx, self._workspace, claimed.touch, told):
                log.warning("sent, told late", extra={"touch": claimed.touch.id})

    def written(self) -> None:
        """Tell those who wait that the transaction is durable."""
        for _, done in self._waiting:
            if not done.done():
                done.set_result(None)

    async def settle(self) -> None:
        """Write them in one transaction; where that fails each alone, so that one cannot spoil the others'."""
        try:
            await self._workspace.database.run(self.write)
        except Exception as fault:  # noqa: BLE001 - handed on to those who wait, and by them to the supervisor
            if len(self._waiting) > 1:
                log.warning("settling one by one", extra={"fault": str(fault)})
                for one in self._waiting:
                    await Ended(self._workspace, [one]).settle()
            elif not self._waiting[0][1].done():  # who was cancelled has left
                self._waiting[0][1].set_exception(fault)
            return
        self.written()

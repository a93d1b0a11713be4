"""Who is to look at the desk: one question to the store for all mailboxes, and only those are woken that it concerns.

Without it every commit would wake every sender: a thousand mailboxes would ask a thousand times what one can answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta

from cadenced.engine.workspace import TICK, Workspace
from cadenced.store import outlook
from cadenced.store.outlook import Outlook

HASTE = 0.05
"""Seconds between two looks at least, so that a hundred commits a second are one look each time."""
_MOST_OF_TIME = 20
"""A look may take a twentieth of the time; where it takes longer (many mailboxes), it comes less often."""
_LONGEST_CALM = 1.0
"""Seconds: a look that waited long for its turn says nothing of what looks cost, and no stop waits for the next one."""


class Agenda:
    """Wakes the senders of those mailboxes in which something has become due, or has changed; ``wake`` calls them."""

    def __init__(self, workspace: Workspace, wake_senders: Callable[[Collection[str]], None]) -> None:
        self.name = "agenda"
        self.wake = asyncio.Event()
        self.idle = True
        self._workspace = workspace
        self._wake_senders = wake_senders
        self._known: Mapping[str, Outlook] = {}
        self._library = workspace.library
        self._looked_at: datetime | None = None
        self._took, self._ended_at = 0.0, float("-inf")

    async def tick(self) -> timedelta:
        """Look, wake whom it concerns; return when the next thing is due."""
        await self._keep_calm()
        now, began = self._workspace.now(), asyncio.get_running_loop().time()
        found = await self._workspace.database.glance(outlook.of_all)
        self._wake_senders([name for name, one in found.items() if self._concerns(name, one, now)])
        self._known, self._looked_at, self._library = found, now, self._workspace.library
        self._ended_at = asyncio.get_running_loop().time()
        self._took = self._ended_at - began
        ahead = [one.after(now) for one in found.values()]
        return min([TICK, *(moment - now for moment in ahead if moment is not None)])

    async def rest(self, span: timedelta) -> None:
        """Sleep by the clock."""
        await self._workspace.clock.sleep(span)

    async def _keep_calm(self) -> None:
        self.wake.clear()
        calm = min(max(HASTE, self._took * _MOST_OF_TIME), _LONGEST_CALM)
        left = self._ended_at + calm - asyncio.get_running_loop().time()
        if left > 0:
            await asyncio.sleep(left)
            self.wake.clear()  # whatever changed meanwhile is seen by the look that comes now

    def _concerns(self, name: str, found: Outlook, now: datetime) -> bool:
        """Whether a mailbox is no longer what it was, or something of it has come due since the last look.

        Edited sequences and templates concern everybody.
        """
        if found != self._known.get(name) or self._looked_at is None or self._library is not self._workspace.library:
            return True
        upcoming = found.after(self._looked_at)
        return now < self._looked_at or (upcoming is not None and upcoming <= now)

"""Touches in doubt: settled by evidence that a *server* wrote, else put before a human. Nothing is sent on a guess.

A touch is looked at only when ``quiet`` has passed since it was armed: until then a paused process could still hold
its payload (RELIABILITY 2.1, Resolver). What counts as evidence stands in ``engine/evidence.py``.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from cadenced.config import SentCopy
from cadenced.core.model import TouchState
from cadenced.engine import copies, doubts, evidence
from cadenced.engine.evidence import Inquiry, Judgement, Later, NotSent, Searches, Sent, Unproven
from cadenced.engine.workspace import TICK, Workspace
from cadenced.errors import WireError
from cadenced.store import touches
from cadenced.store.touches import Touch

log = logging.getLogger(__name__)

Arming = tuple[int, datetime | None]
"""A touch and when it was armed: one that is in doubt again is another case."""


def _arming(touch: Touch) -> Arming:
    return touch.id, touch.armed_at


class Resolver:
    """Looks into every unknown touch once it is quiet, and again when more can be said."""

    def __init__(self, workspace: Workspace, watchers: Mapping[str, Searches]) -> None:
        self.name = "resolver"
        self.wake = asyncio.Event()
        self.idle = True
        self._workspace = workspace
        self._watchers = watchers
        self._inquiries: dict[Arming, Inquiry] = {}

    async def tick(self) -> timedelta:
        """Settle what can be settled."""
        await self._workspace.database.run(partial(copies.look_up, workspace=self._workspace))
        unknown = await self._workspace.database.run(lambda tx: touches.doubts(tx, TouchState.UNKNOWN))
        self._inquiries = {_arming(touch): self._inquiry(touch) for touch in unknown}
        if self._workspace.unsteady():
            return TICK
        rounds = {name: evidence.Round(watcher) for name, watcher in self._watchers.items()}
        waits = [await self._attend(touch, rounds) for touch in unknown if self._is_ours(touch)]
        return min([*waits, TICK])

    async def rest(self, span: timedelta) -> None:
        """Sleep by the clock."""
        await self._workspace.clock.sleep(span)

    def _is_ours(self, touch: Touch) -> bool:
        """Whether we serve its mailbox, or nobody does: of several workers only one reads a mailbox."""
        return touch.mailbox in self._watchers or self._workspace.config.mailbox(touch.mailbox) is None

    def _inquiry(self, touch: Touch) -> Inquiry:
        return self._inquiries.get(_arming(touch)) or Inquiry(touch)

    async def _attend(self, touch: Touch, rounds: Mapping[str, Searches]) -> timedelta:
        """Look into a touch when it is time; returns how long it need not be looked at."""
        left = self._left(touch)
        if left > timedelta(0):
            return left
        judgement = await self._judge(touch, rounds.get(touch.mailbox))
        if isinstance(judgement, Later):
            self._inquiry(touch).next_at = self._workspace.clock.monotonic() + judgement.span.total_seconds()
            return judgement.span
        await self._settle(touch, judgement)
        return TICK

    def _left(self, touch: Touch) -> timedelta:
        now = self._workspace.now()
        quiet = (touch.armed_at or now) + self._workspace.config.safety.quiet - now
        next_at = self._inquiry(touch).next_at
        if next_at is None:
            return quiet
        return max(quiet, timedelta(seconds=next_at - self._workspace.clock.monotonic()))

    async def _judge(self, touch: Touch, mailbox: Searches | None) -> Judgement:
        known = await self._workspace.database.run(lambda tx: evidence.gather(tx, self._workspace, touch))
        told = evidence.by_record(known)
        if told is not None:
            return told
        if mailbox is None:
            return Unproven(f"the mailbox {touch.mailbox} is no longer configured")
        try:
            return await evidence.judge(self._workspace, self._inquiry(touch), known, mailbox)
        except WireError as fault:
            return self._out_of_reach(touch, known, fault)

    def _out_of_reach(self, touch: Touch, known: evidence.Known, fault: WireError) -> Judgement:
        """Wait for a server that cannot be asked, as long as a copy would be waited for; then a human is asked."""
        now = self._workspace.now()
        box = self._workspace.mailbox(touch.mailbox)
        grace = evidence.grace(self._workspace, known.filing)
        helps = self._workspace.sent_copy(box) in {SentCopy.SERVER, SentCopy.SELF}
        if helps and now - (touch.armed_at or now) < self._workspace.config.safety.quiet + grace:
            return Later(min(TICK, max(grace / 4, timedelta(seconds=1))))
        return Unproven(f"the mailbox cannot be searched: {fault}")

    async def _settle(self, touch: Touch, judgement: Sent | NotSent | Unproven) -> None:
        settled = await self._workspace.database.run(lambda tx: self._write(tx, touch, judgement))
        log.info("doubt judged", extra={"touch": touch.id, "as": type(judgement).__name__.lower(), "took": settled})

    def _write(self, tx: Connection, touch: Touch, judgement: Sent | NotSent | Unproven) -> bool:
        match judgement:
            case Sent(text):
                return doubts.settle_as_sent(tx, self._workspace, touch, text)
            case NotSent(text):
                return doubts.plan_again(tx, self._workspace, touch, text)
            case Unproven(reason):
                return doubts.raise_doubt(tx, self._workspace, touch, reason)

"""Touches in doubt: settled by evidence that a *server* wrote, else put before a human. Nothing is sent on a guess.

A touch is looked at only when ``quiet`` has passed since it was armed: until then a paused process could still hold
its payload (RELIABILITY 2.1, Resolver).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from datetime import timedelta

from sqlalchemy import Connection

from cadenced.config import SentCopy
from cadenced.core import events
from cadenced.core.model import TouchState
from cadenced.engine import moves, settling
from cadenced.engine.watcher import Watcher
from cadenced.engine.workspace import TICK, Workspace
from cadenced.errors import WireError
from cadenced.store import enrolments, people, tasks, timeline, touches
from cadenced.store.touches import Touch

log = logging.getLogger(__name__)


class Resolver:
    """Looks into every unknown touch once it is quiet."""

    def __init__(self, workspace: Workspace, watchers: Mapping[str, Watcher]) -> None:
        self.name = "resolver"
        self.wake = asyncio.Event()
        self.idle = True
        self._workspace = workspace
        self._watchers = watchers

    async def tick(self) -> timedelta:
        """Settle what can be settled."""
        unknown = await self._workspace.database.run(lambda tx: touches.doubts(tx, TouchState.UNKNOWN))
        now = self._workspace.now()
        quiet = self._workspace.config.safety.quiet
        waits = []
        for touch in unknown:
            ripe = (touch.armed_at or now) + quiet
            if ripe > now:
                waits.append(ripe - now)
            else:
                await self._look_into(touch)
        return min([*waits, TICK])

    async def rest(self, span: timedelta) -> None:
        """Sleep by the clock."""
        await self._workspace.clock.sleep(span)

    async def _look_into(self, touch: Touch) -> None:
        evidence, reason = await self._evidence(touch)

        def work(tx: Connection) -> None:
            if evidence:
                settle_as_sent(tx, self._workspace, touch, evidence)
            else:
                raise_doubt(tx, self._workspace, touch, reason)

        await self._workspace.database.run(work)

    async def _evidence(self, touch: Touch) -> tuple[str, str]:
        """Return what proves that the touch was sent, or why nothing does."""
        if await self._workspace.database.run(lambda tx: touches.copy_was_seen(tx, touch.id)):
            return "a copy of it has been read", ""
        watcher = self._watchers.get(touch.mailbox)
        box = self._workspace.config.mailbox(touch.mailbox)
        if watcher is None or box is None:
            return "", f"the mailbox {touch.mailbox} is no longer configured"
        if box.imap.sent_copy not in {SentCopy.SERVER, SentCopy.SELF}:
            return "", "no server files a copy of what this mailbox sends (sent_copy), so nothing can prove it"
        try:
            folder = await watcher.find_sent(touch)
        except WireError as fault:
            return "", f"the mailbox cannot be searched: {fault}"
        if folder:
            return f"a copy lies in the folder {folder}", ""
        return "", "no copy of it was found, which is no proof that it was not sent"


def settle_as_sent(tx: Connection, workspace: Workspace, touch: Touch, evidence: str) -> bool:
    """Write that a touch in doubt was sent, and move its enrolment on; False when it was settled before."""
    now = workspace.now()
    doubtful = touch.state in {TouchState.UNKNOWN, TouchState.IN_DOUBT}
    proven = touches.resolve(tx, touch.id, TouchState.SENT, evidence, now) if doubtful else False
    if not proven and not touches.prove(tx, touch.id, evidence, now):
        return False
    tasks.close_of_touch(tx, touch.id, "settled by evidence", now)
    enrolment = enrolments.get(tx, touch.enrolment)
    if touch.state is TouchState.IN_DOUBT:
        moves.move(tx, workspace, enrolment, events.DoubtSettled(now, touch.step, "sent"), evidence=evidence)
        enrolments.mark_touched(tx, enrolment.id)
    else:
        settling.note_sent(tx, workspace, enrolment, touch, now)
    return True


def raise_doubt(tx: Connection, workspace: Workspace, touch: Touch, reason: str) -> None:
    """Put a touch before the human: it may have been sent, or not, and only they can decide."""
    now = workspace.now()
    if not touches.resolve(tx, touch.id, TouchState.IN_DOUBT, reason, now):
        return
    prospect = people.get(tx, touch.prospect)
    enrolment = enrolments.get(tx, touch.enrolment)
    brief = (
        f"Was {touch.subject!r} sent to {prospect.email}? The connection broke before the server answered; {reason}."
        f" Look, then: cadenced resolve {touch.id} sent|resend|skip"
    )
    task = tasks.NewTask("doubt", brief, now, touch.prospect, touch.enrolment, touch.id)
    task_id = tasks.add(tx, task, now)
    timeline.note_of(tx, now, "task_opened", enrolment, task=task_id, kind="doubt", brief=brief)
    event = events.DoubtRaised(now, touch.step, f"in doubt: step {touch.step}; {reason}")
    moves.move(tx, workspace, enrolment, event, step=touch.step, touch=touch.id, reason=reason)
    log.warning("in doubt", extra={"touch": touch.id, "reason": reason})

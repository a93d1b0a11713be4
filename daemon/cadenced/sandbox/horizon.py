"""The next moment at which anything can be due, as the store knows it.

Services look at least every thirty seconds; a virtual clock need not stop where they would find nothing to do. A moment
may be too early, which costs a look; it is never too late.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from cadenced.config import Mailbox
from cadenced.core import pacing
from cadenced.core.model import Enrolment, Place
from cadenced.engine import pace
from cadenced.engine.workspace import TICK, Workspace
from cadenced.store import enrolments, outlook

CHANCE = 0.5
"""What a rehearsal draws where chance has a say: the middle."""

STRETCH = pace.GAP_LEAST + pace.GAP_SPREAD * CHANCE
"""The part of a mailbox's gap that is kept by this chance."""

_MANY = 5_000


def next_moment(workspace: Workspace) -> datetime | None:
    """Return the next moment at which something may be due, None where nothing is planned at all."""
    return workspace.database.read(lambda tx: _next(tx, workspace))


def _next(tx: Connection, workspace: Workspace) -> datetime | None:
    now = workspace.now()
    found: list[datetime] = []
    for name, ahead in outlook.of_all(tx).items():
        box = workspace.config.mailbox(name)
        upcoming = ahead.after(now) if box is not None else None
        waiting = box is not None and ahead.waits("mail", now) and not ahead.hold  # a hold waits for a human
        leaves = _leaves(tx, workspace, box, now) if box is not None and waiting else None
        found += [moment for moment in (upcoming, leaves) if moment is not None]
    return min(found, default=None)


def _leaves(tx: Connection, workspace: Workspace, box: Mailbox, now: datetime) -> datetime:
    """Return when mail that is due already and has to wait may leave."""
    quota = pace.quota(tx, box, now, workspace.config.daemon.timezone, STRETCH)
    if quota.until is None:
        return now + TICK
    if quota.until - now <= box.min_gap * 2:
        return quota.until
    opens = {_window(workspace, enrolment) for enrolment in enrolments.due(tx, box.name, "mail", now, _MANY)}
    return min(pacing.open_from(quota.until, window, place) for window, place in opens)


def _window(workspace: Workspace, enrolment: Enrolment) -> tuple[pacing.Window, Place]:
    sequence = workspace.sequence(enrolment.sequence)
    step = sequence.step(enrolment.step)
    return sequence.window.narrowed(step.hours if step else None), enrolment.place

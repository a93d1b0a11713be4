"""Touches whose worker is gone or has let go of them: claimed ones are planned again, armed ones are unknown.

A living worker's touches are its own, however long they take (RELIABILITY 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, and_, exists, select, update

from cadenced.store.leases import clock
from cadenced.store.schema import touches, workers

_UNDER_WAY = ("claimed", "armed")


@dataclass(frozen=True, slots=True)
class Orphans:
    """How many touches were planned again, and of how many nobody knows whether they were sent."""

    planned: int = 0
    unknown: int = 0


def any_left(tx: Connection) -> bool:
    """Whether a worker that does not live any more has left touches under way."""
    query = select(touches.c.id).where(touches.c.state.in_(_UNDER_WAY), _of_the_dead()).limit(1)
    return tx.execute(query).first() is not None


def adopt(tx: Connection) -> Orphans:
    """Settle what the dead have left; their own late writes find nothing any more that is theirs."""
    return _settle(tx, _of_the_dead())


def abandon(tx: Connection, boot: str, mailbox: str = "") -> Orphans:
    """Let go of what this worker itself has under way (for one mailbox), after its connections have ended."""
    mine = touches.c.boot_id == boot
    return _settle(tx, and_(mine, touches.c.mailbox == mailbox) if mailbox else mine)


def _of_the_dead() -> ColumnElement[bool]:
    return ~exists().where(workers.c.boot == touches.c.boot_id, workers.c.until > clock())


def _settle(tx: Connection, whose: ColumnElement[bool]) -> Orphans:
    planned = tx.execute(update(touches).where(touches.c.state == "claimed", whose).values(state="planned")).rowcount
    unknown = tx.execute(update(touches).where(touches.c.state == "armed", whose).values(state="unknown")).rowcount
    return Orphans(planned, unknown)

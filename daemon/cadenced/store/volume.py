"""How much a mailbox has sent, counted from the ledger: what limits, ramps and gaps go by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from cadenced.store.schema import touches
from cadenced.store.touches import OPEN_DOUBT

_C = touches.c
_SENT_SINCE = select(func.count()).where(_C.mailbox == bindparam("mailbox"), _C.sent_at >= bindparam("since"))
_DOUBT_SINCE = select(func.count()).where(
    _C.mailbox == bindparam("mailbox"), _C.state.in_(OPEN_DOUBT), _C.armed_at >= bindparam("since")
)
_LAST_SENT_AT = select(func.max(_C.sent_at)).where(_C.mailbox == bindparam("mailbox"), _C.sent_at <= bindparam("now"))
_LAST_DOUBT_AT = select(func.max(_C.armed_at)).where(
    _C.mailbox == bindparam("mailbox"), _C.state.in_(OPEN_DOUBT), _C.armed_at <= bindparam("now")
)


def sent_since(tx: Connection, mailbox: str, since: datetime) -> int:
    """Return how many touches a mailbox has sent since a moment; doubtful ones count, to stay under the limit."""
    counted = {"mailbox": mailbox, "since": since}
    return sum(int(tx.execute(query, counted).scalar_one()) for query in (_SENT_SINCE, _DOUBT_SINCE))


def last_sent_at(tx: Connection, mailbox: str, now: datetime) -> datetime | None:
    """Return when a mailbox last sent something, for certain or not; what a wrong clock dated ahead does not count."""
    asked = {"mailbox": mailbox, "now": now}
    moments = [tx.execute(query, asked).scalar() for query in (_LAST_SENT_AT, _LAST_DOUBT_AT)]
    return max((moment for moment in moments if moment is not None), default=None)

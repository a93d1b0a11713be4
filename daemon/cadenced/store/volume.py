"""How much a mailbox has sent, counted from the ledger: what limits, ramps and gaps go by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, bindparam, func, literal_column, select

from cadenced.store.schema import touches
from cadenced.store.statement import Statement
from cadenced.store.touches import IS_DOUBTFUL

_C = touches.c
_OF_MAILBOX = _C.mailbox == bindparam("mailbox")


def _doubtful(moment: ColumnElement[bool]) -> tuple[ColumnElement[bool], ...]:
    """Return what picks a mailbox's doubts out of all that is open, which is little."""
    return IS_DOUBTFUL, _C.mailbox + literal_column("''") == bindparam("mailbox"), moment


_SINCE = Statement(
    select(
        select(func.count()).where(_OF_MAILBOX, _C.sent_at >= bindparam("since")).scalar_subquery(),
        select(func.count()).where(*_doubtful(_C.armed_at >= bindparam("since"))).scalar_subquery(),
    )
)
_LAST = Statement(
    select(
        select(func.max(_C.sent_at)).where(_OF_MAILBOX, _C.sent_at <= bindparam("now")).scalar_subquery(),
        select(func.max(_C.armed_at)).where(*_doubtful(_C.armed_at <= bindparam("now"))).scalar_subquery(),
    )
)


def sent_since(tx: Connection, mailbox: str, since: datetime) -> int:
    """Return how many touches a mailbox has sent since a moment; doubtful ones count, to stay under the limit."""
    ((sent, doubtful),) = _SINCE.rows(tx, mailbox=mailbox, since=since)
    return int(sent) + int(doubtful)


def last_sent_at(tx: Connection, mailbox: str, now: datetime) -> datetime | None:
    """Return when a mailbox last sent something, for certain or not; what a wrong clock dated ahead does not count."""
    (moments,) = _LAST.rows(tx, mailbox=mailbox, now=now)
    return max((moment for moment in moments if moment is not None), default=None)

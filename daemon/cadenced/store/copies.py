"""Copies of our own mail that servers have filed: when each was first seen, and what is known of who files them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, delete, select, update

from cadenced.store.schema import inbound, probes, touches
from cadenced.store.statement import Statement
from cadenced.store.touches import WHOLE, Touch, whole

WITHOUT = "no copy went along"
"""The evidence of a touch whose copy to ourselves the server refused: that none is found says nothing."""

CLOCKS_APART = timedelta(seconds=2)
"""A copy that arrived so long before its mail was sent tells of two clocks that differ, not of a fast server."""


_C = touches.c
_WAS_SEEN = Statement(select(_C.id).where(_C.id == bindparam("touch"), _C.copy_seen_at.is_not(None)))
_BY_REF = Statement(select(*WHOLE).where(_C.ref == bindparam("ref")))
_SEEN = Statement(update(touches).where(_C.id == bindparam("this"), _C.copy_seen_at.is_(None)), "copy_seen_at")
_LAST = Statement(
    select(*WHOLE, _C.copy_seen_at)
    .where(_C.mailbox == bindparam("mailbox"), _C.sent_at <= bindparam("until"), _C.state == "sent", _C.evidence == "")
    .order_by(_C.sent_at.desc())
    .limit(bindparam("most"))
)
_PROBED = Statement(select(probes.c.mailbox, probes.c.at, probes.c.copies, probes.c.facts))


@dataclass(frozen=True, slots=True)
class Probe:
    """What a probe has found out: who files copies (a word of ``sent_copy``), and facts for the reader."""

    mailbox: str
    at: datetime
    copies: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Filing:
    """What the last sends of a mailbox, newest first, tell of the copies that are filed of them.

    ``unseen`` are those of which no copy was ever read; ``slowest`` is the longest that one took to be there.
    """

    sends: tuple[Touch, ...]
    unseen: tuple[Touch, ...]
    slowest: timedelta

    @property
    def lacking(self) -> int:
        """How many have no copy, as far as was read."""
        return len(self.unseen)


def read(tx: Connection, ref: str) -> Touch | None:
    """Return the touch with this reference; one look, whether its copy was seen before or not."""
    return next(map(whole, _BY_REF.rows(tx, ref=ref)), None) if ref else None


def note(tx: Connection, touch: Touch, message_id: str, now: datetime, filed_at: datetime | None) -> None:
    """Note that a copy of a touch was read, once: when it came to lie there, and under which Message-ID it travelled.

    ``filed_at`` is the server's word; it counts where it is earlier than now, which is when we looked at last.
    """
    seen = _there_since(touch.sent_at, now, filed_at)
    note_seen(tx, touch.id, seen)
    if message_id and f"<{message_id}>" != touch.message_id:
        unknown = (touches.c.id == touch.id, touches.c.wire_id.is_(None))
        tx.execute(update(touches).where(*unknown).values(wire_id=f"<{message_id}>"[:255]))


def was_seen(tx: Connection, touch_id: int) -> bool:
    """Whether a copy of this touch was read in some folder, perhaps before anybody doubted that it was sent."""
    return bool(_WAS_SEEN.rows(tx, touch=touch_id))


def note_seen(tx: Connection, touch_id: int, now: datetime) -> None:
    """Note that a copy written by a server was seen, once."""
    _SEEN.run(tx, this=touch_id, copy_seen_at=now)


def note_without(tx: Connection, touch_id: int) -> None:
    """Note, before its payload leaves, that no copy will tell of a touch."""
    tx.execute(update(touches).where(touches.c.id == touch_id).values(evidence=WITHOUT))


def _there_since(sent_at: datetime | None, now: datetime, filed_at: datetime | None) -> datetime:
    if sent_at is None or filed_at is None or filed_at < sent_at - CLOCKS_APART:
        return now
    return min(now, max(filed_at, sent_at) + timedelta(seconds=1))  # INTERNALDATE has whole seconds


def filing(tx: Connection, mailbox: str, until: datetime, limit: int) -> Filing:
    """Return what the last ``limit`` sends before a moment, those that a server has confirmed, tell of their copies."""
    rows = _LAST.rows(tx, mailbox=mailbox, until=until, most=limit)
    last = tuple(whole(row[:-1]) for row in rows)
    seen_at = [row[-1] for row in rows]
    lags = [at - (touch.sent_at or at) for touch, at in zip(last, seen_at, strict=True) if at is not None]
    unseen = tuple(touch for touch, at in zip(last, seen_at, strict=True) if at is None)
    return Filing(last, unseen, max([*lags, timedelta(0)]))


def is_referred_to(tx: Connection, touch: Touch) -> bool:
    """Whether an answer, a bounce or anything else that came in belongs to this very touch."""
    query = select(inbound.c.id).where(inbound.c.prospect_id == touch.prospect, inbound.c.touch_id == touch.id).limit(1)
    return tx.execute(query).first() is not None


def note_probe(tx: Connection, probe: Probe) -> None:
    """Keep what a probe has found out, in place of what an earlier one did."""
    tx.execute(delete(probes).where(probes.c.mailbox == probe.mailbox))
    row = {"mailbox": probe.mailbox, "at": probe.at, "copies": probe.copies, "facts": dict(probe.facts)}
    tx.execute(probes.insert().values(row))


def probed(tx: Connection) -> Mapping[str, Probe]:
    """Return what probes have found out, by mailbox."""
    return {row[0]: Probe(*row) for row in _PROBED.rows(tx)}

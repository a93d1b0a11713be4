"""How much a mailbox may send: daily limit, ramp, and the gap between two sends. All counted from the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import Connection

from cadenced.config import Mailbox
from cadenced.core import pacing
from cadenced.core.planner import Quota
from cadenced.store import mailboxes, volume

GAP_LEAST, GAP_SPREAD = 1.0, 0.25
"""A gap is drawn between ``min_gap`` and a quarter more, so that sends do not tick like a clock."""


def cap_of(mailbox: Mailbox, first_sent: date | None, today: date) -> int | None:
    """Return how many touches a mailbox may send today, None where there is no limit."""
    limit = mailbox.daily_limit or None
    if mailbox.ramp is None:
        return limit
    grown = mailbox.ramp.start + mailbox.ramp.step * ((today - first_sent).days if first_sent else 0)
    return grown if limit is None else min(limit, grown)


def left_today(tx: Connection, mailbox: Mailbox, now: datetime, timezone: str) -> int | None:
    """Return how many touches are left of today's cap, None where there is no limit."""
    if not mailbox.daily_limit and mailbox.ramp is None:
        return None
    zone = pacing.zone(timezone)
    today = now.astimezone(zone).date()
    first = mailboxes.get(tx, mailbox.name).first_sent_at if mailbox.ramp is not None else None
    cap = cap_of(mailbox, first.astimezone(zone).date() if first else None, today)
    if cap is None:
        return None
    midnight = pacing.to_utc(today, time(0), timezone)
    return max(0, cap - volume.sent_since(tx, mailbox.name, midnight))


def tomorrow(now: datetime, timezone: str) -> datetime:
    """Return the next local midnight, when the daily limit begins anew."""
    today = now.astimezone(pacing.zone(timezone)).date()
    return pacing.to_utc(today + timedelta(days=1), time(0), timezone)


@dataclass(frozen=True, slots=True)
class Allowance:
    """When a mailbox may send next, and how many touches are left of today's cap (None: no limit)."""

    quota: Quota
    left: int | None


def allowance(tx: Connection, mailbox: Mailbox, now: datetime, timezone: str, stretch: float = 1.0) -> Allowance:
    """Return what a mailbox may do now; ``stretch`` is the drawn part of the gap."""
    left = left_today(tx, mailbox, now, timezone)
    if left == 0:
        return Allowance(Quota(tomorrow(now, timezone), f"the daily limit of {mailbox.name} is reached"), left)
    last = volume.last_sent_at(tx, mailbox.name, now) if mailbox.min_gap else None
    if last is not None and last + mailbox.min_gap * stretch > now:
        quota = Quota(last + mailbox.min_gap * stretch, f"{mailbox.name} keeps a gap between two sends")
        return Allowance(quota, left)
    return Allowance(Quota(), left)


def quota(tx: Connection, mailbox: Mailbox, now: datetime, timezone: str, stretch: float = 1.0) -> Quota:
    """Return when the mailbox may send next and what keeps it until then."""
    return allowance(tx, mailbox, now, timezone, stretch).quota

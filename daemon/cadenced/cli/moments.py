"""Moments as people write and read them: a day in the prospect's zone, a duration, ``in 3 days``; ISO for machines."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta

from cadenced.core import pacing
from cadenced.core.model import Place
from cadenced.errors import UsageError

MORNING = time(8, 0)
"""The time of a day that is named without one."""

_FORM = 'write a day ("2027-03-01"), a day and time ("2027-03-01 10:00"), or a duration ("3 business days")'
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:\+\d\d:\d\d|Z)")


def stamp(at: datetime | None) -> str | None:
    """Return a moment for JSON: ISO 8601, UTC, whole seconds, ``Z``."""
    return None if at is None else at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def restamped(value: object) -> object:
    """Return a kept value with its moment, if it is one, as ``stamp`` writes it."""
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, str) and _STAMP.fullmatch(value):
        return stamp(datetime.fromisoformat(value))
    return value


def read(text: str, place: Place, now: datetime) -> datetime:
    """Read a moment that lies ahead, in the zone of ``place``; UsageError tells the form."""
    moment = _moment(" ".join(text.split()), place, now)
    if moment <= now:
        raise UsageError(f"{text!r} has passed already ({local(moment, place.timezone, now)})")
    return moment


def _moment(text: str, place: Place, now: datetime) -> datetime:
    today = now.astimezone(pacing.zone(place.timezone)).date()
    if text.lower() == "tomorrow":
        return pacing.to_utc(today + timedelta(days=1), MORNING, place.timezone)
    for form in (_day, _day_and_time, _duration):
        moment = form(text, place, now)
        if moment is not None:
            return moment
    raise UsageError(f"{text!r} is not a moment: {_FORM}")


def _day(text: str, place: Place, _now: datetime) -> datetime | None:
    try:
        return pacing.to_utc(date.fromisoformat(text), MORNING, place.timezone)
    except ValueError:
        return None


def _day_and_time(text: str, place: Place, _now: datetime) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    if found.tzinfo is not None:
        return found.astimezone(UTC)
    return pacing.to_utc(found.date(), found.time(), place.timezone)


def _duration(text: str, place: Place, now: datetime) -> datetime | None:
    try:
        return pacing.add(now, pacing.parse_delay(text.removeprefix("in ")), place)
    except (ValueError, OverflowError):
        return None


def local(at: datetime, timezone: str, now: datetime) -> str:
    """Return ``Mon 1 Mar 10:00`` as the clocks of ``timezone`` show it; the year where it is not this one."""
    there = at.astimezone(pacing.zone(timezone))
    year = "" if there.year == now.astimezone(there.tzinfo).year else f" {there.year}"
    return f"{there:%a} {there.day} {there:%b}{year} {there:%H:%M}"


def relative(at: datetime, now: datetime) -> str:
    """Return ``in 3 days``, ``2 h ago`` or ``now``."""
    length = span(at - now if at > now else now - at)
    if length == "0 s":
        return "now"
    return f"in {length}" if at > now else f"{length} ago"


def span(length: timedelta) -> str:
    """Return a length of time in its largest sensible unit, rounded down."""
    seconds = int(length.total_seconds())
    for unit, size, least in (("weeks", 604_800, 5), ("days", 86_400, 2), ("h", 3600, 2), ("min", 60, 2)):
        if seconds >= size * least:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"


def date_of(text: str) -> date:
    """Read an ISO day; UsageError tells the form."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is not a day: write it like 2026-11-21") from None

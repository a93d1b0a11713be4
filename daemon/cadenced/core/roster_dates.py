"""Days and times as they stand in spreadsheets: ISO 8601, and numbers in the order of the prospect's country."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import NamedTuple

from cadenced.core import pacing

MORNING = time(9, 0)
"""A day without a time means nine o'clock, local."""

_SPLIT = re.compile(r"[T\s,]+")
_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)")
_NUMERIC = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
_TIME = re.compile(
    r"(\d{1,2})(?:[:h.](\d{2})?)?(?::?\d{2}(?:\.\d+)?)?\s*([ap]\.?m\.?)?\s*(z|utc|[+-]\d\d:?\d\d)?", re.IGNORECASE
)


class Moment(NamedTuple):
    """A day with or without a time: ``text`` is local ISO 8601 for templates, ``at`` the instant (UTC)."""

    text: str
    at: datetime
    doubtful: bool = False


def read(cell: str, *, month_first: bool, timezone: str) -> Moment | None:
    """Return what a cell says, None where it cannot be read; ``doubtful`` when day and month could be swapped."""
    parts = _SPLIT.split(cell.strip(), maxsplit=1)
    found = _day(parts[0], month_first)
    if found is None:
        return None
    day, doubtful = found
    if len(parts) == 1:
        return Moment(day.isoformat(), pacing.to_utc(day, MORNING, timezone), doubtful)
    at = _instant(day, parts[1], timezone)
    if at is None:
        return None
    local = at.astimezone(pacing.zone(timezone))
    return Moment(f"{local:%Y-%m-%dT%H:%M}", at, doubtful)


def _day(text: str, month_first: bool) -> tuple[date, bool] | None:
    if found := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
        year, month, day = (int(part) for part in found.groups())
        return _dated(year, month, day, doubtful=False)
    found = _NUMERIC.fullmatch(text)
    if found is None:
        return None
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    swapped = month_first and found[2] != "."
    if max(first, second) > 12:
        swapped = second > 12
    day, month = (second, first) if swapped else (first, second)
    unsure = max(first, second) <= 12 and first != second and found[2] != "."
    return _dated(year if year > 99 else 2000 + year, month, day, doubtful=unsure)


def _dated(year: int, month: int, day: int, *, doubtful: bool) -> tuple[date, bool] | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    return (found, doubtful) if 1900 <= year <= 2200 else None


def _instant(day: date, clock: str, zone: str) -> datetime | None:
    found = _TIME.fullmatch(clock.strip())
    if found is None:
        return None
    hour, minute = _hour(int(found[1]), (found[3] or "").lower()), int(found[2] or 0)
    if hour > 23 or minute > 59:
        return None
    if found[4] is None:
        return pacing.to_utc(day, time(hour, minute), zone)
    return datetime.combine(day, time(hour, minute), tzinfo=_offset(found[4])).astimezone(UTC)


def _hour(hour: int, half: str) -> int:
    if not half:
        return hour
    if hour > 12 or hour == 0:
        return 24
    return hour % 12 + (12 if half.startswith("p") else 0)


def _offset(text: str) -> timezone:
    if text[0] not in "+-":
        return UTC
    span = timedelta(hours=int(text[1:3]), minutes=int(text[-2:]))
    return timezone(min(span, timedelta(hours=23)) * (-1 if text[0] == "-" else 1))

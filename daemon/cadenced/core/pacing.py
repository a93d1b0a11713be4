"""When: delays, business days, sending windows, time zones. Every instant that goes in or out is aware and UTC."""

from __future__ import annotations

import functools
import re
from calendar import monthrange
from collections.abc import Container
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cadenced.core.model import Place

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_UNITS = {
    "s": "s",
    "sec": "s",
    "second": "s",
    "min": "min",
    "minute": "min",
    "h": "h",
    "hour": "h",
    "day": "days",
    "d": "days",
    "week": "weeks",
    "w": "weeks",
    "month": "months",
    "business day": "business days",
    "working day": "business days",
}
_SECONDS = {"s": 1, "min": 60, "h": 3600}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+(?: [a-z]+)?)", re.IGNORECASE)
_HORIZON = 800


@dataclass(frozen=True, slots=True)
class Delay:
    """A number and a unit: ``s``, ``min``, ``h``, ``days``, ``weeks``, ``months`` or ``business days``."""

    amount: float = 0
    unit: str = "s"

    def __str__(self) -> str:
        """Return the delay as a person would write it."""
        amount = f"{self.amount:g}"
        singular = self.amount == 1 and self.unit in {"days", "weeks", "months", "business days"}
        return "0" if not self.amount else f"{amount} {self.unit[:-1] if singular else self.unit}"

    def roughly(self) -> timedelta:
        """Return about how long it is, for comparing and summing; calendars make it exact."""
        days = {"days": 1.0, "weeks": 7.0, "months": 30.4, "business days": 1.4}
        if self.unit in days:
            return timedelta(days=self.amount * days[self.unit])
        return timedelta(seconds=self.amount * _SECONDS[self.unit])


def parse_delay(text: str | float) -> Delay:
    """Read ``"4 business days"``, ``"90 s"`` or ``0``; ValueError tells what a delay looks like."""
    if text in (0, "0"):
        return Delay()
    found = _DURATION.fullmatch(str(text).strip())
    unit = _unit(found[2]) if found else None
    if found is None or unit is None:
        raise ValueError(
            f"{text!r} is not a duration: write a number and one of s, min, h, days, weeks, months, business days"
        )
    amount = float(found[1])
    if amount != int(amount) and unit not in _SECONDS:
        raise ValueError(f"{text!r}: {unit} are counted whole")
    return Delay(amount, unit)


def _unit(word: str) -> str | None:
    low = word.lower()
    return _UNITS.get(low) or _UNITS.get(low.removesuffix("s"))


@dataclass(frozen=True, slots=True)
class Window:
    """When mail may leave: days (0 = Monday), local hours, whose zone (``prospect`` or a name), holidays kept."""

    days: frozenset[int] = frozenset(range(5))
    opens: time = time(8, 30)
    closes: time = time(17, 30)
    timezone: str = "prospect"
    holidays: bool = True
    always: bool = False

    def narrowed(self, hours: tuple[time, time] | None) -> Window:
        """Return the same window with other hours, where a step asks for them."""
        if hours is None:
            return self
        days = frozenset(range(7)) if self.always else self.days
        return Window(days, *hours, self.timezone, self.holidays and not self.always)


ALWAYS = Window(always=True)


class NeverOpensError(ValueError):
    """A window that no moment of the next two years fits."""


def parse_days(text: str) -> frozenset[int]:
    """Read ``mon-fri`` or ``mon,wed,fri``; ValueError names the part that is no day."""
    days: set[int] = set()
    for part in text.replace(" ", "").lower().split(","):
        first, _, last = part.partition("-")
        if first[:3] not in WEEKDAYS or (last and last[:3] not in WEEKDAYS):
            raise ValueError(f"{part!r} is not a day: write mon, tue, wed, thu, fri, sat, sun or a range of them")
        begin = WEEKDAYS.index(first[:3])
        end = WEEKDAYS.index(last[:3]) if last else begin
        days.update((begin + n) % 7 for n in range((end - begin) % 7 + 1))
    return frozenset(days)


def parse_hours(text: str) -> tuple[time, time]:
    """Read ``08:30-17:30``; ValueError tells the form. ``24:00`` is the end of the day."""
    found = re.fullmatch(r"\s*(\d{1,2})[:h](\d{2})\s*-\s*(\d{1,2})[:h](\d{2})\s*", text)
    if not found:
        raise ValueError(f"{text!r} is not a span of hours: write it like 08:30-17:30")
    return _clock(found[1], found[2]), _clock(found[3], found[4])


def _clock(hour: str, minute: str) -> time:
    if (int(hour), int(minute)) == (24, 0):
        return time.max
    if int(hour) > 23 or int(minute) > 59:
        raise ValueError(f"{hour}:{minute} is not a time of day")
    return time(int(hour), int(minute))


@functools.lru_cache(maxsize=256)
def zone(name: str) -> ZoneInfo:
    """Return the zone of an IANA name (``""`` is UTC); KeyError (ZoneInfoNotFoundError) where there is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (OSError, ValueError) as wrong:  # a folder of zones, a name that no file could have, a path out of them
        raise ZoneInfoNotFoundError(f"no time zone found with key {name[:80]!r}") from wrong


@functools.lru_cache(maxsize=256)
def _holidays(country: str) -> tuple[Container[date], frozenset[int]]:
    """Return a country's public holidays and its weekend; an unknown country has Saturday and Sunday."""
    if not country:
        return (), frozenset({5, 6})
    import holidays  # noqa: PLC0415 - 50 ms that `cadenced --help` need not pay

    try:
        calendar = holidays.country_holidays(country.upper())
    except NotImplementedError:
        return (), frozenset({5, 6})
    return calendar, frozenset(calendar.weekend)


def is_holiday(day: date, country: str) -> bool:
    """Whether ``day`` is a public holiday of ``country`` (source: the holidays library)."""
    return day in _holidays(country)[0]


def is_business_day(day: date, country: str) -> bool:
    """Whether people work on ``day`` in ``country``."""
    return day.weekday() not in _holidays(country)[1] and not is_holiday(day, country)


def business_day_from(day: date, country: str) -> date:
    """Return ``day``, or the first business day after it."""
    while not is_business_day(day, country):
        day += timedelta(days=1)
    return day


def add(anchor: datetime, delay: Delay, place: Place) -> datetime:
    """Return ``anchor`` plus ``delay`` on the prospect's calendar: days keep the wall clock's time over DST."""
    if delay.unit in _SECONDS:
        return anchor + timedelta(seconds=delay.amount * _SECONDS[delay.unit])
    return _days_after(anchor, delay, place)


@functools.lru_cache(maxsize=256)
def _days_after(anchor: datetime, delay: Delay, place: Place) -> datetime:
    """Remember what was counted: touches that are settled together go on from one moment."""
    local = anchor.astimezone(zone(place.timezone))
    day = _shift(local.date(), delay, place.country)
    return to_utc(day, local.time(), place.timezone)


def _shift(day: date, delay: Delay, country: str) -> date:
    count = int(delay.amount)
    if delay.unit == "months":
        months = day.month - 1 + count
        year, month = day.year + months // 12, months % 12 + 1
        return day.replace(year=year, month=month, day=min(day.day, monthrange(year, month)[1]))
    if delay.unit != "business days":
        return day + timedelta(days=count * (7 if delay.unit == "weeks" else 1))
    for _ in range(count):
        day = business_day_from(day + timedelta(days=1), country)
    return day


def to_utc(day: date, clock: time, timezone: str) -> datetime:
    """Return a local day and time as UTC: a time that DST skips is the first that exists, a doubled one the first."""
    naive = datetime.combine(day, clock, tzinfo=zone(timezone))
    back = naive.astimezone(UTC).astimezone(zone(timezone))
    if back.replace(tzinfo=None) != naive.replace(tzinfo=None):  # in the gap: go to its end
        early = naive.replace(fold=1).astimezone(UTC)
        late = naive.replace(fold=0).astimezone(UTC)
        return _gap_end(early, late, zone(timezone))
    return naive.astimezone(UTC)


def _gap_end(early: datetime, late: datetime, tz: ZoneInfo) -> datetime:
    """Find the minute at which the clocks jump; it lies between the two readings of a time that does not exist."""
    low, high = sorted((early, late))
    before = low.astimezone(tz).utcoffset()
    while high - low > timedelta(minutes=1):
        middle = low + (high - low) / 2
        if middle.astimezone(tz).utcoffset() == before:
            low = middle
        else:
            high = middle
    return high.replace(second=0, microsecond=0)


def window_zone(window: Window, place: Place) -> str:
    """Return the zone in which the window's hours are meant."""
    return place.timezone if window.timezone == "prospect" else window.timezone


def is_open(moment: datetime, window: Window, place: Place) -> bool:
    """Whether mail may leave at ``moment``."""
    return window.always or open_from(moment, window, place) == moment


def open_from(moment: datetime, window: Window, place: Place) -> datetime:
    """Return ``moment``, or the first instant after it at which the window is open; NeverOpensError if none is."""
    if window.always:
        return moment
    name = window_zone(window, place)
    day = moment.astimezone(zone(name)).date()
    for _ in range(_HORIZON):
        span = _span(day, window, place, name)
        if span is not None and moment < span[1]:
            return max(moment, span[0])
        day += timedelta(days=1)
    raise NeverOpensError("no day of the next two years lies in this window")


@functools.lru_cache(maxsize=1024)
def _span(day: date, window: Window, place: Place, name: str) -> tuple[datetime, datetime] | None:
    if day.weekday() not in window.days or (window.holidays and is_holiday(day, place.country)):
        return None
    start, end = to_utc(day, window.opens, name), to_utc(day, window.closes, name)
    return (start, end) if start < end else None

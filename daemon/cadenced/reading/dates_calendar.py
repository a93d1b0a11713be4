"""Calendar arithmetic for days that are named rather than numbered: feasts, seasons, calendar weeks, month ends."""

import calendar
from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

# The day on which "in spring" is taken at its word: well inside, for the northern half of the world.
SEASONS = {"spring": (3, 20), "summer": (6, 20), "autumn": (9, 15), "winter": (12, 10)}


_EVERYWHERE = frozenset({(1, 1), (12, 25)})


def weekdays(day: date) -> bool:
    """Say whether a day is a business day when no country is known: Monday to Friday, but the feasts of every one."""
    return day.weekday() < 5 and (day.month, day.day) not in _EVERYWHERE


def make(year: int, month: int, day: int) -> date | None:
    """Return the date, or None where the calendar has none."""
    if 1 <= month <= 12 and 1 <= day <= calendar.monthrange(year, month)[1] and 1990 <= year <= 2200:
        return date(year, month, day)
    return None


def month_end(year: int, month: int) -> date:
    """Return the last day of a month."""
    return date(year, month, calendar.monthrange(year, month)[1])


def plus_months(day: date, months: int) -> date:
    """Go on by months; the 31st becomes the last day of a shorter month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def easter(year: int) -> date:
    """Easter Sunday of the Gregorian calendar (the anonymous algorithm, Nature 1876)."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    month_part = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * month_part) // 451
    month, day = divmod(h + month_part - 7 * m + 114, 31)
    return date(year, month, day + 1)


def feast(rule: Mapping[str, Any], year: int) -> tuple[date, date]:
    """First and last day of a feast by its rule: days from Easter, fixed days, or the nth weekday of a month."""
    if "easter" in rule:
        sunday = easter(year)
        first, last = rule["easter"]
        return sunday + timedelta(first), sunday + timedelta(last)
    if "fixed" in rule:
        month, first, last = rule["fixed"]
        return date(year, month, first), date(year, month, last)
    month, weekday, nth = rule["nth"]
    day = _nth(year, month, weekday, nth)
    return day, day


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    if nth < 0:
        last = month_end(year, month)
        return last - timedelta((last.weekday() - weekday) % 7)
    first = date(year, month, 1)
    return first + timedelta((weekday - first.weekday()) % 7 + 7 * (nth - 1))


def iso_week(year: int, week: int) -> date | None:
    """Monday of a calendar week (ISO 8601), or None where the year has no such week."""
    try:
        return date.fromisocalendar(year, week, 1)
    except ValueError:
        return None


def monday_after(day: date) -> date:
    """Monday of the next week."""
    return day + timedelta(7 - day.weekday())


def coming(weekday: int, day: date) -> date:
    """Find the next such weekday after a day, never the day itself."""
    return day + timedelta((weekday - day.weekday() - 1) % 7 + 1)

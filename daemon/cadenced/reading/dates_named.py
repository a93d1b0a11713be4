"""Days that have a name instead of a number: feasts, seasons, holidays, the end of a month, tomorrow."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from cadenced.reading import dates_calendar as cal
from cadenced.reading import patterns
from cadenced.reading.dates_reading import Reading, Span, one, unit_span


def _end_of(unit: str) -> Callable[[re.Match[str], Reading], Span | None]:
    def end(_: re.Match[str], reading: Reading) -> Span | None:
        span = unit_span(unit, reading.sent, 0)
        return span and (max(span[1] - timedelta(4), reading.sent), span[1])

    return end


def _new_year(_: re.Match[str], reading: Reading) -> Span | None:
    year = reading.sent.year + (0 if reading.sent.month == 1 and reading.sent.day < 5 else 1)
    return date(year, 1, 8 if reading.plan else 5), date(year, 12, 31)  # people's holidays end with Epiphany


def _plain_year(match: re.Match[str], reading: Reading) -> Span | None:
    year = int(match["y"])
    return (date(year, 1, 5), date(year, 12, 31)) if year > reading.sent.year else None


def _rentree(_: re.Match[str], reading: Reading) -> Span | None:
    year = reading.sent.year + (1 if reading.sent > date(reading.sent.year, 9, 15) else 0)
    return date(year, 9, 1), date(year, 9, 15)


def _holidays(match: re.Match[str], reading: Reading) -> Span | None:
    """Return the great holidays ahead: the summer's end from April to August, the year's end from October on."""
    year, month = reading.sent.year, reading.sent.month
    if any(word in match[0] for word in _SUMMER) or 4 <= month <= 8:
        year += 1 if month > 8 else 0
        last = date(year, 8, 9) if reading.grammar.language == "sv" else date(year, 8, 31)  # Sweden rests in July
        return date(year, 7, 1), last
    if any(word in match[0] for word in _WINTER) or month >= 10 or (month == 1 and reading.sent.day < 5):
        return date(year, 12, 22), date(year + 1, 1, 6 if reading.plan else 4)
    return None


_SUMMER = ("summer", "été", "estiv", "sommer", "sommar", "zomer", "bouw", "verano", "estate", "verão", "industri")
_WINTER = (
    "christmas",
    "xmas",
    "winter",
    "noël",
    "hiver",
    "fêtes",
    "weihnacht",
    "kerst",
    "feestdagen",
    "navid",
    "natal",
    "jul",
    "helgerna",
    "fiestas",
    "feste",
    "festas",
    "festività",
    "holiday season",
)


def _feast(match: re.Match[str], reading: Reading) -> Span | None:
    rule: dict[str, Any] = patterns.table("dates")["feasts"][match.lastgroup or ""]
    for year in (reading.sent.year - 1, reading.sent.year, reading.sent.year + 1):
        first, last = cal.feast(rule, year)
        if last >= reading.sent - timedelta(0 if reading.plan else 3):
            return first, last
    return None


def _season(match: re.Match[str], reading: Reading) -> Span | None:
    month, day = cal.SEASONS[match.lastgroup or ""]
    first = date(reading.sent.year, month, day)
    last = cal.plus_months(first, 2)
    last = cal.month_end(last.year, last.month)
    if last < reading.sent + timedelta(14):
        first, last = cal.plus_months(first, 12), cal.plus_months(last, 12)
    return first, last


def _days_ahead(days: int) -> Callable[[re.Match[str], Reading], Span | None]:
    def ahead(_: re.Match[str], reading: Reading) -> Span | None:
        return one(reading.sent + timedelta(days))

    return ahead


def _rest_of_week(_: re.Match[str], reading: Reading) -> Span | None:
    return reading.sent, max(reading.sent, reading.sent + timedelta(4 - reading.sent.weekday()))


def _weekend(_: re.Match[str], reading: Reading) -> Span | None:
    sunday = reading.sent + timedelta(6 - reading.sent.weekday())
    return sunday - timedelta(1), sunday


NAMED: dict[str, Callable[[re.Match[str], Reading], Span | None]] = {
    "month_end": _end_of("month"),
    "quarter_end": _end_of("quarter"),
    "year_end": _end_of("year"),
    "new_year": _new_year,
    "rentree": _rentree,
    "year": _plain_year,
    "feast": _feast,
    "holidays": _holidays,
    "season": _season,
    "tomorrow": _days_ahead(1),
    "day_after_tomorrow": _days_ahead(2),
    "today": _days_ahead(0),
    "rest_of_week": _rest_of_week,
    "weekend": _weekend,
}

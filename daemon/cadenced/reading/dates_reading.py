"""What a mention of days is read against, and the pieces that its readers share."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from cadenced.reading import dates_calendar as cal
from cadenced.reading.dates_grammar import Grammar

Span = tuple[date, date]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a mention is read against: the day of sending, the language, the order of numbers, plan or absence."""

    sent: date
    grammar: Grammar
    order: str
    plan: bool
    text: str = ""  # all of it, in lower case and one line: what "in the fourth" and "of that month" go back to


def group(match: re.Match[str], *names: str) -> str:
    """Return the first of these groups that the expression has and that took part."""
    groups = match.groupdict()
    return next((groups[name] for name in names if groups.get(name)), "")


def one(day: date | None) -> Span | None:
    """Return the span of a single day."""
    return (day, day) if day else None


def year_of(text: str) -> int:
    """Return a year of two or four digits; 0 when none is written."""
    return 0 if not text else int(text) + (2000 if len(text) <= 2 else 0)


def unit_span(unit: str, sent: date, ahead: int) -> Span | None:
    """Return the week, month, quarter or year that lies `ahead` units after the present one."""
    if unit == "week":
        monday = sent - timedelta(sent.weekday()) + timedelta(7 * ahead)
        return monday, monday + timedelta(4)
    if unit == "month":
        first = cal.plus_months(sent.replace(day=1), ahead)
        return first, cal.month_end(first.year, first.month)
    if unit == "quarter":
        first = cal.plus_months(sent.replace(month=3 * ((sent.month - 1) // 3) + 1, day=1), 3 * ahead)
        last = cal.plus_months(first, 2)
        return first, cal.month_end(last.year, last.month)
    if unit == "year":
        return date(sent.year + ahead, 1, 5 if ahead else 1), date(sent.year + ahead, 12, 31)
    return None

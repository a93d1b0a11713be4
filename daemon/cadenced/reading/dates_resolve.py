"""What a phrase that names days means, read against the day the mail was sent: one function for each rule."""

import re
from collections.abc import Callable
from datetime import date, timedelta

from cadenced.reading import dates_calendar as cal
from cadenced.reading import dates_named
from cadenced.reading.dates_grammar import Grammar
from cadenced.reading.dates_reading import Reading, Span, group, one, unit_span, year_of

_PAST_OF_AN_ABSENCE = 120  # days: an absence that ended so long ago cannot be meant, so the next year is
_PAST_OF_A_PLAN = 45  # days: a plan lies ahead
_DAYS = {"day": 1, "week": 7, "fortnight": 14}
_MONTHS = {"month": 1, "quarter": 3, "half": 6, "year": 12}


def _place(year: int, month: int, day: int, weekday: int, reading: Reading) -> date | None:
    """Put a day without a year where it is meant: where its weekday fits, else where plan or absence can lie."""
    if year:
        return cal.make(year, month, day)
    here = reading.sent.year
    near = [found for found in (cal.make(at, month, day) for at in (here, here + 1, here - 1)) if found]
    fitting = [found for found in near if found.weekday() == weekday]
    if weekday >= 0 and fitting:
        return min(fitting, key=lambda found: abs(found - reading.sent))
    oldest = reading.sent - timedelta(_PAST_OF_A_PLAN if reading.plan else _PAST_OF_AN_ABSENCE)
    newest = reading.sent + timedelta(330)
    if weekday >= 0 and not reading.plan:  # the weekday fits no year near: an old notice, unless the day is near
        newest = reading.sent + timedelta(60)
    return next((found for found in near if oldest <= found <= newest), None)


def _weekday(match: re.Match[str], reading: Reading, *names: str) -> int:
    word = group(match, *names)
    return reading.grammar.weekday(word) if word else -1


def _date(match: re.Match[str], reading: Reading) -> Span | None:
    month = reading.grammar.month(match["m"])
    weekday = _weekday(match, reading, "w")
    return one(_place(year_of(group(match, "y")), month, int(match["d"]), weekday, reading))


def _spelled(match: re.Match[str], reading: Reading) -> Span | None:
    month, day = reading.grammar.month(match["m"]), reading.grammar.spelled_day(match["sd"])
    return one(_place(year_of(group(match, "y")), month, day, -1, reading)) if day else None


def _iso(match: re.Match[str], _: Reading) -> Span | None:
    return one(cal.make(int(match["y"]), int(match["m"]), int(match["d"])))


def _range(match: re.Match[str], reading: Reading) -> Span | None:
    month = reading.grammar.month(match["m"])
    last = _place(year_of(group(match, "y")), month, int(match["d"]), _weekday(match, reading, "w2"), reading)
    first = last and cal.make(last.year, last.month, int(match["d1"]))
    return (first, last) if first and last and first <= last else None


def _numeric_range(match: re.Match[str], reading: Reading) -> Span | None:
    last = _place(year_of(group(match, "y")), int(match["m"]), int(match["d"]), -1, reading)
    first = last and cal.make(last.year, last.month, int(match["d1"]))
    return (first, last) if first and last and first <= last else None


def _numeric(match: re.Match[str], reading: Reading) -> Span | None:
    a, b, year = int(match["a"]), int(match["b"]), year_of(match["y"])
    return one(_ordered(a, b, year, match["s"], reading))


def _short(match: re.Match[str], reading: Reading) -> Span | None:
    a, b = int(match["a"]), int(match["b"])
    dotted = match["s"] == "."
    if (dotted and not (match["end"] and reading.grammar.language in "desv")) or (a, b) == (24, 7):
        return None
    if not dotted and not _SHORT_CONTEXT.search(match.string[: match.start()][-30:]):
        return None
    return one(_ordered(a, b, 0, match["s"], reading))


_SHORT_CONTEXT = re.compile(
    r"(?:\b(?:on|until|till|through|from|to|back|after|before|by|returning|le|au|du|dès|jusqu['’]au|am|bis|vom|ab"
    r"|zum|op|tot|met|med|inclus|vanaf|t/m|el|al|del|hasta|desde|il|dal|fino al|o|dia|até|de|a|den|till|från|e|y|en|et"
    r"|and|und|out|away|off|lunedì|venerdì|monday|tuesday|wednesday|thursday|friday)"
    r"|[-–—:(])\s*$"
)


def _ordered(a: int, b: int, year: int, sign: str, reading: Reading) -> date | None:
    """Read two numbers in the writer's order; a number above twelve can only be a day."""
    month_first = reading.order == "mdy" and sign != "."
    if a > 12 or b > 12:
        month_first = b > 12
    day, month = (b, a) if month_first else (a, b)
    found, other = _place(year, month, day, -1, reading), _place(year, day, month, -1, reading)
    if found and other and found < reading.sent <= other <= reading.sent + timedelta(_PAST_OF_AN_ABSENCE):
        return other  # read in the usual order it has passed, in the other it lies just ahead
    return found


def _month_span(match: re.Match[str], reading: Reading) -> tuple[Span, bool] | None:
    """Return the whole month that is meant, and whether the year had to be guessed."""
    month, year = reading.grammar.month(match["m"]), year_of(group(match, "y"))
    if not month:
        return None
    at = year or reading.sent.year
    if not year and cal.month_end(at, month) < reading.sent:
        at += 1
    elif not year and not reading.plan and date(at, month, 1) > reading.sent + timedelta(330):
        at -= 1
    return (date(at, month, 1), cal.month_end(at, month)), not year


_MODAL = re.compile(
    r"(?:\b(?:in|until|till|by|of|from|before|after|since|through|early|mid|late|next|this|end|and|or|to|around|during|for)\s(?:the\s)?|[-–])$"
)


def _month(match: re.Match[str], reading: Reading) -> Span | None:
    before = match.string[max(0, match.start() - 14) : match.start()]
    if match["m"] in ("may", "march") and not group(match, "n", "y") and not _MODAL.search(before):
        return None
    span = _month_span(match, reading)
    return span[0] if span else None


def _before(match: re.Match[str], reading: Reading) -> str:
    """Return what stands in the text before the words of a match."""
    return reading.text[: max(0, reading.text.find(match[0]))]


def _part_month(match: re.Match[str], reading: Reading) -> Span | None:
    named = reading.grammar.earlier("month", _before(match, reading)) if group(match, "that") else match
    span = _month_span(named, reading) if named else None
    if not span:
        return None
    (first, last), guessed = span
    found = _part(match, first, last)
    if guessed and found[1] < reading.sent and reading.plan:
        return _part(match, first.replace(year=first.year + 1), cal.month_end(first.year + 1, first.month))
    return found


def _part(match: re.Match[str], first: date, last: date) -> Span:
    """Return the early, middle or late part of a stretch of days."""
    length = (last - first).days + 1
    if group(match, "early"):
        return first, first + timedelta(max(length // 3, 1))
    if group(match, "mid"):
        middle = first + timedelta((length - 1) // 2 - (1 if 27 < length < 32 else 0))
        return middle, middle
    return last - timedelta(0 if length < 3 else 1 if length < 8 else min(length // 5, 30)), last


def _nth_week(match: re.Match[str], reading: Reading) -> Span | None:
    """Read `the second week of June`: its seven days, counted from the first."""
    span = _month_span(match, reading)
    nth = reading.grammar.ordinal(match["qw"])
    if not span or not nth:
        return None
    first = span[0][1] - timedelta(6) if nth < 0 else span[0][0] + timedelta(7 * (nth - 1))
    if group(match, "whole"):  # a full week begins on a Monday
        first += timedelta(-first.weekday() % 7)
    return first, first + timedelta(6)


def _nth_half(match: re.Match[str], reading: Reading) -> Span | None:
    """Read `die zweite Maihälfte`."""
    span = _month_span(match, reading)
    if not span:
        return None
    (first, last), _ = span
    return (
        (first, first.replace(day=15)) if reading.grammar.ordinal(match["qw"]) == 1 else (first.replace(day=16), last)
    )


def _part_year(match: re.Match[str], reading: Reading) -> Span | None:
    year = year_of(group(match, "y")) or reading.sent.year + 1
    if group(match, "early"):
        return date(year, 1, 5), date(year, 1, 31)
    return _part(match, date(year, 1, 1), date(year, 12, 31))


def _half_year(match: re.Match[str], reading: Reading) -> Span | None:
    word = group(match, "half", "half2", "halfn")
    second = word[:2] in ("se", "2n", "2e", "2.", "2º", "2", "zw", "de", "tw", "an") or word == "2"
    year = _stated_year(match, reading)
    first, last = (date(year, 7, 1), date(year, 12, 31)) if second else (date(year, 1, 4), date(year, 6, 30))
    if last < reading.sent:
        first, last = first.replace(year=year + 1), last.replace(year=year + 1)
    return first, last


def _stated_year(match: re.Match[str], reading: Reading) -> int:
    return year_of(group(match, "y")) or reading.sent.year + (1 if group(match, "ny") else 0)


def _quarter(match: re.Match[str], reading: Reading) -> Span | None:
    word = group(match, "q", "q2", "qw")
    number = int(word) if word.isdigit() else _quarter_word(word, reading.grammar)
    if not number:
        return None
    year = _stated_year(match, reading)
    first = date(year, 3 * number - 2, 1)
    if not group(match, "y", "ny") and cal.month_end(year, 3 * number) < reading.sent:
        first = first.replace(year=year + 1)
    return first, cal.month_end(first.year, 3 * number)


def _quarter_again(match: re.Match[str], reading: Reading) -> Span | None:
    """Read `rather in the fourth`, where a quarter was named before."""
    return _quarter(match, reading) if reading.grammar.earlier("quarter", _before(match, reading)) else None


def _quarter_word(word: str, grammar: Grammar) -> int:
    return next((number for start, number in grammar.quarters.items() if word.startswith(start)), 0)


def _in(match: re.Match[str], reading: Reading) -> Span | None:
    unit = reading.grammar.unit(match["u"])
    low = reading.grammar.number(match["k"])
    high = reading.grammar.number(group(match, "k2", "k3")) if group(match, "k2", "k3") else low
    if group(match, "k3") and reading.grammar.language == "nl":  # "een maand of drie" is about three
        low = high
    day = _later(reading.sent, unit, low, high)
    return one(day)


def _later(sent: date, unit: str, low: int, high: int) -> date | None:
    if not low:  # a half
        return {"year": cal.plus_months(sent, 6), "month": sent + timedelta(15)}.get(unit)
    if unit in _DAYS:
        return sent + timedelta((low + high) * _DAYS[unit] // 2) if high <= 400 else None
    months = _MONTHS.get(unit, 0)
    return cal.plus_months(sent, (low + high) * months // 2) if months and high * months <= 60 else None


def earlier(match: re.Match[str], day: date, grammar: Grammar) -> date:
    """Go back from a day by the time that `two months before` names."""
    unit, number = grammar.unit(match["u"]), grammar.number(match["k"])
    if unit in _DAYS:
        return day - timedelta(number * _DAYS[unit])
    return cal.plus_months(day, -number * _MONTHS.get(unit, 0))


def _stretch(match: re.Match[str], reading: Reading) -> Span | None:
    """Read `the next three weeks`, `for two weeks`: from today on."""
    unit, number = reading.grammar.unit(match["u"]), reading.grammar.number(match["k"])
    high = reading.grammar.number(group(match, "k2")) if group(match, "k2") else number
    last = _later(reading.sent, unit, high, high)
    return (reading.sent, last - timedelta(1)) if last and number else None


def _all_next(_: re.Match[str], reading: Reading) -> Span | None:
    return unit_span("week", reading.sent, 1)


def _next(match: re.Match[str], reading: Reading) -> Span | None:
    return unit_span(reading.grammar.unit(group(match, "u", "u2")), reading.sent, 1)


def _after_next(match: re.Match[str], reading: Reading) -> Span | None:
    unit = "month" if "mon" in match[0] or "mois" in match[0] else "week"
    return unit_span(unit, reading.sent, 2)


def _part_next(match: re.Match[str], reading: Reading) -> Span | None:
    span = _next(match, reading)
    return _part(match, *span) if span else None


def _part_this(match: re.Match[str], reading: Reading) -> Span | None:
    span = unit_span(reading.grammar.unit(match["u"]), reading.sent, 0)
    if span and group(match, "late") and (span[1] - span[0]).days > 300:
        return span[1] - timedelta(17), span[1]
    return _part(match, *span) if span and group(match, "late", "mid") else None


def _weekday_day(match: re.Match[str], reading: Reading) -> Span | None:
    """`Monday the 22nd`: the nearest such day ahead, at most four months away."""
    weekday, day = _weekday(match, reading, "w"), int(match["day"])
    for ahead in range(5):
        month = cal.plus_months(reading.sent.replace(day=1), ahead)
        found = cal.make(month.year, month.month, day)
        if found and found >= reading.sent and found.weekday() == weekday:
            return one(found)
    return _only_day(match, reading)


def _only_day(match: re.Match[str], reading: Reading) -> Span | None:
    day = int(group(match, "day") or 0)
    for ahead in range(3):
        month = cal.plus_months(reading.sent.replace(day=1), ahead)
        found = cal.make(month.year, month.month, day)
        if found and found >= reading.sent:
            return one(found)
    return None


def _named_weekday(match: re.Match[str], reading: Reading) -> Span | None:
    """`Monday`: the next one. English and Swedish `next Thursday`: the one of next week."""
    weekday = _weekday(match, reading, "w")
    day = cal.coming(weekday, reading.sent)
    far = group(match, "n") in ("next", "nästa") and day < cal.monday_after(reading.sent)
    return one(day + timedelta(7) if far else day)


def _week(match: re.Match[str], reading: Reading) -> Span | None:
    number = int(group(match, "kw", "kw2"))
    year = year_of(group(match, "y")) or reading.sent.isocalendar().year
    monday = cal.iso_week(year, number)
    if monday and not group(match, "y") and monday + timedelta(6) < reading.sent:
        later = cal.iso_week(year + 1, number)
        monday = later if reading.plan or monday < reading.sent - timedelta(_PAST_OF_AN_ABSENCE) else monday
    return (monday, monday + timedelta(4)) if monday else None


RESOLVERS: dict[str, Callable[[re.Match[str], Reading], Span | None]] = {
    "iso": _iso,
    "range": _range,
    "date": _date,
    "numeric_range": _numeric_range,
    "numeric": _numeric,
    "short": _short,
    "spelled": _spelled,
    "ahead": _stretch,
    "length": _stretch,
    "all_next": _all_next,
    "nth_week": _nth_week,
    "nth_half": _nth_half,
    "part_month": _part_month,
    "part_year": _part_year,
    "half_year": _half_year,
    "part_next": _part_next,
    "part_this": _part_this,
    "month": _month,
    "weekday_day": _weekday_day,
    "weekday": _named_weekday,
    "only_day": _only_day,
    "in": _in,
    "after_next": _after_next,
    "next": _next,
    "quarter": _quarter,
    "quarter_again": _quarter_again,
    "week": _week,
    **dates_named.NAMED,
}

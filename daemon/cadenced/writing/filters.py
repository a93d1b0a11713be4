"""The filters and tests that templates may use, and nothing beyond them; every result is short and plain."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from typing import Any, cast
from urllib.parse import quote

from jinja2 import pass_context
from jinja2.runtime import Context

from cadenced.core import pacing
from cadenced.core.model import Place
from cadenced.writing import dates
from cadenced.writing.values import LONGEST_TEXT, Missing, OutOfBoundsError, bounded, joined, shown

MOST_ROUNDS = 1_000
"""Rounds that all loops of one rendering may make together."""

_FURTHEST = 800
_DAYS = {"days", "weeks", "months", "business days"}


def default(value: object, fallback: object = "", _boolean: bool = True) -> object:
    """Return ``fallback`` for what is unknown or empty; ``default(x)`` means here what ``default(x, true)`` means."""
    empty = isinstance(value, Missing) or (isinstance(value, str) and not value.strip())
    return fallback if empty else value


def _on_text(change: Callable[..., object]) -> Callable[..., object]:
    """Let a filter work on text, and pass what is missing through to a ``default`` after it."""

    @functools.wraps(change)
    def of_text(value: object, *given: object) -> object:
        return value if isinstance(value, Missing) else change(shown(value), *given)

    return of_text


def _if_filled(change: Callable[..., object]) -> Callable[..., object]:
    """Let a filter pass what is missing through."""

    @functools.wraps(change)
    def of_value(value: object, *given: object) -> object:
        return value if isinstance(value, Missing) else change(value, *given)

    return of_value


def _capitalized(text: str) -> str:
    return text[:1].upper() + text[1:]


def replaced(text: str, old: str, new: str, count: int = -1) -> str:
    """Return ``text`` with ``old`` replaced; the result is measured before it is made."""
    if not old:
        raise ValueError("replace needs something to look for")
    if len(text) + text.count(old) * len(new) > LONGEST_TEXT:
        raise OutOfBoundsError("replace makes more text than an expression may come to")
    return text.replace(old, new, count)


def _shortened(text: str, length: int = 80, end: str = "…") -> str:
    if len(text) <= length:
        return text
    return text[: max(0, length - len(end))].rsplit(" ", 1)[0].rstrip(" ,;:.") + end


def _round(value: object, digits: int = 0) -> object:
    number = round(float(shown(value)), max(-15, min(15, digits)))
    return bounded(int(number) if digits <= 0 else number)


def _int(value: object) -> object:
    text = shown(value)
    return bounded(int(float(text[:40]))) if text else 0


def _items(value: object) -> list[object]:
    return list(value) if isinstance(value, str | list | tuple) else [value]


def _length(value: object) -> int:
    return len(_items(value))


def _first(value: object) -> object:
    return next(iter(_items(value)), Missing(name="the first of nothing"))


def _last(value: object) -> object:
    return next(reversed(_items(value)), Missing(name="the last of nothing"))


def _join(value: object, glue: str = ", ") -> str:
    return joined(_items(value), glue)


def _sort(value: object) -> list[str]:
    return sorted((shown(item) for item in _items(value)), key=str.casefold)


def _unique(value: object) -> list[object]:
    return list(dict.fromkeys(shown(item) for item in _items(value)))


def split(text: str, separator: str = ",") -> list[str]:
    """Return the parts of ``text`` without the spaces around them, empty ones left out."""
    return [part.strip() for part in text.split(separator) if part.strip()]


def language_of(context: Context) -> str:
    """Return the language in which this rendering says dates."""
    return str(context.get("_language") or "en")


def today_of(context: Context) -> date:
    """Return the prospect's day of this rendering."""
    return cast(date, context.get("_today") or date.min)


def _moment(value: object) -> date | datetime:
    if isinstance(value, date):
        return value
    text = shown(value)
    found = dates.read(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is not a day: write it like 2026-03-03 or 2026-03-03 09:30")
    return found


def _dated(say: Callable[[Context, date | datetime], object]) -> Callable[..., object]:
    """Let a filter work on a day, given as one or as ISO text, and pass what is missing through."""

    @pass_context
    def of_moment(context: Context, value: object) -> object:
        return value if isinstance(value, Missing) else say(context, _moment(value))

    return of_moment


def _time(context: Context, moment: date | datetime) -> object:
    if not isinstance(moment, datetime):
        return Missing.blank("the time of day")
    return dates.say_time(moment.time(), language_of(context))


@pass_context
def plus(context: Context, value: object, span: str) -> object:
    """Return the day that lies ``span`` (``2 business days``) after the value's own."""
    if isinstance(value, Missing):
        return value
    delay = pacing.parse_delay(span)
    if delay.unit not in _DAYS:
        raise ValueError("plus counts in days, weeks, months or business days")
    if delay.roughly().days > _FURTHEST:
        raise OutOfBoundsError("plus looks two years ahead at most")
    place = Place(country=str(context.get("_country") or ""))
    moment = _moment(value)
    return pacing.add(datetime(moment.year, moment.month, moment.day, 12, tzinfo=UTC), delay, place).date()


def _day(value: object) -> date | None:
    found = value if isinstance(value, date) else None if isinstance(value, Missing) else dates.read(shown(value))
    return found.date() if isinstance(found, datetime) else found


@pass_context
def _coming(context: Context, value: object) -> bool:
    day = _day(value)
    return day is not None and day > today_of(context)


@pass_context
def _past(context: Context, value: object) -> bool:
    day = _day(value)
    return day is not None and day <= today_of(context)


def _contained(value: object, group: object) -> bool:
    if isinstance(value, Missing) or isinstance(group, Missing):
        return False
    return shown(value) in (group if isinstance(group, str) else [shown(item) for item in _items(group)])


@pass_context
def counted(context: Context, value: object) -> object:
    """Hand out a loop's items while the rendering's rounds last; put around every loop's subject by the grammar."""
    items = [] if isinstance(value, Missing) else _items(value)
    return _counting(items, cast(list[int], context.get("_rounds")))


def _counting(items: Iterable[object], budget: list[int]) -> Iterable[object]:
    for item in items:
        budget[0] -= 1
        if budget[0] < 0:
            raise OutOfBoundsError(f"its loops make more than {MOST_ROUNDS} rounds")
        yield item


def concatenated(*parts: object) -> str:
    """Return what ``a ~ b`` means; put in its place by the grammar."""
    return joined(parts)


FILTERS: dict[str, Callable[..., Any]] = {
    "default": default,
    "d": default,
    "upper": _on_text(str.upper),
    "lower": _on_text(str.lower),
    "title": _on_text(str.title),
    "capitalize": _on_text(_capitalized),
    "trim": _on_text(str.strip),
    "replace": _on_text(replaced),
    "truncate": _on_text(_shortened),
    "wordcount": _on_text(lambda text: len(text.split())),
    "urlencode": _on_text(lambda text: quote(text, safe="")),
    "split": _on_text(split),
    "string": _on_text(str),
    "int": _if_filled(_int),
    "round": _if_filled(_round),
    "length": _if_filled(_length),
    "count": _if_filled(_length),
    "first": _if_filled(_first),
    "last": _if_filled(_last),
    "join": _if_filled(_join),
    "sort": _if_filled(_sort),
    "unique": _if_filled(_unique),
    "date": _dated(lambda context, at: dates.say_date(at, language_of(context), today_of(context))),
    "day": _dated(lambda context, at: dates.say_day(at, language_of(context), today_of(context))),
    "weekday": _dated(lambda context, at: dates.calendar(language_of(context)).weekdays[at.weekday()]),
    "month": _dated(lambda context, at: dates.calendar(language_of(context)).months[at.month - 1]),
    "time": _dated(_time),
    "plus": plus,
}
"""Every filter by its name in a template; docs/templates.md has a line for each."""

GUARDS: dict[str, Callable[..., Any]] = {"_counted": counted, "_joined": concatenated}
"""What the grammar puts into a template and no template can name."""

TESTS: dict[str, Callable[..., Any]] = {
    "defined": lambda value: not isinstance(value, Missing),
    "undefined": lambda value: isinstance(value, Missing),
    "coming": _coming,
    "past": _past,
    "in": _contained,
}
"""Every test by its name after ``is``."""

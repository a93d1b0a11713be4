"""The forms that a user's values take: each function turns a raw value into a checked one or raises FormError.

They serve cadenced.toml and the sequences alike, so that a duration or a time zone means the same in both.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import TypeVar
from zoneinfo import available_timezones

from cadenced.config.spelling import nearest
from cadenced.core import pacing
from cadenced.core.model import Place
from cadenced.core.pacing import Delay, Window

T = TypeVar("T")
Form = Callable[[object], T]
"""What turns a raw value into a checked one."""

_KINDS: dict[type, str] = {
    type(None): "nothing",
    bool: "true or false",
    int: "a number",
    float: "a number",
    str: "text",
    list: "a list",
    dict: "a table",
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_NUMBER = re.compile(r"\d{1,9}(?:\.\d{1,3})?")
_NAME = re.compile(r"[a-z0-9_-]{1,64}")


class FormError(ValueError):
    """A value that does not have its form; ``cure`` says how to write it."""

    def __init__(self, message: str, cure: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.cure = cure


def kind(value: object) -> str:
    """Return what a value is in a user's words."""
    return _KINDS.get(type(value), "a date" if isinstance(value, datetime) else "something else")


def text(value: object) -> str:
    """Read one line of text without control characters."""
    if not isinstance(value, str):
        raise FormError(f"this must be text and is {kind(value)}", "put it in quotes")
    if _CONTROL.search(value):
        raise FormError("this must be one line without control characters")
    return value.strip()


def prose(value: object) -> str:
    """Read text of any number of lines; spaces at its ends are dropped."""
    if not isinstance(value, str):
        raise FormError(f"this must be text and is {kind(value)}", "put it in quotes")
    if _CONTROL.search(value.replace("\n", "").replace("\t", "")):
        raise FormError("this contains control characters")
    return value.strip()


def filled(value: object) -> str:
    """Read one line of text that is not empty."""
    if not (line := text(value)):
        raise FormError("this must not be empty")
    return line


def flag(value: object) -> bool:
    """Read true or false."""
    if not isinstance(value, bool):
        raise FormError(f"this must be true or false and is {kind(value)}", "write it without quotes")
    return value


def number(low: int, high: int) -> Form[int]:
    """Return the form of a whole number between two bounds, both allowed."""

    def form(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int):
            raise FormError(f"this must be a whole number and is {kind(value)}", "write it without quotes")
        if not low <= value <= high:
            raise FormError(f"{value} is not between {low} and {high}")
        return value

    return form


def word(choices: Iterable[str], meant: Mapping[str, str] = MappingProxyType({})) -> Form[str]:
    """Return the form of one word out of a few; ``meant`` says which of them other people's words stand for."""
    known = tuple(choices)

    def form(value: object) -> str:
        if (given := text(value).lower()) not in known:
            near = meant.get(given) or nearest(given, known)
            raise FormError(f'"{given}" is none of {", ".join(known)}', f'did you mean "{near}"?' if near else "")
        return given

    return form


def name(value: object) -> str:
    """Read the name of a sequence, template or step: small letters, digits, ``_`` and ``-``."""
    given = text(value)
    if not _NAME.fullmatch(given):
        raise FormError(f'"{given[:80]}" is not a name', "use small letters, digits, - and _, at most 64 of them")
    return given


def delay(value: object, unit: str = "days") -> Delay:
    """Read a number and a unit, as in ``4 business days``; ``0`` needs no unit. ``unit`` is probably meant by none."""
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise FormError(f"this must be a duration and is {kind(value)}", 'write it like "4 business days"')
    try:
        parsed = pacing.parse_delay(value)
    except ValueError as wrong:
        bare = _NUMBER.fullmatch(str(value).strip())
        raise FormError(str(wrong), f'did you mean "{bare[0]} {unit}"?' if bare else "") from wrong
    if parsed.roughly() > timedelta(days=3660):
        raise FormError(f"{value!r} is longer than ten years")
    return parsed


def span(low: timedelta, high: timedelta) -> Form[timedelta]:
    """Return the form of a duration of fixed length between two bounds, both allowed."""

    def form(value: object) -> timedelta:
        given = delay(value, "s")
        if given.unit in {"months", "business days"} and given.amount:
            raise FormError(f'"{value}" has no fixed length here', "use s, min, h, days or weeks")
        length = given.roughly()
        if not low <= length <= high:
            raise FormError(f'"{value}" is not between {_short(low)} and {_short(high)}')
        return length

    return form


def _short(length: timedelta) -> str:
    seconds = length.total_seconds()
    for unit, size in (("days", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size and seconds % size == 0:
            return f"{seconds / size:g} {unit}"
    return f"{seconds:g} s"


def timezone(value: object) -> str:
    """Read an IANA time zone."""
    given = filled(value)
    try:
        return pacing.zone(given).key
    except KeyError as wrong:
        near = _zone_like(given)
        cure = f'did you mean "{near}"?' if near else "use an IANA name such as Europe/Paris"
        raise FormError(f'"{given}" is not a time zone', cure) from wrong


def _zone_like(given: str) -> str:
    """Return the zone of a city, else the name most like ``given``, else ``""``."""
    names = sorted(available_timezones())
    wanted = given.lower().replace(" ", "_")
    return next((name for name in names if name.lower().rpartition("/")[2] == wanted), "") or nearest(given, names)


def country(value: object) -> str:
    """Read an ISO 3166 country as two letters, or ``""`` for none."""
    given = text(value)
    known = _countries()
    if not given or given.upper() in known:
        return given.upper()
    near = nearest(given, known.values())
    code = "GB" if given.upper() == "UK" else next((code for code, name in known.items() if name == near), "")
    cure = f'did you mean "{code}"?' if code else "use the two letters of ISO 3166, such as FR"
    raise FormError(f'"{given}" is not a country', cure)


@cache
def _countries() -> dict[str, str]:
    """Return ISO 3166's codes and names (source: the table that comes with the time zone database)."""
    table = (resources.files("tzdata") / "zoneinfo" / "iso3166.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[0]: row[1] for row in rows}


def days(value: object) -> frozenset[int]:
    """Read days of the week, as in ``mon-fri``, ``mon,wed`` or a list of them."""
    if isinstance(value, list):
        value = ",".join(text(part) for part in value)
    try:
        return pacing.parse_days(filled(value))
    except ValueError as wrong:
        raise _from(wrong) from wrong


def hours(value: object) -> tuple[time, time]:
    """Read hours of a day that begin before they end, as in ``08:30-17:30``."""
    given = filled(value)
    try:
        opens, closes = pacing.parse_hours(given)
    except ValueError as wrong:
        raise _from(wrong) from wrong
    if opens >= closes:
        raise FormError(f'"{given}" is empty: it ends before it begins', "write the earlier time first")
    return opens, closes


def window_zone(value: object) -> str:
    """Read ``prospect``, or an IANA time zone."""
    return "prospect" if value == "prospect" else timezone(value)


def opens_ever(window: Window, zone: str) -> None:
    """Raise FormError where no moment of the next two years lies in the window, seen from a time zone.

    Holidays are left out: no country has so many, and their tables take long to load.
    """
    try:
        pacing.open_from(datetime.now(UTC), replace(window, holidays=False), Place(zone))
    except pacing.NeverOpensError as wrong:
        raise FormError("this window never opens: nothing could ever be sent", "widen its days or hours") from wrong


def _from(wrong: ValueError) -> FormError:
    return wrong if isinstance(wrong, FormError) else FormError(str(wrong))

"""Days and times in the reader's language, as one would say them in a letter."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time

_ISO = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2})[:h](\d{2})(?::\d{2}(?:\.\d+)?)?\s*(?:Z|[+-]\d\d:?\d\d)?)?"
)


@dataclass(frozen=True, slots=True)
class Calendar:
    """One language's words. ``date`` and ``full`` are templates of ``{weekday} {day} {month}``."""

    weekdays: tuple[str, ...]
    months: tuple[str, ...]
    date: str
    full: str
    year: str
    clock: Callable[[time], str]


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _english_clock(at: time) -> str:
    minutes = f":{at.minute:02}" if at.minute else ""
    return f"{at.hour % 12 or 12}{minutes} {'am' if at.hour < 12 else 'pm'}"


def _h_clock(at: time) -> str:
    return f"{at.hour}h{at.minute:02}" if at.minute else f"{at.hour}h"


def _german_clock(at: time) -> str:
    return f"{at.hour}:{at.minute:02} Uhr" if at.minute else f"{at.hour} Uhr"


def _dutch_clock(at: time) -> str:
    return f"{at.hour}.{at.minute:02} uur" if at.minute else f"{at.hour} uur"


def _plain_clock(at: time) -> str:
    return f"{at.hour}:{at.minute:02}"


def _swedish_clock(at: time) -> str:
    return f"{at.hour:02}.{at.minute:02}"


CALENDARS = {
    "en": Calendar(
        ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"),
        _words("January February March April May June July August September October November December"),
        "{day} {month}",
        "{weekday} {day} {month}",
        " {year}",
        _english_clock,
    ),
    "fr": Calendar(
        ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
        _words("janvier février mars avril mai juin juillet août septembre octobre novembre décembre"),
        "le {day} {month}",
        "{weekday} {day} {month}",
        " {year}",
        _h_clock,
    ),
    "de": Calendar(
        ("Montag", "Dienstag", "Mittwoch", "Donnerstag", "Freitag", "Samstag", "Sonntag"),
        _words("Januar Februar März April Mai Juni Juli August September Oktober November Dezember"),
        "{day}. {month}",
        "{weekday}, {day}. {month}",
        " {year}",
        _german_clock,
    ),
    "nl": Calendar(
        ("maandag", "dinsdag", "woensdag", "donderdag", "vrijdag", "zaterdag", "zondag"),
        _words("januari februari maart april mei juni juli augustus september oktober november december"),
        "{day} {month}",
        "{weekday} {day} {month}",
        " {year}",
        _dutch_clock,
    ),
    "es": Calendar(
        ("lunes", "martes", "miércoles", "jueves", "viernes", "sábado", "domingo"),
        _words("enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre"),
        "el {day} de {month}",
        "{weekday} {day} de {month}",
        " de {year}",
        _plain_clock,
    ),
    "it": Calendar(
        ("lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato", "domenica"),
        _words("gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre"),
        "il {day} {month}",
        "{weekday} {day} {month}",
        " {year}",
        _plain_clock,
    ),
    "pt": Calendar(
        ("segunda-feira", "terça-feira", "quarta-feira", "quinta-feira", "sexta-feira", "sábado", "domingo"),
        _words("janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro"),
        "{day} de {month}",
        "{weekday}, {day} de {month}",
        " de {year}",
        _h_clock,
    ),
    "sv": Calendar(
        ("måndag", "tisdag", "onsdag", "torsdag", "fredag", "lördag", "söndag"),
        _words("januari februari mars april maj juni juli augusti september oktober november december"),
        "{day} {month}",
        "{weekday} {day} {month}",
        " {year}",
        _swedish_clock,
    ),
}

_FIRST = {"fr": "1er", "it": "1º", "pt": "1º"}


def calendar(language: str) -> Calendar:
    """Return the words of a language (``fr``, ``fr-CA``); English for one that is not known."""
    return CALENDARS.get(language[:2].lower(), CALENDARS["en"])


def read(text: str) -> date | datetime | None:
    """Read an ISO day with or without a time (``2026-03-03``, ``2026-03-03 09:30``); None for anything else.

    The time is the one on the prospect's own clock: an offset that stands behind it is not converted.
    """
    found = _ISO.fullmatch(text.strip())
    if not found:
        return None
    year, month, day, hour, minute = (int(part) if part else 0 for part in found.groups())
    try:
        if found[4] is None:
            return date(year, month, day)
        return datetime(year, month, day, hour, minute)  # noqa: DTZ001 - a local time, to be said, not counted with
    except ValueError:
        return None


def say_date(day: date, language: str, today: date) -> str:
    """Return ``3 March``, ``le 3 mars``, ``3. März``; with the year where it is not this one."""
    return _fill(calendar(language).date, day, language, today)


def say_day(day: date, language: str, today: date) -> str:
    """Return ``Tuesday 3 March``, ``mardi 3 mars``; with the year where it is not this one."""
    return _fill(calendar(language).full, day, language, today)


def say_time(at: time, language: str) -> str:
    """Return ``9:30 am``, ``9h30``, ``9:30 Uhr``."""
    return calendar(language).clock(at)


def _fill(pattern: str, day: date, language: str, today: date) -> str:
    words = calendar(language)
    short = language[:2].lower()
    number = _FIRST.get(short, "1") if day.day == 1 else str(day.day)
    text = pattern.format(weekday=words.weekdays[day.weekday()], day=number, month=words.months[day.month - 1])
    if short == "it" and day.day in {8, 11}:  # l'8 marzo, l'11 marzo
        text = text.replace("il ", "l'", 1)
    return text + (words.year.format(year=day.year) if day.year != today.year else "")

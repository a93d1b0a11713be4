"""Laws of days and times: said as a letter in that language would."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

import pytest

from cadenced.errors import TemplateError
from cadenced.writing import dates
from writing.samples import OCCASION, given, template


def said(expression: str, language: str, **fields: str) -> str:
    occasion = replace(OCCASION, language=language)
    return template(f"{{{{ {expression} }}}}").render(given(occasion, **fields)).body.replace("\\", "")


@pytest.mark.parametrize(
    ("language", "day", "full", "time"),
    [
        ("en", "3 March", "Tuesday 3 March", "9:30 am"),
        ("fr", "le 3 mars", "mardi 3 mars", "9h30"),
        ("de", "3. März", "Dienstag, 3. März", "9:30 Uhr"),
        ("nl", "3 maart", "dinsdag 3 maart", "9.30 uur"),
        ("es", "el 3 de marzo", "martes 3 de marzo", "9:30"),
        ("it", "il 3 marzo", "martedì 3 marzo", "9:30"),
        ("pt", "3 de março", "terça-feira, 3 de março", "9h30"),
        ("sv", "3 mars", "tisdag 3 mars", "09.30"),
        ("fr-CA", "le 3 mars", "mardi 3 mars", "9h30"),
        ("xx", "3 March", "Tuesday 3 March", "9:30 am"),
    ],
)
def test_a_day_is_said_in_the_language_of_the_sequence(language: str, day: str, full: str, time: str) -> None:
    fields = {"next_step_at": "2026-03-03 09:30"}
    assert said("next_step_at | date", language, **fields) == day
    assert said("next_step_at | day", language, **fields) == full
    assert said("next_step_at | time", language, **fields) == time


@pytest.mark.parametrize(
    ("language", "day", "words"),
    [
        ("fr", date(2026, 5, 1), "le 1er mai"),
        ("it", date(2026, 5, 1), "il 1º maggio"),
        ("it", date(2026, 5, 8), "l'8 maggio"),
        ("it", date(2026, 5, 11), "l'11 maggio"),
        ("pt", date(2026, 5, 1), "1º de maio"),
        ("es", date(2026, 5, 1), "el 1 de mayo"),
        ("en", date(2027, 1, 2), "2 January 2027"),
        ("es", date(2027, 1, 2), "el 2 de enero de 2027"),
    ],
)
def test_the_odd_days_are_said_right(language: str, day: date, words: str) -> None:
    assert dates.say_date(day, language, date(2026, 3, 2)) == words


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-03-03", date(2026, 3, 3)),
        ("2026-3-3", date(2026, 3, 3)),
        ("2026-03-03 09:30", datetime(2026, 3, 3, 9, 30)),  # noqa: DTZ001 - a local time
        ("2026-03-03T09:30", datetime(2026, 3, 3, 9, 30)),  # noqa: DTZ001 - a local time
        (" 2026-03-03T09:30:15.5Z ", datetime(2026, 3, 3, 9, 30)),  # noqa: DTZ001 - a local time
        ("2026-03-03 9h30", datetime(2026, 3, 3, 9, 30)),  # noqa: DTZ001 - a local time
        ("2026-02-30", None),
        ("03/03/2026", None),
        ("next Tuesday", None),
        ("", None),
    ],
)
def test_only_iso_days_are_read(text: str, moment: date | None) -> None:
    assert dates.read(text) == moment


def test_full_hours_and_noon_are_said_as_people_say_them() -> None:
    hours = {n: dates.say_time(datetime(2026, 1, 1, n).time(), "en") for n in (0, 9, 12, 13)}  # noqa: DTZ001 - a local time
    assert hours == {0: "12 am", 9: "9 am", 12: "12 pm", 13: "1 pm"}
    assert dates.say_time(datetime(2026, 1, 1, 9).time(), "de") == "9 Uhr"  # noqa: DTZ001 - a local time


def test_a_time_that_is_not_known_is_empty_and_can_have_a_fallback() -> None:
    assert said('next_step_at | time | default("in the morning")', "en", next_step_at="2026-03-03") == "in the morning"
    with pytest.raises(TemplateError, match="time of day is empty"):
        said("next_step_at | time", "en", next_step_at="2026-03-03")


@pytest.mark.parametrize(
    ("span", "day"),
    [("1 day", "Tuesday 3 March"), ("2 weeks", "Monday 16 March"), ("5 business days", "Monday 9 March"),
     ("24 business days", "Monday 6 April"), ("3 months", "Tuesday 2 June"), ("0", "Monday 2 March")],
)  # fmt: skip
def test_a_day_to_come_skips_weekends_and_holidays(span: str, day: str) -> None:
    if span == "0":
        with pytest.raises(TemplateError, match="plus counts in"):
            said(f'now | plus("{span}") | day', "en")
    else:
        assert said(f'now | plus("{span}") | day', "en") == day


def test_a_day_that_is_past_is_not_coming() -> None:
    asked = '"yes" if next_step_at is coming else "no"'
    answers = {d: said(asked, "en", next_step_at=d) for d in ("2026-03-01", "2026-03-02", "2026-03-03 09:00", "soon")}
    assert answers == {"2026-03-01": "no", "2026-03-02": "no", "2026-03-03 09:00": "yes", "soon": "no"}


def test_words_of_a_day_can_be_used_alone() -> None:
    assert said("next_step_at | weekday", "de", next_step_at="2026-03-03") == "Dienstag"
    assert said("now | month", "fr") == "mars"

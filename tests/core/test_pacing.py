"""Delays, windows, holidays and clocks that jump."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenced.core import pacing
from cadenced.core.model import Place
from cadenced.core.pacing import ALWAYS, Delay, NeverOpensError, Window

PARIS = Place("Europe/Paris", "FR")
NEW_YORK = Place("America/New_York", "US")


@pytest.mark.parametrize(
    ("text", "delay"),
    [
        ("0", Delay()),
        (0, Delay()),
        ("90 s", Delay(90, "s")),
        ("1.5 h", Delay(1.5, "h")),
        ("4 business days", Delay(4, "business days")),
        ("1 business day", Delay(1, "business days")),
        ("3 months", Delay(3, "months")),
        ("2 weeks", Delay(2, "weeks")),
        ("10min", Delay(10, "min")),
    ],
)
def test_a_duration_is_a_number_and_a_unit(text: str | int, delay: Delay) -> None:
    assert pacing.parse_delay(text) == delay


@pytest.mark.parametrize("text", ["5", "soon", "4 busy days", "-1 days", "1.5 days", "", "1 day 2 h"])
def test_anything_else_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(ValueError, match=r"duration|whole"):
        pacing.parse_delay(text)


def test_business_days_leave_out_weekends_and_holidays() -> None:
    thursday = datetime(2026, 4, 30, 10, tzinfo=UTC)  # Friday is the first of May
    assert pacing.add(thursday, Delay(1, "business days"), PARIS) == datetime(2026, 5, 4, 10, tzinfo=UTC)


def test_days_keep_the_wall_clock_over_a_change_of_time() -> None:
    friday = datetime(2026, 3, 27, 9, tzinfo=UTC)  # 10:00 in Paris; the clocks change on Sunday
    assert pacing.add(friday, Delay(3, "days"), PARIS) == datetime(2026, 3, 30, 8, tzinfo=UTC)


def test_a_month_has_an_end() -> None:
    january = datetime(2026, 1, 31, 9, tzinfo=UTC)
    assert pacing.add(january, Delay(1, "months"), PARIS).date() == date(2026, 2, 28)


def test_a_time_that_does_not_exist_is_the_first_that_does() -> None:
    assert pacing.to_utc(date(2026, 3, 29), time(2, 30), "Europe/Paris") == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_a_time_that_comes_twice_is_the_first_one() -> None:
    assert pacing.to_utc(date(2026, 10, 25), time(2, 30), "Europe/Paris") == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_window_is_the_prospects_own() -> None:
    morning_in_paris = datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert pacing.is_open(morning_in_paris, Window(), PARIS)
    assert not pacing.is_open(morning_in_paris, Window(), NEW_YORK)
    assert pacing.open_from(morning_in_paris, Window(), NEW_YORK) == datetime(2026, 3, 3, 13, 30, tzinfo=UTC)


def test_a_window_may_be_meant_in_another_zone() -> None:
    moment = datetime(2026, 3, 3, 8, tzinfo=UTC)
    assert pacing.is_open(moment, Window(timezone="Europe/Paris"), NEW_YORK)


def test_no_mail_on_a_holiday_unless_the_window_says_so() -> None:
    may_day = datetime(2026, 5, 1, 10, tzinfo=UTC)
    assert not pacing.is_open(may_day, Window(), PARIS)
    assert pacing.is_open(may_day, Window(holidays=False), PARIS)


def test_always_is_always() -> None:
    assert pacing.is_open(datetime(2026, 12, 25, 3, tzinfo=UTC), ALWAYS, PARIS)


def test_an_empty_window_is_found_out() -> None:
    with pytest.raises(NeverOpensError):
        pacing.open_from(datetime(2026, 3, 3, tzinfo=UTC), Window(days=frozenset()), PARIS)


@pytest.mark.parametrize(
    ("text", "days"), [("mon-fri", {0, 1, 2, 3, 4}), ("fri-mon", {4, 5, 6, 0}), ("tue, thu", {1, 3}), ("sun", {6})]
)
def test_days_are_read_as_people_write_them(text: str, days: set[int]) -> None:
    assert pacing.parse_days(text) == days


@settings(deadline=None)  # a year of holidays is read when it is first asked for
@given(
    st.integers(0, 10**8).map(lambda s: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(seconds=s)),
    st.sampled_from(["Europe/Paris", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca"]),
    st.integers(0, 12),
)
def test_what_opens_is_open_and_not_before(moment: datetime, name: str, count: int) -> None:
    place = Place(name, "")
    opens = pacing.open_from(pacing.add(moment, Delay(count, "business days"), place), Window(), place)
    assert pacing.is_open(opens, Window(), place)
    assert opens >= moment
    local = opens.astimezone(pacing.zone(name))
    assert local.weekday() < 5
    assert time(8, 30) <= local.time() < time(17, 30)
    assert opens - moment < timedelta(days=30)


@pytest.mark.parametrize(
    "name", ["a" * 300, "a/" * 3000, "\x00", "../etc/passwd", "/etc/passwd", "Europe", "Moon/Crater"]
)
def test_what_is_no_zone_is_a_missing_key_whatever_a_file_system_says_of_it(name: str) -> None:
    with pytest.raises(KeyError):
        pacing.zone(name)

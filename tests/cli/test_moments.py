"""Moments as people write and read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from cadenced.cli import moments
from cadenced.core.model import Place
from cadenced.errors import UsageError

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
PARIS = Place("Europe/Paris", "FR")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("2027-03-01", "2027-03-01T07:00:00Z"),
        ("2027-03-01 10:00", "2027-03-01T09:00:00Z"),
        ("2027-03-01T10:00", "2027-03-01T09:00:00Z"),
        ("2027-07-01 10:00", "2027-07-01T08:00:00Z"),
        ("2027-03-01T10:00+05:00", "2027-03-01T05:00:00Z"),
        ("2027-03-01T10:00Z", "2027-03-01T10:00:00Z"),
        ("2027-03-28 02:30", "2027-03-28T01:00:00Z"),
        ("tomorrow", "2026-11-22T07:00:00Z"),
        ("90 min", "2026-11-21T11:00:00Z"),
        ("in 2 weeks", "2026-12-05T09:30:00Z"),
        ("3 business days", "2026-11-25T09:30:00Z"),
        ("1 month", "2026-12-21T09:30:00Z"),
    ],
)
def test_a_moment_is_read_in_the_prospects_zone(text: str, wanted: str) -> None:
    assert moments.stamp(moments.read(text, PARIS, NOW)) == wanted


@pytest.mark.parametrize(
    "text", ["", "soon", "2027-13-01", "25:00", "2026-11-21", "2020-01-01 10:00", "3 fortnights", "0"]
)
def test_what_is_no_moment_to_come_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        moments.read(text, PARIS, NOW)


def test_a_moment_is_shown_with_its_year_where_that_is_another() -> None:
    assert moments.local(datetime(2027, 3, 1, 9, tzinfo=UTC), "Europe/Paris", NOW) == "Mon 1 Mar 2027 10:00"
    assert moments.local(datetime(2026, 11, 22, 9, tzinfo=UTC), "Europe/Paris", NOW) == "Sun 22 Nov 10:00"


@pytest.mark.parametrize(
    ("ahead", "said"),
    [
        (timedelta(0), "now"),
        (timedelta(seconds=90), "in 90 s"),
        (timedelta(minutes=90), "in 90 min"),
        (timedelta(hours=30), "in 30 h"),
        (timedelta(days=3, hours=5), "in 3 days"),
        (-timedelta(hours=3), "3 h ago"),
        (timedelta(days=40), "in 5 weeks"),
    ],
)
def test_a_distance_is_told_in_its_largest_sensible_unit(ahead: timedelta, said: str) -> None:
    assert moments.relative(NOW + ahead, NOW) == said


def test_a_kept_moment_is_stamped_and_other_text_is_left_alone() -> None:
    assert moments.restamped("2026-11-21T09:30:00.123456+00:00") == "2026-11-21T09:30:00Z"
    assert moments.restamped("2026-11-21T10:30:00+01:00") == "2026-11-21T09:30:00Z"
    assert moments.restamped("2026-11-21") == "2026-11-21"
    assert moments.restamped(12) == 12

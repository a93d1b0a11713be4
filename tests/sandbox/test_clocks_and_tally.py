"""The clocks of rehearsals, and the measure of the two promises."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from cadenced.sandbox import tally
from cadenced.sandbox.clocks import BRAKED, FastClock, Pace, VirtualClock
from cadenced.sandbox.servers import Taken
from cadenced.sandbox.tally import Answered

MONDAY = datetime(2026, 11, 23, 7, tzinfo=UTC)
PACE = Pace(ZoneInfo("Europe/Paris"), 1.0)


class Seconds:
    """Real seconds that pass when told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_a_virtual_clock_moves_when_somebody_sleeps_and_never_back() -> None:
    clock = VirtualClock(MONDAY)
    await clock.sleep(timedelta(hours=3))
    clock.move_to(MONDAY)
    assert clock.now() == MONDAY + timedelta(hours=3)
    assert clock.monotonic() == 3 * 3600


def test_a_fast_clock_stands_until_it_is_started() -> None:
    real = Seconds()
    clock = FastClock(MONDAY, PACE, real=real)
    real.now += 10
    assert clock.now() == MONDAY
    clock.start()
    real.now += 0.1
    assert clock.now() > MONDAY


def test_a_week_takes_about_as_many_paces_as_it_has_days_and_working_hours_most_of_it() -> None:
    real = Seconds()
    clock = FastClock(MONDAY, PACE, real=real)
    clock.start()
    real.now += 7
    assert timedelta(days=6) < clock.now() - MONDAY < timedelta(days=8)
    _, working = PACE.span(MONDAY)
    _, night = PACE.span(MONDAY.replace(hour=2))
    _, sunday = PACE.span(MONDAY - timedelta(days=1))
    assert working < min(sunday, night)


def test_however_often_it_is_read_the_same_time_passes() -> None:
    often, once = Seconds(), Seconds()
    first, second = FastClock(MONDAY, PACE, real=often), FastClock(MONDAY, PACE, real=once)
    first.start()
    second.start()
    for _ in range(1_000):
        often.now += 0.005
        first.now()
    once.now += 5
    assert abs(first.now() - second.now()) < timedelta(seconds=5)


def test_a_braked_clock_nearly_stands() -> None:
    real = Seconds()
    free, braked = FastClock(MONDAY, PACE, real=real), FastClock(MONDAY, PACE, lambda: True, real=real)
    free.start()
    braked.start()
    real.now += 0.1
    assert braked.now() - MONDAY == pytest.approx((free.now() - MONDAY) * BRAKED, abs=timedelta(seconds=1))


def taken(number: int, monotonic: float, to: str = "ann@there.example") -> Taken:
    raw = f"From: j@abc.example\r\nTo: {to}\r\nSubject: x\r\nMessage-ID: <{number}@abc.example>\r\n\r\nx\r\n"
    return Taken("j@abc.example", (to,), raw.encode(), monotonic)


def test_the_same_message_accepted_again_counts_as_twice() -> None:
    found = tally.measure([taken(1, 1), taken(2, 2), taken(1, 3)], [])
    assert (found.sent, found.twice, found.is_clean) == (3, 1, False)


def test_what_leaves_after_an_answer_counts_unless_it_was_on_the_wire() -> None:
    answered = [Answered("ann@there.example", 10.0), Answered("ann@there.example", 90.0)]
    early, crossing, late = taken(1, 9), taken(2, 10.0 + tally.TRAIL), taken(3, 10.1 + tally.TRAIL)
    other = taken(4, 99, "bob@there.example")
    assert tally.measure([early, crossing, other], answered).is_clean
    assert tally.measure([early, crossing, late, other], answered).after_answer == 1

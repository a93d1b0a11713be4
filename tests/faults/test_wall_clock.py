"""A wall clock that jumps (row 51, I22): no mail before its time, no burst behind it, nothing twice.

The span for which a clock must have run evenly stands in a file: an hour while nothing may leave, so that no machine is
too slow to jump again in time, three seconds at the end. A mailbox that is held looks again every second.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from grounds import Ground, entered

from peers import dovecot, shim, warm
from peers.patience import until

pytestmark = [*dovecot.needs_dovecot, *shim.needs_shim, pytest.mark.slow]

YEAR, HOUR = 365 * 86400.0, 3600.0
FIRST = ("ann@early.example", "bob@soon.example")
LATER = ("cleo@later.example", "dan@later.example", "eve@later.example")


@pytest.fixture
def ground(tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable) -> Iterator[Ground]:
    shim.set_clock(tmp_path / "clock", 0.0)
    with entered(tmp_path / "ground", server, stable, min_gap="1 s") as one:
        one.enrol(*FIRST)
        assert one.idle() == 0, one.said()
        assert len(one.taken()) == len(FIRST)
        yield one


def steps(ground: Ground) -> list[tuple[str, str]]:
    return sorted((touch["recipient"], touch["step"]) for touch in ground.touches() if touch["state"] == "sent")


EVERYBODY_ONCE = sorted((person, "one") for person in FIRST + LATER)


def start(ground: Ground, clock: Path) -> warm.Run:
    """Start a daemon under this clock, which trusts it again after an hour; returns when it is ready."""
    trust_after(ground, HOUR)
    before = ground.said().count(" ready ")
    told = f"type('Told', (), {{'total_seconds': lambda self: float(open({str(ground.root / 'calm')!r}).read())}})()"
    patches = {"cadenced.engine.steadiness:CALM": told, "cadenced.engine.sender:TICK": "timedelta(seconds=1)"}
    run = ground.start(clock=clock, patches=patches)
    until(lambda: ground.said().count(" ready ") > before)
    return run


def trust_after(ground: Ground, seconds: float) -> None:
    """Have the next jump forgotten after so long."""
    (ground.root / "calm").write_text(str(seconds))


def jump(ground: Ground, clock: Path, seconds: float) -> None:
    """Put the clock wrong by so much, and wait until the daemon has seen it."""
    before = ground.said().count("no send begins")
    shim.set_clock(clock, seconds)
    until(lambda: ground.said().count("no send begins") > before)


def test_while_the_clock_jumps_nothing_leaves_and_then_everything_in_its_own_time(
    ground: Ground, tmp_path: Path
) -> None:
    clock = tmp_path / "clock"
    start(ground, clock)
    jump(ground, clock, YEAR)
    ground.enrol(*LATER)
    for seconds in (-YEAR, HOUR, -HOUR, YEAR):
        jump(ground, clock, seconds)
    time.sleep(1.5)
    assert len(ground.sink.accepted) == len(FIRST), "sent while the clock jumped"
    trust_after(ground, 3.0)
    jumped = time.monotonic()
    jump(ground, clock, 0.0)
    until(lambda: steps(ground) == EVERYBODY_ONCE)
    assert min(one.monotonic for one in ground.sink.accepted[len(FIRST) :]) > jumped + 3.0, "trusted too early"
    time.sleep(1)
    assert steps(ground) == EVERYBODY_ONCE
    assert set(ground.taken().values()) == {1}
    moments = sorted(one.monotonic for one in ground.sink.accepted[len(FIRST) :])
    assert all(second - first > 0.8 for first, second in itertools.pairwise(moments)), "a burst"


@pytest.mark.parametrize("seconds", [-YEAR, -HOUR])
def test_a_daemon_that_starts_under_a_clock_that_stands_back_sends_nothing_until_it_is_right(
    ground: Ground, tmp_path: Path, seconds: float
) -> None:
    clock = tmp_path / "clock"
    shim.set_clock(clock, seconds)
    ground.enrol(*LATER)
    run = start(ground, clock)
    until(lambda: "no send begins" in ground.said())
    time.sleep(1.5)
    assert len(ground.taken()) == len(FIRST)
    run.kill()
    shim.set_clock(clock, 0.0)
    start(ground, clock)
    until(lambda: len(ground.taken()) == len(FIRST + LATER))
    assert set(ground.taken().values()) == {1}
    until(lambda: steps(ground) == EVERYBODY_ONCE)


def test_an_answer_that_comes_while_the_clock_is_wrong_counts(
    ground: Ground, tmp_path: Path, server: dovecot.Dovecot
) -> None:
    clock = tmp_path / "clock"
    start(ground, clock)
    jump(ground, clock, YEAR)
    sender = ground.sink.accepted[0].recipients[0]
    ours = ground.sink.accepted[0].raw.partition(b"Message-ID: ")[2].partition(b"\r\n")[0].decode()
    server.deliver(
        f"From: {sender}\r\nTo: julie@abc.example\r\nSubject: Re: x\r\nIn-Reply-To: {ours}\r\n"
        f"Message-ID: <{time.monotonic_ns()}@early.example>\r\n\r\nCall me tomorrow.\r\n".encode()
    )
    until(lambda: sorted(row["state"] for row in ground.rows("SELECT state FROM enrolments")) == ["active", "halted"])
    assert len(ground.sink.accepted) == len(FIRST)

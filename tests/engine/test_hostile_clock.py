"""The clocks: a wall clock that jumps sends nothing, and an inbox that is slow holds no gate for ever."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import house
import pytest

from cadenced import config as configuration
from cadenced import library, ports
from cadenced.engine import armoury
from cadenced.engine.armoury import Armoury
from cadenced.engine.steadiness import Steadiness
from cadenced.engine.workspace import Workspace, install_key
from cadenced.store import mailboxes
from cadenced.store.database import Database
from peers import clocks

START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
MESSAGE = ports.Outgoing(1, "julie@abc.example", "ann@there.example", b"", "<1@abc.example>")


class Wild(clocks.ToldClock):
    """A clock whose hands can be turned."""

    def turn(self, span: timedelta) -> None:
        self._now += span

    def run_on(self, seconds: float) -> None:
        self._monotonic += seconds
        self._now += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Wild:
    return Wild(START)


@pytest.mark.parametrize("jump", [timedelta(days=365), -timedelta(days=365), timedelta(seconds=61)])
def test_no_send_begins_until_a_clock_that_jumped_has_been_even_for_two_minutes(clock: Wild, jump: timedelta) -> None:
    unsteady = Steadiness(clock, None)
    assert unsteady() == ""
    clock.turn(jump)
    assert "jumped" in unsteady()
    clock.run_on(119)
    assert unsteady()
    clock.run_on(1)
    assert unsteady() == ""


def test_a_clock_that_jumps_back_and_forth_is_not_trusted(clock: Wild) -> None:
    unsteady = Steadiness(clock, None)
    for turn in range(6):
        clock.turn(timedelta(hours=1 if turn % 2 else -1))
        clock.run_on(60)
        assert unsteady()


def test_a_clock_that_is_set_right_by_seconds_is_trusted(clock: Wild) -> None:
    unsteady = Steadiness(clock, None)
    for _ in range(100):
        clock.turn(timedelta(seconds=1))
        clock.run_on(1)
        assert unsteady() == ""


def test_a_clock_that_stands_before_the_newest_event_is_not_trusted_at_once(clock: Wild) -> None:
    assert Steadiness(clock, START + timedelta(seconds=59))() == ""
    unsteady = Steadiness(clock, START + timedelta(seconds=61))
    assert "before" in unsteady()
    clock.run_on(120)
    assert unsteady() == ""


def test_a_machine_that_slept_is_trusted(clock: Wild) -> None:
    unsteady = Steadiness(clock, None)
    clock.run_on(8 * 3600)  # both clocks count the sleep
    assert unsteady() == ""


@pytest.fixture
def workspace(tmp_path: Path, clock: Wild) -> Iterator[Workspace]:
    os.environ.setdefault("JULIE_PASSWORD", "secret")
    config = configuration.load(house.write(tmp_path, 1, 1))
    database = Database("sqlite:///:memory:", inline=True)
    database.open()
    key = database.transact(lambda tx: install_key(tx, lambda n: b"k" * n))
    database.transact(lambda tx: mailboxes.make_known(tx, ["julie"]))
    yield Workspace(config, library.load(library.shelves(config)), database, clock, "boot", key, lambda: 0.5)
    database.close()


async def test_an_inbox_that_hangs_shuts_the_gate_and_is_not_asked_twice_at_a_time(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(armoury, "FENCE_PATIENCE", 0.01)
    workspace.config = _with_fence_age(workspace, timedelta(seconds=0.01))
    free = asyncio.Event()
    asked = 0

    async def fence() -> float | None:
        nonlocal asked
        asked += 1
        await free.wait()
        return workspace.clock.monotonic()

    gates = Armoury(workspace, fence)
    assert await gates.gate(MESSAGE) is None
    assert await gates.gate(MESSAGE) is None
    assert asked == 1
    free.set()
    assert await gates.gate(MESSAGE) is None  # no such touch; but the inbox was asked anew
    assert asked == 2


async def test_a_fault_of_the_reading_comes_to_whoever_waits_at_the_gate(workspace: Workspace) -> None:
    async def fence() -> float | None:
        raise LookupError("a fault of ours")

    with pytest.raises(LookupError):
        await asyncio.wait_for(Armoury(workspace, fence).gate(MESSAGE), 5)


async def test_nothing_is_armed_while_the_clock_is_not_trusted(workspace: Workspace) -> None:
    workspace.unsteady = lambda: "the clock has jumped"

    async def fence() -> float | None:
        return workspace.clock.monotonic()

    assert await Armoury(workspace, fence).gate(MESSAGE) is None


def _with_fence_age(workspace: Workspace, age: timedelta) -> configuration.Config:
    return replace(workspace.config, safety=replace(workspace.config.safety, fence_age=age))

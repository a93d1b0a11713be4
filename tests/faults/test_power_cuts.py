"""The power goes at any moment (row 5, I4): whatever was said to a mail server was armed on the disk before.

A shim records what the daemon writes, synchronises and says; each cut keeps what was synchronised and leaves the rest
to chance. ``CADENCED_POWER_CUTS`` is the number of cuts. The control has SQLite's laxer setting and must fail: at the
cuts where no chance helps it, those behind a message that was said, with nothing left but what was synchronised.
"""

from __future__ import annotations

import os
import random
import shutil
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import power
import pytest
from grounds import Ground, entered, ref_of

from peers import dovecot, shim, warm

pytestmark = [*dovecot.needs_dovecot, *shim.needs_shim, pytest.mark.slow, pytest.mark.timeout(7200)]

CUTS = int(os.environ.get("CADENCED_POWER_CUTS", "50"))
A_RECORDING = 100
"""Cuts for each recorded run; every fiftieth is followed by a daemon."""
OFTEN = "{**_PRAGMAS, 'wal_autocheckpoint': 6}"
LAX = "{**_PRAGMAS, 'wal_autocheckpoint': 6, 'synchronous': 1}"
PEOPLE = tuple(f"p{n}@power.example" for n in range(5))
KNOWN = {"armed", "sent", "rejected", "unknown", "in_doubt", "skipped"}
"""States of a touch that is never sent again by itself."""


@dataclass
class Recorded:
    """One run: the folder before it, and what it did."""

    ground: Ground
    before: Path
    calls: tuple[shim.Call, ...]

    def said_before(self, cut: int) -> set[str]:
        """Return the references of all messages whose final dot was said before a moment."""
        return {ref_of(call.data) for call in self.calls[:cut] if _is_letter(call)}

    def dots(self) -> list[int]:
        """Return the moments at which a message was handed over."""
        return [n for n, call in enumerate(self.calls, 1) if _is_letter(call)]

    def moment(self, dice: random.Random) -> int:
        """Return a moment for a cut: every other one soon after a message was handed over."""
        if dice.random() < 0.5:
            return min(len(self.calls), dice.choice(self.dots()) + dice.randint(0, 3))
        return dice.randint(1, len(self.calls))


def _is_letter(call: shim.Call) -> bool:
    """Whether a call says a whole letter; what begins the next one may stand behind its dot."""
    return call.what == "s" and b"X-Cadence-Ref: " in call.data and b"\r\n.\r\n" in call.data


@pytest.fixture
def ground(tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable) -> object:
    with entered(tmp_path / "base", server, stable, gap="1 s", connections=2) as one:
        one.enrol(*PEOPLE)
        yield one


def record(ground: Ground, to: Path, pragmas: str) -> Recorded:
    """Let a daemon send everything due, and write down what it does."""
    own = ground.copy(to / "run", ground.user)
    shutil.copytree(own.root, to / "before")
    order = shim.order("r", 0, own.root, to / "trace")
    patches: Mapping[str, str] = {"cadenced.store.database:_PRAGMAS": pragmas}
    for _ in range(2):
        assert own.idle(order=order, patches=patches) == 0, own.said()
        own.hurry()
    calls = tuple(call for call in shim.recorded(to / "trace") if not call.path.endswith((".lock", "/log", "-shm")))
    assert len(own.taken()) >= len(PEOPLE)
    recorded = Recorded(own, to / "before", calls)
    assert recorded.said_before(len(calls)) == set(own.taken()), "a letter left that the shim has not seen"
    return recorded


def left_after(recorded: Recorded, cut: int, dice: random.Random | None, to: Path) -> None:
    """Write what a disk holds when the power goes after ``cut`` calls: without dice only what was synchronised."""
    disk = power.Disk(recorded.before)
    for call in recorded.calls[:cut]:
        disk.see(moved(call, str(recorded.ground.root), str(recorded.before)))
    if dice is None:
        disk.cut_clean(to)
    else:
        disk.cut(dice, to)


def moved(call: shim.Call, here: str, there: str) -> shim.Call:
    """Return a call as if it had been made in another folder."""
    data = call.data.replace(here.encode(), there.encode(), 1) if call.what == "m" else call.data
    return shim.Call(call.what, call.path.replace(here, there, 1), call.offset, data)


def forgotten(root: Path, said: set[str]) -> set[str]:
    """Return what was said and would be said again, for the database does not know of it; it must be sound."""
    with closing(sqlite3.connect(root / "cadenced.db")) as store:
        assert store.execute("PRAGMA quick_check").fetchone() == ("ok",)
        known = {ref for ref, state in store.execute("SELECT ref, state FROM touches") if state in KNOWN}
    return said - known


def test_whatever_was_said_was_armed_on_the_disk_before(ground: Ground, tmp_path: Path) -> None:
    dice = random.Random(5)  # noqa: S311 - a seed that repeats, not a secret
    recorded, after = None, 0
    for number in range(CUTS):
        if recorded is None or number % A_RECORDING == 0:
            recorded = record(ground, tmp_path / f"recording{number}", OFTEN)
        cut, place = recorded.moment(dice), tmp_path / "cut"
        left_after(recorded, cut, dice, place)
        said = recorded.said_before(cut)
        after += bool(said)
        assert not forgotten(place, said), f"cut {number} at call {cut}"
        if number % (A_RECORDING // 2) == A_RECORDING // 4:
            send_again(recorded, place, said)
        shutil.rmtree(place)
    assert after > CUTS // 4
    print(f"{CUTS} cuts, {after} of them after a message had left")  # noqa: T201 - the figure that is asked for


def send_again(recorded: Recorded, place: Path, said: set[str]) -> None:
    """Start a daemon on what is left: everybody gets what they have not got, and nobody anything twice."""
    ground = recorded.ground
    again = Ground(place, ground.sink, ground.stable, begun=len(ground.sink.accepted))
    assert again.idle() == 0, again.said()
    assert not said & set(again.taken()), again.said()
    assert set(again.taken().values()) <= {1}
    assert {touch["state"] for touch in again.touches() if touch["step"] == "one"} <= {"sent", "unknown", "in_doubt"}


def forgotten_behind_dots(recorded: Recorded, place: Path) -> list[bool]:
    """Return for each message whether it would be said again, where the power goes when it has just been said."""
    found = []
    for cut in recorded.dots():
        left_after(recorded, cut, None, place)
        found.append(bool(forgotten(place, recorded.said_before(cut))))
        shutil.rmtree(place)
    return found


def test_with_the_laxer_setting_of_sqlite_a_power_cut_would_send_twice(ground: Ground, tmp_path: Path) -> None:
    ours = forgotten_behind_dots(record(ground, tmp_path / "ours", OFTEN), tmp_path / "cut")
    lax = forgotten_behind_dots(record(ground, tmp_path / "lax", LAX), tmp_path / "cut")
    assert not any(ours)
    assert any(lax[:10]), "the harness cannot see what it is made for"
    print(f"the control failed at cut {lax.index(True) + 1}")  # noqa: T201 - the figure that is asked for

"""kill -9 at each point of an import by itself: the next run of the same ends in the same state (row 44, I19).

The list is small, so that there are few enough points to die at all of them: CADENCED_IMPORT_POINTS=all.
"""

from __future__ import annotations

import csv
import os
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from e2e import outside
from intake import doomed
from intake.folder import Store

ALL = os.environ.get("CADENCED_IMPORT_POINTS") == "all"
NEVER = (0, "")
PUT = {"command": "link", "dropped": "replace"}
"""The call by which a report comes to its place."""

ROWS = "email,first_name\nann@abc.example,Ann\nbob@abc.example,Bob\nann@abc.example,Again\nbroken,x\n"


class Place:
    """A workspace with a list and a second one, for either way of importing."""

    def __init__(self, root: Path, way: str) -> None:
        self.root = root
        self.way = way
        outside.write(root, 1, 1, gap="1 h", database=f"sqlite:///{root}/cadenced.db")
        lists = root / "inbox" if way == "dropped" else root
        self.lists = [lists / "list.csv", lists / "other.csv"]
        self.lists[0].write_text(ROWS)
        self.lists[1].write_text(ROWS.replace("abc", "xyz"))
        Store(f"sqlite:///{root}/cadenced.db").database.close()

    def killed(self, point: tuple[int, str]) -> bool:
        """Import up to a point; whether the process was killed there."""
        if self.way == "dropped":
            return doomed.killed(point, doomed.dropped, self.root)
        return doomed.killed(point, doomed.command, self.root, *self.lists)

    def is_over(self) -> bool:
        """Whether all is told, and what was kept for another run is being removed: a run is a second import then."""
        kept = self.root / "inbox" / ".spool" / ".by-hand"
        told = all(path.with_name(f"{path.name}.report.csv").exists() for path in self.lists)
        if self.way == "dropped" or not told or len(list(kept.glob("*.db"))) == len(self.lists):
            return False
        for path in kept.iterdir():  # the daemon does it after a day
            path.unlink()
        return True

    def end(self) -> dict[str, Any]:
        """What is in the tables, in the reports, and in every folder."""
        store = Store(f"sqlite:///{self.root}/cadenced.db")
        found: dict[str, Any] = {"tables": store.tables()}
        store.database.close()
        for path in sorted(self.root.rglob("*")):
            name = str(path.relative_to(self.root))
            if name.endswith(".report.csv"):
                with path.open(encoding="utf-8", newline="") as stream:
                    found[name] = list(csv.reader(stream))
            elif not path.name.startswith("cadenced.db"):
                found[name] = ""
        return found


def die_at_each(folder: Path, way: str, first: str, stride: int) -> int:
    """Import with a death at every so-manieth point, and again without; return how often somebody died."""
    calm = Place(folder / "calm", way)
    assert not calm.killed(NEVER)
    wanted = calm.end()
    for deaths, last in enumerate(count(1, stride)):
        place = Place(folder / f"{way}{last}", way)
        if not place.killed((last, first)):
            return deaths
        if not place.is_over():
            assert not place.killed(NEVER)
        assert place.end() == wanted, f"killed at change {last} after {first or 'the start'}"
    raise AssertionError("an import has an end")


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("way", ["dropped", "command"])
def test_a_death_after_the_report_is_in_its_place_writes_no_second_one(tmp_path: Path, way: str) -> None:
    assert die_at_each(tmp_path, way, PUT[way], 1 if ALL else 31) > 5


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("way", ["dropped", "command"])
def test_a_death_at_any_point_ends_as_a_run_without_one(tmp_path: Path, way: str) -> None:
    assert die_at_each(tmp_path, way, "", 1 if ALL else 97) > 3

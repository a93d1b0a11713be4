"""kill -9 at any moment of an import: the end is always the same, and nobody is enrolled twice (I19, I1).

Row 44 of the fault inventory. CADENCED_IMPORT_KILLS says how many kills each way of importing must survive.
"""

from __future__ import annotations

import csv
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from e2e import outside
from intake.folder import Store

HERE = Path(__file__).parents[1]
KILLS = int(os.environ.get("CADENCED_IMPORT_KILLS", "6"))
LIST = "list.csv"


class Place:
    """A workspace of its own with one list, and the ways to bring it in."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.inbox = root / "inbox"
        self.url = f"sqlite:///{root}/cadenced.db"
        outside.write(root, 1, 1, gap="1 h", database=self.url)
        rows = [f"p{n % 7000}@abc{n % 90}.example,P{n}" if n % 50 else f"broken{n},x" for n in range(9000)]
        self.content = "email,first_name\n" + "\n".join(rows) + "\n"

    def dropped(self) -> subprocess.Popen[bytes]:
        """Take what lies in the inbox, as the daemon does."""
        return self._start("-m", "intake.importer", self.url, str(self.inbox))

    def command(self) -> subprocess.Popen[bytes]:
        """``cadenced import``."""
        return self._start("-m", "cadenced", "-c", str(self.root / "cadenced.toml"), "import", str(self.root / LIST))

    def _start(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "PYTHONPATH": str(HERE), "JULIE_PASSWORD": "secret"}
        quiet = subprocess.DEVNULL
        return subprocess.Popen([sys.executable, *arguments], env=environment, cwd=HERE, stdout=quiet, stderr=quiet)

    def begin(self, way: str) -> Place:
        """Put the list where it is to be found."""
        ((self.inbox if way == "dropped" else self.root) / LIST).write_text(self.content)
        return self

    def start(self, way: str) -> subprocess.Popen[bytes]:
        return self.dropped() if way == "dropped" else self.command()

    def is_told(self, way: str) -> bool:
        """Whether a command has come to its end, and but for its exit: run again, it would be a second import."""
        report, kept = self.root / f"{LIST}.report.csv", self.inbox / ".spool" / ".by-hand"
        return way == "command" and report.exists() and not any(kept.glob("*.db"))

    def end(self) -> tuple[object, ...]:
        """What is in the tables, in the report, and in every folder."""
        store = Store(self.url)
        tables = store.tables()
        store.database.close()
        (place,) = self.root.rglob(f"{LIST}.report.csv")
        with place.open(encoding="utf-8", newline="") as stream:
            rows = list(csv.reader(stream))
        names = (path.name for path in self.root.rglob("*") if path.suffix != ".lock")  # an empty one the daemon sweeps
        return tables, rows, sorted(name for name in names if not name.startswith("cadenced.db"))


def ended_after(process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Whether the process came to its end; it is killed otherwise."""
    try:
        process.wait(seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return False
    assert process.returncode == 0
    return True


@pytest.mark.slow
@pytest.mark.timeout(14_400)
@pytest.mark.parametrize("way", ["dropped", "command"])
def test_a_storm_of_kills_ends_in_the_same_tables_and_the_same_report(tmp_path: Path, way: str) -> None:
    """Row 44."""
    calm = Place(tmp_path / "calm").begin(way)
    begun = time.monotonic()
    assert calm.start(way).wait(120) == 0
    length = time.monotonic() - begun
    chance, killed, rounds = random.Random(41), 0, 0  # noqa: S311 - the same moments every time
    while killed < KILLS:
        rounds += 1
        storm = Place(tmp_path / f"storm{rounds}").begin(way)
        while not ended_after(storm.start(way), chance.uniform(0.3, length)):
            killed += 1
            if storm.is_told(way):
                break
        assert storm.end() == calm.end()


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_what_a_command_left_half_done_the_daemon_ends(tmp_path: Path) -> None:
    """A killed command does not leave half a list enrolled."""
    calm = Place(tmp_path / "calm").begin("command")
    assert calm.command().wait(120) == 0
    place = Place(tmp_path / "place").begin("command")
    process = place.command()
    while not 0 < reached(place) < len(place.content.splitlines()):
        assert process.poll() is None, "the import ended before it could be killed"
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert place.dropped().wait(120) == 0
    assert place.end()[:2] == calm.end()[:2]


def reached(place: Place) -> int:
    """How far the import has come, as another reader of the database sees it."""
    try:
        with sqlite3.connect(f"file:{place.root}/cadenced.db?mode=ro", uri=True) as reader:
            (line,) = reader.execute("SELECT coalesce(max(reached), 0) FROM imports").fetchone()
    except sqlite3.OperationalError:  # not there yet
        return 0
    return int(line)

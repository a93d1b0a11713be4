"""kill -9 at any moment of an import: the end is always the same, and nobody is enrolled twice (I19, I1)."""

from __future__ import annotations

import csv
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from intake.folder import Store

HERE = Path(__file__).parents[1]
KILLS = int(os.environ.get("CADENCED_KILLS", "6"))


def start(url: str, folder: Path) -> subprocess.Popen[bytes]:
    environment = {**os.environ, "PYTHONPATH": str(HERE)}
    return subprocess.Popen([sys.executable, "-m", "intake.importer", url, str(folder)], env=environment, cwd=HERE)


def drop(folder: Path) -> None:
    folder.mkdir()
    rows = [f"p{n % 7000}@abc{n % 90}.example,P{n}" if n % 50 else f"broken{n},x" for n in range(9000)]
    (folder / "list.csv").write_text("email,first_name\n" + "\n".join(rows) + "\n")


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_a_storm_of_kills_ends_in_the_same_tables_and_the_same_report(tmp_path: Path) -> None:
    begun = time.monotonic()
    calm, calm_url = tmp_path / "calm", f"sqlite:///{tmp_path}/calm.db"
    drop(calm)
    assert start(calm_url, calm).wait(120) == 0
    length = time.monotonic() - begun
    chance, killed, rounds = random.Random(41), 0, 0  # noqa: S311 - the same moments every time
    while killed < KILLS:
        rounds += 1
        storm, storm_url = tmp_path / f"storm{rounds}", f"sqlite:///{tmp_path}/storm{rounds}.db"
        drop(storm)
        while not ended_after(start(storm_url, storm), chance.uniform(0.3, length)):
            killed += 1
        assert end_of(storm_url, storm) == end_of(calm_url, calm)


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


def end_of(url: str, folder: Path) -> tuple[object, ...]:
    store = Store(url)
    tables = store.tables()
    store.database.close()
    return tables, report(folder), sorted(p.name for p in folder.rglob("*"))


def report(folder: Path) -> list[list[str]]:
    with (folder / "done" / "list.csv.report.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))

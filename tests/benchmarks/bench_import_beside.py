"""How late letters leave while a large list comes in: dropped into the same daemon, and by a command beside it.

    python tests/benchmarks/bench_import_beside.py [--rows 300000] [--quiet 20]

Drives the installed command against Dovecot and the scripted SMTP peer, on SQLite. Two letters a second are due, each
at a moment of its own; how late one is, is the time from there to the server's dot. Prints JSON: lateness in seconds
before any import, and during each.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "e2e"), str(Path(__file__).parent)]

import bench_import  # noqa: E402 - found by the line above
import bench_mailboxes  # noqa: E402 - as above
import bench_scale  # noqa: E402 - as above
import outside  # noqa: E402 - as above

from peers import dovecot, smtp_sink  # noqa: E402 - as above

EVERY = 0.5
LETTERS = 1200
LATER = "title: Later\nwindow: always\nsteps:\n  - email: one\n    after: 90 days\n"


def prepare(root: Path, server: dovecot.Dovecot, sink: smtp_sink.Sink) -> outside.Outside:
    """Write a workspace in which letters will be due one after the other."""
    home = bench_scale.prepare(root, server, sink, LETTERS)
    (root / "sequences" / "later.yaml").write_text(LATER)
    return home


def schedule(home: outside.Outside, begin: float) -> None:
    """Have one letter due every half second."""
    with contextlib.closing(sqlite3.connect(home.root / "cadenced.db")) as base, base:
        base.execute(
            "UPDATE enrolments SET lane = 'mail', fresh = 1, due_at = ? + prospect_id * ?",
            (int(begin * 1e6), int(EVERY * 1e6)),
        )


def lateness(home: outside.Outside, begin: float, since: float, until: float) -> dict[str, Any]:
    """Return how late the letters of a span left; those that have not left by its end are as late as it says."""
    left = {message.recipients[0]: message.wall for message in list(home.sink.accepted)}
    due = {f"p{n}@many.example": begin + n * EVERY for n in range(1, LETTERS + 1)}
    late = sorted(left.get(who, time.time()) - at for who, at in due.items() if since <= at < until)
    if not late:
        return {"letters": 0}
    return {
        "letters": len(late),
        "median_s": round(late[len(late) // 2], 3),
        "p99_s": round(late[int(len(late) * 0.99)], 3),
        "longest_s": round(late[-1], 3),
    }


def beside(home: outside.Outside, begin: float, rows: int, work: Callable[[], None]) -> dict[str, Any]:
    """Do an import while letters are due."""
    since = time.time()
    work()
    until = time.time()
    time.sleep(5)
    assert home.daemon is not None
    found = lateness(home, begin, since, until)
    return {"rows_s": round(rows / (until - since)), **found, "memory_mb": bench_mailboxes.memory(home.daemon.pid)}


def dropped(home: outside.Outside, path: Path) -> None:
    """Drop a list into the inbox, and wait until it is put away."""
    folder = home.root / "inbox" / "later"
    folder.mkdir(exist_ok=True)
    path.rename(folder / path.name)
    while not (home.root / "inbox" / "done" / path.name).exists():
        assert home.daemon is not None
        assert home.daemon.poll() is None, home.log()[-2000:]
        time.sleep(0.05)


def commanded(home: outside.Outside, path: Path) -> None:
    """Import a list by a command."""
    words = [outside.COMMAND, "-c", str(home.root / "cadenced.toml"), "import", "--sequence", "later", str(path)]
    subprocess.run(words, env=home.env, check=True, capture_output=True)


def main(rows: int, quiet: float) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder, dovecot.running() as server, smtp_sink.threaded() as sink:
        root = Path(folder)
        home = prepare(root, server, sink)
        lists = [root / "one.csv", root / "two.csv"]
        for path in lists:
            bench_import.write(path, rows)
            path.write_text(path.read_text("utf-8").replace("@", f"@{path.stem}."), "utf-8")
        begin = time.time() + 5
        schedule(home, begin)
        home.start()
        time.sleep(5 + quiet)
        found: dict[str, Any] = {"rows": rows, "no_import": lateness(home, begin, begin, time.time() - 3)}
        found["same_daemon"] = beside(home, begin, rows, lambda: dropped(home, lists[0]))
        found["command_beside"] = beside(home, begin, rows, lambda: commanded(home, lists[1]))
        home.stop()
        return found


if __name__ == "__main__":
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--rows", type=int, default=300_000)
    wanted.add_argument("--quiet", type=float, default=20)
    given = wanted.parse_args()
    print(json.dumps(main(given.rows, given.quiet), indent=2))

"""What a million sleeping enrolments cost: start to first send, an idle daemon, a tick's questions. Prints JSON.

    python tests/benchmarks/bench_scale.py [--enrolments 1000000] [--seconds 30] [--starts 5]
    python tests/benchmarks/bench_scale.py --ticks 1000 100000 10000000

Drives the installed command against Dovecot and the scripted SMTP peer, on SQLite. ``--ticks`` compares what a
sender's questions to the store cost at several sizes, in CPU of this process.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "e2e"), str(Path(__file__).parent)]

import bench_mailboxes  # noqa: E402 - found by the line above
import crowd  # noqa: E402 - as above
import outside  # noqa: E402 - as above

from cadenced.store import enrolments, mailboxes, outlook, volume  # noqa: E402 - as above
from cadenced.store.database import Database  # noqa: E402 - as above
from peers import dovecot, smtp_sink  # noqa: E402 - as above


def prepare(root: Path, server: dovecot.Dovecot, sink: smtp_sink.Sink, count: int) -> outside.Outside:
    """Write a workspace with ``count`` sleeping enrolments."""
    outside.write(root, server.port, sink.port, gap="90 days")
    config = root / "cadenced.toml"
    config.write_text(config.read_text().replace('\nname = "julie"', '\nname = "box0"'))
    home = outside.Outside(root, sink)
    home.run("status")
    crowd.fill(root / "cadenced.db", count)
    return home


def first_send(home: outside.Outside, prospect: int) -> dict[str, float]:
    """Start the daemon with one touch due, and time it from exec to the dot."""
    crowd.wake(home.root / "cadenced.db", prospect)
    before = len(home.sink.accepted)
    began = time.monotonic()
    home.start()
    assert home.daemon is not None
    while len(home.sink.accepted) == before:
        time.sleep(0.001)
        assert time.monotonic() - began < 60, home.log()[-2000:]
    span = time.monotonic() - began
    found = {"seconds": round(span, 3), "cpu": round(bench_mailboxes.cpu(home.daemon.pid), 2)}
    home.stop()
    return found


def idle(home: outside.Outside, seconds: float) -> dict[str, float]:
    """Let the daemon sleep."""
    home.start()
    assert home.daemon is not None
    time.sleep(10)
    before = bench_mailboxes.cpu(home.daemon.pid)
    time.sleep(seconds)
    used = bench_mailboxes.cpu(home.daemon.pid) - before
    found = {"cpu_percent": round(used / seconds * 100, 2), "rss_mb": bench_mailboxes.memory(home.daemon.pid)}
    home.stop()
    return found


def daemon(count: int, seconds: float, starts: int) -> dict[str, Any]:
    """Measure the daemon as a whole."""
    with tempfile.TemporaryDirectory() as folder, dovecot.running() as server, smtp_sink.threaded() as sink:
        home = prepare(Path(folder), server, sink, count)
        first = [first_send(home, number + 1) for number in range(starts)]
        return {"enrolments": count, "start_to_first_send": first, "idle": idle(home, seconds)}


def ticks(sizes: list[int]) -> list[dict[str, Any]]:
    """Measure what a sender asks of the store, at each size."""
    return [_ticks(size) for size in sizes]


def _ticks(count: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cadenced.db"
        database = Database(f"sqlite:///{path}", inline=True)
        database.open()
        database.transact(lambda tx: mailboxes.make_known(tx, ["box0"]))
        crowd.fill(path, count)
        for number in range(1, 51):
            crowd.wake(path, number)
        now = datetime.now(UTC)
        asked = {
            "any_due": lambda tx: enrolments.any_due(tx, "box0", "mail", now),
            "due_50": lambda tx: enrolments.due(tx, "box0", "mail", now, 50),
            "next_due": lambda tx: enrolments.next_due(tx, "box0", now),
            "outlook": outlook.of_all,
            "last_sent": lambda tx: volume.last_sent_at(tx, "box0", now),
            "orphans": lambda tx: outlook.elsewhere(tx, ["box0"]),
        }
        found: dict[str, Any] = {"enrolments": count}
        for name, question in asked.items():
            found[f"{name}_us"] = _cost(database, question)
        database.close()
        return found


def _cost(database: Database, question: Any) -> float:
    """Return microseconds of CPU a question takes, the best of five hundreds."""
    best = float("inf")
    for _ in range(5):
        with database._engine.connect() as tx:
            question(tx)
            began = time.process_time()
            for _ in range(100):
                question(tx)
            best = min(best, time.process_time() - began)
    return round(best * 1e4, 1)


if __name__ == "__main__":
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--enrolments", type=int, default=1_000_000)
    wanted.add_argument("--seconds", type=float, default=30)
    wanted.add_argument("--starts", type=int, default=5)
    wanted.add_argument("--ticks", type=int, nargs="*")
    given = wanted.parse_args()
    result = ticks(given.ticks) if given.ticks else daemon(given.enrolments, given.seconds, given.starts)
    print(json.dumps(result, indent=2))

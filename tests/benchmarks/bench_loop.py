"""From a reply's delivery to the halt that is committed: one by one, and in a storm while mail is sent. Prints JSON.

    python tests/benchmarks/bench_loop.py [--quiet 60] [--storm 500] [--seconds 60] [--sending 600]

The installed command runs against Dovecot (IDLE) and the scripted SMTP peer. A reply counts from the moment its file
stands in the Maildir, as a delivery agent puts it there, to the moment another process sees the enrolment halted in
the database. Needs Debian's dovecot-imapd. On a busy machine compare CPU, not spans.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "e2e"), str(Path(__file__).parent)]

import bench_mailboxes  # noqa: E402 - found by the line above
import outside  # noqa: E402 - as above

from peers import dovecot, smtp_sink  # noqa: E402 - as above

REPLY = """\
From: p{n}@firm{n}.example\r
To: julie@abc.example\r
Subject: Re: Ann, your next step\r
Message-ID: <answer-{n}@firm{n}.example>\r
\r
Yes, Thursday at ten is fine. Please send the agenda.\r
"""
LOOK = 0.004
CHANCE = random.Random(7)  # noqa: S311 - the same moments in each run


@dataclass
class Witness:
    """Another process's view of the database: when each prospect was first seen to be halted."""

    database: Path
    seen: dict[int, float] = field(default_factory=dict)
    is_over: bool = False

    def watch(self) -> None:
        """Look every few milliseconds."""
        with contextlib.closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as base:
            version = -1
            while not self.is_over:
                (now,) = base.execute("PRAGMA data_version").fetchone()
                if now != version:
                    version = now
                    for (prospect,) in base.execute("SELECT prospect_id - 1 FROM enrolments WHERE state = 'halted'"):
                        self.seen.setdefault(prospect, time.monotonic())
                time.sleep(LOOK)


@dataclass
class Trial:
    """A daemon with its servers, and prospects p1, p2 … whose ids are one more than their numbers."""

    home: outside.Outside
    server: dovecot.Dovecot
    witness: Witness

    def answer(self, number: int) -> float:
        """Deliver a reply; return when."""
        self.server.deliver(REPLY.format(n=number).encode())
        return time.monotonic()

    def wait(self, wanted: dict[int, float], seconds: float = 60) -> list[float]:
        """Wait until all of these are halted; return how long each took."""
        end = time.monotonic() + seconds
        while not wanted.keys() <= self.witness.seen.keys():
            time.sleep(0.005)
            assert time.monotonic() < end, f"{len(wanted.keys() - self.witness.seen.keys())} are not halted"
        return [self.witness.seen[number] - at for number, at in wanted.items()]

    def plan(self, numbers: range, over: float) -> None:
        """Have first touches fall due, evenly over so many seconds."""
        now = time.time()
        with contextlib.closing(sqlite3.connect(self.home.root / "cadenced.db", timeout=30)) as base, base:
            for place, number in enumerate(numbers):
                due = int((now + over * place / max(len(numbers), 1)) * 1e6)
                base.execute("UPDATE enrolments SET due_at = ? WHERE prospect_id = ?", (due, number + 1))


def figures(spans: list[float]) -> dict[str, float]:
    """Return p50, p99 and the longest, in milliseconds."""
    spans = sorted(spans)
    return {
        "replies": len(spans),
        "p50_ms": round(statistics.median(spans) * 1000, 1),
        "p99_ms": round(spans[max(0, round(len(spans) * 0.99) - 1)] * 1000, 1),
        "max_ms": round(spans[-1] * 1000, 1),
    }


def one_by_one(trial: Trial, numbers: range) -> dict[str, float]:
    """Deliver each reply once the one before it has had its effect."""
    spans = []
    for number in numbers:
        time.sleep(CHANCE.uniform(0.1, 0.6))
        spans += trial.wait({number: trial.answer(number)})
    return figures(spans)


def storm(trial: Trial, numbers: range, others: range, seconds: float) -> dict[str, float]:
    """Deliver all replies at random moments of a span in which first touches to others leave."""
    trial.plan(others, seconds)
    daemon = trial.home.daemon
    assert daemon is not None
    used, before = bench_mailboxes.cpu(daemon.pid), len(trial.home.sink.accepted)
    began = time.monotonic()
    moments = sorted((began + CHANCE.uniform(0, seconds), number) for number in numbers)
    answered = {}
    for moment, number in moments:
        time.sleep(max(0.0, moment - time.monotonic()))
        answered[number] = trial.answer(number)
    spans = trial.wait(answered)
    span = time.monotonic() - began
    found = {"seconds": round(span, 1), "sent_meanwhile": len(trial.home.sink.accepted) - before}
    found["cpu_percent"] = round((bench_mailboxes.cpu(daemon.pid) - used) / span * 100, 1)
    return {**figures(spans), **found}


def sent(home: outside.Outside, count: int) -> None:
    """Wait until so many touches were sent."""
    end = time.monotonic() + 120
    while len(home.sink.accepted) < count:
        time.sleep(0.05)
        assert time.monotonic() < end, f"{len(home.sink.accepted)} of {count}; {home.log()[-3000:]}"


def main(quiet: int, stormy: int, seconds: float, sending: int) -> dict[str, Any]:
    """Run both on one daemon."""
    count = quiet + stormy + sending
    with tempfile.TemporaryDirectory() as folder, dovecot.running() as server, smtp_sink.threaded() as sink:
        root = Path(folder)
        outside.write(root, server.port, sink.port, gap="30 days")
        home = outside.Outside(root, sink)
        rows = "".join(f"p{n}@firm{n}.example,Ann\n" for n in range(1, count + 1))
        (root / "people.csv").write_text(f"email,first_name\n{rows}")
        home.run("import", str(root / "people.csv"))
        witness = Witness(root / "cadenced.db")
        trial = Trial(home, server, witness)
        with contextlib.closing(sqlite3.connect(root / "cadenced.db")) as base, base:
            base.execute(
                "UPDATE enrolments SET due_at = due_at + 86400000000 WHERE prospect_id - 1 > ?", (quiet + stormy,)
            )
        home.start()
        threading.Thread(target=witness.watch, daemon=True).start()
        try:
            sent(home, quiet + stormy)
            time.sleep(5)
            found = {"one_by_one": one_by_one(trial, range(1, quiet + 1))}
            found["storm"] = storm(
                trial, range(quiet + 1, quiet + stormy + 1), range(quiet + stormy + 1, count + 1), seconds
            )
            return found
        finally:
            witness.is_over = True
            home.stop()


if __name__ == "__main__":
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--quiet", type=int, default=60)
    wanted.add_argument("--storm", type=int, default=500)
    wanted.add_argument("--seconds", type=float, default=60)
    wanted.add_argument("--sending", type=int, default=600)
    given = wanted.parse_args()
    print(json.dumps(main(given.quiet, given.storm, given.seconds, given.sending), indent=2))

"""Rows a second of an import, phase by phase; how long writers had to wait for it; its memory.

    python tests/benchmarks/bench_import.py [ROWS] [DATABASE-URL] [--postgres] [--new]

Prints one JSON line for each import: the same list new, the same bytes again, the same rows in another file; ``--new``
does the first alone, ``--postgres`` brings a PostgreSQL of its own. ``curve`` tells how fast each fifth of the rows
became real, for with more people known it takes longer. ``staged``
is reading, judging and putting aside; ``all`` is everything from the file to the end of its report. Rates are given by
the clock and by the processor time of this process (with PostgreSQL the server's own comes on top). ``probe`` is the
longest that another process had to wait for the writers' lock while the import ran.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cadenced.core.model import Place
from cadenced.core.roster import Rules
from cadenced.core.sequence import EmailStep, Sequence
from cadenced.engine.intake_import import File, Job
from cadenced.engine.intake_report import write_report
from cadenced.store.database import Database

sys.path[:0] = [str(Path(__file__).parents[1])]

from peers import postgres  # noqa: E402 - found by the line above

RULES = Rules(
    mailboxes=("julie", "marc"),
    sequences={"proposal": Sequence("proposal", (EmailStep("recap", template="recap"),), stage="proposal")},
    place=Place("Europe/Paris", "FR"),
    default_sequence="proposal",
)
TITLES = "email,first_name,last_name,company,role,phone,country,language,notes\n"
PROBE = """
import sys, time
from sqlalchemy import text
from cadenced.store.database import Database
database = Database(sys.argv[1], inline=True)
waits = []
while not sys.stdin in __import__("select").select([sys.stdin], [], [], 0.02)[0]:
    begun = time.monotonic()
    database.transact(lambda tx: waits.append(time.monotonic() - begun))
waits.sort()
print(round(waits[-1], 4), round(waits[len(waits) // 2], 4), len(waits))
"""
"""Another writer: what it waits for the lock at most and usually, in seconds."""


def write(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(TITLES)
        for n in range(rows):
            company = f"company{n % max(rows // 20, 1)}"
            stream.write(
                f"first{n * 7919 % rows}.last{n % 997}@{company}.example,Jürgen{n % 100},Last{n},{company} SA,Buyer,"
                f"+33 1 {n:08},FR,fr,met at the fair number {n}\n"
            )


@contextmanager
def probed(url: str, found: dict[str, Any]) -> Iterator[None]:
    """Have another process ask for the writers' lock all the time."""
    command = [sys.executable, "-c", PROBE, url]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as probe:
        time.sleep(1)
        try:
            yield
        finally:
            told, _ = probe.communicate("end\n")
            longest, usual, count = told.split()
            found["probe"] = {"longest_s": float(longest), "median_s": float(usual), "transactions": int(count)}


class Watch:
    """Seconds by the clock and of the processor since it was begun."""

    def __init__(self) -> None:
        self._begun = time.perf_counter(), time.process_time()

    def rates(self, rows: int) -> dict[str, int]:
        span, cpu = time.perf_counter() - self._begun[0], time.process_time() - self._begun[1]
        return {"rows_s": round(rows / max(span, 1e-9)), "rows_cpu_s": round(rows / max(cpu, 1e-9))}


class Curve:
    """The rates of each fifth of an import by itself."""

    def __init__(self, rows: int) -> None:
        self._fifth = max(rows // 5, 1)
        self._told = 0
        self._watch = Watch()
        self.found: list[dict[str, int]] = []

    def note(self, steps: Any) -> None:
        """Look how far it has come."""
        if steps.is_over or steps.reached - self._told >= self._fifth:
            self.found.append({"until": steps.reached, **self._watch.rates(steps.reached - self._told)})
            self._told, self._watch = steps.reached, Watch()


def measure(database: Database, path: Path, rows: int, what: str) -> None:
    found: dict[str, Any] = {"import": what, "rows": rows, "database": "sqlite" if database.is_sqlite else "postgres"}
    now, slices = datetime.now(UTC), [0.0]
    with probed(database.url, found), tempfile.TemporaryDirectory() as staging:
        whole = Watch()
        with Job(database, File(path, staging=Path(staging)), RULES) as job:
            job.begin(now)
            while job.stage():
                pass
            found["staged"] = whole.rates(rows)
            job.settle()
            found["settled"] = whole.rates(rows)
            real = Watch()
            curve = Curve(rows)
            with closing(job.activation(now)) as steps:
                while not steps.is_over:
                    slices.append(steps.step())
                    time.sleep(steps.rest())
                    curve.note(steps)
            found["curve"] = curve.found
            found["made_real"] = real.rates(rows)
            told = Watch()
            counts = job.finish(now).counts
            write_report(job.report, path.with_suffix(".report.csv"))
            job.tidy()
            found["told"] = told.rates(rows)
        found["all"] = whole.rates(rows)
    found["slices"] = {"count": len(slices) - 1, "longest_s": round(max(slices), 4)}
    found["counts"] = {verdict: count for verdict, count in counts.items() if count}
    found["memory_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    print(json.dumps(found), flush=True)


def main(rows: int, url: str, *, only_new: bool = False) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        write(path, rows)
        database = Database(url or f"sqlite:///{folder}/cadenced.db", inline=True)
        database.open()
        measure(database, path, rows, "new")
        if not only_new:
            measure(database, path, rows, "same bytes")
            with path.open("a") as stream:
                stream.write("one.more@abc.example,One,More,,,,,,\n")
            measure(database, path, rows, "same rows")
        database.close()


if __name__ == "__main__":
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("rows", type=int, nargs="?", default=100_000)
    wanted.add_argument("url", nargs="?", default="")
    wanted.add_argument("--postgres", action="store_true")
    wanted.add_argument("--new", action="store_true")
    given = wanted.parse_args()
    with postgres.server() if given.postgres else nullcontext() as server:
        main(given.rows, server.database() if server else given.url, only_new=given.new)

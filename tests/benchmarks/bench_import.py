"""Rows a second of an import, its memory, and its longest transaction.

    python tests/benchmarks/bench_import.py [ROWS] [DATABASE-URL]

Prints one line for each phase. A million rows is the figure that docs/prospects.md gives.
"""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from cadenced.core.model import Place
from cadenced.core.roster import Rules
from cadenced.core.sequence import EmailStep, Sequence
from cadenced.engine.intake_import import File, import_file
from cadenced.store.database import Database

T = TypeVar("T")
RULES = Rules(
    mailboxes=("julie", "marc"),
    sequences={"proposal": Sequence("proposal", (EmailStep("recap", template="recap"),), stage="proposal")},
    place=Place("Europe/Paris", "FR"),
    default_sequence="proposal",
)
TITLES = "email,first_name,last_name,company,role,phone,country,language,notes\n"


class Timed(Database):
    """A database that notes how long its transactions took."""

    def __init__(self, url: str) -> None:
        super().__init__(url, inline=True)
        self.spans: list[float] = []

    def transact(self, work: Callable[..., T]) -> T:
        begun = time.perf_counter()
        try:
            return super().transact(work)
        finally:
            self.spans.append(time.perf_counter() - begun)


def write(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(TITLES)
        for n in range(rows):
            company = f"company{n % max(rows // 20, 1)}"
            stream.write(
                f"first{n * 7919 % rows}.last{n % 997}@{company}.example,Jürgen{n % 100},Last{n},{company} SA,Buyer,"
                f"+33 1 {n:08},FR,fr,met at the fair number {n}\n"
            )


def measure(database: Timed, path: Path, rows: int, what: str) -> None:
    database.spans.clear()
    begun, cpu = time.perf_counter(), time.process_time()
    result = import_file(database, File(path), RULES, datetime.now(UTC))
    span, cpu = time.perf_counter() - begun, time.process_time() - cpu
    spans = sorted(database.spans)
    counts = " ".join(f"{verdict}={count}" for verdict, count in result.counts.items() if count)
    print(
        f"{what:10} {rows / span:9,.0f} rows/s  cpu {cpu / rows * 1e6:5.1f} us/row  activation {spans[-1]:6.2f} s"
        f"  longest other transaction {spans[-2] if len(spans) > 1 else 0:5.3f} s  {counts}"
    )


def main(rows: int, url: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "list.csv"
        write(path, rows)
        database = Timed(url or f"sqlite:///{folder}/cadenced.db")
        database.open()
        measure(database, path, rows, "new")
        measure(database, path, rows, "same bytes")
        with path.open("a") as stream:
            stream.write("one.more@abc.example,One,More\n")
        measure(database, path, rows, "same rows")
        size = path.stat().st_size / 1e6
        memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        print(f"{size:.0f} MB of CSV, {memory:.0f} MB of memory at most")
        database.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000, sys.argv[2] if len(sys.argv) > 2 else "")

"""What a second worker on one PostgreSQL database brings: letters a second, and what each costs. Prints JSON.

    python tests/benchmarks/bench_workers.py [--touches 3000] [--mailboxes 4] [--connections 8] [--rounds 2]

The installed ``cadenced run``, once and twice, on a PostgreSQL and a Dovecot of their own, into smtp-sink; the letters
are those of ``bench_send.py``. They become due at one moment, when every worker holds its mailboxes. CPU is in
microseconds a letter: of the workers, of the processes that make letters for them, and of PostgreSQL (which runs
without fsync here). ``per_core_s`` are letters for each second of CPU that workers and makers take together.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "e2e"), str(Path(__file__).parent)]

import bench_send  # noqa: E402 - found by the line above
import outside  # noqa: E402 - as above
import psycopg  # noqa: E402 - as above

from peers import dovecot, postgres, workspace  # noqa: E402 - as above
from peers.patience import until  # noqa: E402 - as above

_PEOPLE = """
INSERT INTO prospects (email, account_id, mailbox, timezone, country, role, fields, created_at)
SELECT 'p' || n || '@many' || n || '.example', NULL, 'box' || (n %% %(boxes)s), 'Europe/Paris', 'FR', '',
    json_build_object('first_name', 'Ann' || n, 'last_name', 'Roe', 'company', 'Firm ' || n || ' SA', 'city', 'Lyon',
        'boss', 'Ms Roe', 'month', 'March', 'last_order', 'the order of May', 'weekday', 'Friday'), %(now)s
FROM generate_series(1, %(count)s) n
"""
_ENROLMENTS = """
INSERT INTO enrolments (prospect_id, mailbox, sequence, generation, state, step, due_at, anchor, lane, fresh,
    timezone, country, done, enrolled_at)
SELECT id, mailbox, 'plan', 1, 'active', 'one', %(now)s + 86400000000, %(now)s, 'mail', true, timezone, country, '[]',
    %(now)s
FROM prospects
"""
_PLACES = "SELECT count(DISTINCT owner), count(*) FROM leases WHERE owner <> '' AND name LIKE 'mailbox %'"
_SENT = "SELECT count(*) FROM touches WHERE state = 'sent'"


@dataclass
class Crew:
    """Workers on one database."""

    root: Path
    url: str
    server: postgres.Server
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def ask(self, query: str, **given: object) -> Any:
        """Ask the database, past the product."""
        with psycopg.connect(self.url) as there:
            found = there.execute(query.encode(), given or None)
            return found.fetchone() if found.description else None

    def spent(self) -> dict[str, float]:
        """Return the CPU seconds so far: of workers, makers of letters, and PostgreSQL."""
        own = {one.pid for one in self.processes}
        known = _processes()
        database = int((self.server.folder / "data" / "postmaster.pid").read_text().split("\n", 1)[0])
        return {
            "worker": sum(known[pid].own for pid in own),
            "maker": sum(one.own for one in known.values() if one.parent in own),
            "postgres": sum(one.own for one in known.values() if one.parent == database) + known[database].all,
        }


@dataclass(frozen=True)
class Process:
    """A process: whose child it is, its CPU seconds, and those with its children that have ended."""

    parent: int
    own: float
    all: float


def _processes() -> dict[int, Process]:
    tick, found = os.sysconf("SC_CLK_TCK"), {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            words = path.read_text().rpartition(")")[2].split()
            user, system, dead_user, dead_system = map(int, words[11:15])
            own = (user + system) / tick
            found[int(path.parent.name)] = Process(int(words[1]), own, own + (dead_user + dead_system) / tick)
    return found


def write(root: Path, url: str, imap: int, smtp: int, given: argparse.Namespace) -> None:
    """Write the workspace."""
    boxes = [
        workspace.Box(
            imap, smtp, name=f"box{n}", user=f"box{n}", connections=given.connections, more='sent_copy = "none"'
        )
        for n in range(given.mailboxes)
    ]
    path = workspace.write(root, boxes, database=url, gaps=("30 days",))
    address = 'settle = "1 s"\npostal_address = "ABC SA, 1 rue de la Paix, 75002 Paris"'
    path.write_text(path.read_text().replace('settle = "1 s"', address))
    for name in workspace.STEPS:
        (root / "templates" / f"{name}.md").write_text(bench_send.TEMPLATE)


@contextmanager
def running(crew: Crew, count: int) -> Iterator[None]:
    """Run so many workers, each with a state of its own."""
    command = [outside.COMMAND, "-c", str(crew.root / "cadenced.toml"), "run"]
    try:
        for n in range(count):
            state = crew.root / f"state{n}"
            state.mkdir()
            env = {**os.environ, **workspace.ENVIRONMENT, "STATE_DIRECTORY": str(state)}
            with (crew.root / f"log{n}").open("ab") as log:
                crew.processes.append(subprocess.Popen(command, env=env, stdout=log, stderr=log))
        yield
    finally:
        for one in crew.processes:
            one.terminate()
        for one in crew.processes:
            one.wait()


def measure(crew: Crew, workers: int, given: argparse.Namespace) -> dict[str, float]:
    """Send all letters by so many workers."""
    subprocess.run(
        [outside.COMMAND, "-c", str(crew.root / "cadenced.toml"), "status"],
        env={**os.environ, **workspace.ENVIRONMENT},
        check=True,
        capture_output=True,
    )
    now = int(time.time() * 1e6)
    crew.ask(_PEOPLE, boxes=given.mailboxes, count=given.touches, now=now)
    crew.ask(_ENROLMENTS, now=now)
    crew.ask("ANALYZE")
    with running(crew, workers):
        until(lambda: crew.ask(_PLACES) == (workers, given.mailboxes))
        time.sleep(10)
        before, began = crew.spent(), time.monotonic()
        crew.ask("UPDATE enrolments SET due_at = due_at - 86400000000")
        crew.ask("NOTIFY cadenced_work")
        until(lambda: crew.ask(_SENT)[0] >= given.touches, pause=0.2)
        span, after = time.monotonic() - began, crew.spent()
    cost = {f"cpu_us_{who}": round((after[who] - before[who]) / given.touches * 1e6) for who in after}
    ours = after["worker"] + after["maker"] - before["worker"] - before["maker"]
    rates = {"per_second": round(given.touches / span), "per_core_s": round(given.touches / ours)}
    return {"workers": workers, **rates, **cost}


def main(given: argparse.Namespace) -> list[dict[str, float]]:
    """Run one worker and two, one after the other, as often as it is asked for."""
    users = {f"box{n}": "secret" for n in range(given.mailboxes)}
    found = []
    with dovecot.running(users=users) as server, bench_send.sink() as port, postgres.server() as store:
        for workers in (1, 2) * given.rounds:
            with tempfile.TemporaryDirectory() as folder:
                crew = Crew(Path(folder), store.database(), store)
                write(crew.root, crew.url, server.port, port, given)
                found.append(measure(crew, workers, given))
    return found


if __name__ == "__main__":
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--touches", type=int, default=3000)
    wanted.add_argument("--mailboxes", type=int, default=4)
    wanted.add_argument("--connections", type=int, default=8)
    wanted.add_argument("--rounds", type=int, default=2)
    print(json.dumps(main(wanted.parse_args()), indent=2))

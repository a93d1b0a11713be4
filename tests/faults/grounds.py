"""The ground that faults are tried on: a workspace on disk, its servers, and the command in warm processes."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from psycopg.rows import dict_row

from peers import dovecot, postgres, smtp_sink, warm, workspace
from peers.patience import until

USERS = {"julie": "secret", "bounced": "secret", "canary": "c4nary-Pa55word"} | {f"p{n}": "secret" for n in range(6000)}
"""Mailboxes enough that each trial of a run has its own: a copy left by one must prove nothing in another."""


@dataclass
class Ground:
    """One workspace."""

    root: Path
    sink: smtp_sink.Sink
    stable: warm.Stable
    user: str = "julie"
    runs: list[warm.Run] = field(default_factory=list)
    store: postgres.Server | None = None
    url: str = ""
    """Where the database is, when it is no file of the workspace."""
    begun: int = 0
    """How many messages the sink had taken before this ground was entered."""

    def start(self, *words: str, **how: Any) -> warm.Run:
        """Run a command of this workspace, the daemon where none is named."""
        run = self.stable.start(self.root, *(words or ("run",)), **how)
        self.runs.append(run)
        return run

    def idle(self, **how: Any) -> int:
        """Run the daemon until nothing is due; returns its exit status."""
        return self.start("run", "--until-idle", **how).wait()

    def settle(self) -> None:
        """Run daemons until nobody waits any more for what a fault or a slow server put off."""

        def is_settled() -> bool:
            self.hurry_what_waits()
            assert self.idle() == 0, self.said()
            return not self.waiting()

        until(is_settled)

    def waiting(self) -> list[dict[str, Any]]:
        """Return who is due and has no mail, and which touches a daemon has yet to send."""
        doubted = "SELECT enrolment_id FROM touches WHERE state IN ('unknown', 'in_doubt')"
        due = f"state = 'active' AND due_at <= {_microseconds(0)} AND id NOT IN ({doubted})"
        waiting = self.rows(f"SELECT id FROM enrolments WHERE {due}")  # noqa: S608 - no input in it
        return waiting or self.rows("SELECT id, state FROM touches WHERE state IN ('planned', 'claimed', 'armed')")

    def told(self, *words: str) -> Any:
        """Return what a reading command says in JSON."""
        log = self.root / "told"
        log.unlink(missing_ok=True)
        run = self.stable.start(self.root, *words, "--json", log=log)
        assert run.wait() == 0, run.said()
        return json.loads(run.said())

    def said(self) -> str:
        """Return what all runs have logged."""
        path = self.root / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def rows(self, query: str) -> list[dict[str, Any]]:
        """Look into the database, past the product."""
        if self.url:
            with psycopg.connect(self.url, row_factory=dict_row) as there:
                return there.execute(query.encode()).fetchall()
        with closing(sqlite3.connect(self.root / "cadenced.db", timeout=30)) as store:
            store.row_factory = sqlite3.Row
            return [dict(row) for row in store.execute(query)]

    def change(self, statement: str, *values: object) -> None:
        """Change the database, past the product."""
        if self.url:
            with psycopg.connect(self.url) as there:
                there.execute(statement.replace("?", "%s").encode(), values)
            return
        with closing(sqlite3.connect(self.root / "cadenced.db", timeout=30)) as store, store:
            store.execute(statement, values)

    def touches(self) -> list[dict[str, Any]]:
        """Return all touches in the order of their making."""
        return self.rows("SELECT id, recipient, step, state, ref, armed_at, boot_id, evidence FROM touches ORDER BY id")

    def hurry(self) -> None:
        """Make all that waits for a day due now."""
        self.change("UPDATE enrolments SET due_at = ? WHERE state = 'active'", _microseconds(-1))

    def hurry_what_waits(self) -> None:
        """Make due what a server or a fault put off; who has just been written to waits on."""
        late = "SELECT enrolment_id FROM touches WHERE state = 'planned'"
        statement = f"UPDATE enrolments SET due_at = ? WHERE due_at > ? AND id IN ({late})"  # noqa: S608 - no input in it
        self.change(statement, _microseconds(-1), _microseconds(1))

    def taken(self) -> Counter[str]:
        """Return how many times the server took each touch since this ground was entered, by reference."""
        return Counter(ref_of(one.raw) for one in self.sink.accepted[self.begun :])

    def drop(self, *people: str, name: str = "people.csv") -> None:
        """Put a list of prospects into the inbox, as a careful program does."""
        rows = "".join(f"{email},{email.partition('@')[0].title()}\n" for email in people)
        workspace.drop(self.root, name, f"email,first_name\n{rows}".encode())

    def enrol(self, *people: str) -> None:
        """Enrol prospects without sending anything."""
        path = self.root / "people.csv"
        path.write_text("email,first_name\n" + "".join(f"{one},{one.partition('@')[0].title()}\n" for one in people))
        run = self.start("import", str(path))
        assert run.wait() == 0, run.said()

    def copy(self, to: Path, user: str) -> Ground:
        """Return the same workspace in another place and with another mailbox to read."""
        shutil.copytree(self.root, to, ignore=shutil.ignore_patterns("log", "told", "*.lock"))
        path = to / "cadenced.toml"
        text = path.read_text().replace(f'username = "{self.user}"', f'username = "{user}"')
        url = self.store.database(self.url) if self.store else ""
        path.write_text(text.replace(self.url, url) if url else text)
        return Ground(to, self.sink, self.stable, user, store=self.store, url=url, begun=len(self.sink.accepted))


def _microseconds(seconds: float) -> int:
    """Return the moment so many seconds from now, as the database keeps it."""
    return int((time.time() + seconds) * 1_000_000)


def ref_of(raw: bytes) -> str:
    """Return the reference in a message's header."""
    return raw.partition(b"X-Cadence-Ref: ")[2][:26].decode()


def write(root: Path, imap: int, smtp: int, **settings: Any) -> None:
    """Write a workspace."""
    usual = {
        "gap": "30 days",
        "min_gap": "0 s",
        "connections": 1,
        "sent_copy": "none",
        "user": "julie",
        "more": "",
        "dot_timeout": "10 min",
        "fence_age": "30 s",
        "arm_ttl": "30 s",
        "quiet": "1 min",
        "database": "sqlite:///cadenced.db",
    }
    chosen = usual | settings
    safety = "\n".join(f'{name} = "{chosen[name]}"' for name in ("fence_age", "arm_ttl", "quiet", "dot_timeout"))
    more = f'sent_copy = "{chosen["sent_copy"]}"\n{chosen["more"]}'
    box = workspace.Box(
        imap, smtp, user=chosen["user"], gap=chosen["min_gap"], connections=chosen["connections"], more=more
    )
    workspace.write(root, [box], safety, database=chosen["database"], gaps=(chosen["gap"], "30 days"))


@contextmanager
def entered(
    root: Path, server: dovecot.Dovecot, stable: warm.Stable, store: postgres.Server | None = None, **settings: Any
) -> Iterator[Ground]:
    """Write a workspace with its own SMTP server; whatever still runs at the end is killed."""
    url = store.database() if store else ""
    settings |= {"database": url} if url else {}
    with smtp_sink.threaded() as sink:
        write(root, server.port, sink.port, **settings)
        ground = Ground(root, sink, stable, settings.get("user", "julie"), store=store, url=url)
        try:
            yield ground
        finally:
            for run in ground.runs:
                run.kill()

"""A workspace with a history: prospects who were written to, and who answered, made by the engine's own functions."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from cadenced import config as configuration
from cadenced import library, ports
from cadenced.cli import program
from cadenced.config import Config
from cadenced.core.planner import Quota
from cadenced.engine import arrivals, desk, doubts, settling
from cadenced.engine.arrivals import Arrived
from cadenced.engine.desk import Moment
from cadenced.engine.intake_import import File, import_file
from cadenced.engine.workspace import Workspace, install_key
from cadenced.library import Library
from cadenced.ports import Fetched
from cadenced.store import leases, mailboxes, people, touches
from cadenced.store.database import Database
from cadenced.store.leases import Worker
from peers.clocks import ToldClock

T = TypeVar("T")

CONFIG = """\
[daemon]
database = "sqlite:///cadenced.db"
timezone = "Europe/Paris"
country = "FR"
default_sequence = "plan"
[window]
days = "always"
[lint]
select = ["guilt"]
[[mailbox]]
name = "julie"
address = "Julie Martin <julie@abc.example>"
daily_limit = 50
min_gap = "0 s"
[mailbox.smtp]
host = "127.0.0.1"
port = 2525
security = "none"
[mailbox.imap]
host = "127.0.0.1"
port = 2143
security = "none"
username = "julie"
password = "env:JULIE_PASSWORD"
"""

SEQUENCES = {
    "plan": """\
title: A plan
stage: proposal
window: always
steps:
  - email: one
    after: 0
  - task: call
    after: 2 days
    brief: Call, and ask how the pilot went.
  - email: two
    after: 4 days
then: nurture
on:
  reply.not_now: snooze
""",
    "nurture": "title: Later\nwindow: always\nsteps:\n  - email: two\n    after: 3 months\n",
    "office": "title: In office hours\nsteps:\n  - email: one\n    after: 3 business days\n",
}

TEMPLATE = """\
---
subject: "Your next step, {{ first_name | default('you there') }}"
---
Hello {{ first_name | default("there") }},

you asked for the plan on Monday. Shall we talk on Thursday at 10:00?

Julie
"""


def write(root: Path, database: str = "sqlite:///cadenced.db") -> Path:
    """Write the workspace; returns its cadenced.toml."""
    for name in ("sequences", "templates", "inbox"):
        (root / name).mkdir()
    for name, text in SEQUENCES.items():
        (root / "sequences" / f"{name}.yaml").write_text(text)
    for name in ("one", "two"):
        (root / "templates" / f"{name}.md").write_text(TEMPLATE)
    path = root / "cadenced.toml"
    path.write_text(CONFIG.replace("sqlite:///cadenced.db", database))
    return path


@dataclass
class Story:
    """The workspace, its clock (days behind the real one), and what can happen in it."""

    workspace: Workspace
    clock: ToldClock
    uid: int = 0

    def transact(self, work: Callable[[Connection], T]) -> T:
        return self.workspace.database.transact(work)

    def bring_in(self, *emails: str, sequence: str = "plan", company: str = "") -> None:
        """Import prospects."""
        path = self.workspace.config.path.parent / f"{'-'.join(emails)[:60]}-{sequence}.csv"
        rows = [f"{email},{email.partition('@')[0].title()},{company},Europe/Paris,FR" for email in emails]
        path.write_text("\n".join(["email,first_name,company,timezone,country", *rows, ""]))
        file = File(path, path.name, sequence)
        import_file(self.workspace.database, file, self.workspace.rules(), self.clock.now())

    async def days(self, count: float) -> None:
        await self.clock.advance(count * 86_400)

    def work(self, answer: ports.Answer | None = None) -> int:
        """Do all that is due: tasks are opened, mails are sent; returns how many."""
        return self.transact(lambda tx: self._work(tx, answer or ports.Accepted("250 2.0.0 queued as 1")))

    def _work(self, tx: Connection, answer: ports.Answer) -> int:
        now = self.clock.now()
        moment = Moment("julie", now, now, Quota(), mailboxes.get(tx, "julie").hold)
        mailboxes.note_synced(tx, "julie", now)
        desk.clear(tx, self.workspace, moment)
        claimed = desk.claim_mail(tx, self.workspace, moment, 100, ()).claimed
        touches.arm(tx, [one.touch.id for one in claimed], self.workspace.boot_id, now)
        for one in claimed:
            settling.settle(tx, self.workspace, one, answer)
        return len(claimed)

    def doubt(self) -> None:
        """Let what is unanswered become a question for the human."""

        def work(tx: Connection) -> None:
            for touch in touches.doubts(tx, touches.TouchState.UNKNOWN):
                doubts.raise_doubt(tx, self.workspace, touch, "no copy was found in Sent")

        self.transact(work)

    def answer(self, email: str, text: str) -> None:
        """Let a prospect answer the last mail."""
        self.arrive(self.answering(email, text))

    def answering(self, email: str, text: str) -> bytes:
        """Write a prospect's answer to the last mail."""
        self.uid += 1
        raw = self.transact(lambda tx: self._last(tx, email))
        ours = message_from_bytes(raw)
        head = {
            "From": email,
            "To": "julie@abc.example",
            "Subject": "Re: your next step",
            "Message-ID": f"<{self.uid}.{email}>",
            "In-Reply-To": str(ours["Message-ID"]),
            "Date": self.clock.now().strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "Content-Type": "text/plain; charset=utf-8",
        }
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        return f"{lines}\r\n{text}\r\n".encode()

    def arrive(self, message: bytes) -> None:
        """Let a mail come into the inbox."""
        self.uid += 1
        mail = Fetched(self.uid, message, self.clock.now())
        self.transact(lambda tx: arrivals.absorb(tx, self.workspace, Arrived("julie", "INBOX", mail)))

    def _last(self, tx: Connection, email: str) -> bytes:
        prospect = people.by_email(tx, email)
        assert prospect is not None
        touch = touches.last_sent(tx, prospect.id)
        assert touch is not None
        return touch.raw


_LOADED: list[Library] = []


def known(config: Config) -> Library:
    """Return the library, read once: it is the same in every workspace here, and its trial takes a while."""
    if not _LOADED:
        _LOADED.append(library.load(library.shelves(config)))
    return _LOADED[0]


def begin(root: Path, days_ago: float = 10, database_url: str = "sqlite:///cadenced.db") -> Story:
    """Open a workspace so many days ago."""
    config = configuration.load(write(root, database_url))
    database = Database(config.daemon.database, inline=True)
    database.open()
    key = database.transact(lambda tx: install_key(tx, lambda size: b"k" * size))
    database.transact(lambda tx: mailboxes.make_known(tx, ["julie"]))
    if not database.is_sqlite:
        database.transact(_hold_julie)
    clock = ToldClock(datetime.now(UTC).replace(microsecond=0) - timedelta(days=days_ago))
    return Story(Workspace(config, known(config), database, clock, "boot", key, lambda: 0.5), clock)


def _hold_julie(tx: Connection) -> None:
    """Be the worker that has the mailbox."""
    lease = leases.of_mailbox("julie")
    leases.make_known(tx, [lease])
    leases.register(tx, Worker("boot", "here", 1), timedelta(hours=1))
    leases.take(tx, [lease], "boot")


@dataclass
class Said:
    """What a command printed, and its exit status."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def said(capfd: Any, *line: str) -> Said:
    """Run a command line in this process."""
    capfd.readouterr()
    status = program.main(line)
    out, err = capfd.readouterr()
    return Said(status, out, err)

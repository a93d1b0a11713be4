"""A whole house for a test: a workspace on disk, a store, real mail servers, and the services that run in it."""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cadenced import config as configuration
from cadenced import library
from cadenced.core.model import Enrolment
from cadenced.engine import moves
from cadenced.engine.resolver import Resolver
from cadenced.engine.scribe import Scribe
from cadenced.engine.sender import Sender
from cadenced.engine.supervisor import Supervisor
from cadenced.engine.watcher import Watcher
from cadenced.engine.workspace import Workspace, install_key
from cadenced.mail.imap import ImapSettings, Mailbox
from cadenced.mail.smtp import Pool, SmtpSettings
from cadenced.store import enrolments, mailboxes, people
from cadenced.store.database import Database
from cadenced.store.schema import accounts, prospects
from peers import clocks, smtp_sink
from peers.patience import comes

until = comes

SEQUENCE = """\
title: A plan
window: always
steps:
  - email: one
    after: 0
  - email: two
    after: 1 s
  - email: three
    after: 1 s
"""

TEMPLATE = """\
---
subject: "Your next step {{ first_name }}"
---
Hello {{ first_name }},

you asked for the plan on Monday. Shall we talk on Thursday at 10:00?

Julie
"""


@dataclass
class House:
    """The parts, and how to look at them."""

    workspace: Workspace
    sink: smtp_sink.Sink
    senders: list[Sender] = field(default_factory=list)
    watchers: list[Watcher] = field(default_factory=list)
    supervisor: Supervisor | None = None

    def enrol(self, email: str, sequence: str = "plan", **fields: str) -> Enrolment:
        """Put a prospect in, and enrol it."""
        known = {"first_name": "Ann", **fields}

        def work(tx: Any) -> Enrolment:
            now = self.workspace.now()
            account = None
            if "company" in fields:
                key = fields["company"].lower()
                row = tx.execute(accounts.select().where(accounts.c.key == key)).first()
                account = (
                    row.id if row else tx.execute(accounts.insert().values(key=key, name=key)).inserted_primary_key[0]
                )
            row = {"email": email, "mailbox": "julie", "timezone": "Europe/Paris", "country": "FR", "fields": known}
            tx.execute(
                prospects.insert().values(created_at=now, account_id=account, role=fields.get("role", ""), **row)
            )
            return moves.enrol(tx, self.workspace, email, sequence, now)

        return self.workspace.database.transact(work)

    def standing(self, email: str) -> Enrolment:
        """Return the newest enrolment of a prospect."""

        def work(tx: Any) -> Enrolment:
            prospect = people.by_email(tx, email)
            assert prospect is not None
            return enrolments.of_prospect(tx, prospect.id)[-1]

        return self.workspace.database.read(work)

    def read(self, work: Callable[[Any], Any]) -> Any:
        """Look into the store."""
        return self.workspace.database.read(work)

    def sent_to(self, email: str) -> list[bytes]:
        """Return what arrived for a prospect."""
        return [one.raw for one in self.sink.accepted if email in one.recipients]


def write(root: Path, imap_port: int, smtp_port: int, changes: str = "") -> Path:
    """Write a workspace with one mailbox on these servers; returns its cadenced.toml."""
    for name in ("sequences", "templates", "inbox"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "sequences" / "plan.yaml").write_text(SEQUENCE)
    for name in ("one", "two", "three"):
        (root / "templates" / f"{name}.md").write_text(TEMPLATE)
    path = root / "cadenced.toml"
    path.write_text(
        f"""\
[daemon]
database = "sqlite:///cadenced.db"
timezone = "Europe/Paris"
country = "FR"
default_sequence = "plan"
settle = "1 s"
[window]
days = "always"
[lint]
select = ["guilt"]
[safety]
quiet = "1 s"
[[mailbox]]
name = "julie"
address = "Julie Martin <julie@abc.example>"
daily_limit = 0
min_gap = "0 s"
[mailbox.smtp]
host = "127.0.0.1"
port = {smtp_port}
security = "none"
[mailbox.imap]
host = "127.0.0.1"
port = {imap_port}
security = "none"
username = "julie"
password = "env:JULIE_PASSWORD"
{changes}
"""
    )
    return path


def _furnish(house: House, scribe: Scribe) -> None:
    """Give every mailbox its watcher and its sender."""
    for box in house.workspace.config.mailboxes:
        imap = ImapSettings("127.0.0.1", box.imap.port, "none", "julie", "secret")
        smtp = SmtpSettings("127.0.0.1", box.smtp.port, "none", connections=box.smtp.connections)
        watcher = Watcher(house.workspace, box, Mailbox(imap))
        house.watchers.append(watcher)
        house.senders.append(Sender(house.workspace, box, Pool(smtp, house.workspace.clock), watcher, scribe))


@asynccontextmanager
async def running(path: Path, sink: smtp_sink.Sink, *, boot: str = "", apart: bool = False) -> Any:
    """Run senders, watchers and the resolver of a workspace until the block ends; ``apart``: as busy daemons do."""
    os.environ.setdefault("JULIE_PASSWORD", "secret")
    config = configuration.load(path)
    known = library.load(library.shelves(config))
    database = Database(config.daemon.database)
    database.open()
    key = database.transact(lambda tx: install_key(tx, secrets.token_bytes))
    database.transact(lambda tx: mailboxes.make_known(tx, [box.name for box in config.mailboxes]))
    clock = clocks.RealClock()
    house = House(
        Workspace(config, known, database, clock, boot or secrets.token_hex(4), key, lambda: 0.5),
        sink,
    )
    scribe = Scribe(house.workspace, apart=apart)
    _furnish(house, scribe)
    loop = asyncio.get_running_loop()

    def changed() -> None:
        for sender in house.senders:
            loop.call_soon_threadsafe(sender.wake.set)

    house.workspace.changed = changed
    house.workspace.doubted = lambda: loop.call_soon_threadsafe(resolver.wake.set)
    resolver = Resolver(house.workspace, {box.name: w for box, w in zip(config.mailboxes, house.watchers, strict=True)})
    house.supervisor = Supervisor([*house.watchers, *house.senders, resolver], house.senders)
    task = asyncio.create_task(house.supervisor.run())
    try:
        yield house
    finally:
        house.supervisor.stop.set()
        await task
        for watcher in house.watchers:
            await watcher.close()
        await scribe.close(5)
        database.close()

"""A drop folder with its database, on a clock that tests move."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from cadenced.core.model import Place
from cadenced.core.pacing import ALWAYS, Delay, Window
from cadenced.core.roster import Rules
from cadenced.core.sequence import EmailStep, Sequence, TaskStep
from cadenced.engine.intake import CUT_PATIENCE, POLL, RETRY, Drop, Intake
from cadenced.engine.intake_import import File, ImportResult, import_file
from cadenced.store.database import Database
from cadenced.store.schema import enrolments, events, import_verdicts, metadata, prospects
from peers.clocks import ToldClock

PROPOSAL = Sequence("proposal", (EmailStep("recap", template="recap"),), stage="proposal", window=ALWAYS)
NURTURE = Sequence("nurture", (EmailStep("article", Delay(5, "days"), template="article"),), window=Window())
COMMITTEE = Sequence("committee", (TaskStep("call", to="primary"), EmailStep("intro", template="intro", to="others")))
RULES = Rules(
    mailboxes=("julie",),
    sequences={sequence.name: sequence for sequence in (PROPOSAL, NURTURE, COMMITTEE)},
    place=Place("Europe/Paris", "FR"),
    default_sequence="proposal",
)
NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)


class Store:
    """A database with short questions."""

    def __init__(self, url: str) -> None:
        self.database = Database(url, inline=True)
        self.database.open()

    def count(self, table: Any, *where: Any) -> int:
        query = select(func.count()).select_from(table).where(*where)
        return self.database.read(lambda tx: tx.execute(query).scalar_one())

    def all(self, query: Any) -> list[Any]:
        return self.database.read(lambda tx: list(tx.execute(query).all()))

    def emails(self) -> list[str]:
        return [row.email for row in self.all(select(prospects.c.email).order_by(prospects.c.email))]

    def prospect(self, email: str) -> Any:
        return self.all(select(prospects).where(prospects.c.email == email))[0]

    def timeline(self, email: str) -> list[str]:
        query = select(events.c.event).join(prospects, prospects.c.id == events.c.prospect_id)
        return [row.event for row in self.all(query.where(prospects.c.email == email).order_by(events.c.id))]

    def run(self, statement: Any) -> None:
        self.database.transact(lambda tx: tx.execute(statement))

    def tables(self) -> Mapping[str, Any]:
        """What is known, without what may differ between two runs that did the same."""
        people = select(prospects.c.email, prospects.c.mailbox, prospects.c.fields, prospects.c.stage)
        lives = select(prospects.c.email, enrolments.c.sequence, enrolments.c.generation, enrolments.c.step).join(
            prospects, prospects.c.id == enrolments.c.prospect_id
        )
        told = select(prospects.c.email, events.c.event).join(prospects, prospects.c.id == events.c.prospect_id)
        return {
            "people": sorted(map(repr, self.all(people))),
            "lives": sorted(map(repr, self.all(lives))),
            "told": sorted(map(repr, self.all(told))),
            "staged": self.count(import_verdicts),
        }

    def clear(self) -> None:
        with self.database._engine.begin() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())


class Inbox:
    """The drop folder and its service."""

    def __init__(self, folder: Path, store: Store, rules: Rules = RULES) -> None:
        self.folder = folder
        self.store = store
        self.rules = rules
        self.clock = ToldClock(NOW)
        folder.mkdir(parents=True, exist_ok=True)
        self.intake = self.fresh()

    def fresh(self) -> Intake:
        """The service as it is after a restart."""
        self.intake = Intake(
            self.store.database, self.clock, Drop(self.folder, timedelta(seconds=2)), lambda: self.rules
        )
        return self.intake

    def drop(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    async def settle(self, seconds: float = 0) -> None:
        """Let time pass and the service work until there is nothing to do now."""
        await self.work()
        await self.clock.advance(seconds or 2)
        await self.work()

    async def work(self) -> None:
        """Tick until nothing is left to do; a rest between two slices, as long as the machine is slow, is no end."""
        while await self.intake.tick() not in {POLL, RETRY}:
            pass

    async def take(self, name: str, content: str | bytes) -> list[dict[str, str]]:
        """Drop a file, let it be imported, and return its report."""
        self.drop(name, content)
        await self.settle(2 + CUT_PATIENCE.total_seconds())
        return self.report(Path(name).name)

    def report(self, name: str) -> list[dict[str, str]]:
        place = next(p for f in ("done", "failed") if (p := self.folder / f / f"{name}.report.csv").exists())
        with place.open(encoding="utf-8", newline="") as stream:
            return list(csv.DictReader(stream))

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.folder / folder).glob("*"))

    def spooled(self) -> list[str]:
        return self.names(".spool")


def verdicts(report: list[dict[str, str]]) -> list[str]:
    return [row["verdict"] for row in report]


def bring(store: Store, folder: Path, content: str | bytes, sequence: str = "", rules: Rules = RULES) -> ImportResult:
    """Import a file at once, as the command does."""
    path = folder / "list.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return import_file(store.database, File(path, sequence=sequence), rules, NOW)

"""The demo: the whole product in this process, on real sockets, with people who answer and a fast clock.

Nothing but the servers, the clock and the people is invented: the daemon, its store on disk, its SMTP pool and its
IMAP connections are those of ``cadenced run``.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Protocol

from cadenced import config as configuration
from cadenced import library
from cadenced.core import pacing
from cadenced.core.model import Place
from cadenced.engine import opening
from cadenced.engine.supervisor import Supervisor
from cadenced.engine.workspace import Workspace
from cadenced.library.watch import LibrarySource
from cadenced.sandbox import cast, chronicle, servers, tally
from cadenced.sandbox.chronicle import Happening
from cadenced.sandbox.clocks import FastClock, Pace
from cadenced.sandbox.desk import Desk
from cadenced.sandbox.script import Delivery, Heard, Script
from cadenced.sandbox.servers import ImapServer, SmtpServer
from cadenced.sandbox.tally import Answered, Ending, Ledger
from cadenced.store.tasks import OpenTask

LOOK = 0.05
"""Real seconds between two looks at what has happened."""

LIMIT = 48.0
"""Real seconds after which the days end, whatever happens: with start and summary it stays within a minute."""

UNATTENDED = timedelta(days=5)
"""In the last days nobody does the tasks, so that some wait at the end."""

OPENS = clock_time(8, 0)
_USER = "julie"
_SILENCING = ("reply.", "bounce.hard", "auto.left_company", "invite.", "complaint")


class Daemon(Protocol):
    """What ``assemble`` makes: the services, and how to end them."""

    supervisor: Supervisor

    async def run(self, *, until_idle: bool = False) -> None:
        """Run until stopped."""
        ...


Assemble = Callable[[Workspace, LibrarySource], Daemon]
"""The composition root, handed in by the face: it stands beside this package, not below it."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of a demo: days of the story, real seconds a day, where the workspace lies."""

    folder: Path
    days: int = 45
    pace: float = 0.85
    limit: float = LIMIT


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that happened, on which day of the story; ``words`` is what somebody wrote."""

    day: int
    happening: Happening
    words: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """The demo's end."""

    days: int
    ended: datetime
    seconds: float
    ledger: Ledger
    endings: list[Ending]
    tasks: list[OpenTask]
    config: Path


@dataclass(slots=True)
class _Stage:
    """Everything that is there while the demo runs."""

    wanted: Wanted
    workspace: Workspace
    clock: FastClock
    start: datetime
    smtp: SmtpServer
    imap: ImapServer
    script: Script
    daemon: Daemon
    desk: Desk = field(default_factory=Desk)
    answered: list[Answered] = field(default_factory=list)
    words: dict[str, str] = field(default_factory=dict)
    last: int = 0

    @property
    def ends_at(self) -> datetime:
        return self.start + timedelta(days=self.wanted.days)


async def play(wanted: Wanted, assemble: Assemble, tell: Callable[[Told], None], stop: asyncio.Event) -> Outcome:
    """Play the demo until its days are over, its time is up, or ``stop`` is set; ``tell`` hears what happens."""
    began = time.monotonic()
    async with _staged(wanted, assemble) as stage:
        running = asyncio.create_task(stage.daemon.run(), name="daemon")
        _drop(wanted.folder / "inbox", cast.prospects(stage.start.date()))
        try:
            while not stop.is_set() and not running.done() and time.monotonic() - began < wanted.limit:
                if await _act(stage, tell):
                    break
                await asyncio.sleep(LOOK)
        finally:
            stage.daemon.supervisor.stop.set()
            await running
        await _catch_up(stage, tell)
        return _outcome(stage, time.monotonic() - began)


@asynccontextmanager
async def _staged(wanted: Wanted, assemble: Assemble) -> AsyncIterator[_Stage]:
    """Write the workspace, start the servers, open the store."""
    password = secrets.token_urlsafe(12)
    refused = cast.refused()
    async with AsyncExitStack() as stack:
        imap = await stack.enter_async_context(servers.serve_imap(_USER, password))
        smtp = await stack.enter_async_context(servers.serve_smtp(lambda to: _policy(to in refused)))
        path = _write(wanted.folder, cast.workspace(smtp.port, imap.port), password)
        config = configuration.load(path)
        start = _first_day(wanted.days, config.place)
        clock = FastClock(start, Pace(pacing.zone(config.daemon.timezone), wanted.pace), lambda: smtp.is_busy)
        shelf = LibrarySource(library.shelves(config), time.monotonic)
        known = await asyncio.to_thread(shelf.reload)
        workspace = opening.workspace(config, known, clock, inline=False)
        stack.callback(workspace.database.close)
        script = cast.script(workspace.library.sequences)
        daemon = assemble(workspace, shelf)
        yield _Stage(wanted, workspace, clock, start, smtp, imap, script, daemon)


def _policy(refused: bool) -> str:
    return "550 5.1.1 User unknown; there is no such mailbox here" if refused else ""


def _write(folder: Path, text: str, password: str) -> Path:
    """Write a workspace as ``cadenced init`` does, with the demo's own configuration."""
    library.write_workspace(folder)
    path = folder / "cadenced.toml"
    path.write_text(text, encoding="utf-8")
    secret = folder / "demo.password"
    secret.touch(mode=0o600)
    secret.write_text(password, encoding="ascii")
    return path


def _first_day(days: int, place: Place) -> datetime:
    """Return the morning of a Monday that lies so far back that the story ends about now."""
    today = datetime.now(UTC).astimezone(pacing.zone(place.timezone)).date()
    begin = today - timedelta(days=days)
    return pacing.to_utc(begin - timedelta(days=begin.weekday()), OPENS, place.timezone)


def _drop(inbox: Path, text: str) -> None:
    """Drop the list as a careful program does: under another name first."""
    part = inbox / "prospects.csv.part"
    part.write_text(text, encoding="utf-8")
    part.rename(inbox / "prospects.csv")


async def _act(stage: _Stage, tell: Callable[[Told], None]) -> bool:
    """Tell what has happened, let people answer and the human work; True once the days are over."""
    await _catch_up(stage, tell)
    now = stage.clock.now()
    for delivery in stage.script.due(now):
        await _answer(stage, delivery, now)
    if now > stage.ends_at - UNATTENDED:
        stage.desk.rest()
    elif stage.last:
        await stage.workspace.database.run(lambda tx: stage.desk.work(tx, stage.workspace))
    return now >= stage.ends_at


async def _catch_up(stage: _Stage, tell: Callable[[Told], None]) -> None:
    happened = await stage.workspace.database.run(lambda tx: chronicle.since(tx, stage.last))
    for one in happened:
        if not stage.last:
            stage.clock.start()
        stage.last = one.id
        if one.event == "sent":
            _hear(stage, one)
        zone = pacing.zone(stage.workspace.config.daemon.timezone)
        day = (one.at.astimezone(zone).date() - stage.start.astimezone(zone).date()).days + 1
        tell(Told(day, one, stage.words.get(one.email, "")))


def _hear(stage: _Stage, sent: Happening) -> None:
    """Let a prospect hear of a touch that has reached them."""
    if not stage.script.waits_for(sent.email):
        return
    raw = next((one.raw for one in reversed(stage.smtp.accepted) if sent.email in one.recipients), None)
    if raw is not None:
        box = stage.workspace.config.mailboxes[0].name
        stage.script.hear(Heard(sent.email, str(sent.data["step"]), sent.at, Place(sent.timezone), box, raw))


async def _answer(stage: _Stage, delivery: Delivery, now: datetime) -> None:
    stage.words[delivery.email] = delivery.answer.words()
    await stage.imap.deliver(delivery.write(now), now)
    verdict = delivery.answer.verdict
    if verdict.startswith(_SILENCING) and verdict != "reply.not_now":
        stage.answered.append(Answered(delivery.email, time.monotonic()))


def _outcome(stage: _Stage, seconds: float) -> Outcome:
    accepted = stage.smtp.accepted
    database = stage.workspace.database
    ended = stage.clock.now()
    days = max(1, min(stage.wanted.days, (ended - stage.start).days))
    return Outcome(
        days=days,
        ended=ended,
        seconds=seconds,
        ledger=tally.measure(accepted, stage.answered),
        endings=database.read(lambda tx: tally.endings(tx, cast.addresses(), tally.counts(accepted))),
        tasks=database.read(tally.waiting),
        config=stage.workspace.config.path,
    )

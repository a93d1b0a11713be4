"""The composition root: the one place where config, store, mail servers and services meet."""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy.exc import DatabaseError

from cadenced import config as configuration
from cadenced import library, systemd
from cadenced.config import Config, Mailbox, secret
from cadenced.engine import copies, opening, restore
from cadenced.engine.agenda import Agenda
from cadenced.engine.crews import Crews, Wires, from_any_thread, wake
from cadenced.engine.housekeeping import Housekeeping
from cadenced.engine.late import Late
from cadenced.engine.scribe import Scribe
from cadenced.engine.service import Service
from cadenced.engine.steadiness import Steadiness
from cadenced.engine.supervisor import GRACE, Leaves, Leaving, Supervisor, Together
from cadenced.engine.workspace import Workspace
from cadenced.errors import BrokenWorkspaceError, DatabaseAwayError, Problem, StoreError
from cadenced.library import Library
from cadenced.library.admission import Admission, judge
from cadenced.library.watch import LibrarySource
from cadenced.mail import settings
from cadenced.mail.imap import Mailbox as ImapMailbox
from cadenced.mail.privacy import hush_libraries
from cadenced.mail.smtp import Pool
from cadenced.ports import Clock, Mailer
from cadenced.store import admitted, mailboxes, outlook, rests, timeline, touches
from cadenced.store.database import Database

if TYPE_CHECKING:
    from cadenced.engine.tenancy import Tenancy  # on SQLite there is none

log = logging.getLogger(__name__)


STUCK = 300.0
"""Seconds without a look at the store after which the watchdog is no longer fed; a huge import takes less."""

REST = timedelta(minutes=10)
"""How long a sender rests that has nothing to do: the agenda wakes it before, when there is something."""

DATABASE_PATIENCE, DATABASE_AGAIN = 240.0, 2.0
"""Seconds that a start waits for a database server that does not answer, and between two tries."""

FIRST, LOOK = 1.0, 0.02
"""Seconds that the first touches have to themselves at most, and between two looks whether they have left."""

WARMING = 3.0
"""Seconds from the start until what reading answers needs is made ready: the first touches go before."""


@dataclass(slots=True)
class Daemon:
    """A workspace with its services, ready to run. ``tenancy`` is there where several workers share a database."""

    workspace: Workspace
    supervisor: Supervisor
    housekeeping: Housekeeping
    crews: Crews
    tenancy: Tenancy | None = None

    async def run(self, *, until_idle: bool = False) -> None:
        """Make doubt visible, then run until stopped (or idle)."""
        if self.tenancy is None:
            await self._recover()
        else:
            await self.tenancy.begin()
        await self._name_orphans()
        await self.supervisor.run(until_idle=until_idle)

    async def _recover(self) -> None:
        """Settle what the daemon before this one left under way: on SQLite there is no other."""
        unknown = await self.workspace.database.run(lambda tx: touches.recover(tx, self.workspace.boot_id))
        if unknown:
            log.warning("touches whose fate is unknown", extra={"count": unknown})

    async def _name_orphans(self) -> None:
        """Say whom nobody serves: the mailbox of their enrolment is not configured any more."""
        names = [box.name for box in self.workspace.config.mailboxes]
        left = await self.workspace.database.run(lambda tx: outlook.elsewhere(tx, names))
        for name, count in left.items():
            log.warning("enrolments without their mailbox", extra={"mailbox": name, "count": count})


def assemble(
    workspace: Workspace,
    wires: Wires,
    shelf: LibrarySource,
    unserved: Collection[str] = (),
    first_sent: asyncio.Event | None = None,
) -> Daemon:
    """Build every service of a workspace; must be called inside the event loop that will run them.

    On SQLite all of them run for as long as the daemon. On PostgreSQL mailboxes (but those ``unserved``) and the drop
    folder are shared out among the workers. What no first touch needs begins when ``first_sent`` is set.
    """
    crews = Crews(workspace, wires, Scribe(workspace, apart=True))
    may_begin = first_sent or _at_once()
    intake = Late("intake", may_begin, lambda: _intake(workspace))
    resolver = Late("resolver", may_begin, lambda: _resolver(workspace, crews))
    agenda = Agenda(workspace, crews.wake_senders)
    housekeeping = Housekeeping(workspace, shelf, from_any_thread(lambda: wake([agenda, intake])))
    workspace.changed = from_any_thread(agenda.wake.set)
    workspace.doubted = from_any_thread(resolver.wake.set)
    workspace.longest_sleep = REST
    supervisor = Supervisor((agenda, resolver, housekeeping))
    daemon = Daemon(workspace, supervisor, housekeeping, crews)
    if workspace.database.is_sqlite:
        _run_all(supervisor, crews, intake)
    else:
        from cadenced.engine import workers  # noqa: PLC0415 - on SQLite there is one

        boxes = [box for box in workspace.config.mailboxes if box.name not in unserved]
        daemon.tenancy = workers.join(supervisor, crews, boxes, intake, agenda)
    supervisor.closes = (*supervisor.closes, crews.scribe)
    return daemon


def _at_once() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


def _intake(workspace: Workspace) -> Service:
    from cadenced.engine.intake import Drop, Intake  # noqa: PLC0415 - it begins once the first touches have left

    drop = Drop(workspace.config.daemon.inbox, workspace.config.daemon.settle)
    intake = Intake(workspace.database, workspace.clock, drop, workspace.rules)
    if not workspace.database.is_sqlite:
        intake.heard = workspace.changed  # nobody else tells us of our own imports there
    return intake


def _resolver(workspace: Workspace, crews: Crews) -> Service:
    from cadenced.engine.resolver import Resolver  # noqa: PLC0415 - as above

    return Resolver(workspace, crews.watchers)


def _run_all(supervisor: Supervisor, crews: Crews, intake: Late) -> None:
    """Have every mailbox served, and the folder read, for as long as the daemon runs."""
    for box in crews.workspace.config.mailboxes:
        crews.make(box)
    watchers, senders = crews.watchers.values(), crews.senders.values()
    leaving: tuple[Leaves, ...] = (intake, *watchers)
    supervisor.services = (*watchers, intake, *senders, *supervisor.services)
    supervisor.at_stop = crews.stand_down
    supervisor.closes = (Together(tuple(senders)), Together(tuple(map(Leaving, leaving))))


def real_wires(config: Config, clock: Clock) -> Wires:
    """Return the way to the configured servers."""
    grants = config.grants

    def mailer(box: Mailbox) -> Mailer:
        return Pool(settings.smtp(box.smtp, config.safety.dot_timeout, grants), clock)

    return Wires(mailer, lambda box: ImapMailbox(settings.imap(box.imap, grants)))


def run(config_path: Path | None = None, *, until_idle: bool = False) -> int:
    """Run the daemon; returns its exit status (4 when a mailbox could not be served until idle)."""
    hush_libraries()
    config = configuration.load(configuration.find(config_path))
    locked_out = _locked_out(config)
    lock = Database(config.daemon.database)
    lock.claim_for_daemon()
    try:
        return _run_alone(config, lock, locked_out, until_idle=until_idle)
    finally:
        lock.close()


def _run_alone(config: Config, lock: Database, locked_out: Mapping[str, list[Problem]], *, until_idle: bool) -> int:
    admission = Admission(passed=_admitted(lock))
    shelf = LibrarySource(library.shelves(config), time.monotonic, admission=admission)
    workspace = _opened(config, shelf.reload())
    try:
        _tell_locked_out(workspace, locked_out)
        return asyncio.run(_run(workspace, shelf, locked_out, until_idle=until_idle))
    finally:
        workspace.database.close()


def _opened(config: Config, known: Library) -> Workspace:
    """Open the store; a server that is just restarting is waited for, as the daemon before this one ended with it."""
    until = time.monotonic() + DATABASE_PATIENCE
    while True:
        try:
            return opening.workspace(config, known, opening.SystemClock(), inline=False)
        except DatabaseAwayError as fault:
            if time.monotonic() > until:
                raise
            log.warning("waiting for the database", extra={"fault": str(fault)})
            rests.rest(DATABASE_AGAIN)


def _admitted(database: Database) -> Collection[str]:
    """Return the templates that need no trial, none where the database is new."""
    try:
        return database.read(lambda tx: admitted.known(tx, judge()))
    except (DatabaseError, StoreError):  # what is wrong with it is told when it is opened
        return ()


def _locked_out(config: Config) -> Mapping[str, list[Problem]]:
    """Return the mailboxes whose secrets cannot be read; BrokenWorkspaceError where that is all of them."""
    missing = {box.name: secret.missing(box.secrets(config.grants)) for box in config.mailboxes}
    if missing and all(missing.values()):
        raise BrokenWorkspaceError(list(dict.fromkeys(one for problems in missing.values() for one in problems)))
    return {name: problems for name, problems in missing.items() if problems}


def _tell_locked_out(workspace: Workspace, locked_out: Mapping[str, list[Problem]]) -> None:
    """Say which mailboxes stand still: in the log, and where ``status`` looks."""
    for name, problems in locked_out.items():
        for problem in problems:
            log.error("no password: %s", problem, extra={"mailbox": name})
        fault = f"no password: {problems[0].message} ({problems[0].cure})"
        workspace.database.transact(partial(mailboxes.note_fault, name=name, imap=fault))


async def _run(workspace: Workspace, shelf: LibrarySource, locked_out: Collection[str], *, until_idle: bool) -> int:
    newest = await workspace.database.run(timeline.newest_at)
    workspace.unsteady = Steadiness(workspace.clock, newest)
    wires = real_wires(workspace.config, workspace.clock)
    await workspace.database.run(partial(copies.look_up, workspace=workspace))
    first_sent = asyncio.Event()
    daemon = assemble(workspace, wires, shelf, locked_out, first_sent)
    _listen_for_signals(daemon)
    daemon.supervisor.pulse = lambda: _beat(daemon.housekeeping, workspace.clock)
    await restore.watch_over(workspace, daemon.supervisor)
    background = [
        asyncio.create_task(_note_first(daemon, first_sent), name="first touches"),
        asyncio.create_task(_warm(), name="warming"),  # before the first answer
    ]
    systemd.ready(f"{len(workspace.config.mailboxes)} mailboxes")
    log.info("ready", extra={"mailboxes": len(workspace.config.mailboxes), "grace": GRACE})
    await daemon.run(until_idle=until_idle)
    for task in background:
        task.cancel()
    log.info("stopped")
    return _status(workspace) if until_idle else 0


async def _note_first(daemon: Daemon, first_sent: asyncio.Event) -> None:
    """Set ``first_sent`` once something was sent, or nothing is to be sent now."""
    until = time.monotonic() + FIRST
    senders = daemon.crews.senders
    while time.monotonic() < until and not daemon.workspace.sends:
        if senders and all(sender.idle for sender in senders.values()):
            break
        await asyncio.sleep(LOOK)
    first_sent.set()


async def _warm() -> None:
    """Begin it in a thread that nobody waits for: the executor's would be waited for at the end, for seconds."""
    await asyncio.sleep(WARMING)
    threading.Thread(target=_warm_up, name="warming", daemon=True).start()


def _warm_up() -> None:
    from cadenced.reading import verdict  # noqa: PLC0415 - the first touches need nothing of it

    verdict.warm()


def _beat(housekeeping: Housekeeping, clock: Clock) -> None:
    """Tell systemd that loop and store move: not that a mail server answers, which no restart would mend."""
    if clock.monotonic() - housekeeping.ticked_at < STUCK:
        systemd.alive()


def _listen_for_signals(daemon: Daemon) -> None:
    loop = asyncio.get_running_loop()

    def stop(name: str) -> None:
        if not daemon.supervisor.stop.is_set():
            log.info("stopping", extra={"signal": name})
        systemd.stopping()
        daemon.supervisor.stop.set()

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop, signal.Signals(number).name)

    def reread() -> None:
        daemon.housekeeping.asked = True
        daemon.housekeeping.wake.set()

    loop.add_signal_handler(signal.SIGHUP, reread)


def _status(workspace: Workspace) -> int:
    """Return 0 when every mailbox could be served, else 4, with the reason in the log."""
    status = 0
    for box in workspace.config.mailboxes:
        obstacle = workspace.database.read(lambda tx, name=box.name: mailboxes.get(tx, name)).obstacle  # type: ignore[misc] # a default binds the loop's name
        if obstacle:
            log.error("mailbox held: %s", obstacle, extra={"mailbox": box.name})
            status = 4
    return status

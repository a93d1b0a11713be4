"""The restore guard: an older database put back in the place of a newer one sends nothing until a human has looked.

RELIABILITY 2.7. Three things give it away: a file outside the database that knows of more starts or sends than it does,
a copy of a mail that was made with this installation's key and stands in no row (``engine/restored_copies.py``), and on
PostgreSQL a new line of its log: another server has taken over, for which not every commit may have waited.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection

from cadenced.config import Config, Mailbox, SentCopy
from cadenced.core import planner
from cadenced.core.planner import Away
from cadenced.engine import stops
from cadenced.engine.supervisor import Supervisor
from cadenced.engine.workspace import Workspace
from cadenced.errors import StoreError
from cadenced.store import copies, instance, mailboxes, standby, tasks, timeline
from cadenced.store.instance import Mark, Restored

log = logging.getLogger(__name__)

EVERY_SENDS, EVERY = 50, 10.0
"""The file is brought up to date after so many sends, and so many seconds after any send."""

_LOOK = timedelta(seconds=1)
HELD = "an older database was put back"
"""How the hold of a mailbox begins that rests for a restore."""

_CURE = "cadenced release --restored"


class Guard:
    """Counts starts and sends, in the database and in the file beside it."""

    def __init__(self, workspace: Workspace, path: Path) -> None:
        self.name = "restore guard"
        self.wake = asyncio.Event()
        self.idle = True
        self._workspace = workspace
        self._path = path
        self._counted = workspace.sends
        self._known = 0
        self._waited = False
        self._wrote_at = self._looked_at = float("-inf")

    async def begin(self) -> None:
        """Judge the database by the file, and count this start in both; before the first touch is claimed."""
        found = instance.read(self._path)
        mark = await self._workspace.database.run(lambda tx: begin(tx, self._workspace, found))
        said = stops.kept(self._workspace)
        await self._workspace.database.run(lambda tx: stops.make_up(tx, self._workspace, said))
        self._workspace.away = await self._workspace.database.run(away)
        await self._write(mark)
        await self._workspace.database.run(instance.note_filed)

    async def tick(self) -> timedelta:
        """Count what was sent since, and look how the server keeps what it is told."""
        fresh = self._workspace.sends - self._counted
        age = self._workspace.clock.monotonic() - self._wrote_at
        if fresh >= EVERY_SENDS or (age >= EVERY and (fresh or await self._is_kept_otherwise())):
            await self._count(fresh)
        return _LOOK

    async def _is_kept_otherwise(self) -> bool:
        """Whether commits have begun to wait for another server, or do not any more."""
        now = self._workspace.clock.monotonic()
        if self._workspace.database.is_sqlite or now - self._looked_at < EVERY:
            return False
        self._looked_at = now
        try:
            return await self._workspace.database.glance(standby.is_waited_for) != self._waited
        except StoreError:  # whoever sends notices it as well
            return False

    async def rest(self, span: timedelta) -> None:
        """Sleep by the clock."""
        await self._workspace.clock.sleep(span)

    async def close(self, grace: float) -> None:  # noqa: ARG002 - the signature of whatever is closed
        """Count the last sends."""
        if self._workspace.sends > self._counted:
            await self._count(self._workspace.sends - self._counted)

    async def _count(self, fresh: int) -> None:
        try:
            mark = await self._workspace.database.run(lambda tx: count(tx, self._workspace, fresh, self._known))
        except StoreError as fault:  # whoever sends notices it as well; the count is made up for at the next look
            log.warning("sends not counted", extra={"fault": str(fault)})
            return
        self._counted += fresh
        await self._write(mark)

    async def _write(self, mark: Mark) -> None:
        self._known, self._waited = mark.last_send_seq, mark.waited
        self._wrote_at = self._workspace.clock.monotonic()
        try:
            await asyncio.to_thread(instance.write, self._path, mark)
        except OSError as fault:
            log.warning("no restore guard", extra={"file": str(self._path), "fault": str(fault)})


async def watch_over(workspace: Workspace, supervisor: Supervisor) -> None:
    """Judge the database before anything is claimed, and go on counting among the supervisor's services."""
    guard = Guard(workspace, place(workspace.config))
    await guard.begin()
    supervisor.services = (*supervisor.services, guard)
    supervisor.closes = (*supervisor.closes, guard)


def place(config: Config) -> Path:
    """Return where the file lies: beside a SQLite database, else in the state of the service or beside the config."""
    state = os.environ.get("STATE_DIRECTORY", "").partition(":")[0]  # systemd.exec(5): several are joined by ":"
    return instance.place(config.daemon.database, Path(state) if state else config.path.parent / ".cadenced")


def begin(tx: Connection, workspace: Workspace, found: Mark | None) -> Mark:
    """Count a start; where ``found``, the file of the start before, is ahead of the database, nothing may be sent."""
    _note_absence(tx, workspace, found)
    boots, sends = instance.counted(tx)
    reason = _ahead(workspace, found, boots, sends) or _taken_over(tx, workspace, found)
    if reason:
        enter(tx, workspace, reason)
        for box in workspace.config.mailboxes:
            instance.rewind(tx, box.name)
    elif found is None and boots and not instance.never_filed(tx):
        _without_file(tx, workspace)
    elif found is None and not boots:
        instance.note_first(tx)
    _hold_the_rest(tx, workspace)
    boots, sends = (max(boots, found.boot_counter), max(sends, found.last_send_seq)) if found else (boots, sends)
    instance.count(tx, boots + 1, sends)
    return _mark(tx, workspace, boots + 1, sends)


def away(tx: Connection) -> Away | None:
    """Return the last long time during which nothing ran, as the planner must know it."""
    found = instance.away(tx)
    return Away(*found) if found is not None else None


def _ahead(workspace: Workspace, found: Mark | None, boots: int, sends: int) -> str:
    """Return how the file contradicts the database, empty where it does not."""
    if found is None:
        return ""
    since = f"; it was last written {found.wall[:16].replace('T', ' ')} UTC" if found.wall else ""
    if found.install_id != instance.identity(workspace.install_key):
        return f"instance.json belongs to another database{since}"
    if found.boot_counter > boots:
        return f"instance.json knows of {found.boot_counter} starts, the database of {boots}{since}"
    if found.last_send_seq > sends:
        return f"instance.json knows of {found.last_send_seq} mails, the database of {sends}{since}"
    return ""


def _taken_over(tx: Connection, workspace: Workspace, found: Mark | None) -> str:
    """Return what another server may lack that has taken the database over, empty where it has all or none has.

    It has all where each commit waited for it. The file must say so too: the database itself could be too old to know.
    """
    before, waited = instance.line(tx)
    if before in {0, workspace.database.line}:
        return ""
    if waited and found is not None and found.waited:
        log.warning("another server has taken the database over; nothing is missing")
        return ""
    return "another server has taken it over, for which not every commit had waited: the last mails may be missing"


def _note_absence(tx: Connection, workspace: Workspace, found: Mark | None) -> None:
    """Note how long nothing ran before this start, if that was long: what was due then may not fit any more."""
    now, alive = workspace.now(), instance.last_alive(tx)
    if alive is None:
        return
    written = datetime.fromisoformat(found.wall) if found is not None and found.wall else alive
    since = max(alive, written)
    if now - since > planner.LATE:
        log.warning("nothing ran for long", extra={"days": (now - since).days})
        instance.note_away(tx, since, now)


def _without_file(tx: Connection, workspace: Workspace) -> None:
    """Do without the file: copies in the mailbox tell a backup as well. Where nobody files any, a human must.

    On PostgreSQL a worker on another machine has no file at its first start; that is no sign of a backup.
    """
    log.warning("instance.json is missing beside the database")
    blind = [box.name for box in workspace.config.mailboxes if _is_blind(tx, workspace, box)]
    if blind and workspace.database.is_sqlite:
        enter(tx, workspace, "instance.json is missing, and no copy of sent mail is kept that could tell", blind)


def _is_blind(tx: Connection, workspace: Workspace, box: Mailbox) -> bool:
    """Whether no copies of what a mailbox sends are kept: none shall be, or of its last sends none was ever seen."""
    filing = copies.filing(tx, box.name, workspace.now(), EVERY_SENDS)
    return box.imap.sent_copy is SentCopy.NONE or 0 < filing.lacking == len(filing.sends)


def enter(tx: Connection, workspace: Workspace, reason: str, names: Collection[str] = ()) -> Restored:
    """Hold every mailbox (or those named) until a human releases it; the human is asked once."""
    now = workspace.now()
    held = instance.restored(tx)
    if held is None:
        log.error("%s: %s; nothing is sent", HELD, reason)
        brief = (
            f"It seems that an older database was put back: {reason}. What was sent since, it does not know; sending"
            " on could send it again. What copies tell is made up for by itself. Look, then: " + _CURE
        )
        task = tasks.add(tx, tasks.NewTask("restored", brief, now), now)
        timeline.note(tx, now, "restored", None, reason=reason, task=task)
        held = Restored(now, reason, task=task)
    wanted = names or [box.name for box in workspace.config.mailboxes]
    return _hold(tx, workspace, held, [name for name in wanted if name not in held.held])


def _hold(tx: Connection, workspace: Workspace, restored: Restored, names: Collection[str]) -> Restored:
    before = dict(restored.held)
    for name in names:
        before[name] = mailboxes.get(tx, name).hold
        mailboxes.release(tx, name)
        mailboxes.hold(tx, name, f"{HELD}: {restored.reason}", workspace.now())
    released = [name for name in restored.released if name not in names]
    restored = replace(restored, held=before, released=released)
    instance.note_restored(tx, restored)
    return restored


def _hold_the_rest(tx: Connection, workspace: Workspace) -> None:
    """Hold mailboxes that came into the configuration while a restore waits for its human."""
    restored = instance.restored(tx)
    if restored is not None and not restored.released:
        fresh = [box.name for box in workspace.config.mailboxes if box.name not in restored.held]
        _hold(tx, workspace, restored, fresh)


def count(tx: Connection, workspace: Workspace, fresh: int, known: int) -> Mark:
    """Count sends. A database that has forgotten some of those before was replaced under our feet."""
    boots, sends = instance.counted(tx)
    if sends < known:
        enter(tx, workspace, f"{known} mails were counted a moment ago, and the database knows of {sends}")
        sends = known
    instance.count(tx, boots, sends + fresh)
    return _mark(tx, workspace, boots, sends + fresh)


def _mark(tx: Connection, workspace: Workspace, boots: int, sends: int) -> Mark:
    """Return what the file is to hold; how the server keeps what it is told stands in the database as well."""
    waited = standby.is_waited_for(tx)
    if workspace.database.line:
        instance.note_line(tx, workspace.database.line, waited=waited)
    return Mark(instance.identity(workspace.install_key), boots, sends, workspace.now().isoformat(), waited)


def found_one(tx: Connection, workspace: Workspace, folder: str) -> None:
    """Note a mail of which only its copy tells that it was sent: whatever else is not known may have been sent too."""
    restored = enter(tx, workspace, f"a copy in {folder} shows a mail that the database knows nothing of")
    instance.note_restored(tx, replace(restored, found=restored.found + 1))


def release(tx: Connection, workspace: Workspace, name: str = "") -> Restored | None:
    """Let the mailboxes (or the one of this name) send again that rest for a restore; None where none does.

    A hold that stood before stands again.
    """
    restored = instance.restored(tx)
    names = [held for held in (restored.held if restored else ()) if name in {"", held}]
    if restored is None or not names:
        return None
    for one in names:
        mailboxes.release(tx, one)
        if restored.held[one]:
            mailboxes.hold(tx, one, restored.held[one], workspace.now())
    _let_go(tx, workspace, restored, names)
    return replace(restored, released=names)


def _let_go(tx: Connection, workspace: Workspace, restored: Restored, names: Collection[str]) -> None:
    now = workspace.now()
    timeline.note(tx, now, "restore_released", None, mailboxes=list(names), found=restored.found)
    left = {name: before for name, before in restored.held.items() if name not in names}
    if left:
        released = [*restored.released, *names]
        instance.note_restored(tx, replace(restored, held=left, released=released))
    else:
        instance.note_restored(tx, None)
        tasks.close(tx, restored.task, "released", "", now)

"""The doctor at this machine: disk, rights, clock, secrets, database."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, func, select

from cadenced.cli import moments
from cadenced.cli.diagnosis import Diagnosis, bad, good, note
from cadenced.config import Config, secret
from cadenced.engine.workspace import Workspace
from cadenced.store import standby
from cadenced.store.database import beside
from cadenced.store.schema import events

_AREA = "machine"
_LITTLE, _TOO_LITTLE = 500_000_000, 50_000_000
_JUMP = timedelta(minutes=2)


def examine(workspace: Workspace) -> Iterator[Diagnosis]:
    """Yield how the machine is."""
    config = workspace.config
    folder = beside(config.daemon.database)
    yield from _database(workspace)
    yield from _disk(folder or config.path.parent)
    yield from _rights(config, folder)
    yield from _secrets(config)
    yield from _clock(workspace)


def _database(workspace: Workspace) -> Iterator[Diagnosis]:
    shown = workspace.database.shown
    damage = workspace.database.damage()
    if damage:
        yield bad(_AREA, "database", f"{shown} is damaged: {damage}", "stop the daemon and restore the last backup")
    else:
        yield good(_AREA, "database", f"{shown} is sound")
    if followers := workspace.database.read(standby.lagging):
        text = f"{followers} standby of the database may lag behind it, and would not know what was sent last"
        yield note(_AREA, "standby", text, "name it in PostgreSQL's synchronous_standby_names before it may take over")


def _disk(folder: Path) -> Iterator[Diagnosis]:
    free = shutil.disk_usage(folder).free
    text = f"{free / 1e9:,.1f} GB free beside the database"
    if free < _TOO_LITTLE:
        yield bad(_AREA, "disk", text, "make room: on a full disk nothing is sent and nothing is imported")
    elif free < _LITTLE:
        yield note(_AREA, "disk", text, "make room soon")
    else:
        yield good(_AREA, "disk", text)


def _rights(config: Config, database: Path | None) -> Iterator[Diagnosis]:
    refused = [str(path) for path, needed in needed_rights(config, database).items() if not os.access(path, needed)]
    for path in refused:
        yield bad(_AREA, "rights", f"{path} is missing, or may not be used as it must be", f"look at: ls -ld {path}")
    if config.path.stat().st_mode & 0o002:
        yield bad(_AREA, "rights", f"everybody may write {config.path}", f"chmod o-w {config.path}")
    elif not refused:
        yield good(_AREA, "rights", "inbox, sequences, templates and database can be used")


def needed_rights(config: Config, database: Path | None) -> dict[Path, int]:
    """Return every folder that the daemon works in, and what ``os.access`` must allow there."""
    read, write = os.R_OK | os.X_OK, os.R_OK | os.W_OK | os.X_OK
    daemon = config.daemon
    within = sorted(path for path in daemon.inbox.glob("*") if path.is_dir() and not path.is_symlink())
    wanted = dict.fromkeys([daemon.inbox, *within], write)  # lists are taken out of the folders by moving them
    wanted |= dict.fromkeys([daemon.sequences, daemon.templates], read)
    return wanted | ({database: write} if database else {})


def _secrets(config: Config) -> Iterator[Diagnosis]:
    for box in config.mailboxes:
        for problem in secret.missing(box.secrets(config.grants)):
            yield bad(box.name, "secret", problem.message, problem.cure)


def _clock(workspace: Workspace) -> Iterator[Diagnosis]:
    """Compare the clock with the newest thing that was written down: it cannot have happened later than now."""
    now = workspace.now()
    last = workspace.database.read(_latest)
    if last is not None and last > now + _JUMP:
        text = f"the clock shows {moments.stamp(now)}, and something was noted at {moments.stamp(last)}"
        yield bad(_AREA, "clock", text, "set the clock, and keep it by NTP (timedatectl)")
    else:
        zone = workspace.config.daemon.timezone
        yield good(_AREA, "clock", f"{moments.local(now, zone, now)} in {zone}")


def _latest(tx: Connection) -> datetime | None:
    newest = select(func.max(events.c.id)).scalar_subquery()
    return tx.execute(select(events.c.at).where(events.c.id == newest)).scalar()

"""Opening a workspace: config, library and store become one. No service, no mail library: commands start fast."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cadenced import config as configuration
from cadenced import library
from cadenced.config import Config
from cadenced.engine.workspace import Workspace, install_key
from cadenced.errors import BrokenWorkspaceError, Problem
from cadenced.library import Library
from cadenced.ports import Clock
from cadenced.store import mailboxes
from cadenced.store.database import Database
from cadenced.wording.settings import Settings


class SystemClock:
    """The machine's own clocks."""

    def now(self) -> datetime:
        """Return the wall clock."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds that never jump; those for which the machine was suspended count (Linux)."""
        return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()

    async def sleep(self, span: timedelta) -> None:
        """Sleep."""
        await asyncio.sleep(span.total_seconds())


class _Trusting(library.Admission):
    """Lets every template in: commands do not render, and need not pay for a trial."""

    def refusals(self, sources: object) -> list[Problem]:  # noqa: ARG002 - the signature of its parent
        """Refuse nothing."""
        return []


def open_workspace(config_path: Path | None = None, *, with_library: bool = True) -> Workspace:
    """Open config and store for a command, transactions in place; raises what is wrong with either."""
    config = configuration.load(configuration.find(config_path))
    known = library.load(library.shelves(config), _Trusting()) if with_library else Library({}, {})
    return workspace(config, known, SystemClock(), inline=True)


def workspace(config: Config, known: Library, clock: Clock, *, inline: bool) -> Workspace:
    """Put a workspace together, its store opened and brought up to date."""
    database = Database(config.daemon.database, inline=inline)
    database.open()
    key = database.transact(lambda tx: install_key(tx, secrets.token_bytes))
    database.transact(lambda tx: mailboxes.make_known(tx, [box.name for box in config.mailboxes]))
    chance = random.SystemRandom().random
    return Workspace(config, known, database, clock, secrets.token_hex(8), key, chance, wording(config))


def wording(config: Config) -> Settings:
    """Return the linter's settings of a workspace; BrokenWorkspaceError names the key that is wrong."""
    try:
        return Settings.from_table({"postal_address": config.daemon.postal_address, **config.lint})
    except ValueError as wrong:
        raise BrokenWorkspaceError([Problem(str(config.path), 0, 0, str(wrong), "see docs/rules.md")]) from wrong

"""Whether a daemon works on this database: on SQLite seen in the kernel's table of locks, without touching the lock."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from cadenced.store import leases

_LOCKS = Path("/proc/locks")


def running(tx: Connection, database: str) -> bool | None:
    """Return whether a daemon holds the lock of this database, or a worker lives; None where that cannot be told."""
    url = make_url(database)
    if url.get_backend_name() != "sqlite":
        return bool(leases.living(tx))
    if not url.database:
        return None
    try:
        inode = Path(f"{url.database}.lock").stat().st_ino
    except OSError:
        return False  # no daemon ever ran here
    try:
        held = _LOCKS.read_text("ascii")
    except OSError:
        return None
    return any(f":{inode} " in f"{line} " and " FLOCK " in line for line in held.splitlines())

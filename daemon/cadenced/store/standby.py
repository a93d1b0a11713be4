"""Servers that follow the database's own, and could take its place: what they have not got yet would be forgotten.

PostgreSQL gives its log a new *line* (timeline) each time a server takes over, or a database is restored to a moment:
the number tells that it happened, but not whether anything is missing. That nothing is can be known only where every
commit had waited for a follower.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, text

from cadenced.errors import StoreError

_FOLLOWERS = text("SELECT count(*), current_setting('synchronous_standby_names') FROM pg_stat_replication")
_LINE = "SELECT CASE WHEN pg_is_in_recovery() THEN '' ELSE substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8) END"
_WAITED_FOR = text(
    "SELECT current_setting('synchronous_standby_names') <> ''"
    " AND current_setting('synchronous_commit') IN ('on', 'remote_apply')"
)


def lagging(tx: Connection) -> int:
    """Return how many servers follow of which none is waited for: after a failover a sent touch could be unknown."""
    if tx.dialect.name == "sqlite":
        return 0
    count, waited_for = tx.execute(_FOLLOWERS).one()
    return 0 if waited_for else int(count)


def is_waited_for(tx: Connection) -> bool:
    """Whether each commit returns when a follower has it too; False on SQLite, which has none."""
    return tx.dialect.name != "sqlite" and bool(tx.execute(_WAITED_FOR).scalar_one())


class OneLine:
    """Keeps a process on the line of the log that it began on: who has taken over may have forgotten what it armed.

    To be called with each new connection of the driver; StoreError where the server has another line, or follows.
    """

    def __init__(self) -> None:
        self.number = 0

    def __call__(self, raw: Any, _record: object = None) -> None:
        """Look at a new connection."""
        found = _line(raw)
        if self.number and found != self.number:
            raise StoreError("another server has taken the database over; what it knows is looked at in a new start")
        self.number = found


def _line(raw: Any) -> int:
    """Return the line; 0 where a server does not tell it, as some do that keep their log in their own way (Aurora)."""
    from psycopg import errors as refusals  # noqa: PLC0415 - on SQLite nobody needs it

    cursor = raw.cursor()
    try:
        told = cursor.execute(_LINE).fetchone()[0]
    except (
        refusals.ObjectNotInPrerequisiteState,
        refusals.FeatureNotSupported,
        refusals.InsufficientPrivilege,
        refusals.UndefinedFunction,
    ):
        raw.rollback()
        return 0
    cursor.close()
    raw.commit()
    if not told:
        raise StoreError("this server of the database only follows another one; nothing can be written there")
    return int(told, 16)

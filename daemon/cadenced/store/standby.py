"""Servers that follow the database's own, and could take its place: what they have not got yet would be forgotten."""

from __future__ import annotations

from sqlalchemy import Connection, text

_FOLLOWERS = text("SELECT count(*), current_setting('synchronous_standby_names') FROM pg_stat_replication")


def lagging(tx: Connection) -> int:
    """Return how many servers follow of which none is waited for: after a failover a sent touch could be unknown."""
    if tx.dialect.name == "sqlite":
        return 0
    count, waited_for = tx.execute(_FOLLOWERS).one()
    return 0 if waited_for else int(count)

"""Hearing from other processes on a PostgreSQL database that something has changed: LISTEN on a connection of its own.

Who is told looks for itself; a ring says nothing but that it is worth while. What is not heard is seen by the next
look all the same, so a connection that breaks costs patience and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping

from sqlalchemy import Connection, text

from cadenced.store.database import Database

log = logging.getLogger(__name__)

WORK, LEASES = "cadenced_work", "cadenced_leases"
"""The channels: due work may have moved; something has become free."""

_AGAIN = 2.0
_NOTIFY = text("SELECT pg_notify(:channel, :origin)")


def ring(tx: Connection, channel: str, origin: str) -> None:
    """Tell all who listen, with the commit of this transaction; ``origin`` lets us know our own ring."""
    tx.execute(_NOTIFY, {"channel": channel, "origin": origin})


class Bell:
    """Listens until it is cancelled. ``heard`` has what to call for each channel."""

    def __init__(self, database: Database, origin: str, heard: Mapping[str, Callable[[], None]]) -> None:
        self._database = database
        self._origin = origin
        self._heard = heard

    async def listen(self) -> None:
        """Hear, and call; a lost connection is made anew, and counts as a ring of each kind."""
        import psycopg  # noqa: PLC0415 - only PostgreSQL needs it, and it is a tenth of a start

        while True:
            try:
                await self._hear()
            except psycopg.Error as fault:
                log.warning("not heard of other workers", extra={"fault": str(fault).strip()})
            self._database.is_listening = False
            await asyncio.sleep(_AGAIN)

    async def _hear(self) -> None:
        import psycopg  # noqa: PLC0415 - as above

        arguments = self._database.arguments()
        async with await psycopg.AsyncConnection.connect(**arguments, autocommit=True) as connection:
            for channel in self._heard:
                await connection.execute(f"LISTEN {channel}".encode())
            self._database.is_listening = True
            for call in self._heard.values():
                call()
            async for one in connection.notifies():
                if one.payload != self._origin:
                    self._database.heard += 1
                    self._heard[one.channel]()

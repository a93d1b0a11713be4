"""A connection on which one import becomes real slice by slice, with the staged rows at hand as a table.

The rows of each slice are copied into a temporary table before its transaction begins, so that the writers' lock is
held for the real tables alone.

No slice waits for the disk: one that a power cut takes away is made real again from the spool, which stays until a
transaction after all of them is durable. Every other commit makes the slices before it durable too, as they stand
before it in one log; so nothing is ever sent to anybody who might be forgotten.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    and_,
    exists,
    text,
)

from cadenced.core.roster_sheet import COLUMNS
from cadenced.store import import_spool
from cadenced.store.database import ALTERED, Database
from cadenced.store.import_spool import Spool
from cadenced.store.schema import Key, Utc

T = TypeVar("T")
_TEMPORARY = MetaData()
_CACHE = 32 * 1024
_CELL, _NOTHING = (f"\\x{ord(sign):02x}" for sign in (import_spool.CELL, import_spool.NOTHING))
_COPY = f"COPY staged FROM STDIN (DELIMITER E'{_CELL}', NULL E'{_NOTHING}')"


def _text(name: str) -> Column[str]:
    return Column(name, Text, nullable=False, server_default="")


staged = Table(
    "staged",
    _TEMPORARY,
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("line", Integer),
    *(Column(name, Text) for name in ("email", "untagged", "account", "company", "mailbox")),
    Column("fields", JSON),
    *(Column(name, Text) for name in COLUMNS[7:-1]),
    Column("next_step_at", Utc),
    prefixes=["TEMPORARY"],
)
"""The rows of the slice at hand; ``place`` is the order in which they become real (``import_spool``)."""

fates = Table(
    "import_fates",
    _TEMPORARY,
    Column("place", Integer, primary_key=True, autoincrement=False),
    Column("prospect_id", Key),
    _text("verdict"),
    _text("reason"),
    prefixes=["TEMPORARY"],
)
"""Rows of the slice at hand in which something is special: a known person, or a ``verdict`` of its own."""

plans = Table(
    "import_plans",
    _TEMPORARY,
    Column("sequence", String(80), primary_key=True),
    Column("timezone", String(80), primary_key=True),
    Column("country", String(8), primary_key=True),
    Column("is_primary", Boolean, primary_key=True),
    _text("state"),
    _text("step"),
    Column("due_at", Utc),
    _text("lane"),
    _text("stage"),
    _text("fault"),
    prefixes=["TEMPORARY"],
)
"""When people who begin now are first due: one row for each sequence, place and part. ``fault``: never."""


NEW = and_(staged.c.verdict == "enrolled", ~exists().where(fates.c.place == staged.c.place))
"""The rows of people whom nobody knew."""


class Session:
    """A connection with the staged rows at hand."""

    def __init__(self, database: Database, spool: Spool) -> None:
        self._database = database
        self._spool = spool
        self._connection = database.connect()
        self._connection.info[ALTERED] = True
        try:
            self._furnish()
        except BaseException:
            self._connection.close()
            raise

    def _furnish(self) -> None:
        if self._database.is_sqlite:
            self._driver.execute("PRAGMA temp_store = MEMORY")
            self._driver.execute(f"PRAGMA cache_size = -{_CACHE}")
            self._driver.execute("PRAGMA wal_autocheckpoint = 0")
            self._driver.execute("PRAGMA synchronous = NORMAL")
            self._driver.execute("ATTACH ? AS spool", (str(self._spool.path),))
        else:
            self._driver.prepare_threshold = None  # a plan made for small tables is no plan for big ones
            self._driver.execute("SET SESSION synchronous_commit = off")
            self._driver.commit()
        self._connection = self._connection.execution_options(reading=True)
        self._database.transact_on(self._connection, self._prepare)
        self._connection = self._connection.execution_options(reading=False)

    @property
    def _driver(self) -> Any:
        return self._connection.connection.driver_connection

    def _prepare(self, tx: Connection) -> None:
        _TEMPORARY.create_all(tx, checkfirst=False)

    def __enter__(self) -> Session:
        """Return itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give the connection back as it was."""
        self.close()

    def load(self, after: int, until: int) -> None:
        """Have the rows between two places at hand; no writer waits meanwhile."""
        if self._database.is_sqlite:
            self._driver.execute("DELETE FROM temp.staged")
            query = self._spool.order.replace("main.", "spool.")
            self._driver.execute("INSERT INTO temp.staged " + query, (after, until))
            return
        self._connection = self._connection.execution_options(reading=True)
        self._database.transact_on(self._connection, lambda tx: self._copy(tx, self._spool.lines(after, until)))
        self._connection = self._connection.execution_options(reading=False)

    def _copy(self, tx: Connection, rows: str) -> None:
        tx.execute(text("TRUNCATE staged"))
        with self._driver.cursor().copy(_COPY) as copy:
            copy.write(rows)

    def transact(self, work: Callable[[Connection], T]) -> tuple[T, float]:
        """Run ``work`` in a transaction; return what it does and how many seconds others had to wait at most."""
        begun = time.monotonic()
        found = self._database.transact_on(self._connection, work)
        return found, time.monotonic() - begun

    def checkpoint(self) -> None:
        """Write SQLite's log back while others may write: after many slices, as they change the same pages."""
        if self._database.is_sqlite:
            self._driver.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        """Give the connection back as it was; StoreError of a lost server does not matter any more."""
        if self._connection.closed:
            return
        try:
            if not self._connection.invalidated:
                self._forget()
        finally:
            self._connection.close()

    def _forget(self) -> None:
        if not self._database.is_sqlite:
            return  # temporary tables go with their session
        self._driver.execute("PRAGMA synchronous = FULL")
        for table in _TEMPORARY.tables:
            self._driver.execute(f"DROP TABLE IF EXISTS temp.{table}")
        self._driver.execute("DETACH spool")
        self.checkpoint()
        self._driver.execute("PRAGMA cache_size = -2000")
        self._driver.execute("PRAGMA wal_autocheckpoint = 1000")
        del self._connection.info[ALTERED]

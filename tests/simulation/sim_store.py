"""The real store with its own SQL, in memory: each transaction is a place where a process may stall, stop or die.

What a power cut takes away is what was not durable: nothing, with synchronous=FULL. ``Power`` keeps snapshots only
where a mutant is to lose commits.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import Connection

from cadenced.store.database import Database
from simulation.sim_quick import Quick

_MOVES = """
CREATE TABLE moves (id TEXT, before TEXT, after TEXT);
CREATE TRIGGER noted AFTER UPDATE OF state ON touches WHEN old.state <> new.state
BEGIN INSERT INTO moves VALUES (new.message_id, old.state, new.state); END;
"""
"""Every way that a touch went, written down by SQLite itself."""


class SimStore(Database):
    """The store of all worlds of this process, one after the other."""

    edge: Callable[[], Awaitable[None]]
    is_quick = True
    safe: sqlite3.Connection | None = None
    """What survives a power cut where commits are not durable; None: all of it does."""

    _held: Connection | None = None
    _short: Quick | None = None

    def transact(self, work: Callable[[Any], Any]) -> Any:
        return self._between("BEGIN IMMEDIATE", work)

    def read(self, work: Callable[[Any], Any]) -> Any:
        return self._between("BEGIN", work)

    def _between(self, begin: str, work: Callable[[Any], Any]) -> Any:
        """Run ``work`` in a transaction of SQLite's own, on the one connection that is kept: nothing is pooled."""
        raw = self.raw
        kept = self._held or self._keep()
        raw.execute(begin)
        try:
            with self._told("written"):
                result = work(self._short if self.is_quick else kept)
        except BaseException:
            raw.execute("ROLLBACK")
            raise
        raw.execute("COMMIT")
        return result

    def _keep(self) -> Connection:
        """Return SQLAlchemy's connection, which takes all transactions for one: SQLite is told of each by us."""
        self._held = self._engine.connect()
        self._held.begin()
        self.raw.execute("COMMIT")
        self._short = Quick(self._held, self.raw)
        return self._held

    async def run(self, work: Callable[[Connection], Any]) -> Any:
        await self.edge()
        result = self.transact(work)
        await self.edge()
        return result

    async def glance(self, work: Callable[[Connection], Any]) -> Any:
        await self.edge()
        return self.read(work)

    @property
    def raw(self) -> Any:
        """SQLite itself, for questions that are not the product's."""
        return _raw(self)

    def ask(self, question: str, *given: Any) -> list[Any]:
        """Return the rows that answer a question in SQL."""
        found: list[Any] = self.raw.execute(question, given).fetchall()
        return found

    def checkpoint(self) -> None:
        """Let all that is committed be safe from a power cut."""
        self.safe = _copy(self.raw)

    def copied(self) -> sqlite3.Connection:
        """Return a copy of all that is committed."""
        return _copy(self.raw)

    def put_back(self, copy: sqlite3.Connection) -> None:
        """Be what a copy is."""
        copy.backup(self.raw)

    def lose_power(self) -> None:
        """Forget what was not safe."""
        if self.safe is not None:
            self.safe.backup(self.raw)


_STORE: SimStore | None = None
_FRESH: sqlite3.Connection | None = None
_CONNECTION: Any = None


def fresh_store() -> SimStore:
    """Return the one store in memory, empty: opening and migrating a new one takes longer than a world."""
    global _STORE, _FRESH  # noqa: PLW0603 - one engine keeps its compiled statements over all worlds
    if _STORE is None:
        _STORE = SimStore("sqlite://", inline=True)
        _STORE.open()
        _raw(_STORE).executescript(_MOVES)
        _FRESH = _copy(_raw(_STORE))
    elif _FRESH is not None:
        _FRESH.backup(_raw(_STORE))
    _STORE.safe = None
    return _STORE


def _copy(raw: sqlite3.Connection) -> sqlite3.Connection:
    """Return all of it, page for page: SQLite's json_each does not survive ``deserialize`` on its connection."""
    copied = sqlite3.connect(":memory:")
    raw.backup(copied)
    return copied


def _raw(store: SimStore) -> Any:
    global _CONNECTION  # noqa: PLW0603 - as above
    if _CONNECTION is None:
        _CONNECTION = store._engine.raw_connection()
    return _CONNECTION.driver_connection

"""The real store with its own SQL, in memory: each transaction is a place where a process may stall, stop or die.

What a power cut takes away is what was not durable: nothing, with synchronous=FULL. ``Power`` keeps snapshots only
where a mutant is to lose commits.
"""

from __future__ import annotations

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
    safe: bytes | None = None
    """What survives a power cut where commits are not durable; None: all of it does."""

    def transact(self, work: Callable[[Any], Any]) -> Any:
        return super().transact(lambda tx: work(self._quick(tx)))

    def read(self, work: Callable[[Any], Any]) -> Any:
        return super().read(lambda tx: work(self._quick(tx)))

    def _quick(self, tx: Connection) -> Any:
        return Quick(tx, self.raw) if self.is_quick else tx

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
        self.safe = self.raw.serialize()

    def lose_power(self) -> None:
        """Forget what was not safe."""
        if self.safe is not None:
            self.raw.deserialize(self.safe)


_STORE: SimStore | None = None
_FRESH = b""
_CONNECTION: Any = None


def fresh_store() -> SimStore:
    """Return the one store in memory, empty: opening and migrating a new one takes longer than a world."""
    global _STORE, _FRESH  # noqa: PLW0603 - one engine keeps its compiled statements over all worlds
    if _STORE is None:
        _STORE = SimStore("sqlite://", inline=True)
        _STORE.open()
        _raw(_STORE).executescript(_MOVES)
        _FRESH = _raw(_STORE).serialize()
    _raw(_STORE).deserialize(_FRESH)
    _STORE.safe = None
    return _STORE


def _raw(store: SimStore) -> Any:
    global _CONNECTION  # noqa: PLW0603 - as above
    if _CONNECTION is None:
        _CONNECTION = store._engine.raw_connection()
    return _CONNECTION.driver_connection

"""A store that lives in memory as long as a rehearsal: one connection is kept, where pooling would cost a third."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection

from cadenced.store.database import Database

T = TypeVar("T")


class MemoryDatabase(Database):
    """The product's own tables and statements, in this process alone; transactions run in place."""

    def __init__(self) -> None:
        super().__init__("sqlite://", inline=True)
        self._kept: Connection | None = None

    def transact(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` in one transaction; what it raises rolls everything back."""
        return self.transact_on(self._connection(), work)

    def read(self, work: Callable[[Connection], T]) -> T:
        """Run ``work`` on one consistent view."""
        return self.transact_on(self._connection(), work)

    def close(self) -> None:
        """Forget everything."""
        if self._kept is not None:
            self._kept.close()
            self._kept = None
        super().close()

    def _connection(self) -> Connection:
        if self._kept is None:
            self._kept = self.connect()
        return self._kept

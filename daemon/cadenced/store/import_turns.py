"""Taking turns at the writers' lock: how long one transaction of many may be, and when others surely get theirs.

SQLite's lock knows no queue, so that gaps as short as between two transactions are found by chance alone; a rest longer
than the longest sleep of its busy handler is found by everybody. PostgreSQL serves writers in turn.
"""

from __future__ import annotations

from cadenced.store.database import Database

BOUND = 0.15
"""Seconds for which writers may have to wait for a slice."""

WANTED = 0.06
"""Seconds at which a slice aims: less than half of the bound, as a disk may stall in its commit."""

BUSY, BUSY_ALONE = 0.35, 1.0
"""Seconds for which slices hold SQLite's lock before others surely get it: beside a daemon, and beside nobody known."""

REST = 0.12
"""Seconds in which whoever waits for SQLite's lock asks for it at least once: its busy handler sleeps 0.1 s at most."""

LEAST, MOST = 500, 8000
"""Rows in one slice, however slow or fast they are."""


class Turns:
    """How many rows the next slice has, and whether it is time to give way."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._held = 0.0
        self.rows = LEAST

    def took(self, span: float) -> None:
        """Note for how many seconds the lock was held by a slice."""
        self.rows = paced(self.rows, span)
        self._held += span

    def is_over(self) -> bool:
        """Whether others are to write now, for as long as ``REST``."""
        if not self._database.is_sqlite or self._held < (BUSY if self._database.is_shared() else BUSY_ALONE):
            return False
        self._held = 0.0
        return True


def paced(rows: int, span: float) -> int:
    """Return how many rows the next slice has, after one of ``rows`` for which writers waited ``span`` seconds."""
    pace = min(max(WANTED / max(span, 1e-6), 0.25), 1.5)
    return max(LEAST, min(int(rows * pace), MOST))

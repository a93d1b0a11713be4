"""An import becomes real slice by slice, in file order, each in a transaction so short that no due send notices.

Whatever could refuse the file as a whole is settled before the first slice. From then on the import only goes forward:
what a killed process leaves is taken up at the line it had reached, by the next run or by the daemon (RELIABILITY 2.4).
"""

from __future__ import annotations

import time
from collections import Counter
from datetime import datetime
from functools import partial

from sqlalchemy import Connection

from cadenced.core.roster import Rules
from cadenced.store import import_slice, imports
from cadenced.store.database import Database
from cadenced.store.import_session import Session
from cadenced.store.import_slice import Slice
from cadenced.store.import_spool import Spool

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


class Activation:
    """The slices of one import; ``step`` after ``step`` until nothing is left."""

    def __init__(self, database: Database, spool: Spool, import_id: int, rules: Rules, now: datetime) -> None:
        """Begin, or take up at the line that was reached."""
        self._database = database
        self._spool = spool
        self._id = import_id
        self._rules = rules
        self._now = now
        self._rows = LEAST
        self._held = 0.0
        self._name, self.reached = database.transact(lambda tx: imports.begin_activation(tx, import_id))
        self._last = spool.last_line
        self._session = Session(database, spool)

    @property
    def is_over(self) -> bool:
        """Whether every row is real."""
        return self.reached >= self._last

    def step(self) -> float:
        """Make the next slice real; return for how many seconds writers had to wait."""
        until = self._spool.until(self.reached, self._rows)
        part = Slice(self._id, self._name, self._rules, self._now, self.reached, until)
        self._session.load(self.reached, until)
        self.reached, span = self._session.transact(partial(self._activate, part=part))
        self._rows = paced(self._rows, span)
        self._held += span
        return span

    def rest(self) -> float:
        """Return for how many seconds to leave the database to others; write the log back first, where that is due.

        SQLite's lock knows no queue, so that gaps as short as between two slices are found by chance alone. PostgreSQL
        serves writers in turn.
        """
        busy = BUSY if self._database.is_shared() else BUSY_ALONE
        if not self._database.is_sqlite or self._held < busy:
            return 0.0
        self._held = 0.0
        begun = time.monotonic()
        self._session.checkpoint()
        return max(REST - (time.monotonic() - begun), 0.0)

    def _activate(self, tx: Connection, part: Slice) -> int:
        found = imports.progress(tx, self._id)
        if found.state != "activating" or found.reached != part.after:  # another process brings in the same bytes
            return max(int(found.reached), part.after)
        counts = Counter(found.counts)
        counts.update(import_slice.activate(tx, part))
        imports.note_progress(tx, self._id, part.until, counts)
        return part.until

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()


def paced(rows: int, span: float) -> int:
    """Return how many rows the next slice has, after one of ``rows`` for which writers waited ``span`` seconds."""
    pace = min(max(WANTED / max(span, 1e-6), 0.25), 1.5)
    return max(LEAST, min(int(rows * pace), MOST))

"""An import becomes real slice by slice, in its spool's order, each in a transaction so short that no due send notices.

Whatever could refuse the file as a whole is settled before the first slice. From then on the import only goes forward:
what a killed process leaves is taken up where it had come to, by the next run or by the daemon (RELIABILITY 2.4).
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
from cadenced.store.import_turns import REST, Turns


class Activation:
    """The slices of one import; ``step`` after ``step`` until nothing is left."""

    def __init__(self, database: Database, spool: Spool, import_id: int, rules: Rules, now: datetime) -> None:
        """Begin, or take up at the place that was reached."""
        self._database = database
        self._spool = spool
        self._id = import_id
        self._rules = rules
        self._now = now
        self._turns = Turns(database)
        self._name, self.reached = database.transact(lambda tx: imports.begin_activation(tx, import_id))
        self._last = spool.last_place
        self._session = Session(database, spool)

    @property
    def is_over(self) -> bool:
        """Whether every row is real."""
        return self.reached >= self._last

    def step(self) -> float:
        """Make the next slice real; return for how many seconds writers had to wait."""
        until = self._spool.until(self.reached, self._turns.rows)
        part = Slice(self._id, self._name, self._rules, self._now, self.reached, until)
        self._session.load(self.reached, until)
        self.reached, span = self._session.transact(partial(self._activate, part=part))
        self._turns.took(span)
        return span

    def rest(self) -> float:
        """Return for how many seconds to leave the database to others; write the log back first, where that is due."""
        if not self._turns.is_over():
            return 0.0
        begun = time.monotonic()
        self._session.checkpoint()
        return max(REST - (time.monotonic() - begun), 0.0)

    def _activate(self, tx: Connection, part: Slice) -> int:
        found = imports.progress(tx, self._id)
        if found.state == "activating" and found.reached != part.after:
            return int(
                found.reached
            )  # another process brings in the same bytes, or a crash of the server took some away
        if found.state != "activating":
            return max(int(found.reached), part.after)
        counts = Counter(found.counts)
        counts.update(import_slice.activate(tx, part))
        imports.note_progress(tx, self._id, part.until, counts)
        return part.until

    def close(self) -> None:
        """Let go of the connection."""
        self._session.close()

"""When each mailbox was last read to its end, written down for all of them together now and then.

It is news for people alone (``status``, ``why``): nothing is decided by it, so a crash may forget the last half minute.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

NOTE_EVERY = timedelta(seconds=30)
"""How old what ``status`` shows may be."""


class Readings:
    """Gathers; whoever notes a reading when it is time gets all that is to be written."""

    def __init__(self) -> None:
        self._at: dict[str, datetime] = {}
        self._written_at: datetime | None = None

    def note(self, mailbox: str, now: datetime) -> Mapping[str, datetime]:
        """Note a reading; return what is to be written down now, mostly nothing."""
        self._at[mailbox] = now
        if self._written_at is not None and timedelta() <= now - self._written_at < NOTE_EVERY:
            return {}
        self._written_at = now
        due, self._at = self._at, {}
        return due

    def forget(self, mailbox: str) -> None:
        """Forget what was not written yet: the mailbox cannot be read any more."""
        self._at.pop(mailbox, None)

"""Who was stopped by hand, kept in a file outside the database: a backup put back knows nothing of the last ones.

An answer still lies in its mailbox and is read again; a word from a human is said once. Each line has a number, what
was said, and a keyed hash of the address (``store/forgotten.py``), which says nothing to whoever has not the database.
The database commits its number first and the file follows, as with ``store/instance.py``: lines with a higher number
than the database knows are those that came after the backup.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, select, update

from cadenced.store import forgotten
from cadenced.store.schema import meta

HALTED, SUPPRESSED, FORGOTTEN, LIFTED = "halted", "suppressed", "forgotten", "lifted"
_KINDS = frozenset({HALTED, SUPPRESSED, FORGOTTEN, LIFTED})
_SEQ = "stop_seq"


@dataclass(frozen=True, slots=True)
class Stop:
    """One line: what was said of somebody, and when."""

    number: int
    what: str
    digest: str
    at: datetime


def note(tx: Connection, what: str, emails: Collection[str], now: datetime) -> list[Stop]:
    """Give numbers to what was said of normalised addresses; the file is to have these lines after the commit."""
    digests = sorted(set(forgotten.digests(tx, emails).values()))
    last = counted(tx)
    count(tx, last + len(digests))
    return [Stop(number, what, digest, now) for number, digest in enumerate(digests, last + 1)]


def counted(tx: Connection) -> int:
    """Return the number of the last line that the database knows of."""
    found = tx.execute(select(meta.c.value).where(meta.c.key == _SEQ)).scalar()
    return int(found or 0)


def count(tx: Connection, number: int) -> None:
    """Write the number of the last line."""
    if tx.execute(update(meta).where(meta.c.key == _SEQ).values(value=str(number))).rowcount == 0:
        tx.execute(meta.insert().values(key=_SEQ, value=str(number)))


def append(path: Path, stops: Sequence[Stop]) -> None:
    """Add lines to the file, on the disk when it returns; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{one.number} {one.what} {one.digest} {one.at.isoformat()}\n" for one in stops)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, f"\n{lines}".encode())  # an earlier line that was torn ends here
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> list[Stop]:
    """Return what the file holds; lines that make no sense are left out."""
    try:
        lines = path.read_text("ascii", "replace").splitlines()
    except OSError:
        return []
    return [stop for stop in map(_stop, lines) if stop is not None]


def _stop(line: str) -> Stop | None:
    fields = line.split()
    try:
        number, what, digest, at = fields
        moment = datetime.fromisoformat(at).astimezone(UTC)
        return Stop(int(number), what, digest, moment) if what in _KINDS and len(digest) == forgotten.LENGTH else None
    except ValueError:
        return None

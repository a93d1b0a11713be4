"""Who was stopped by hand, kept in a file outside the database: a backup put back knows nothing of the last ones.

An answer still lies in its mailbox and is read again; a word from a human is said once. Each line has a number, what
was said, and a keyed hash of the address (``store/forgotten.py``), which says nothing to whoever has not the database.
The database commits its number first and the file follows, as with ``store/instance.py``: lines with a higher number
than the database knows are those that came after the backup. Each file has a name, by which the database counts its
lines: on PostgreSQL every machine on which commands are given has its own.
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

HALTED, RESUMED, SUPPRESSED, FORGOTTEN, LIFTED = "halted", "resumed", "suppressed", "forgotten", "lifted"
_KINDS = frozenset({HALTED, RESUMED, SUPPRESSED, FORGOTTEN, LIFTED})
_SEQ, _FILE = "stop_seq ", "file"


@dataclass(frozen=True, slots=True)
class Stop:
    """One line: what was said of somebody, and when."""

    number: int
    what: str
    digest: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Kept:
    """What a file holds; ``name`` is empty where it has none (yet)."""

    name: str = ""
    lines: tuple[Stop, ...] = ()


def said(tx: Connection, kept: Kept, what: str, emails: Collection[str], now: datetime) -> list[Stop]:
    """Return the lines for what was said of normalised addresses; to be counted, and then added to the file."""
    digests = sorted(set(forgotten.digests(tx, emails).values()))
    last = max([counted(tx, kept.name), *(one.number for one in kept.lines)])
    return [Stop(number, what, digest, now) for number, digest in enumerate(digests, last + 1)]


def counted(tx: Connection, name: str) -> int:
    """Return the number of the last line of a file that the database knows of."""
    found = tx.execute(select(meta.c.value).where(meta.c.key == _SEQ + name)).scalar()
    return int(found or 0)


def count(tx: Connection, name: str, number: int) -> None:
    """Write the number of the last line of a file."""
    if tx.execute(update(meta).where(meta.c.key == _SEQ + name).values(value=str(number))).rowcount == 0:
        tx.execute(meta.insert().values(key=_SEQ + name, value=str(number)))


def append(path: Path, stops: Sequence[Stop], name: str = "") -> None:
    """Add lines to the file, on the disk when it returns; ``name`` is for one that has none. Raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = f"{_FILE} {name}\n" if name else ""
    lines = head + "".join(f"{one.number} {one.what} {one.digest} {one.at.isoformat()}\n" for one in stops)
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)
    try:
        os.write(descriptor, f"\n{lines}".encode())  # an earlier line that was torn ends here
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read(path: Path) -> Kept:
    """Return what the file holds, nothing where there is none; lines without sense are left out. Raises OSError."""
    try:
        lines = path.read_text("ascii", "replace").splitlines()
    except FileNotFoundError:
        return Kept()
    names = [line.split()[1] for line in lines if line.startswith(f"{_FILE} ") and len(line.split()) == 2]
    return Kept(names[0] if names else "", tuple(stop for stop in map(_stop, lines) if stop is not None))


def _stop(line: str) -> Stop | None:
    fields = line.split()
    try:
        number, what, digest, at = fields
        moment = datetime.fromisoformat(at).astimezone(UTC)
        return Stop(int(number), what, digest, moment) if what in _KINDS and len(digest) == forgotten.LENGTH else None
    except ValueError:
        return None

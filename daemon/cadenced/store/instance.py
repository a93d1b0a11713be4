"""How far a database has come, kept in it and in a file outside: an older one put back in its place is noticed.

RELIABILITY 2.7. The database commits its numbers first and the file follows, so the file is never ahead of the
database that it was written for.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, delete, func, select, update
from sqlalchemy.engine import make_url

from cadenced.store.database import beside
from cadenced.store.schema import events, mailboxes, meta, positions, touches

_BOOTS, _SENDS, _FILED, _RESTORED, _AWAY = "boot_counter", "send_seq", "filed", "restored", "away"
_LINE = "log_line"
_USUAL = frozenset({"cadenced", "cadenced.db"})
_ODD = re.compile(r"[^A-Za-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class Mark:
    """What the file holds: whose it is, how many starts and sends there were, and the wall clock (ISO) then.

    ``waited``: whether each commit had waited for a server that may take over (``store/standby.py``).
    """

    install_id: str
    boot_counter: int = 0
    last_send_seq: int = 0
    wall: str = ""
    waited: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """An older database stands where a newer one stood; nothing is sent until a human releases it.

    ``held`` has the mailboxes that rest for it, each with the hold that it had before (``""``: none); ``released``
    those that a human has let go. ``found`` counts mails whose copies tell that they were sent after the backup.
    """

    at: datetime
    reason: str
    found: int = 0
    task: int = 0
    held: Mapping[str, str] = field(default_factory=dict)
    released: Collection[str] = ()


def place(url: str, state: Path) -> Path:
    """Return where the file of a database lies: beside a SQLite file, else in ``state``."""
    name = Path(make_url(url).database or "").name
    told = "instance.json" if name in _USUAL else f"instance.{_ODD.sub('_', name)}.json"
    return (beside(url) or state) / told


def read(path: Path) -> Mark | None:
    """Return what the file holds, None where there is none or it makes no sense."""
    try:
        kept = json.loads(path.read_text())
        wall = datetime.fromisoformat(kept["wall"]).astimezone(UTC).isoformat()
        waited = kept.get("waited") is True
        return Mark(str(kept["install_id"]), int(kept["boot_counter"]), int(kept["last_send_seq"]), wall, waited)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def write(path: Path, mark: Mark) -> None:
    """Replace the file in one piece, on the disk when it returns; raises OSError."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("w") as file:
            json.dump(asdict(mark), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError:
        draft.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def identity(install_key: bytes) -> str:
    """Return the name of an installation: it says nothing of its key, and is the same after a restore."""
    return hashlib.sha256(b"install_id" + install_key).hexdigest()[:16]


def counted(tx: Connection) -> tuple[int, int]:
    """Return how many starts and sends the database knows of."""
    return int(_get(tx, _BOOTS) or 0), int(_get(tx, _SENDS) or 0)


def count(tx: Connection, boots: int, sends: int) -> None:
    """Write how many starts and sends there were."""
    _set(tx, _BOOTS, str(boots))
    _set(tx, _SENDS, str(sends))


def line(tx: Connection) -> tuple[int, bool]:
    """Return which line of PostgreSQL's log (0: not known) was written to, and whether a follower had all of it."""
    number, _, waited = (_get(tx, _LINE) or "0").partition(" ")
    return int(number), waited == "waited"


def note_line(tx: Connection, number: int, *, waited: bool) -> None:
    """Keep the line of the log that is written to."""
    told = f"{number} {'waited' if waited else 'alone'}"
    if _get(tx, _LINE) != told:
        _set(tx, _LINE, told)


def note_first(tx: Connection) -> None:
    """Note that the file is still to be written for the first time."""
    _set(tx, _FILED, "0")


def note_filed(tx: Connection) -> None:
    """Note that a first start came as far as the file: from now on one that is missing was taken away."""
    if _get(tx, _FILED) != "1":
        _set(tx, _FILED, "1")


def never_filed(tx: Connection) -> bool:
    """Whether no start came as far as the file, and so nothing can have been sent: it was killed in between.

    A database that says nothing of its file is a backup of another version, and had one.
    """
    armed = select(touches.c.id).where(touches.c.armed_at.is_not(None)).limit(1)
    return _get(tx, _FILED) == "0" and counted(tx)[1] == 0 and tx.execute(armed).first() is None


def restored(tx: Connection) -> Restored | None:
    """Return the restore that waits for a human, None where there is none."""
    kept = _get(tx, _RESTORED)
    if not kept:
        return None
    fields = json.loads(kept)
    return Restored(**{**fields, "at": datetime.fromisoformat(fields["at"])})


def note_restored(tx: Connection, found: Restored | None) -> None:
    """Keep a restore, or (None) forget it."""
    if found is None:
        tx.execute(delete(meta).where(meta.c.key == _RESTORED))
        return
    fields = {**asdict(found), "at": found.at.isoformat(), "released": list(found.released)}
    _set(tx, _RESTORED, json.dumps(fields))


def last_alive(tx: Connection) -> datetime | None:
    """Return when anything ran here last: a mailbox was read, or something was noted. None: never."""
    synced: datetime | None = tx.execute(select(func.max(mailboxes.c.synced_at))).scalar()
    noted: datetime | None = tx.execute(select(events.c.at).order_by(events.c.id.desc()).limit(1)).scalar()
    return max((moment for moment in (synced, noted) if moment is not None), default=None)


def note_away(tx: Connection, since: datetime, until: datetime) -> None:
    """Keep the last long time during which nothing ran."""
    _set(tx, _AWAY, json.dumps([since.isoformat(), until.isoformat()]))


def away(tx: Connection) -> tuple[datetime, datetime] | None:
    """Return the last long time during which nothing ran, from when until when."""
    kept = _get(tx, _AWAY)
    if not kept:
        return None
    since, until = json.loads(kept)
    return datetime.fromisoformat(since), datetime.fromisoformat(until)


def rewind(tx: Connection, mailbox: str) -> None:
    """Have every folder of a mailbox read again from some months back: no server has a UIDVALIDITY of 0."""
    where = positions.c.mailbox == mailbox
    if tx.execute(update(positions).where(where).values(uid_validity=0, last_uid=0)).rowcount == 0:
        tx.execute(positions.insert().values(mailbox=mailbox, folder="", uid_validity=0, last_uid=0))


def _get(tx: Connection, key: str) -> str | None:
    found: str | None = tx.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
    return found


def _set(tx: Connection, key: str, value: str) -> None:
    if tx.execute(update(meta).where(meta.c.key == key).values(value=value)).rowcount == 0:
        tx.execute(meta.insert().values(key=key, value=value))

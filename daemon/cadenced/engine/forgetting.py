"""Forgetting a person who asks for it (GDPR, article 17): first silence, then erasure, in the store and on the disk.

What is kept is a keyed hash of the address, so that no list brings the person back. What is not ours is only named: the
files that somebody dropped, the mails in the mailboxes themselves, backups.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from cadenced.core import address
from cadenced.core.model import TouchState
from cadenced.engine import acts, intake_spool, stops
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError
from cadenced.store import erasure, forgotten, people, timeline, touches
from cadenced.store.import_spool import Spool, StagedElsewhereError
from cadenced.store.stops import FORGOTTEN

_DOUBT = (TouchState.UNKNOWN, TouchState.IN_DOUBT)
_REPORT = ".report.csv"


@dataclass(frozen=True, slots=True)
class Erased:
    """What became of a person's data: ``rows`` by table, ``files`` of ours changed, and files of others that ``left``.

    ``before`` is when the person had been forgotten already.
    """

    email: str
    at: datetime
    rows: Mapping[str, int]
    files: tuple[Path, ...]
    left: tuple[Path, ...]
    before: datetime | None = None


def forget(workspace: Workspace, email: str) -> Erased:
    """Silence and erase whoever an address, or a variant of it, belongs to; RefusedError while a mail is on its way."""
    normal, now, database = address.normalise(email), workspace.now(), workspace.database
    before = database.transact(lambda tx: _silence(tx, workspace, normal))
    known = database.read(lambda tx: _people(tx, normal))
    if not all(acts.barrier(workspace, prospect) for prospect in known):
        raise RefusedError(f"a mail to {normal} is on its way; it is the last one. Forget them in a minute")
    emails = {normal, address.identity(normal), *filter(None, known.values())}
    found = database.read(lambda tx: erasure.traces(tx, list(known), emails))
    rows = database.transact(lambda tx: _erase(tx, known, emails, found, now))
    stops.keep(workspace, FORGOTTEN, *emails)
    database.scour()
    inbox = workspace.config.daemon.inbox
    changed = tuple(path for path in _ours(inbox) if _clean(path, emails))
    return Erased(normal, before or now, rows, changed, tuple(_others(inbox, emails)), before)


def _silence(tx: Connection, workspace: Workspace, email: str) -> datetime | None:
    """End everything that runs, before anything is erased; returns when that was asked for already."""
    before = forgotten.at(tx, email)
    acts.suppress(tx, workspace, email, "forgotten")
    return before


def _people(tx: Connection, email: str) -> dict[int, str]:
    """Return who is meant, with their address; without one, who was forgotten before and has written since."""
    same = address.identity(email)
    again = {key for key, author in erasure.authors_of_nobodies(tx) if address.identity(author) == same}
    return dict.fromkeys(again, "") | {one.id: one.email for one in people.of_addresses(tx, {email, same})}


def _erase(
    tx: Connection, known: Mapping[int, str], emails: Collection[str], found: erasure.Traces, now: datetime
) -> Mapping[str, int]:
    for touch in touches.doubts(tx, *_DOUBT):
        if touch.prospect in known:
            touches.resolve(tx, touch.id, TouchState.SKIPPED, "forgotten", now)
    rows = erasure.erase(tx, list(known), emails, now)
    mentioned = erasure.silence(tx, found)
    for email in emails:
        forgotten.add(tx, email, now)
    for prospect in known:
        timeline.note(tx, now, "forgotten", prospect)
    return {**rows, "mentions": mentioned}


def _ours(inbox: Path) -> Iterator[Path]:
    """Yield the files that are written by us: reports, and rows that still wait to come in."""
    yield from sorted(inbox.rglob(f"*{_REPORT}"))
    yield from sorted((inbox / intake_spool.SPOOL).rglob("*.db"))


def _clean(path: Path, emails: Collection[str]) -> bool:
    """Take the addresses out of a file of ours; False where they do not stand in it."""
    if path.is_symlink() or not path.is_file():
        return False
    if path.suffix == ".db":
        return _clean_rows(path, emails)
    text = path.read_bytes().decode("utf-8", "surrogateescape")
    clean = erasure.without(text, emails)
    if clean == text:
        return False
    intake_spool.write_whole(path, clean.encode("utf-8", "surrogateescape"))
    return True


def _clean_rows(path: Path, emails: Collection[str]) -> bool:
    """Take the addresses out of rows that wait; rows in somebody's hands are judged, and removed, by whom has them."""
    with suppress(StagedElsewhereError):
        spool = Spool(path)
        try:
            return spool.forget(emails) > 0
        finally:
            spool.close()
    return False


def _others(inbox: Path, emails: Collection[str]) -> Iterator[Path]:
    """Yield the lists in the drop folder in which the person still stands: whose they are, we do not know."""
    wanted = [email.encode() for email in emails]
    for path in sorted(inbox.rglob("*")):
        if path.suffix in intake_spool.TABLES and not path.name.endswith(_REPORT) and path.is_file():
            with suppress(OSError), path.open("rb") as stream:
                if any(email in line.replace(b"\0", b"").lower() for line in stream for email in wanted):
                    yield path

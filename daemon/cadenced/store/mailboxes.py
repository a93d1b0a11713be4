"""What is known of our own mailboxes: held or not, faults, and since when each has been sending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select, update

from cadenced.store.schema import mailboxes

# Statements are built once: building one costs several times what SQLite takes to run it.
_BY_NAME = select(mailboxes).where(mailboxes.c.name == bindparam("name"))
_NOTE = update(mailboxes).where(mailboxes.c.name == bindparam("this"))
_FIRST_SENT = _NOTE.where(mailboxes.c.first_sent_at.is_(None))
_HEALED = _NOTE.where(mailboxes.c.smtp_fault != "").values(smtp_fault="")


@dataclass(frozen=True, slots=True)
class MailboxState:
    """A mailbox as it stands. ``hold`` stays until a human lifts it; the faults heal by themselves."""

    name: str
    hold: str = ""
    held_at: datetime | None = None
    smtp_fault: str = ""
    imap_fault: str = ""
    synced_at: datetime | None = None
    first_sent_at: datetime | None = None

    @property
    def obstacle(self) -> str:
        """Why nothing leaves from here now, in plain words; empty when all is well."""
        return self.hold or self.imap_fault or self.smtp_fault


def make_known(tx: Connection, names: Iterable[str]) -> None:
    """Make sure that every configured mailbox has its row."""
    found = set(tx.execute(select(mailboxes.c.name)).scalars())
    for name in names:
        if name not in found:
            tx.execute(mailboxes.insert().values(name=name))


def get(tx: Connection, name: str) -> MailboxState:
    """Return a mailbox's state; one never seen before has nothing against it."""
    row = tx.execute(_BY_NAME, {"name": name}).first()
    if row is None:
        return MailboxState(name)
    return MailboxState(name, row.hold, row.held_at, row.smtp_fault, row.imap_fault, row.synced_at, row.first_sent_at)


def hold(tx: Connection, name: str, reason: str, now: datetime) -> bool:
    """Rest a mailbox until a human releases it; False when it rests already."""
    where = (mailboxes.c.name == name) & (mailboxes.c.hold == "")
    return tx.execute(update(mailboxes).where(where).values(hold=reason, held_at=now)).rowcount == 1


def release(tx: Connection, name: str) -> bool:
    """Lift a hold; False when there was none."""
    where = (mailboxes.c.name == name) & (mailboxes.c.hold != "")
    return tx.execute(update(mailboxes).where(where).values(hold="", held_at=None)).rowcount == 1


def note_synced(tx: Connection, name: str, now: datetime) -> None:
    """Note that every folder was read to its end."""
    tx.execute(_NOTE, {"this": name, "synced_at": now, "imap_fault": ""})


def note_readings(tx: Connection, read_at: Mapping[str, datetime]) -> None:
    """Note when each of these was last read to its end; a fault noted since stays."""
    named = update(mailboxes).where(mailboxes.c.name == bindparam("mailbox")).values(synced_at=bindparam("at"))
    tx.execute(named, [{"mailbox": name, "at": at} for name, at in read_at.items()])


def note_fault(tx: Connection, name: str, *, smtp: str | None = None, imap: str | None = None) -> None:
    """Note what is wrong with a mailbox's servers, or (with an empty text) that it is well again."""
    values = {key: text for key, text in (("smtp_fault", smtp), ("imap_fault", imap)) if text is not None}
    if values:
        tx.execute(_NOTE, {"this": name, **values})


def note_well(tx: Connection, name: str) -> None:
    """Note that a mailbox's submission server takes mail (again)."""
    tx.execute(_HEALED, {"this": name})


def note_first_sent(tx: Connection, name: str, now: datetime) -> None:
    """Note the day from which the ramp counts, once."""
    tx.execute(_FIRST_SENT, {"this": name, "first_sent_at": now})

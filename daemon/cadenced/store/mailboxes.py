"""What is known of our own mailboxes: held or not, faults, and since when each has been sending."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, or_, select, update

from cadenced.store.schema import Utc, mailboxes
from cadenced.store.statement import Statement

# Statements are built once: building one costs several times what SQLite takes to run it.
_C = mailboxes.c
_READ = (_C.name, _C.hold, _C.held_at, _C.smtp_fault, _C.imap_fault, _C.synced_at, _C.first_sent_at)
_BY_NAME = Statement(select(*_READ).where(_C.name == bindparam("mailbox")))
_NOTE = update(mailboxes).where(_C.name == bindparam("this"))
_FIRST_SENT = _NOTE.where(_C.first_sent_at.is_(None))
_SENT = Statement(
    _NOTE.where(or_(_C.first_sent_at.is_(None), _C.smtp_fault != "")).values(
        first_sent_at=func.coalesce(_C.first_sent_at, bindparam("now", type_=Utc)), smtp_fault=""
    )
)


STALL = "its inbox has not answered"
"""How the fault of an inbox begins that is waited for: people are told, and nobody takes it for one that is away."""


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
        """Why nothing leaves from here for a while, in plain words; empty when all is well, or an answer is near."""
        imap = "" if self.imap_fault.startswith(STALL) else self.imap_fault
        return self.hold or imap or self.smtp_fault


def make_known(tx: Connection, names: Iterable[str]) -> None:
    """Make sure that every configured mailbox has its row."""
    found = set(tx.execute(select(mailboxes.c.name)).scalars())
    for name in names:
        if name not in found:
            tx.execute(mailboxes.insert().values(name=name))


def get(tx: Connection, name: str) -> MailboxState:
    """Return a mailbox's state; one never seen before has nothing against it."""
    rows = _BY_NAME.rows(tx, mailbox=name)
    return MailboxState(*rows[0]) if rows else MailboxState(name)


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


def note_stall(tx: Connection, name: str, text: str) -> None:
    """Note that an inbox is waited for, or (with an empty text) not any more; a fault that is known stays."""
    known = mailboxes.c.imap_fault
    mine = (known == "") if text else known.startswith(STALL, autoescape=True)
    tx.execute(update(mailboxes).where(mailboxes.c.name == name, mine).values(imap_fault=text))


def note_sent(tx: Connection, name: str, now: datetime) -> None:
    """Note that a mailbox's submission server takes mail (again), and, once, the day from which the ramp counts."""
    _SENT.run(tx, this=name, now=now)


def note_first_sent(tx: Connection, name: str, now: datetime) -> None:
    """Note the day from which the ramp counts, once."""
    tx.execute(_FIRST_SENT, {"this": name, "first_sent_at": now})

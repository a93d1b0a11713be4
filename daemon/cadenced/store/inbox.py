"""What was read: a position in every folder, and every mail once, with its verdict."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select, update

from cadenced.store.schema import inbound, positions, prospects
from cadenced.store.statement import Among, Statement

_PLACES = select(positions).where(positions.c.mailbox == bindparam("box"))
_MOVE_ON = (
    update(positions)
    .where(positions.c.mailbox == bindparam("box"), positions.c.folder == bindparam("where"))
    .values(uid_validity=bindparam("validity"), last_uid=bindparam("uid"))
)
_ADD_PLACE = positions.insert()
_KNOWN = select(inbound.c.id).where(inbound.c.mailbox == bindparam("box"), inbound.c.digest == bindparam("mark"))
_OWN_AMONG = Statement(
    select(inbound.c.digest).where(inbound.c.mailbox == bindparam("mailbox"), Among(inbound.c.digest, "digests"))
)
_ADD = inbound.insert()
_LATEST = select(inbound).where(inbound.c.prospect_id == bindparam("prospect")).order_by(inbound.c.id.desc()).limit(1)


@dataclass(frozen=True, slots=True)
class Position:
    """How far a folder has been read: every UID up to ``last_uid`` is done, as long as ``uid_validity`` holds."""

    folder: str
    uid_validity: int
    last_uid: int


@dataclass(frozen=True, slots=True)
class Read:
    """One mail as it was understood; ``digest`` makes it count once, ``until`` is an ISO date or empty."""

    mailbox: str
    digest: str
    folder: str
    uid: int
    seen_at: datetime
    sent_at: datetime | None = None
    message_id: str = ""
    header_from: str = ""
    subject: str = ""
    verdict: str = "unrelated"
    classifier: str = ""
    prospect_id: int | None = None
    enrolment_id: int | None = None
    touch_id: int | None = None
    how: str = ""
    until: str = ""
    reply_text: str = ""
    evidence: Sequence[str] = ()
    raw: bytes | None = None


def places(tx: Connection, mailbox: str) -> dict[str, Position]:
    """Return the positions of a mailbox by folder."""
    rows = tx.execute(_PLACES, {"box": mailbox})
    return {row.folder: Position(row.folder, row.uid_validity, row.last_uid) for row in rows}


def place(tx: Connection, mailbox: str, position: Position) -> None:
    """Write how far a folder has been read; goes into the transaction of what was read."""
    reached = {"validity": position.uid_validity, "uid": position.last_uid}
    if tx.execute(_MOVE_ON, {"box": mailbox, "where": position.folder, **reached}).rowcount == 0:
        row = {"folder": position.folder, "uid_validity": position.uid_validity, "last_uid": position.last_uid}
        tx.execute(_ADD_PLACE, {"mailbox": mailbox, **row})


def is_known(tx: Connection, mailbox: str, digest: str) -> bool:
    """Whether this mail was read before, in whichever folder it lay then."""
    return tx.execute(_KNOWN, {"box": mailbox, "mark": digest}).first() is not None


def note_own(tx: Connection, mailbox: str, ref: str, now: datetime) -> None:
    """Note a copy of a mail of ours that the store knows nothing of: it was sent before a backup was put back."""
    if ref and not is_own(tx, mailbox, ref):
        add(tx, Read(mailbox, _own_mark(ref), "", 0, now, how="own copy"))


def is_own(tx: Connection, mailbox: str, ref: str) -> bool:
    """Whether a copy of the mail with this reference was seen before its touch was known."""
    return is_known(tx, mailbox, _own_mark(ref))


def own_among(tx: Connection, mailbox: str, refs: Collection[str]) -> set[str]:
    """Return those of these references of which a copy was seen before their touch was known."""
    marks = {_own_mark(ref): ref for ref in refs}
    if not marks:
        return set()
    return {marks[digest] for (digest,) in _OWN_AMONG.rows(tx, mailbox=mailbox, digests=marks)}


def _own_mark(ref: str) -> str:
    return f"own copy {ref}"[:64]


def add(tx: Connection, read: Read) -> int:
    """Keep what was read; returns its id."""
    columns = {name: getattr(read, name) for name in Read.__dataclass_fields__}
    columns["evidence"] = list(read.evidence)
    new = tx.execute(_ADD, columns).inserted_primary_key
    return int(new[0]) if new else 0


def kept(tx: Connection, after_id: int, limit: int) -> list[Row[Any]]:
    """Return mails whose bytes are kept, in order of id: ``reclassify`` reads them again."""
    query = select(inbound).where(inbound.c.id > after_id, inbound.c.raw.is_not(None)).order_by(inbound.c.id)
    return list(tx.execute(query.limit(limit)))


def reclassified(tx: Connection, inbound_id: int, verdict: str, classifier: str, until: str) -> None:
    """Write a newer reading of a kept mail."""
    row = {"verdict": verdict, "classifier": classifier, "until": until}
    tx.execute(update(inbound).where(inbound.c.id == inbound_id).values(row))


def of_prospect(tx: Connection, prospect_id: int) -> list[Row[Any]]:
    """Return the mails attributed to a prospect, oldest first."""
    query = select(inbound).where(inbound.c.prospect_id == prospect_id).order_by(inbound.c.id)
    return list(tx.execute(query))


def latest_of(tx: Connection, prospect_id: int) -> Row[Any] | None:
    """Return the newest mail of a prospect."""
    return tx.execute(_LATEST, {"prospect": prospect_id}).first()


def addresses_of_mailbox(tx: Connection, mailbox: str) -> list[str]:
    """Return the addresses of everybody a mailbox writes to: looked for in mail that cannot be parsed."""
    return list(tx.execute(select(prospects.c.email).where(prospects.c.mailbox == mailbox)).scalars())

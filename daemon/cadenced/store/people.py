"""Prospects, their accounts, and those who are never written to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Row,
    and_,
    bindparam,
    exists,
    func,
    literal_column,
    or_,
    select,
    update,
)

from cadenced.core import address, pacing
from cadenced.core.model import Place, Prospect
from cadenced.store.forgotten import NOBODY
from cadenced.store.schema import accounts, prospects, suppressions
from cadenced.store.statement import Among, Statement

_READ = tuple(
    prospects.c[name]
    for name in ("id", "email", "mailbox", "account_id", "timezone", "country", "language", "stage", "fields")
)
"""What a ``Prospect`` is made from, in the order of ``from_row``."""

# Statements are built once: building one costs several times what SQLite takes to run it.
_BY_ID = select(*_READ).where(prospects.c.id == bindparam("id"))
_BY_EMAIL = select(*_READ).where(prospects.c.email == bindparam("email"))
_ACCOUNT = select(accounts.c.name).where(accounts.c.id == bindparam("id"))
_STAGE = update(prospects).where(prospects.c.id == bindparam("this"))
_AMONG = Statement(select(*_READ).where(Among(prospects.c.email, "emails")))
_OF_ADDRESSES = Statement(
    select(*_READ).where(
        or_(
            Among(prospects.c.email, "emails"),
            and_(prospects.c.untagged != literal_column("''"), Among(prospects.c.untagged, "emails")),
        )
    )
)
_ROLE = select(prospects.c.role).where(prospects.c.id == bindparam("id"))
_NEXT_STEP_AT = select(prospects.c.next_step_at).where(prospects.c.id == bindparam("id"))
_OF_ADDRESS = select(suppressions.c.email).where(suppressions.c.email == bindparam("email"))
_SUPPRESSED = select(suppressions.c.email).where(
    or_(
        suppressions.c.email.in_(bindparam("emails", expanding=True)),
        suppressions.c.untagged == bindparam("identity"),
    )
)


def _is_listed(value: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether a suppression has this address, or is of a variant of it; each asked by itself finds its index."""
    of_address = exists().where(suppressions.c.email == value)
    of_variant = exists().where(suppressions.c.untagged == value, suppressions.c.untagged != literal_column("''"))
    return or_(of_address.correlate(prospects), of_variant.correlate(prospects))


IS_SUPPRESSED = or_(
    _is_listed(prospects.c.email), and_(prospects.c.untagged != literal_column("''"), _is_listed(prospects.c.untagged))
)
"""Whether a suppression is of a prospect's address or of a variant of it."""

_KNOWN = Statement(
    select(*_READ, accounts.c.name.label("account_name"), IS_SUPPRESSED.label("is_suppressed"))
    .join_from(prospects, accounts, accounts.c.id == prospects.c.account_id, isouter=True)
    .where(Among(prospects.c.id, "ids"))
)


def from_row(row: Sequence[Any]) -> Prospect:
    """Return the value that a row of ``_READ`` holds."""
    key, email, mailbox, account, timezone, country, language, stage, fields = row
    return Prospect(key, email, mailbox, account, Place(timezone, country), language, stage, fields)


def get(tx: Connection, prospect_id: int) -> Prospect:
    """Return the prospect of this id; it must exist."""
    return from_row(tx.execute(_BY_ID, {"id": prospect_id}).one())


@dataclass(frozen=True, slots=True)
class Known:
    """A prospect with the two things that decide with it: how the account is called, and whether to write at all."""

    prospect: Prospect
    account: str
    suppressed: bool


def known(tx: Connection, ids: Collection[int]) -> dict[int, Known]:
    """Return what is known of many prospects, by id."""
    rows = _KNOWN.rows(tx, ids=ids)
    return {row[0]: Known(from_row(row[:-2]), row[-2] or "", bool(row[-1])) for row in rows}


def by_email(tx: Connection, email: str) -> Prospect | None:
    """Return the prospect of this normalised address; what stands for somebody forgotten is none."""
    if email.endswith(NOBODY):
        return None
    row = tx.execute(_BY_EMAIL, {"email": email}).first()
    return from_row(row) if row else None


def among(tx: Connection, emails: Collection[str]) -> list[Prospect]:
    """Return the prospects whose address is among these."""
    return [from_row(row) for row in _AMONG.rows(tx, emails=emails)]


def of_addresses(tx: Connection, emails: Collection[str]) -> list[Prospect]:
    """Return the prospects whose address, or what it has in common with its variants, is among these."""
    return [from_row(row) for row in _OF_ADDRESSES.rows(tx, emails=emails)]


def pages(tx: Connection, size: int = 5_000) -> Iterator[list[str]]:
    """Yield the addresses of all prospects, so many at a time."""
    last = 0
    while rows := tx.execute(
        select(prospects.c.id, prospects.c.email).where(prospects.c.id > last).order_by(prospects.c.id).limit(size)
    ).all():
        last = rows[-1].id
        yield [row.email for row in rows]


def of_account(tx: Connection, account_id: int) -> list[Prospect]:
    """Return everybody of an account."""
    return [from_row(row) for row in tx.execute(select(*_READ).where(prospects.c.account_id == account_id))]


def of_domain(tx: Connection, domain: str, limit: int = 200) -> list[Prospect]:
    """Return prospects whose address lies in a domain."""
    query = select(*_READ).where(prospects.c.email.endswith(f"@{domain}", autoescape=True)).limit(limit)
    return [from_row(row) for row in tx.execute(query)]


def account_name(tx: Connection, account_id: int | None) -> str:
    """Return an account's name as people write it."""
    if account_id is None:
        return ""
    return tx.execute(_ACCOUNT, {"id": account_id}).scalar() or ""


def role_of(tx: Connection, prospect_id: int) -> str:
    """Return a prospect's part in its account: ``primary`` or another word."""
    return str(tx.execute(_ROLE, {"id": prospect_id}).scalar_one())


def next_step_at(tx: Connection, prospect_id: int) -> datetime | None:
    """Return the day and time that was agreed on with a prospect."""
    found: datetime | None = tx.execute(_NEXT_STEP_AT, {"id": prospect_id}).scalar_one()
    return found


def set_stage(tx: Connection, prospect_id: int, stage: str) -> None:
    """Note where the prospect stands now."""
    tx.execute(_STAGE, {"this": prospect_id, "stage": stage})


def set_next_step(tx: Connection, prospect_id: int, what: str, at: datetime) -> None:
    """Note what was agreed on with a prospect, and for when; letters and invitations name it from now on."""
    known = get(tx, prospect_id)
    local = at.astimezone(pacing.zone(known.place.timezone))
    fields = {**known.fields, "next_step": what, "next_step_at": local.strftime("%Y-%m-%dT%H:%M")}
    tx.execute(update(prospects).where(prospects.c.id == prospect_id).values(fields=fields, next_step_at=at))


def set_fields(tx: Connection, prospect_id: int, fields: Mapping[str, str]) -> None:
    """Replace what is known of a prospect."""
    tx.execute(update(prospects).where(prospects.c.id == prospect_id).values(fields=dict(fields)))


def count(tx: Connection) -> int:
    """Return how many prospects there are."""
    return tx.execute(select(func.count()).select_from(prospects)).scalar_one()


def suppress(tx: Connection, email: str, reason: str, now: datetime) -> bool:
    """Never write to this address again; False when it was so already, as with what stands for somebody forgotten."""
    if email.endswith(NOBODY) or tx.execute(_OF_ADDRESS, {"email": email}).first() is not None:
        return False
    tx.execute(suppressions.insert().values(email=email, reason=reason, at=now))
    return True


def unsuppress(tx: Connection, email: str) -> bool:
    """Lift a suppression; False when there was none."""
    return tx.execute(suppressions.delete().where(suppressions.c.email == email)).rowcount == 1


def is_suppressed(tx: Connection, email: str) -> bool:
    """Whether an address, or a variant of it, must not be written to."""
    same = address.identity(email)
    return tx.execute(_SUPPRESSED, {"emails": [email, same], "identity": same}).first() is not None


def suppressed(tx: Connection) -> list[Row[Any]]:
    """Return every suppression: ``email``, ``reason``, ``at``, newest first."""
    return list(tx.execute(select(suppressions).order_by(suppressions.c.at.desc())))

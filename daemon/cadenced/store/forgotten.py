"""Who asked to be forgotten: known by a keyed hash alone, which says nothing to whoever has not the key.

The key is derived from the installation's own, so that the hashes are no Message-IDs and no Message-ID is a hash.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Collection
from datetime import datetime

from sqlalchemy import Connection, bindparam, func, select

from cadenced.core import address
from cadenced.store.schema import forgotten, meta, prospects

NOBODY = "@forgotten.invalid"
"""Behind the number of a row that was somebody (RFC 2606, 2: a domain that can never be)."""

_ANY = select(forgotten.c.digest).limit(1)
_AT = select(forgotten.c.at).where(forgotten.c.digest == bindparam("digest"))
_AMONG = select(forgotten.c.digest).where(forgotten.c.digest.in_(bindparam("digests", expanding=True)))
_KEY = select(meta.c.value).where(meta.c.key == "install_key")
_PAGE = 500
LENGTH = 64
"""Characters of a hash."""


def add(tx: Connection, email: str, now: datetime) -> None:
    """Keep the hash of a normalised address; its variants have the same one."""
    if at(tx, email) is None:
        tx.execute(forgotten.insert().values(digest=_digest(_key(tx), email), at=now))


def add_digest(tx: Connection, digest: str, at: datetime) -> None:
    """Keep a hash of somebody whose address is not known here."""
    if tx.execute(_AT, {"digest": digest}).first() is None:
        tx.execute(forgotten.insert().values(digest=digest, at=at))


def digests(tx: Connection, emails: Collection[str]) -> dict[str, str]:
    """Return the keyed hash of each of these normalised addresses."""
    key = _key(tx)
    return {email: _digest(key, email) for email in emails}


def at(tx: Connection, email: str) -> datetime | None:
    """Return when the person of a normalised address was forgotten, None where that was never asked for."""
    if tx.execute(_ANY).first() is None:
        return None
    found: datetime | None = tx.execute(_AT, {"digest": _digest(_key(tx), email)}).scalar()
    return found


def among(tx: Connection, emails: Collection[str]) -> set[str]:
    """Return those of many normalised addresses whose people were forgotten."""
    if tx.execute(_ANY).first() is None:
        return set()
    hashes = digests(tx, emails)
    wanted = list(hashes.values())
    found: set[str] = set()
    for start in range(0, len(wanted), _PAGE):
        found |= set(tx.execute(_AMONG, {"digests": wanted[start : start + _PAGE]}).scalars())
    return {email for email, digest in hashes.items() if digest in found}


def lift(tx: Connection, email: str) -> bool:
    """Let a person come back who wants to; False when it was not forgotten."""
    if at(tx, email) is None:
        return False
    return tx.execute(forgotten.delete().where(forgotten.c.digest == _digest(_key(tx), email))).rowcount == 1


def count(tx: Connection) -> int:
    """Return how many people were forgotten."""
    return tx.execute(select(func.count()).select_from(forgotten)).scalar_one()


def nobody(prospect_id: int) -> str:
    """Return what stands where an address stood."""
    return f"forgotten-{prospect_id}{NOBODY}"


def nobodies(tx: Connection) -> int:
    """Return how many rows of prospects are nobody's any more; they stay, as the ledger of what was sent."""
    query = select(func.count()).select_from(prospects).where(prospects.c.email.endswith(NOBODY, autoescape=True))
    return tx.execute(query).scalar_one() if tx.execute(_ANY).first() else 0


def _key(tx: Connection) -> bytes:
    return hmac.digest(bytes.fromhex(tx.execute(_KEY).scalar_one()), b"forgotten", hashlib.sha256)


def _digest(key: bytes, email: str) -> str:
    return hmac.new(key, address.identity(email).encode(), hashlib.sha256).hexdigest()

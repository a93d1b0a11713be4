"""The newest edit of sequences and templates, where it was refused: kept for whoever looks, until one is in force."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from cadenced.store.schema import meta

_KEY = "library_refused"
_KEPT = 50


@dataclass(frozen=True, slots=True)
class Refused:
    """When an edit was refused, and why: the problems as ``cadenced check`` tells them, the first fifty."""

    at: datetime
    problems: tuple[str, ...]


def note_refused(tx: Connection, problems: Iterable[object], now: datetime) -> None:
    """Keep why the files on disk are not in force."""
    note_in_force(tx)
    value = json.dumps({"at": now.isoformat(), "problems": [str(one) for one in problems][:_KEPT]})
    tx.execute(meta.insert().values(key=_KEY, value=value))


def note_in_force(tx: Connection) -> None:
    """Forget what was refused: what stands on disk is what is worked with."""
    tx.execute(delete(meta).where(meta.c.key == _KEY))


def refused(tx: Connection) -> Refused | None:
    """Return the refusal that still holds, None where the files on disk are in force."""
    value = tx.execute(select(meta.c.value).where(meta.c.key == _KEY)).scalar()
    if not value:
        return None
    kept = json.loads(value)
    return Refused(datetime.fromisoformat(kept["at"]), tuple(kept["problems"]))

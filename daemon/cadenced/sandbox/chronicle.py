"""What happened, in order: the event log of a store, read as it grows, with who it happened to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from cadenced.store.schema import events, prospects

ABOUT_US = ""


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of the timeline; ``email`` is empty where it concerns the installation."""

    id: int
    at: datetime
    event: str
    email: str
    fields: Mapping[str, str]
    timezone: str
    data: Mapping[str, Any]

    @property
    def name(self) -> str:
        """The prospect's name, or their address where none is known."""
        full = " ".join(filter(None, (self.fields.get("first_name"), self.fields.get("last_name"))))
        return full or self.email

    @property
    def company(self) -> str:
        """The prospect's company, where one is known."""
        return self.fields.get("company", "")


def since(tx: Connection, last: int) -> list[Happening]:
    """Return what was written after the event with the id ``last``, oldest first."""
    columns = (prospects.c.email, prospects.c.fields, prospects.c.timezone)
    query = (
        select(events, *columns)
        .select_from(events.outerjoin(prospects, prospects.c.id == events.c.prospect_id))
        .where(events.c.id > last)
        .order_by(events.c.id)
    )
    return [
        Happening(row.id, row.at, row.event, row.email or ABOUT_US, row.fields or {}, row.timezone or "UTC", row.data)
        for row in tx.execute(query)
    ]

"""What lies ahead of every mailbox: the first moment in each lane, by one question, however many enrolments sleep."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, ScalarSelect, false, func, select, text, true

from cadenced.store.schema import enrolments, mailboxes


@dataclass(frozen=True, slots=True)
class Outlook:
    """A mailbox's first moments (lane by lane, follow-ups and first touches; None: nothing planned) and its hold."""

    moments: tuple[datetime | None, ...]
    hold: str = ""

    def waits(self, lane: str, now: datetime) -> bool:
        """Whether something in a lane (``mail`` or ``desk``) is due already."""
        mine = self.moments[: len(self.moments) // 2] if lane == "mail" else self.moments[len(self.moments) // 2 :]
        return any(one is not None and one <= now for one in mine)

    def after(self, moment: datetime) -> datetime | None:
        """Return the first of its moments that lies after ``moment``."""
        return min((one for one in self.moments if one is not None and one > moment), default=None)


def _first(lane: str, *, fresh: bool) -> ScalarSelect[datetime | None]:
    where = (
        enrolments.c.mailbox == mailboxes.c.name,
        enrolments.c.lane == lane,
        enrolments.c.fresh == (true() if fresh else false()),
        enrolments.c.due_at.is_not(None),
    )
    return select(func.min(enrolments.c.due_at)).where(*where).scalar_subquery()


_OF_ALL = select(
    mailboxes.c.name,
    mailboxes.c.hold,
    *(_first(lane, fresh=fresh) for lane in ("mail", "desk") for fresh in (False, True)),
)


def of_all(tx: Connection) -> Mapping[str, Outlook]:
    """Return the outlook of every mailbox; four seeks in an index each."""
    return {name: Outlook(tuple(moments), hold) for name, hold, *moments in tx.execute(_OF_ALL)}


_NAMES = text("""
    WITH RECURSIVE names(name) AS (
        SELECT min(mailbox) FROM enrolments WHERE due_at IS NOT NULL
        UNION ALL
        SELECT (SELECT min(mailbox) FROM enrolments WHERE due_at IS NOT NULL AND mailbox > names.name)
        FROM names WHERE names.name IS NOT NULL
    )
    SELECT name FROM names WHERE name IS NOT NULL
""")
"""Leaps from name to name in the index: DISTINCT would walk over all enrolments."""


def elsewhere(tx: Connection, known: Collection[str]) -> Mapping[str, int]:
    """Return how many live enrolments hang on mailboxes other than these, by the mailbox's name."""
    counted = select(func.count()).where(enrolments.c.due_at.is_not(None))
    strangers = sorted(set(tx.execute(_NAMES).scalars()) - set(known))
    return {name: tx.execute(counted.where(enrolments.c.mailbox == name)).scalar_one() for name in strangers}

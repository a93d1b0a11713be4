"""What a demo is measured by: the mail server's own record against the answers, and how it ended for everybody."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection

from cadenced.sandbox.letters import Original
from cadenced.sandbox.servers import Taken
from cadenced.store import enrolments, people, tasks
from cadenced.store.tasks import OpenTask

_BATCH = 500
TRAIL = 6.5
"""Real seconds by which a touch may trail an answer at the very most: it was on the wire already."""


@dataclass(frozen=True, slots=True)
class Answered:
    """An answer after which nobody is written to: since when it lies in the inbox (monotonic)."""

    email: str
    monotonic: float


@dataclass(frozen=True, slots=True)
class Ledger:
    """What left, what left twice, what left after an answer."""

    sent: int
    twice: int
    after_answer: int

    @property
    def is_clean(self) -> bool:
        """Whether the two promises were kept."""
        return not self.twice and not self.after_answer


def measure(accepted: Sequence[Taken], answered: Sequence[Answered], trail: float = TRAIL) -> Ledger:
    """Compare the record of the mail server with when the answers came."""
    named = Counter(Original.read(one.raw).message_id for one in accepted)
    twice = sum(count - 1 for count in named.values())
    since = {one.email: one.monotonic for one in reversed(answered)}
    late = sum(one.monotonic > since.get(who, one.monotonic) + trail for one in accepted for who in one.recipients)
    return Ledger(len(accepted), twice, late)


@dataclass(frozen=True, slots=True)
class Ending:
    """How it stands with one prospect at the end. ``due_at`` is when the next thing is due, None where all is over."""

    email: str
    name: str
    company: str
    touches: int
    sequence: str
    state: str
    outcome: str
    reason: str
    due_at: datetime | None
    timezone: str


def counts(accepted: Sequence[Taken]) -> Mapping[str, int]:
    """Return how many messages went to whom."""
    return Counter(who for one in accepted for who in one.recipients)


def endings(tx: Connection, emails: Sequence[str], sent: Mapping[str, int]) -> list[Ending]:
    """Return how it stands with these prospects, in their order; those that are not known are left out."""
    known = {p.email: p for n in range(0, len(emails), _BATCH) for p in people.among(tx, emails[n : n + _BATCH])}
    found = []
    for prospect in (known[email] for email in emails if email in known):
        courses = enrolments.of_prospect(tx, prospect.id)
        if not courses:
            continue
        last = courses[-1]
        name, company = prospect.name, prospect.fields.get("company", "")
        touches = sent.get(prospect.email, 0)
        stands = (last.sequence, last.state.value, last.outcome, last.reason, last.due_at, prospect.place.timezone)
        found.append(Ending(prospect.email, name, company, touches, *stands))
    return found


def waiting(tx: Connection) -> list[OpenTask]:
    """Return what waits for the human, the oldest first."""
    return tasks.open_until(tx)

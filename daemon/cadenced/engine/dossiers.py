"""Dossiers: all that is known of due enrolments, gathered for many at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection

from cadenced.core.model import Enrolment, Prospect, Thread, TouchState
from cadenced.store import enrolments, people, touches
from cadenced.store.touches import OPEN_DOUBT, Touch

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Dossier:
    """One enrolment with what the planner decides by and what a message is made from.

    ``touches`` are all of the prospect's, oldest first, without their bytes. ``primary_told`` is whether the account's
    primary has had a first touch in this sequence: None where the account has no primary, True outside of accounts.
    """

    enrolment: Enrolment
    prospect: Prospect
    account: str
    suppressed: bool
    primary_told: bool | None
    touches: tuple[Touch, ...]

    @property
    def doubt(self) -> bool:
        """Whether a touch of this enrolment hangs between sent and not sent."""
        return any(one.enrolment == self.enrolment.id and one.state in OPEN_DOUBT for one in self.touches)

    @property
    def sent(self) -> list[Touch]:
        """What has reached the prospect, oldest first."""
        reached = [one for one in self.touches if one.state is TouchState.SENT]
        return sorted(reached, key=lambda one: (one.sent_at or _LONG_AGO, one.id))

    def of_step(self, step: str) -> Touch | None:
        """Return the one touch that a step of this enrolment can ever have, None before it is reserved."""
        key = (self.enrolment.sequence, step, self.enrolment.generation)
        return next((one for one in self.touches if (one.sequence, one.step, one.generation) == key), None)

    def thread(self, root_id: str) -> Thread:
        """Return the conversation that began with ``root_id``: the ids that were sent, and its first subject."""
        said = [one for one in self.sent if one.root_id == root_id]
        return Thread(tuple(one.wire_id or one.message_id for one in said), said[0].subject if said else "")


def gather(tx: Connection, wanted: Sequence[Enrolment]) -> list[Dossier]:
    """Return the dossiers of these enrolments, in their order."""
    if not wanted:
        return []
    ids = list({one.prospect for one in wanted})
    known = people.known(tx, ids)
    histories = touches.of_prospects(tx, ids)
    told = enrolments.primaries_told(tx, {one.account for one in wanted if one.account is not None})
    return [
        Dossier(
            enrolment=one,
            prospect=known[one.prospect].prospect,
            account=known[one.prospect].account,
            suppressed=known[one.prospect].suppressed,
            primary_told=True if one.account is None else told.get((one.account, one.sequence)),
            touches=tuple(histories[one.prospect]),
        )
        for one in wanted
    ]

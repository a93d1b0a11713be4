"""What attribution may ask of the store: our touches by id, prospects by address, colleagues by domain."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection

from cadenced.core.model import Prospect
from cadenced.engine.workspace import Workspace
from cadenced.reading.attribution import Person, Sent
from cadenced.store import people, touches


class StoreRegister:
    """A ``reading.attribution.Register`` on one transaction."""

    def __init__(self, tx: Connection, workspace: Workspace) -> None:
        self._tx = tx
        self._own = workspace.own_addresses

    def sent(self, message_ids: Collection[str], refs: Collection[str]) -> Sequence[Sent]:
        """Return touches with one of these Message-IDs (without brackets) or references, newest first."""
        found = touches.known(self._tx, [f"<{one}>" for one in message_ids], refs)
        return [Sent(touch.id, touch.enrolment, touch.prospect) for touch in found]

    def people(self, addresses: Collection[str]) -> Sequence[Person]:
        """Return prospects whose address, or its identity, is among these."""
        return [_person(one) for one in people.of_addresses(self._tx, addresses)]

    def colleagues(self, domain: str) -> Sequence[Person]:
        """Return prospects with an address at this domain."""
        return [_person(one) for one in people.of_domain(self._tx, domain)]

    def subjects(self, prospect: int) -> Collection[str]:
        """Return the subjects of what was sent to a prospect."""
        return {touch.subject for touch in touches.of_prospect(self._tx, prospect)}

    def is_ours(self, email: str) -> bool:
        """Whether an address is one of our own mailboxes."""
        return email.lower() in self._own


def _person(prospect: Prospect) -> Person:
    named = "" if prospect.name == prospect.email else prospect.name
    return Person(prospect.id, prospect.email, named, prospect.account)

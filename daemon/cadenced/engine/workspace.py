"""What every service works with: the config, the library of the hour, the store, the clock, and who we are."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from cadenced.config import Config, Mailbox, SentCopy
from cadenced.core.planner import Away
from cadenced.core.roster import Rules
from cadenced.core.sequence import Sequence
from cadenced.engine.readings import Readings
from cadenced.library import Library
from cadenced.ports import Clock
from cadenced.store.database import Database
from cadenced.store.schema import meta
from cadenced.wording.settings import DEFAULTS, Settings

INSTALL_KEY_BYTES = 32

SOON = timedelta(seconds=1)
"""How soon a service looks again when something is under way."""

TICK = timedelta(seconds=30)
"""The longest sleep of a service: the monotonic clock stands still while a laptop sleeps (RELIABILITY 2.5)."""


@dataclass(slots=True)
class Workspace:
    """One running installation. ``library`` is replaced as a whole when its files change; all else stays.

    ``changed`` is called when due work may have moved, ``doubted`` when a touch has become unknown; both from any
    thread, before the commit. ``unsteady`` says why the wall clock is not to be trusted now (``""``: it is).

    ``longest_sleep`` is how long a sender rests that has nothing to do: longer where an agenda wakes it. ``readings``
    gathers when the mailboxes were read.

    ``install_key`` derives the Message-IDs: the same logical mail has the same id, also after a restore. ``sends``
    counts what this process has sent, for the restore guard. ``probed`` stands in for ``sent_copy`` where that is
    ``auto``. ``away`` is the last long time during which nothing ran.
    """

    config: Config
    library: Library
    database: Database
    clock: Clock
    boot_id: str
    install_key: bytes
    chance: Callable[[], float]
    wording: Settings = DEFAULTS
    changed: Callable[[], None] = field(default=lambda: None)
    doubted: Callable[[], None] = field(default=lambda: None)
    unsteady: Callable[[], str] = field(default=lambda: "")
    longest_sleep: timedelta = TICK
    readings: Readings = field(default_factory=Readings)
    sends: int = 0
    probed: Mapping[str, SentCopy] = field(default_factory=dict)
    away: Away | None = None

    def sequence(self, name: str) -> Sequence:
        """Return a sequence; one that has been deleted has no steps left, so its enrolments come to a human."""
        found = self.library.sequences.get(name)
        return found if found is not None else Sequence(name, ())

    @property
    def own_addresses(self) -> frozenset[str]:
        """The addresses of our own mailboxes, lower case."""
        return frozenset(box.address.lower() for box in self.config.mailboxes)

    def mailbox(self, name: str) -> Mailbox:
        """Return a configured mailbox; KeyError where it is gone from the config."""
        found = self.config.mailbox(name)
        if found is None:
            raise KeyError(name)
        return found

    def sent_copy(self, box: Mailbox) -> SentCopy:
        """Return who files copies of what a mailbox sends: the config's word, for ``auto`` what a probe found."""
        said = box.imap.sent_copy
        return self.probed.get(box.name, said) if said is SentCopy.AUTO else said

    def files_copies(self, box: Mailbox) -> bool:
        """Whether a copy of what a mailbox sends may be ours to file."""
        return self.sent_copy(box) in {SentCopy.AUTO, SentCopy.APPEND}

    def rules(self) -> Rules:
        """Return what an import goes by at this moment."""
        return Rules(
            mailboxes=tuple(box.name for box in self.config.mailboxes),
            sequences=self.library.sequences,
            place=self.config.place,
            default_sequence=self.config.daemon.default_sequence,
        )

    def now(self) -> datetime:
        """Return the wall clock, UTC."""
        return self.clock.now()


def install_key(tx: Connection, fresh: Callable[[int], bytes]) -> bytes:
    """Return the key of this installation, made by ``fresh`` when the database is new."""
    found = tx.execute(select(meta.c.value).where(meta.c.key == "install_key")).scalar()
    if found:
        return bytes.fromhex(found)
    key = fresh(INSTALL_KEY_BYTES)
    tx.execute(meta.insert().values(key="install_key", value=key.hex()))
    return key

"""How large a world is and what is in it, which parts of the product a mutant replaces, and what a course came to."""

from __future__ import annotations

from dataclasses import dataclass, field

from cadenced.config.values import Safety
from cadenced.engine.armoury import Armoury
from cadenced.engine.sender import Sender
from cadenced.engine.watcher import Watcher
from simulation import settings_of_worlds as terms
from simulation.sim_imap import SimInbox, Trouble
from simulation.sim_smtp import SimMailer


@dataclass(frozen=True, slots=True)
class Scale:
    """How large a world is: people, days with faults, and quiet days after them in which all must come right.

    ``boxes`` mailboxes share the people. ``harm`` is the part of the sends, answers and days at which something goes
    wrong, against that of a short crowded world; ``limit`` is each mailbox's daily limit (None: drawn);
    so many prospects begin ``together``, as a list of them is brought in. Where mailboxes are not ``paced``, they keep
    no gap, have more connections, and each list is one mailbox's own: what is due together is many. ``backups``: an
    older database is put back now and then.
    """

    people: int = 12
    days: int = 12
    calm: int = 8
    faults: bool = True
    far_jumps: bool = True
    boxes: int = 1
    harm: float = 1.0
    limit: int | None = None
    together: int = 1
    paced: bool = True
    backups: bool = False

    @property
    def prospect_years(self) -> float:
        return self.people * (self.days + self.calm) / 365.25


USUAL = Scale()
DENSE = Scale(people=24, days=14, calm=12)
"""A month of two dozen people, crowded with faults: what unmasks mutants."""

YEAR = Scale(people=600, days=335, calm=30)
"""A year of one mailbox, with a fault for nearly every touch."""

CROWD = Scale(people=1000, days=335, calm=30, boxes=2, harm=0.25, limit=40, together=40)
"""A year of two mailboxes with daily limits: lists of forty, two sequences, a quarter of the harm."""

TOWN = Scale(people=5000, days=335, calm=30, boxes=5, harm=0.1, together=1000, paced=False)
"""A year of five mailboxes without gaps and with many connections: lists of a thousand, each of one mailbox. They last
longer than a server postpones a touch, and than a daemon takes to start again."""

RESTORED = Scale(people=30, days=40, calm=20, backups=True)
"""Two months of one mailbox in which an older database is put back every week or so."""

SHAPES = {"restored": RESTORED, "dense": DENSE, "year": YEAR, "crowd": CROWD, "town": TOWN}


HOUR = 3600.0
STOPS = (0.5, 2.5, 3.2, 4.0, 8.0, 40.0, 400.0, 3 * HOUR)
"""For how many seconds a process is stopped."""


@dataclass(frozen=True, slots=True)
class Climate:
    """What goes wrong in a world, where its seed does not say so: for mutants that only such a world can show.

    ``terms``, ``level`` (of all faults) and ``trouble`` (of the inbox) are drawn where they are None. A line that
    stalls between the gate and the payload does so for ``stall`` seconds at most.
    """

    terms: terms.Terms | None = None
    level: float | None = None
    trouble: Trouble | None = None
    stops: tuple[float, ...] = STOPS
    stall: float = 6.0


@dataclass(slots=True)
class Parts:
    """What a mutant replaces, and the climate in which it is to show itself."""

    watcher: type[Watcher] = Watcher
    sender: type[Sender] = Sender
    armoury: type[Armoury] | None = None
    mailer: type[SimMailer] = SimMailer
    inbox: type[SimInbox] = SimInbox
    barrier: bool = True
    durable: bool = True
    safety: Safety = field(default_factory=Safety)
    climate: Climate = Climate()


@dataclass(slots=True)
class Course:
    """What a world came to."""

    seed: int
    digest: str
    sends: int
    broken: list[str]
    counts: dict[str, int]
    trace: list[str]

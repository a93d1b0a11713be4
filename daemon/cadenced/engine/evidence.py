"""What can be said of a touch without an answer: it was sent, it was not, nobody can tell, or it is too early.

Only what a *server* wrote is evidence. A copy proves that the touch was sent. Its absence proves the contrary under
rule N alone (RELIABILITY 2.1), all of it:

* a server files copies of what this mailbox sends: ``sent_copy`` is ``server`` or ``self``, set or found by a probe;
* the last ``calibration`` sends that a server confirmed are each found by the very search that finds nothing now, and
  of ten times as many each has had its copy read, or is found as well;
* ``quiet`` and the grace have passed since the arming; the grace is ``sent_lag``, or ten times the slowest copy;
* two searches, as far apart as the grace and at least a third of ``quiet``, in every folder, each selected anew, and
  each finds the newest confirmed send before it looks for the touch;
* no answer and no bounce refers to it, it has not been planned again before, and its copy was not refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from cadenced.config import SentCopy
from cadenced.engine.doubts import ABSENT
from cadenced.engine.workspace import Workspace
from cadenced.store import copies
from cadenced.store.copies import Filing
from cadenced.store.touches import Touch

LONGEST = timedelta(hours=72)
"""A mailbox whose copies would need more grace than this is not waited for (RELIABILITY, RECONCILE_MAX)."""

_TIMES = 10
_FILES = frozenset({SentCopy.SERVER, SentCopy.SELF})
_SPOILT = {
    ABSENT: "it was sent a second time for that already",
    copies.WITHOUT: "the server refused the copy to ourselves",
}


class Searches(Protocol):
    """One mailbox's folders, to be searched."""

    async def find_copies(self, wanted: tuple[Touch, ...]) -> Mapping[int, str]:
        """Return in which folder a copy of each touch lies, of those that have one; raises WireError."""
        ...


class Round:
    """One look at a mailbox for all its touches in doubt: what is searched for each of them is searched once."""

    def __init__(self, mailbox: Searches) -> None:
        self._mailbox = mailbox
        self._found: dict[tuple[int, ...], Mapping[int, str]] = {}

    async def find_copies(self, wanted: tuple[Touch, ...]) -> Mapping[int, str]:
        """Return what the mailbox says, or has said in this round."""
        asked = tuple(one.id for one in wanted)
        if asked not in self._found:
            self._found[asked] = await self._mailbox.find_copies(wanted)
        return self._found[asked]


@dataclass(frozen=True, slots=True)
class Sent:
    """It was sent."""

    evidence: str


@dataclass(frozen=True, slots=True)
class NotSent:
    """It was not sent: rule N holds."""

    evidence: str


@dataclass(frozen=True, slots=True)
class Unproven:
    """Nobody can tell, and waiting will not change it."""

    reason: str


@dataclass(frozen=True, slots=True)
class Later:
    """It is too early to tell; ``span`` from now it may be clear."""

    span: timedelta


Judgement = Sent | NotSent | Unproven | Later


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a touch and of its mailbox's copies."""

    seen: bool
    referred_to: bool
    filing: Filing


@dataclass(slots=True)
class Inquiry:
    """One touch that is looked into: when it was first not found, and is looked for next (monotonic seconds)."""

    touch: Touch
    first_at: float | None = None
    next_at: float | None = None


def gather(tx: Connection, workspace: Workspace, touch: Touch) -> Known:
    """Read what the store knows."""
    safety = workspace.config.safety
    until = workspace.now() - max(safety.quiet, safety.sent_lag)
    count = max(safety.calibration, 1) * _TIMES
    filing = copies.filing(tx, touch.mailbox, until, count)
    return Known(copies.was_seen(tx, touch.id), copies.is_referred_to(tx, touch), filing)


def by_record(known: Known) -> Sent | None:
    """Return what the store alone can say of a touch, None where a mailbox must be searched."""
    if known.seen:
        return Sent("a copy of it has been read")
    return Sent("something that came in refers to it") if known.referred_to else None


async def judge(workspace: Workspace, inquiry: Inquiry, known: Known, mailbox: Searches) -> Judgement:
    """Look for a touch, once. Raises WireError."""
    touch = inquiry.touch
    told = _untold(workspace, touch, known)
    control = () if told else _control(workspace, known.filing)
    found = await mailbox.find_copies(control)
    folder = (await mailbox.find_copies((touch,))).get(touch.id)
    if folder:
        return Sent(f"a copy lies in the folder {folder}")
    missed = sum(one.id not in found for one in control)
    if missed:
        told = f"{missed} of {len(control)} mails that were surely sent cannot be found either"
    if told:
        return Unproven(f"no copy of it was found, which is no proof that it was not sent: {told}")
    return _absent(workspace, inquiry, known, found)


def _control(workspace: Workspace, filing: Filing) -> tuple[Touch, ...]:
    """Return what every search must find: the newest sends, and those of which no copy has been read (yet)."""
    newest = filing.sends[: max(workspace.config.safety.calibration, 1)]
    return (*newest, *(one for one in filing.unseen if one not in newest))


def _untold(workspace: Workspace, touch: Touch, known: Known) -> str:
    """Return why the absence of a copy would prove nothing here, empty where it may."""
    safety, box = workspace.config.safety, workspace.config.mailbox(touch.mailbox)
    sends = len(known.filing.sends)
    if box is None or workspace.sent_copy(box) not in _FILES:
        return "no server files a copy of what this mailbox sends (sent_copy)"
    if touch.evidence.startswith(tuple(_SPOILT)):
        return next(told for begins, told in _SPOILT.items() if touch.evidence.startswith(begins))
    if sends < max(safety.calibration, 1):
        return f"only {sends} of {safety.calibration} mails are known whose copies could be compared (calibration)"
    if known.filing.lacking > max(safety.calibration, 1):
        return f"of the last {sends} mails {known.filing.lacking} have no copy"
    if grace(workspace, known.filing) > LONGEST:
        return f"copies take up to {known.filing.slowest.total_seconds():.0f} s here, too long to be waited for"
    return ""


def grace(workspace: Workspace, filing: Filing) -> timedelta:
    """Return how long a copy may take at the most: ten times as long as the slowest that is known."""
    return max(workspace.config.safety.sent_lag, filing.slowest * _TIMES)


def apart(workspace: Workspace, filing: Filing) -> timedelta:
    """Return how far the two searches are apart: the grace, and at least a third of ``quiet`` (five minutes)."""
    return max(grace(workspace, filing), workspace.config.safety.quiet / 3)


def _absent(workspace: Workspace, inquiry: Inquiry, known: Known, found: Mapping[int, str]) -> Judgement:
    now, moment = workspace.now(), workspace.clock.monotonic()
    filing = known.filing
    if inquiry.first_at is None:
        inquiry.first_at = moment
    by_wall = _ripe_at(workspace, inquiry.touch, filing, now) - now
    by_clock = apart(workspace, filing) - timedelta(seconds=moment - inquiry.first_at)
    left = max(by_wall, by_clock)
    if left > timedelta(0):
        return Later(left)
    places = " and ".join(sorted(set(found.values())))
    return NotSent(
        f"two searches of every folder, {moment - inquiry.first_at:.0f} s apart, do not find it; both find the"
        f" {len(found)} mails sent before it, in {places}; of {len(filing.sends)} copies the slowest took"
        f" {filing.slowest.total_seconds():.1f} s"
    )


def _ripe_at(workspace: Workspace, touch: Touch, filing: Filing, now: datetime) -> datetime:
    return (touch.armed_at or now) + workspace.config.safety.quiet + grace(workspace, filing)

"""Scripted answers: who answers what, how long after which touch. They arrive as bytes and are read like any mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from cadenced.core import pacing
from cadenced.core.model import Place
from cadenced.core.pacing import Delay
from cadenced.sandbox.letters import Answer, Original, write

PATIENCE = Delay(3, "h")
"""How long after a step its answer comes, where the script does not say."""


@dataclass(frozen=True, slots=True)
class Cue:
    """One scripted answer: ``delay`` after the touch of ``step`` (``""``: the first), on the prospect's calendar.

    ``until`` is the day that its words name, or how far that lies ahead of the answer.
    """

    email: str
    verdict: str
    step: str = ""
    delay: Delay = PATIENCE
    text: str = ""
    sender: str = ""
    until: date | Delay | None = None
    language: str = "en"
    new_thread: bool = False


@dataclass(frozen=True, slots=True)
class Heard:
    """A touch as it reached its prospect."""

    email: str
    step: str
    at: datetime
    place: Place
    mailbox: str
    raw: bytes


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer on its way."""

    email: str
    at: datetime
    mailbox: str
    answer: Answer
    original: bytes

    def write(self, at: datetime) -> bytes:
        """Return its bytes."""
        return write(self.answer, Original.read(self.original), at)


@dataclass(slots=True)
class Script:
    """Waits for touches, and answers them."""

    cues: list[Cue] = field(default_factory=list)
    waiting: list[Delivery] = field(default_factory=list)

    def waits_for(self, email: str) -> bool:
        """Whether somebody has still something to answer."""
        return any(cue.email == email for cue in self.cues)

    def hear(self, heard: Heard) -> None:
        """Take note of a touch that arrived: the cues that waited for it are on their way now."""
        for cue in [cue for cue in self.cues if cue.email == heard.email and cue.step in {"", heard.step}]:
            self.cues.remove(cue)
            self.waiting.append(_delivery(cue, heard))

    def due(self, now: datetime) -> list[Delivery]:
        """Return the answers that arrive now, in order."""
        arriving = sorted((one for one in self.waiting if one.at <= now), key=lambda one: one.at)
        self.waiting = [one for one in self.waiting if one.at > now]
        return arriving

    def next_at(self) -> datetime | None:
        """Return when the next answer arrives."""
        return min((one.at for one in self.waiting), default=None)


def _delivery(cue: Cue, heard: Heard) -> Delivery:
    at = pacing.add(heard.at, cue.delay, heard.place)
    until = pacing.add(at, cue.until, heard.place).date() if isinstance(cue.until, Delay) else cue.until
    answer = Answer(cue.verdict, cue.text, cue.sender, cue.language, until, cue.new_thread)
    return Delivery(heard.email, at, heard.mailbox, answer, heard.raw)

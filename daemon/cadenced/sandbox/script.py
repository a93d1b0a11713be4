"""Scripted answers: who answers what, how long after which touch. They arrive as bytes and are read like any mail."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime

from cadenced.core import pacing
from cadenced.core.model import Place
from cadenced.core.pacing import Delay
from cadenced.engine.workspace import Workspace
from cadenced.sandbox.letters import Answer, Original, write
from cadenced.sandbox.ports import Sent
from cadenced.store import people, touches

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


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer on its way."""

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

    def hear(self, sent: Sent, workspace: Workspace) -> None:
        """Take note of a message that was sent: the cues that waited for it are on their way now."""
        mine = [cue for cue in self.cues if cue.email == sent.message.recipient]
        if not mine:
            return
        touch = workspace.database.read(lambda tx: touches.get(tx, sent.message.touch))
        prospect = workspace.database.read(lambda tx: people.by_email(tx, sent.message.recipient))
        for cue in mine:
            if touch is not None and prospect is not None and cue.step in {"", touch.step}:
                self.cues.remove(cue)
                self.waiting.append(_delivery(cue, sent, prospect.place, touch.mailbox))

    def due(self, now: datetime) -> list[Delivery]:
        """Return the answers that arrive now, in order."""
        arriving = sorted((one for one in self.waiting if one.at <= now), key=lambda one: one.at)
        self.waiting = [one for one in self.waiting if one.at > now]
        return arriving

    def next_at(self) -> datetime | None:
        """Return when the next answer arrives."""
        return min((one.at for one in self.waiting), default=None)


def _delivery(cue: Cue, sent: Sent, place: Place, mailbox: str) -> Delivery:
    at = pacing.add(sent.at, cue.delay, place)
    until = pacing.add(at, cue.until, place).date() if isinstance(cue.until, Delay) else cue.until
    answer = Answer(cue.verdict, cue.text, cue.sender, cue.language, until)
    return Delivery(at, mailbox, answer, sent.message.raw)

"""What happened, told in a line: a mark, and a sentence that goes on after the prospect's name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from rich.text import Text

from cadenced.cli import screen
from cadenced.sandbox.chronicle import Happening

OUT, IN, TASK, DONE, STOP, OTHER = "→", "←", "□", "■", "×", "·"

_MEANS: Mapping[str, str] = {
    "reply.interested": "is interested",
    "reply.question": "asks",
    "reply.objection": "objects",
    "reply.not_now": "says not now{until}",
    "reply.referral": "points to somebody else",
    "reply.not_interested": "is not interested",
    "reply.unsubscribe": "wants no more mail",
    "reply.unclear": "answers",
    "auto.out_of_office": "is away{until}",
    "auto.left_company": "has left the company",
    "auto.acknowledgement": "a machine says thank you",
    "auto.challenge": "a filter asks who we are",
    "auto.other": "a machine answers",
    "bounce.hard": "there is no such mailbox",
    "bounce.soft": "could not be delivered",
    "bounce.blocked": "mail was refused for what it is",
    "bounce.delayed": "is delayed on its way",
    "complaint": "has complained",
    "invite.accepted": "accepts the invitation",
    "invite.declined": "declines the invitation",
    "invite.tentative": "may come",
}


class Said(NamedTuple):
    """A line without its time and name."""

    mark: str
    style: str
    text: str


@dataclass(slots=True)
class Teller:
    """Turns events into lines; what goes without saying is left out. ``zone`` is in which days are said."""

    zone: ZoneInfo
    done: set[int] = field(default_factory=set)

    def say(self, one: Happening, words: str = "") -> Said | None:
        """Return the line of an event, None where nothing is worth telling; ``words`` is what somebody wrote."""
        if one.event in {"replied", "auto_replied", "bounced", "invite_answered", "opted_out", "complained"}:
            return self._answer(one, words)
        teller = _TELLERS.get(one.event)
        return teller(self, one.data) if teller else None

    def _answer(self, one: Happening, words: str) -> Said:
        verdict = str(one.data.get("verdict", ""))
        until = f" until {self.day(one.data['until'])}" if one.data.get("until") else ""
        meaning = _MEANS.get(verdict, verdict).format(until=until)
        quoted = f": “{' '.join(words.split())}”" if words and one.event != "bounced" else ""
        style = {"bounced": "red", "opted_out": "bold red", "complained": "bold red", "auto_replied": "yellow"}
        return Said(IN, style.get(one.event, "bold cyan"), meaning + quoted)

    def day(self, text: object) -> str:
        """Return a day, or the day of a moment, as people say it."""
        shown = str(text)
        found = datetime.fromisoformat(shown).astimezone(self.zone) if "T" in shown else date.fromisoformat(shown)
        return f"{found:%a} {found.day} {found:%b}"

    def _sent(self, data: Mapping[str, Any]) -> Said:
        return Said(OUT, "green", str(data.get("subject", "")))

    def _paused(self, data: Mapping[str, Any]) -> Said:
        until = f" until {self.day(data['until'])}" if data.get("until") else ""
        return Said(OTHER, "yellow", f"rests{until}")

    def _resumed(self, _: Mapping[str, Any]) -> Said:
        return Said(OTHER, "", "goes on")

    def _task(self, data: Mapping[str, Any]) -> Said:
        return Said(TASK, "magenta", f"{data.get('kind', 'task')}: {data.get('brief', '')}")

    def _done(self, data: Mapping[str, Any]) -> Said | None:
        task = int(data.get("task", 0))
        if task in self.done:
            return None
        self.done.add(task)
        return Said(DONE, "dim", f"done: {str(data.get('outcome', '')).replace('_', ' ')}")

    def _enrolled(self, data: Mapping[str, Any]) -> Said | None:
        return None if data.get("import") else Said(OTHER, "blue", f"moves on to {data.get('sequence', '')}")

    def _finished(self, data: Mapping[str, Any]) -> Said | None:
        outcome = str(data.get("outcome", ""))
        return None if outcome.startswith("moved") else Said(STOP, "bold", f"is through: {outcome}")

    def _halted(self, data: Mapping[str, Any]) -> Said | None:
        reason = str(data.get("reason") or data.get("outcome") or "")
        return None if reason.startswith("answered") else Said(STOP, "bold", f"stops: {reason}")

    def _suppressed(self, _: Mapping[str, Any]) -> Said:
        return Said(STOP, "bold red", "is never written to again")

    def _other(self, data: Mapping[str, Any]) -> Said:
        return Said(OTHER, "red", str(data.get("reason") or data.get("mailbox") or "is put off"))


_TELLERS: Mapping[str, Callable[[Teller, Mapping[str, Any]], Said | None]] = {
    "sent": Teller._sent,
    "paused": Teller._paused,
    "resumed": Teller._resumed,
    "task_opened": Teller._task,
    "task_done": Teller._done,
    "enrolled": Teller._enrolled,
    "finished": Teller._finished,
    "halted": Teller._halted,
    "suppressed": Teller._suppressed,
    "postponed": Teller._other,
    "unanswered": Teller._other,
    "in_doubt": Teller._other,
    "mailbox_held": Teller._other,
}


def line(*parts: tuple[str, str]) -> None:
    """Print parts with their styles on one line, never longer than the terminal is wide."""
    text = Text(no_wrap=True, overflow="ellipsis")
    for part, style in parts:
        text.append(_safe(part), style)
    out = screen.console()
    if not screen.is_wide_open():
        text.truncate(max(20, out.width - 1), overflow="ellipsis")
    screen.show(text)


def fitted(text: str, width: int) -> str:
    """Return a text on one line in exactly this many columns."""
    cut = Text(_safe(text))
    cut.truncate(width, overflow="ellipsis", pad=True)
    return cut.plain


def _safe(text: str) -> str:
    """Return text without anything that a terminal would obey; its spaces stay where they are."""
    return "".join(character if character.isprintable() else " " for character in text)

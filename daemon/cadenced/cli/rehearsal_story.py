"""The demo as a story: a line for each thing that happens, and at the end what came of everybody."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from rich.text import Text

from cadenced.cli import moments, screen
from cadenced.cli.moments import stamp
from cadenced.cli.rehearsal_words import Teller, fitted, line
from cadenced.core import pacing
from cadenced.sandbox.demo import Outcome, Told
from cadenced.sandbox.tally import Ending
from cadenced.store.tasks import OpenTask

ZONE = "Europe/Paris"
_NAME = 15
_SHOWN_TASKS = 40


class Story:
    """Tells as it unfolds."""

    def __init__(self, *, is_quiet: bool = False, days: int = 0) -> None:
        """``days`` is how many were asked for."""
        self._planned = days
        self.told: list[Told] = []
        self._is_quiet = is_quiet
        self._zone: ZoneInfo = pacing.zone(ZONE)
        self._teller = Teller(self._zone)
        self._day = 0

    def begin(self, folder: Path) -> None:
        """Say what is about to happen."""
        if self._is_quiet:
            return
        screen.show(Text("cadenced demo", style="bold"))
        words = (
            "Julie has just met two dozen people. Their names lie in a CSV that is dropped into the inbox; the daemon"
            " does the rest. The mail servers live in this process, the people are invented, a day takes a second."
        )
        screen.show(screen.paragraph(words, style="dim"), screen.paragraph(f"Workspace: {folder}", style="dim"))
        screen.blank()

    def tell(self, told: Told) -> None:
        """Tell one thing."""
        self.told.append(told)
        if self._is_quiet:
            return
        one = told.happening
        if one.event == "imported":
            self._imported()
            return
        said = self._teller.say(one, told.words)
        if said is None:
            return
        day = f"{told.day:>3}  " if told.day != self._day else "     "
        self._day = told.day
        local = one.at.astimezone(self._zone)
        when = f"{local:%a} {local.day:>2} {local:%b} {local:%H:%M}  "
        parts = ((day, "bold"), (when, "dim"), (fitted(one.name, _NAME), "bold"), (f"  {said.mark} ", said.style))
        line(*parts, (said.text, said.style))

    def _imported(self) -> None:
        count = sum(told.happening.event == "imported" for told in self.told)
        if count == 1:
            line(("     The list is read, and everybody is enrolled.", "dim"))

    def end(self, outcome: Outcome, *, kept: bool, interrupted: bool) -> None:
        """Say what came of everybody, what waits, and whether the promises were kept."""
        screen.blank()
        if interrupted:
            screen.show(Text("Interrupted; this is how it stands.", style="yellow"), Text(""))
        self._endings(outcome)
        if outcome.days < self._planned and not interrupted:
            screen.blank()
            screen.show(screen.paragraph(_too_busy(outcome.days, self._planned), style="yellow"))
        self._tasks(outcome)
        screen.blank()
        screen.show(*_totals(outcome))
        screen.blank()
        self._further(outcome, kept=kept)

    def _endings(self, outcome: Outcome) -> None:
        rows = [
            (ending.name, str(ending.touches or "–"), ending.sequence, Text(_why(ending), style=_style(ending)))
            for ending in outcome.endings
        ]
        screen.show(screen.heading(f"After {outcome.days} day{'s' if outcome.days != 1 else ''}"))
        screen.show(screen.table(["who", ">mails", "sequence", "where it stands"], rows, indent=2))

    def _tasks(self, outcome: Outcome) -> None:
        tasks = outcome.tasks
        names = {ending.email: ending.name for ending in outcome.endings}
        screen.blank()
        screen.show(screen.heading(f"Waits for Julie ({len(tasks)})"))
        for task in tasks[:_SHOWN_TASKS]:
            line((f"  {task.id:>3}  ", "dim"), (fitted(task.kind, 14), "magenta"), (f" {_of(task, names)}", ""))

    def _further(self, outcome: Outcome, *, kept: bool) -> None:
        if not kept:
            screen.show(screen.paragraph("Look around in it yourself: cadenced demo --keep", style="dim"))
            return
        folder = str(outcome.config.parent)
        screen.show(screen.heading("Look further"))
        who = next((ending.email for ending in outcome.endings if ending.state == "paused"), outcome.endings[0].email)
        for command in ("status", "today", f"show {who}", f"why {who}", "audit"):
            screen.show(Text(f"  cadenced -c {folder} {command}", style="green", no_wrap=True, overflow="ignore"))


def _of(task: OpenTask, names: Mapping[str, str]) -> str:
    """Return what a task asks, with who it is about."""
    name = names.get(task.email, task.email)
    return task.brief if not name or name in task.brief else f"{name}: {task.brief}"


def _why(ending: Ending) -> str:
    """Return where it stands with somebody, in words."""
    if ending.state in {"halted", "finished"}:
        return f"stopped: {_plain(ending.outcome or ending.reason)}"
    if ending.state == "awaiting_task":
        return f"waits for Julie: {ending.reason.partition(':')[0]}"
    when = moments.local(ending.due_at, ending.timezone, ending.due_at) if ending.due_at else ""
    word = "rests until" if ending.state == "paused" else "silent; next on"
    return f"{word} {when}"


def _plain(outcome: str) -> str:
    family, dot, kind = outcome.partition(".")
    words = {
        "bounce": "no such mailbox" if kind == "hard" else f"bounced, {kind}",
        "auto": kind,
        "invite": f"invitation {kind}",
    }
    return (words.get(family, kind) if dot else outcome).replace("_", " ")


def _style(ending: Ending) -> str:
    if ending.outcome in {"reply.unsubscribe", "bounce.hard", "complaint"}:
        return "red"
    return screen.STATES.get("awaiting_task" if ending.state == "halted" else ending.state, "")


def _totals(outcome: Outcome) -> tuple[Text, ...]:
    ledger = outcome.ledger
    promises = _promise(ledger.twice, "sent twice"), _promise(ledger.after_answer, "sent after an answer")
    measured = Text(f"{ledger.sent} mails sent · ", style="bold").append_text(promises[0]).append(" · ")
    source = "by the mail server's own record, against the moment at which each answer lay in the inbox"
    seconds = screen.paragraph(f"Measured {source}; {outcome.seconds:.0f} s.", style="dim")
    return measured.append_text(promises[1]), seconds


def _promise(count: int, words: str) -> Text:
    return Text(f"{count} {words}", style="bold red" if count else "bold green")


def as_object(outcome: Outcome, told: list[Told], kept: Path | None) -> Mapping[str, Any]:
    """Return the demo for machines."""
    return {
        "days": outcome.days,
        "seconds": round(outcome.seconds, 1),
        "sent": outcome.ledger.sent,
        "sent_twice": outcome.ledger.twice,
        "sent_after_answer": outcome.ledger.after_answer,
        "prospects": [_ending(ending) for ending in outcome.endings],
        "tasks": [
            {"id": t.id, "kind": t.kind, "email": t.email, "brief": t.brief, "due_at": stamp(t.due_at)}
            for t in outcome.tasks
        ],
        "events": [
            {"day": t.day, "at": stamp(t.happening.at), "event": t.happening.event, "email": t.happening.email}
            for t in told
        ],
        "workspace": str(kept) if kept else None,
    }


def _ending(ending: Ending) -> dict[str, Any]:
    return {
        "email": ending.email,
        "touches": ending.touches,
        "sequence": ending.sequence,
        "state": ending.state,
        "outcome": ending.outcome,
        "reason": ending.reason,
        "due_at": stamp(ending.due_at),
    }


def _too_busy(days: int, planned: int) -> str:
    return f"{planned} days were asked for, and {days} fitted into a minute: this machine is busy, or --speed is slow."

"""``cadenced preview`` on the screen: every mail as it would be read, with its date, and the tasks in between."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from cadenced.cli import moments, screen
from cadenced.cli.moments import stamp
from cadenced.cli.rehearsal_words import line
from cadenced.sandbox.preview import Preview, Shown, play

__all__ = ["as_object", "play", "show"]

_WIDTH = 76


def show(found: Preview) -> None:
    """Print it."""
    who = found.name if found.name == found.email else f"{found.name} <{found.email}>"
    screen.show(Text(screen.clean(f"{found.sequence} for {who}"), style="bold"))
    screen.show(screen.paragraph(f"Times are those of {found.timezone}. Nothing was sent.", style="dim"))
    for n, one in enumerate(found.shown, start=1):
        screen.blank()
        _step(n, one, found.timezone)
    screen.blank()
    screen.show(screen.paragraph(_end(found), style="dim"))
    if found.problems:
        count = len(found.problems)
        words = "one message would be kept back" if count == 1 else f"{count} messages would be kept back"
        screen.show(screen.paragraph(f"{words}; mend the template, or the row.", style="bold red"))


def _step(n: int, one: Shown, timezone: str) -> None:
    when = moments.local(one.at, timezone, one.at)
    style = {"problem": "bold red", "email": "bold green", "invite": "bold green"}.get(one.kind, "bold magenta")
    name = f"  {one.step}" if one.step and one.step != one.kind else ""
    line((f"{n:>2}. ", "dim"), (f"{when}  ", "bold"), (one.kind, style), (name, ""))
    if one.purpose:
        screen.show(screen.paragraph(one.purpose, indent=4, style="dim italic"))
    if one.kind not in {"email", "invite"}:
        screen.show(screen.paragraph(one.text, indent=4, style="red" if one.kind == "problem" else ""))
        return
    screen.show(Text(f"    {screen.clean(one.subject)}", style="bold"))
    if one.kind == "invite":
        screen.show(screen.paragraph(_meeting(one, timezone), indent=4, style="dim italic"))
    screen.blank()
    for row in one.text.splitlines():
        screen.show(screen.paragraph(row, indent=4))


def _meeting(one: Shown, timezone: str) -> str:
    if one.meets_at is None:
        return "without a calendar request: no day and hour to come is known"
    return f"with a calendar request for {moments.local(one.meets_at, timezone, one.meets_at)}"


def _end(found: Preview) -> str:
    if found.ends_at is None:
        return f"It stops here: {found.outcome}" if found.outcome else "It goes on for more than three years."
    return f"It ends on {moments.local(found.ends_at, found.timezone, found.ends_at)}: {found.outcome}."


def as_object(found: Preview) -> Mapping[str, Any]:
    """Return it for machines."""
    return {
        "email": found.email,
        "sequence": found.sequence,
        "timezone": found.timezone,
        "ends_at": stamp(found.ends_at),
        "outcome": found.outcome,
        "steps": [
            {
                "at": stamp(one.at),
                "kind": one.kind,
                "step": one.step,
                "purpose": one.purpose,
                "subject": one.subject,
                "text": one.text,
                "meets_at": stamp(one.meets_at),
            }
            for one in found.shown
        ],
    }

"""A verdict as people read it: file and verdict on one line, what it rests on below."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from rich.text import Text

from cadenced.cli import screen
from cadenced.reading.verdict import Verdict

STYLES = {"reply": "bold cyan", "auto": "yellow", "bounce": "red", "complaint": "bold red", "invite": "green"}
"""How the families of verdicts look where there are colours."""

_TEXT_SHOWN = 160


def word(verdict: str) -> Text:
    """Return a verdict in the colour of its family."""
    return Text(verdict, style=STYLES.get(verdict.partition(".")[0], "dim"))


def show(found: Mapping[str, Any], judged: Verdict) -> None:
    """Print one verdict."""
    space = " " * max(1, 22 - len(judged.kind))
    screen.show(Text.assemble(word(judged.kind), space, (screen.clean(str(found["file"])), "dim")))
    text = " ".join(judged.reply_text.split())
    rows = [
        ("until", found["until"] or ""),
        ("recipient", " ".join(filter(None, (judged.recipient, judged.status)))),
        ("referral", " ".join(filter(None, (found.get("referral_name"), found["referral"])))),
        ("says", text[:_TEXT_SHOWN] + ("…" if len(text) > _TEXT_SHOWN else "")),
        ("because", "; ".join(judged.evidence)),
        ("cure", judged.explanation),
    ]
    screen.show(screen.facts(rows, indent=4))

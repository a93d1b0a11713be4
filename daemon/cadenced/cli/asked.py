"""What a task asks of the human: its words without the line that settles it, and that line, ready to be copied."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from cadenced.store.tasks import OpenTask

_OUTCOMES: Mapping[str, tuple[str, ...]] = {
    "call": ("reached", "no_answer", "voice_message"),
    "reply": ("answered", "meeting", "won", "lost"),
    "answer": ("answered", "noted"),
    "address": ("noted",),
    "colleague": ("go_on", "not_interested"),
    "decision": ("decided",),
    "template": ("mended",),
    "wording": ("mended",),
    "mailbox": ("mended",),
}
_ANY = ("done",)
_HOW = re.compile(r" (?:Look|Mend it), then: cadenced (?P<line>.*)\Z", re.DOTALL)


def brief(task: OpenTask) -> str:
    """Return what is to be done."""
    return _HOW.sub("", task.brief)


def commands(task: OpenTask) -> Iterator[str]:
    """Yield the lines that settle a task."""
    named = _HOW.search(task.brief)
    if named:
        yield f"cadenced {' '.join(named['line'].split())}"
    if task.kind != "doubt":
        yield f"cadenced done {task.id} --outcome {'|'.join(_OUTCOMES.get(task.kind, _ANY))}"

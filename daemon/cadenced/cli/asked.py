"""What a task asks of the human: its words without the line that settles it, and that line, ready to be copied."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

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
_PEOPLE, _QUESTIONS, _OWN_STEPS, _REPAIRS = range(4)
_URGENCY: Mapping[str, int] = {
    "reply": _PEOPLE,
    "answer": _PEOPLE,
    "colleague": _PEOPLE,
    "doubt": _QUESTIONS,
    "decision": _QUESTIONS,
    "mailbox": _QUESTIONS,
    "template": _REPAIRS,
    "wording": _REPAIRS,
    "address": _REPAIRS,
}
"""Who waits for an answer comes first, then what holds others up, then calls and the like, then what is broken."""
_HOW = re.compile(r" (?:Look|Mend it), then: cadenced (?P<line>.*)\Z", re.DOTALL)


def brief(task: OpenTask) -> str:
    """Return what is to be done."""
    return _HOW.sub("", task.brief)


def in_order(asked: Iterable[OpenTask], today_ends: datetime) -> list[OpenTask]:
    """Return tasks as they are best done: the most urgent first, then the oldest; later days at the end."""

    def key(task: OpenTask) -> tuple[bool, int, datetime, int]:
        is_later = task.due_at > today_ends
        urgency = 0 if is_later else _URGENCY.get(task.kind, _OWN_STEPS)
        return is_later, urgency, task.due_at, task.id

    return sorted(asked, key=key)


def commands(task: OpenTask) -> Iterator[str]:
    """Yield the lines that settle a task."""
    named = _HOW.search(task.brief)
    if named:
        yield f"cadenced {' '.join(named['line'].split())}"
    if task.kind != "doubt":
        yield f"cadenced done {task.id} --outcome {'|'.join(_OUTCOMES.get(task.kind, _ANY))}"

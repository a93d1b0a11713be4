"""What worlds are made of: a config, templates and plans in several editions, without any file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import time, timedelta
from pathlib import Path

from cadenced.config.values import Config, Daemon, Imap, Mailbox, Safety, SentCopy, Smtp
from cadenced.core.pacing import Delay, Window
from cadenced.core.sequence import EmailStep, Sequence, TaskStep, WaitStep
from cadenced.library import Library
from cadenced.writing import template

ZONE = "Europe/Paris"
WINDOW = Window(days=frozenset(range(7)), opens=time(8, 0), closes=time(19, 0), timezone=ZONE, holidays=False)

ORDER = ("one", "extra", "two", "call", "three", "later", "hello", "again", "last")
"""The steps of all editions in the one order that each of them keeps."""

LEAST_DELAY = {"extra": 1, "two": 2, "three": 3, "later": 0, "again": 6, "last": 9}
"""Days that every edition keeps between a step and the one before it, at the least."""

_TEXT = """\
---
subject: "Your next step {{ first_name }}"
---
Hello {{ first_name }},

you asked for the plan on Monday. Shall we talk on Thursday at 10:00? This is mail %s.

Julie
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What one world is like, drawn from its seed. ``files``: the provider files copies as the config says it does."""

    sent_copy: SentCopy
    min_gap: timedelta
    daily_limit: int
    connections: int
    files: bool = True
    boxes: int = 1


PACED = Terms(SentCopy.SERVER, timedelta(seconds=90), 4, 1)
"""A mailbox with a limit and a gap, for worlds in which these are at stake."""


NAMES = ("julie", "marc", "ines", "paul", "anna", "tom", "eva", "luc", "mia", "jan")


NOWHERE = Path("/nowhere")


def config(terms: Terms, safety: Safety) -> Config:
    """Return a config of mailboxes on servers that do not exist."""
    daemon = Daemon("sqlite://", NOWHERE, NOWHERE, NOWHERE, timezone=ZONE, country="FR")
    boxes = tuple(_mailbox(name, terms) for name in NAMES[: terms.boxes])
    return Config(NOWHERE / "cadenced.toml", daemon, WINDOW, boxes, safety, lint={"select": ["guilt"]})


def _mailbox(name: str, terms: Terms) -> Mailbox:
    return Mailbox(
        name=name,
        address=f"{name}@abc.example",
        display=f"{name.capitalize()} Martin",
        smtp=Smtp("smtp.abc.example", connections=terms.connections),
        imap=Imap("imap.abc.example", sent_copy=terms.sent_copy),
        daily_limit=terms.daily_limit,
        min_gap=terms.min_gap,
    )


def _templates(edition: int) -> Mapping[str, template.Template]:
    names = ("one", "extra", "two", "three", "later", "hello", "again", "last")
    return {name: template.parse(_TEXT % f"{name}, edition {edition}", name) for name in names}


def _days(days: int) -> Delay:
    return Delay(days, "days")


_ONE = EmailStep("one", template="one")
_EXTRA = EmailStep("extra", _days(1), template="extra")
_TWO = EmailStep("two", _days(2), template="two")
_CALL = TaskStep("call", _days(1), kind="call", brief="Call.")
_THREE = EmailStep("three", _days(3), template="three", new_thread=True)
_PLAN = Sequence("plan", (_ONE, _TWO, _THREE), window=WINDOW, then="nurture")
_NURTURE = Sequence("nurture", (WaitStep("rest", span=_days(5)), EmailStep("later", template="later")), window=WINDOW)

_HELLO = EmailStep("hello", template="hello")
_AGAIN = EmailStep("again", _days(6), template="again")
_OTHER = Sequence("other", (_HELLO, _AGAIN, EmailStep("last", _days(9), template="last")), window=WINDOW)


def _edition(number: int, plan: Sequence) -> Library:
    return Library({"plan": plan, "nurture": _NURTURE, "other": _OTHER}, _templates(number))


EDITIONS = (
    _edition(0, _PLAN),
    _edition(1, _PLAN),
    _edition(2, replace(_PLAN, steps=(_ONE, _EXTRA, _TWO, _THREE))),
    _edition(3, replace(_PLAN, steps=(_ONE, _TWO, _CALL, replace(_THREE, after=_days(3))))),
    _edition(4, replace(_PLAN, steps=(_ONE, _THREE))),
)
"""What a salesperson may make of the plan while it runs: other words, a step more, a task, a step less."""

"""A small workspace for rehearsals: one mailbox, two sequences, templates that pass the linter."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from cadenced import config as configuration
from cadenced import library
from cadenced.engine import opening
from cadenced.sandbox.rehearsal import Setting
from cadenced.sandbox.simulation import Plan, Played, play

MONDAY = datetime(2026, 11, 23, 7, tzinfo=UTC)

CONFIG = """\
[daemon]
timezone = "Europe/Paris"
country = "FR"
[[mailbox]]
name = "julie"
address = "Julie Martin <julie@abc.example>"
daily_limit = 3
min_gap = "90 s"
[mailbox.smtp]
host = "127.0.0.1"
port = 1
security = "none"
[mailbox.imap]
host = "127.0.0.1"
port = 1
security = "none"
username = "julie"
password = "env:NOT_ASKED_FOR"
"""

PLAN = """\
title: A plan
steps:
  - {email: one, after: 0}
  - {email: two, after: 2 business days}
  - {task: call, after: 1 business day, brief: Call them.}
  - {email: three, after: 2 business days}
"""

TEMPLATE = """\
---
subject: "Your next step {{ and_more }}"
---
Hello {{ first_name }},

you asked for the plan on Monday. Shall you have it on Thursday at 10:00?

Julie
"""

PEOPLE = """\
email,first_name,and_more
ann@one.example,Ann,in May
bob@two.example,Bob,in June
eve@three.example,Eve,in July
"""


def write(folder: Path, *, people: str = PEOPLE) -> Path:
    """Write the workspace; returns the list of prospects."""
    for name in ("sequences", "templates", "inbox"):
        (folder / name).mkdir(parents=True)
    (folder / "cadenced.toml").write_text(CONFIG)
    (folder / "sequences" / "plan.yaml").write_text(PLAN)
    for name in ("one", "two", "three"):
        (folder / "templates" / f"{name}.md").write_text(TEMPLATE)
    table = folder / "people.csv"
    table.write_text(people)
    return table


def setting(folder: Path, start: datetime = MONDAY) -> Setting:
    """Read the workspace."""
    config = configuration.load(folder / "cadenced.toml")
    return Setting(config, library.load(library.shelves(config)), start, opening.wording(config))


def simulated(folder: Path, plan: Plan) -> Played:
    """Play a plan in the workspace."""
    return play(setting(folder), plan)


def told(played: Played, email: str) -> list[str]:
    """Return what happened to somebody: events, and steps where something was sent."""
    return [str(one.data.get("step") or one.event) for one in played.course if one.email == email]


def steps(played: Played, email: str) -> list[str]:
    """Return the steps that were sent to somebody."""
    return [str(one.data["step"]) for one in played.course if one.email == email and one.event == "sent"]

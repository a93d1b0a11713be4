"""A workspace on disk for suites that drive the daemon's command: one way of writing it, whatever is to go wrong.

    workspace.write(root, [workspace.Box(imap=server.port, smtp=sink.port)], gaps=("30 days",))

``PATIENT`` has bounds that no machine is too slow for; who tests a bound names it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

PATIENT = 'fence_age = "30 s"\narm_ttl = "30 s"\nquiet = "1 min"'
STEPS = ("one", "two", "three")
PASSWORD = "secret"
ENVIRONMENT = {"JULIE_PASSWORD": PASSWORD, "NO_COLOR": "1"}
"""What the command needs in its environment."""

_HEAD = """\
[daemon]
database = "{database}"
timezone = "Europe/Paris"
country = "FR"
default_sequence = "plan"
settle = "1 s"
[window]
days = "always"
{more}
[safety]
{safety}
"""

_MAILBOX = """\
[[mailbox]]
name = "{name}"
address = "{title} <{name}@abc.example>"
daily_limit = {limit}
min_gap = "{gap}"
[mailbox.smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"
{connections}
[mailbox.imap]
host = "127.0.0.1"
port = {imap}
security = "none"
username = "{user}"
password = "env:JULIE_PASSWORD"
{more}
"""

TEMPLATE = """\
---
subject: "{{ first_name }}, your next step"
---
Hello {{ first_name }},

you asked for the plan of {{ company | default("your company") }} on Monday. Shall we talk on Thursday at 10:00?

Julie
"""


@dataclass(frozen=True)
class Box:
    """A mailbox: its servers on loopback, and its pace. ``more`` is added to its ``[mailbox.imap]``."""

    imap: int
    smtp: int
    name: str = "julie"
    title: str = "Julie Martin"
    user: str = "julie"
    gap: str = "0 s"
    limit: int = 0
    connections: int | None = None
    more: str = ""

    def told(self) -> str:
        """Return it as the configuration has it."""
        connections = f"connections = {self.connections}" if self.connections else ""
        return _MAILBOX.format(**{**vars(self), "connections": connections})


def plan(gaps: Sequence[str]) -> str:
    """Return a sequence of three letters; ``gaps`` are those before the second and the third, or one for both."""
    second, third = (*gaps, *gaps)[:2]
    steps = f"  - email: one\n  - email: two\n    after: {second}\n  - email: three\n    after: {third}\n"
    return f"title: A plan\nwindow: always\nsteps:\n{steps}"


def write(
    root: Path,
    boxes: Sequence[Box],
    safety: str = PATIENT,
    *,
    database: str = "sqlite:///cadenced.db",
    gaps: Sequence[str] = ("1 s",),
    more: str = "",
) -> Path:
    """Write a workspace and return its configuration; ``safety`` are lines, ``more`` whole sections."""
    for name in ("sequences", "templates", "inbox"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "sequences" / "plan.yaml").write_text(plan(gaps))
    for name in STEPS:
        (root / "templates" / f"{name}.md").write_text(TEMPLATE)
    head = _HEAD.format(database=database, safety=safety, more=more)
    path = root / "cadenced.toml"
    path.write_text(head + "".join(box.told() for box in boxes))
    return path


def drop(root: Path, name: str, content: bytes) -> None:
    """Put a list into the inbox as a careful program does: under another name first."""
    part = root / "inbox" / f".{name}.part"
    part.write_bytes(content)
    part.rename(root / "inbox" / name)

"""The installed command, driven from outside: a workspace on disk, a running daemon, and what its commands say."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from peers import smtp_sink
from peers.patience import PATIENCE, until

COMMAND = str(Path(sys.executable).parent / "cadenced")

CONFIG = """\
[daemon]
database = "{database}"
timezone = "Europe/Paris"
country = "FR"
default_sequence = "plan"
settle = "1 s"
[window]
days = "always"
[safety]
{safety}
[[mailbox]]
name = "julie"
address = "Julie Martin <julie@abc.example>"
daily_limit = 0
min_gap = "0 s"
[mailbox.smtp]
host = "127.0.0.1"
port = {smtp}
security = "none"
[mailbox.imap]
host = "127.0.0.1"
port = {imap}
security = "none"
username = "julie"
password = "env:JULIE_PASSWORD"
{more}
"""

PATIENT = 'fence_age = "30 s"\narm_ttl = "30 s"\nquiet = "1 min"'
"""Bounds that no machine is too slow for."""

PLAN = """\
title: A plan
window: always
steps:
  - email: one
  - email: two
    after: {gap}
  - email: three
    after: {gap}
"""

TEMPLATE = """\
---
subject: "{{ first_name }}, your next step"
---
Hello {{ first_name }},

you asked for the plan of {{ company | default("your company") }} on Monday. Shall we talk on Thursday at 10:00?

Julie
"""


@dataclass
class Outside:
    """A workspace, as somebody at a shell sees it."""

    root: Path
    sink: smtp_sink.Sink
    daemon: subprocess.Popen[bytes] | None = None
    env: dict[str, str] = field(default_factory=lambda: {**os.environ, "JULIE_PASSWORD": "secret", "NO_COLOR": "1"})

    def run(self, *words: str, code: int | None = 0) -> subprocess.CompletedProcess[str]:
        """Run one command to its end."""
        done = subprocess.run(
            [COMMAND, "-c", str(self.root / "cadenced.toml"), *words],
            env=self.env,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )
        assert code is None or done.returncode == code, done.stdout + done.stderr
        return done

    def show(self, email: str) -> dict[str, Any]:
        """Return what `cadenced show EMAIL --json` says."""
        found: dict[str, Any] = json.loads(self.run("show", email, "--json").stdout)
        return found

    def state(self, email: str) -> str:
        """Return the state of a prospect's newest enrolment."""
        return str(self.show(email)["enrolments"][-1]["state"])

    def start(self) -> None:
        """Start the daemon."""
        with (self.root / "log").open("ab") as log:
            self.daemon = subprocess.Popen(
                [COMMAND, "-c", str(self.root / "cadenced.toml"), "run"], env=self.env, stderr=log, stdout=log
            )

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the daemon a signal, and return its exit status."""
        assert self.daemon is not None
        self.daemon.send_signal(number)
        status = self.daemon.wait(PATIENCE)
        self.daemon = None
        return status

    def drop(self, name: str, content: bytes) -> None:
        """Drop a file as a careful program does: under another name first."""
        part = self.root / "inbox" / f".{name}.part"
        part.write_bytes(content)
        part.rename(self.root / "inbox" / name)

    def sent_to(self, email: str) -> list[EmailMessage]:
        """Return what the mail server took for a prospect."""
        return [
            message_from_bytes(one.raw, policy=policy.default)  # type: ignore[misc] # typeshed says Message
            for one in self.sink.accepted
            if email in one.recipients
        ]

    def hurry(self) -> None:
        """Make all that waits for its day due now, past the product."""
        with closing(sqlite3.connect(self.root / "cadenced.db", timeout=PATIENCE)) as store, store:
            now = time.time_ns() // 1000
            store.execute("UPDATE enrolments SET due_at = ? WHERE state = 'active'", (now,))

    def killed(self) -> None:
        """End the daemon at once; returns when the mail server has read whatever it had said."""
        self.stop(signal.SIGKILL)
        until(lambda: not self.sink.open)

    def log(self) -> str:
        """Return what the daemon has logged."""
        return (self.root / "log").read_text()


def write(root: Path, imap: int, smtp: int, *, gap: str = "1 s", **settings: str) -> None:
    """Write the workspace; ``settings`` fill ``CONFIG``."""
    for name in ("sequences", "templates", "inbox"):
        (root / name).mkdir(parents=True, exist_ok=True)
    (root / "sequences" / "plan.yaml").write_text(PLAN.format(gap=gap))
    for name in ("one", "two", "three"):
        (root / "templates" / f"{name}.md").write_text(TEMPLATE)
    usual = {"database": "sqlite:///cadenced.db", "more": "", "safety": PATIENT}
    (root / "cadenced.toml").write_text(CONFIG.format(imap=imap, smtp=smtp, **{**usual, **settings}))


@contextmanager
def opened(root: Path, imap: int, **settings: Any) -> Iterator[Outside]:
    """Write a workspace with its own SMTP server; whatever runs at the end is stopped."""
    with smtp_sink.threaded() as sink:
        write(root, imap, sink.port, **settings)
        outside = Outside(root, sink)
        try:
            yield outside
        finally:
            if outside.daemon is not None:
                outside.stop(signal.SIGKILL)


def reply(ours: EmailMessage, text: str, sender: str, **headers: str) -> bytes:
    """Return an answer to one of our mails; an empty header is left out."""
    fields = {
        "From": sender,
        "To": "julie@abc.example",
        "Subject": f"Re: {ours['Subject']}",
        "Message-ID": f"<{abs(hash((ours['Message-ID'], text)))}@there.example>",
        "In-Reply-To": str(ours["Message-ID"]),
        "References": str(ours["Message-ID"]),
        "Date": str(ours["Date"]),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items() if value)
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()

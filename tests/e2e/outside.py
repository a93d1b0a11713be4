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

from peers import smtp_sink, workspace
from peers.patience import PATIENCE, until

COMMAND = str(Path(sys.executable).parent / "cadenced")


@dataclass
class Outside:
    """A workspace, as somebody at a shell sees it."""

    root: Path
    sink: smtp_sink.Sink
    daemon: subprocess.Popen[bytes] | None = None
    env: dict[str, str] = field(default_factory=lambda: {**os.environ, **workspace.ENVIRONMENT})

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
        workspace.drop(self.root, name, content)

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


def write(root: Path, imap: int, smtp: int, *, gap: str = "1 s", more: str = "", **settings: str) -> None:
    """Write the workspace; ``more`` belongs to the mailbox's IMAP, ``settings`` are ``workspace.write``'s."""
    workspace.write(root, [workspace.Box(imap, smtp, more=more)], gaps=(gap,), **settings)


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

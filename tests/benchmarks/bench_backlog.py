"""A full inbox at a start: how long until all that matters of it is read, with how much memory. Prints JSON.

    python tests/benchmarks/bench_backlog.py [--messages 50000] [--meanwhile 5000]

The installed command runs against Dovecot, whose Maildir is filled beforehand. Three starts: the very first one of a
mailbox (what lies there is older than any letter of ours), one after ``--meanwhile`` more came while nobody looked, and
one at which the server has given every message a new number (UIDVALIDITY) while only a hundred are younger than ninety
days. Each ends when a letter leaves: its fence has read every folder to the end. Three of four messages are bulk mail,
as in most inboxes. Needs Debian's dovecot-imapd.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "e2e"), str(Path(__file__).parent)]

import bench_mailboxes  # noqa: E402 - found by the line above
import outside  # noqa: E402 - as above

from peers import dovecot, smtp_sink  # noqa: E402 - as above

MESSAGE = """\
From: Stranger {n} <s{n}@stranger{n}.example>\r
To: julie@abc.example\r
Subject: News of the week {n}\r
Date: {date}\r
Message-ID: <n{n}@stranger.example>\r
{list}MIME-Version: 1.0\r
Content-Type: text/plain; charset=utf-8\r
\r
{body}"""
LIST = "List-Unsubscribe: <mailto:leave@stranger.example>\r\n"
BODY = "Dear reader, this week we have looked at seventeen ways to save time at work, and found three.\r\n" * 24
DAY = 86_400


def fill(server: dovecot.Dovecot, first: int, count: int, age: float) -> None:
    """Put messages into the inbox that came so many seconds ago."""
    folder = server.maildir() / "new"
    for sub in ("tmp", "new", "cur"):
        (server.maildir() / sub).mkdir(parents=True, exist_ok=True)
    at = time.time() - age
    date = time.strftime("%a, %d %b %Y %H:%M:%S +0000", time.gmtime(at))
    for n in range(first, first + count):
        path = folder / f"{int(at)}.M{n}P1.peer"
        words = {"list": LIST, "body": BODY} if n % 4 else {"list": "", "body": BODY[:600]}
        path.write_bytes(MESSAGE.format(n=n, date=date, **words).encode())
        os.utime(path, (at, at))
    own(server)


def own(server: dovecot.Dovecot) -> None:
    """Give the mail to the server's user, where this runs as root."""
    if os.geteuid() == 0:
        for folder, _, names in os.walk(server.home / "mail"):
            for name in (".", *names):
                os.chown(Path(folder) / name, *server.owner)


def renumber(server: dovecot.Dovecot, user: str = "julie") -> None:
    """Have the server forget every number: all folders get a new UIDVALIDITY."""
    server.stop()
    for path in (server.home / "mail" / user).rglob("dovecot*"):
        path.unlink() if path.is_file() else shutil.rmtree(path)
    time.sleep(1.1)  # UIDVALIDITY is a moment in seconds
    server.start()
    with contextlib.closing(server.client()) as client:  # its index is its own affair
        client.select("INBOX", readonly=True)


def begin(home: outside.Outside, email: str) -> dict[str, Any]:
    """Start with one letter due, and wait until it has left."""
    (home.root / "one.csv").write_text(f"email,first_name\n{email},Ann\n")
    home.run("import", str(home.root / "one.csv"))
    before, began = len(home.sink.accepted), time.monotonic()
    home.start()
    assert home.daemon is not None
    while len(home.sink.accepted) == before:
        time.sleep(0.01)
        assert time.monotonic() - began < 900, home.log()[-2000:]
    pid = home.daemon.pid
    found = {"seconds": round(time.monotonic() - began, 1), "cpu_s": round(bench_mailboxes.cpu(pid), 1)}
    found["peak_mb"] = bench_mailboxes.memory(pid, "VmHWM")
    home.stop()
    with contextlib.closing(sqlite3.connect(home.root / "cadenced.db")) as base:
        found["read"] = base.execute("SELECT count(*) FROM inbound").fetchone()[0]
    return found


def main(messages: int, meanwhile: int) -> dict[str, Any]:
    """Run."""
    with tempfile.TemporaryDirectory() as folder, dovecot.running() as server, smtp_sink.threaded() as sink:
        outside.write(Path(folder), server.port, sink.port, gap="90 days")
        home = outside.Outside(Path(folder), sink)
        found: dict[str, Any] = {"messages": messages, "meanwhile": meanwhile}
        fill(server, 0, messages, 200 * DAY)
        with contextlib.closing(server.client()) as client:
            client.select("INBOX", readonly=True)
        found["very_first_start"] = begin(home, "ann@one.example")
        fill(server, messages, 100, DAY)
        renumber(server)
        found["new_numbers"] = begin(home, "bob@two.example")
        fill(server, 2 * messages, meanwhile, DAY)
        with contextlib.closing(server.client()) as client:
            client.select("INBOX", readonly=True)
        found["came_meanwhile"] = begin(home, "cem@three.example")
        return found


if __name__ == "__main__":
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--messages", type=int, default=50_000)
    wanted.add_argument("--meanwhile", type=int, default=5_000)
    given = wanted.parse_args()
    print(json.dumps(main(given.messages, given.meanwhile), indent=2))

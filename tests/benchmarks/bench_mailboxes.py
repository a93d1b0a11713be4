"""Many mailboxes in one daemon: its memory, and its CPU while all of them listen. Prints JSON.

    python tests/benchmarks/bench_mailboxes.py [--mailboxes 1000] [--seconds 60] [--tls] [--enrolments 0]

Drives the installed command against Dovecot, one user a mailbox; ``--enrolments`` sleep in each of them. Needs
Debian's dovecot-imapd. The server's own CPU and memory are not counted.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

sys.path[:0] = [str(Path(__file__).parents[1]), str(Path(__file__).parents[1] / "e2e"), str(Path(__file__).parent)]

import crowd  # noqa: E402 - found by the line above
import outside  # noqa: E402 - as above

from peers import dovecot  # noqa: E402 - as above

MAILBOX = """\
[[mailbox]]
name = "box{n}"
address = "Box {n} <box{n}@abc.example>"
[mailbox.smtp]
host = "127.0.0.1"
port = 9
security = "none"
[mailbox.imap]
host = "localhost"
port = {port}
security = "{security}"
username = "box{n}"
password = "env:JULIE_PASSWORD"
"""

CROWD = """
service imap {
  process_limit = 64
  client_limit = 400
  service_count = 0
  vsz_limit = 0
}
service imap-login {
  client_limit = 5000
}
service auth {
  client_limit = 8000
}
service anvil {
  client_limit = 8000
}
mail_max_userip_connections = 10
"""


def cpu(pid: int) -> float:
    """Return the CPU seconds of a process so far."""
    words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int, name: str = "VmRSS") -> int:
    """Return megabytes of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith(name))


def sockets(pid: int) -> int:
    """Return how many sockets a process holds."""
    count = 0
    for one in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            count += one.readlink().name.startswith("socket:")
    return count


def write(root: Path, server: dovecot.Dovecot, count: int) -> None:
    """Write the workspace."""
    outside.write(root, server.port, 9)
    head = (root / "cadenced.toml").read_text().partition("[[mailbox]]")[0]
    port, security = (server.tls_port, "tls") if server.tls_port else (server.port, "none")
    boxes = (MAILBOX.format(n=n, port=port, security=security) for n in range(count))
    (root / "cadenced.toml").write_text(head + "".join(boxes))


@contextlib.contextmanager
def running(root: Path, env: dict[str, str]) -> Iterator[subprocess.Popen[bytes]]:
    """Run the daemon."""
    with (root / "log").open("ab") as log:
        command = [outside.COMMAND, "-c", str(root / "cadenced.toml"), "run"]
        daemon = subprocess.Popen(command, env=env, stdout=log, stderr=log)
    try:
        yield daemon
    finally:
        daemon.terminate()
        daemon.wait(60)


def _synced(root: Path) -> int:
    with contextlib.closing(sqlite3.connect(f"file:{root}/cadenced.db?mode=ro", uri=True)) as base:
        try:
            return int(base.execute("SELECT count(*) FROM mailboxes WHERE synced_at IS NOT NULL").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def settle(root: Path, daemon: subprocess.Popen[bytes], count: int) -> dict[str, float]:
    """Wait until every mailbox was read and listens."""
    began, pid = time.monotonic(), daemon.pid

    def wait_until(fact: Callable[[], bool]) -> float:
        while not fact():
            time.sleep(0.5)
            assert time.monotonic() - began < 900, (root / "log").read_text()[-2000:]
            assert daemon.poll() is None, (root / "log").read_text()[-2000:]
        return time.monotonic() - began

    read = wait_until(lambda: (root / "cadenced.db").exists() and _synced(root) >= count)
    span = wait_until(lambda: sockets(pid) >= 2 * count)
    return {"all_read_s": round(read, 1), "all_listen_s": round(span, 1), "opening_cpu_s": round(cpu(pid), 1)}


def main(mailboxes: int, seconds: float, each: int, *, tls: bool) -> dict[str, Any]:
    """Run."""
    users = {f"box{n}": "secret" for n in range(mailboxes)}
    with tempfile.TemporaryDirectory() as folder, dovecot.running(users=users, tls=tls, extra=CROWD) as server:
        root = Path(folder)
        write(root, server, mailboxes)
        env = {**os.environ, "JULIE_PASSWORD": "secret"}
        if server.certificate:
            env["SSL_CERT_FILE"] = str(server.certificate.authority)
        if each:
            subprocess.run([outside.COMMAND, "-c", str(root / "cadenced.toml"), "status"], env=env, check=True)
            crowd.fill(root / "cadenced.db", mailboxes * each, mailboxes)
        with running(root, env) as daemon:
            found: dict[str, Any] = {"mailboxes": mailboxes, "tls": tls, "enrolments": mailboxes * each}
            found |= settle(root, daemon, mailboxes)
            time.sleep(10)
            before = cpu(daemon.pid)
            time.sleep(seconds)
            used = cpu(daemon.pid) - before
            found |= {"idle_cpu_percent": round(used / seconds * 100, 2), "rss_mb": memory(daemon.pid)}
            found |= {"peak_mb": memory(daemon.pid, "VmHWM"), "sockets": sockets(daemon.pid)}
            return found


if __name__ == "__main__":
    wanted = argparse.ArgumentParser(description=__doc__)
    wanted.add_argument("--mailboxes", type=int, default=1000)
    wanted.add_argument("--seconds", type=float, default=60)
    wanted.add_argument("--enrolments", type=int, default=0, help="in each mailbox")
    wanted.add_argument("--tls", action="store_true")
    given = wanted.parse_args()
    print(json.dumps(main(given.mailboxes, given.seconds, given.enrolments, tls=given.tls), indent=2))

"""A real Dovecot, for one test run: unprivileged, on loopback, with everything it owns in one temporary directory.

    with dovecot.running() as server:              # users: julie / secret
        server.port, server.deliver(b"Subject: …")

Started by root it runs as ``nobody``; started by anyone else, as that user. It ends with the process that started it.
"""

from __future__ import annotations

import contextlib
import grp
import imaplib
import itertools
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from peers import certificates
from peers.patience import PATIENCE

PROGRAM = shutil.which("dovecot") or ("/usr/sbin/dovecot" if Path("/usr/sbin/dovecot").exists() else "")
needs_dovecot = [pytest.mark.dovecot, pytest.mark.skipif(not PROGRAM, reason="Debian's dovecot-imapd is not installed")]
"""For ``pytestmark``."""

_SPECIAL = {"Sent": "Sent", "Drafts": "Drafts", "Junk": "Junk", "Trash": "Trash"}
_CONFIG = """
protocols = imap
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
listen = 127.0.0.1
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_username_chars =
auth_failure_delay = 0
default_login_user = {user}
default_internal_user = {user}
default_internal_group = {group}
default_vsz_limit = 512M
first_valid_uid = 1
mail_location = maildir:{home}/mail/%u
mail_fsync = never
maildir_stat_dirs = yes
imap_idle_notify_interval = 2 mins
passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/home/%u
}}
namespace inbox {{
  inbox = yes
  separator = /
{mailboxes}
}}
service imap-login {{
  chroot =
  process_min_avail = 1
  service_count = 0
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service imap {{
  process_limit = 2048
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
service stats {{
  chroot =
}}
{extra}
"""


@dataclass
class Dovecot:
    """A running server."""

    home: Path
    port: int
    tls_port: int
    owner: tuple[int, int]
    users: dict[str, str]
    certificate: certificates.Certificate | None
    config: Path
    _kept: tuple[socket.socket, ...] = ()
    _process: subprocess.Popen[bytes] | None = None
    _serial: Iterator[int] = field(default_factory=itertools.count)

    def deliver(self, raw: bytes, folder: str = "INBOX", user: str = "julie") -> None:
        """Put a message into a folder's ``new`` as a delivery agent does: Dovecot is not told."""
        directory = self.maildir(folder, user)
        name = f"{int(time.time())}.M{time.time_ns() % 10**9}P{os.getpid()}Q{next(self._serial)}.peer"
        for sub in ("tmp", "new", "cur"):
            (directory / sub).mkdir(parents=True, exist_ok=True)
        draft = directory / "tmp" / name
        draft.write_bytes(raw)
        if os.geteuid() == 0:
            for path in (
                *_up_to(directory, self.home / "mail"),
                *(directory / s for s in ("tmp", "new", "cur")),
                draft,
            ):
                os.chown(path, *self.owner)
        draft.rename(directory / "new" / name)

    def deliver_by_agent(self, raw: bytes, folder: str = "INBOX", user: str = "julie") -> None:
        """Deliver through ``dovecot-lda``, a process of its own."""
        lda = ["/usr/lib/dovecot/dovecot-lda", "-c", str(self.config), "-d", user, "-m", folder]
        subprocess.run(lda, input=raw, check=True, capture_output=True, **self._as_owner())

    def maildir(self, folder: str = "INBOX", user: str = "julie") -> Path:
        """Return the directory of ``folder`` (ASCII names, ``/`` between levels)."""
        root = self.home / "mail" / user
        return root if folder.upper() == "INBOX" else root / ("." + folder.replace("/", "."))

    def client(self, user: str = "julie") -> imaplib.IMAP4:
        """Return another client, logged in, that shares no code with the one under test."""
        other = imaplib.IMAP4("127.0.0.1", self.port, timeout=20)
        other.login(user, self.users[user])
        return other

    def start(self) -> None:
        """Start, and return when the server greets."""
        leash = ["setpriv", "--pdeathsig", "TERM"] if shutil.which("setpriv") else []
        command = [*leash, PROGRAM, "-F", "-c", str(self.config)]
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            **self._as_owner(),
        )
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and self._process.poll() is None:
            with contextlib.suppress(OSError, imaplib.IMAP4.error):
                imaplib.IMAP4("127.0.0.1", self.port, timeout=2).logout()
                return
            time.sleep(0.02)
        raise RuntimeError(f"dovecot did not start: {self.log()}")

    def stop(self) -> None:
        """Stop; the mail stays and ``start`` brings it back on the same port."""
        process, self._process = self._process, None
        if process is None:
            return
        for how in (signal.SIGTERM, signal.SIGKILL):  # its children too: left alone they linger for ten seconds
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(2)

    def give_back(self) -> None:
        """Let others have its ports."""
        for keeper in self._kept:
            keeper.close()

    def log(self) -> str:
        """Return what the server has to say."""
        path = self.home / "dovecot.log"
        return path.read_text(errors="replace") if path.exists() else "(no log)"

    def _as_owner(self) -> dict[str, object]:
        if os.geteuid() != 0:
            return {}
        return {"user": self.owner[0], "group": self.owner[1], "extra_groups": []}


@contextlib.contextmanager
def running(
    *, special_use: bool = True, tls: bool = False, extra: str = "", users: dict[str, str] | None = None
) -> Iterator[Dovecot]:
    """Run a server; ``special_use=False`` leaves its folders without attributes, ``extra`` is added to its config."""
    home = Path(tempfile.mkdtemp(prefix="cadenced-dovecot-"))
    try:
        server = _prepare(home, special_use=special_use, tls=tls, extra=extra, users=users or {"julie": "secret"})
        server.start()
        try:
            yield server
        finally:
            server.stop()
            server.give_back()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _prepare(home: Path, *, special_use: bool, tls: bool, extra: str, users: dict[str, str]) -> Dovecot:
    who = pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    certificate = certificates.make(home / "tls") if tls else None
    kept = tuple(kept_port() for _ in range(2 if tls else 1))
    port, tls_port = kept[0].getsockname()[1], kept[-1].getsockname()[1] if tls else 0
    (home / "users").write_text("".join(f"{_escaped(user)}:{{PLAIN}}{secret}\n" for user, secret in users.items()))
    boxes = "\n".join(_mailbox(name, use if special_use else "") for name, use in _SPECIAL.items())
    files = f"ssl_cert = <{certificate.chain}\nssl_key = <{certificate.key}" if certificate else ""
    config = home / "dovecot.conf"
    config.write_text(
        _CONFIG.format(
            home=home, ssl="yes" if tls else "no", certificate=files, user=who.pw_name, uid=who.pw_uid, gid=who.pw_gid,
            group=grp.getgrgid(who.pw_gid).gr_name, port=port, tls_port=tls_port, mailboxes=boxes, extra=extra,
        )
    )  # fmt: skip
    for directory in ("run", "state", "mail", "home"):
        (home / directory).mkdir()
    if os.geteuid() == 0:
        for path in (home, *home.rglob("*")):
            os.chown(path, who.pw_uid, who.pw_gid)
    return Dovecot(home, port, tls_port, (who.pw_uid, who.pw_gid), users, certificate, config, kept)


def _mailbox(name: str, use: str) -> str:
    special = f"special_use = \\{use}" if use else ""
    return f"  mailbox {name} {{\n    auto = create\n    {special}\n  }}"


def _escaped(user: str) -> str:
    return re.sub(r"([\"'\\])", r"\\\1", user)  # as passwd-file looks it up


def kept_port() -> socket.socket:
    """Return a socket whose port the server can listen on, and nobody else is given while it is open."""
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    return keeper


def _up_to(directory: Path, root: Path) -> list[Path]:
    return [path for path in (directory, *directory.parents) if root in path.parents]

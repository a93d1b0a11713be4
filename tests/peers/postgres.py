"""A PostgreSQL server of our own: a private cluster in a temporary folder, on a Unix socket, gone afterwards.

Works for a plain user and for root (PostgreSQL refuses to run as root, so its programs then run as ``postgres`` or
``nobody``). ``available()`` says whether the programs are here.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

from peers.dovecot import kept_port
from peers.patience import PATIENCE

_PLACES = ("/usr/lib/postgresql/*/bin", "/usr/local/bin", "/usr/local/pgsql/bin")


def program(name: str) -> str | None:
    """Return the path of one of PostgreSQL's programs, None where it is not installed."""
    if found := shutil.which(name):
        return found
    for place in _PLACES:
        for path in sorted(Path("/").glob(f"{place[1:]}/{name}"), reverse=True):
            return str(path)
    return None


def available() -> bool:
    """Whether a server can be started here."""
    return all(program(name) for name in ("initdb", "pg_ctl", "postgres"))


class Server:
    """A running server; ``database()`` makes an empty database and returns its URL."""

    def __init__(self, runner: _Runner) -> None:
        self.folder = runner.folder
        self._runner = runner

    def crash(self) -> None:
        """End as at a power cut, without a word to anybody (but what is written stays written)."""
        self._runner.stop()

    def start(self) -> None:
        """Come back after a crash."""
        self._runner.start()

    def _way_in(self) -> dict[str, Any]:
        return {"host": str(self.folder), "port": self._runner.port or None, "user": "cadenced", "dbname": "postgres"}

    def database(self, like: str = "template0") -> str:
        """Return the URL of a new database, empty or a copy of the one whose URL is given."""
        name = f"t{uuid.uuid4().hex[:12]}"
        source = like.rpartition("/")[2].partition("?")[0]
        with psycopg.connect(**self._way_in(), autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{source}"'.encode())
        if self._runner.port:
            return f"postgresql://cadenced@127.0.0.1:{self._runner.port}/{name}"
        return f"postgresql://cadenced@/{name}?host={self.folder}"


@contextmanager
def server(*, on_loopback: bool = False) -> Iterator[Server]:
    """Start a server, and stop it at the end; nothing of it stays. Where told it listens on loopback too."""
    folder = Path(tempfile.mkdtemp(prefix="cadenced-pg-"))
    keeper = kept_port() if on_loopback else None
    runner = _Runner(folder, keeper.getsockname()[1] if keeper else 0)
    try:
        runner.initialise()
        runner.start()
        try:
            yield Server(runner)
        finally:
            runner.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if keeper:
            keeper.close()


class _Runner:
    """Runs the programs, as another user where we are root."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        self.folder = folder
        self.port = port
        self.data = folder / "data"
        self._user = _other_user() if os.getuid() == 0 else None
        folder.chmod(0o755)
        if self._user:
            os.chown(folder, self._user.pw_uid, self._user.pw_gid)

    def initialise(self) -> None:
        self._run("initdb", "-D", str(self.data), "-U", "cadenced", "-A", "trust", "-E", "UTF8", "--locale=C", "-N")

    def start(self) -> None:
        place = f"-c listen_addresses=127.0.0.1 -p {self.port}" if self.port else "-c listen_addresses=''"
        options = f"-k {self.folder} {place} -c fsync=off -c max_connections=30"
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.data), "-l", log, "-o", options, "-w", "-t", str(int(PATIENCE)), "start")

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "-t", str(int(PATIENCE)), "stop")

    def _run(self, name: str, *arguments: str) -> None:
        path = program(name)
        if path is None:
            raise FileNotFoundError(name)
        who = {"user": self._user.pw_uid, "group": self._user.pw_gid, "extra_groups": []} if self._user else {}
        environment = {"PATH": os.environ.get("PATH", ""), "LC_ALL": "C", "HOME": str(self.folder)}
        done = subprocess.run(
            [path, *arguments],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE if name == "initdb" else subprocess.DEVNULL,  # a server keeps the pipe open
            timeout=PATIENCE,
            check=False,
            **who,
        )
        if done.returncode:
            raise RuntimeError(f"{name} failed: {done.stderr!r}")


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is no user to run it as")

"""A PostgreSQL server of our own: a private cluster in a temporary folder, on a Unix socket, gone afterwards.

Works for a plain user and for root (PostgreSQL refuses to run as root, so its programs then run as ``postgres`` or
``nobody``). ``available()`` says whether the programs are here.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psycopg

from peers.dovecot import kept_port
from peers.patience import PATIENCE, until

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

    def kill(self) -> None:
        """Kill the server and all its sessions, and wait until they are gone."""
        self._runner.kill()

    def promote(self) -> None:
        """Take over from the server that this one follows."""
        self._runner.promote()

    @property
    def port(self) -> int:
        """Where it listens on loopback, 0 where it does not."""
        return self._runner.port

    def ask(self, *statements: str) -> list[Any]:
        """Run statements as whoever runs the server does; returns the rows of the last one."""
        with psycopg.connect(**self._way_in(), autocommit=True) as connection:
            cursors = [connection.execute(statement.encode()) for statement in statements]
            return cursors[-1].fetchall() if cursors[-1].description else []

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
    with _place(on_loopback=on_loopback) as runner:
        runner.initialise()
        runner.start()
        try:
            yield Server(runner)
        finally:
            runner.stop()


@contextmanager
def _place(*, on_loopback: bool) -> Iterator[_Runner]:
    """Have a folder, and a port of our own where one is wanted; both are given back."""
    folder = Path(tempfile.mkdtemp(prefix="cadenced-pg-"))
    keeper = kept_port() if on_loopback else None
    try:
        yield _Runner(folder, keeper.getsockname()[1] if keeper else 0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        if keeper:
            keeper.close()


@contextmanager
def follower(of: Server) -> Iterator[Server]:
    """Start a standby that follows a server on loopback; it does not wait to be asked whether it may take over."""
    with _place(on_loopback=True) as runner:
        runner.copy(of.port)
        runner.start()
        try:
            yield Server(runner)
        finally:
            runner.stop()


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

    def copy(self, port: int) -> None:
        way = ("-h", "127.0.0.1", "-p", str(port), "-U", "cadenced")
        self._run("pg_basebackup", "-D", str(self.data), *way, "-R", "-X", "stream", "-c", "fast", "-N")

    def stop(self) -> None:
        if self._pid():
            self._run("pg_ctl", "-D", str(self.data), "-m", "immediate", "-w", "-t", str(int(PATIENCE)), "stop")

    def promote(self) -> None:
        self._run("pg_ctl", "-D", str(self.data), "-w", "-t", str(int(PATIENCE)), "promote")

    def kill(self) -> None:
        pid = self._pid()
        family = [pid, *_children(pid)]
        for one in family:
            with suppress(ProcessLookupError):
                os.kill(one, signal.SIGKILL)
        until(lambda: not any(_lives(one) for one in family))
        (self.data / "postmaster.pid").unlink()

    def _pid(self) -> int:
        """Return the server's process, 0 where there is none."""
        path = self.data / "postmaster.pid"
        return int(path.read_text().split("\n", 1)[0]) if path.exists() else 0

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


def _children(pid: int) -> list[int]:
    found = (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text()
    return [int(one) for one in found.split()]


def _lives(pid: int) -> bool:
    """Whether a process runs; one that nobody has waited for yet does not."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _other_user() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeError("PostgreSQL does not run as root, and there is no user to run it as")

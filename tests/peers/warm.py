"""Warm processes: the product imported once, then a fresh fork of it for each run of a command. Tests by the hundred.

A cold start costs seconds of processor time, most of it for imports and patterns; a suite that kills a daemon a
thousand times cannot pay that. What runs in the fork is the installed command's own ``main()``.

    with warm.stable() as stable:
        run = stable.start(root, "run", "--until-idle", order=shim.order("k", 12, root))
        run.wait()

``patches`` set names of the product in the fork alone (``"cadenced.engine.steadiness:CALM": "timedelta(seconds=2)"``):
to scale a span of minutes down to seconds, or to leave a safeguard out and see the suite fail.
"""

from __future__ import annotations

import ctypes
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peers import shim, workspace
from peers.patience import PATIENCE

_STOPPED = 128


@dataclass
class Run:
    """One run of the command in a fork."""

    stable: Stable
    pid: int
    log: Path
    status: int | None = None

    def poll(self) -> int | None:
        """Return the exit status (128 + the number of the signal that ended it), None while it runs."""
        if self.status is None:
            self.status = self.stable.ask({"poll": self.pid})["status"]
        return self.status

    def wait(self, seconds: float = PATIENCE) -> int:
        """Wait for its end; it is killed, and an assertion fails, when that does not come."""
        end = time.monotonic() + seconds
        while (status := self.poll()) is None:
            if time.monotonic() > end:
                self.kill()
                raise AssertionError(f"it did not end: {self.said()}")
            time.sleep(0.01)
        return status

    def signal(self, number: int) -> None:
        """Send it a signal, if it still runs."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once, and wait until it is gone."""
        self.signal(signal.SIGKILL)
        while self.poll() is None:
            time.sleep(0.005)

    def said(self) -> str:
        """Return what it has logged."""
        return self.log.read_text(errors="replace") if self.log.exists() else ""


@dataclass
class Stable:
    """The process that forks."""

    process: subprocess.Popen[bytes]
    runs: list[Run] = field(default_factory=list)

    def ask(self, question: dict[str, Any]) -> dict[str, Any]:
        """Ask the process, and return its answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(question).encode() + b"\n")
        self.process.stdin.flush()
        answer: dict[str, Any] = json.loads(self.process.stdout.readline())
        return answer

    def start(
        self,
        root: Path,
        *words: str,
        order: str = "",
        patches: Mapping[str, str] | None = None,
        env: Mapping[str, str] | None = None,
        log: Path | None = None,
        clock: Path | None = None,
    ) -> Run:
        """Run a command of the workspace in ``root``; it writes to ``log`` (else ``root/log``).

        Its wall clock is wrong by what stands in the file ``clock`` (see ``shim.set_clock``).
        """
        where = log or root / "log"
        question = {
            "words": ["-c", str(root / "cadenced.toml"), *words],
            "order": order,
            "patches": dict(patches or {}),
            "env": {**workspace.ENVIRONMENT, **(env or {})},
            "log": str(where),
            "cwd": str(root),
            "clock": str(clock or ""),
        }
        run = Run(self, self.ask(question)["pid"], where)
        self.runs.append(run)
        return run


@contextmanager
def stable(*, preload: str = "", env: Mapping[str, str] | None = None) -> Iterator[Stable]:
    """Keep a warm process; ``preload`` are further libraries for LD_PRELOAD. What still runs at the end is killed."""
    libraries = [str(shim.library())] * shim.works_here() + ([preload] if preload else [])
    paths = os.pathsep.join([str(Path(__file__).parents[1]), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "LD_PRELOAD": ":".join(libraries), "PYTHONPATH": paths, "SHIM": "", **(env or {})}
    pipe = subprocess.PIPE
    with subprocess.Popen([sys.executable, "-m", "peers.warm"], env=environment, stdin=pipe, stdout=pipe) as process:
        kept = Stable(process)
        try:
            yield kept
        finally:
            for run in kept.runs:
                run.kill()
            assert process.stdin is not None
            process.stdin.close()


def _serve() -> None:
    """Answer questions until nobody asks any more."""
    for name in ("cadenced.daemon", "cadenced.cli.program"):
        importlib.import_module(name)
    importlib.import_module("cadenced.reading.verdict").warm()
    for line in sys.stdin.buffer:
        question = json.loads(line)
        answer = {"status": _status(question["poll"])} if "poll" in question else {"pid": _fork(question)}
        sys.stdout.write(json.dumps(answer) + "\n")
        sys.stdout.flush()


def _status(pid: int) -> int | None:
    found, status = os.waitpid(pid, os.WNOHANG)
    if not found:
        return None
    code = os.waitstatus_to_exitcode(status)
    return code if code >= 0 else _STOPPED - code


def _fork(question: dict[str, Any]) -> int:
    pid = os.fork()
    if pid:
        return pid
    status = 70
    try:
        status = _run(question)
    finally:
        os._exit(status)


def _run(question: dict[str, Any]) -> int:
    """Become the command."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: nobody is left behind
    log = os.open(question["log"], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for number in (1, 2):
        os.dup2(log, number)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.chdir(question["cwd"])
    os.environ.update(question["env"])
    for name, expression in question["patches"].items():
        _patch(name, expression)
    if question["clock"]:
        ctypes.CDLL(None).shim_clock(question["clock"].encode())
    if question["order"]:
        ctypes.CDLL(None).shim_arm(question["order"].encode())
    status = _command(question["words"])
    if question["order"]:
        ctypes.CDLL(None).shim_end()
    return status


def _command(words: list[str]) -> int:
    sys.argv = ["cadenced", *words]
    try:
        importlib.import_module("cadenced.__main__").main()
    except SystemExit as ended:
        sys.stdout.flush()
        sys.stderr.flush()
        return int(ended.code or 0)
    return 0


def _patch(name: str, expression: str) -> None:
    module, _, path = name.partition(":")
    owner: Any = importlib.import_module(module)
    *parents, last = path.split(".")
    for parent in parents:
        owner = getattr(owner, parent)
    known = {"timedelta": __import__("datetime").timedelta, "owner": owner, **vars(importlib.import_module(module))}
    value = eval(expression, known)  # noqa: S307 - the tests' own words
    if isinstance(owner, dict):
        owner[last] = value
    else:
        setattr(owner, last, value)


if __name__ == "__main__":
    _serve()

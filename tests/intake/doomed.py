"""A process that dies at one exact point: just before the n-th of its calls that change a file or the database.

Forked from a server that has everything loaded, so that a death costs no start of Python.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

_ON_DISK = ("open", "rename", "replace", "link", "unlink", "mkdir", "rmdir", "fsync")
CHANGES = frozenset({*_ON_DISK, "execute", "executemany", "executescript", "commit", "rollback"})
"""Calls into C by whose end something may stand on the disk that did not before."""

_LOADED = [
    "cadenced.cli.imports",
    "cadenced.cli.program",
    "intake.importer",
    "cadenced.engine.opening",
    "intake.doomed",
]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(_LOADED)


class Doom:
    """Counts calls that change something, in every thread, from the first of a name; ends the process at the last."""

    def __init__(self, last: int, first: str) -> None:
        self._left = last
        self._first = first
        self._lock = threading.Lock()

    def __call__(self, _frame: FrameType, event: str, what: Any) -> None:
        name = getattr(what, "__name__", "")
        if event == "c_call" and name in CHANGES:
            with self._lock:
                if self._first not in {"", name}:
                    return
                self._first = ""
                self._left -= 1
                if not self._left:
                    os.kill(os.getpid(), signal.SIGKILL)

    def begin(self) -> None:
        threading.setprofile(self)
        sys.setprofile(self)


def command(root: Path, *files: Path) -> None:
    """``cadenced import``."""
    from cadenced.cli import program  # noqa: PLC0415 - in the forked process

    os.environ["JULIE_PASSWORD"] = "secret"
    sys.argv = ["cadenced", "-c", str(root / "cadenced.toml"), "import", *map(str, files)]
    sys.exit(program.main())


def dropped(root: Path) -> None:
    """Take what lies in the inbox, as the daemon does."""
    from intake import importer  # noqa: PLC0415 - in the forked process

    asyncio.run(importer.main(f"sqlite:///{root}/cadenced.db", str(root / "inbox")))


def _doomed(point: tuple[int, str], what: Callable[..., None], arguments: tuple[Path, ...]) -> None:
    with Path(os.devnull).open("w") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
    Doom(*point).begin()
    what(*arguments)


def killed(point: tuple[int, str], what: Callable[..., None], *arguments: Path) -> bool:
    """Run something up to its n-th change from the first of a name on; return whether it was killed there."""
    process = _FORKS.Process(target=_doomed, args=(point, what, arguments))
    process.start()
    process.join()
    assert process.exitcode in {0, -signal.SIGKILL}, process.exitcode
    return process.exitcode != 0

"""``shim.c``, compiled when it is first asked for: it kills, starves or records a process between two system calls.

shim.library()                     the shared object, for LD_PRELOAD
shim.order("k", 12, folder)        for the environment variable SHIM, or for a warm process
shim.recorded(trace)               what mode ``r`` has seen, in its order
"""

from __future__ import annotations

import functools
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

SOURCE = Path(__file__).with_name("shim.c")
_HEAD = struct.Struct("<cIQQ")


def works_here() -> bool:
    """Whether a C compiler and a dynamic loader with LD_PRELOAD are here."""
    return sys.platform == "linux" and shutil.which("gcc") is not None


needs_shim = [pytest.mark.skipif(not works_here(), reason="gcc, or LD_PRELOAD, is not here")]
"""For ``pytestmark``."""


@functools.cache
def library() -> Path:
    """Return the compiled shim; it lasts as long as this process."""
    folder = _folder()
    made = folder / "shim.so"
    command = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(made), str(SOURCE), "-ldl", "-lpthread"]
    subprocess.run(command, check=True, capture_output=True)
    folder.chmod(0o755)
    return made


def order(mode: str, at: int, folder: Path, trace: Path | None = None) -> str:
    """Return what the shim is to do; the modes stand in ``shim.c``."""
    return "\x1f".join([mode, str(at), str(folder.resolve()), str(trace or "")])


@dataclass(frozen=True, slots=True)
class Call:
    """One call that was recorded: (w)rite, s(ay), (f)sync, (t)runcate, (u)nlink, (m)ove."""

    what: str
    path: str
    offset: int
    data: bytes


def recorded(trace: Path) -> Iterator[Call]:
    """Yield the calls of a trace in their order."""
    raw, at = trace.read_bytes(), 0
    while at + _HEAD.size <= len(raw):
        what, name, offset, size = _HEAD.unpack_from(raw, at)
        at += _HEAD.size
        path, data = raw[at : at + name], raw[at + name : at + name + size]
        at += name + size
        yield Call(what.decode(), path.decode(), offset, data)


def set_clock(path: Path, seconds: float) -> None:
    """Put the wall clock of whoever watches this file ahead (or back) from this moment on."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.write(struct.pack("d", seconds))


@functools.cache
def _folder() -> Path:
    holder = tempfile.TemporaryDirectory(prefix="cadenced-shim-")
    _kept.append(holder)
    return Path(holder.name)


_kept: list[tempfile.TemporaryDirectory[str]] = []

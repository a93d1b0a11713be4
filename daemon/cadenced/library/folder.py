"""Files of a workspace's folder, read whole and with distrust: regular, inside the folder, small, UTF-8 text."""

from __future__ import annotations

import errno
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cadenced.errors import BrokenWorkspaceError, Problem

LARGEST_FILE = 256 * 1024
"""Bytes; the longest hand-written sequence known has a tenth of it."""
MOST_FILES = 5_000
_NAME = re.compile(r"[a-z0-9_-]{1,64}")
_PASSED_OVER = re.compile(r"[.#~]|readme\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Source:
    """One file: its name without suffix, the path that problems name, its text, and the digest of its bytes."""

    name: str
    file: str
    path: Path
    text: str
    version: str


def shown(path: Path) -> str:
    """Return a path as problems name it: relative to the current folder where it lies below it."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def listing(root: Path, suffixes: tuple[str, ...]) -> list[Path]:
    """Return the files of a folder that are meant to be read, in order of name.

    Hidden files, editors' leftovers and READMEs are passed over. BrokenWorkspaceError where the folder cannot be read.
    """
    try:
        found = sorted(path for path in root.iterdir() if path.suffix.lower() in suffixes)
    except OSError as wrong:
        problem = Problem(shown(root), 0, 0, f"this folder cannot be read: {wrong.strerror}", "create it")
        raise BrokenWorkspaceError([problem]) from wrong
    if len(found) > MOST_FILES:
        raise BrokenWorkspaceError([Problem(shown(root), 0, 0, f"there are more than {MOST_FILES} files here")])
    return [path for path in found if not _PASSED_OVER.match(path.name)]


@dataclass(frozen=True, slots=True)
class Shelf:
    """A folder's files as read, the names of all of them, and what is wrong with those that could not be read."""

    sources: tuple[Source, ...] = ()
    names: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()


def read(root: Path, suffixes: tuple[str, ...]) -> Shelf:
    """Read every file of a folder; what cannot be used becomes a problem, the folder itself included."""
    try:
        paths = listing(root, suffixes)
    except BrokenWorkspaceError as wrong:
        return Shelf(problems=wrong.problems)
    sources: dict[str, Source] = {}
    problems: list[Problem] = []
    inside = root.resolve()
    for path in paths:
        found = _source(path, inside)
        if isinstance(found, Problem):
            problems.append(found)
        elif found.name in sources:
            other = sources[found.name].path.name
            problems.append(Problem(found.file, 0, 0, f"there is also {other} of the same name", "remove one of them"))
        else:
            sources[found.name] = found
    return Shelf(tuple(sources.values()), frozenset(path.stem for path in paths), tuple(problems))


def _source(path: Path, inside: Path) -> Source | Problem:
    file = shown(path)
    if not _NAME.fullmatch(path.stem):
        return Problem(file, 0, 0, f'"{path.stem}" is not a name', "rename it: small letters, digits, - and _")
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(inside):
            return Problem(file, 0, 0, "this link leads out of its folder", "copy the file here instead")
        raw = _bytes(real)
    except OSError as wrong:
        return Problem(file, 0, 0, f"cannot be read: {wrong.strerror}")
    return _decoded(raw, path, file)


def _decoded(raw: bytes, path: Path, file: str) -> Source | Problem:
    if len(raw) > LARGEST_FILE:
        return Problem(file, 0, 0, f"is larger than {LARGEST_FILE // 1024} KB")
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        column = wrong.start - raw.rfind(b"\n", 0, wrong.start)
        return Problem(file, line, column, "this is not UTF-8 text", "save the file as UTF-8")
    if not text.strip():
        return Problem(file, 1, 0, "the file is empty")
    return Source(path.stem, file, path, text, sha256(raw).hexdigest())


def _bytes(path: Path) -> bytes:
    """Read a regular file without following links or waiting for a pipe's other end."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(handle, "rb") as file:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return file.read(LARGEST_FILE + 1)


def states(root: Path, suffixes: tuple[str, ...]) -> Iterator[tuple[str, int, int, int, int]]:
    """Yield name, size, inode and times of every file that would be read: cheap, and different after a change."""
    for path in listing(root, suffixes):
        try:
            status = path.stat()
        except OSError:
            yield (path.name, -1, 0, 0, 0)
        else:
            yield (path.name, status.st_size, status.st_ino, status.st_mtime_ns, status.st_ctime_ns)

"""Which folder a drop folder is: workers on one folder take turns at it, workers with folders of their own do not.

Names do not tell: two machines may each have a folder of the same name, or share one under two. So the folder bears a
mark; one that was copied with the folder names another inode, and is drawn anew.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from pathlib import Path

_NAME = ".cadenced"


def of(inbox: Path) -> str:
    """Return the mark of a drop folder, made where there is none; OSError where it cannot be written."""
    inbox.mkdir(parents=True, exist_ok=True)
    place = inbox / _NAME
    for _ in range(3):
        found = _read(place)
        if found:
            return found
        _write(place)
    raise OSError(f"{place} cannot be read")


def _read(place: Path) -> str:
    """Return the mark; empty where there is none, or where it was copied here."""
    try:
        with place.open(encoding="ascii") as file:
            mark, _, inode = file.read(80).strip().partition(" ")
            return mark if inode == str(os.fstat(file.fileno()).st_ino) else ""
    except (FileNotFoundError, UnicodeDecodeError):
        return ""


def _write(place: Path) -> None:
    """Write a mark whole or not at all; of two writers one is first."""
    draft = place.with_name(f"{_NAME}.{secrets.token_hex(4)}.tmp")
    try:
        with draft.open("x", encoding="ascii") as file:
            file.write(f"{secrets.token_hex(8)} {os.fstat(file.fileno()).st_ino}\n")
        if place.exists() and not _read(place):
            place.unlink(missing_ok=True)
        with contextlib.suppress(FileExistsError):
            place.hardlink_to(draft)
    finally:
        draft.unlink(missing_ok=True)

"""The file itself: where it is found, and how its tables become a Config."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path
from types import MappingProxyType
from typing import NoReturn

from cadenced.config import mailboxes, sections
from cadenced.config.positions import locate
from cadenced.config.table import Report, Table
from cadenced.config.values import Config
from cadenced.errors import BrokenWorkspaceError, Problem

NAME = "cadenced.toml"
SYSTEM = Path("/etc/cadenced") / NAME
_LARGEST = 1_000_000
_PLACE = re.compile(r" \(at line (\d+), column (\d+)\)$")


def find(explicit: Path | None = None) -> Path:
    """Return the file asked for, else $CADENCED_CONFIG, ``./cadenced.toml``, ``/etc/cadenced/cadenced.toml``.

    A folder stands for the file in it. BrokenWorkspaceError where nothing was asked for and none is found.
    """
    asked = explicit or (Path(env) if (env := os.environ.get("CADENCED_CONFIG")) else None)
    if asked is not None:
        return asked / NAME if asked.is_dir() else asked
    for candidate in (Path(NAME), SYSTEM):
        if candidate.is_file():
            return candidate
    message = f"there is no {NAME} here, nor {SYSTEM}"
    raise BrokenWorkspaceError([Problem(NAME, 0, 0, message, "`cadenced init DIR` makes one; -c FILE names one")])


def load(path: Path) -> Config:
    """Read and check a configuration; BrokenWorkspaceError carries all of its problems with their places."""
    text = _text(path)
    values = _parsed(path, text)
    report = Report(str(path), locate(text))
    config = _config(Table(values, (), report), path.absolute())
    if report.problems:
        raise BrokenWorkspaceError(sorted(report.problems, key=lambda problem: (problem.line, problem.column)))
    return config


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(_LARGEST + 1)
    except OSError as wrong:
        _broken(path, f"cannot be read: {wrong.strerror}", "`cadenced init DIR` makes a new one", cause=wrong)
    if len(raw) > _LARGEST:
        _broken(path, "is larger than 1 MB", "this is not a configuration")
    try:
        return raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as wrong:
        line = raw.count(b"\n", 0, wrong.start) + 1
        _broken(path, "is not UTF-8 text", "save it as UTF-8", place=(line, 0), cause=wrong)


def _parsed(path: Path, text: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as wrong:
        message = str(wrong)
        found = _PLACE.search(message)
        last = text.count("\n") + 1
        place = (int(found[1]), int(found[2])) if found else (last, 0)
        _broken(path, _PLACE.sub("", message), "this is not TOML: https://toml.io", place=place, cause=wrong)
    except RecursionError as wrong:
        _broken(path, "is nested too deeply", "a configuration is two tables deep", cause=wrong)


def _broken(
    path: Path, message: str, cure: str, *, place: tuple[int, int] = (0, 0), cause: Exception | None = None
) -> NoReturn:
    raise BrokenWorkspaceError([Problem(str(path), *place, message, cure)]) from cause


def _config(root: Table, path: Path) -> Config:
    daemon = sections.daemon(root.table("daemon"), path.parent)
    window = sections.window(root, daemon)
    safety, web = sections.safety(root.table("safety")), sections.web(root.table("web"))
    boxes = mailboxes.read(root, path.parent)
    lint = MappingProxyType(dict(root.table("lint").values))
    root.close()
    if not boxes:
        root.report.warning((), "there is no [[mailbox]]: nothing can be sent", "add one with its smtp and imap")
    return Config(path, daemon, window, boxes, safety, web, lint, tuple(root.report.warnings))

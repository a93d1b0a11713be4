"""A new workspace: a commented cadenced.toml and the starter set, written whole or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from cadenced.errors import RefusedError

_FOLDERS = (("sequences", (".yaml", ".yml")), ("templates", (".md",)))
LOCALTIME = Path("/etc/localtime")


def starter() -> Traversable:
    """Return the folder of the starter set's ``sequences`` and ``templates``: the package's, or its source's."""
    package = resources.files("cadenced")
    shipped = package.joinpath("starter")
    return shipped if shipped.is_dir() else Path(str(package)).parents[1]


def write_workspace(directory: Path, localtime: Path = LOCALTIME) -> list[Path]:
    """Write a workspace and return its files; RefusedError names those in the way, and then nothing is written."""
    contents = {directory / name: text for name, text in _contents(localtime)}
    standing = [path for path in contents if os.path.lexists(path)]
    if standing:
        names = ", ".join(str(path) for path in standing[:5]) + (", …" if len(standing) > 5 else "")
        raise RefusedError(f"not overwritten: {names}; choose an empty folder, or move these away")
    try:
        _write(directory, contents)
    except OSError as wrong:
        raise RefusedError(f"the workspace could not be written: {wrong.strerror}: {wrong.filename}") from wrong
    return list(contents)


def _contents(localtime: Path) -> Iterator[tuple[str, str]]:
    own = resources.files("cadenced.library")
    zone, country = _here(localtime)
    text = own.joinpath("workspace.toml").read_text("utf-8")
    yield "cadenced.toml", _filled(_filled(text, "@TIMEZONE@", zone), "@COUNTRY@", country)
    yield "example.csv", own.joinpath("example.csv").read_text("utf-8")
    for name, suffixes in _FOLDERS:
        for file in sorted(starter().joinpath(name).iterdir(), key=lambda file: file.name):
            if file.name.endswith(suffixes) and not file.name.startswith("."):
                yield f"{name}/{file.name}", file.read_text("utf-8")


def _filled(text: str, gap: str, value: str) -> str:
    """Put a value in the place of a gap; the comments behind it stay in line as far as the value allows."""
    quoted = re.compile(f'"{gap}"( *)')
    return quoted.sub(lambda found: f'"{value}"'.ljust(len(found[0]) - 1) + " ", text)


def _write(directory: Path, contents: Mapping[Path, str]) -> None:
    """Write every file; on any error take back what was made."""
    made: list[Path] = []
    try:
        for folder in (directory, *(directory / name for name in ("sequences", "templates", "inbox"))):
            made += _new_folders(folder)
        for path, text in contents.items():
            with path.open("x", encoding="utf-8", newline="\n") as file:
                made.append(path)
                file.write(text)
    except BaseException:
        for path in reversed(made):
            path.rmdir() if path.is_dir() else path.unlink()
        raise


def _new_folders(folder: Path) -> list[Path]:
    """Make a folder and the missing ones above it; return those that are new, outermost first."""
    missing = [path for path in (*reversed(folder.parents), folder) if not path.is_dir()]
    for path in missing:
        path.mkdir()
    return missing


def _here(localtime: Path) -> tuple[str, str]:
    """Return this machine's time zone and the country it belongs to; UTC and none where that is not known."""
    try:
        zone = str(localtime.resolve()).partition("/zoneinfo/")[2]
    except OSError:
        zone = ""
    table = (resources.files("tzdata") / "zoneinfo" / "zone.tab").read_text("utf-8")
    rows = (line.split("\t") for line in table.splitlines() if not line.startswith("#"))
    countries = {row[2]: row[0] for row in rows if len(row) > 2}
    return (zone, countries[zone]) if zone in countries else ("UTC", "")

"""The report beside an imported file: a row for every row of it, safe to open in a spreadsheet.

That of a command is written once, whoever is killed when, and over nothing of anybody's: where it goes is noted with
the rows that wait before it is put there, so that the next run of the same command knows it again.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from cadenced.engine import intake_spool
from cadenced.store.import_spool import Spool
from cadenced.store.imports import Verdict

COLUMNS = ("line", "email", "verdict", "reason")
Pages = Callable[[int], list[Verdict]]
"""Gives the lines that follow a line, none at the end."""

_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\x00")
_NOTE = "report"


def inert(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP ASVS 1.2.10)."""
    return f"'{cell}" if cell.startswith(_ACTIVE) else cell


class Report:
    """Written beside its place and put there when it is complete, so that nobody reads half of one."""

    def __init__(self, path: Path, part: Path | None = None) -> None:
        self.part = part or path.with_name(f".{path.name}.part")
        self._path = path
        self._stream = self.part.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        self._writer.writerow(COLUMNS)

    def add(self, verdicts: Iterable[Verdict]) -> None:
        """Add lines."""
        self._writer.writerows((v.line, inert(v.email), v.verdict, inert(v.reason)) for v in verdicts)

    def fill(self, pages: Pages) -> None:
        """Add every line; nothing is left behind where that fails."""
        try:
            last = 0
            while rows := pages(last):
                self.add(rows)
                last = rows[-1].line
            self.seal()
        except BaseException:
            self.abandon()
            raise

    def seal(self) -> None:
        """Make what was written durable; nothing is added any more."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()

    def complete(self) -> None:
        """Put the report in its place."""
        if not self._stream.closed:
            self.seal()
        self.part.replace(self._path)

    def abandon(self) -> None:
        """Leave nothing behind of a report that was not finished."""
        self._stream.close()
        self.part.unlink(missing_ok=True)


def write_report(pages: Pages, place: Path) -> None:
    """Write a whole report over whatever stands in its place."""
    report = Report(place)
    report.fill(pages)
    report.complete()


def tell(spool: Spool, pages: Pages, free: Callable[[], Path], source: str = "") -> Path:
    """Write the report of rows that wait to a place that is ``free``, unless a run before has; return where it stands.

    ``source`` is the file it is about, by which the next run knows it again.
    """
    noted = spool.facts.get(_NOTE)
    if noted:
        place = Path(noted["place"])
        part = _part(spool, place)
        told = noted["told"] or _signature(place) == noted["signature"]
        part.unlink(missing_ok=True)
        if told:
            spool.note({_NOTE: {**noted, "told": True}})
            return place
    return _tell(spool, pages, free, source)


def _tell(spool: Spool, pages: Pages, free: Callable[[], Path], source: str) -> Path:
    place = free()
    report = Report(place, _part(spool, place))
    report.fill(pages)
    part = report.part
    while True:
        note = {"place": str(place.absolute()), "source": source, "signature": _signature(part), "told": False}
        spool.note({_NOTE: note})
        if _put(part, place):
            break
        place = free()
        part = part.rename(_part(spool, place))
    intake_spool.sync_folder(place.parent)
    spool.note({_NOTE: {**note, "told": True}})
    return place


def was_told(spool: Spool) -> str | None:
    """Return about which file a report of these rows was written, None where there is none yet."""
    noted = spool.facts.get(_NOTE)
    if noted and (noted["told"] or _signature(Path(noted["place"])) == noted["signature"]):
        return str(noted["source"])
    return None


def _part(spool: Spool, place: Path) -> Path:
    """Return where a report is written: only who has the rows in hand writes there."""
    return place.with_name(f".{place.name[:50]}.{spool.path.stem[:8]}.part")


def _put(part: Path, place: Path) -> bool:
    """Give a report its name, unless something else has that name by now."""
    try:
        os.link(part, place)
    except FileExistsError:
        return False
    except OSError:  # a file system without links
        if os.path.lexists(place):
            return False
        part.rename(place)
    part.unlink(missing_ok=True)
    return True


def _signature(path: Path) -> list[int]:
    """Return by which a file is known again under another name; nothing where there is none."""
    try:
        found = path.lstat()
    except OSError:
        return []
    return [found.st_ino, found.st_size, found.st_mtime_ns]

"""The report beside an imported file: a row for every row of it, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from cadenced.store.imports import Verdict

COLUMNS = ("line", "email", "verdict", "reason")
_ACTIVE = ("=", "+", "-", "@", "\t", "\r", "\x00")


def inert(cell: str) -> str:
    """Return a cell that no spreadsheet takes for a formula (OWASP ASVS 1.2.10)."""
    return f"'{cell}" if cell.startswith(_ACTIVE) else cell


class Report:
    """Written beside its place and put there when it is complete, so that nobody reads half of one."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.part")
        self._stream = self._part.open("w", encoding="utf-8-sig", newline="")  # the mark makes Excel read UTF-8
        self._writer = csv.writer(self._stream, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        self._writer.writerow(COLUMNS)

    def add(self, verdicts: Iterable[Verdict]) -> None:
        """Add lines."""
        self._writer.writerows((v.line, inert(v.email), v.verdict, inert(v.reason)) for v in verdicts)

    def complete(self) -> None:
        """Put the report in its place."""
        self._stream.flush()
        os.fsync(self._stream.fileno())
        self._stream.close()
        self._part.replace(self._path)

    def abandon(self) -> None:
        """Leave nothing behind of a report that was not finished."""
        self._stream.close()
        self._part.unlink(missing_ok=True)


def write_report(pages: Callable[[int], list[Verdict]], place: Path) -> None:
    """Write a whole report; ``pages`` gives the lines that follow a line, none at the end."""
    report = Report(place)
    try:
        last = 0
        while rows := pages(last):
            report.add(rows)
            last = rows[-1].line
    except BaseException:
        report.abandon()
        raise
    report.complete()

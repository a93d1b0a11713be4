"""Rows of a file become prospects: what each cell means, what is refused, what is doubtful. Pure; one row at a time.

A row is refused when writing to the person could go wrong (the address, a control character, an unknown sequence). What
only makes the schedule less exact (a time zone, a date) is left out with a remark, and the row counts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from datetime import datetime
from operator import itemgetter
from typing import NamedTuple

from cadenced.core import address
from cadenced.core.roster_header import LONG, Header
from cadenced.core.roster_row import SPECIALS, BadCellError, Row, Rules
from cadenced.errors import AddressError

__all__ = ("FIELD_MAX", "LINE_MAX", "Entry", "Rejection", "Roster", "Rules")

FIELD_MAX = 64 * 1024
"""A longer cell is no cell of a list of people (RELIABILITY 2.4)."""

LINE_MAX = 200
"""A longer name, company or the like is a paragraph in the wrong column."""

_REMEMBERED = 4096
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BREAK = re.compile(r"[\t\r\n]")
_INVISIBLE = dict.fromkeys([0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF])
_SPACES = str.maketrans(dict.fromkeys("\xa0\u2007\u202f\u3000", " "))


class Entry(NamedTuple):
    """A row that counts. ``timezone`` and ``country`` are ``""`` where nothing is known; ``remark`` tells oddities."""

    email: str
    untagged: str
    account: str
    company: str
    mailbox: str
    sequence: str
    timezone: str
    country: str
    language: str
    stage: str
    role: str
    next_step_at: datetime | None
    fields: dict[str, str]
    remark: str


class Rejection(NamedTuple):
    """A row that does not count, with the reason in words for whoever made the file."""

    email: str
    reason: str


class Roster:
    """Reads the rows of one file; ``sequence`` is the one that its folder names."""

    def __init__(self, header: Header, rules: Rules, sequence: str = "") -> None:
        self.header = header
        self._rules = rules
        self._sequence = sequence or rules.default_sequence
        self._email = header.known["email"]
        self.texts = _texts(header)
        self.lines = tuple((n, name) for name, n in header.known.items() if name not in LONG)
        self.specials = tuple((header.known[name], read) for name, read in SPECIALS.items() if name in header.known)
        self.key = itemgetter(*(n for n, _ in self.specials)) if self.specials else lambda _: ""
        self._rows: dict[str | tuple[str, ...], Row] = {}

    def read(self, cells: Sequence[str]) -> Entry | Rejection:
        """Return what a row says, or why it does not count."""
        try:
            return self._entry(self._cleaned(cells))
        except (AddressError, BadCellError) as fault:
            return Rejection(self.shown(cells), str(fault))

    def _entry(self, cells: Sequence[str]) -> Entry:
        try:
            email = address.reachable(cells[self._email])
        except AddressError as fault:
            raise AddressError(f"{self.header.titles[self._email]}: {fault}") from fault
        row = self.row(cells)
        fields = {name: cells[n] for n, name in self.texts if cells[n]}
        if row.dates:
            fields.update(row.dates)
        company = fields.get("company", "")
        return Entry(
            email,
            address.untagged(email),
            address.account_key(company, email),
            company or address.domain_of(email),
            row.mailbox,
            row.sequence,
            row.timezone,
            row.country,
            row.language,
            row.stage,
            row.role,
            row.next_step_at,
            fields,
            "; ".join(row.remarks),
        )

    def row(self, cells: Sequence[str]) -> Row:
        """Return what the known columns come to; a file has few places, languages and days, and many rows of each."""
        key = self.key(cells)
        row = self._rows.get(key)
        if row is None:
            row = Row(self._rules, self._sequence)
            for n, special in self.specials:
                if cells[n]:
                    special(row, cells[n])
            row.finish()
            if len(self._rows) >= _REMEMBERED:
                self._rows.clear()
            self._rows[key] = row
        return row

    def _cleaned(self, cells: Sequence[str]) -> list[str]:
        """Return the cells trimmed and in one form; nearly all rows of nearly all files need no closer look."""
        clean = [cell.strip() for cell in self._squared(cells)]
        joined = " ".join(clean)
        plain = joined.isprintable() and "=?" not in joined and "\ufffd" not in joined
        if not plain or not (joined.isascii() or unicodedata.is_normalized("NFC", joined)):
            clean = self._scrubbed(clean)
        if len(joined) > LINE_MAX:
            self._refuse_long(clean)
        return clean

    def _squared(self, cells: Sequence[str]) -> Sequence[str]:
        """Return as many cells as the header has."""
        width = self.header.width
        if len(cells) == width:
            return cells
        if any(cells[width:]):
            raise BadCellError(
                f"the row has {len(cells)} cells and the header {width}: a value with a separator in it needs quotes"
            )
        return [*cells[:width], *[""] * (width - len(cells))]

    def _scrubbed(self, cells: list[str]) -> list[str]:
        lines = {n for n, _ in self.lines} - {self._email}
        return [self._scrub(n, cell, one_line=n in lines) for n, cell in enumerate(cells)]

    def _scrub(self, n: int, cell: str, *, one_line: bool) -> str:
        if cell.isascii() and cell.isprintable() and "=?" not in cell:
            return cell
        if "\ufffd" in cell:
            raise BadCellError(f"{self._title(n)}: a letter was lost when the file was saved (\ufffd)")
        if n == self._email:
            return cell
        clean = unicodedata.normalize("NFC", cell.translate(_INVISIBLE).translate(_SPACES)).strip()
        if _CONTROL.search(clean):
            raise BadCellError(f"{self._title(n)}: there is a control character in it")
        if one_line and _BREAK.search(clean):
            raise BadCellError(f"{self._title(n)}: there is a line break or a tab in it")
        if one_line and "=?" in clean:  # RELIABILITY 2.9: could be read as an encoded word, and as a header within
            raise BadCellError(f'{self._title(n)}: "=?" cannot be part of it')
        return clean.replace("\r\n", "\n").replace("\r", "\n")

    def _refuse_long(self, cells: Sequence[str]) -> None:
        for n, cell in enumerate(cells):
            if len(cell) > FIELD_MAX:
                raise BadCellError(f"{self._title(n)}: longer than 64 KiB")
        for n, _ in self.lines:
            if len(cells[n]) > LINE_MAX and n != self._email:
                raise BadCellError(f"{self._title(n)}: longer than {LINE_MAX} characters")

    def _title(self, n: int) -> str:
        return self.header.titles[n][:60] or f"column {n + 1}"

    def shown(self, cells: Sequence[str]) -> str:
        """Return the address cell of a refused row as it can stand in a report."""
        cell = cells[self._email] if self._email < len(cells) else ""
        return "".join(c for c in cell.strip()[:320] if c.isprintable())


def _texts(header: Header) -> tuple[tuple[int, str], ...]:
    known = [(n, name) for name, n in header.known.items() if name not in SPECIALS and name != "email"]
    return (*known, *((n, name) for n, names in header.others for name in names))

"""Rows of a file become prospects: what each cell means, what is refused, what is doubtful. Pure; one row at a time.

A row is refused when writing to the person could go wrong (the address, a control character, an unknown sequence). What
only makes the schedule less exact (a time zone, a date) is left out with a remark, and the row counts.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from operator import itemgetter
from typing import NamedTuple

from cadenced.core import address, roster_dates, roster_header, roster_places
from cadenced.core.model import Place
from cadenced.core.roster_header import LONG, Header
from cadenced.core.sequence import Sequence as Plan
from cadenced.errors import AddressError

FIELD_MAX = 64 * 1024
"""A longer cell is no cell of a list of people (RELIABILITY 2.4)."""

LINE_MAX = 200
"""A longer name, company or the like is a paragraph in the wrong column."""

_WORD_MAX = 40
_REMEMBERED = 4096
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_BREAK = re.compile(r"[\t\r\n]")
_INVISIBLE = dict.fromkeys([0xAD, 0x200B, 0x200E, 0x200F, 0x2060, 0xFEFF])
_SPACES = str.maketrans(dict.fromkeys("\xa0\u2007\u202f\u3000", " "))
_NO_WORD = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True)
class Rules:
    """What an import must know of the workspace: ``mailboxes`` by name, the sequences, and what holds for rows mute."""

    mailboxes: tuple[str, ...]
    sequences: Mapping[str, Plan]
    place: Place = Place()
    language: str = ""
    default_sequence: str = ""


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


class _BadCellError(Exception):
    """A cell for which its row is refused."""


class Roster:
    """Reads the rows of one file; ``sequence`` is the one that its folder names."""

    def __init__(self, header: Header, rules: Rules, sequence: str = "") -> None:
        self.header = header
        self._rules = rules
        self._sequence = sequence or rules.default_sequence
        self._email = header.known["email"]
        self._texts = _texts(header)
        self._lines = tuple((n, name) for name, n in header.known.items() if name not in LONG)
        self._specials = tuple((header.known[name], read) for name, read in _SPECIALS.items() if name in header.known)
        self._key = itemgetter(*(n for n, _ in self._specials)) if self._specials else lambda _: ""
        self._rows: dict[str | tuple[str, ...], _Row] = {}

    def read(self, cells: Sequence[str]) -> Entry | Rejection:
        """Return what a row says, or why it does not count."""
        try:
            return self._entry(self._cleaned(cells))
        except (AddressError, _BadCellError) as fault:
            return Rejection(self.shown(cells), str(fault))

    def _entry(self, cells: Sequence[str]) -> Entry:
        try:
            email = address.normalise(cells[self._email])
        except AddressError as fault:
            raise AddressError(f"{self.header.titles[self._email]}: {fault}") from fault
        row = self._row(cells)
        fields = {name: cells[n] for n, name in self._texts if cells[n]}
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

    def _row(self, cells: Sequence[str]) -> _Row:
        """Return what the known columns come to; a file has few places, languages and days, and many rows of each."""
        key = self._key(cells)
        row = self._rows.get(key)
        if row is None:
            row = _Row(self._rules, self._sequence)
            for n, special in self._specials:
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
            raise _BadCellError(
                f"the row has {len(cells)} cells and the header {width}: a value with a separator in it needs quotes"
            )
        return [*cells[:width], *[""] * (width - len(cells))]

    def _scrubbed(self, cells: list[str]) -> list[str]:
        lines = {n for n, _ in self._lines} - {self._email}
        return [self._scrub(n, cell, one_line=n in lines) for n, cell in enumerate(cells)]

    def _scrub(self, n: int, cell: str, *, one_line: bool) -> str:
        if cell.isascii() and cell.isprintable() and "=?" not in cell:
            return cell
        if "\ufffd" in cell:
            raise _BadCellError(f"{self._title(n)}: a letter was lost when the file was saved (\ufffd)")
        if n == self._email:
            return cell
        clean = unicodedata.normalize("NFC", cell.translate(_INVISIBLE).translate(_SPACES)).strip()
        if _CONTROL.search(clean):
            raise _BadCellError(f"{self._title(n)}: there is a control character in it")
        if one_line and _BREAK.search(clean):
            raise _BadCellError(f"{self._title(n)}: there is a line break or a tab in it")
        if one_line and "=?" in clean:  # RELIABILITY 2.9: could be read as an encoded word, and as a header within
            raise _BadCellError(f'{self._title(n)}: "=?" cannot be part of it')
        return clean.replace("\r\n", "\n").replace("\r", "\n")

    def _refuse_long(self, cells: Sequence[str]) -> None:
        for n, cell in enumerate(cells):
            if len(cell) > FIELD_MAX:
                raise _BadCellError(f"{self._title(n)}: longer than 64 KiB")
        for n, _ in self._lines:
            if len(cells[n]) > LINE_MAX and n != self._email:
                raise _BadCellError(f"{self._title(n)}: longer than {LINE_MAX} characters")

    def _title(self, n: int) -> str:
        return self.header.titles[n][:60] or f"column {n + 1}"

    def shown(self, cells: Sequence[str]) -> str:
        """Return the address cell of a refused row as it can stand in a report."""
        cell = cells[self._email] if self._email < len(cells) else ""
        return "".join(c for c in cell.strip()[:320] if c.isprintable())


class _Row:
    """What the known columns of one row come to."""

    __slots__ = (
        "cells",
        "country",
        "dates",
        "language",
        "mailbox",
        "next_step_at",
        "remarks",
        "role",
        "rules",
        "sequence",
        "stage",
        "timezone",
    )

    def __init__(self, rules: Rules, sequence: str) -> None:
        self.rules = rules
        self.sequence = sequence
        self.mailbox = self.timezone = self.country = self.language = self.stage = self.role = ""
        self.next_step_at: datetime | None = None
        self.dates: dict[str, str] = {}
        self.cells: dict[str, str] = {}
        self.remarks: list[str] = []

    def finish(self) -> None:
        """Read what depends on other cells: dates on the place, the place's halves on each other."""
        if not self.timezone and self.country and self.country != self.rules.place.country:
            self.timezone = roster_places.zone_of(self.country)
        elif self.timezone and not self.country and self.timezone != self.rules.place.timezone:
            self.country = roster_places.country_of(self.timezone)
        for column, cell in self.cells.items():
            self._date(column, cell)
        if self.sequence and self.sequence not in self.rules.sequences:
            raise _BadCellError(_unknown("sequence", self.sequence, self.rules.sequences))

    def _date(self, column: str, cell: str) -> None:
        place = self.rules.place
        first = roster_places.month_first(self.language or self.rules.language, self.country or place.country)
        moment = roster_dates.read(cell, month_first=first, timezone=self.timezone or place.timezone)
        if moment is None:
            self.remarks.append(f'{column}: "{cell[:40]}" is not a date: write it like 2026-11-24 or 2026-11-24 14:30')
            return
        if moment.doubtful:
            self.remarks.append(f'{column}: "{cell[:40]}" was read as {moment.text}')
        self.dates[column] = moment.text
        if column == "next_step_at":
            self.next_step_at = moment.at


def _read_timezone(row: _Row, cell: str) -> None:
    row.timezone = roster_places.timezone(cell)
    if not row.timezone:
        row.remarks.append(f'timezone: "{cell[:40]}" is not known, the usual one is used: write it like Europe/Paris')


def _read_country(row: _Row, cell: str) -> None:
    row.country = roster_places.country(cell)
    if not row.country:
        row.remarks.append(f'country: "{cell[:40]}" is not known, the usual one is used: write it like FR or France')


def _read_language(row: _Row, cell: str) -> None:
    row.language = roster_places.language(cell)
    if not row.language:
        row.remarks.append(f'language: "{cell[:40]}" is not known: write it like fr or French')


def _read_sequence(row: _Row, cell: str) -> None:
    row.sequence = cell if cell in row.rules.sequences else _found("sequence", cell, tuple(row.rules.sequences))


def _read_mailbox(row: _Row, cell: str) -> None:
    row.mailbox = cell if cell in row.rules.mailboxes else _found("mailbox", cell, row.rules.mailboxes)


def _read_stage(row: _Row, cell: str) -> None:
    row.stage = _slug(cell)


def _read_role(row: _Row, cell: str) -> None:
    row.role = "primary" if roster_places.word_key(cell) in _primary() else _slug(cell)


def _read_last_spoke_at(row: _Row, cell: str) -> None:
    row.cells["last_spoke_at"] = cell


def _read_next_step_at(row: _Row, cell: str) -> None:
    row.cells["next_step_at"] = cell


_SPECIALS: Mapping[str, Callable[[_Row, str], None]] = {
    "timezone": _read_timezone,
    "country": _read_country,
    "language": _read_language,
    "sequence": _read_sequence,
    "mailbox": _read_mailbox,
    "stage": _read_stage,
    "account_role": _read_role,
    "last_spoke_at": _read_last_spoke_at,
    "next_step_at": _read_next_step_at,
}
"""The columns that are more than text. All others are kept as they are, for templates."""


def _texts(header: Header) -> tuple[tuple[int, str], ...]:
    known = [(n, name) for name, n in header.known.items() if name not in _SPECIALS and name != "email"]
    return (*known, *((n, name) for n, names in header.others for name in names))


def _found(what: str, cell: str, known: tuple[str, ...]) -> str:
    """Return the known name that differs at most in case and signs."""
    wanted = roster_places.word_key(cell)
    found = next((name for name in known if roster_places.word_key(name) == wanted), None)
    if found is None:
        raise _BadCellError(_unknown(what, cell, known))
    return found


def _unknown(what: str, cell: str, known: Iterable[str]) -> str:
    return f'{what}: "{cell[:60]}" does not exist{_hint(cell[:80], tuple(known))}'


@functools.lru_cache(maxsize=1024)
def _hint(word: str, known: tuple[str, ...]) -> str:
    near = get_close_matches(word.lower(), known, 1, 0.6)
    if near:
        return f'; did you mean "{near[0]}"?'
    return f"; there is {', '.join(known[:12])}" if known else ""


@functools.lru_cache(maxsize=1024)
def _slug(text: str) -> str:
    return _NO_WORD.sub("_", text.casefold()).strip("_")[:_WORD_MAX]


@functools.cache
def _primary() -> frozenset[str]:
    return frozenset(roster_places.word_key(word) for word in roster_header.columns()["primary"]["words"])

"""What the known columns of a row come to: place, language, sequence, mailbox, stage, role and dates."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches

from cadenced.core import roster_dates, roster_header, roster_places
from cadenced.core.model import Place
from cadenced.core.sequence import Sequence as Plan

_WORD_MAX = 40
_NO_WORD = re.compile(r"[^\w]+")


@dataclass(frozen=True, slots=True)
class Rules:
    """What an import must know of the workspace: ``mailboxes`` by name, the sequences, and what holds for rows mute."""

    mailboxes: tuple[str, ...]
    sequences: Mapping[str, Plan]
    place: Place = Place()
    language: str = ""
    default_sequence: str = ""


class BadCellError(Exception):
    """A cell for which its row is refused."""


class Row:
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
            raise BadCellError(_unknown("sequence", self.sequence, self.rules.sequences))

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


def _read_timezone(row: Row, cell: str) -> None:
    row.timezone = roster_places.timezone(cell)
    if not row.timezone:
        row.remarks.append(f'timezone: "{cell[:40]}" is not known, the usual one is used: write it like Europe/Paris')


def _read_country(row: Row, cell: str) -> None:
    row.country = roster_places.country(cell)
    if not row.country:
        row.remarks.append(f'country: "{cell[:40]}" is not known, the usual one is used: write it like FR or France')


def _read_language(row: Row, cell: str) -> None:
    row.language = roster_places.language(cell)
    if not row.language:
        row.remarks.append(f'language: "{cell[:40]}" is not known: write it like fr or French')


def _read_sequence(row: Row, cell: str) -> None:
    row.sequence = cell if cell in row.rules.sequences else _found("sequence", cell, tuple(row.rules.sequences))


def _read_mailbox(row: Row, cell: str) -> None:
    row.mailbox = cell if cell in row.rules.mailboxes else _found("mailbox", cell, row.rules.mailboxes)


def _read_stage(row: Row, cell: str) -> None:
    row.stage = _slug(cell)


def _read_role(row: Row, cell: str) -> None:
    row.role = "primary" if roster_places.word_key(cell) in _primary() else _slug(cell)


def _read_last_spoke_at(row: Row, cell: str) -> None:
    row.cells["last_spoke_at"] = cell


def _read_next_step_at(row: Row, cell: str) -> None:
    row.cells["next_step_at"] = cell


SPECIALS: Mapping[str, Callable[[Row, str], None]] = {
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


def _found(what: str, cell: str, known: tuple[str, ...]) -> str:
    """Return the known name that differs at most in case and signs."""
    wanted = roster_places.word_key(cell)
    found = next((name for name in known if roster_places.word_key(name) == wanted), None)
    if found is None:
        raise BadCellError(_unknown(what, cell, known))
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

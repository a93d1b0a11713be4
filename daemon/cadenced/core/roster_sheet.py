"""Many rows of a file at once, column by column: the same as ``Roster.read`` says of each, in half the time. Pure.

A batch is judged as one text. Rows in which something is odd (a control character, a strange address, a cell too many)
are read by themselves, the slow way, which alone knows the law; a property test holds both to one answer.
"""

from __future__ import annotations

import heapq
import json
import operator
import re
import unicodedata
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from json.encoder import encode_basestring as quoted
from typing import NamedTuple, overload

from cadenced.core import address
from cadenced.core.roster import FIELD_MAX, LINE_MAX, Entry, Rejection, Roster
from cadenced.core.roster_row import BadCellError
from cadenced.errors import AddressError

COLUMNS = (
    "line",
    "email",
    "untagged",
    "account",
    "company",
    "mailbox",
    "fields",
    "verdict",
    "reason",
    "sequence",
    "timezone",
    "country",
    "language",
    "stage",
    "role",
    "next_step_at",
)
"""What a staged row holds, in this order; ``fields`` is JSON, ``next_step_at`` microseconds since 1970."""

Staged = tuple[object, ...]
"""A row in the order of ``COLUMNS``."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_REMEMBERED = 16 * 1024
_NOBODY = ("", "", "", "", "{}", "rejected")
_NOTHING = ("", "", "", "", "", "", None)
written = json.JSONEncoder(ensure_ascii=False).encode
"""How a row's fields are kept."""

# Possessive, so that a batch with one odd address is given up at once.
_PLAIN = re.compile(
    r"(?:[a-z0-9_+-]{1,20}+(?:\.[a-z0-9_+-]{1,20}+){0,2}+@(?:[a-z0-9]{1,32}\.){1,3}[a-z]{2,12}(?:\n|\Z))*+"
)


class Grid(Sequence[list[str]]):
    """Rows of one width, kept as one list of cells: most files have no others. ``text`` has a cell a line."""

    def __init__(self, text: str, width: int) -> None:
        self.text = text
        self.cells = text.split("\n")
        self.width = width

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self.cells) // self.width

    @overload
    def __getitem__(self, n: int) -> list[str]: ...

    @overload
    def __getitem__(self, n: slice) -> list[list[str]]: ...

    def __getitem__(self, n: int | slice) -> list[str] | list[list[str]]:
        """Return a row, made anew."""
        if isinstance(n, slice):
            return [self[one] for one in range(*n.indices(len(self)))]
        if not -len(self) <= n < len(self):
            raise IndexError(n)
        begin = (n % len(self)) * self.width
        return self.cells[begin : begin + self.width]

    def stripped(self) -> Grid:
        """Return the same without spaces around the cells."""
        return Grid("\n".join([cell.strip() for cell in self.cells]), self.width)


class Shares:
    """Gives each new person the mailbox with the fewest enrolments, the first one of several."""

    def __init__(self, loads: Mapping[str, int]) -> None:
        self._loads = dict(loads)

    def of(self, wished: Sequence[str]) -> list[str]:
        """Return a mailbox for each row: the one that it names, else the one with the fewest."""
        if not any(wished):
            return self._fewest(len(wished))
        return [self._named(name) if name else self._fewest(1)[0] for name in wished]

    def _named(self, name: str) -> str:
        if name in self._loads:
            self._loads[name] += 1
        return name

    def _fewest(self, count: int) -> list[str]:
        if len(self._loads) == 1:
            return [*self._loads] * count
        heap = [(load, n, name) for n, (name, load) in enumerate(self._loads.items())]
        heapq.heapify(heap)
        found = []
        for _ in range(count):
            load, n, name = heap[0]
            found.append(name)
            heapq.heapreplace(heap, (load + 1, n, name))
        self._loads = {name: load for load, _, name in sorted(heap, key=lambda entry: entry[1])}
        return found


class _Kind(NamedTuple):
    """What many rows have in common: the end of their staged row, the mailbox they name, their dates as JSON."""

    tail: Staged
    mailbox: str
    dates: str


class Sheet:
    """Reads the rows of one file, many at a time."""

    def __init__(self, roster: Roster, shares: Shares) -> None:
        self._roster = roster
        self._shares = shares
        self._email = roster.header.known["email"]
        self._company = roster.header.known.get("company")
        self._texts = [(n, f"{quoted(name)}: ") for n, name in roster.texts]
        self._narrow = [n for n, _ in roster.lines if n != self._email]
        self._kinds: dict[tuple[str, ...], _Kind | None] = {}
        self._accounts: dict[str, str] = {}
        self._is_simple = len({name for _, name in roster.texts}) == len(roster.texts)

    def read(self, lines: Sequence[int], rows: Sequence[Sequence[str]]) -> list[Staged]:
        """Return what is staged of some rows, each with its line; in no order."""
        if not rows:
            return []
        grid = self._grid(rows)
        if grid is not None and self._are_plain(grid):
            return self._plain(lines, grid)
        plain = [n for n, row in enumerate(rows) if (one := self._grid([row])) is not None and self._are_plain(one)]
        odd = set(range(len(rows))).difference(plain)
        return self._some(plain, lines, rows) + [self._single(lines[n], rows[n]) for n in odd]

    def _some(self, chosen: Sequence[int], lines: Sequence[int], rows: Sequence[Sequence[str]]) -> list[Staged]:
        if not chosen:
            return []
        some = self._grid([rows[n] for n in chosen])
        if some is None:
            raise AssertionError("plain rows have one width")
        return self._plain([lines[n] for n in chosen], some)

    def _grid(self, rows: Sequence[Sequence[str]]) -> Grid | None:
        """Return the rows as a grid, without spaces around the cells; None where one is no row of the header's."""
        width = self._roster.header.width
        if isinstance(rows, Grid):
            grid = rows
        elif set(map(len, rows)) != {width}:
            return None
        else:
            grid = Grid("\n".join(["\n".join(row) for row in rows]), width)
        if len(grid.cells) != len(rows) * width:  # a line break in a cell
            return None
        return grid.stripped() if _has_edges(grid.text) else grid

    def rejected(self, line: int, cells: Sequence[str], reason: str) -> Staged:
        """Return what is staged of a row that cannot be read."""
        return (line, self._roster.shown(cells)[:320], *_NOBODY, reason, *_NOTHING)

    def _are_plain(self, grid: Grid) -> bool:
        """Whether ``Roster`` would take every cell but the address as it stands."""
        text = grid.text
        if not self._is_simple or not self._are_short(grid):
            return False
        if "=?" in text or "\ufffd" in text or not text.replace("\n", " ").isprintable():
            return False
        return text.isascii() or unicodedata.is_normalized("NFC", text)

    def _are_short(self, grid: Grid) -> bool:
        cells, width = grid.cells, grid.width
        longest = max(map(len, cells))
        return longest <= LINE_MAX or (
            longest <= FIELD_MAX and all(len(max(cells[n::width], key=len)) <= LINE_MAX for n in self._narrow)
        )

    def _plain(self, lines: Sequence[int], grid: Grid) -> list[Staged]:
        """Read rows that are plain; those that are refused for a value are read again by themselves."""
        columns = [grid.cells[n :: grid.width] for n in range(grid.width)]
        emails, kinds = _emails(columns[self._email]), self._kinds_of(grid, columns)
        if "" in emails or None in kinds:
            good = [n for n, (email, kind) in enumerate(zip(emails, kinds, strict=True)) if email and kind]
            bad = set(range(len(grid))).difference(good)
            return self._some(good, lines, grid) + [self._single(lines[n], grid[n]) for n in bad]
        found = [kind for kind in kinds if kind]
        fields = self._fields(columns, grid.text, [kind.dates for kind in found])
        return self._staged(lines, self._people(emails, columns), found, fields)

    def _people(self, emails: list[str], columns: Sequence[list[str]]) -> tuple[list[str], ...]:
        """Return address, identity, account and company of each row."""
        named = columns[self._company] if self._company is not None else [""] * len(emails)
        companies = named
        if "" in named:
            companies = [name or address.domain_of(email) for name, email in zip(named, emails, strict=True)]
        return emails, _untagged(emails), self._accounts_of(named, emails), companies

    def _staged(
        self, lines: Sequence[int], people: tuple[list[str], ...], kinds: Sequence[_Kind], fields: list[str]
    ) -> list[Staged]:
        boxes = self._shares.of([kind.mailbox for kind in kinds])
        begins = zip(lines, *people, boxes, fields, strict=True)
        return list(map(operator.add, begins, [kind.tail for kind in kinds]))

    def _kinds_of(self, grid: Grid, columns: Sequence[list[str]]) -> list[_Kind | None]:
        """Return what the special columns of each row come to, None where it is refused for one of them."""
        special = [columns[n] for n, _ in self._roster.specials]
        keys = list(zip(*special, strict=True)) if special else [()] * len(grid)
        if len(self._kinds) >= _REMEMBERED:
            self._kinds.clear()
        if new := set(keys).difference(self._kinds):
            places = dict(zip(keys, range(len(keys)), strict=True))
            self._kinds.update({key: self._kind(grid[places[key]]) for key in new})
        return list(map(self._kinds.__getitem__, keys))

    def _kind(self, cells: Sequence[str]) -> _Kind | None:
        try:
            found = self._roster.row(cells)
        except BadCellError:
            return None
        dates = "".join(f", {quoted(name)}: {quoted(text)}" for name, text in found.dates.items())
        words = (found.sequence, found.timezone, found.country, found.language, found.stage, found.role)
        tail = ("enrolled", "; ".join(found.remarks), *words, _microseconds(found.next_step_at))
        return _Kind(tail, found.mailbox, dates)

    def _accounts_of(self, named: list[str], emails: list[str]) -> list[str]:
        """Return what colleagues share; a company's name is made bare once."""
        known = self._accounts
        if len(known) >= _REMEMBERED:
            known.clear()
        for name in set(named).difference(known):
            known[name] = address.bare_company(name)
        found = [known[name] for name in named]
        if "" not in found:
            return found
        return [key or address.account_key("", email) for key, email in zip(found, emails, strict=True)]

    def _fields(self, columns: Sequence[list[str]], text: str, dates: list[str]) -> list[str]:
        """Return each row's fields as JSON, as ``json`` itself would write them."""
        cells = columns
        if '"' in text or "\\" in text:
            cells = [[quoted(cell)[1:-1] for cell in column] for column in columns]
        parts, form = [], ""
        for n, name in self._texts:
            full = "" not in columns[n]
            form += f', {name.replace("%", "%%")}"%s"' if full else "%s"
            parts.append(cells[n] if full else [f', {name}"{cell}"' if cell else "" for cell in cells[n]])
        if any(dates):
            form += "%s"
            parts.append(dates)
        if not parts:
            return ["{}"] * len(dates)
        if form.startswith(", "):
            return list(map(f"{{{form[2:]}}}".__mod__, zip(*parts, strict=True)))
        return [f"{{{line[2:]}}}" for line in map(form.__mod__, zip(*parts, strict=True))]

    def _single(self, line: int, cells: Sequence[str]) -> Staged:
        found = self._roster.read(cells)
        if isinstance(found, Rejection):
            return (line, found.email[:320], *_NOBODY, found.reason, *_NOTHING)
        return _flat(line, found, self._shares)


def _flat(line: int, entry: Entry, shares: Shares) -> Staged:
    return (
        line,
        entry.email,
        entry.untagged,
        entry.account,
        entry.company,
        *shares.of([entry.mailbox]),
        written(entry.fields),
        "enrolled",
        entry.remark,
        entry.sequence,
        entry.timezone,
        entry.country,
        entry.language,
        entry.stage,
        entry.role,
        _microseconds(entry.next_step_at),
    )


def _has_edges(text: str) -> bool:
    """Whether a cell begins or ends with a space."""
    return "\n " in text or " \n" in text or text[:1] == " " or text[-1:] == " "


def _emails(cells: Sequence[str]) -> list[str]:
    """Return the one form of each address, ``""`` for those that are none."""
    text = "\n".join(cells)
    if text.isascii() and _PLAIN.fullmatch(lower := text.lower()) and address.NOWHERE not in lower:
        return lower.split("\n")
    return [_email(cell) for cell in cells]


def _email(cell: str) -> str:
    try:
        return address.reachable(cell)
    except AddressError:
        return ""


def _untagged(emails: Sequence[str]) -> list[str]:
    text = "\n".join(emails)
    if "+" not in text and "@gmail.com" not in text and "@googlemail.com" not in text:
        return [""] * len(emails)
    return [address.untagged(email) for email in emails]


def _microseconds(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // timedelta(microseconds=1)

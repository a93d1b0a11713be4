"""Bytes become rows: separators, quotes and line numbers, in flat memory, one bad row never taking others with it."""

from __future__ import annotations

import csv
import io
import operator
import re
from collections import deque
from collections.abc import Iterator, Sequence
from operator import methodcaller
from typing import BinaryIO, NamedTuple

from cadenced.core import roster_header
from cadenced.core.roster import FIELD_MAX
from cadenced.core.roster_header import COLUMNS_MAX, Header
from cadenced.core.roster_sheet import Grid
from cadenced.engine.intake_bytes import Nature
from cadenced.errors import RefusedError

SEPARATORS = ",;\t|"
LINE_MAX = 1024 * 1024
"""Characters of one physical line; a longer one is skipped, never held in memory."""

BLOCK = 128 * 1024
"""Characters that are read at once."""

_SPAN_MAX = 500
_SEP = re.compile(r"sep=([,;\t|])", re.IGNORECASE)
_CUT = "the last line has no line end, so it may have been cut: add a line end, and drop the file again"


class Record(NamedTuple):
    """One row as it stands in the file: ``line`` counts physical lines from 1; ``fault`` is why it cannot be read."""

    line: int
    cells: list[str]
    fault: str = ""


class Batch(NamedTuple):
    """Rows that follow each other, with the lines they begin at; ``faulty`` are those that cannot be read."""

    lines: Sequence[int]
    rows: Sequence[list[str]]
    faulty: list[Record]


class _TooLongError(Exception):
    """More text in one row than a row may have."""


class Lines:
    """The physical lines of a text, with those of the present record kept so that they can be read again."""

    def __init__(self, text: io.TextIOBase) -> None:
        self._text = text
        self._again: deque[str] = deque()
        self.current: list[str] = []
        self.unended = False
        self._length = 0

    def __iter__(self) -> Lines:
        """Return itself, as ``csv.reader`` wants it."""
        return self

    def __next__(self) -> str:
        """Return the next line with its end."""
        line = self._again.popleft() if self._again else self._text.readline(LINE_MAX)
        if not line:
            raise StopIteration
        self.current.append(line)
        self._length += len(line)
        if self._length >= LINE_MAX or len(self.current) > _SPAN_MAX:
            self._skip(line)
            raise _TooLongError
        if line[-1] not in "\r\n":
            self.unended = True
        return line

    def block(self) -> str:
        """Return the next lines as one text; empty at the end, or where single lines are to be read again first."""
        if self._again:
            return ""
        text = self._text.read(BLOCK)
        return text if not text or text.endswith("\n") else text + self._text.readline(LINE_MAX)

    def read_again(self, text: str) -> None:
        """Put a block back, to be read line by line."""
        self._again.extend(io.StringIO(text, newline=""))

    @property
    def is_between(self) -> bool:
        """Whether no line waits to be read again."""
        return not self._again

    def taken(self) -> int:
        """Let go of the present record; return how many lines it had."""
        count = len(self.current)
        self.current.clear()
        self._length = 0
        return count

    def give_back(self) -> None:
        """Let go of the record's first line only; the others are read again as records of their own."""
        self._again.extendleft(reversed(self.current[1:]))
        self.unended = False if len(self.current) > 1 else self.unended
        self.taken()

    def _skip(self, line: str) -> None:
        while line and line[-1] not in "\r\n":
            line = self._text.readline(LINE_MAX)


class Table:
    """A CSV: its header, and its records one by one. ``blank`` counts the empty lines among those that were read."""

    def __init__(self, stream: BinaryIO, nature: Nature, *, cut_off: bool = False) -> None:
        """Read the header; RefusedError where there is none. ``cut_off``: a last line without end does not count."""
        self._lines = Lines(io.TextIOWrapper(stream, nature.encoding, nature.errors, newline=""))
        self._cut_off = cut_off and not nature.ended
        self._line = 1
        self.blank = 0
        self.separator, self.header = self._begin()

    def batches(self) -> Iterator[Batch]:
        """Return the same rows as ``records``, many at a time; block by block where a block is well formed."""
        while text := self._lines.block():
            batch = self._block(text)
            if batch is None:
                self._lines.read_again(text)
                batch = self._one_by_one()
            if batch.lines or batch.faulty:
                yield batch

    def _block(self, text: str) -> Batch | None:
        """Return the rows of a block, None where one of them needs a closer look."""
        if len(text) >= LINE_MAX or (text[-1] not in "\r\n" and self._cut_off):
            return None
        if grid := _grid(text, self.separator, self.header.width):
            begin, self._line = self._line, self._line + len(grid)
            return Batch(range(begin, self._line), grid, [])
        try:
            rows, begins, count = _parsed(text, self.separator)
        except csv.Error:
            return None
        if max(map(len, rows), default=0) > COLUMNS_MAX:
            return None
        if count > len(rows) and max(map(operator.sub, [*begins[1:], count], begins), default=0) > _SPAN_MAX:
            return None
        lines = [self._line + begin for begin in begins]
        self._line += count
        return self._without_blank(lines, rows)

    def _without_blank(self, lines: list[int], rows: list[list[str]]) -> Batch:
        kept = [n for n, row in enumerate(rows) if (row and row[0].strip()) or not _is_blank(row)]
        if len(kept) == len(rows):
            return Batch(lines, rows, [])
        self.blank += len(rows) - len(kept)
        return Batch([lines[n] for n in kept], [rows[n] for n in kept], [])

    def _one_by_one(self) -> Batch:
        """Return rows read with all care, as far as the lines reach that are to be read again."""
        found: list[Record] = []
        for record in self.records():
            found.append(record)
            if self._lines.is_between:
                break
        sound = [record for record in found if not record.fault]
        faulty = [record for record in found if record.fault]
        return Batch([record.line for record in sound], [record.cells for record in sound], faulty)

    def records(self) -> Iterator[Record]:
        """Return the rows after the header."""
        reader = csv.reader(self._lines, delimiter=self.separator, strict=True)
        while True:
            try:
                cells = next(reader)
            except StopIteration:
                return
            except (csv.Error, _TooLongError) as fault:
                yield self._faulty(fault)
                continue
            found = self._record(cells)
            if found is not None:
                yield found

    def _record(self, cells: list[str]) -> Record | None:
        line = self._line
        self._line += self._lines.taken()
        if not (cells and cells[0].strip()) and _is_blank(cells):
            self.blank += 1
            return None
        if self._cut_off and self._lines.unended:
            return Record(line, cells, _CUT)
        if len(cells) > COLUMNS_MAX:
            return Record(line, cells[:COLUMNS_MAX], f"the row has more than {COLUMNS_MAX} cells")
        return Record(line, cells)

    def _faulty(self, fault: Exception) -> Record:
        """Reject the first physical line of what cannot be read, and try the next ones by themselves."""
        line, first = self._line, self._lines.current[0]
        self._line += 1
        cells = next(csv.reader([first[: 4 * 1024].replace('"', "").rstrip("\r\n")], delimiter=self.separator), [])
        reason = _reason(fault)
        self._lines.give_back()
        return Record(line, cells, reason)

    def _begin(self) -> tuple[str, Header]:
        """Find the separator under which the first line names the most known columns, and read the header with it."""
        line = self._first_line()
        forced = _SEP.fullmatch(line)
        if forced:  # what Excel writes, and obeys
            line = self._first_line()
        tried = [(separator, _cells(line, separator)) for separator in (forced[1] if forced else SEPARATORS)]
        separator, cells = max(tried, key=lambda found: (roster_header.understood(found[1]), len(found[1])))
        if not cells:
            raise RefusedError("the header has a quote that is opened and not closed")
        return separator, roster_header.read(cells)

    def _first_line(self) -> str:
        """Return the next line that is not blank, without its end."""
        for line in self._lines:
            self._line += self._lines.taken()
            if line.strip("\ufeff \t\r\n"):
                return line.rstrip("\r\n")
        raise RefusedError("the file has no header: the first line must name the columns")


def _grid(text: str, separator: str, width: int) -> Grid | None:
    """Return the rows of a text in which no quote stands and every row has the header's width; None for others.

    Nine of ten files are so, and take a tenth of the time.
    """
    if '"' in text or text.count("\r") != text.count("\r\n"):
        return None
    plain = text.replace("\r\n", "\n").removesuffix("\n")
    rows = plain.split("\n")
    if max(map(len, rows)) > FIELD_MAX or set(map(methodcaller("count", separator), rows)) != {width - 1}:
        return None
    grid = Grid(plain.replace(separator, "\n"), width)
    return grid if all(map(str.strip, grid.cells[::width])) else None


def _parsed(text: str, separator: str) -> tuple[list[list[str]], Sequence[int], int]:
    """Return the rows of a text, before how many lines each begins, and how many lines there are."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows = list(reader)
    if reader.line_num == len(rows):  # no row has more than one line
        return rows, range(len(rows)), len(rows)
    again = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    ends = [again.line_num for _ in again]
    return rows, [0, *ends[:-1]], reader.line_num


def _is_blank(cells: list[str]) -> bool:
    return not any(cell and not cell.isspace() for cell in cells)


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator, strict=True), [])
    except csv.Error:
        return []


def _reason(fault: Exception) -> str:
    if isinstance(fault, _TooLongError):
        return "the row is too long: a quote may be missing at the end of a value"
    if "field larger" in str(fault):
        return f"a value is longer than {FIELD_MAX // 1024} KiB: a quote may be missing at its end"
    if "unexpected end" in str(fault):
        return "a quote is opened and not closed"
    return "a quote stands in the middle of a value: put quotes around the value and double those within it"

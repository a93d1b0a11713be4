"""What a human sees: quiet tables, colours only on a terminal, nothing that a mail could do to the terminal.

Piped output is as wide as it needs to be and plain; NO_COLOR, FORCE_COLOR and COLUMNS are respected (by rich).
"""

from __future__ import annotations

import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache

from rich.console import Console, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

PIPED_WIDTH = 400
PROSE_WIDTH = 100
STATES = {
    "active": "green",
    "paused": "yellow",
    "awaiting_task": "cyan",
    "halted": "bold",
    "finished": "dim",
    "sent": "green",
    "unknown": "bold red",
    "in_doubt": "bold red",
    "rejected": "red",
    "cancelled": "dim",
    "skipped": "dim",
}
"""How the states of enrolments and touches look where there are colours."""


@cache
def console() -> Console:
    """Return the console on standard output."""
    width = None if sys.stdout.isatty() else PIPED_WIDTH
    return Console(markup=False, highlight=False, emoji=False, width=width, soft_wrap=False)


def is_wide_open() -> bool:
    """Whether the output goes to a file or a pipe, where nothing needs to be wrapped or cut."""
    return not console().is_terminal


def clean(text: str) -> str:
    """Return text from elsewhere on one line and without anything that a terminal would obey (ESC, bidi, C1)."""
    return "".join(_shown(character) for character in " ".join(text.split()))


def _shown(character: str) -> str:
    if character.isprintable() or character == " ":
        return character
    kind = unicodedata.category(character)
    return f"\\u{ord(character):04x}" if kind in {"Cc", "Cf", "Cs"} else " "


@contextmanager
def busy(text: str, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Show on a terminal that something takes its time; yields what changes the text. Silent in a pipe."""
    if quiet or is_wide_open():
        yield lambda _text: None
        return
    with console().status(text) as status:
        yield lambda news: status.update(Text(clean(news)))


def show(*parts: RenderableType) -> None:
    """Print parts one below the other, without the blanks that tables leave at the ends of lines."""
    out = console()
    with out.capture() as captured:
        for part in parts:
            out.print(part)
    for line in captured.get().split("\n")[:-1]:
        sys.stdout.write(line.rstrip() + "\n")


def show_command(line: str, *, indent: int = 0, style: str = "green") -> None:
    """Print a command line as it is typed: never broken into two, so that it can be copied."""
    out = console()
    with out.capture() as captured:
        out.print(Text(" " * indent + clean(line), style=style), soft_wrap=True)
    sys.stdout.write(captured.get())


def blank() -> None:
    """Print an empty line."""
    sys.stdout.write("\n")


def counted(count: int, one: str, many: str = "") -> str:
    """Return ``1 prospect`` or ``1,200 prospects``."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def heading(text: str) -> Text:
    """Return a line that begins a part of the page."""
    return Text(clean(text), style="bold")


def styled(text: str, style: str = "") -> Text:
    """Return text from elsewhere with a style of ours."""
    return Text(clean(text), style=style)


def state(word: str) -> Text:
    """Return a state in its colour, in words."""
    return Text(word.replace("_", " "), style=STATES.get(word, ""))


def paragraph(text: str, *, indent: int = 0, style: str = "") -> Text:
    """Return prose, wrapped to the terminal; piped, it stays on one line."""
    cleaned = clean(text)
    margin = " " * indent
    if is_wide_open():
        return Text(margin + cleaned, style=style)
    width = max(30, min(console().width, PROSE_WIDTH))
    lines = textwrap.wrap(cleaned, width, initial_indent=margin, subsequent_indent=margin, break_long_words=False)
    return Text("\n".join(lines), style=style)


def item(mark: Text, text: str, *, style: str = "") -> Text:
    """Return prose behind a mark; where it is wrapped, its lines begin below one another."""
    hang = len(mark.plain)
    lines = [clean(text)] if is_wide_open() else textwrap.wrap(clean(text), max(30, console().width - hang))
    return Text.assemble(mark, (f"\n{' ' * hang}".join(lines), style))


def table(columns: Sequence[str], rows: Iterable[Sequence[str | Text]], *, indent: int = 0) -> Padding:
    """Return a table without lines; a column whose name begins with ``>`` is set to the right."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim", show_edge=False)
    for n, name in enumerate(columns):
        right = name.startswith(">")
        made.add_column(
            name.lstrip(">"), justify="right" if right else "left", no_wrap=right or n == 0, overflow="fold"
        )
    for row in rows:
        made.add_row(*(_cell(cell) for cell in row))
    return Padding(made, (0, 0, 0, indent), expand=False)


def facts(rows: Iterable[tuple[str, str | Text]], *, indent: int = 0) -> Padding:
    """Return names and values, one a line; empty values are left out."""
    made = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False, show_edge=False)
    made.add_column("", style="dim", no_wrap=True)
    made.add_column("", overflow="fold")
    for name, value in rows:
        cell = _cell(value)
        if cell.plain:
            made.add_row(Text(clean(name)), cell)
    return Padding(made, (0, 0, 0, indent), expand=False)


def _cell(value: str | Text) -> Text:
    return value if isinstance(value, Text) else Text(clean(value))

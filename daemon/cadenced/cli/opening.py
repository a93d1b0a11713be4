"""The workspace of a command: the file that ``-c`` named, opened and closed again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from cadenced.cli import program
from cadenced.engine.workspace import Workspace


def config_path() -> Path | None:
    """Return what ``-c`` named on this command line, None where it did not stand there."""
    context = click.get_current_context(silent=True)
    found = context.meta.get(program.CONFIG) if context else None
    return found if isinstance(found, Path) else None


@contextmanager
def workspace(*, with_library: bool = True) -> Iterator[Workspace]:
    """Open config and database, and with them sequences and templates where they are needed.

    What only stops somebody needs no library: a typing error in a template must not be in its way.
    """
    from cadenced.engine import opening  # noqa: PLC0415 - it brings the store with it

    opened = opening.open_workspace(config_path(), with_library=with_library)
    try:
        yield opened
    finally:
        opened.database.close()

"""``cadenced init``: a new workspace."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from cadenced.cli import screen
from cadenced.library import write_workspace


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False), metavar="DIR")
def init(directory: Path) -> None:
    """Make a new workspace in DIR: a commented cadenced.toml, and a starter set of sequences and templates.

    Nothing that stands there is overwritten.
    """
    written = write_workspace(directory)
    count = {folder: sum(path.parent.name == folder for path in written) for folder in ("sequences", "templates")}
    made = f"{directory} is ready: {count['sequences']} sequences, {count['templates']} templates, one configuration."
    screen.show(screen.paragraph(made, style="bold"))
    screen.blank()
    steps = (
        ("Look at it work, without an account", "cadenced demo"),
        ("Write your address and servers into", str(directory / "cadenced.toml")),
        ("Check it, and start", f"cadenced -c {directory} check && cadenced -c {directory} run"),
    )
    for n, (what, line) in enumerate(steps, start=1):
        screen.show(Text(f"  {n}. {what}: ").append(screen.clean(line), style="green"))
    screen.blank()
    drop = (
        f"Then drop a CSV with a column “email” into {directory / 'inbox'}/proposal/, or into that of another sequence."
    )
    screen.show(screen.paragraph(drop))


COMMANDS = (init,)

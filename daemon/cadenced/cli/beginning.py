"""``cadenced init`` and ``cadenced run``: a new workspace, and the daemon that works in it."""

from __future__ import annotations

from pathlib import Path

import click
from rich.text import Text

from cadenced.cli import logs, opening, screen
from cadenced.errors import CadencedError
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


@click.command()
@click.option("--until-idle", is_flag=True, help="End once nothing is due and the inbox is read.")
@click.option("--verbose", "-v", is_flag=True, help="Log more.")
def run(*, until_idle: bool, verbose: bool) -> int:
    """Run the daemon: import what is dropped, send what is due, read what comes in.

    SIGTERM and Ctrl-C end it cleanly; SIGHUP rereads sequences and templates, and keeps the old ones where the new are
    broken. With --until-idle the exit status is 4 where a mailbox could not be served.
    """
    from cadenced import daemon  # noqa: PLC0415 - `init` needs none of it

    with logs.kept(verbose=verbose):
        try:
            return daemon.run(opening.config_path(), until_idle=until_idle)
        except ExceptionGroup as died:
            raise CadencedError(f"the daemon ended: {_first(died)}") from died


def _first(group: ExceptionGroup) -> str:
    """Return the first fault in words; its traceback is in the log."""
    fault: Exception = group
    while isinstance(fault, ExceptionGroup):
        fault = fault.exceptions[0]
    return str(fault) or type(fault).__name__


COMMANDS = (init, run)

"""``cadenced run``: the daemon that works in a workspace. It imports nothing that draws: a start is short."""

from __future__ import annotations

import click

from cadenced import daemon
from cadenced.cli import logs, opening
from cadenced.errors import CadencedError


@click.command()
@click.option("--until-idle", is_flag=True, help="End once nothing is due and the inbox is read.")
@click.option("--verbose", "-v", is_flag=True, help="Log more.")
def run(*, until_idle: bool, verbose: bool) -> int:
    """Run the daemon: import what is dropped, send what is due, read what comes in.

    SIGTERM and Ctrl-C end it cleanly; SIGHUP rereads sequences and templates, and keeps the old ones where the new are
    broken. With --until-idle the exit status is 4 where a mailbox could not be served.
    """
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


COMMANDS = (run,)

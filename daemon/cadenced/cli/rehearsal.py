"""``cadenced demo``, ``simulate`` and ``preview``: what will happen, before it happens."""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from datetime import time as clock_time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cadenced.cli import moments, opening
from cadenced.cli.printing import document, json_option
from cadenced.core import pacing

if TYPE_CHECKING:
    from cadenced.cli.rehearsal_story import Story
    from cadenced.engine.workspace import Workspace
    from cadenced.library.watch import LibrarySource
    from cadenced.sandbox.demo import Daemon, Outcome, Wanted
    from cadenced.sandbox.rehearsal import Setting

MORNING = clock_time(8, 0)
_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_SEQUENCE = click.argument("sequence", metavar="SEQUENCE")
_START = click.option("--start", metavar="DATE", help="The day on which it begins; today where none is given.")


@click.command()
@click.option("--keep", is_flag=True, help="Keep the workspace, and say how to look around in it.")
@click.option("--days", type=click.IntRange(1, 365), default=45, show_default=True, help="Days of the story.")
@click.option("--speed", type=click.FloatRange(0.05, 30), default=0.8, show_default=True, help="Seconds a day takes.")
@json_option
def demo(*, keep: bool, days: int, speed: float, as_json: bool) -> int:
    """See it all at work on this machine: no account, no network.

    A mail server lives in this process, two dozen invented prospects are dropped into a fresh workspace, the daemon
    writes to them, and they answer as people do. It ends by itself within a minute. The exit status is 1 where
    something was sent twice, or after an answer.
    """
    from cadenced.cli.rehearsal_story import Story, as_object  # noqa: PLC0415 - `--help` needs none of it
    from cadenced.sandbox.demo import Wanted  # noqa: PLC0415 - as above

    with _folder(keep=keep) as folder, _faults_only():
        story = Story(is_quiet=as_json, days=days)
        story.begin(folder)
        outcome, interrupted = asyncio.run(_play(Wanted(folder, days, speed), story))
        if as_json:
            document(as_object(outcome, story.told, folder if keep else None))
        else:
            story.end(outcome, kept=keep, interrupted=interrupted)
    return 0 if outcome.ledger.is_clean else 1


async def _play(wanted: Wanted, story: Story) -> tuple[Outcome, bool]:
    """Play until the end, or until Ctrl-C; returns whether that came."""
    from cadenced.sandbox import demo as stage  # noqa: PLC0415 - it brings the mail servers with it

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return await stage.play(wanted, _assemble, story.tell, stop), stop.is_set()


def _assemble(workspace: Workspace, shelf: LibrarySource) -> Daemon:
    from cadenced import daemon  # noqa: PLC0415 - it brings the mail libraries with it

    return daemon.assemble(workspace, daemon.real_wires(workspace.config, workspace.clock), shelf)


@contextmanager
def _folder(*, keep: bool) -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="cadenced-demo-"))
    try:
        yield folder
    finally:
        if not keep:
            shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _faults_only() -> Iterator[None]:
    """Keep the log out of the story: only what went wrong is shown."""
    from cadenced.mail.privacy import hush_libraries  # noqa: PLC0415 - as above

    hush_libraries()
    log = logging.getLogger("cadenced")
    level = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(level)


@click.command()
@_SEQUENCE
@click.option("--csv", "table", type=_FILE, help="The list to play with; one invented prospect where none is given.")
@click.option("--until", default="90 days", show_default=True, metavar="SPAN|DATE", help="How long it is played.")
@click.option("--replies", type=_FILE, help="Who answers what, and when: YAML or CSV (see docs/rehearsal.md).")
@click.option("--leave-tasks", is_flag=True, help="Nobody does the plan's tasks; otherwise they are done when due.")
@click.option("--summary", is_flag=True, help="Show the summary alone.")
@_START
@json_option
def simulate(  # noqa: PLR0913 - one for each of the command's own options
    *,
    sequence: str,
    table: Path | None,
    until: str,
    replies: Path | None,
    leave_tasks: bool,
    summary: bool,
    start: str | None,
    as_json: bool,
) -> int:
    """Play a sequence through on a virtual clock, by the code that sends: the whole calendar.

    Nothing is written to the database, nothing is taken from the inbox, and no server is spoken to.
    """
    from cadenced.cli import rehearsal_calendar as calendar  # noqa: PLC0415 - `--help` needs none of it
    from cadenced.sandbox import script_file  # noqa: PLC0415 - as above
    from cadenced.sandbox.simulation import Plan  # noqa: PLC0415 - as above

    with _setting(sequence, start) as setting:
        script = script_file.load(replies, setting.library.sequences) if replies else None
        end = moments.read(_spaced(until), setting.config.place, setting.start)
        found = calendar.played(setting, Plan(sequence, end, table, script, not leave_tasks))
        if as_json:
            document(calendar.as_object(found))
        else:
            calendar.show(found, only_summary=summary)
    return 0


@click.command()
@_SEQUENCE
@click.option("--csv", "table", type=_FILE, help="The list that the prospect is taken from.")
@click.option("--email", metavar="ADDR", help="Which prospect: of the list, else of the database.")
@_START
@json_option
def preview(*, sequence: str, table: Path | None, email: str | None, start: str | None, as_json: bool) -> int:
    """Show what one prospect would get: each step with its date, subject and text, by the code that sends.

    Without --csv and --email it is shown for an invented prospect. The exit status is 1 where a mail would be kept
    back. Nothing is written to the database, and nothing is sent.
    """
    from cadenced.cli import rehearsal_preview as pages  # noqa: PLC0415 - `--help` needs none of it

    with _setting(sequence, start) as setting:
        shown = pages.play(setting, sequence, table, email)
        if as_json:
            document(pages.as_object(shown))
        else:
            pages.show(shown)
    return 1 if shown.problems else 0


def _spaced(until: str) -> str:
    """Return ``90d`` as ``90 d``."""
    text = until.strip()
    number = text.rstrip("abcdefghijklmnopqrstuvwxyz ")
    return f"{number} {text[len(number) :].strip()}" if number.isdigit() else text


@contextmanager
def _setting(sequence: str, start: str | None) -> Iterator[Setting]:
    """Read the workspace's configuration and library; RefusedError where there is no such sequence."""
    from cadenced import config, library  # noqa: PLC0415 - `--help` needs none of it
    from cadenced.config.spelling import did_you_mean  # noqa: PLC0415 - as above
    from cadenced.engine.opening import wording  # noqa: PLC0415 - as above
    from cadenced.errors import RefusedError  # noqa: PLC0415 - as above
    from cadenced.sandbox.rehearsal import Setting  # noqa: PLC0415 - as above

    read = config.load(config.find(opening.config_path()))
    known = library.load(library.shelves(read))
    if sequence not in known.sequences:
        cure = did_you_mean(sequence, sorted(known.sequences))
        raise RefusedError(f"there is no sequence {sequence!r}; {cure}".rstrip("; "))
    zone = read.daemon.timezone
    day = moments.date_of(start) if start else datetime.now(UTC).astimezone(pacing.zone(zone)).date()
    with _faults_only():
        yield Setting(read, known, pacing.to_utc(day, MORNING, zone), wording(read))


COMMANDS = (demo, simulate, preview)

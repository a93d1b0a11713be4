"""``cadenced import`` and ``cadenced imports``: CSV files become prospects at once, and an import can be taken back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from sqlalchemy import Row

from cadenced.cli import moments, opening, screen
from cadenced.cli.moments import stamp
from cadenced.cli.printing import document, json_option
from cadenced.config.spelling import did_you_mean
from cadenced.engine import intake_import, intake_spool
from cadenced.engine.intake_import import File, ImportResult, Job
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError, UsageError
from cadenced.store import import_spool, import_undo, imports
from cadenced.store.imports import VERDICTS, Verdict

_STYLES = {"enrolled": "green", "updated": "cyan", "suppressed": "yellow", "rejected": "red"}
_SHOWN = 5
_LISTED = 50
_KEPT_SHOWN = 20
Told = Callable[[int], None]


@click.command("import")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path, dir_okay=False), metavar="FILE...")
@click.option("--sequence", "-s", default="", help="The sequence for rows that name none.")
@click.option("--undo", "undone", type=int, metavar="ID", help="Take an import back where nothing was sent yet.")
@click.option(
    "--report",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Where NAME.report.csv goes; without it, beside each file.",
)
@json_option
def bring_in(files: tuple[Path, ...], sequence: str, undone: int | None, folder: Path | None, *, as_json: bool) -> int:
    """Import CSV files at once: each becomes prospects and enrolments as a whole, or not at all.

    Every row gets a verdict, in NAME.report.csv beside the file: enrolled, updated, unchanged, suppressed, rejected.
    The same file again enrols nobody twice. The exit status is 1 where a file, or every row of one, was refused,
    and where nothing of an import can be taken back.
    """
    if bool(files) == (undone is not None):
        raise UsageError("name CSV files to import, or an import to take back with --undo ID (cadenced imports)")
    with opening.workspace() as workspace:
        if undone is not None:
            return _undo(workspace, undone, as_json=as_json)
        _demand_sequence(workspace, sequence)
        staging = intake_spool.by_hand(workspace.config.daemon.inbox)
        todo = [File(path, path.name, sequence, staging=staging) for path in dict.fromkeys(files)]
        ended: list[Path] = []
        done = [_one(Order(workspace, file, folder, ended), quiet=as_json) for file in todo]
        if as_json:
            document(done)
        for rows in ended:  # last of all: a run that is killed before does nothing twice when it is made again
            import_spool.remove(rows)
    return 1 if any(not outcome["taken"] for outcome in done) else 0


def _demand_sequence(workspace: Workspace, name: str) -> None:
    known = workspace.library.sequences
    if name and name not in known:
        raise RefusedError(f"there is no sequence {name!r}; {did_you_mean(name, known)}")


@dataclass(frozen=True, slots=True)
class Order:
    """A file to import, the folder that its report goes to, and a list to add its rows to once all is told of them."""

    workspace: Workspace
    file: File
    folder: Path | None
    ended: list[Path]

    def free(self) -> Path:
        """Return a place for the report where nothing lies yet, numbered when it has to be."""
        return _free(self.folder or self.file.path.parent, self.file.path.name)


def _one(order: Order, *, quiet: bool) -> dict[str, Any]:
    """Import one file and say what came of it; a file that is no list of prospects does not stop the others."""
    file = order.file
    try:
        with _progress(file.name, quiet=quiet) as told:
            result, refused, place = _import(order, told)
    except (RefusedError, OSError) as fault:
        why = fault.strerror or str(fault) if isinstance(fault, OSError) else str(fault)
        click.echo(f"cadenced: {file.path}: {why}", err=True)
        return {"file": str(file.path), "taken": False, "reason": why}
    taken = any(result.counts[verdict] for verdict in VERDICTS if verdict != "rejected")
    if not quiet:
        _print(file, result, refused, place)
    return {
        "file": str(file.path),
        "taken": taken,
        "id": result.id,
        "counts": dict(result.counts),
        "notes": list(result.notes),
        "report": str(place),
    }


def _free(folder: Path, name: str) -> Path:
    stem, dot, suffix = name.rpartition(".")
    place, number = folder / f"{name}.report.csv", 1
    while os.path.lexists(place):
        number += 1
        numbered = f"{stem}-{number}{dot}{suffix}" if stem else f"{name}-{number}"
        place = folder / f"{numbered}.report.csv"
    return place


def _import(order: Order, told: Told) -> tuple[ImportResult, list[Verdict], Path]:
    now = order.workspace.now
    with Job(order.workspace.database, order.file, order.workspace.rules()) as job:
        intake_import.run(job, now(), told)
        result = job.finish(now())
        place = job.tell(order.free)
        refused = job.refused(_SHOWN)
        job.drop_verdicts()
        order.ended.append(job.waiting)
    return result, refused, place


def _progress(name: str, *, quiet: bool) -> AbstractContextManager[Told]:
    """Show how many rows are read, on a terminal."""
    if quiet or screen.is_wide_open():
        return nullcontext(lambda _rows: None)
    return _Bar(name)


class _Bar:
    """A line that counts rows while a file is imported, and goes away at the end."""

    def __init__(self, name: str) -> None:
        columns = (
            SpinnerColumn(),
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:,} rows"),
        )
        self._progress = Progress(*columns, console=screen.console(), transient=True)
        self._task = self._progress.add_task(screen.clean(name), total=None)

    def __enter__(self) -> Told:
        self._progress.start()
        return lambda rows: self._progress.update(self._task, completed=rows)

    def __exit__(self, *_: object) -> None:
        self._progress.stop()


def _print(file: File, result: ImportResult, refused: list[Verdict], place: Path) -> None:
    screen.show(screen.heading(f"{file.name} (import {result.id})"))
    counted = [(screen.styled(verdict, _STYLES.get(verdict, "")), f"{n:,}") for verdict, n in _counted(result.counts)]
    screen.show(screen.table(["verdict", ">rows"], counted, indent=2))
    for note in result.notes:
        screen.show(screen.paragraph(note, indent=2))
    for row in refused:
        screen.show(
            screen.paragraph(f"line {row.line}: {row.email or '(no address)'}: {row.reason}", indent=2, style="red")
        )
    more = result.counts["rejected"] - len(refused)
    if more > 0:
        screen.show(screen.paragraph(f"and {more:,} more; every row stands in the report", indent=2, style="dim"))
    screen.show(screen.paragraph(f"Report: {place}", indent=2, style="dim"))


def _counted(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(verdict, counts[verdict]) for verdict in VERDICTS if counts[verdict] or verdict == "enrolled"]


def _undo(workspace: Workspace, import_id: int, *, as_json: bool) -> int:
    undone = import_undo.undo(workspace.database, import_id, workspace.now())
    if as_json:
        examples = [{"email": email, "reason": reason} for email, reason in undone.examples]
        gone = {"id": import_id, "enrolments": undone.enrolments, "prospects": undone.prospects}
        document({**gone, "stays": dict(undone.stays), "examples": examples})
        return _status(undone)
    taken = _taken_back(import_id, undone)
    screen.show(screen.paragraph(taken))
    for reason, count in undone.stays.items():
        screen.show(screen.paragraph(f"{screen.counted(count, 'enrolment')} left as it is: {reason}", indent=2))
        for email, why in undone.examples[:_KEPT_SHOWN]:
            if why == reason:
                screen.show(screen.paragraph(email, indent=4, style="dim"))
    return _status(undone)


def _status(undone: import_undo.Undone) -> int:
    """Return 1 where nothing was taken back, and something stays: the undo was refused as a whole."""
    return 1 if undone.stays and not undone.enrolments and not undone.prospects else 0


def _taken_back(import_id: int, undone: import_undo.Undone) -> str:
    gone = f"{screen.counted(undone.enrolments, 'enrolment')}, {screen.counted(undone.prospects, 'prospect')}"
    return f"Import {import_id} is taken back: {gone}."


@click.command("imports")
@json_option
def listing(*, as_json: bool) -> None:
    """List the imports with their ids, the newest first."""
    with opening.workspace(with_library=False) as workspace:
        rows = workspace.database.read(lambda tx: imports.latest(tx, _LISTED))
        if as_json:
            document([_object(row) for row in rows])
        elif not rows:
            screen.show(screen.paragraph("Nothing was imported yet."))
        else:
            zone, now = workspace.config.daemon.timezone, workspace.now()
            listed = [
                (
                    str(row.id),
                    row.name,
                    row.sequence,
                    _state(row),
                    moments.local(row.started_at, zone, now),
                    _short(row),
                )
                for row in rows
            ]
            screen.show(screen.table([">id", "file", "sequence", "state", "when", "rows"], listed))


def _state(row: Row[Any]) -> str:
    return {
        "active": "done",
        "staging": "under way",
        "activating": "under way",
        "undoing": "half undone",
        "given_up": "given up",
    }.get(row.state, str(row.state))


def _short(row: Row[Any]) -> str:
    return ", ".join(f"{count:,} {verdict}" for verdict, count in row.counts.items() if count)


def _object(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "name": row.name,
        "sequence": row.sequence,
        "state": row.state,
        "started_at": stamp(row.started_at),
        "finished_at": stamp(row.finished_at),
        "counts": dict(row.counts),
        "notes": list(row.notes),
    }


COMMANDS = (bring_in, listing)

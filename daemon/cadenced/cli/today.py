"""``cadenced today`` and ``cadenced done``: what waits for the human, and what came of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime, time, timedelta
from typing import Any, NoReturn

import click
from rich.text import Text
from sqlalchemy import Connection

from cadenced.cli import asked as asked_for
from cadenced.cli import moments, opening, screen
from cadenced.cli.moments import stamp
from cadenced.cli.person import task_object
from cadenced.cli.printing import document, json_option
from cadenced.cli.status import print_doubts, print_refused
from cadenced.core import pacing
from cadenced.engine import acts
from cadenced.engine.acts import Agreed, Result
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError, UsageError
from cadenced.store import edits, enrolments, people, reports, tasks
from cadenced.store.edits import Refused
from cadenced.store.reports import Doubt
from cadenced.store.tasks import OpenTask

_LISTED_LAST = ("subject", "text", "explanation")


@dataclass(frozen=True, slots=True)
class Day:
    """What waits, as the page shows it; ``refused`` is an edit that is not in force."""

    begins: datetime
    asked: tuple[OpenTask, ...]
    doubts: tuple[Doubt, ...]
    refused: Refused | None


@click.command()
@click.option("--all", "later", is_flag=True, help="Show also what is due on later days.")
@json_option
def today(*, later: bool, as_json: bool) -> None:
    """List what waits for you: replies, calls, questions, and touches in doubt.

    "Today" ends at midnight in the time zone of the configuration.
    """
    with opening.workspace(with_library=False) as workspace:
        now = workspace.now()
        begins, ends = _day(workspace, now)
        day = workspace.database.read(lambda tx: _gather(tx, begins, ends, later=later))
        if as_json:
            document(_as_object(day, now))
        else:
            _print(day, workspace, now)


def _gather(tx: Connection, begins: datetime, ends: datetime, *, later: bool) -> Day:
    """Return the day: its tasks, the most urgent first, and the touches in doubt about which no task asks yet."""
    asked = asked_for.in_order(tasks.open_until(tx, None if later else ends), ends)
    covered = {task.touch for task in asked if task.kind == "doubt"}
    doubts = tuple(doubt for doubt in reports.doubts(tx) if doubt.touch not in covered)
    return Day(begins, tuple(asked), doubts, edits.refused(tx))


def _day(workspace: Workspace, now: datetime) -> tuple[datetime, datetime]:
    """Return the first and the last moment of today."""
    zone = workspace.config.daemon.timezone
    today = now.astimezone(pacing.zone(zone)).date()
    tomorrow = pacing.to_utc(today + timedelta(days=1), time(0), zone)
    return pacing.to_utc(today, time(0), zone), tomorrow - timedelta(microseconds=1)


def _as_object(day: Day, now: datetime) -> dict[str, Any]:
    return {
        "library_refused": asdict(day.refused) if day.refused else None,
        "tasks": [
            {**task_object(task), "late": task.due_at < now, "commands": list(asked_for.commands(task))}
            for task in day.asked
        ],
        "doubts": [
            {
                "touch": doubt.touch,
                "email": doubt.email,
                "subject": doubt.subject,
                "state": doubt.state,
                "armed_at": stamp(doubt.armed_at),
                "evidence": doubt.evidence or doubt.reply,
            }
            for doubt in day.doubts
        ],
    }


def _print(day: Day, workspace: Workspace, now: datetime) -> None:
    zone = workspace.config.daemon.timezone
    if day.refused:
        print_refused(day.refused, zone, now)
        screen.blank()
    if not day.asked and not day.doubts:
        screen.show(screen.styled("Nothing waits for you today.", "bold"))
        screen.show(screen.paragraph("cadenced today --all shows what is due later.", style="dim"))
        return
    if day.asked:
        screen.show(screen.heading(f"{len(day.asked):,} for you{_late(day)}"))
    for task in day.asked:
        screen.blank()
        _print_task(task, zone, now)
    print_doubts(day.doubts, zone, now)


def _late(day: Day) -> str:
    late = sum(task.due_at < day.begins for task in day.asked)
    if late and late == len(day.asked):
        return ", from before today" if late == 1 else ", all of them from before today"
    return f", {late:,} from before today" if late else ""


def _print_task(task: OpenTask, zone: str, now: datetime) -> None:
    late = task.due_at < now - timedelta(days=1)
    head = Text(f"{task.id:>3}  ", style="dim")
    head.append(task.kind.replace("_", " "), style="bold magenta")
    if task.email:
        head.append(f"  {screen.clean(task.email)}", style="bold")
    screen.show(head.append(f"  {_age(task, zone, now)}", style="red" if late else "dim"))
    screen.show(screen.paragraph(asked_for.brief(task), indent=5))
    screen.show(screen.facts(_facts(task), indent=5))
    for command in asked_for.commands(task):
        screen.show_command(command, indent=5)


def _age(task: OpenTask, zone: str, now: datetime) -> str:
    if task.due_at > now:
        return f"due {moments.local(task.due_at, zone, now)} ({moments.relative(task.due_at, now)})"
    return "new" if now - task.due_at < timedelta(minutes=2) else moments.relative(task.due_at, now)


def _facts(task: OpenTask) -> Iterator[tuple[str, str]]:
    for key, value in task.facts.items():
        if key not in _LISTED_LAST and value not in task.brief:
            yield key.replace("_", " "), value
    for key in _LISTED_LAST:
        if task.facts.get(key):
            yield key, task.facts[key]


@click.command()
@click.argument("task", type=int)
@click.option("--outcome", default="", help="What came of it, in a word: reached, no_answer, answered, meeting, …")
@click.option("--note", default="", help="What is worth remembering.")
@click.option("--next-step", default="", metavar="TEXT", help="What was agreed on, such as “call”.")
@click.option("--at", "moment", default="", metavar="MOMENT", help="When: a day, a day and time, or a duration.")
def done(task: int, outcome: str, note: str, next_step: str, moment: str) -> None:
    """Mark TASK as done, and say what came of it.

    After reached, interested, meeting, answered, won, lost and not_interested a conversation runs, and the sequence
    rests; after any other outcome it goes on. With --next-step and --at the agreed step becomes a task, and the
    sequence waits for it. Moments are read in the prospect's time zone.
    """
    if bool(next_step) != bool(moment):
        raise UsageError("--next-step and --at belong together: what was agreed on, and when")
    with opening.workspace() as workspace:
        if not outcome:
            _ask_for_outcome(workspace, task)
        finished, after = workspace.database.transact(
            lambda tx: _finish(tx, workspace, task, _result(tx, workspace, task, (outcome, note, next_step, moment)))
        )
        who = f" ({finished.email})" if finished.email else ""
        screen.show(screen.paragraph(f"Task {task}{who} is done: {outcome}."))
        for line in after:
            screen.show(screen.paragraph(line))


def _ask_for_outcome(workspace: Workspace, task_id: int) -> NoReturn:
    """Say which words this task usually ends with."""
    task = workspace.database.read(lambda tx: tasks.get(tx, task_id))
    if task is None:
        raise RefusedError(f"there is no task {task_id}")
    raise UsageError(f"say what came of it: {' or '.join(asked_for.commands(task))}")


def _result(tx: Connection, workspace: Workspace, task_id: int, said: tuple[str, str, str, str]) -> Result:
    outcome, note, what, moment = said
    if not what:
        return Result(outcome, note)
    task = tasks.get(tx, task_id)
    place = people.get(tx, task.prospect).place if task and task.prospect else workspace.config.place
    return Result(outcome, note, Agreed(what, moments.read(moment, place, workspace.now())))


def _finish(tx: Connection, workspace: Workspace, task_id: int, result: Result) -> tuple[OpenTask, list[str]]:
    finished = acts.done(tx, workspace, task_id, result)
    return finished, list(_afterwards(tx, workspace, finished, result))


def _afterwards(tx: Connection, workspace: Workspace, task: OpenTask, result: Result) -> Iterator[str]:
    """Say what the enrolment does now, so that nobody has to look."""
    now = workspace.now()
    zone = people.get(tx, task.prospect).place.timezone if task.prospect else workspace.config.daemon.timezone
    if result.agreed:
        yield f"Next step: {result.agreed.what}, {moments.local(result.agreed.at, zone, now)} ({zone})."
    if task.enrolment is None:
        return
    stands = enrolments.get(tx, task.enrolment)
    if stands.state.value == "halted":
        yield f"{stands.sequence} rests: {stands.outcome}."
    elif stands.state.value == "active" and stands.due_at:
        when = moments.local(stands.due_at, zone, now)
        yield f"{stands.sequence} goes on with step “{stands.step}” on {when} ({zone})."
    else:
        words = {"awaiting_task": "waits for you", "paused": "stays paused"}
        yield f"{stands.sequence} {words.get(stands.state.value, f'is {stands.state.value}')}."


COMMANDS = (today, done)

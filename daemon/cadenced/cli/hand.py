"""What a salesperson does by hand to one prospect: note, enrol, halt, pause, resume, skip.

What stops somebody works also while a sequence or a template is broken, and says "done" only when no payload can be
on its way any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import click
from sqlalchemy import Connection

from cadenced.cli import moments, opening, screen
from cadenced.core import address
from cadenced.core.model import Enrolment, Prospect, State
from cadenced.engine import acts, moves
from cadenced.engine.workspace import Workspace
from cadenced.errors import UsageError

_PAUSE = "5 business days"


@click.command()
@click.argument("email")
@click.argument("text", nargs=-1, required=True)
def note(email: str, text: tuple[str, ...]) -> None:
    """Write something down about a prospect; templates see the newest note as {{ notes }}."""
    with opening.workspace(with_library=False) as workspace:
        workspace.database.transact(lambda tx: acts.note(tx, workspace, email, " ".join(text)))
        _say(f"Noted about {address.normalise(email)}.")


@click.command()
@click.argument("email")
@click.argument("sequence", required=False)
@click.option("--sequence", "-s", "named", default="", help="The same as SEQUENCE.")
def enrol(email: str, sequence: str | None, named: str) -> None:
    """Begin SEQUENCE for a known prospect; without it the configuration's default_sequence."""
    with opening.workspace() as workspace:
        name = sequence or named or workspace.config.daemon.default_sequence
        if not name:
            known = ", ".join(sorted(workspace.library.sequences))
            raise UsageError(f"which sequence? There are: {known}")
        normal = address.normalise(email)
        begun = workspace.database.transact(lambda tx: moves.enrol(tx, workspace, normal, name, workspace.now()))
        _say(f"{normal} is enrolled in {_position(workspace, begun)}.")


@click.command()
@click.argument("email")
@click.option("--reason", default="", help="Why, for the timeline.")
def halt(email: str, reason: str) -> None:
    """End everything that runs for a prospect. Nothing begins again by itself."""
    with opening.workspace(with_library=False) as workspace:
        prospect, moved = _both(workspace, email, lambda tx: acts.halt(tx, workspace, email, reason))
        still = stopped(workspace, prospect.id)
        for one in moved:
            _say(f"{prospect.email}: {one.sequence} is halted.")
        if not still:
            _say(ON_ITS_WAY)


@click.command()
@click.argument("email")
@click.option("--until", default=_PAUSE, show_default=True, metavar="MOMENT", help="A day, day and time, or duration.")
@click.option("--reason", default="", help="Why, for the timeline.")
def pause(email: str, until: str, reason: str) -> None:
    """Set a prospect aside until a moment, read in the prospect's time zone; then it goes on where it was."""
    with opening.workspace() as workspace:

        def work(tx: Connection) -> list[Enrolment]:
            moment = moments.read(until, acts.find(tx, email).place, workspace.now())
            return acts.pause(tx, workspace, email, moment, reason)

        prospect, moved = _both(workspace, email, work)
        still = stopped(workspace, prospect.id)
        _report(workspace, prospect, moved)
        if not still:
            _say(ON_ITS_WAY)


@click.command()
@click.argument("email")
def resume(email: str) -> None:
    """Take up what is paused or waits for a task, else what was halted last."""
    with opening.workspace() as workspace:
        _report(workspace, *_both(workspace, email, lambda tx: acts.resume(tx, workspace, email)))


@click.command()
@click.argument("email")
def skip(email: str) -> None:
    """Leave the next step out."""
    with opening.workspace() as workspace:
        _report(workspace, *_both(workspace, email, lambda tx: acts.skip(tx, workspace, email)))


ON_ITS_WAY = "A mail was on its way at that very moment and may still arrive; nothing more leaves after it."
"""What is said where the barrier ran out."""


def stopped(workspace: Workspace, prospect_id: int) -> bool:
    """Wait until no payload can be on its way to a prospect; False where one may be."""
    return acts.barrier(workspace, prospect_id)


def _both(
    workspace: Workspace, email: str, work: Callable[[Connection], list[Enrolment]]
) -> tuple[Prospect, list[Enrolment]]:
    return workspace.database.transact(lambda tx: (acts.find(tx, email), work(tx)))


def _report(workspace: Workspace, prospect: Prospect, moved: Iterable[Enrolment]) -> None:
    for one in moved:
        _say(f"{prospect.email}: {_position(workspace, one)}.")


def _position(workspace: Workspace, one: Enrolment) -> str:
    """Say in one line where an enrolment stands now."""
    now, zone = workspace.now(), one.place.timezone
    when = f"{moments.local(one.due_at, zone, now)} ({zone}, {moments.relative(one.due_at, now)})" if one.due_at else ""
    if one.state is State.ACTIVE:
        step = f"step “{one.step}” is next" if one.step else "the last wait runs"
        return f"{one.sequence}, {step}: {when}"
    if one.state is State.PAUSED:
        return f"{one.sequence} is paused until {when}"
    return f"{one.sequence} is {one.state.value.replace('_', ' ')}"


def _say(text: str) -> None:
    screen.show(screen.paragraph(text))


COMMANDS = (note, enrol, halt, pause, resume, skip)

"""What a salesperson does by hand to one prospect: note, enrol, halt, pause, resume, skip.

What stops somebody works also while a sequence or a template is broken, and says "done" only when no payload can be
on its way any more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

import click
from sqlalchemy import Connection

from cadenced.cli import moments, opening, screen
from cadenced.core import address
from cadenced.core.model import Enrolment, Prospect, State
from cadenced.engine import acts, moves, stops
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError, UsageError
from cadenced.store import enrolments, people
from cadenced.store.stops import HALTED, RESUMED

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
@click.option("--first-name", default="", help="Of somebody new; they become a prospect.")
@click.option("--last-name", default="", help="Of somebody new.")
@click.option("--company", default="", help="Of somebody new.")
@click.option("--field", "fields", multiple=True, metavar="COLUMN=VALUE", help="Any other column of somebody new.")
def enrol(email: str, sequence: str | None, named: str, fields: tuple[str, ...], **names: str) -> None:
    """Begin SEQUENCE for a prospect; without it the configuration's default_sequence.

    Somebody new is brought in with at least one of --first-name, --last-name, --company and --field.
    """
    details = _details(names, fields)
    with opening.workspace() as workspace:
        name = sequence or named or workspace.config.daemon.default_sequence
        if not name:
            known = ", ".join(sorted(workspace.library.sequences))
            raise UsageError(f"which sequence? There are: {known}")
        normal = address.normalise(email)
        _say(f"{normal} is enrolled in {_position(workspace, _begun(workspace, normal, name, details))}.")


def _details(names: Mapping[str, str], fields: tuple[str, ...]) -> dict[str, str]:
    """Return what was told of a person, by column."""
    found = {column: value for column, value in names.items() if value}
    for field in fields:
        column, equals, value = field.partition("=")
        if not equals or not column.strip():
            raise UsageError(f"--field {field!r}: write it like --field role=Buyer")
        found[column.strip()] = value
    return found


def _begun(workspace: Workspace, email: str, name: str, details: Mapping[str, str]) -> Enrolment:
    """Begin a sequence for a prospect, made known first where something was told of it."""
    known = workspace.database.read(lambda tx: people.by_email(tx, email))
    if known is None and name in workspace.library.sequences:
        if not details:
            cure = f"cadenced enrol {email} {name} --first-name …"
            raise RefusedError(f"{email} is not a prospect; say who it is ({cure}), or import a list")
        from cadenced.cli import newcomer  # noqa: PLC0415 - it brings the import along, and who halts must not wait

        newcomer.bring_in(workspace, email, name, details)
        return workspace.database.read(lambda tx: enrolments.of_prospect(tx, acts.find(tx, email).id)[-1])
    if known is not None and details:
        raise RefusedError(f"{email} is known already; enrol it without details, and tell new ones by a list")
    return workspace.database.transact(lambda tx: moves.enrol(tx, workspace, email, name, workspace.now()))


@click.command()
@click.argument("email")
@click.option("--reason", default="", help="Why, for the timeline.")
def halt(email: str, reason: str) -> None:
    """End everything that runs for a prospect. Nothing begins again by itself."""
    with opening.workspace(with_library=False) as workspace:
        prospect, moved = _both(workspace, email, lambda tx: acts.halt(tx, workspace, email, reason))
        stops.keep(workspace, HALTED, email)
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
        prospect, moved = _both(workspace, email, lambda tx: acts.resume(tx, workspace, email))
        stops.keep(workspace, RESUMED, email)
        _report(workspace, prospect, moved)


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

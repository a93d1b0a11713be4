"""``cadenced suppress``: who is never written to."""

from __future__ import annotations

from functools import partial

import click
from sqlalchemy import Connection

from cadenced.cli import hand, moments, opening, screen
from cadenced.cli.moments import stamp
from cadenced.cli.printing import document, json_option
from cadenced.core import address
from cadenced.engine import acts, stops
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError
from cadenced.store import people
from cadenced.store.stops import LIFTED, SUPPRESSED


class _Addresses(click.Group):
    """Knows that an address in place of a command is meant to be added."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command; for an address say how it is added."""
        if args and "@" in args[0]:
            raise click.UsageError(f"Did you mean 'cadenced suppress add {' '.join(args)}'?", ctx)
        return super().resolve_command(ctx, args)


@click.group(cls=_Addresses)
def suppress() -> None:
    """Say who is never written to: add and remove addresses, list them."""


@suppress.command(short_help="Never write to these addresses again.")
@click.argument("emails", nargs=-1, required=True, metavar="EMAIL...")
@click.option("--reason", default="by hand", show_default=True, help="Why, for the list.")
def add(emails: tuple[str, ...], reason: str) -> None:
    """Never write to these addresses again, whether they are prospects or not. What runs for them ends."""
    with opening.workspace(with_library=False) as workspace:
        for email in emails:
            fresh, prospect = workspace.database.transact(
                partial(_add, workspace=workspace, email=email, reason=reason)
            )
            stops.keep(workspace, SUPPRESSED, email)
            quiet = prospect is None or hand.stopped(workspace, prospect)
            word = "is never written to again" if fresh else "was suppressed already"
            screen.show(screen.paragraph(f"{address.normalise(email)} {word}."))
            if not quiet:
                screen.show(screen.paragraph(hand.ON_ITS_WAY))


def _add(tx: Connection, workspace: Workspace, email: str, reason: str) -> tuple[bool, int | None]:
    fresh = acts.suppress(tx, workspace, email, reason)
    prospect = people.by_email(tx, address.normalise(email))
    return fresh, prospect.id if prospect else None


@suppress.command()
@click.argument("email")
def remove(email: str) -> None:
    """Lift a suppression. What it ended does not begin again by itself."""
    with opening.workspace(with_library=False) as workspace:
        normal = address.normalise(email)
        if not workspace.database.transact(lambda tx: acts.unsuppress(tx, workspace, email)):
            raise RefusedError(f"{normal} is not suppressed")
        stops.keep(workspace, LIFTED, email)
        screen.show(screen.paragraph(f"{normal} may be written to again; cadenced enrol {normal} begins a sequence."))


@suppress.command("list")
@json_option
def listing(*, as_json: bool) -> None:
    """List every suppressed address, the newest first."""
    with opening.workspace(with_library=False) as workspace:
        found = workspace.database.read(people.suppressed)
        if as_json:
            document([{"email": row.email, "reason": row.reason, "at": stamp(row.at)} for row in found])
        elif not found:
            screen.show(screen.paragraph("Nobody is suppressed."))
        else:
            zone, now = workspace.config.daemon.timezone, workspace.now()
            rows = [(row.email, row.reason, moments.local(row.at, zone, now)) for row in found]
            screen.show(screen.table(["address", "reason", "since"], rows))


COMMANDS = (suppress,)

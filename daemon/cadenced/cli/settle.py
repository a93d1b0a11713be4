"""``cadenced resolve`` and ``cadenced release``: a human's word where no machine can tell, or must not go on."""

from __future__ import annotations

import click

from cadenced.cli import opening, screen
from cadenced.config.spelling import did_you_mean
from cadenced.engine import acts
from cadenced.errors import RefusedError

_SAID = {
    "sent": "is taken as sent; the sequence goes on after it",
    "resend": "leaves again, with the same bytes, as soon as it may",
    "skip": "is left out; the sequence goes on after it",
}


@click.command()
@click.argument("touch", type=int)
@click.argument("how", type=click.Choice(list(_SAID)))
def resolve(touch: int, how: str) -> None:
    """Settle a touch of which nobody knows whether it was sent.

    Look into the mailbox's Sent folder, or ask the prospect. Then say: sent (it arrived), resend (it did not; the same
    message leaves again), or skip (never mind).
    """
    with opening.workspace() as workspace:
        settled = workspace.database.transact(lambda tx: acts.resolve(tx, workspace, touch, how))
        screen.show(screen.paragraph(f"“{settled.subject}” to {settled.recipient} {_SAID[how]}."))


@click.command()
@click.argument("mailbox")
def release(mailbox: str) -> None:
    """Let a mailbox that is held send again, once what it was held for is mended."""
    with opening.workspace(with_library=False) as workspace:
        box = workspace.config.mailbox(mailbox)
        if box is None:
            names = [known.name for known in workspace.config.mailboxes]
            raise RefusedError(f"there is no mailbox {mailbox!r}; {did_you_mean(mailbox, names)}")
        if not workspace.database.transact(lambda tx: acts.release(tx, workspace, box.name)):
            raise RefusedError(f"{box.name} is not held")
        screen.show(screen.paragraph(f"{box.name} sends again."))


COMMANDS = (resolve, release)

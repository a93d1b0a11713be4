"""``cadenced resolve`` and ``cadenced release``: a human's word where no machine can tell, or must not go on."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import click
from sqlalchemy import Connection

from cadenced.cli import opening, screen
from cadenced.config.spelling import did_you_mean
from cadenced.engine import acts, restore
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError, UsageError
from cadenced.store import mailboxes
from cadenced.store.instance import Restored
from cadenced.store.mailboxes import MailboxState

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
@click.argument("mailbox", required=False)
@click.option("--restored", is_flag=True, help="Every mailbox that is held because an older database was put back.")
def release(mailbox: str | None, *, restored: bool) -> None:
    """Let a mailbox that is held send again, once what it was held for is mended."""
    if bool(mailbox) == restored:
        raise UsageError("name a mailbox, or say --restored")
    with opening.workspace(with_library=False) as workspace:
        for line in _restore_over(workspace) if restored else _released(workspace, mailbox or ""):
            screen.show(screen.paragraph(line))


def _restore_over(workspace: Workspace) -> list[str]:
    """Let go of all that a restore holds; returns what to tell."""
    found = workspace.database.transact(lambda tx: restore.release(tx, workspace))
    if found is None:
        raise RefusedError("no older database was put back; to release a mailbox, name it")
    states = [workspace.database.read(partial(mailboxes.get, name=name)) for name in found.released]
    free = [state.name for state in states if not state.hold]
    kept = [f"{state.name} is still held: {state.hold}" for state in states if state.hold]
    again = [f"{_listed(free)} again."] if free else []
    return [f"{_made_up_for(found)}.", *again, *kept, *_unread(states, found)]


def _listed(names: Sequence[str]) -> str:
    return f"{' and '.join(filter(None, (', '.join(names[:-1]), names[-1])))} {'sends' if len(names) == 1 else 'send'}"


def _made_up_for(found: Restored) -> str:
    mails = screen.counted(found.found, "mail")
    return f"{mails} of which this database knew nothing {'was' if found.found == 1 else 'were'} found by their copies"


def _unread(states: Sequence[MailboxState], found: Restored) -> list[str]:
    """Say which mailboxes have not been read again yet: nothing leaves before that, and more may be found."""
    late = [state.name for state in states if state.synced_at is None or state.synced_at < found.at]
    return [f"{name} has not been read since; that comes first, and it is held anew if more is found." for name in late]


def _released(workspace: Workspace, mailbox: str) -> list[str]:
    box = workspace.config.mailbox(mailbox)
    if box is None:
        names = [known.name for known in workspace.config.mailboxes]
        raise RefusedError(f"there is no mailbox {mailbox!r}; {did_you_mean(mailbox, names)}")

    def work(tx: Connection) -> bool:
        return restore.release(tx, workspace, box.name) is not None or acts.release(tx, workspace, box.name)

    if not workspace.database.transact(work):
        raise RefusedError(f"{box.name} is not held")
    left = workspace.database.read(partial(mailboxes.get, name=box.name)).hold
    return [f"{box.name} is still held: {left}" if left else f"{box.name} sends again."]


COMMANDS = (resolve, release)

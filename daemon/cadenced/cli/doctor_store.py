"""The doctor at what the daemon has written down: whether it runs, what it holds, and what it could not do last."""

from __future__ import annotations

from collections.abc import Iterator

from sqlalchemy import Connection

from cadenced.cli import liveness
from cadenced.cli.diagnosis import Diagnosis, bad, good, note
from cadenced.config import Mailbox, SentCopy
from cadenced.engine import copies as known_copies
from cadenced.engine import restore
from cadenced.engine.heartbeat import APART
from cadenced.engine.workspace import Workspace
from cadenced.store import copies, edits, leases, mailboxes
from cadenced.store.mailboxes import MailboxState

_LAST = 200
"""So many mails are looked at to say how their copies are filed."""


def examine(workspace: Workspace) -> list[Diagnosis]:
    """Return how the daemon and its mailboxes stand."""
    return workspace.database.read(lambda tx: [*_daemon(tx, workspace), *_kept(tx, workspace)])


def _daemon(tx: Connection, workspace: Workspace) -> Iterator[Diagnosis]:
    running = liveness.running(tx, workspace.config.daemon.database)
    if running and workspace.database.is_sqlite:
        yield good("machine", "daemon", "it runs")
    elif running:
        yield from _workers(tx, workspace)
    elif running is False:
        yield note("machine", "daemon", "it does not run: nothing is sent, no answer is read", "cadenced run")


def _workers(tx: Connection, workspace: Workspace) -> Iterator[Diagnosis]:
    """Say who serves what, and whether the clocks agree: due moments are the hosts', leases the database's."""
    tenants = leases.tenants(tx)
    for worker in leases.living(tx):
        names = [name for name, one in tenants.items() if one.id == worker.boot]
        yield good("machine", "worker", f"{worker.host}, process {worker.pid}: {', '.join(names) or 'no mailbox'}")
    for box in workspace.config.mailboxes:
        if box.name not in tenants:
            yield note(box.name, "worker", "no worker serves it", "see that its password is there where workers run")
    apart = workspace.now() - leases.read_clock(tx)
    if abs(apart) > APART:
        text = f"this machine's clock and the database's are {apart.total_seconds():+.0f} s apart: workers here rest"
        yield bad("machine", "clock", text, "let both follow the same time (NTP)")


def _kept(tx: Connection, workspace: Workspace) -> Iterator[Diagnosis]:
    refused = edits.refused(tx)
    if refused:
        text = f"the newest edit of sequences and templates is not in force: {refused.problems[0]}"
        yield note("machine", "edit", text, "cadenced check")
    known_copies.look_up(tx, workspace)
    for box in workspace.config.mailboxes:
        yield from _mailbox(mailboxes.get(tx, box.name))
        yield _copies(tx, workspace, box)


def _copies(tx: Connection, workspace: Workspace, box: Mailbox) -> Diagnosis:
    """Say what copies of sent mail tell: by them a doubt is settled, or it is not."""
    filing = copies.filing(tx, box.name, workspace.now() - workspace.config.safety.sent_lag, _LAST)
    sends, who = len(filing.sends), workspace.sent_copy(box)
    if who is SentCopy.AUTO:
        text = "nobody has found out yet who files copies of sent mail"
        return note(box.name, "copies", text, f"cadenced doctor --probe {box.name}")
    if who not in {SentCopy.SERVER, SentCopy.SELF}:
        return note(box.name, "copies", f'sent_copy is "{who.value}": a touch in doubt will always need you')
    if filing.lacking:
        text = f"of the last {sends} mails {filing.lacking} have no copy: a touch in doubt will need you"
        return note(box.name, "copies", text, f"cadenced doctor --probe {box.name}")
    took = f", the slowest took {filing.slowest.total_seconds():.0f} s" if sends else ""
    return good(box.name, "copies", f"the last {sends} mails have their copies{took}" if sends else "none is due yet")


def _mailbox(state: MailboxState) -> Iterator[Diagnosis]:
    if state.hold:
        which = "--restored" if state.hold.startswith(restore.HELD) else state.name
        yield bad(state.name, "held", state.hold, f"mend it, then: cadenced release {which}")
    for what, fault in (("smtp", state.smtp_fault), ("imap", state.imap_fault)):
        if fault:
            yield note(state.name, what, f"the daemon's last try: {fault}", "it tries again by itself")

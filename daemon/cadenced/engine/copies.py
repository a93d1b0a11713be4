"""Who files copies of our mail, and that they were read: noted as they pass, so that doubts can be settled by them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from cadenced.config import Mailbox, SentCopy
from cadenced.engine.workspace import Workspace
from cadenced.store import copies
from cadenced.store.touches import Touch

if TYPE_CHECKING:
    from cadenced.reading.inbound import Inbound  # a start looks up what is known of copies, and reads no mail


def look_up(tx: Connection, workspace: Workspace) -> None:
    """Take up what probes have found out: it stands in for ``sent_copy = "auto"`` as long as the servers are those."""
    found = copies.probed(tx)
    known = {box.name: found[box.name] for box in workspace.config.mailboxes if box.name in found}
    workspace.probed = {
        name: SentCopy(probe.copies)
        for name, probe in known.items()
        if probe.facts.get("servers") == servers(workspace.mailbox(name))
    }


def servers(box: Mailbox) -> str:
    """Return the servers of a mailbox and its login: what a probe has found out holds for them alone."""
    return f"{box.smtp.host}:{box.smtp.port} {box.imap.username}@{box.imap.host}:{box.imap.port}"


def note(tx: Connection, workspace: Workspace, ref: str, message: Inbound, filed_at: datetime | None) -> Touch | None:
    """Note a copy of our own mail that a folder holds since ``filed_at``; returns its touch, None where none is known.

    A Message-ID that is not ours was put there by a relay: answers will refer to it (RELIABILITY 2.1, 10).
    """
    touch = copies.read(tx, ref)
    if touch is not None:
        copies.note(tx, touch, message.message_id, workspace.now(), filed_at)
    return touch

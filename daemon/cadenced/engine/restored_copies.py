"""Copies of mail that we sent and know nothing of: what an older database is brought up to date with.

A reference is derived with the installation's own key from prospect, sequence, step and generation. So a copy whose
reference can be derived again was sent by this installation, and everything about its touch is known. A reference that
cannot is another installation's (which may share the mailbox), or of a step that no longer exists.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection

from cadenced.core.model import Enrolment
from cadenced.engine import restore, settling
from cadenced.engine.workspace import Workspace
from cadenced.ports import Fetched
from cadenced.reading.inbound import Inbound
from cadenced.store import copies, enrolments, inbox, people, touches
from cadenced.store.touches import Frozen
from cadenced.writing.identity import LENGTH, TouchKey, reference

_GENERATIONS = 3
"""So many generations beyond those that are known are tried."""


def take(tx: Connection, workspace: Workspace, mailbox: str, folder: str, copy: tuple[Inbound, Fetched]) -> str:
    """Take in a mail from our own address that no touch is known for; ``copy`` is what it says, and how it lies there.

    Returns whose it is: ``ours`` (sent by this installation), ``another``'s, or ``""`` where it was written by hand.
    """
    message, mail = copy
    ref = reference_of(message)
    key = made_here(tx, workspace, ref, message) if len(ref) == LENGTH else None
    if key is None and not message.cadence_ref:
        return ""
    fresh = not inbox.is_own(tx, mailbox, ref[:40])
    inbox.note_own(tx, mailbox, ref[:40], workspace.now())
    if key is not None and fresh:
        restore.found_one(tx, workspace, folder)
        _adopt(tx, workspace, key, message, mail)
    return "another" if key is None else "ours"


def reference_of(message: Inbound) -> str:
    """Return the reference that a mail of ours carries; a server may have taken our own header away."""
    return message.cadence_ref or message.message_id.partition("@")[0]


def made_here(tx: Connection, workspace: Workspace, ref: str, message: Inbound) -> TouchKey | None:
    """Return the touch that a reference stands for, None where it was not derived with our key (any more)."""
    for one in message.to[:3]:
        for key in _possible(tx, workspace, one.address.lower()):
            if reference(workspace.install_key, key) == ref:
                return key
    return None


def _possible(tx: Connection, workspace: Workspace, email: str) -> Iterator[TouchKey]:
    prospect = people.by_email(tx, email)
    for name, sequence in workspace.library.sequences.items():
        known = enrolments.latest_generation(tx, prospect.id, name) if prospect is not None else 0
        for step in sequence.steps:
            for generation in range(known + _GENERATIONS + 1):
                yield TouchKey(email, name, step.id, generation)


def _adopt(tx: Connection, workspace: Workspace, key: TouchKey, message: Inbound, mail: Fetched) -> None:
    """Write the touch into the ledger as sent, and move its enrolment on; one that is not known yet is left for later.

    The mark of ``inbox.note_own`` keeps the same touch from being sent should its enrolment come to be.
    """
    enrolment = _enrolment_of(tx, key)
    if enrolment is None:
        return
    at_its_step = replace(enrolment, step=key.step, mailbox=enrolment.mailbox)
    if touches.of_step(tx, at_its_step, key.step) is not None:
        return
    now = workspace.now()
    at = min(_left_at(message, mail) or now, now)
    touch = touches.reserve(tx, at_its_step, key.email, _frozen(message, mail.raw), at)
    touches.prove(tx, touch.id, "a copy of it was found that is newer than this database", at)
    copies.note_seen(tx, touch.id, now)
    settling.note_sent(tx, workspace, enrolment, touch, at)


def _left_at(message: Inbound, mail: Fetched) -> datetime | None:
    """Return when a mail left: it is dated as it is written, and may be offered for days before a server takes it.

    What was filed later than that was moved there, or filed by somebody else.
    """
    dated, filed = message.date, mail.received_at
    if dated is None or filed is None:
        return dated
    return max(dated, filed) if filed <= dated + settling.PATIENCE else dated


def _enrolment_of(tx: Connection, key: TouchKey) -> Enrolment | None:
    prospect = people.by_email(tx, key.email)
    known = enrolments.of_prospect(tx, prospect.id) if prospect is not None else []
    return next((one for one in known if (one.sequence, one.generation) == (key.sequence, key.generation)), None)


def _frozen(message: Inbound, raw: bytes) -> Frozen:
    own = f"<{message.message_id}>"
    return Frozen(
        message_id=own,
        ref=reference_of(message),
        root_id=f"<{message.references[0]}>" if message.references else own,
        subject=message.subject,
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        template="",
        template_version="",
    )

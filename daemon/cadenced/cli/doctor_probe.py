"""``cadenced doctor --probe``: one mail of a mailbox to itself, to learn who files copies of what it sends.

A class of mailbox is what was measured, never a guess from the host's name (RELIABILITY 2.1, provider matrix). It is
kept, and stands in for ``sent_copy = "auto"`` from then on.
"""

from __future__ import annotations

import asyncio
import base64
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path

from cadenced import errors, ports
from cadenced.cli.diagnosis import Diagnosis, bad, good, note
from cadenced.config import Mailbox, SentCopy
from cadenced.engine import copies
from cadenced.engine.workspace import Workspace
from cadenced.mail import imap_login, settings, transaction
from cadenced.mail.imap import Mailbox as ImapMailbox
from cadenced.mail.smtp import Pool
from cadenced.ports import Folder, Outgoing
from cadenced.store.copies import Probe, note_probe
from cadenced.writing import identity

_LOOK = 0.5
_USEFUL = ("IDLE", "MOVE", "UIDPLUS", "LIST-STATUS", "SPECIAL-USE", "X-GM-EXT-1")
_TEXT = "cadenced sent this to find out how this mailbox treats the mail that it sends. It can be deleted.\r\n"
_WORDS = {
    SentCopy.SERVER: "the server files copies of what it sends: doubts can be settled by them",
    SentCopy.SELF: "no copy is filed by the server; a copy to ourselves arrives: doubts can be settled by it",
    SentCopy.APPEND: "nobody files copies but cadenced itself: a touch in doubt will need you",
}


@dataclass(slots=True)
class Seen:
    """Where the mail was found, after how many seconds, and whether by its Message-ID or by its reference alone."""

    after: dict[str, float] = field(default_factory=dict)
    by_id: bool = False
    by_ref: bool = False

    @property
    def copies(self) -> SentCopy:
        """Who files copies: what was measured."""
        if "sent" in self.after or "all" in self.after:
            return SentCopy.SERVER
        return SentCopy.SELF if "inbox" in self.after else SentCopy.APPEND


async def examine(workspace: Workspace, box: Mailbox, patience: float) -> list[Diagnosis]:
    """Send the mail, look for it for ``patience`` seconds, keep what was found; never raises for what a server does."""
    try:
        return await _examine(workspace, box, patience)
    except errors.CadencedError as fault:
        return [bad(box.name, "probe", f"the probe failed: {fault}", "mend what stands above, then try again")]


async def _examine(workspace: Workspace, box: Mailbox, patience: float) -> list[Diagnosis]:
    grants = workspace.config.grants
    mail = _mail(workspace, box)
    skills = await _skills(box, grants)
    answer = await _submit(workspace, box, mail)
    if not isinstance(answer, ports.Accepted):
        return [bad(box.name, "probe", f"the probe was not taken: {answer.text}", "mend it, then try again")]
    inbox = ImapMailbox(settings.imap(box.imap, grants))
    try:
        seen = await _look_for(inbox, mail, patience)
    finally:
        await inbox.close()
    facts = {"servers": copies.servers(box), **skills, **_facts(seen)}
    probe = Probe(box.name, workspace.now(), seen.copies.value, facts)
    workspace.database.transact(lambda tx: note_probe(tx, probe))
    return _told(box, seen, skills)


def _mail(workspace: Workspace, box: Mailbox) -> Outgoing:
    token = base64.b32encode(secrets.token_bytes(20)).decode("ascii")[: identity.LENGTH].lower()
    message = EmailMessage(SMTP)
    message["From"] = message["To"] = box.address
    message["Subject"] = "A probe of cadenced"
    message["Date"] = format_datetime(workspace.now())
    message["Message-ID"] = identity.message_id(token, box.address.rpartition("@")[2])
    message["X-Cadence-Ref"] = token
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834, 5: nobody need answer it
    message.set_content(_TEXT)
    return Outgoing(0, box.address, box.address, message.as_bytes(), str(message["Message-ID"]))


async def _skills(box: Mailbox, grants: Path) -> dict[str, str]:
    """Return what the two servers can do of what is useful here."""
    connection = await imap_login.connect(settings.imap(box.imap, grants))
    await connection.leave()
    given = settings.smtp(box.smtp, grants=grants)
    session = await transaction.connect(given)
    try:
        await transaction.make_private(session, given)
        dsn = session.supports_extension("dsn")
    finally:
        await session.leave(patience=2.0)
    known = [word for word in _USEFUL if word in connection.capabilities]
    return {"imap": " ".join(known), "dsn": "yes" if dsn else "no"}


async def _submit(workspace: Workspace, box: Mailbox, mail: Outgoing) -> ports.Answer:
    pool = Pool(settings.smtp(box.smtp, grants=workspace.config.grants), workspace.clock)

    async def at_once(_: Outgoing) -> float:
        return workspace.clock.monotonic() + workspace.config.safety.arm_ttl.total_seconds()

    try:
        return await pool.submit(mail, at_once)
    except transaction.BeforePayloadError as nothing_sent:
        return nothing_sent.answer
    finally:
        await pool.close()


async def _look_for(inbox: ImapMailbox, mail: Outgoing, patience: float) -> Seen:
    """Look until the server's own copy is found, or the time is over: a slow server must not be taken for none."""
    seen, began = Seen(), time.monotonic()
    token = mail.message_id.strip("<>").partition("@")[0]
    while time.monotonic() - began < patience:
        for folder in await inbox.folders():
            place = folder.role or folder.name
            if place not in seen.after and await _is_in(inbox, folder, mail.message_id, token, seen):
                seen.after[place] = time.monotonic() - began
        if seen.copies is SentCopy.SERVER:
            break
        await asyncio.sleep(_LOOK)
    return seen


async def _is_in(inbox: ImapMailbox, folder: Folder, message_id: str, token: str, seen: Seen) -> bool:
    if folder.role == "drafts" or await inbox.find(folder, message_id, token) is None:
        return False
    seen.by_id = await inbox.find(folder, message_id, "") is not None
    seen.by_ref = await inbox.find(folder, "", token) is not None
    return True


def _facts(seen: Seen) -> dict[str, str]:
    lags = {f"after {place}": f"{seconds:.1f} s" for place, seconds in seen.after.items()}
    return {**lags, "message_id": "kept" if seen.by_id else "changed", "reference": "kept" if seen.by_ref else "lost"}


def _told(box: Mailbox, seen: Seen, skills: Mapping[str, str]) -> list[Diagnosis]:
    found = [good(box.name, "imap", f"the server knows {skills['imap'] or 'none of what would help'}")]
    dsn = (
        "bounces will name the very mail (DSN)" if skills["dsn"] == "yes" else "bounces may not name the mail (no DSN)"
    )
    found.append(good(box.name, "smtp", dsn))
    return [*found, *_copies_told(box, seen)]


def _copies_told(box: Mailbox, seen: Seen) -> Sequence[Diagnosis]:
    if not seen.after:
        cure = "look where mail to yourself goes, or give the probe more time: --patience"
        return [note(box.name, "copies", f"the probe was not found in any folder; {_WORDS[SentCopy.APPEND]}", cure)]
    where = ", ".join(f"{place} after {seconds:.1f} s" for place, seconds in seen.after.items())
    told = [good(box.name, "copies", f"{_WORDS[seen.copies]} ({where})")]
    if not seen.by_id:
        told.append(
            note(box.name, "copies", "the server gives mail another Message-ID; answers are matched all the same")
        )
    said = box.imap.sent_copy
    if said not in {SentCopy.AUTO, seen.copies}:
        cure = f'sent_copy = "{seen.copies.value}" would fit, or "auto"'
        told.append(note(box.name, "copies", f'the configuration says sent_copy = "{said.value}"', cure))
    return told

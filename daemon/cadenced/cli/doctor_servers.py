"""The doctor at the mail servers: the same connections and logins as the daemon's, and nothing sent."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

from cadenced import errors
from cadenced.cli.diagnosis import Diagnosis, bad, good, note
from cadenced.config import Mailbox, Secret, SentCopy
from cadenced.mail import settings, transaction
from cadenced.mail.imap import Mailbox as ImapMailbox
from cadenced.mail.submission import Submission
from cadenced.mail.transaction import BeforePayloadError
from cadenced.ports import Folder

PATIENCE = 60.0
"""Seconds for one server; it is given up then."""

_EXPIRES_SOON = 14
_LOGIN = "check username and password; some providers want a password made for this one program"
_GRANT = "give the grant of this mailbox anew (docs/first-mailbox.md), in a file that only its owner may read"
_PROVIDER = "check that this machine may connect to the provider of tokens, and try again"
_TLS = "check host and port, and that the certificate is made out for this very name"
_WIRE = "check host, port and security, and that this machine may connect there"


async def examine(box: Mailbox, grants: Path) -> list[Diagnosis]:
    """Return how both servers of a mailbox are; never raises for what a server does.

    The grant of an ``oauth2:`` is read below ``grants``.
    """
    found: list[Diagnosis] = []
    for name, looked_at in (("smtp", _smtp(box, grants)), ("imap", _imap(box, grants))):
        try:
            async with asyncio.timeout(PATIENCE):
                found += [one async for one in looked_at]
        except TimeoutError:
            found.append(bad(box.name, name, f"no answer within {PATIENCE:.0f} s", _WIRE))
    return found


async def _smtp(box: Mailbox, grants: Path) -> AsyncIterator[Diagnosis]:
    given = settings.smtp(box.smtp, grants=grants)
    began = time.monotonic()
    session: Submission | None = None
    try:
        session = await transaction.connect(given)
        await transaction.make_private(session, given)
        yield _greeting(box, session, time.monotonic() - began)
        certificate = _certificate(box, session)
        if certificate:
            yield certificate
        await transaction.log_in(session, given)
        yield _logged_in(box, "smtp", given.username)
    except BeforePayloadError as fault:
        cure = {"auth": _login(box.smtp.password, fault), "tls": _TLS}.get(fault.answer.phase, _WIRE)
        yield bad(box.name, "smtp", fault.answer.text, cure)
    finally:
        if session is not None:
            await session.leave(patience=2.0)


def _login(reference: Secret | None, fault: Exception) -> str:
    """Return the cure for a login that fails, or that has no secret to begin with."""
    cause = fault.__cause__
    if isinstance(cause, errors.BrokenWorkspaceError):  # its text has the cure
        return ""
    if reference is None or reference.kind != "oauth2":
        return _LOGIN
    return _PROVIDER if type(cause) is errors.WireError else _GRANT


def _greeting(box: Mailbox, session: Submission, seconds: float) -> Diagnosis:
    cipher = session.get_transport_info("cipher")
    private = f"{cipher[1]}" if cipher else "not encrypted (this machine)"
    return good(box.name, "smtp", f"{box.smtp.host}:{box.smtp.port} answers, {private}, {seconds * 1000:.0f} ms")


def _certificate(box: Mailbox, session: Submission) -> Diagnosis | None:
    found = session.get_transport_info("peercert")
    if not found or "notAfter" not in found:
        return None
    until = datetime.fromtimestamp(ssl.cert_time_to_seconds(found["notAfter"]), UTC)
    days = (until - datetime.now(UTC)).days
    if days >= _EXPIRES_SOON:
        return None
    return note(box.name, "smtp", f"the server's certificate ends in {days} days", "tell whoever runs the server")


def _logged_in(box: Mailbox, what: str, username: str) -> Diagnosis:
    return good(box.name, what, f"logged in as {username}" if username else "no login is asked for")


async def _imap(box: Mailbox, grants: Path) -> AsyncIterator[Diagnosis]:
    inbox = ImapMailbox(settings.imap(box.imap, grants))
    began = time.monotonic()
    try:
        folders = await inbox.folders()
        seconds = time.monotonic() - began
        yield good(box.name, "imap", f"{box.imap.host}:{box.imap.port} answers, {seconds * 1000:.0f} ms")
        yield _logged_in(box, "imap", box.imap.username)
        for one in _folders(box, folders):
            yield one
    except errors.LoginRefusedError as fault:
        yield bad(box.name, "imap", str(fault), _login(box.imap.password, fault))
    except errors.TlsRefusedError as fault:
        yield bad(box.name, "imap", str(fault), _TLS)
    except errors.CadencedError as fault:
        has_no_secret = isinstance(fault.__cause__, errors.CadencedError)
        yield bad(box.name, "imap", str(fault), _login(box.imap.password, fault) if has_no_secret else _WIRE)
    finally:
        await inbox.close()


def _folders(box: Mailbox, folders: Sequence[Folder]) -> list[Diagnosis]:
    names = {folder.name for folder in folders}
    watched = [folder for folder in folders if folder.role not in {"sent", "drafts"}]
    found = [good(box.name, "folders", f"{len(watched)} watched for answers")]
    if box.imap.folder not in names:
        found.append(bad(box.name, "folders", f"there is no folder {box.imap.folder}", _known(names)))
    return [*found, *_sent(box, folders, names)]


def _sent(box: Mailbox, folders: Sequence[Folder], names: set[str]) -> list[Diagnosis]:
    wanted = box.imap.sent
    if wanted != "auto" and wanted not in names:
        return [bad(box.name, "sent", f"there is no folder {wanted}", _known(names))]
    own = wanted if wanted != "auto" else next((one.name for one in folders if one.role == "sent"), "")
    if own:
        return [good(box.name, "sent", f"sent mail lies in {own}")]
    if box.imap.sent_copy is SentCopy.NONE:
        return []
    return [note(box.name, "sent", "no folder for sent mail was found", f'name it: sent = "…". {_known(names)}')]


def _known(names: set[str]) -> str:
    return f"there are: {', '.join(sorted(names)[:12])}"

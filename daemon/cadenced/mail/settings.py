"""From the configuration's words to what the pool and the mailbox are made with."""

from __future__ import annotations

import functools
import re
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from cadenced import errors
from cadenced.config import secret
from cadenced.config.values import Imap, Smtp
from cadenced.mail.imap_connection import ImapSettings
from cadenced.mail.imap_pace import Pace
from cadenced.mail.privacy import Secret
from cadenced.mail.transaction import SmtpSettings

if TYPE_CHECKING:
    from cadenced.mail.oauth import AccessTokens

_PLAIN = re.compile(r"[A-Za-z0-9@+_-][A-Za-z0-9@+_.-]{0,200}\Z")


def smtp(given: Smtp, dot_timeout: timedelta = timedelta(minutes=10), grants: Path = Path()) -> SmtpSettings:
    """Return the settings for a mailbox's way out; its secret is read at each login.

    ``grants`` is the directory of OAuth grants: ``USERNAME.PROVIDER.json``. Raises ``RefusedError``.
    """
    return SmtpSettings(
        given.host,
        given.port,
        given.security.value,
        given.username,
        _secret(given.password, given.username, grants),
        _mechanism(given.password),
        connections=given.connections,
        dot_timeout=dot_timeout.total_seconds(),
    )


def imap(given: Imap, grants: Path = Path()) -> ImapSettings:
    """Return the settings for a mailbox's way in; as for ``smtp``."""
    return ImapSettings(
        given.host,
        given.port,
        given.security.value,
        given.username,
        _secret(given.password, given.username, grants),
        _mechanism(given.password),
        folder=given.folder,
        sent="" if given.sent == "auto" else given.sent,
        pace=_pace(given.host, given.port),
    )


@functools.cache
def _pace(host: str, port: int) -> Pace:  # noqa: ARG001 - one for all mailboxes of a server
    return Pace()


def _mechanism(reference: secret.Secret | None) -> Literal["password", "xoauth2"]:
    return "xoauth2" if reference is not None and reference.kind == "oauth2" else "password"


def _secret(reference: secret.Secret | None, username: str, grants: Path) -> Secret:
    if reference is None:
        return ""
    if reference.kind != "oauth2":
        return lambda: secret.reveal(reference)
    from cadenced.mail.oauth import PROVIDERS  # noqa: PLC0415 - most mailboxes have a password

    if reference.name not in PROVIDERS:
        raise errors.RefusedError(f"oauth2:{reference.name} is not known, only {' and '.join(sorted(PROVIDERS))}")
    if not _PLAIN.match(username):
        raise errors.RefusedError(f"no grant can be kept under the user name {username!r}")
    return _tokens(PROVIDERS[reference.name], Path(secret.grant(reference, username, grants).name))


@functools.cache
def _tokens(endpoint: str, grant: Path) -> AccessTokens:
    from cadenced.mail.oauth import AccessTokens  # noqa: PLC0415 - as above

    # One for both ways of a mailbox: two that refresh a changing grant side by side would lose it.
    return AccessTokens(endpoint, grant)

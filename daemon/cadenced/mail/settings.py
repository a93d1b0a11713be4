"""From the configuration's words to what the pool and the mailbox are made with."""

from __future__ import annotations

from datetime import timedelta

from cadenced.config import secret
from cadenced.config.values import Imap, Smtp
from cadenced.mail.imap_connection import ImapSettings
from cadenced.mail.privacy import Secret
from cadenced.mail.transaction import SmtpSettings


def smtp(given: Smtp, dot_timeout: timedelta = timedelta(minutes=10)) -> SmtpSettings:
    """Return the settings for a mailbox's way out; its secret is read at each login."""
    return SmtpSettings(
        given.host,
        given.port,
        given.security.value,
        given.username,
        _secret(given.password),
        connections=given.connections,
        dot_timeout=dot_timeout.total_seconds(),
    )


def imap(given: Imap) -> ImapSettings:
    """Return the settings for a mailbox's way in; its secret is read at each login."""
    return ImapSettings(
        given.host,
        given.port,
        given.security.value,
        given.username,
        _secret(given.password),
        folder=given.folder,
        sent="" if given.sent == "auto" else given.sent,
    )


def _secret(reference: secret.Secret | None) -> Secret:
    return "" if reference is None else lambda: secret.reveal(reference)

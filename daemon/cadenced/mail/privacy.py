"""Keeping the wire private: TLS contexts, who may go without, and libraries that must not tell secrets to a log."""

from __future__ import annotations

import asyncio.sslproto
import functools
import ipaddress
import logging
import ssl
from collections.abc import Callable
from typing import Literal

from cadenced import errors

Security = Literal["starttls", "tls", "none"]
Secret = str | Callable[[], str]
"""A password or access token, or what fetches it at each login (it may block for a moment: a file, a credential)."""

TALKATIVE = ("aiosmtplib", "aioimaplib", "aioimaplib.aioimaplib")
"""Loggers of libraries that write what goes over the wire; aioimaplib 2.0.3 writes OAuth tokens at DEBUG."""

ROOM = 32 * 1024
"""Bytes that asyncio holds ready for each encrypted connection: two records (RFC 8446, 5.1) instead of its own 256 KiB,
of which a thousand mailboxes would need half a gigabyte that nobody ever fills."""


@functools.cache
def client_context(cafile: str = "") -> ssl.SSLContext:
    """Return a context that verifies chain and host name, TLS 1.2 or later; ``cafile`` replaces the system's roots.

    It is made once: reading the system's roots takes some 10 ms, in which nothing else runs.
    """
    asyncio.sslproto.SSLProtocol.max_size = ROOM
    context = ssl.create_default_context(ssl.Purpose.SERVER_AUTH, cafile=cafile or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def is_loopback(host: str) -> bool:
    """Tell whether ``host`` cannot leave this machine, judged without asking a resolver."""
    if host.lower().rstrip(".") in {"localhost", "localhost.localdomain", "ip6-localhost"}:
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def demand_privacy(security: Security, host: str) -> None:
    """Raise ``TlsRefusedError`` where nothing would be encrypted on a way that leaves this machine."""
    if security == "none" and not is_loopback(host):
        raise errors.TlsRefusedError(f'security = "none" is for loopback only, not for {host}: use "tls" or "starttls"')


def tell_refused(secret: Secret) -> None:
    """Tell whoever gave a secret that a server refused it: an access token may have been withdrawn before its time."""
    forget = getattr(secret, "forget", None)
    if callable(forget):
        forget()


def without_secrets(text: str, *secrets: str) -> str:
    """Return a server's words with every secret of ours taken out, on one line, at most 500 characters."""
    for secret in filter(None, secrets):
        text = text.replace(secret, "***")
    return " ".join(text.split())[:500]


def hush_libraries() -> None:
    """Hold the libraries' loggers at INFO or above, whatever level the root logger or a user chooses."""
    for name in TALKATIVE:
        logger = logging.getLogger(name)
        if _not_wire_noise not in logger.filters:
            logger.addFilter(_not_wire_noise)
        if logger.level < logging.INFO:
            logger.setLevel(logging.INFO)


def _not_wire_noise(record: logging.LogRecord) -> bool:
    return record.levelno >= logging.INFO


hush_libraries()

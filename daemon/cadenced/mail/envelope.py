r"""What is said about a message before it is handed over: addresses held to a grammar of our own, MAIL and RCPT lines.

The grammar is stricter than RFC 5321: aiosmtplib reads ``"a\r\nRCPT TO:<e@x>"@x`` and ``b@x> NOTIFY=…`` as *other*
addresses without a word, so nothing that could be read in two ways is let through (no quoting, routes or literals).
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import lru_cache

from cadenced import errors, ports

_ADDRESS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u00a1-\U0010ffff-]{1,64}@[A-Za-z0-9.\u00a1-\U0010ffff-]{1,255}\Z")
_UNSEEN = re.compile(r"[\s\u00ad\u2028\u2029\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ud800-\udfff]")
MAX_LINE = 998
"""RFC 5322, 2.1.1: characters in a line, without its CRLF."""


@lru_cache(1024)
def check_address(address: str) -> str:
    """Return ``address`` as it is; raises ``AddressError`` for what could be misread on the wire."""
    if not _ADDRESS.match(address) or _UNSEEN.search(address) or len(address.encode("utf-8")) > 254:
        raise errors.AddressError(f"not an address for an envelope: {ascii(address)[:80]}")
    return address


def payload(raw: bytes) -> bytes:
    """Return the bytes between 354 and the answer, dot included; raises ``ComposeError`` for lines that mail forbids.

    A bare CR or LF is refused, not mended: servers differ in what they take for a line's end (CVE-2023-51764), and the
    bytes on the wire must be the frozen ones.
    """
    if not raw.count(b"\r\n") == raw.count(b"\r") == raw.count(b"\n"):
        raise errors.ComposeError("the message has a CR or LF that stands alone")
    if b"\0" in raw or max(map(len, raw.split(b"\r\n"))) > MAX_LINE:
        raise errors.ComposeError(f"the message has a NUL or a line of more than {MAX_LINE} characters")
    if not raw.endswith(b"\r\n"):
        raise errors.ComposeError("the message does not end with CRLF")
    dot = b"." if raw.startswith(b".") else b""
    return b"%b%b.\r\n" % (dot, raw.replace(b"\r\n.", b"\r\n.."))  # RFC 5321, 4.5.2


@dataclass(frozen=True, slots=True)
class Envelope:
    """The commands for one message, ready for the wire; ``copy`` is empty unless a copy to ourselves goes along."""

    mail: bytes
    recipient: bytes
    copy: bytes


def address(message: ports.Outgoing, extensions: Collection[str]) -> Envelope:
    """Return the envelope for a server with these ESMTP ``extensions`` (lower case).

    Raises ``AddressError`` or ``ComposeError`` when this server cannot carry the message.
    """
    parties = [check_address(message.mail_from), check_address(message.recipient)]
    if message.copy_to:
        parties.append(check_address(message.copy_to))
    with_dsn = "dsn" in extensions
    mail = f"MAIL FROM:<{message.mail_from}>{_mail_options(message, parties, extensions)}"
    rcpt = f"RCPT TO:<{message.recipient}>" + (" NOTIFY=FAILURE,DELAY" if with_dsn else "")
    copy = f"RCPT TO:<{message.copy_to}>" + (" NOTIFY=NEVER" if with_dsn else "") if message.copy_to else ""
    return Envelope(mail.encode(), rcpt.encode(), copy.encode())


def _mail_options(message: ports.Outgoing, parties: list[str], extensions: Collection[str]) -> str:
    options = ""
    if not all(party.isascii() for party in parties):
        if "smtputf8" not in extensions:
            raise errors.AddressError("this server cannot write to an address with letters beyond ASCII (SMTPUTF8)")
        options += " SMTPUTF8"
    if not message.raw.isascii():
        if "8bitmime" not in extensions:
            raise errors.ComposeError("the message has bytes beyond ASCII and this server takes none (8BITMIME)")
        options += " BODY=8BITMIME"
    token = re.sub(r"[^A-Za-z0-9._@-]", "", message.message_id)[:100]
    if token and "dsn" in extensions:  # RFC 3461, 4.4: a bounce then names the touch by itself
        options += f" RET=HDRS ENVID={token}"
    return options

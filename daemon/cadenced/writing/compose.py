"""From a draft to the bytes of a message: two parts, one language, and headers that the program alone decides."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from datetime import datetime

from cadenced.core.model import Draft, Thread
from cadenced.errors import ComposeError
from cadenced.writing import header, parts
from cadenced.writing.footer import Footer

MOST_REFERENCES = 20
"""Ids of a thread that are named besides its first; clients thread by the first and the last ones."""

_NEW_THREAD = Thread()


@dataclass(frozen=True, slots=True)
class Envelope:
    """Everything of a message but its words. ``date`` is aware; ``reference`` comes from ``identity.reference``."""

    sender_name: str
    sender_address: str
    recipient_name: str
    recipient_address: str
    date: datetime
    message_id: str
    reference: str
    thread: Thread = _NEW_THREAD
    language: str = "en"
    unsubscribe_url: str = ""
    unsubscribe_mailto: str = ""


def compose(envelope: Envelope, draft: Draft, footer: Footer | None = None, calendar: bytes = b"") -> bytes:
    """Return the whole message, 7-bit, CRLF only, not dot-stuffed; ComposeError where the law of headers would break.

    ``calendar`` is an iCalendar request (``invite.build``) that becomes a third part.
    """
    boundary = f"=_{envelope.reference}"
    fields = _fields(envelope, draft, boundary)
    raw = (_lines(fields) + "\r\n" + _body(envelope, draft, footer, boundary)).encode("ascii", "strict")
    if calendar:
        raw = _with_calendar(raw, calendar, boundary)
    _check(raw, [name for name, _ in fields])
    return raw


def subject_of(draft: Draft, thread: Thread) -> str:
    """Return the subject as it will be read: ``Re:`` and the thread's own where the conversation exists."""
    if not thread.message_ids:
        return draft.subject
    subject = (thread.subject or draft.subject).strip()
    return subject if subject[:3].lower() == "re:" else f"Re: {subject}"


def _fields(envelope: Envelope, draft: Draft, boundary: str) -> list[tuple[str, str]]:
    """Return every field in order, each a whole line (or several, folded) with its CRLF."""
    subject = header.checked(subject_of(draft, envelope.thread).strip(), "the subject", header.LONGEST_SUBJECT)
    own_id = header.message_ids((envelope.message_id,))
    if not own_id or not envelope.reference.isalnum():
        raise ComposeError(f"{envelope.message_id!r} is not a Message-ID")
    fields = [
        ("Date", f"Date: {header.date(envelope.date)}\r\n"),
        ("From", header.mailbox("From", envelope.sender_name, envelope.sender_address)),
        ("To", header.mailbox("To", envelope.recipient_name, envelope.recipient_address)),
        ("Subject", header.unstructured("Subject", subject)),
        ("Message-ID", f"Message-ID: {own_id[0]}\r\n"),
        *_threading(envelope.thread),
        ("X-Cadence-Ref", f"X-Cadence-Ref: {envelope.reference}\r\n"),
        *_unsubscribing(envelope),
        ("MIME-Version", "MIME-Version: 1.0\r\n"),
    ]
    kind = f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n'
    return [*fields, ("Content-Type", kind)]


def _threading(thread: Thread) -> list[tuple[str, str]]:
    """Return In-Reply-To and References (RFC 5322, 3.6.4)."""
    ids = header.message_ids(thread.message_ids)
    if not ids:
        return []
    named = ids if len(ids) <= MOST_REFERENCES else [ids[0], *ids[-MOST_REFERENCES:]]
    folded = "\r\n ".join(named)
    return [("In-Reply-To", f"In-Reply-To: {ids[-1]}\r\n"), ("References", f"References: {folded}\r\n")]


def _unsubscribing(envelope: Envelope) -> list[tuple[str, str]]:
    """Return List-Unsubscribe on one line, unencoded, and RFC 8058's promise where an https URL keeps it."""
    ways = []
    if envelope.unsubscribe_url:
        ways.append(header.uri(envelope.unsubscribe_url, "the unsubscribe URL"))
    if envelope.unsubscribe_mailto:
        mailto = f"mailto:{envelope.unsubscribe_mailto.removeprefix('mailto:')}"
        ways.append(header.uri(mailto, "the unsubscribe address"))
    if not ways:
        return []
    fields = [("List-Unsubscribe", "List-Unsubscribe: " + ", ".join(f"<{way}>" for way in ways) + "\r\n")]
    if envelope.unsubscribe_url.lower().startswith("https:"):
        fields.append(("List-Unsubscribe-Post", "List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n"))
    return fields


def _lines(fields: list[tuple[str, str]]) -> str:
    return "".join(line for _, line in fields)


def _body(envelope: Envelope, draft: Draft, footer: Footer | None, boundary: str) -> str:
    text, html = parts.leaving(draft, footer, envelope.language, envelope.reference)
    return (
        f"--{boundary}\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{text}"
        f"\r\n--{boundary}\r\nContent-Type: text/html; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: quoted-printable\r\n\r\n{html}"
        f"\r\n--{boundary}--\r\n"
    )


def _with_calendar(raw: bytes, calendar: bytes, boundary: str) -> bytes:
    """Add the request as the last alternative: Google, Outlook and Apple look for it there (RFC 6047, 2.4)."""
    end = f"--{boundary}--\r\n".encode()
    part = (
        f'--{boundary}\r\nContent-Type: text/calendar; charset="utf-8"; method=REQUEST\r\n'
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode()
    encoded = base64.encodebytes(calendar).replace(b"\n", b"\r\n")
    return raw.removesuffix(end) + part + encoded + b"\r\n" + end


def _check(raw: bytes, intended: list[str]) -> None:
    """Read the names of the fields back from the bytes, and look for line ends that are not CRLF."""
    head = raw.partition(b"\r\n\r\n")[0].split(b"\r\n")
    names = [line.partition(b":")[0].decode("ascii") for line in head if line[:1] not in {b" ", b"\t"}]
    if names != intended:
        raise ComposeError(f"the message would carry the fields {names}")
    if not raw.count(b"\r\n") == raw.count(b"\n") == raw.count(b"\r"):
        raise ComposeError("the message would carry a bare CR or LF")
    if max(map(len, head)) > header.LONGEST_LINE:
        raise ComposeError("a header line would be too long")

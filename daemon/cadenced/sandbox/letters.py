"""What prospects, their machines and other people's mail servers send back: real RFC 5322 bytes, made from ours."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime
from email import message_from_bytes, policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from cadenced.sandbox import phrases

_AS_SENT = policy.SMTP.clone(max_line_length=200)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: ``verdict`` says which kind of mail it is, ``text`` what it says (``""``: the usual words).

    ``sender`` is another address than the one we wrote to; ``until`` a day that the words name.
    """

    verdict: str
    text: str = ""
    sender: str = ""
    language: str = "en"
    until: date | None = None
    new_thread: bool = False

    @property
    def family(self) -> str:
        """The part of the verdict before the dot."""
        return self.verdict.partition(".")[0]

    def words(self) -> str:
        """Return what it says, with its day."""
        return phrases.filled(self.text or phrases.usual(self.verdict, self.language), self.language, self.until)


@dataclass(frozen=True, slots=True)
class Original:
    """A mail of ours as far as an answer to it needs it."""

    raw: bytes
    message_id: str
    references: str
    subject: str
    sender: str
    recipient: str
    name: str
    uid: str

    @classmethod
    def read(cls, raw: bytes) -> Original:
        """Read one of our mails."""
        message = message_from_bytes(raw, policy=policy.default)
        name, recipient = parseaddr(str(message["To"]))
        calendar = next((part for part in message.walk() if part.get_content_type() == "text/calendar"), None)
        return cls(
            raw=raw,
            message_id=str(message["Message-ID"]).strip(),
            references=str(message["References"] or "").strip(),
            subject=str(message["Subject"]),
            sender=parseaddr(str(message["From"]))[1],
            recipient=recipient,
            name=name,
            uid=_uid(calendar),
        )


def _uid(calendar: object) -> str:
    if not isinstance(calendar, EmailMessage):
        return ""
    lines = str(calendar.get_content()).splitlines()
    return next((line.removeprefix("UID:") for line in lines if line.startswith("UID:")), "")


def write(answer: Answer, original: Original, at: datetime) -> bytes:
    """Return the bytes of an answer to a mail of ours, sent at ``at``."""
    if answer.family == "bounce":
        return _returned(answer, original, at)
    message = _addressed(answer, original, at)
    if answer.family == "auto":
        message["Auto-Submitted"] = "auto-replied"  # RFC 3834, 5
    message.set_content(_body(answer, original), charset="utf-8", cte="8bit")
    if answer.family == "invite":
        _answer_invitation(message, answer, original)
    return message.as_bytes(policy=_AS_SENT.clone(cte_type="8bit"))


def _addressed(answer: Answer, original: Original, at: datetime) -> EmailMessage:
    message = EmailMessage(policy=_AS_SENT)
    address = answer.sender or original.recipient
    name = "" if answer.sender else original.name
    message["From"] = Address(name, addr_spec=address)
    message["To"] = original.sender
    message["Subject"] = phrases.subject(answer.verdict, answer.language, original.subject, new=answer.new_thread)
    message["Message-ID"] = f"<{_token(answer, original)}@{address.rpartition('@')[2]}>"
    message["Date"] = format_datetime(at)
    if not answer.new_thread:
        message["In-Reply-To"] = original.message_id
        message["References"] = f"{original.references} {original.message_id}".strip()
    return message


def _token(answer: Answer, original: Original) -> str:
    named = f"{original.message_id}|{answer.verdict}|{answer.sender}|{answer.text}"
    return hashlib.sha256(named.encode()).hexdigest()[:24]


def _body(answer: Answer, original: Original) -> str:
    """Return the words, and below them what they answer, as mail programs do it."""
    if answer.family != "reply" or answer.new_thread:
        return f"{answer.words()}\n"
    return f"{answer.words()}\n\n{phrases.quoting(answer.language, original.sender)}\n{_quoted(original)}\n"


def _quoted(original: Original) -> str:
    message = message_from_bytes(original.raw, policy=policy.default)
    body = message.get_body(("plain",))
    lines = str(body.get_content()).splitlines() if body is not None else []
    return "\n".join(f"> {line}" for line in lines[:30])


def _answer_invitation(message: EmailMessage, answer: Answer, original: Original) -> None:
    """Add the iTIP reply (RFC 5546, 3.2.3)."""
    status = answer.verdict.partition(".")[2].upper()
    lines = (
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//calendar//EN",
        "METHOD:REPLY",
        "BEGIN:VEVENT",
        f"UID:{original.uid}",
        f"ATTENDEE;PARTSTAT={status}:mailto:{original.recipient}",
        f"ORGANIZER:mailto:{original.sender}",
        "END:VEVENT",
        "END:VCALENDAR",
        "",
    )
    message.add_alternative("\r\n".join(lines), subtype="calendar", params={"method": "REPLY"})


_RETURNED = """\
From: Mail Delivery System <MAILER-DAEMON@{host}>
To: {sender}
Subject: Undelivered Mail Returned to Sender
Message-ID: <{token}@{host}>
Date: {date}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="{token}"

--{token}
Content-Type: text/plain; charset=utf-8

Your message could not be delivered to one or more recipients.

<{recipient}>: {diagnostic}

--{token}
Content-Type: message/delivery-status

Reporting-MTA: dns; {host}

Final-Recipient: rfc822; {recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {diagnostic}

--{token}
Content-Type: message/rfc822

"""


def _returned(answer: Answer, original: Original, at: datetime) -> bytes:
    """Return a delivery status notification (RFC 3464) with our mail in it."""
    status, diagnostic, action = phrases.returned(answer.verdict, answer.text)
    token = _token(answer, original)
    head = _RETURNED.format(
        host=f"mx.{original.recipient.rpartition('@')[2]}",
        sender=original.sender,
        token=token,
        date=format_datetime(at),
        recipient=original.recipient,
        diagnostic=diagnostic,
        status=status,
        action=action,
    )
    return head.replace("\n", "\r\n").encode() + original.raw + f"\r\n--{token}--\r\n".encode()

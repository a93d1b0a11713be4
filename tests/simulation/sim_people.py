"""Prospects and what they send back: small real mails, threaded or not, from the address we wrote to or another."""

from __future__ import annotations

import itertools
import random
from dataclasses import dataclass, field
from datetime import datetime
from email.parser import BytesHeaderParser
from email.utils import format_datetime

_HEADERS = BytesHeaderParser()

REPLIES = (
    "Thank you Julie, Thursday at 10:00 suits me.",
    "What does it cost?",
    "We have decided for somebody else. Good luck.",
    "Please talk to my colleague Bea Moll about it.",
)
OPT_OUT = "Please remove me from your list."
ACKNOWLEDGED = "This is an automatic confirmation: we have received your message."
AWAY = "I am out of the office until {day:%-d %B %Y}. I will answer when I am back."


@dataclass(slots=True)
class Person:
    """Somebody whom we write to."""

    email: str
    zone: str
    country: str
    ours: str
    received: list[bytes] = field(default_factory=list)


class Pen:
    """Writes mails; no two have the same Message-ID."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self._count = itertools.count(1)

    def reply(self, person: Person, text: str, at: datetime) -> bytes:
        """A human's mail: mostly in the thread, mostly from the address we know."""
        draw = self.chance.random()
        threaded = bool(person.received) and draw < 0.85
        sender = person.email
        if threaded and draw < 0.12:
            sender = "assistant@elsewhere.example"
        elif draw < 0.2:
            sender = person.email.replace("@", "+mobile@")
        thread = self._thread(person) if threaded else "Subject: Hello\r\n"
        return self._mail(sender, text, at, thread, person.ours)

    def automatic(self, person: Person, text: str, at: datetime) -> bytes:
        """A machine's mail."""
        headers = "Auto-Submitted: auto-replied\r\nSubject: Automatic reply: your mail\r\n" + self._references(person)
        return self._mail(person.email, text, at, headers, person.ours)

    def newsletter(self, at: datetime, ours: str) -> bytes:
        """A mail that is nothing to us."""
        headers = "Subject: Sale\r\nPrecedence: bulk\r\n"
        return self._mail("news@shop.example", "Everything must go.", at, headers, ours)

    def by_hand(self, person: Person, at: datetime) -> bytes:
        """A mail that our human writes to somebody, from their own program."""
        text = "I will call you on Monday at nine, as we said."
        return self._mail(person.ours, text, at, "Subject: Our call\r\n", person.email)

    def bounce(self, person: Person, at: datetime, *, hard: bool) -> bytes:
        """A report that the last mail did not arrive, in the form of RFC 3464."""
        original = _HEADERS.parsebytes(person.received[-1]) if person.received else {}
        status, words = ("5.1.1", "550 5.1.1 user unknown") if hard else ("4.2.2", "452 4.2.2 mailbox full")
        head = (
            "Return-Path: <>\r\nSubject: Undelivered Mail Returned to Sender\r\nAuto-Submitted: auto-replied\r\n"
            "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=delivery-status; boundary=b\r\n"
        )
        body = (
            "--b\r\nContent-Type: text/plain\r\n\r\nYour mail could not be delivered.\r\n"
            "--b\r\nContent-Type: message/delivery-status\r\n\r\nReporting-MTA: dns; mx.example\r\n\r\n"
            f"Final-Recipient: rfc822; {person.email}\r\nAction: failed\r\nStatus: {status}\r\n"
            f"Diagnostic-Code: smtp; {words}\r\n\r\n"
            f"--b\r\nContent-Type: text/rfc822-headers\r\n\r\nMessage-ID: {original.get('Message-ID', '')}\r\n\r\n--b--"
        )
        return self._mail("MAILER-DAEMON@mx.example", body, at, head, person.ours)

    def _thread(self, person: Person) -> str:
        return "Subject: Re: Your next step\r\n" + self._references(person)

    def _references(self, person: Person) -> str:
        if not person.received:
            return ""
        message_id = str(_HEADERS.parsebytes(self.chance.choice(person.received))["Message-ID"]).strip()
        return f"In-Reply-To: {message_id}\r\nReferences: {message_id}\r\n"

    def _mail(self, sender: str, text: str, at: datetime, headers: str, to: str) -> bytes:
        number = next(self._count)
        top = f"From: <{sender}>\r\nTo: <{to}>\r\nDate: {format_datetime(at)}\r\n"
        top += f"Message-ID: <n{number}@away.example>\r\n"
        return f"{top}{headers}\r\n{text}\r\n".encode()

"""Answers to invitations: iTIP replies (RFC 5546, 3.2.3), and the same said in subject and text."""

import re
from dataclasses import dataclass

from cadenced.reading import patterns
from cadenced.reading.inbound import Inbound

_TYPES = ("text/calendar", "application/ics")
_FOLD = re.compile(r"\r?\n[ \t]")
_METHOD = re.compile(r"^METHOD(?:;[^:\n]{0,200})?:\s{0,5}(\w{1,30})", re.IGNORECASE | re.MULTILINE)
_PARTSTAT = re.compile(r"^ATTENDEE[^\n]{0,2000}?;PARTSTAT=\"?([A-Za-z-]{1,30})", re.IGNORECASE | re.MULTILINE)
_KINDS = {"ACCEPTED": "accepted", "DECLINED": "declined", "TENTATIVE": "tentative"}


@dataclass(frozen=True, slots=True)
class Answer:
    """`kind` is accepted, declined or tentative; a counter-proposal counts as tentative."""

    kind: str
    evidence: tuple[str, ...]


def find(inbound: Inbound) -> Answer | None:
    """Return the answer to an invitation that this message is, or None."""
    for part in inbound.parts:
        if part.content_type in _TYPES or part.filename.lower().endswith(".ics"):
            found = _itip(part.text(100_000))
            if found:
                return found
    return _said(inbound)


def _itip(text: str) -> Answer | None:
    plain = _FOLD.sub("", text)
    method = _METHOD.search(plain)
    name = method[1].upper() if method else ""
    if name == "COUNTER":
        return Answer("tentative", ("METHOD:COUNTER",))
    if name != "REPLY":
        return None
    answered = _PARTSTAT.search(plain)
    kind = _KINDS.get(answered[1].upper()) if answered else None
    return Answer(kind, (f"PARTSTAT={answered[1].upper()}",)) if kind and answered else None


def _said(inbound: Inbound) -> Answer | None:
    """Subject and text both have to say it: "Accepted: ..." alone may be an editor's letter."""
    subject = inbound.subject
    for pattern in patterns.load("calendar_signs"):
        title = pattern.search(subject) if pattern.tags["place"] == "subject" else ""
        if title and _confirmed(inbound):
            return Answer(pattern.tags["kind"], (f"subject: {title.strip()}",))
    return None


def _confirmed(inbound: Inbound) -> bool:
    text = " ".join(inbound.readable()[:3_000].split())
    if not text:
        return any(part.content_type in _TYPES for part in inbound.parts) or "@" in inbound.subject
    return any(one.tags["place"] == "text" and one.search(text) != "" for one in patterns.load("calendar_signs"))

"""A bounce cut into its parts: the words of the mail system, the report's fields, and the mail that came back."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from cadenced.reading import headers as header
from cadenced.reading import mime
from cadenced.reading.headers import Headers
from cadenced.reading.inbound import Inbound

_LIMIT = 60_000  # characters of text in which a notice, its fields and a returned header are looked for
_REPORTS = ("message/delivery-status", "message/global-delivery-status")
_RETURNED = (
    "message/rfc822",
    "text/rfc822-headers",
    "text/rfc822-header",
    "message/global",
    "message/global-headers",
    "message/partial",
)
# The line at which the mail itself begins: a marker of dashes, or its first trace header (RFC 5322, 3.6.7).
_MARKED = (
    r"-{2,}[^\n]{0,40}\b(?:copy of|(?:original|returned|unsent|undelivered|your) (?:message|mail)"
    r"|message (?:header|text|follows|below|body|history)|headers? follow)[^\n]{0,80}"
)
_FOLLOWS = (
    r"(?:the )?(?:original|returned|your|unsent|first \d+ lines? of)[^\n]{0,40}"
    r"\b(?:message|mail|headers?)\b[^\n]{0,30}\bfollows?\b[^\n]{0,40}"
)
_TRACE = r"(?:Received|Return-Path|DKIM-Signature|X-Originating-IP|ARC-Seal|MIME-Version|Message-ID) ?:[^\n]{0,300}"
_CUT = re.compile(
    rf"^[ \t>]{{0,6}}(?:{_MARKED}|{_FOLLOWS}|\#{{3,}} ?original message|{_TRACE})$", re.IGNORECASE | re.MULTILINE
)
# One of them stands in whatever that expression finds.
_CUT_KEYS = (
    *("received", "return-path", "dkim-signature", "x-originating-ip", "arc-seal", "mime-version", "message-id"),
    *("copy of", "follow", "original m", "message header", "message text", "message below", "message body"),
    *("message history", "returned m", "unsent m", "undelivered m", "your m"),
)
_FIELD_NAMES = (
    *("reporting-mta", "original-envelope-id", "arrival-date", "final-recipient", "original-recipient"),
    *("x-actual-recipient", "action", "status", "remote-mta", "diagnostic-code", "last-attempt-date", "final-log-id"),
    *("will-retry-until", "original-message-id", "x-display-name", "x-supplementary-info"),
)
_FIELD = re.compile(rf"^[ \t>]{{0,6}}({'|'.join(_FIELD_NAMES)})[ \t]{{0,5}}:", re.IGNORECASE | re.MULTILINE)
_BLANK = re.compile(r"\n[ \t]*\n")
_ANOTHER = re.compile(r"\n(?=Final-Recipient[ \t]*:)", re.IGNORECASE)
_TELLING = ("final-recipient", "x-actual-recipient", "action", "status")
_MESSAGE_ID = re.compile(r"^[ \t>]{0,6}Message-ID[ \t]{0,5}:\s{0,20}<([^<>\s]{1,990})>", re.IGNORECASE | re.MULTILINE)
_TYPED = re.compile(r"[a-zA-Z0-9_.-]{1,20}\s{0,3};\s{0,5}")
_MAILBOX = re.compile(r"[^\s<>\"(),;:]{1,200}@[^\s<>\"(),;:]{1,255}")
_NAME = re.compile(r"[\w.+-]{1,64}")
_CODE = re.compile(r"\b[245]\.\d{1,3}\.\d{1,3}")
_BRACKETED = re.compile(r"\(([^()]{4,300})\)")


@dataclass(frozen=True, slots=True)
class Refusal:
    """One recipient's fields in a report (RFC 3464, 2.3); "" where the report is silent."""

    recipient: str
    original: str
    action: str
    status: str
    diagnostic: str


@dataclass(frozen=True, slots=True)
class Notice:
    """`words`: what the mail system says; `returned`: the header of the mail that came back."""

    words: str
    refusals: tuple[Refusal, ...]
    returned: Headers
    returned_message_id: str
    envelope_id: str
    structured: bool  # a part of the type made for reports was there


def read(inbound: Inbound) -> Notice:
    """Take a message apart as a bounce; a message that is none gives a notice of its text."""
    text = inbound.readable()[:_LIMIT]
    lowered = text.lower()
    cut = _CUT.search(text) if any(key in lowered for key in _CUT_KEYS) else None
    words = text[: cut.start()] if cut else text
    report = inbound.part(*_REPORTS)
    fields = report.text(_LIMIT) if report else _fields_in(text, lowered)
    if fields and not report:
        first = _FIELD.search(words)
        words = words[: first.start()] if first else words
    returned = _returned(inbound, text[cut.start() :] if cut else "")
    groups = _groups(fields)
    return Notice(
        words=words[:12_000],
        refusals=tuple(_refusals(groups)),
        returned=returned,
        returned_message_id=_message_id(inbound, returned, text),
        envelope_id=next(
            (group.get("original-envelope-id") for group in groups if "original-envelope-id" in group), ""
        ),
        structured=report is not None,
    )


def _fields_in(text: str, lowered: str) -> str:
    """Return the lines of a report written into plain text; "" unless three of its fields stand there."""
    if sum(name in lowered for name in _FIELD_NAMES) < 3:
        return ""
    found = list(_FIELD.finditer(text))
    if len({match[1].lower() for match in found}) < 3:
        return ""
    end = text.find("\n\n", found[-1].start())
    block = text[found[0].start() : end if end > 0 else found[-1].start() + 2_000]
    return re.sub(r"^[ \t>]{0,6}(?=[A-Z][A-Za-z-]{3,30}:)", "", block, flags=re.MULTILINE)


def _groups(fields: str) -> list[Headers]:
    """One header block for each recipient; a second Final-Recipient begins a new one even without a blank line."""
    groups: list[Headers] = []
    for block in _BLANK.split(fields.strip())[:200]:
        several = block.lower().count("final-recipient") > 1
        groups += [header.parse(piece) for piece in (_ANOTHER.split(block) if several else [block])]
    return groups


def _refusals(groups: list[Headers]) -> Iterator[Refusal]:
    for group in groups:
        if any(name in group for name in _TELLING):
            one = _refusal(group)
            if one.action or one.status or one.recipient:
                yield one


def _refusal(group: Headers) -> Refusal:
    said = (*map(_untyped, group.get_all("diagnostic-code")), _comment(group.get("status")))
    return Refusal(
        recipient=_address(group.get("final-recipient")) or _address(group.get("x-actual-recipient")),
        original=_address(group.get("original-recipient")),
        action=_first_word(group.get("action")),
        status=_status(group.get("status")),
        diagnostic=" ".join(filter(None, (*said, group.get("x-supplementary-info")))),
    )


def _first_word(value: str) -> str:
    match = re.match(r"\W*([A-Za-z]+)", value)
    return match[1].lower() if match else ""


def _status(value: str) -> str:
    match = _CODE.search(value)
    return match[0] if match else ""


def _comment(value: str) -> str:
    """Return what stands in brackets behind a status: some systems put their whole reason there."""
    match = _BRACKETED.search(value) if "(" in value else None
    return match[1] if match else ""


def _address(value: str) -> str:
    """Return the address behind `rfc822;`; a name without domain counts, an X.400 address does not."""
    plain = _untyped(value.strip()).strip().strip("<>").strip().strip("\"'")
    match = _MAILBOX.search(plain)
    if match:
        return match[0].rstrip(".")
    return plain if _NAME.fullmatch(plain) else ""


def _untyped(value: str) -> str:
    match = _TYPED.match(value)
    return value[match.end() :] if match else value


def _returned(inbound: Inbound, tail: str) -> Headers:
    part = inbound.part(*_RETURNED)
    if part:
        fields, _ = mime.split(part.data(_LIMIT).lstrip())
        if len(fields):
            return fields
    start = re.search(r"^[ \t>]{0,6}[A-Z][A-Za-z-]{1,40}:", tail, re.MULTILINE)
    if not start:
        return Headers()
    block = re.sub(r"^[ \t]?>[ ]?", "", tail[start.start() :], flags=re.MULTILINE)
    return header.parse(block.split("\n\n", 1)[0][:20_000])


def _message_id(inbound: Inbound, returned: Headers, text: str) -> str:
    direct = header.message_ids(returned.get("message-id"))
    if direct:
        return direct[0]
    written = _MESSAGE_ID.search(text) or re.search(
        r"^(?:X-)?Original-Message-ID:\s{0,20}<([^<>\s]{1,990})>", text, re.IGNORECASE | re.MULTILINE
    )
    if written:
        return written[1]
    threaded = (*inbound.in_reply_to, *inbound.references[-1:])  # Google and Microsoft thread their bounces
    return threaded[0] if threaded else ""

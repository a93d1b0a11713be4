"""Bounces: mail systems that tell what became of our mail. RFC 3464 first, then everything older and stranger."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

from cadenced.errors import InboundError
from cadenced.reading import bounce_amazon, bounce_notice, bounce_recipient, patterns, phrasebook
from cadenced.reading import bounce_diagnosis as diagnosis
from cadenced.reading import inbound as inbounds
from cadenced.reading.bounce_diagnosis import Diagnosis
from cadenced.reading.bounce_notice import Notice, Refusal
from cadenced.reading.inbound import Inbound
from cadenced.reading.phrasebook import Phrasebook

_ANSWER = re.compile(r"^\s*(?:re|aw|sv|antw|odp|rv|ref|fwd?|wg|tr|i|enc)\s*(?:\[\d+\])?\s*:", re.IGNORECASE)
_REPORT = "multipart/report"
_QUOTE = re.compile(r"\n[ \t]*>")  # begins with one certain sign: found many times as fast
_QUOTED = re.compile(r"^[ \t]*>.*$", re.MULTILINE)
_FAILING = re.compile(
    r"\b(?:cannot|unable|undeliver|fail(?:s|ed|ure|ing)?\b|reject|refus|return|delay|bounc)"
    r"|\b(?:could|can|was|were|been|has|have|is|did|be)(?: not|n['o’]t?) |n['’]t\b",
    re.IGNORECASE,
)
_CODE_LINE = re.compile(r"^\W{0,12}(?:\w+ ){0,4}\W{0,3}[45]\d\d[ -](?:[45]\.\d\.\d)?", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Bounce:
    """`kind` is hard, soft, blocked or delayed; `recipients` the failed addresses, surest first."""

    kind: str
    recipients: tuple[str, ...]
    status: str
    reason: str
    diagnostic: str
    returned_message_id: str
    returned_ref: str
    evidence: tuple[str, ...]


def find(inbound: Inbound, depth: int = 0) -> Bounce | None:
    """Return what bounced, or None when this is no bounce."""
    told = bounce_amazon.report(inbound, "Bounce")
    if told is not None:
        return _amazon(told)
    if not _worth_reading(inbound):
        return None
    notice = bounce_notice.read(inbound)
    signs = _signs(inbound, notice)
    if not signs:
        return None
    found = _bounce(inbound, notice, signs)
    return found if found.recipients or depth else _inner(inbound) or found


def _amazon(told: Mapping[str, Any]) -> Bounce:
    named = bounce_amazon.recipients(told, "bouncedRecipients")
    first = named[0] if named else {}
    found = diagnosis.judge([first.get("diagnosticCode", "")], status=first.get("status", ""))
    passing = str(told.get("bounceType")) == "Transient" and found.kind == "hard"
    return Bounce(
        kind="soft" if passing else found.kind,
        recipients=tuple(one["emailAddress"].strip("<>") for one in named if "@" in one.get("emailAddress", "")),
        status=first.get("status", "") or found.status,
        reason=found.reason,
        diagnostic=first.get("diagnosticCode", ""),
        returned_message_id=bounce_amazon.message_id(told),
        returned_ref=bounce_amazon.reference(told),
        evidence=("Amazon SES notification", found.words or found.reason),
    )


def _inner(inbound: Inbound) -> Bounce | None:
    """Return the bounce that a mail system has put into a bounce of its own."""
    part = inbound.part("message/rfc822")
    try:
        return find(inbounds.parse(part.data()), depth=1) if part else None
    except InboundError:
        return None


def _worth_reading(inbound: Inbound) -> bool:
    """Whether anything at all speaks for a bounce; cheap, for most mail is none."""
    return bool(
        inbound.return_path == ""
        or inbound.content_type == _REPORT
        or "x-failed-recipients" in inbound.headers
        or from_machine(inbound)
        or inbound.part("message/delivery-status", "message/global-delivery-status")
        or _says("subject", inbound.subject)
        or _begins("opening", inbound.text[:600])
    )


def _of(place: str) -> Iterator[patterns.Pattern]:
    return (one for one in patterns.load("bounce_signs") if one.tags["place"] == place)


@cache
def _at(place: str) -> Phrasebook:
    return Phrasebook(_of(place))


@cache
def _short(place: str) -> re.Pattern[str]:
    return phrasebook.joined(_of(place))


def _says(place: str, text: str) -> str:
    """Return the words with which a text speaks of failed delivery, in lower case, or ""."""
    found = _at(place).first(text.lower())
    return found[1][0] if found else ""


def _begins(place: str, text: str) -> bool:
    """Whether a text begins as a mail system's does: for an address, or the first lines of a notice."""
    return _short(place).match(text.lower()) is not None


def warm() -> None:
    """Compile every phrase ahead of its first use."""
    diagnosis.warm()
    for place in ("subject", "text", "delay", "delivered"):
        _at(place).compile()
    for place in ("sender", "daemon", "name", "opening"):
        _short(place)


def from_machine(inbound: Inbound) -> bool:
    """Whether a mail system is the author, by its address or name, or by the envelope's return path."""
    authors = (*inbound.header_from, *inbound.sender)
    path = inbound.return_path
    return (
        bool(path and _begins("sender", _full(path)))
        or any(_begins("sender", _full(one.address)) for one in authors)
        or any(_short("name").search(one.name.lower()) for one in authors if one.name)
    )


def _full(written: str) -> str:
    return written if "@" in written else f"{written}@"


def _signs(inbound: Inbound, notice: Notice) -> tuple[str, ...]:
    """Return the evidence that this is a bounce, or () when it does not suffice."""
    if _reported(inbound, notice):
        return ("delivery report",) if _undelivered(notice) else ()
    if "x-failed-recipients" in inbound.headers:
        return ("X-Failed-Recipients",)
    machine = from_machine(inbound) or not inbound.author
    subject = _says("subject", inbound.subject)
    said = _says("text", _own(notice.words))
    if machine:
        return _by_machine(inbound, notice, subject, said)
    if inbound.return_path == "":  # RFC 5321, 4.5.5: reports have it, but automatic replies too
        spoken = subject or len(notice.returned) or _CODE_LINE.search(notice.words)
        return _by_machine(inbound, notice, subject, said) if spoken else ()
    return _by_text(inbound, notice, subject, said)


def _reported(inbound: Inbound, notice: Notice) -> bool:
    """Whether a report's fields speak, and the message is not a person's who answers with a report attached."""
    if not notice.structured or not notice.refusals:
        return False
    if inbound.content_type == _REPORT or not (_ANSWER.match(inbound.subject) or inbound.in_reply_to):
        return True
    return from_machine(inbound) or not inbound.author


def _by_text(inbound: Inbound, notice: Notice, subject: str, said: str) -> tuple[str, ...]:
    """Judge a report under a person's or no name: its text has to be a machine's from the first line on."""
    words = _own(notice.words)
    opened = bool(said) and _begins("opening", words[:600].lstrip())
    proven = notice.refusals or diagnosis.reply_code(words) or diagnosis.by_words(words)
    if opened and proven:
        return (f"text: {said}", "a mail system's own words")
    answer = bool(_ANSWER.match(inbound.subject) or inbound.in_reply_to)
    if subject and said and not answer and (proven or opened) and bounce_recipient.find(inbound, notice):
        return (f"subject: {subject}", f"text: {said}")
    return ()


def _by_machine(inbound: Inbound, notice: Notice, subject: str, said: str) -> tuple[str, ...]:
    if notice.refusals and _undelivered(notice):
        return ("a mail system's delivery report in plain text",)
    words = _own(notice.words)
    if _good_news(words):
        return ()
    if not subject and not said:
        coded = (_CODE_LINE.search(words) or not inbound.author) and diagnosis.by_words(words)
        return ("from a mail system", "an SMTP error") if coded else ()
    if not (
        (subject and said)
        or len(notice.returned)
        or _CODE_LINE.search(words)
        or _begins("daemon", _full(inbound.author))
        or diagnosis.by_words(words)
        or (said and not _ANSWER.match(inbound.subject))
    ):
        return ()
    return tuple(filter(None, ("from a mail system", subject and f"subject: {subject}", said and f"text: {said}")))


@lru_cache(maxsize=2)  # every step asks for them
def _own(words: str) -> str:
    """Return the text without lines that are quoted."""
    return _QUOTED.sub("", words) if _QUOTE.search(f"\n{words}") else words


def _good_news(words: str) -> bool:
    """Whether a mail system says that it did deliver, and nowhere that it did not, nor a code of failure."""
    return bool(_says("delivered", words)) and not _FAILING.search(words) and not diagnosis.reply_code(words)


def _undelivered(notice: Notice) -> bool:
    """Whether a report tells of failure or delay; RFC 3464, 2.3.3: delivered, relayed, expanded are good news."""
    return any(
        one.action in {"failed", "delayed", "failure"}
        or (one.action not in {"delivered", "relayed", "expanded"} and one.status[:1] != "2")
        for one in notice.refusals
    )


def _bounce(inbound: Inbound, notice: Notice, signs: tuple[str, ...]) -> Bounce:
    refusal = _worst(notice.refusals)
    recipients = bounce_recipient.find(inbound, notice)
    found = _diagnose(refusal, notice, inbound.subject, recipients)
    delayed = _delayed(refusal, notice, inbound.subject)
    told = f"{found.reason}: {found.words}" if found.words else found.reason
    return Bounce(
        kind="delayed" if delayed else found.kind,
        recipients=recipients,
        status=_status(refusal, found, notice, delayed),
        reason=found.reason,
        diagnostic=refusal.diagnostic if refusal and refusal.diagnostic else diagnosis.clean(notice.words)[:1_000],
        returned_message_id=notice.returned_message_id,
        returned_ref=notice.returned.get("x-cadence-ref") or notice.envelope_id,
        evidence=(*signs, told),
    )


def _worst(refusals: tuple[Refusal, ...]) -> Refusal | None:
    """Return the first recipient that failed for good, else the first that is named."""
    failed = [one for one in refusals if one.action.startswith("fail")]
    return next(iter(failed or refusals), None)


def _diagnose(refusal: Refusal | None, notice: Notice, subject: str, recipients: tuple[str, ...]) -> Diagnosis:
    words = _own(notice.words)
    near = _about(words, recipients)
    told = refusal.diagnostic if refusal else ""
    only = near if len(recipients) > 1 and not told else ""
    return diagnosis.judge(_said(told, near, words, only), words, refusal.status if refusal else "", subject)


def _said(told: str, near: str, words: str, only: str) -> Iterator[str]:
    """Give the remote server's words, surest first, each when it is wanted: the first mostly suffices."""
    yield told
    yield from diagnosis.replies(near)
    if near is not words:
        yield from diagnosis.replies(words)
    yield only


def _about(words: str, recipients: tuple[str, ...]) -> str:
    """Return what a notice says of the first failed address, up to where it speaks of the next one."""
    start = words.find(recipients[0]) if recipients else -1
    if start < 0:
        return words
    ends = [at for at in (words.find(other, start + 1) for other in recipients[1:]) if at > 0]
    return words[start : min(ends, default=len(words))]


def _delayed(refusal: Refusal | None, notice: Notice, subject: str) -> bool:
    if refusal and refusal.action:
        return refusal.action == "delayed"
    return bool(_says("delay", subject) or _says("delay", _own(notice.words)))


def _status(refusal: Refusal | None, found: Diagnosis, notice: Notice, delayed: bool) -> str:
    """Return the most telling code: in the remote server's words, in the report, else what the words stand for."""
    told = diagnosis.enhanced(diagnosis.clean(refusal.diagnostic)) if refusal else ""
    codes = [code for code in (told, refusal.status if refusal else "") if code]
    if all(code.endswith(".0.0") for code in codes):
        codes.append(diagnosis.enhanced(diagnosis.clean(_own(notice.words))))
    telling = sorted(filter(None, codes), key=lambda code: code.endswith(".0.0"))
    status = next(iter(telling), found.status)
    return f"4{status[1:]}" if delayed and status.startswith("5") else status

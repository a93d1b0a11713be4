"""One message, one verdict: the order of judgement, and what every later step needs to know of it."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from cadenced.reading import (
    automatic,
    automatic_voice,
    bounce,
    bounce_advice,
    calendar,
    closed,
    complaint,
    dates,
    intent,
    quoting,
)
from cadenced.reading import inbound as inbounds
from cadenced.reading import language as languages
from cadenced.reading import referral as referrals
from cadenced.reading.automatic import Automatic
from cadenced.reading.bounce import Bounce
from cadenced.reading.dates_calendar import weekdays
from cadenced.reading.inbound import Inbound
from cadenced.reading.referral import Referral

Business = Callable[[date], bool]

CLASSIFIER = "5"
"""Raised with every change of the rules; stored beside each verdict, so that history can be re-read."""

_REPLY = re.compile(
    r"^\s*(?:re|aw|sv|vs|antw|odp|r|rif|res|rv|ynt|回复|回覆|答复)\s*(?:\[\d{1,3}\])?\s*[::]", re.IGNORECASE
)
_NOBODY = re.compile(
    r"^(?:no-?_?reply|do-?_?not-?_?reply|noreply|notifications?|news(?:letter)?s?|alerts?)\b", re.IGNORECASE
)
_UNDATED = frozenset({"reply.unsubscribe", "reply.not_interested", "reply.unclear"})
_LEGAL = 1_000  # characters of a text that may be no more than a foot
_NAMING = frozenset({"reply.referral", "reply.not_interested", "reply.objection"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a message means. `kind` is one of `core.model.VERDICTS`; "", () and None mean that nothing was found."""

    kind: str
    recipient: str = ""
    status: str = ""
    until: date | None = None
    referral: Referral | None = None
    language: str = ""
    reply_text: str = ""
    returned_message_id: str = ""
    returned_ref: str = ""
    explanation: str = ""
    evidence: tuple[str, ...] = ()
    classifier: str = CLASSIFIER


@dataclass(frozen=True, slots=True)
class _Clock:
    """What days are read against: the moment of writing, if known, and what counts as a business day."""

    sent: datetime | None
    business: Business


def judge(
    inbound: Inbound, now: datetime | None = None, related: bool = True, business: Business = weekdays
) -> Verdict:
    """Judge a message: complaint, bounce, calendar answer, automatic reply, unrelated, person, in this order.

    Dates are read against `now`, else the message's Date; without both none is read. `related=False` says that
    nothing of ours was found to belong to it: then a message that does not look like an answer is `unrelated`.
    `business` says of a day whether one can write on it; a date read is always such a day.
    """
    machine = _complaint(inbound) or _bounce(inbound)
    if machine:
        return machine
    own = own_words(inbound)
    tongue = _tongue(inbound, own)
    answer = calendar.find(inbound)
    if answer:
        return Verdict(f"invite.{answer.kind}", language=tongue, reply_text=own, evidence=answer.evidence)
    clock = _Clock(now or inbound.date, business)
    found = automatic.find(inbound, own or inbound.readable())
    if found and (related or found.kind != "other" or _answers(inbound)) and not _robot(inbound, found):
        return _automatic(inbound, found, own, tongue, clock)
    stranger = _unrelated(inbound, related, found)
    if stranger:
        return Verdict("unrelated", language=tongue, reply_text=own, evidence=(stranger,))
    return _person(inbound, own, tongue, clock)


def _tongue(inbound: Inbound, own: str) -> str:
    """Return the language of the writer's words; where they are too few, that of the whole mail and its quotes."""
    found = languages.detect(own or inbound.subject)
    return found or languages.detect(f"{own}\n{inbound.subject}") or languages.detect(inbound.text)


def warm() -> None:
    """Compile every expression that a judgement can need: about a second, so that no message waits for it."""
    bounce.warm()
    automatic_voice.warm()
    for tongue in ("", *languages.LANGUAGES):
        intent.warm(tongue)
        dates.warm(tongue)
    for raw in _SAMPLES:
        judge(inbounds.parse(raw), datetime(2026, 1, 5, tzinfo=UTC))


_SAMPLES = (
    b"From: a@a.example\nSubject: Re: x\n\nPlease contact Ann Lee at ann@b.example on 3 May.\n",
    b"From: MAILER-DAEMON@a.example\nReturn-Path: <>\nSubject: Undelivered\n\n<u@b.example>: 550 5.1.1 unknown user\n",
    b"From: a@a.example\nSubject: Re: x\nContent-Type: text/html\n\n<p>Thanks</p><blockquote>x</blockquote>\n",
    b"From: a@a.example\nSubject: Automatic reply: x\nAuto-Submitted: auto-replied\n\nI am away until 5 May.\n",
)


def own_words(inbound: Inbound) -> str:
    """Return what the writer added, without quote, signature and footer; from the text, else from the HTML."""
    if inbound.text.strip():
        return quoting.own_text(inbound.text).text.strip()
    return quoting.own_text_of_html(inbound.html).text.strip() if inbound.html else ""


def as_json(verdict: Verdict, file: str) -> dict[str, Any]:
    """Return the object that `cadenced classify --json` prints (CONTRACT 5)."""
    named = verdict.referral
    return {
        "file": file,
        "verdict": verdict.kind,
        "recipient": verdict.recipient,
        "status": verdict.status,
        "until": verdict.until.isoformat() if verdict.until else None,
        "referral": (named.address or named.name) if named else None,
        "referral_name": named.name if named else None,
        "language": verdict.language,
        "reply_text": verdict.reply_text,
        "evidence": list(verdict.evidence),
        "explanation": verdict.explanation,
        "returned_message_id": verdict.returned_message_id,
        "classifier": verdict.classifier,
    }


def _complaint(inbound: Inbound) -> Verdict | None:
    found = complaint.find(inbound)
    if not found:
        return None
    return Verdict(
        "complaint",
        recipient=next(iter(found.recipients), ""),
        returned_message_id=found.returned_message_id,
        returned_ref=found.returned_ref,
        evidence=found.evidence,
    )


def _bounce(inbound: Inbound) -> Verdict | None:
    found = bounce.find(inbound)
    if not found:
        return None
    return Verdict(
        f"bounce.{found.kind}",
        recipient=next(iter(found.recipients), ""),
        status=found.status,
        returned_message_id=found.returned_message_id,
        returned_ref=found.returned_ref,
        explanation=_explanation(found),
        evidence=found.evidence,
    )


def _explanation(found: Bounce) -> str:
    return bounce_advice.explain(found.status, found.diagnostic) if found.kind == "blocked" else ""


def _automatic(inbound: Inbound, found: Automatic, own: str, tongue: str, clock: _Clock) -> Verdict:
    words = own or inbound.readable()[:4_000]
    kind = found.kind
    until = _back(inbound, words, tongue, clock) if kind == "out_of_office" else None
    if kind == "other" and found.untold:
        until = _back_in(words, tongue, clock)
        kind = "out_of_office" if until else kind
    return Verdict(
        f"auto.{kind}",
        until=until,
        referral=referrals.read(words, tongue) if kind == "left_company" else None,
        language=tongue,
        reply_text=own,
        evidence=found.evidence,
    )


def _back(inbound: Inbound, words: str, tongue: str, clock: _Clock) -> date | None:
    """Return the day of the return, from the text, else from the subject ("Away until 5 May")."""
    return _back_in(words, tongue, clock) or _back_in(inbound.subject, tongue, clock)


def _back_in(words: str, tongue: str, clock: _Clock) -> date | None:
    """Read the day; where no language prevails, each paragraph in its own ("Ich bin bis … / Je suis absent …")."""
    if clock.sent is None:
        return None
    day = dates.back_on(words, clock.sent, tongue, clock.business)
    if day or tongue:
        return day
    pieces = [piece for piece in words.split("\n\n")[:12] if piece.strip()]
    found = [dates.back_on(piece, clock.sent, languages.detect(piece), clock.business) for piece in pieces]
    every = () if any(found) else languages.LANGUAGES
    return next(filter(None, (*found, *(dates.back_on(words, clock.sent, one, clock.business) for one in every))), None)


def _answers(inbound: Inbound) -> bool:
    """Whether a message looks like an answer to another."""
    return bool(inbound.in_reply_to or inbound.references or _REPLY.match(inbound.subject))


def _listed(inbound: Inbound) -> str:
    for name in ("list-id", "list-post", "list-unsubscribe"):
        if name in inbound.headers:
            return name
    return "precedence: list" if inbound.headers.get("precedence").strip().lower() == "list" else ""


def _robot(inbound: Inbound, found: Automatic) -> bool:
    """Whether a machine notifies without answering anything: a list, a tracker, a shop."""
    return found.kind in {"other", "acknowledgement"} and not _answers(inbound) and bool(_listed(inbound))


def _unrelated(inbound: Inbound, related: bool, found: Automatic | None) -> str:
    """Return why a message is none of ours, or ""; when unsure it is a person's."""
    if _answers(inbound):
        return ""
    listed = _listed(inbound)
    if listed:
        return f"a new message to a list ({listed})"
    if found or _NOBODY.match(inbound.author):
        return "a robot's notification"
    return "" if related else "a new message that answers nothing"


def _person(inbound: Inbound, own: str, tongue: str, clock: _Clock) -> Verdict:
    until = _again(own, tongue, clock)
    days = (until - clock.sent.date()).days if until and clock.sent else None
    meant = intent.judge(own, inbound.subject, tongue, days)
    shut = closed.why(inbound, own)
    if shut:
        meant = intent.Intent("reply.unclear", (shut,))
    elif not own:
        meant = _nothing_own(inbound, meant, tongue)
    return Verdict(
        meant.kind,
        until=None if meant.kind in _UNDATED else until,
        referral=referrals.read(own, tongue, meant.kind == "reply.referral") if meant.kind in _NAMING else None,
        language=tongue,
        reply_text=own,
        evidence=meant.evidence,
    )


def _again(own: str, tongue: str, clock: _Clock) -> date | None:
    """Read the day to write again; words too few to show their language are read in all, if all agree on the day."""
    if clock.sent is None:
        return None
    day = dates.again_on(own, clock.sent, tongue, clock.business) if tongue else None
    if day or not own or languages.detect(own):
        return day
    found = {dates.again_on(own, clock.sent, one, clock.business) for one in languages.LANGUAGES} - {None}
    return found.pop() if len(found) == 1 else None


def _nothing_own(inbound: Inbound, meant: intent.Intent, tongue: str) -> intent.Intent:
    """Judge an answer all of whose lines look like a foot: a request to stop in them is not to be missed."""
    if meant.kind == "reply.unsubscribe":
        return meant
    whole = intent.judge(quoting.spoken(inbound.text)[:_LEGAL], "", tongue)
    if whole.kind == "reply.unsubscribe":
        return whole
    return intent.judge("", "", tongue) if _REPLY.match(inbound.subject) else meant  # that subject is our own

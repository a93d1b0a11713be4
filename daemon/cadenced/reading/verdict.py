"""One message, one verdict: the order of judgement, and what every later step needs to know of it."""

import re
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from cadenced.reading import automatic, bounce, bounce_advice, calendar, complaint, dates, intent, quoting
from cadenced.reading import language as languages
from cadenced.reading import referral as referrals
from cadenced.reading.automatic import Automatic
from cadenced.reading.bounce import Bounce
from cadenced.reading.inbound import Inbound
from cadenced.reading.referral import Referral

CLASSIFIER = "1"
"""Raised with every change of the rules; stored beside each verdict, so that history can be re-read."""

_REPLY = re.compile(
    r"^\s*(?:re|aw|sv|vs|antw|odp|r|rif|res|rv|ynt|回复|回覆|答复)\s*(?:\[\d{1,3}\])?\s*[::]", re.IGNORECASE
)
_NOBODY = re.compile(
    r"^(?:no-?_?reply|do-?_?not-?_?reply|noreply|notifications?|news(?:letter)?s?|alerts?)\b", re.IGNORECASE
)
_UNDATED = frozenset({"reply.unsubscribe", "reply.not_interested", "reply.unclear"})
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


def judge(inbound: Inbound, now: datetime | None = None, related: bool = True) -> Verdict:
    """Judge a message: complaint, bounce, calendar answer, automatic reply, unrelated, person, in this order.

    Dates are read against `now`, else the message's Date; without both none is read. `related=False` says that
    nothing of ours was found to belong to it: then a message that does not look like an answer is `unrelated`.
    """
    machine = _complaint(inbound) or _bounce(inbound)
    if machine:
        return machine
    own = own_words(inbound)
    tongue = languages.detect(own or inbound.subject)
    answer = calendar.find(inbound)
    if answer:
        return Verdict(f"invite.{answer.kind}", language=tongue, reply_text=own, evidence=answer.evidence)
    found = automatic.find(inbound, own or inbound.readable())
    if found and (related or found.kind != "other" or _answers(inbound)) and not _robot(inbound, found):
        return _automatic(inbound, found, own, tongue, now)
    stranger = _unrelated(inbound, related, found)
    if stranger:
        return Verdict("unrelated", language=tongue, reply_text=own, evidence=(stranger,))
    return _person(inbound, own, tongue, now)


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


def _automatic(inbound: Inbound, found: Automatic, own: str, tongue: str, now: datetime | None) -> Verdict:
    words = own or inbound.readable()[:4_000]
    kind = found.kind
    until = _back(inbound, words, tongue, now) if kind == "out_of_office" else None
    if kind == "other" and found.untold:
        until = _back_in(words, inbound, tongue, now)
        kind = "out_of_office" if until else kind
    return Verdict(
        f"auto.{kind}",
        until=until,
        referral=referrals.read(words, tongue) if kind == "left_company" else None,
        language=tongue,
        reply_text=own,
        evidence=found.evidence,
    )


def _back(inbound: Inbound, words: str, tongue: str, now: datetime | None) -> date | None:
    """Return the day of the return, from the text, else from the subject ("Away until 5 May")."""
    return _back_in(words, inbound, tongue, now) or _back_in(inbound.subject, inbound, tongue, now)


def _back_in(words: str, inbound: Inbound, tongue: str, now: datetime | None) -> date | None:
    sent = now or inbound.date
    return dates.back_on(words, sent, tongue) if sent else None


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


def _person(inbound: Inbound, own: str, tongue: str, now: datetime | None) -> Verdict:
    meant = intent.judge(own, inbound.subject, tongue)
    if not own and _REPLY.match(inbound.subject) and meant.kind != "reply.unsubscribe":
        meant = intent.judge("", "", tongue)  # the subject of an answer is our own
    sent = now or inbound.date
    return Verdict(
        meant.kind,
        until=dates.again_on(own, sent, tongue) if sent and meant.kind not in _UNDATED else None,
        referral=referrals.read(own, tongue) if meant.kind in _NAMING else None,
        language=tongue,
        reply_text=own,
        evidence=meant.evidence,
    )

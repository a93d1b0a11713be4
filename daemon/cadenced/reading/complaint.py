"""Complaints: a provider tells that somebody marked our mail as spam (ARF, RFC 5965, Hotmail's form, Amazon's)."""

import re
from dataclasses import dataclass

from cadenced.reading import bounce_amazon, bounce_notice
from cadenced.reading import headers as header
from cadenced.reading.headers import Headers
from cadenced.reading.inbound import Inbound

_HOTMAIL = "x-hmxmroriginalrecipient"
# RFC 5965, 7.3 and RFC 6650: types that tell of a person's will; `auth-failure` and `not-spam` do not.
_NO_COMPLAINT = frozenset({"auth-failure", "not-spam", "dmarc", "dkim"})
_FEEDBACK = re.compile(r"^Feedback-Type[ \t]*:[ \t]*([\w-]+)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Complaint:
    """Who complained, as far as the report says it, and which mail of ours it was about."""

    recipients: tuple[str, ...]
    returned_message_id: str
    returned_ref: str
    evidence: tuple[str, ...]


def find(inbound: Inbound) -> Complaint | None:
    """Return the complaint that this message is, or None."""
    return _arf(inbound) or _hotmail(inbound) or _amazon(inbound)


def _arf(inbound: Inbound) -> Complaint | None:
    part = inbound.part("message/feedback-report")
    written = inbound.content_type == "multipart/report" or inbound.return_path == ""
    text = part.text() if part else inbound.text if written else ""
    kind = _FEEDBACK.search(text)
    if not kind or kind[1].lower() in _NO_COMPLAINT:
        return None
    fields = header.parse(text[kind.start() :] if not part else text.replace("\n\n", "\n"))
    returned = bounce_notice.read(inbound)
    named = [value for name in ("original-rcpt-to", "removal-recipient") for value in fields.raw(name)]
    return Complaint(
        recipients=_addresses(named) or _to(returned.returned),
        returned_message_id=returned.returned_message_id,
        returned_ref=returned.returned.get("x-cadence-ref"),
        evidence=(f"Feedback-Type: {kind[1]}",),
    )


def _hotmail(inbound: Inbound) -> Complaint | None:
    """Read Microsoft's junk mail report: the mail itself under its own header, or within a message/rfc822."""
    if _HOTMAIL in inbound.headers:
        return _junk(inbound.headers, inbound.message_id)
    part = inbound.part("message/rfc822")
    marked = part is not None and _HOTMAIL.encode() in part.payload[:8_000].lower()
    reported = inbound.author == "staff@hotmail.com" and "complaint about" in inbound.subject.lower()
    if not marked and not reported:
        return None
    notice = bounce_notice.read(inbound)
    return _junk(notice.returned, notice.returned_message_id)


def _junk(fields: Headers, message_id: str) -> Complaint:
    return Complaint(
        recipients=_addresses(list(fields.raw(_HOTMAIL))) or _to(fields),
        returned_message_id=message_id,
        returned_ref=fields.get("x-cadence-ref"),
        evidence=("Microsoft's junk mail report",),
    )


def _amazon(inbound: Inbound) -> Complaint | None:
    told = bounce_amazon.report(inbound, "Complaint")
    if told is None:
        return None
    return Complaint(
        recipients=_addresses(
            [one.get("emailAddress", "") for one in bounce_amazon.recipients(told, "complainedRecipients")]
        ),
        returned_message_id=bounce_amazon.message_id(told),
        returned_ref=bounce_amazon.reference(told),
        evidence=("Amazon SES notification",),
    )


def _addresses(values: list[str]) -> tuple[str, ...]:
    return tuple(
        dict.fromkeys(one.address for value in values for one in header.addresses(value) if "@" in one.address)
    )


def _to(fields: Headers) -> tuple[str, ...]:
    found = _addresses(list(fields.raw("to")))
    return found if len(found) == 1 else ()

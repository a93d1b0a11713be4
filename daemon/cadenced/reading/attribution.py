"""Whose answer is this: from the surest sign (an id of ours) to the vaguest (a colleague with our subject).

Pure: what is known is asked of a `Register`. Whatever was found by less than our own id or the prospect's own address
is flagged, so that a human sees how it came about.
"""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from cadenced.core import address
from cadenced.errors import AddressError
from cadenced.reading.inbound import Inbound
from cadenced.reading.verdict import Verdict

_WRITTEN = re.compile(r"[\w.!#$%&'*+/=?^{|}~-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,6}")
_READ = 40_000  # characters of a body in which addresses are looked for
_MANY = 40  # addresses of a body that are looked up
_PREFIX = re.compile(
    r"^\s*(?:(?:re|aw|sv|vs|antw|odp|r|rif|res|rv|fwd?|fw|wg|tr|i|enc|vb|doorst|回复|回覆|答复|转发)\s*(?:\[\d{1,3}\])?\s*[::]\s*"
    r"|\[[^\]\n]{1,40}\]\s*)+",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sent:
    """A touch of ours that an id named."""

    touch: int
    enrolment: int | None
    prospect: int


@dataclass(frozen=True, slots=True)
class Person:
    """A prospect as far as attribution needs it; `address` is normalised."""

    prospect: int
    address: str
    name: str = ""
    account: int | None = None


class Register(Protocol):
    """What is known of our mail and of the people it went to."""

    def sent(self, message_ids: Collection[str], refs: Collection[str]) -> Sequence[Sent]:
        """Return touches with one of these Message-IDs (without brackets) or references, newest first."""

    def people(self, addresses: Collection[str]) -> Sequence[Person]:
        """Return prospects whose normalised address, or its `address.identity`, is among these."""

    def colleagues(self, domain: str) -> Sequence[Person]:
        """Return prospects with an address at this domain or in the account that it stands for."""

    def subjects(self, prospect: int) -> Collection[str]:
        """Return the subjects of what was sent to a prospect."""

    def is_ours(self, email: str) -> bool:
        """Whether an address is one of our own mailboxes."""


@dataclass(frozen=True, slots=True)
class Attribution:
    """Whose mail it is, by which sign, and whether a human should look at it (`flagged`)."""

    prospect: int
    enrolment: int | None
    touch: int | None
    how: str
    flagged: bool


def attribute(inbound: Inbound, verdict: Verdict, register: Register) -> Attribution | None:
    """Return whose mail this is, or None; our own mail, as it comes back from Sent, is nobody's answer."""
    machine = verdict.kind.startswith(("bounce.", "complaint"))
    if not machine and inbound.author and register.is_ours(inbound.author):
        return None
    return (
        _by_returned(verdict, register)
        or _by_thread(inbound, register, machine)
        or _by_recipient(verdict, register)
        or (None if machine else _by_author(inbound, register))
        or (None if machine else _by_account(inbound, register))
        or (None if machine else _by_body(inbound, register))
    )


def bare_subject(subject: str) -> str:
    """Return a subject without answering prefixes and list tags, for comparing."""
    return " ".join(_PREFIX.sub("", subject).split()).casefold()


def _by_returned(verdict: Verdict, register: Register) -> Attribution | None:
    ids = [verdict.returned_message_id] if verdict.returned_message_id else []
    return _touch(register, ids, [verdict.returned_ref] if verdict.returned_ref else [], "returned message", False)


def _by_thread(inbound: Inbound, register: Register, machine: bool) -> Attribution | None:
    """In-Reply-To before References, the last of these before the first (RFC 5322, 3.6.4)."""
    ids = [*inbound.in_reply_to, *reversed(inbound.references)]
    refs = [inbound.cadence_ref] if inbound.cadence_ref else []
    found = _touch(register, ids, [*refs, *_tags(inbound)], "thread", False)
    if found is None or machine:
        return found
    known = {one.prospect for one in register.people(_names(_authors(inbound)))}
    if found.prospect in known:
        return found
    how = "thread, answered by another prospect" if known else "thread, from another address"
    return Attribution(found.prospect, found.enrolment, found.touch, how, flagged=True)


def _tags(inbound: Inbound) -> list[str]:
    """Return the references that stand in an address of ours: `julie+REF@...`."""
    locals_ = (one.address.partition("@")[0] for one in (*inbound.to, *inbound.cc))
    return [local.partition("+")[2] for local in locals_ if "+" in local]


def _touch(register: Register, ids: Sequence[str], refs: Sequence[str], how: str, flagged: bool) -> Attribution | None:
    """Ask by id, and by its left side: a relay may have put another domain behind our token."""
    clean = [one.strip().strip("<>") for one in ids if one]
    tokens = [one.partition("@")[0] for one in clean]
    if not clean and not refs:
        return None
    for found in register.sent(clean[:200], [*refs, *tokens][:400]):
        return Attribution(found.prospect, found.enrolment, found.touch, how, flagged)
    return None


def _by_recipient(verdict: Verdict, register: Register) -> Attribution | None:
    if not verdict.recipient:
        return None
    people = register.people(_names([verdict.recipient]))
    return Attribution(people[0].prospect, None, None, "failed address", flagged=False) if people else None


def _authors(inbound: Inbound) -> list[str]:
    fields = (*inbound.header_from, *inbound.reply_to, *inbound.sender)
    path = [inbound.return_path] if inbound.return_path else []
    return [*(one.address for one in fields), *path][:20]


def _normalised(written: str) -> str:
    try:
        return address.normalise(written)
    except AddressError:
        return written.strip().lower()


def _names(written: Sequence[str]) -> list[str]:
    """Addresses as they are kept, and what they have in common with their variants."""
    kept = [_normalised(one) for one in written]
    return list(dict.fromkeys([*kept, *(address.identity(one) for one in kept)]))


def _by_author(inbound: Inbound, register: Register) -> Attribution | None:
    authors = [_normalised(one) for one in _authors(inbound)]
    people = register.people(_names(authors))
    exact = next((one for one in people if one.address in authors), None)
    if exact:
        return Attribution(exact.prospect, None, None, "address", flagged=False)
    return Attribution(people[0].prospect, None, None, "variant of the address", flagged=True) if people else None


def _by_account(inbound: Inbound, register: Register) -> Attribution | None:
    """Find a colleague, or the prospect under another name: same company, and our subject or the prospect's name."""
    domain = address.domain_of(inbound.author)
    if not domain or address.is_freemail(domain):
        return None
    colleagues = register.colleagues(domain)[:200]
    subject = bare_subject(inbound.subject)
    for one in colleagues:
        if subject and subject in map(bare_subject, register.subjects(one.prospect)):
            return Attribution(one.prospect, None, None, "same company and subject", flagged=True)
    named = {one.name.casefold() for one in inbound.header_from if one.name}
    alias = next((one for one in colleagues if one.name and one.name.casefold() in named), None)
    return Attribution(alias.prospect, None, None, "same company and name", flagged=True) if alias else None


def _by_body(inbound: Inbound, register: Register) -> Attribution | None:
    """Find a forwarded mail: the prospect's address stands in the quoted header of what we wrote."""
    written = dict.fromkeys(_WRITTEN.findall((inbound.text or inbound.html)[:_READ]))
    candidates = [one for one in written if not register.is_ours(one.lower())][:_MANY]
    if not candidates or not _quotes_us(inbound, register):
        return None
    for one in register.people(_names(candidates)):
        return Attribution(one.prospect, None, None, "named in the quoted mail", flagged=True)
    return None


def _quotes_us(inbound: Inbound, register: Register) -> bool:
    found = _WRITTEN.findall((inbound.text or inbound.html)[:_READ])[: _MANY * 4]
    return any(register.is_ours(one.lower()) for one in found)

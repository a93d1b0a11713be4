"""One letter from its order: rendered, checked for wording, composed. Nothing is read or written.

An order is made of plain values alone, so that it can go to a process that has neither store nor network.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, TypeVar

from cadenced.core import pacing
from cadenced.core.model import Draft, Place, Prospect, Thread
from cadenced.errors import ComposeError, TemplateError
from cadenced.wording.findings import Finding
from cadenced.wording.gate import Judge
from cadenced.wording.settings import Settings
from cadenced.writing import compose, context, identity
from cadenced.writing.footer import Footer
from cadenced.writing.template import Template

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

Stage = TypeVar("Stage")

Moment = int
"""Microseconds since 1970, UTC."""


class Invitation(NamedTuple):
    """What an invite step adds: how long the meeting is, and the field that says when."""

    minutes: int
    at: str


class Order(NamedTuple):
    """Everything that one letter is made from besides the kit: text, numbers, and tuples and dicts of them."""

    reference: str
    now: Moment
    template: str
    step: str
    purpose: str
    language: str
    email: str
    fields: dict[str, str]
    known_language: str
    stage: str
    timezone: str
    country: str
    account: str
    agreed: Moment | None
    sender: tuple[str, str, str]
    """Display name, address, signature."""
    thread: tuple[tuple[str, ...], str]
    """The ids of the conversation, oldest first, and its subject."""
    last: tuple[str, Moment | None] | None
    """Subject and moment of the touch before."""
    invitation: tuple[int, str] | None = None

    @property
    def unsubscribe(self) -> str:
        """The mailto address that takes an opt-out for exactly this touch; a reference is letters and digits."""
        return f"{self.sender[1]}?subject=unsubscribe%20{self.reference}"


class Letter(NamedTuple):
    """A letter as it is to leave."""

    message_id: str
    subject: str
    raw: bytes
    sha256: str
    version: str


class Refusal(NamedTuple):
    """Why a letter cannot be made or must not leave, as a task for the human."""

    kind: str
    brief: str
    facts: dict[str, str]


@dataclass(frozen=True, slots=True)
class Kit:
    """What letters are made from besides their orders.

    ``waivers`` are the wording rules that each template's comments waive. ``timezone`` is our own, for dates.
    """

    templates: Mapping[str, Template]
    waivers: Mapping[str, frozenset[str]]
    wording: Settings
    postal_address: str
    timezone: str
    judges: dict[tuple[str, bool], Judge] = field(default_factory=dict, repr=False, compare=False)

    def judge(self, template: str, *, answers: bool) -> Judge:
        """Return who judges a template's letters; in a conversation (``answers``) a subject's "Re:" is true."""
        known = self.judges.get((template, answers))
        if known is None:
            silent = self.waivers.get(template, frozenset()) | ({"fake-reply"} if answers else set())
            known = self.judges[template, answers] = Judge(self.wording.without(silent))
        return known


def moment(at: datetime) -> Moment:
    """Return a moment as an order says it."""
    return (at - _EPOCH) // _MICROSECOND


def instant(at: Moment) -> datetime:
    """Return what an order's moment means."""
    return _EPOCH + timedelta(microseconds=at)


def make(kit: Kit, order: Order) -> Letter | Refusal:
    """Make one letter, or say what stands in the way."""
    return make_all(kit, [order])[0]


def make_all(kit: Kit, orders: Sequence[Order]) -> list[Letter | Refusal]:
    """Make many, each by itself; stage by stage, as a processor's caches hold one of them and not all three."""
    drafts = [_tried(order, render, kit, order) for order in orders]
    fit = [_tried(order, _fit, kit, order, draft) for order, draft in zip(orders, drafts, strict=True)]
    return [_tried(order, freeze, kit, order, draft) for order, draft in zip(orders, fit, strict=True)]


def _tried(order: Order, stage: Callable[..., Stage], *given: object) -> Stage | Refusal:
    """Do a stage, unless the one before has refused; odd data blocks only its prospect."""
    if isinstance(given[-1], Refusal):
        return given[-1]
    try:
        return stage(*given)
    except TemplateError as error:
        return _refused(order, f"cannot be written for {order.email}: {error.problem}")
    except (ComposeError, LookupError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        return _refused(order, f"cannot be built for {order.email}: {error}")


def _fit(kit: Kit, order: Order, draft: Draft) -> Draft | Refusal:
    """Return a draft that may leave."""
    findings = judge(kit, order, draft)
    return _refused_wording(order, draft, findings) if findings else draft


def render(kit: Kit, order: Order) -> Draft:
    """Fill the template; TemplateError names its line and what is missing."""
    zone = pacing.zone(order.timezone)
    before = context.LastTouch()
    if order.last is not None and order.last[1] is not None:
        before = context.LastTouch(order.last[0], instant(order.last[1]).astimezone(zone).date())
    occasion = context.Occasion(
        now=instant(order.now).astimezone(zone),
        language=order.language,
        step_id=order.step,
        purpose=order.purpose,
        last_touch=before,
        notes=order.fields.get("notes", ""),
        unsubscribe_url=f"mailto:{order.unsubscribe}",
        next_step_at=instant(order.agreed).astimezone(zone) if order.agreed is not None else None,
    )
    display, address, signature = order.sender
    sender = context.Sender(display or address, address, signature=signature)
    values = context.build(_prospect(order), sender, order.account, occasion)
    return kit.templates[order.template].render(values)


def judge(kit: Kit, order: Order, draft: Draft) -> tuple[Finding, ...]:
    """Return the findings for which this letter must not leave."""
    judging = kit.judge(order.template, answers=bool(order.thread[0]))
    return judging.refusals(draft.subject, draft.body, order.language)


def freeze(kit: Kit, order: Order, draft: Draft) -> Letter:
    """Compose the bytes that leave."""
    display, address, _ = order.sender
    thread = Thread(*order.thread)
    envelope = compose.Envelope(
        sender_name=display,
        sender_address=address,
        recipient_name=_recipient_name(order),
        recipient_address=order.email,
        date=instant(order.now).astimezone(pacing.zone(kit.timezone)),
        message_id=identity.message_id(order.reference, address.rpartition("@")[2]),
        reference=order.reference,
        thread=thread,
        language=order.language,
        unsubscribe_mailto=order.unsubscribe,
    )
    raw = compose.compose(envelope, draft, _footer(kit, order), _calendar(order, draft))
    subject = compose.subject_of(draft, thread)
    return Letter(envelope.message_id, subject, raw, hashlib.sha256(raw).hexdigest(), draft.version)


def _refused(order: Order, why: str) -> Refusal:
    return Refusal("template", f"The mail of step {order.step} {why}", {"template": order.template})


def _refused_wording(order: Order, draft: Draft, findings: tuple[Finding, ...]) -> Refusal:
    said = "; ".join(f"{finding.rule}: {finding.message}" for finding in findings[:3])
    brief = f"The wording of {order.template}.md keeps the mail to {order.email} back: {said}"
    return Refusal("wording", brief, {"template": order.template, "subject": draft.subject})


def _prospect(order: Order) -> Prospect:
    place = Place(order.timezone, order.country)
    return Prospect(0, order.email, "", None, place, order.known_language, order.stage, order.fields)


def _recipient_name(order: Order) -> str:
    names = (order.fields.get("first_name"), order.fields.get("last_name"))
    name = " ".join(filter(None, names))
    return "" if name == order.email else name


def _footer(kit: Kit, order: Order) -> Footer | None:
    if not kit.postal_address:
        return None
    return Footer(postal_address=kit.postal_address, unsubscribe_mailto=order.unsubscribe, language=order.language)


def _calendar(order: Order, draft: Draft) -> bytes:
    """Return the calendar request of an invite step; none where no day to come is known."""
    if order.invitation is None or (starts := _meeting(order, *order.invitation)) is None:
        return b""
    from cadenced.writing import invite  # noqa: PLC0415 - iCalendar is large, and few mails carry one

    return invite.build(
        invite.Invite(
            reference=order.reference,
            summary=draft.subject,
            starts=starts,
            minutes=order.invitation[0],
            timezone=order.timezone,
            organizer_name=order.sender[0],
            organizer_address=order.sender[1],
            attendee_name=_recipient_name(order),
            attendee_address=order.email,
            stamp=instant(order.now),
        )
    )


def _meeting(order: Order, _minutes: int, at: str) -> datetime | None:
    """Return when the meeting begins: the enrolment's next step, or another field that holds a day and an hour."""
    if at != "next_step_at":
        from cadenced.writing import invite  # noqa: PLC0415 - as above

        return invite.starts_at(order.fields.get(at, ""), order.timezone, instant(order.now))
    return instant(order.agreed) if order.agreed is not None and order.agreed > order.now else None

"""From a step to frozen bytes: rendered, checked for wording, composed. Whatever stands in the way becomes a task."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cadenced.config import Mailbox
from cadenced.core import pacing
from cadenced.core.model import Draft, Enrolment, Prospect, Thread
from cadenced.core.sequence import EmailStep, InviteStep, Step
from cadenced.engine.dossiers import Dossier
from cadenced.engine.workspace import Workspace
from cadenced.errors import ComposeError, TemplateError
from cadenced.store.touches import Frozen, Touch
from cadenced.wording import gate, lint
from cadenced.wording.findings import Finding
from cadenced.wording.settings import Settings
from cadenced.writing import compose, context, identity
from cadenced.writing.footer import Footer
from cadenced.writing.template import Template


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message ready to be reserved."""

    recipient: str
    draft: Draft
    frozen: Frozen


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Why a message cannot be made or must not leave, as a task for the human."""

    kind: str
    brief: str
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Case:
    """Everything that one touch is made from; ``sent_texts`` are the steps sent so far with their versions."""

    enrolment: Enrolment
    prospect: Prospect
    language: str
    step: EmailStep | InviteStep
    mailbox: Mailbox
    account: str
    thread: Thread
    last: Touch | None
    sent_texts: tuple[tuple[str, str], ...]
    reference: str
    now: datetime

    def steps_of_text(self, version: str) -> list[str]:
        """Return the steps of this enrolment that were sent with this very version of a template."""
        return [step for step, known in self.sent_texts if known == version]

    @property
    def unsubscribe(self) -> str:
        """The mailto address that takes an opt-out for exactly this touch; a reference is letters and digits."""
        return f"{self.mailbox.address}?subject=unsubscribe%20{self.reference}"


@dataclass(frozen=True, slots=True)
class Materials:
    """What messages are made from besides their cases: it goes to another process as it is.

    ``waivers`` are the wording rules that each template's comments waive. ``timezone`` is our own, for dates.
    """

    templates: Mapping[str, Template]
    waivers: Mapping[str, frozenset[str]]
    wording: Settings
    postal_address: str
    timezone: str


def materials(workspace: Workspace) -> Materials:
    """Return what messages are made from at this moment."""
    templates = dict(workspace.library.templates)
    daemon = workspace.config.daemon
    waivers = {name: lint.waived(template.body) for name, template in templates.items()}
    return Materials(templates, waivers, workspace.wording, daemon.postal_address, daemon.timezone)


def prepare(kit: Materials, case: Case) -> Prepared | Obstacle:
    """Make the message of a step, or say what stands in the way. Nothing is read or written."""
    step = case.step
    try:
        draft = render(kit, case)
        findings = judge(kit, case, draft)
        if findings:
            return _refused_wording(case, draft, findings)
        return _freeze(kit, case, draft)
    except TemplateError as error:
        problem = error.problem
        brief = f"The mail of step {step.id} cannot be written for {case.prospect.email}: {problem}"
        return Obstacle("template", brief, {"template": step.template})
    except (ComposeError, LookupError, ValueError, TypeError, ArithmeticError, RecursionError) as error:
        # odd data blocks only its prospect
        brief = f"The mail of step {step.id} cannot be built for {case.prospect.email}: {error}"
        return Obstacle("template", brief, {"template": step.template})


def case_of(workspace: Workspace, dossier: Dossier, step: Step) -> Case:
    """Bring together everything that the touch of a mail step is made from."""
    if not isinstance(step, EmailStep | InviteStep):
        raise TypeError(f"step {step.id} sends nothing")
    enrolment, prospect = dossier.enrolment, dossier.prospect
    last = dossier.sent[-1] if dossier.sent else None
    thread = Thread() if step.new_thread or last is None else dossier.thread(last.root_id)
    key = identity.TouchKey(prospect.email, enrolment.sequence, step.id, enrolment.generation)
    return Case(
        enrolment=enrolment,
        prospect=prospect,
        language=workspace.sequence(enrolment.sequence).language or prospect.language or "en",
        step=step,
        mailbox=workspace.mailbox(enrolment.mailbox),
        account=dossier.account,
        thread=thread,
        last=last,
        sent_texts=tuple((one.step, one.template_version) for one in dossier.sent if one.enrolment == enrolment.id),
        reference=identity.reference(workspace.install_key, key),
        now=workspace.now(),
    )


def render(kit: Materials, case: Case) -> Draft:
    """Fill the template; TemplateError names its line and what is missing."""
    zone = pacing.zone(case.enrolment.place.timezone)
    agreed = case.enrolment.next_step_at
    before = context.LastTouch()
    if case.last is not None and case.last.sent_at is not None:
        before = context.LastTouch(case.last.subject, case.last.sent_at.astimezone(zone).date())
    occasion = context.Occasion(
        now=case.now.astimezone(zone),
        language=case.language,
        step_id=case.step.id,
        purpose=case.step.purpose,
        last_touch=before,
        notes=case.prospect.fields.get("notes", ""),
        unsubscribe_url=f"mailto:{case.unsubscribe}",
        next_step_at=agreed.astimezone(zone) if agreed is not None else None,
    )
    box = case.mailbox
    sender = context.Sender(box.display or box.address, box.address, signature=box.signature)
    values = context.build(case.prospect, sender, case.account, occasion)
    return kit.templates[case.step.template].render(values)


def judge(kit: Materials, case: Case, draft: Draft) -> tuple[Finding, ...]:
    """Return the findings for which this message must not leave."""
    waived = kit.waivers.get(case.step.template, frozenset())
    thread = {"fake-reply"} if case.thread.message_ids else set()  # here "Re:" is true
    settings = kit.wording.without(waived | thread)
    subject = compose.subject_of(draft, Thread()) if not case.thread.message_ids else draft.subject
    return gate.refusals(subject, draft.body, case.language, settings)


def _refused_wording(case: Case, draft: Draft, findings: tuple[Finding, ...]) -> Obstacle:
    said = "; ".join(f"{finding.rule}: {finding.message}" for finding in findings[:3])
    brief = f"The wording of {case.step.template}.md keeps the mail to {case.prospect.email} back: {said}"
    return Obstacle("wording", brief, {"template": case.step.template, "subject": draft.subject})


def _freeze(kit: Materials, case: Case, draft: Draft) -> Prepared:
    message_id = identity.message_id(case.reference, case.mailbox.address.rpartition("@")[2])
    envelope = compose.Envelope(
        sender_name=case.mailbox.display,
        sender_address=case.mailbox.address,
        recipient_name=_recipient_name(case.prospect),
        recipient_address=case.prospect.email,
        date=case.now.astimezone(pacing.zone(kit.timezone)),
        message_id=message_id,
        reference=case.reference,
        thread=case.thread,
        language=case.language,
        unsubscribe_mailto=case.unsubscribe,
    )
    raw = compose.compose(envelope, draft, _footer(kit, case), _calendar(case, draft))
    root = case.last.root_id if case.thread.message_ids and case.last else message_id
    frozen = Frozen(
        message_id=message_id,
        ref=case.reference,
        root_id=root,
        subject=compose.subject_of(draft, case.thread),
        raw=raw,
        sha256=hashlib.sha256(raw).hexdigest(),
        template=case.step.template,
        template_version=draft.version,
    )
    return Prepared(case.prospect.email, draft, frozen)


def _recipient_name(prospect: Prospect) -> str:
    return "" if prospect.name == prospect.email else prospect.name


def _footer(kit: Materials, case: Case) -> Footer | None:
    if not kit.postal_address:
        return None
    return Footer(postal_address=kit.postal_address, unsubscribe_mailto=case.unsubscribe, language=case.language)


def _calendar(case: Case, draft: Draft) -> bytes:
    """Return the calendar request of an invite step; none where no day to come is known."""
    if not isinstance(case.step, InviteStep) or (starts := _meeting(case)) is None:
        return b""
    from cadenced.writing import invite  # noqa: PLC0415 - iCalendar is large, and few mails carry one

    return invite.build(
        invite.Invite(
            reference=case.reference,
            summary=draft.subject,
            starts=starts,
            minutes=case.step.minutes,
            timezone=case.enrolment.place.timezone,
            organizer_name=case.mailbox.display,
            organizer_address=case.mailbox.address,
            attendee_name=_recipient_name(case.prospect),
            attendee_address=case.prospect.email,
            stamp=case.now,
        )
    )


def _meeting(case: Case) -> datetime | None:
    """Return when the meeting begins: the enrolment's next step, or another field that holds a day and an hour."""
    at = case.step.at if isinstance(case.step, InviteStep) else ""
    if at != "next_step_at":
        from cadenced.writing import invite  # noqa: PLC0415 - as above

        return invite.starts_at(case.prospect.fields.get(at, ""), case.enrolment.place.timezone, case.now)
    agreed = case.enrolment.next_step_at
    return agreed if agreed is not None and agreed > case.now else None

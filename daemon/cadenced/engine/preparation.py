"""What the touch of a mail step is made from, as an order; and what came of it, to be reserved or asked about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from cadenced.config import Mailbox
from cadenced.core.model import Enrolment, Prospect, Thread
from cadenced.core.sequence import EmailStep, InviteStep, Step
from cadenced.engine import letters
from cadenced.engine.dossiers import Dossier
from cadenced.engine.letters import Kit, Letter, Order, Refusal
from cadenced.engine.workspace import Workspace
from cadenced.store.touches import Frozen, Touch
from cadenced.writing import identity


@dataclass(frozen=True, slots=True)
class Prepared:
    """A message ready to be reserved."""

    recipient: str
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


def materials(workspace: Workspace) -> Kit:
    """Return what letters are made from at this moment."""
    templates = dict(workspace.library.templates)
    daemon = workspace.config.daemon
    waivers = {name: _waived(template.body) for name, template in templates.items()}
    return Kit(templates, waivers, workspace.wording, daemon.postal_address, daemon.timezone)


def _waived(body: str) -> frozenset[str]:
    """Return the wording rules that a template's comments waive; most have no such comment, which is seen at once."""
    if "lint" not in body:
        return frozenset()
    from cadenced.wording import lint  # noqa: PLC0415 - a daemon whose templates waive nothing never needs it

    return lint.waived(body)


def prepare(kit: Kit, case: Case) -> Prepared | Obstacle:
    """Make the message of a step, or say what stands in the way. Nothing is read or written."""
    return answer_to(case, letters.make(kit, order_of(case)))


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


def order_of(case: Case) -> Order:
    """Return a case as plain values."""
    enrolment, prospect, step, box, last = case.enrolment, case.prospect, case.step, case.mailbox, case.last
    return Order(
        reference=case.reference,
        now=letters.moment(case.now),
        template=step.template,
        step=step.id,
        purpose=step.purpose,
        language=case.language,
        email=prospect.email,
        fields=dict(prospect.fields),
        known_language=prospect.language,
        stage=prospect.stage,
        timezone=enrolment.place.timezone,
        country=prospect.place.country,
        account=case.account,
        agreed=_moment(enrolment.next_step_at),
        sender=(box.display, box.address, box.signature),
        thread=(case.thread.message_ids, case.thread.subject),
        last=(last.subject, _moment(last.sent_at)) if last is not None else None,
        invitation=(step.minutes, step.at) if isinstance(step, InviteStep) else None,
    )


def answer_to(case: Case, made: Letter | Refusal) -> Prepared | Obstacle:
    """Return what was made of a case's order."""
    if isinstance(made, Refusal):
        return Obstacle(*made)
    frozen = Frozen(
        message_id=made.message_id,
        ref=case.reference,
        root_id=case.last.root_id if case.thread.message_ids and case.last else made.message_id,
        subject=made.subject,
        raw=made.raw,
        sha256=made.sha256,
        template=case.step.template,
        template_version=made.version,
    )
    return Prepared(case.prospect.email, frozen)


def _moment(at: datetime | None) -> int | None:
    return letters.moment(at) if at is not None else None

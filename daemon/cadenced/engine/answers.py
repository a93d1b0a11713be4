"""What came in, taken to heart: a mail is judged, attributed and acted upon in the transaction that marks it as read.

When unsure, err to silence: the enrolments halt and a human is asked.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy import Connection

from cadenced.core import events, lifecycle
from cadenced.core.model import Enrolment, Prospect
from cadenced.core.sequence import AccountScope, Ask, Goto, Halt, Reaction, Sequence, Suppress
from cadenced.engine import moves
from cadenced.engine.workspace import Workspace
from cadenced.store import enrolments, mailboxes, people, tasks, timeline

log = logging.getLogger(__name__)

_TEXT_SHOWN = 600

_WORDS = {"reply": "replied", "auto": "auto_replied", "bounce": "bounced", "invite": "invite_answered"}

_SPECIAL_WORDS = {"reply.unsubscribe": "opted_out", "complaint": "complained", "bounce.delayed": "delayed"}

_BRIEFS: Mapping[str, str] = {
    "reply.interested": "{who} is interested. Answer today, and agree on the next step.",
    "reply.question": "{who} asks something. Answer it.",
    "reply.objection": "{who} objects. Answer what stands in the way.",
    "reply.not_now": "{who} says: not now{until}. Thank them, and agree on a date.",
    "reply.referral": "{who} points to somebody else{referral}. Thank them, and decide whom to write to.",
    "reply.not_interested": "{who} is not interested. Thank them, and let go.",
    "reply.unclear": "{who} has answered. Read it, and decide.",
    "auto.left_company": "{who} has left the company{referral}. Find out who has taken over.",
    "invite.accepted": "{who} has accepted the invitation. Prepare the meeting.",
    "invite.declined": "{who} has declined the invitation. Propose another day.",
    "invite.tentative": "{who} may come. Call to make sure.",
}


@dataclass(frozen=True, slots=True)
class Taken:
    """An answer as it is acted upon: who judged what, and what the human will want to read of it."""

    verdict: str
    until: date | None = None
    referral: str = ""
    subject: str = ""
    text: str = ""
    status: str = ""
    explanation: str = ""
    how: str = ""
    evidence: tuple[str, ...] = ()
    touch: int | None = None
    mailbox: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def family(self) -> str:
        """The part of the verdict before the dot."""
        return self.verdict.partition(".")[0]

    @property
    def by_a_person(self) -> bool:
        """Whether a human stands behind it: only then it concerns the colleagues."""
        return self.family in {"reply", "invite"}


def take(tx: Connection, workspace: Workspace, prospect: Prospect, taken: Taken) -> None:
    """Carry out what an answer does to a prospect: enrolments, suppression, tasks, colleagues, mailbox."""
    now = workspace.now()
    log.info("answered", extra={"verdict": taken.verdict, "prospect": prospect.id, "mailbox": taken.mailbox})
    _note(tx, now, prospect, taken)
    live = enrolments.of_prospect(tx, prospect.id, live=True)
    done: list[tuple[Enrolment | None, Reaction]] = [
        (enrolment, _apply(tx, workspace, enrolment, taken, now)) for enrolment in live
    ] or [_afterwards(tx, workspace, prospect, taken)]
    if any(isinstance(reaction, Suppress) for _, reaction in done):
        _suppress(tx, workspace, prospect, taken, now)
    _ask(tx, workspace, prospect, taken, done)
    if taken.by_a_person:
        _tell_colleagues(tx, workspace, prospect, taken, now)
    if taken.verdict == "bounce.blocked":
        hold_mailbox(tx, workspace, taken.mailbox or prospect.mailbox, taken)


def _note(tx: Connection, now: datetime, prospect: Prospect, taken: Taken) -> None:
    word = _SPECIAL_WORDS.get(taken.verdict)
    timeline.note(
        tx,
        now,
        word or _WORDS.get(taken.family, "noted"),
        prospect.id,
        verdict=taken.verdict,
        until=taken.until.isoformat() if taken.until else "",
        subject=taken.subject,
        status=taken.status,
        how=taken.how,
        evidence=list(taken.evidence[:5]),
    )


def _apply(tx: Connection, workspace: Workspace, enrolment: Enrolment, taken: Taken, now: datetime) -> Reaction:
    event = events.Answered(now, taken.verdict, taken.until)
    sequence = workspace.sequence(enrolment.sequence)
    reaction = lifecycle.reaction_to(enrolment, event, sequence)
    if isinstance(reaction, Goto):
        tasks.close_of_step(tx, enrolment.id, f"answered: {taken.verdict}", now)
    moves.move(tx, workspace, enrolment, event)
    return reaction


def _afterwards(
    tx: Connection, workspace: Workspace, prospect: Prospect, taken: Taken
) -> tuple[Enrolment | None, Reaction]:
    """Return what an answer does that comes when all is over; any sign of life still reaches the human."""
    last = next(iter(reversed(enrolments.of_prospect(tx, prospect.id))), None)
    sequence = workspace.sequence(last.sequence) if last else Sequence("", ())
    if last is not None:
        moves.move(tx, workspace, last, events.Answered(workspace.now(), taken.verdict, taken.until))
    reaction = sequence.reaction(taken.verdict)
    return last, reaction if isinstance(reaction, Suppress) or not taken.by_a_person else Halt("Answer the reply.")


def _suppress(tx: Connection, workspace: Workspace, prospect: Prospect, taken: Taken, now: datetime) -> None:
    if people.suppress(tx, prospect.email, taken.verdict, now):
        timeline.note(tx, now, "suppressed", prospect.id, reason=taken.verdict)
    for enrolment in enrolments.of_prospect(tx, prospect.id, live=True):
        moves.move(tx, workspace, enrolment, events.Halted(now, taken.verdict, "the address is suppressed"))


def _ask(
    tx: Connection,
    workspace: Workspace,
    prospect: Prospect,
    taken: Taken,
    done: Iterable[tuple[Enrolment | None, Reaction]],
) -> None:
    """Open one task for the human, whatever number of enrolments the answer ended."""
    now = workspace.now()
    for enrolment, reaction in done:
        wanted = reaction.task if isinstance(reaction, Halt | Suppress | Ask) else ""
        if not wanted:
            continue
        kind = "reply" if taken.by_a_person else "address" if taken.family == "bounce" else "answer"
        task = tasks.NewTask(
            kind=kind,
            brief=_brief(prospect, taken, wanted, reaction),
            due_at=now,
            prospect=prospect.id,
            enrolment=enrolment.id if enrolment else None,
            touch=taken.touch,
            facts=_facts(taken),
        )
        task_id = tasks.add(tx, task, now)
        timeline.note(tx, now, "task_opened", prospect.id, task=task_id, kind=kind, brief=task.brief)
        return


def _brief(prospect: Prospect, taken: Taken, wanted: str, reaction: Reaction) -> str:
    own = isinstance(reaction, Ask) or (isinstance(reaction, Halt) and wanted != "Answer the reply.")
    pattern = _BRIEFS.get(taken.verdict)
    if pattern is None or (own and taken.family == "reply"):
        return wanted
    return pattern.format(
        who=prospect.name,
        until=f" before {taken.until:%-d %B %Y}" if taken.until else "",
        referral=f" ({taken.referral})" if taken.referral else "",
    )


def _facts(taken: Taken) -> dict[str, str]:
    known = {
        "verdict": taken.verdict,
        "subject": taken.subject,
        "text": taken.text[:_TEXT_SHOWN],
        "until": taken.until.isoformat() if taken.until else "",
        "referral": taken.referral,
        "status": taken.status,
        "explanation": taken.explanation,
        **taken.facts,
    }
    return {key: value for key, value in known.items() if value}


def _tell_colleagues(tx: Connection, workspace: Workspace, prospect: Prospect, taken: Taken, now: datetime) -> None:
    """Do to the others of the account what their own sequence says of a colleague's answer."""
    if prospect.account is None:
        return
    event = events.ColleagueAnswered(now, prospect.name, taken.verdict)
    for enrolment in enrolments.live_of_account(tx, prospect.account, but=prospect.id):
        after = moves.move(tx, workspace, enrolment, event)
        scope = workspace.sequence(enrolment.sequence).account_scope
        if scope is AccountScope.HOLD and after.live:
            colleague = people.get(tx, enrolment.prospect)
            brief = f"{prospect.name} has answered. Shall {colleague.name}, of the same account, still be written to?"
            task = tasks.NewTask("colleague", brief, now, colleague.id, enrolment.id, facts=_facts(taken))
            task_id = tasks.add(tx, task, now)
            timeline.note_of(tx, now, "task_opened", after, task=task_id, kind="colleague", brief=brief)


def hold_mailbox(tx: Connection, workspace: Workspace, name: str, taken: Taken) -> None:
    """Rest a mailbox whose mail is refused for what it is: going on would spoil its name. The operator is told."""
    now = workspace.now()
    why = taken.explanation or f"mail was refused: {taken.text or taken.status}"
    if not mailboxes.hold(tx, name, why, now):
        return
    brief = f"Mail from the mailbox {name} is refused. {why} Mend it, then: cadenced release {name}"
    task_id = tasks.add(tx, tasks.NewTask("mailbox", brief, now, facts={**_facts(taken), "mailbox": name}), now)
    log.warning("mailbox held", extra={"mailbox": name, "reason": why})
    timeline.note(tx, now, "mailbox_held", None, mailbox=name, reason=why, task=task_id)

"""``cadenced reclassify``: kept mails read again with the present rules, and history repaired.

What turns out to ask for more silence is carried out as if the mail came in now. What turns out to ask for less only
becomes a question: nobody is written to again because a machine has changed its mind.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import click
from rich.text import Text
from sqlalchemy import Connection, Row

from cadenced.cli import moments, opening, screen
from cadenced.cli.classify_page import word
from cadenced.cli.moments import stamp
from cadenced.cli.printing import document, json_option
from cadenced.core.model import Prospect
from cadenced.core.sequence import Ask, Continue, Goto, Halt, Move, Pause, Reaction, Sequence, Snooze, Suppress
from cadenced.engine import acts, answers
from cadenced.engine.answers import Taken
from cadenced.engine.workspace import Workspace
from cadenced.errors import InboundError
from cadenced.reading import inbound, verdict
from cadenced.reading.verdict import Verdict
from cadenced.store import enrolments, inbox, people, reports, tasks, timeline

_BATCH = 200
_BY_LINK = "opt-out link"
_SILENCE: Mapping[type[Reaction], int] = {
    Continue: 0,
    Pause: 1,
    Snooze: 1,
    Goto: 2,
    Move: 2,
    Ask: 3,
    Halt: 4,
    Suppress: 5,
}
"""How silent each reaction is; more is safe to carry out, less is asked about."""


@dataclass(frozen=True, slots=True)
class Change:
    """A mail that is read otherwise now, and what that does: ``silence``, ``question`` or ``nothing``."""

    mail: Row[Any]
    prospect: Prospect
    judged: Verdict
    effect: str

    @property
    def until(self) -> str:
        """The day that is read in it now, as ISO text."""
        return self.judged.until.isoformat() if self.judged.until else ""


@click.command()
@click.option("--apply", "applied", is_flag=True, help="Write the new verdicts, and carry out what makes for silence.")
@json_option
def reclassify(*, applied: bool, as_json: bool) -> None:
    """Read kept mails again with the present rules, and show what would change.

    With --apply the new verdicts are written. Where they ask for silence (an answer, an opt-out, a dead address that
    was overlooked) that is carried out. Nobody is set going again: a task asks you instead.
    """
    with opening.workspace() as workspace:
        with screen.busy("reading kept mails again", quiet=as_json):
            found = workspace.database.read(lambda tx: list(changes(tx, workspace)))
        if applied:
            for change in found:
                workspace.database.transact(partial(apply, workspace=workspace, change=change))
                acts.barrier(workspace, change.prospect.id)
        if as_json:
            document([_object(change, applied=applied) for change in found])
        else:
            _print(found, workspace, applied=applied)


def changes(tx: Connection, workspace: Workspace) -> Iterator[Change]:
    """Yield every kept mail that is read otherwise now, oldest first."""
    after = 0
    while mails := inbox.kept(tx, after, _BATCH):
        after = mails[-1].id
        for mail in mails:
            change = _change(tx, workspace, mail)
            if change is not None:
                yield change


def _change(tx: Connection, workspace: Workspace, mail: Row[Any]) -> Change | None:
    if mail.prospect_id is None or mail.how.startswith(_BY_LINK):
        return None
    try:
        judged = verdict.judge(inbound.parse(mail.raw))
    except InboundError:
        return None
    until = judged.until.isoformat() if judged.until else ""
    if (judged.kind, until) == (mail.verdict, mail.until):
        return None
    prospect = people.get(tx, mail.prospect_id)
    return Change(mail, prospect, judged, _effect(tx, workspace, mail, judged.kind))


def _effect(tx: Connection, workspace: Workspace, mail: Row[Any], kind: str) -> str:
    """Return what a new verdict does beyond being written down."""
    before, after = (_silence(_course(tx, workspace, mail), one) for one in (mail.verdict, kind))
    if after > before:
        newer = reports.runs_since(tx, mail.prospect_id, mail.seen_at)
        return "question" if newer and after < _SILENCE[Suppress] else "silence"
    if after < before and _is_silent_for(tx, mail):
        return "question"
    return "nothing"


def _course(tx: Connection, workspace: Workspace, mail: Row[Any]) -> Sequence:
    """Return the sequence that the mail answered: its own, else the prospect's last."""
    if mail.enrolment_id is not None:
        return workspace.sequence(enrolments.get(tx, mail.enrolment_id).sequence)
    last = next(iter(reversed(enrolments.of_prospect(tx, mail.prospect_id))), None)
    return workspace.sequence(last.sequence) if last else Sequence("", ())


def _silence(course: Sequence, kind: str) -> int:
    return _SILENCE[type(course.reaction(kind))]


def _is_silent_for(tx: Connection, mail: Row[Any]) -> bool:
    """Whether a prospect is not written to now because of how this mail was read."""
    ended = [one for one in enrolments.of_prospect(tx, mail.prospect_id) if one.outcome == mail.verdict]
    live = enrolments.of_prospect(tx, mail.prospect_id, live=True)
    return bool(ended) and not live


def apply(tx: Connection, workspace: Workspace, change: Change) -> None:
    """Write a new verdict, and carry out (or ask about) what follows from it."""
    mail, judged = change.mail, change.judged
    inbox.reclassified(tx, mail.id, judged.kind, judged.classifier, change.until)
    facts = {"before": mail.verdict, "verdict": judged.kind, "mail": mail.id, "until": change.until}
    timeline.note(tx, workspace.now(), "reclassified", change.prospect.id, **facts)
    if change.effect == "silence":
        answers.take(tx, workspace, change.prospect, _taken(change))
    elif change.effect == "question":
        _ask(tx, workspace, change)


def _taken(change: Change) -> Taken:
    mail, judged = change.mail, change.judged
    named = judged.referral
    return Taken(
        verdict=judged.kind,
        until=judged.until,
        referral=" ".join(filter(None, (named.name, named.address))) if named else "",
        subject=mail.subject,
        text=judged.reply_text,
        status=judged.status,
        explanation=judged.explanation,
        how="read again",
        evidence=judged.evidence,
        touch=mail.touch_id,
        mailbox=mail.mailbox,
    )


def _ask(tx: Connection, workspace: Workspace, change: Change) -> None:
    now, email = workspace.now(), change.prospect.email
    brief = (
        f"The mail “{change.mail.subject}” of {email} was taken for {change.mail.verdict} and is {change.judged.kind}."
        f" Look at it, and decide: cadenced show {email}, then halt or resume."
    )
    facts = {"verdict": change.judged.kind, "text": change.judged.reply_text[:600]}
    task = tasks.NewTask("answer", brief, now, change.prospect.id, facts=facts)
    task_id = tasks.add(tx, task, now)
    timeline.note(tx, now, "task_opened", change.prospect.id, task=task_id, kind="answer", brief=brief)


def _object(change: Change, *, applied: bool) -> dict[str, Any]:
    return {
        "id": change.mail.id,
        "email": change.prospect.email,
        "subject": change.mail.subject,
        "seen_at": stamp(change.mail.seen_at),
        "before": change.mail.verdict,
        "after": change.judged.kind,
        "until": change.until or None,
        "effect": change.effect,
        "evidence": list(change.judged.evidence),
        "applied": applied,
    }


def _print(found: list[Change], workspace: Workspace, *, applied: bool) -> None:
    if not found:
        screen.show(screen.paragraph("Every kept mail reads as before."))
        return
    zone, now = workspace.config.daemon.timezone, workspace.now()
    rows = [
        (
            moments.local(change.mail.seen_at, zone, now),
            change.prospect.email,
            word(change.mail.verdict),
            Text.assemble(word(change.judged.kind), f" until {change.until}" if change.until else ""),
            _EFFECTS[change.effect],
        )
        for change in found
    ]
    screen.show(screen.table(["seen", "prospect", "was", "is", "what follows"], rows))
    screen.blank()
    said = "Written." if applied else "Nothing is changed yet: cadenced reclassify --apply writes it."
    screen.show(screen.paragraph(f"{screen.counted(len(found), 'mail')} read otherwise. {said}", style="bold"))


_EFFECTS = {
    "silence": Text("stops them", style="red"),
    "question": Text("a task asks you", style="magenta"),
    "nothing": Text("only written down", style="dim"),
}

COMMANDS = (reclassify,)

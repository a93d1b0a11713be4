"""``cadenced why``: the planner's own reasons, followed one after the other until the next message leaves.

Each reason is what ``planner.next_action`` said, with the same ``Given`` as the engine's. What time alone undoes is
waited for; what only a human or a server undoes is named and set aside, to see what else there is.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import click
from rich.text import Text
from sqlalchemy import Connection

from cadenced.cli import asked, liveness, moments, opening, screen
from cadenced.cli.moments import stamp
from cadenced.cli.printing import document, json_option
from cadenced.core import lifecycle, pacing, planner
from cadenced.core.events import Resumed
from cadenced.core.model import Enrolment, Prospect, State
from cadenced.core.planner import Given, Quota
from cadenced.core.sequence import Sequence, Step, TaskStep
from cadenced.engine import acts, desk, dossiers, pace, restore
from cadenced.engine.desk import Moment
from cadenced.engine.workspace import Workspace
from cadenced.store import enrolments, leases, mailboxes, reports, tasks, touches

_MOST_REASONS = 12
_NOT_RUNNING = "The daemon is not running (cadenced run)."
_NOT_SERVED = "No worker serves this mailbox at the moment (cadenced status)."
_STALE = 180.0
"""Seconds after which an inbox that a running daemon looks after would have been read again."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One thing that stands between now and the next step. ``until`` is None where time alone does not undo it.

    ``cure`` is words and commands, each on a line of its own.
    """

    text: str
    until: datetime | None = None
    cure: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """What comes next in one enrolment: ``send``, ``task``, ``finish`` or ``wait`` (for somebody), when, and why."""

    sequence: str
    state: str
    step: str
    action: str
    at: datetime | None
    text: str
    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One enrolment and all that is needed to speak about it."""

    workspace: Workspace
    prospect: Prospect
    enrolment: Enrolment
    sequence: Sequence
    given: Given
    cures: dict[str, str]

    def when(self, at: datetime) -> str:
        """Return a moment in the prospect's zone, and how far away it is."""
        now = self.workspace.now()
        zone = self.enrolment.place.timezone
        return f"{moments.local(at, zone, now)}, {zone} ({moments.relative(at, now)})"


@click.command()
@click.argument("email")
@json_option
def why(email: str, *, as_json: bool) -> None:
    """Say why the next message leaves when it does, or why none does."""
    with opening.workspace() as workspace:
        prospect, answers = workspace.database.read(lambda tx: explain(tx, workspace, email))
        if as_json:
            document({"email": prospect.email, "timezone": prospect.place.timezone, "enrolments": _objects(answers)})
        else:
            _print(prospect, answers)


def explain(tx: Connection, workspace: Workspace, email: str) -> tuple[Prospect, list[Answer]]:
    """Return what comes next in every live enrolment of a prospect, else how the last one ended."""
    prospect = acts.find(tx, email)
    live = enrolments.of_prospect(tx, prospect.id, live=True)
    if not live:
        return prospect, [_ended(tx, workspace, prospect)]
    return prospect, [_answer(_case(tx, workspace, prospect, one)) for one in live]


def _ended(tx: Connection, workspace: Workspace, prospect: Prospect) -> Answer:
    past = enrolments.of_prospect(tx, prospect.id)
    suppression = reports.suppression(tx, prospect.email)
    now, zone = workspace.now(), prospect.place.timezone
    reasons = []
    if suppression:
        since = moments.local(suppression.at, zone, now)
        reasons.append(Reason(f"The address is suppressed since {since}: {suppression.reason}."))
    if not past:
        return Answer("", "", "", "none", None, "Nothing leaves: this prospect is in no sequence.", tuple(reasons))
    last = past[-1]
    at = reports.ended_at(tx, last.id)
    day = f" on {moments.local(at, zone, now)}" if at else ""
    why = f": {last.outcome}" if last.outcome else ""
    detail = f" ({last.reason})" if last.reason and last.reason != last.outcome else ""
    reasons.append(Reason(f"{last.sequence} {last.state.value}{day}{why}{detail}."))
    text = "Nothing leaves: nothing runs for this prospect any more."
    return Answer(last.sequence, last.state.value, last.step, "none", None, text, tuple(reasons))


def _case(tx: Connection, workspace: Workspace, prospect: Prospect, enrolment: Enrolment) -> Case:
    now = workspace.now()
    box = workspace.config.mailbox(enrolment.mailbox)
    state = mailboxes.get(tx, enrolment.mailbox)
    zone = workspace.config.daemon.timezone
    quota = pace.quota(tx, box, now, zone) if box else Quota()
    synced = None if state.imap_fault else state.synced_at
    (dossier,) = dossiers.gather(tx, [enrolment])
    given = desk.given(workspace, dossier, Moment(enrolment.mailbox, now, synced, quota, state.hold))
    if box is None:
        given = replace(given, hold="it is not in the configuration any more")
    course = workspace.sequence(enrolment.sequence)
    return Case(workspace, prospect, enrolment, course, given, _cures(tx, workspace, enrolment))


def _cures(tx: Connection, workspace: Workspace, enrolment: Enrolment) -> dict[str, str]:
    """Return what can be done about each thing that does not pass by itself."""
    state = mailboxes.get(tx, enrolment.mailbox)
    unsettled = [task for task in tasks.of_prospect(tx, enrolment.prospect) if task.done_at is None]
    own = [task for task in unsettled if task.enrolment == enrolment.id] or unsettled
    doubt = [touch for touch in touches.of_prospect(tx, enrolment.prospect) if touch.state in {"unknown", "in_doubt"}]
    unserved = _unserved(tx, workspace, enrolment.mailbox)
    never = unserved or "It is read as soon as the daemon has logged in."
    return {
        "task": "\n".join(f"Task {task.id}: {asked.brief(task)}\n{next(asked.commands(task))}" for task in own),
        "doubt": "\n".join(f"cadenced resolve {touch.id} sent|resend|skip" for touch in doubt),
        "hold": _release(state),
        "inbox": state.imap_fault or never,
        "fault": _fault(state, workspace.now(), unserved),
    }


def _unserved(tx: Connection, workspace: Workspace, mailbox: str) -> str:
    """Return why nobody serves a mailbox, empty where somebody does or that cannot be told."""
    running = liveness.running(tx, workspace.config.daemon.database)
    if not running or workspace.database.is_sqlite:
        return _NOT_RUNNING if running is False else ""
    return "" if mailbox in leases.tenants(tx) else _NOT_SERVED


def _release(state: mailboxes.MailboxState) -> str:
    if state.hold.startswith(restore.HELD):
        return "See what was found, then let it go on:\ncadenced status\ncadenced release --restored"
    return f"Mend it, then:\ncadenced release {state.name}" if state.hold else ""


def _fault(state: mailboxes.MailboxState, now: datetime, unserved: str) -> str:
    if unserved:
        return unserved
    if state.smtp_fault:
        return f"The mailbox {state.name} cannot send at the moment: {state.smtp_fault}"
    if state.synced_at and (now - state.synced_at).total_seconds() > _STALE:
        return f"The inbox of {state.name} was last read {moments.relative(state.synced_at, now)}; it is read first."
    return ""


def _answer(case: Case) -> Answer:
    reasons: list[Reason] = []
    enrolment, given = case.enrolment, case.given
    for _ in range(_MOST_REASONS):
        action = planner.next_action(enrolment, case.sequence, given)
        if not isinstance(action, planner.Wait):
            return _final(case, enrolment, given, action, reasons)
        if enrolment.state is State.AWAITING_TASK:
            reasons.append(Reason(_waits(enrolment), None, case.cures["task"]))
            return _stuck(enrolment, reasons)
        lifted = _lifted(case, enrolment, given, action)
        if lifted is not None:
            reason, given = lifted
            reasons.append(reason)
            continue
        reasons.append(_passing(case, enrolment, action))
        given = replace(given, now=max(action.until, given.now))
        enrolment = _woken(case, enrolment, given.now)
    return _stuck(enrolment, reasons)


def _waits(enrolment: Enrolment) -> str:
    known = enrolment.reason.startswith("task ") or not enrolment.reason  # the task itself stands below
    return "It waits for you." if known else _sentence(f"it waits for you: {enrolment.reason}")


def _lifted(case: Case, enrolment: Enrolment, given: Given, action: planner.Wait) -> tuple[Reason, Given] | None:
    """Return the obstacle behind a wait that no time undoes, and the world without it; None where time will do."""
    for key, without in (
        ("doubt", replace(given, doubt=False)),
        ("hold", replace(given, hold="")),
        ("primary", replace(given, primary_told=True)),
        ("inbox", replace(given, inbox_synced_at=given.now)),
    ):
        if without != given and planner.next_action(enrolment, case.sequence, without) != action:
            return Reason(_sentence(action.reason), None, case.cures.get(key, "")), without
    return None


def _passing(case: Case, enrolment: Enrolment, action: planner.Wait) -> Reason:
    """Return a wait that time undoes, in a sentence."""
    if enrolment.state is State.PAUSED:
        return Reason(f"It is paused ({enrolment.reason}) and wakes on {case.when(action.until)}.", action.until)
    if enrolment.due_at is not None and action.until == enrolment.due_at:
        return Reason(_due(case, enrolment, action.until), action.until)
    if action.reason == "outside the sending window":
        return Reason(f"The sending window is shut; it opens on {case.when(action.until)}.", action.until)
    return Reason(f"{_sentence(action.reason)} It may go on from {case.when(action.until)}.", action.until)


def _due(case: Case, enrolment: Enrolment, at: datetime) -> str:
    step = case.sequence.step(enrolment.step)
    if step is None:
        return f"The last wait of {enrolment.sequence} runs until {case.when(at)}."
    if enrolment.reason:
        return f"Step “{step.id}” is put off until {case.when(at)}: {enrolment.reason}."
    return f"Step “{step.id}” is due on {case.when(at)}{_since(case, enrolment, step, at)}."


def _since(case: Case, enrolment: Enrolment, step: Step, at: datetime) -> str:
    """Say from what a date comes, where it is still the plan's own."""
    planned = pacing.add(enrolment.anchor, step.after, enrolment.place)
    opens = pacing.open_from(planned, case.sequence.window.narrowed(step.hours), enrolment.place)
    if not step.after.amount or at not in {planned, opens}:
        return ""
    before = "the step before it" if enrolment.done else "the enrolment"
    anchor = moments.local(enrolment.anchor, enrolment.place.timezone, case.workspace.now())
    window = "" if at == planned else ", when the sending window opens next"
    return f": {step.after} after {before} ({anchor}){window}"


def _woken(case: Case, enrolment: Enrolment, now: datetime) -> Enrolment:
    waking = lifecycle.wake(enrolment, now)
    return lifecycle.apply(enrolment, waking, case.sequence) if isinstance(waking, Resumed) else enrolment


def _final(case: Case, enrolment: Enrolment, given: Given, action: planner.Action, reasons: list[Reason]) -> Answer:
    unread = any(reason.cure == case.cures["inbox"] for reason in reasons)
    if isinstance(action, planner.Send) and case.cures["fault"] and not unread:
        reasons.append(Reason(case.cures["fault"]))
    blocked = any(reason.until is None for reason in reasons)
    kind, what = _outcome(enrolment, action)
    text = what.format(when=_moment(case, given.now, blocked=blocked))
    return Answer(enrolment.sequence, case.enrolment.state.value, enrolment.step, kind, given.now, text, tuple(reasons))


def _moment(case: Case, at: datetime, *, blocked: bool) -> str:
    if at <= case.given.now:
        return "as soon as that is settled" if blocked else "now"
    return f"on {case.when(at)}" + (", if that is settled by then" if blocked else "")


def _outcome(enrolment: Enrolment, action: planner.Action) -> tuple[str, str]:
    """Return the kind of an action and a sentence with a gap for its moment."""
    match action:
        case planner.Send(step):
            template = getattr(step, "template", "")
            words = f"The mail of step “{step.id}” ({template}.md) leaves from {enrolment.mailbox} {{when}}."
            return "send", words
        case planner.OpenTask(TaskStep() as step, _):
            return (
                "task",
                f"A task for you ({step.kind}, step “{step.id}”) is opened {{when}}. No mail leaves before it is done.",
            )
        case planner.OpenTask(_, reason):
            return "task", f"You are asked {{when}}: {reason.replace('{', '(').replace('}', ')')}"
        case planner.Skip(step, reason):
            return "skip", f"Step “{step.id}” is left out {{when}}: {reason}."
        case planner.Finish(outcome, then) if then:
            return "finish", f"All steps of {enrolment.sequence} are done; {then} begins {{when}}."
        case planner.Finish(outcome, _):
            return "finish", f"Nothing more leaves: {enrolment.sequence} ends {{when}} ({outcome})."
    raise AssertionError("a wait is not the end of the walk")


def _stuck(enrolment: Enrolment, reasons: list[Reason]) -> Answer:
    text = "Nothing leaves before that is settled."
    return Answer(enrolment.sequence, enrolment.state.value, enrolment.step, "wait", None, text, tuple(reasons))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}" + ("" if text.endswith((".", "!", "?")) else ".")


def _objects(answers: list[Answer]) -> list[dict[str, Any]]:
    made = []
    for answer in answers:
        reasons = [{**asdict(reason), "until": stamp(reason.until)} for reason in answer.reasons]
        made.append({**asdict(answer), "at": stamp(answer.at), "reasons": reasons})
    return made


def _print(prospect: Prospect, answers: list[Answer]) -> None:
    screen.show(screen.heading(prospect.email))
    for answer in answers:
        if answer.sequence:
            line = Text(f"{answer.sequence}: ", style="dim")
            screen.show(line.append_text(screen.state(answer.state)))
        for text, cure in _lines(answer):
            screen.show(screen.paragraph(text, indent=2))
            for part in cure.splitlines():
                _print_cure(part)
        screen.show(screen.paragraph(answer.text, indent=2, style="bold"))


def _print_cure(line: str) -> None:
    if line.startswith("cadenced "):
        screen.show_command(line, indent=4)
    else:
        screen.show(screen.paragraph(line, indent=4, style="dim"))


def _lines(answer: Answer) -> Iterator[tuple[str, str]]:
    for reason in answer.reasons:
        yield reason.text, reason.cure


COMMANDS = (why,)

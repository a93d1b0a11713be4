"""``cadenced show`` and ``cadenced export``: all about one prospect, for people and for machines."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import click
from rich.text import Text
from sqlalchemy import Connection, Row

from cadenced.cli import moments, opening, screen
from cadenced.cli.moments import restamped, stamp
from cadenced.cli.printing import document, json_option
from cadenced.core import address
from cadenced.core.model import Enrolment, Prospect
from cadenced.engine import acts
from cadenced.engine.workspace import Workspace
from cadenced.errors import RefusedError
from cadenced.store import enrolments, forgotten, people, reports, tasks, timeline
from cadenced.store.reports import Suppression
from cadenced.store.tasks import OpenTask

_SHOWN_APART = frozenset({"first_name", "last_name", "company"})
_EVENT_STYLES = {
    "sent": "green",
    "replied": "bold cyan",
    "invite_answered": "bold cyan",
    "opted_out": "bold red",
    "complained": "bold red",
    "suppressed": "red",
    "bounced": "red",
    "halted": "bold",
    "in_doubt": "bold red",
    "unanswered": "red",
    "paused": "yellow",
    "postponed": "yellow",
    "task_opened": "magenta",
    "note": "italic",
}
_QUIET = frozenset({"evidence", "touch", "task", "kind", "how", "text", "note"})


@dataclass(frozen=True, slots=True)
class Record:
    """What is known of one prospect."""

    prospect: Prospect
    row: Row[Any]
    account: str
    suppression: Suppression | None
    enrolments: tuple[Enrolment, ...]
    timeline: tuple[Mapping[str, Any], ...]
    tasks: tuple[OpenTask, ...]
    touches: tuple[Row[Any], ...]
    inbound: tuple[Row[Any], ...]


@click.command()
@click.argument("email")
@json_option
def show(email: str, *, as_json: bool) -> None:
    """Show all about one prospect: where it stands, what happened, what waits for you."""
    with opening.workspace(with_library=False) as workspace:
        record = workspace.database.read(lambda tx: gather(tx, email))
        if as_json:
            document(as_object(record))
        else:
            _print(record, workspace)


@click.command()
@click.argument("email")
def export(email: str) -> None:
    """Write out all that is kept of a person, as JSON: every row, every mail.

    Mails that were sent or received are included whole; those that are not plain text as base64.
    """
    with opening.workspace(with_library=False) as workspace:
        found = workspace.database.read(lambda tx: _everything(tx, email))
        document({"email": address.normalise(email), "exported_at": stamp(workspace.now()), **found})


def _everything(tx: Connection, email: str) -> Mapping[str, Any]:
    normal = address.normalise(email)
    prospect = people.by_email(tx, normal)
    if prospect is None and reports.suppression(tx, normal) is None:
        known = forgotten.at(tx, normal) is not None
        raise RefusedError(acts.unknown(tx, normal) if known else f"nothing is kept of {normal}")
    tables = reports.everything(tx, prospect.id if prospect else 0, normal)
    return {
        name: [{key: _exported(value) for key, value in row.items()} for row in rows] for name, rows in tables.items()
    }


def _exported(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _exported(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_exported(inner) for inner in value]
    if not isinstance(value, bytes):
        return restamped(value)
    try:
        return value.decode("ascii")
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(value).decode()}


def gather(tx: Connection, email: str) -> Record:
    """Read everything about an address as a user types it; RefusedError where it is not known."""
    normal = address.normalise(email)
    prospect = people.by_email(tx, normal)
    suppression = reports.suppression(tx, normal)
    if prospect is None:
        since = f", but it is suppressed: {suppression.reason}" if suppression else ""
        raise RefusedError(f"{acts.unknown(tx, normal)}{since}")
    return Record(
        prospect=prospect,
        row=reports.prospect(tx, prospect.id),
        account=people.account_name(tx, prospect.account),
        suppression=suppression,
        enrolments=tuple(enrolments.of_prospect(tx, prospect.id)),
        timeline=tuple(timeline.of_prospect(tx, prospect.id)),
        tasks=tuple(tasks.of_prospect(tx, prospect.id)),
        touches=tuple(reports.touches_of(tx, prospect.id)),
        inbound=tuple(reports.inbound_of(tx, prospect.id)),
    )


def as_object(record: Record) -> dict[str, Any]:
    """Return the record as ``cadenced show --json`` prints it (CONTRACT 7)."""
    person, row = record.prospect, record.row
    return {
        "email": person.email,
        "stage": person.stage,
        "suppressed": record.suppression is not None,
        "suppression": _suppression(record.suppression),
        "account": record.account,
        "mailbox": person.mailbox,
        "account_role": row.role,
        "language": person.language,
        "timezone": person.place.timezone,
        "country": person.place.country,
        "next_step_at": stamp(row.next_step_at),
        "fields": dict(person.fields),
        "enrolments": [_enrolment(one) for one in record.enrolments],
        "timeline": [{key: restamped(value) for key, value in event.items()} for event in record.timeline],
        "tasks": [task_object(task) for task in record.tasks],
        "touches": [_touch(touch) for touch in record.touches],
        "inbound": [_inbound(mail) for mail in record.inbound],
    }


def _suppression(found: Suppression | None) -> dict[str, Any] | None:
    return {"reason": found.reason, "at": stamp(found.at)} if found else None


def _enrolment(one: Enrolment) -> dict[str, Any]:
    return {
        "id": one.id,
        "sequence": one.sequence,
        "generation": one.generation,
        "state": one.state.value,
        "step": one.step,
        "due_at": stamp(one.due_at),
        "outcome": one.outcome,
        "reason": one.reason,
        "then": one.then,
        "mailbox": one.mailbox,
        "done": list(one.done),
        "next_step_at": stamp(one.next_step_at),
    }


def task_object(task: OpenTask) -> dict[str, Any]:
    """Return a task as JSON shows it."""
    return {
        "id": task.id,
        "kind": task.kind,
        "email": task.email,
        "brief": task.brief,
        "facts": dict(task.facts),
        "step": task.step,
        "touch": task.touch,
        "opened_at": stamp(task.opened_at),
        "due_at": stamp(task.due_at),
        "done_at": stamp(task.done_at),
        "outcome": task.outcome,
        "note": task.note,
    }


def _touch(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "sequence": row.sequence,
        "step": row.step,
        "generation": row.generation,
        "state": row.state,
        "subject": row.subject,
        "message_id": row.message_id,
        "template": row.template,
        "attempts": row.attempts,
        "planned_at": stamp(row.planned_at),
        "armed_at": stamp(row.armed_at),
        "sent_at": stamp(row.sent_at),
        "reply": row.reply,
        "evidence": row.evidence,
    }


def _inbound(row: Row[Any]) -> dict[str, Any]:
    return {
        "id": row.id,
        "seen_at": stamp(row.seen_at),
        "verdict": row.verdict,
        "until": row.until or None,
        "header_from": row.header_from,
        "subject": row.subject,
        "reply_text": row.reply_text,
        "how": row.how,
        "evidence": row.evidence,
    }


def _print(record: Record, workspace: Workspace) -> None:
    now = workspace.now()
    zone = record.prospect.place.timezone
    _print_head(record, now)
    if record.enrolments:
        screen.blank()
        screen.show(screen.heading("Enrolments"), _enrolment_table(record, zone, now))
    open_tasks = [task for task in record.tasks if task.done_at is None]
    if open_tasks:
        screen.blank()
        screen.show(screen.heading("Waits for you"))
        for task in open_tasks:
            screen.show(screen.paragraph(f"{task.id}. {task.brief}", indent=2))
    screen.blank()
    screen.show(screen.heading(f"Timeline ({zone})"))
    rows = [_event(event, zone, now) for event in record.timeline]
    screen.show(screen.table(["when", "event", "what"], rows, indent=2))


def _print_head(record: Record, now: datetime) -> None:
    person, row = record.prospect, record.row
    zone = person.place.timezone
    name = person.name if person.name != person.email else ""
    screen.show(Text(screen.clean(f"{name} <{person.email}>" if name else person.email), style="bold"))
    if record.suppression:
        why = f"Never written to: {record.suppression.reason} ({moments.local(record.suppression.at, zone, now)})"
        screen.show(screen.paragraph(why, style="bold red"))
    known = [
        ("account", record.account + (f" ({row.role})" if row.role else "")),
        ("stage", person.stage),
        ("mailbox", person.mailbox),
        ("lives in", ", ".join(filter(None, (zone, person.place.country, person.language)))),
        ("next step", moments.local(row.next_step_at, zone, now) if row.next_step_at else ""),
    ]
    shown = _SHOWN_APART | ({"next_step_at"} if row.next_step_at else frozenset())
    known += [(key, value) for key, value in sorted(person.fields.items()) if key not in shown]
    screen.show(screen.facts(known, indent=2))


def _enrolment_table(record: Record, zone: str, now: datetime) -> Any:
    rows = [
        (
            one.sequence + (f" #{one.generation}" if one.generation > 1 else ""),
            screen.state(one.state.value),
            one.step,
            f"{moments.local(one.due_at, zone, now)} ({moments.relative(one.due_at, now)})" if one.due_at else "",
            one.outcome or one.reason,
        )
        for one in record.enrolments
    ]
    return screen.table(["sequence", "state", "next step", "due", "because"], rows, indent=2)


def _event(event: Mapping[str, Any], zone: str, now: datetime) -> tuple[str, Text, str]:
    word = str(event["event"])
    facts = {key: value for key, value in event.items() if key not in {"at", "event"} | _QUIET}
    said = " · ".join(_said(key, value, zone, now) for key, value in facts.items() if value)
    own = str(event.get("text") or event.get("note") or "")
    what = " · ".join(filter(None, (said, own)))
    return (
        moments.local(event["at"], zone, now),
        screen.styled(word.replace("_", " "), _EVENT_STYLES.get(word, "")),
        what,
    )


def _said(key: str, value: Any, zone: str, now: datetime) -> str:
    shown = restamped(value)
    if isinstance(shown, str) and shown.endswith("Z") and "T" in shown:
        shown = moments.local(datetime.fromisoformat(shown), zone, now)
    words = {"until": "until", "due_at": "due", "step": "step", "import": "import"}
    return f"{words[key]} {shown}" if key in words else str(shown)


COMMANDS = (show, export)

"""``cadenced status``: how everything stands, on one page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from datetime import time as clock_time
from typing import Any

import click
from rich.text import Text
from sqlalchemy import Connection

from cadenced import library
from cadenced.cli import liveness, moments, opening, screen
from cadenced.cli.printing import document, json_option
from cadenced.config import Mailbox
from cadenced.core import pacing
from cadenced.core.model import Enrolment
from cadenced.core.pacing import Window
from cadenced.core.sequence import Sequence
from cadenced.engine import pace, restore
from cadenced.engine.workspace import Workspace
from cadenced.store import edits, enrolments, forgotten, instance, leases, mailboxes, people, reports, volume
from cadenced.store.edits import Refused
from cadenced.store.instance import Restored
from cadenced.store.leases import Tenant
from cadenced.store.reports import Doubt

_LOOKED_AT = 200
"""So many mails are looked at to find the one that leaves first: it need not be the one that is due first."""

_PROBLEMS = 3
_GONE = "it is not in the configuration any more; nothing of it is sent"


@dataclass(frozen=True, slots=True)
class MailboxLine:
    """A mailbox as the page shows it. ``limit`` is today's cap (ramp included), None where there is none.

    ``worker`` serves it, where several share a PostgreSQL database.
    """

    name: str
    address: str
    sent_today: int
    limit: int | None
    due: int
    hold: str
    fault: str
    synced_at: datetime | None
    next_at: datetime | None
    worker: Tenant | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """All that the page shows."""

    prospects: int
    enrolments: Mapping[str, int]
    suppressed: int
    tasks: int
    tasks_due: int
    mailboxes: tuple[MailboxLine, ...]
    doubts: tuple[Doubt, ...]
    refused: Refused | None = None
    is_running: bool | None = None
    restored: Restored | None = None

    @property
    def due(self) -> int:
        """How many enrolments have something to do now."""
        return sum(box.due for box in self.mailboxes)

    @property
    def sent_today(self) -> int:
        """How many touches were sent since midnight."""
        return sum(box.sent_today for box in self.mailboxes)


@dataclass(frozen=True, slots=True)
class Ahead:
    """What lies ahead of a mailbox: how much is due ``now``, and the sequences whose windows open and shut."""

    now: datetime
    due: int
    courses: Mapping[str, Sequence]


@click.command()
@json_option
def status(*, as_json: bool) -> None:
    """Show how everything stands: enrolments, what is due, mailboxes, touches in doubt.

    "Today" begins at midnight in the time zone of the configuration.
    """
    with opening.workspace(with_library=False) as workspace:
        now = workspace.now()
        page = workspace.database.read(lambda tx: gather(tx, workspace, now))
        if as_json:
            document(as_object(page))
        else:
            _print(page, workspace, now)


def gather(tx: Connection, workspace: Workspace, now: datetime) -> Page:
    """Read the page."""
    due, live = reports.due(tx, now), reports.live_by_mailbox(tx)
    known = {box.name for box in workspace.config.mailboxes}
    courses = library.courses(library.shelves(workspace.config))
    tenants = {} if workspace.database.is_sqlite else leases.tenants(tx)
    boxes = workspace.config.mailboxes
    seen = [_mailbox(tx, workspace, box, Ahead(now, due.get(box.name, 0), courses)) for box in boxes]
    lines = [replace(line, worker=tenants.get(line.name)) for line in seen]
    lines += [_gone(tx, workspace, name, due.get(name, 0), now) for name in sorted(live) if name not in known]
    return Page(
        prospects=people.count(tx) - forgotten.nobodies(tx),
        enrolments=enrolments.counts(tx),
        suppressed=reports.suppressed_count(tx),
        tasks=reports.open_tasks(tx),
        tasks_due=reports.open_tasks(tx, now),
        mailboxes=tuple(lines),
        doubts=tuple(reports.doubts(tx)),
        refused=edits.refused(tx),
        is_running=liveness.running(tx, workspace.config.daemon.database),
        restored=instance.restored(tx),
    )


def _mailbox(tx: Connection, workspace: Workspace, box: Mailbox, ahead: Ahead) -> MailboxLine:
    now = ahead.now
    state = mailboxes.get(tx, box.name)
    zone = workspace.config.daemon.timezone
    first = state.first_sent_at.astimezone(pacing.zone(zone)).date() if state.first_sent_at else None
    free = pace.quota(tx, box, now, zone).until or now
    return MailboxLine(
        name=box.name,
        address=box.address,
        sent_today=volume.sent_since(tx, box.name, _midnight(zone, now)),
        limit=pace.cap_of(box, first, now.astimezone(pacing.zone(zone)).date()),
        due=ahead.due,
        hold=state.hold,
        fault=state.imap_fault or state.smtp_fault,
        synced_at=state.synced_at,
        next_at=None if state.hold else _next_mail(tx, workspace, box, ahead, max(free, now)),
    )


def _next_mail(tx: Connection, workspace: Workspace, box: Mailbox, ahead: Ahead, free: datetime) -> datetime | None:
    """Return when the next mail leaves: when it is due, the mailbox may send, and its own window is open."""
    best: datetime | None = None
    for enrolment in reports.next_mails(tx, box.name, _LOOKED_AT):
        earliest = max(enrolment.due_at or free, free)
        if best is None or earliest < best:
            opens = _opens(enrolment, ahead.courses.get(enrolment.sequence), workspace.config.window, earliest)
            best = min(filter(None, (best, opens)), default=None)
    return best


def _opens(enrolment: Enrolment, course: Sequence | None, usual: Window, at: datetime) -> datetime | None:
    step = course.step(enrolment.step) if course else None
    window = course.window.narrowed(getattr(step, "hours", None)) if course else usual
    try:
        return pacing.open_from(at, window, enrolment.place)
    except pacing.NeverOpensError:
        return None


def _gone(tx: Connection, workspace: Workspace, name: str, due: int, now: datetime) -> MailboxLine:
    sent = volume.sent_since(tx, name, _midnight(workspace.config.daemon.timezone, now))
    return MailboxLine(name, "", sent, None, due, "", _GONE, None, None)


def _midnight(zone: str, now: datetime) -> datetime:
    return pacing.to_utc(now.astimezone(pacing.zone(zone)).date(), clock_time(0), zone)


def as_object(page: Page) -> dict[str, Any]:
    """Return the page as ``cadenced status --json`` prints it (CONTRACT 7)."""
    return {
        "prospects": page.prospects,
        "enrolments": dict(page.enrolments),
        "due": page.due,
        "sent_today": page.sent_today,
        "in_doubt": len(page.doubts),
        "tasks": page.tasks,
        "tasks_due": page.tasks_due,
        "suppressed": page.suppressed,
        "running": page.is_running,
        "library_refused": asdict(page.refused) if page.refused else None,
        "restored": restored_object(page.restored),
        "mailboxes": [asdict(box) for box in page.mailboxes],
        "doubts": [asdict(doubt) for doubt in page.doubts],
    }


def _print(page: Page, workspace: Workspace, now: datetime) -> None:
    zone = workspace.config.daemon.timezone
    _summary(page)
    print_refused(page.refused, zone, now)
    print_restored(page.restored, zone, now)
    screen.blank()
    states = [screen.state(name) for name in page.enrolments]
    screen.show(screen.table([f">{state.plain}" for state in states], [_counts(page)]))
    screen.blank()
    if page.mailboxes:
        screen.show(_mailbox_table(page, zone, now))
    else:
        screen.show(screen.paragraph("There is no mailbox in the configuration: nothing can be sent."))
    for box in page.mailboxes:
        _obstacle(box)
    print_doubts(page.doubts, zone, now)


def _summary(page: Page) -> None:
    known = screen.counted(page.prospects, "prospect")
    if page.suppressed:
        known += f", {screen.counted(page.suppressed, 'address', 'addresses')} suppressed"
    screen.show(screen.heading(known))
    tasks = f"{page.tasks_due:,} of {screen.counted(page.tasks, 'task')} due" if page.tasks else "no tasks"
    line = Text(f"{page.due:,} due · {page.sent_today:,} sent today · {tasks}")
    if page.doubts:
        line.append(f" · {len(page.doubts):,} in doubt", style="bold red")
    screen.show(line)
    if page.is_running is False:
        screen.show(screen.paragraph("The daemon is not running: nothing is sent, no answer is read.", style="yellow"))


def print_refused(refused: Refused | None, zone: str, now: datetime) -> None:
    """Say that the newest edit of sequences and templates is not in force, and why."""
    if refused is None:
        return
    when = f"{moments.local(refused.at, zone, now)} ({moments.relative(refused.at, now)})"
    text = f"Sequences and templates work as they were before the edit of {when}, which was refused."
    screen.show(screen.paragraph(text, style="bold red"))
    for problem in refused.problems[:_PROBLEMS]:
        screen.show(screen.paragraph(problem, indent=2, style="red"))
    more = f" tells {len(refused.problems) - _PROBLEMS} more" if len(refused.problems) > _PROBLEMS else ""
    screen.show_command(f"cadenced check{more}", indent=2)


def print_restored(found: Restored | None, zone: str, now: datetime) -> None:
    """Say that an older database was put back, what was found out since, and that a human has to go on."""
    if found is None:
        return
    when = f"{moments.local(found.at, zone, now)} ({moments.relative(found.at, now)})"
    screen.show(screen.paragraph(f"{restore.HELD.capitalize()}: nothing is sent. Noticed {when}.", style="bold red"))
    mails = screen.counted(found.found, "mail")
    text = f"{found.reason[:1].upper()}{found.reason[1:]}. Copies show {mails} of which it knew nothing."
    screen.show(screen.paragraph(text, indent=2, style="red"))
    screen.show_command("cadenced release --restored", indent=2)


def restored_object(found: Restored | None) -> dict[str, Any] | None:
    """Return a restore that waits for its human, as JSON shows it."""
    if found is None:
        return None
    return {"at": moments.stamp(found.at), "reason": found.reason, "found": found.found, "held": sorted(found.held)}


def _counts(page: Page) -> list[Text]:
    return [
        Text(f"{count:,}", style=screen.STATES.get(name, "") if count else "dim")
        for name, count in page.enrolments.items()
    ]


def _mailbox_table(page: Page, zone: str, now: datetime) -> Any:
    shared = any(box.worker for box in page.mailboxes)
    rows: list[tuple[str | Text, ...]] = [
        (
            box.name,
            f"{box.sent_today:,}" + (f" of {box.limit:,}" if box.limit is not None else ""),
            f"{box.due:,}",
            moments.relative(box.synced_at, now) if box.synced_at else "never",
            _next(box, zone, now),
            *([_worker(box, now)] if shared else []),
        )
        for box in page.mailboxes
    ]
    heads = ["mailbox", ">sent today", ">due", "inbox read", "next mail", *(["served by"] if shared else [])]
    return screen.table(heads, rows)


def _worker(box: MailboxLine, now: datetime) -> Text:
    """Say which process serves a mailbox, and since when."""
    if box.worker is None:
        return Text("no worker", style="yellow")
    since = f", {moments.relative(box.worker.since, now)}" if box.worker.since else ""
    return Text(f"{box.worker.host} {box.worker.pid}{since}")


def _next(box: MailboxLine, zone: str, now: datetime) -> Text:
    if box.hold:
        return Text("held", style="bold red")
    if box.next_at is None:
        return Text("none planned", style="dim")
    if box.next_at <= now:
        return Text("now", style="green")
    return Text(f"{moments.local(box.next_at, zone, now)} ({moments.relative(box.next_at, now)})")


def _obstacle(box: MailboxLine) -> None:
    if box.hold:
        screen.show(screen.paragraph(f"{box.name} is held: {box.hold}", style="red"))
        which = "--restored" if box.hold.startswith(restore.HELD) else box.name
        screen.show_command(f"cadenced release {which}", indent=2)
    if box.fault:
        screen.show(screen.paragraph(f"{box.name}: {box.fault}", style="red"))


def print_doubts(doubts: tuple[Doubt, ...], zone: str, now: datetime) -> None:
    """Print every touch in doubt with what is known of it, and the line that settles it."""
    if not doubts:
        return
    screen.blank()
    screen.show(screen.heading("In doubt: were these sent?"))
    for doubt in doubts:
        since = doubt.armed_at
        age = f", {moments.relative(since, now)} ({moments.local(since, zone, now)})" if since else ""
        screen.show(screen.paragraph(f"{doubt.email}: “{doubt.subject}” from {doubt.mailbox}{age}", indent=2))
        known = doubt.evidence or doubt.reply or "no answer of the server was read"
        looked = "Still being looked into" if doubt.state == "unknown" else "Looked into"
        screen.show(screen.paragraph(f"{looked}: {known}", indent=4, style="dim"))
        screen.show_command(f"cadenced resolve {doubt.touch} sent|resend|skip", indent=4)


COMMANDS = (status,)

"""``cadenced simulate`` on the screen: the calendar day by day, and the summary below it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from rich.text import Text

from cadenced.cli import moments, screen
from cadenced.cli.moments import restamped, stamp
from cadenced.cli.rehearsal_words import Said, Teller, fitted, line
from cadenced.core import pacing
from cadenced.sandbox.chronicle import Happening
from cadenced.sandbox.rehearsal import Setting
from cadenced.sandbox.simulation import Load, Plan, Played, play
from cadenced.sandbox.tally import Ending

_NAME = 20
_ENDINGS_SHOWN = 60
_TASKS_SHOWN = 20
_HIDDEN = frozenset({"evidence", "how", "touch"})


def played(setting: Setting, plan: Plan) -> Played:
    """Play, with a sign of life on a terminal."""
    with _progress(setting, plan) as beat:
        return play(setting, plan, beat)


@contextmanager
def _progress(setting: Setting, plan: Plan) -> Iterator[Any]:
    out = screen.console()
    if not out.is_terminal:
        yield lambda _: None
        return
    from rich.progress import BarColumn, Progress, TextColumn  # noqa: PLC0415 - only where somebody watches

    days = max(1, (plan.until - setting.start).days)
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("day {task.completed:.0f} of {task.total}"))
    with Progress(*columns, console=out, transient=True) as bar:
        task = bar.add_task("playing", total=days)
        yield lambda now: bar.update(task, completed=min(days, (now - setting.start).days))


def show(found: Played, *, only_summary: bool) -> None:
    """Print the calendar and the summary."""
    zone = pacing.zone(found.timezone)
    _head(found, zone)
    if not only_summary:
        _calendar(found, zone)
    _summary(found, zone)


def _head(found: Played, zone: ZoneInfo) -> None:
    first, last = (moment.astimezone(zone) for moment in (found.start, found.plan.until))
    screen.show(Text(f"{found.plan.sequence}, {first:%-d %B %Y} to {last:%-d %B %Y}", style="bold"))
    counts = ", ".join(f"{count} {verdict}" for verdict, count in found.counts.items() if count)
    screen.show(screen.paragraph(f"{counts}. Times are those of {found.timezone}. Nothing was sent.", style="dim"))
    for one in found.rejected:
        screen.show(screen.paragraph(f"line {one.line}: {one.email} rejected: {one.reason}", style="red"))
    screen.blank()


def _calendar(found: Played, zone: ZoneInfo) -> None:
    teller = Teller(zone)
    told = [(one, said) for one in found.course if (said := teller.say(one)) is not None]
    for day, lines in groupby(told, key=lambda pair: pair[0].at.astimezone(zone).date()):
        _day(day, list(lines), zone)


def _day(day: date, lines: Sequence[tuple[Happening, Said]], zone: ZoneInfo) -> None:
    sent = sum(one.event == "sent" for one, _ in lines)
    counted = f"   {sent} sent" if sent else ""
    line((f"{day:%a} {day.day} {day:%B %Y}", "bold"), (counted, "dim"))
    for one, said in lines:
        local = one.at.astimezone(zone)
        step = f"{one.data.get('step', '')}  " if one.event == "sent" else ""
        head = ((f"  {local:%H:%M}  ", "dim"), (fitted(one.name, _NAME), ""), (f"  {said.mark} ", said.style))
        line(*head, (step, "dim"), (said.text, said.style))
    screen.blank()


def _summary(found: Played, zone: ZoneInfo) -> None:
    screen.show(screen.heading("Summary"))
    screen.show(screen.facts(_facts(found), indent=2))
    screen.blank()
    rows = [_row(ending, found.ended) for ending in found.endings[:_ENDINGS_SHOWN]]
    screen.show(screen.table(["who", ">mails", "sequence", "where it stands"], rows, indent=2))
    if len(found.endings) > _ENDINGS_SHOWN:
        screen.show(Text(f"  … and {len(found.endings) - _ENDINGS_SHOWN} more (--json has all)", style="dim"))
    if found.tasks:
        screen.blank()
        screen.show(screen.heading(f"Waits for you ({len(found.tasks)})"))
    for task in found.tasks[:_TASKS_SHOWN]:
        local = task.due_at.astimezone(zone)
        line(
            (f"  {local:%a} {local.day:>2} {local:%b}  ", "dim"),
            (fitted(task.kind, 10), "magenta"),
            (f"  {task.brief}", ""),
        )
    if len(found.tasks) > _TASKS_SHOWN:
        screen.show(Text(f"  … and {len(found.tasks) - _TASKS_SHOWN} more", style="dim"))


def _facts(found: Played) -> list[tuple[str, str | Text]]:
    people = len(found.endings)
    most = max((ending.touches for ending in found.endings), default=0)
    opened = sum(one.event == "task_opened" for one in found.course)
    each = f", {found.sent / people:.1f} for each prospect, {most} at most" if people else ""
    return [
        ("sent", f"{found.sent}{each}"),
        ("busiest day", _busiest(found.loads)),
        ("tasks", f"{opened} opened, {len(found.tasks)} wait at the end"),
    ]


def _busiest(loads: Sequence[Load]) -> str:
    if not loads:
        return ""
    load = max(loads, key=lambda one: one.sent)
    full = sum(one.limit is not None and one.sent >= one.limit for one in loads)
    limit = f" of {load.limit} allowed" if load.limit is not None else ""
    days = f"; on {full} of {len(loads)} days the limit was reached" if full else ""
    return f"{load.sent}{limit} on {load.day:%a} {load.day.day} {load.day:%b}{days}"


def _row(ending: Ending, now: datetime) -> tuple[str, str, str, Text]:
    return ending.name, str(ending.touches), ending.sequence, Text(_stands(ending, now), style=_style(ending))


def _stands(ending: Ending, now: datetime) -> str:
    if ending.state in {"halted", "finished"}:
        return f"{ending.state}: {ending.outcome or ending.reason}".replace("_", " ")
    due = moments.local(ending.due_at, ending.timezone, now) if ending.due_at else ""
    words = {"paused": "rests until", "awaiting_task": "waits for you since"}
    return f"{words.get(ending.state, 'next on')} {due}"


def _style(ending: Ending) -> str:
    return screen.STATES.get(ending.state, "")


def as_object(found: Played) -> Mapping[str, Any]:
    """Return the course for machines."""
    return {
        "sequence": found.plan.sequence,
        "start": stamp(found.start),
        "until": stamp(found.plan.until),
        "counts": dict(found.counts),
        "sent": found.sent,
        "events": [_event(one) for one in found.course],
        "prospects": [_ending(one) for one in found.endings],
        "days": [{"day": str(d.day), "mailbox": d.mailbox, "sent": d.sent, "limit": d.limit} for d in found.loads],
        "tasks": [
            {"kind": t.kind, "email": t.email, "step": t.step, "brief": t.brief, "due_at": stamp(t.due_at)}
            for t in found.tasks
        ],
    }


def _event(one: Happening) -> dict[str, Any]:
    data = {key: restamped(value) for key, value in one.data.items() if key not in _HIDDEN}
    return {"at": stamp(one.at), "event": one.event, "email": one.email, **data}


def _ending(one: Ending) -> dict[str, Any]:
    return {
        "email": one.email,
        "touches": one.touches,
        "sequence": one.sequence,
        "state": one.state,
        "outcome": one.outcome,
        "reason": one.reason,
        "due_at": stamp(one.due_at),
    }

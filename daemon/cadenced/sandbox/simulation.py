"""``simulate``: a list, a sequence and a span go in; what happens to everybody, day by day, comes out."""

from __future__ import annotations

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Connection

from cadenced.core import pacing
from cadenced.engine import pace
from cadenced.engine.intake_import import ImportResult
from cadenced.sandbox import cast, tally
from cadenced.sandbox.chronicle import Happening
from cadenced.sandbox.desk import Desk
from cadenced.sandbox.rehearsal import Rehearsal, Setting
from cadenced.sandbox.script import Script
from cadenced.sandbox.tally import Ending
from cadenced.store import mailboxes
from cadenced.store.imports import Verdict
from cadenced.store.tasks import OpenTask


@dataclass(frozen=True, slots=True)
class Plan:
    """What is played: the sequence, its people (None: one is invented), until when (UTC), and what is scripted."""

    sequence: str
    until: datetime
    table: Path | None = None
    script: Script | None = None
    does_tasks: bool = True


@dataclass(frozen=True, slots=True)
class Load:
    """How much a mailbox sent on a day, and how much it may (None: no limit)."""

    day: date
    mailbox: str
    sent: int
    limit: int | None


@dataclass(frozen=True, slots=True)
class Played:
    """The whole course."""

    plan: Plan
    start: datetime
    ended: datetime
    timezone: str
    counts: Mapping[str, int]
    rejected: Sequence[Verdict]
    course: Sequence[Happening]
    endings: Sequence[Ending]
    loads: Sequence[Load]
    tasks: Sequence[OpenTask]
    sent: int


def play(setting: Setting, plan: Plan, beat: Callable[[datetime], None] = lambda _: None) -> Played:
    """Play it; ``beat`` hears the virtual time as it moves. RefusedError where the list cannot be read."""
    rehearsal = Rehearsal(setting, plan.script, Desk(is_done=plan.does_tasks))
    with closing(rehearsal):
        result = _enrol(rehearsal, setting, plan)
        asyncio.run(rehearsal.run(plan.until, partial(_goes_on, beat)))
        course = rehearsal.course()
        emails = list(dict.fromkeys(one.email for one in course if one.event == "imported"))
        counts = Counter(sent.message.recipient for sent in rehearsal.sent)
        read = rehearsal.workspace.database.read
        return Played(
            plan=plan,
            start=setting.start,
            ended=rehearsal.clock.now(),
            timezone=setting.config.daemon.timezone,
            counts=result.counts,
            rejected=result.rejected,
            course=course,
            endings=read(lambda tx: tally.endings(tx, emails, counts)),
            loads=read(lambda tx: _loads(tx, rehearsal)),
            tasks=read(tally.waiting),
            sent=len(rehearsal.sent),
        )


def _goes_on(beat: Callable[[datetime], None], now: datetime) -> bool:
    beat(now)
    return False


def _enrol(rehearsal: Rehearsal, setting: Setting, plan: Plan) -> ImportResult:
    if plan.table is not None:
        return rehearsal.enrol(plan.table, plan.sequence)
    return enrol_text(rehearsal, invented(setting), plan.sequence)


def invented(setting: Setting) -> str:
    """Return a list with one prospect who lives where the workspace does."""
    place = setting.config.place
    return cast.invented(setting.start.astimezone(pacing.zone(place.timezone)).date(), place.timezone, place.country)


def enrol_text(rehearsal: Rehearsal, text: str, sequence: str) -> ImportResult:
    """Import a list that stands in memory."""
    with tempfile.TemporaryDirectory(prefix="cadenced-") as folder:
        path = Path(folder) / "list.csv"
        path.write_text(text, encoding="utf-8", newline="")
        return rehearsal.enrol(path, sequence)


def _loads(tx: Connection, rehearsal: Rehearsal) -> list[Load]:
    """Return what each mailbox sent on each day, against its cap of that day."""
    config = rehearsal.workspace.config
    zone = pacing.zone(config.daemon.timezone)
    boxes = {box.address: box for box in config.mailboxes}
    days = Counter((sent.at.astimezone(zone).date(), sent.message.mail_from) for sent in rehearsal.sent)
    first = {box.name: mailboxes.get(tx, box.name).first_sent_at for box in config.mailboxes}
    loads = []
    for (day, address), count in sorted(days.items()):
        box = boxes[address]
        began = first[box.name]
        cap = pace.cap_of(box, began.astimezone(zone).date() if began else None, day)
        loads.append(Load(day, box.name, count, cap))
    return loads

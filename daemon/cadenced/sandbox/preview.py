"""``preview``: what one prospect gets, step by step, made by the code that sends. Obstacles are shown and passed."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

from icalendar import Calendar
from sqlalchemy import Connection

from cadenced.core import address
from cadenced.core.model import State
from cadenced.core.roster import Entry, Rejection, Roster, Rules
from cadenced.core.sequence import InviteStep
from cadenced.engine.intake_csv import Table
from cadenced.engine.intake_import import examine
from cadenced.errors import RefusedError
from cadenced.sandbox import simulation
from cadenced.sandbox.desk import OBSTACLES, Desk
from cadenced.sandbox.rehearsal import Rehearsal, Setting
from cadenced.store import enrolments, people, reports, tasks, touches
from cadenced.store.database import Database, beside

LONGEST = timedelta(days=3 * 365)
_COLLEAGUES = 50


@dataclass(frozen=True, slots=True)
class Shown:
    """One thing that would happen. ``kind`` is ``email``, ``invite``, ``problem`` or the task's own word.

    ``meets_at`` is when the meeting of an invitation begins; None where no day to come is known, and none is asked for.
    """

    at: datetime
    kind: str
    step: str
    purpose: str
    subject: str = ""
    text: str = ""
    meets_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """All that one prospect would get of a sequence. ``ends_at`` is None where it does not end within three years."""

    email: str
    name: str
    sequence: str
    timezone: str
    shown: Sequence[Shown]
    ends_at: datetime | None
    outcome: str

    @property
    def problems(self) -> list[Shown]:
        """What would keep a message back."""
        return [one for one in self.shown if one.kind == "problem"]


def play(setting: Setting, sequence: str, table: Path | None = None, email: str | None = None) -> Preview:
    """Show a sequence for the first row of a list, for ``email``, or for somebody invented.

    RefusedError where that prospect is not to be found.
    """
    text, wanted = _list(setting, table, email)
    rehearsal = Rehearsal(setting, desk=Desk(skips=True))
    with closing(rehearsal):
        result = simulation.enrol_text(rehearsal, text, sequence)
        if not result.counts.get("enrolled"):
            reason = result.rejected[0].reason if result.rejected else "nobody is enrolled"
            raise RefusedError(f"{wanted or 'the prospect'} cannot be shown: {reason}")
        first = rehearsal.course()[0]
        person = wanted or first.email
        over = _Over(rehearsal, person)
        asyncio.run(rehearsal.run(setting.start + LONGEST, over))
        return rehearsal.workspace.database.read(lambda tx: _preview(tx, rehearsal, sequence, person))


@dataclass(slots=True)
class _Over:
    """Tells when the first enrolment of somebody is over, or waits for an answer that nobody gives here."""

    rehearsal: Rehearsal
    email: str

    def __call__(self, _: datetime) -> bool:
        return self.rehearsal.workspace.database.read(self._look)

    def _look(self, tx: Connection) -> bool:
        prospect = people.by_email(tx, self.email)
        if prospect is None:
            return True
        course = enrolments.of_prospect(tx, prospect.id)[0]
        stuck = course.state is State.AWAITING_TASK and not any(
            task.step or task.kind in OBSTACLES for task in tasks.open_until(tx) if task.email == self.email
        )
        return stuck or not course.live


def _list(setting: Setting, table: Path | None, email: str | None) -> tuple[str, str]:
    """Return a list with the prospect, and their address (``""``: whoever stands in it)."""
    wanted = address.normalise(email) if email else ""
    if table is not None:
        return _picked(setting, table, wanted)
    if wanted:
        return _known(setting, wanted), wanted
    return simulation.invented(setting), ""


def _picked(setting: Setting, path: Path, wanted: str) -> tuple[str, str]:
    """Return the row of a list that is wanted, with those of the same account: they may matter to each other."""
    rules = Rules(tuple(box.name for box in setting.config.mailboxes), setting.library.sequences, setting.config.place)
    with path.open("rb") as stream:
        table = Table(stream, examine(path))
        roster = Roster(table.header, rules, next(iter(setting.library.sequences)))
        chosen = _find(table, roster, wanted)
    with path.open("rb") as stream:
        table = Table(stream, examine(path))
        rows = [record.cells for record in table.records() if _belongs(roster.read(record.cells), chosen)]
    hidden = {table.header.known[name] for name in ("sequence", "mailbox") if name in table.header.known}
    bare = [["" if n in hidden else cell for n, cell in enumerate(row)] for row in rows[:_COLLEAGUES]]
    return _written([list(table.header.titles), *bare]), chosen.email


def _find(table: Table, roster: Roster, wanted: str) -> Entry:
    """Return the row that is wanted, else the first; RefusedError says why there is none."""
    for record in table.records():
        read = roster.read(record.cells)
        if isinstance(read, Entry) and wanted in {"", read.email}:
            return read
        if isinstance(read, Rejection) and not wanted:
            raise RefusedError(f"the row in line {record.line} does not count: {read.reason}")
    raise RefusedError(f"{wanted} is not in the list" if wanted else "there is no row below the header")


def _belongs(read: Entry | Rejection, chosen: Entry) -> bool:
    return isinstance(read, Entry) and (
        read.email == chosen.email or (bool(chosen.account) and read.account == chosen.account)
    )


def _known(setting: Setting, email: str) -> str:
    """Return a list with what the workspace's database knows of somebody; it is only read."""
    url = setting.config.daemon.database
    folder = beside(url)
    absent = RefusedError(f"{email} is not a prospect, and no --csv names a list")
    if folder is not None and not Path(url.partition(":///")[2]).exists():
        raise absent
    with closing(Database(url, inline=True)) as database:
        prospect = database.read(lambda tx: people.by_email(tx, email))
        if prospect is None:
            raise absent
        role = database.read(lambda tx: people.role_of(tx, prospect.id))
        place = {"timezone": prospect.place.timezone, "country": prospect.place.country, "language": prospect.language}
        row = {**prospect.fields, **place, "email": email, "account_role": role}
    return _written([list(row), list(row.values())])


def _written(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


def _preview(tx: Connection, rehearsal: Rehearsal, sequence: str, email: str) -> Preview:
    prospect = people.by_email(tx, email)
    if prospect is None:  # pragma: no cover - it was enrolled a moment ago
        raise AssertionError("a rehearsed prospect is gone")
    course = enrolments.of_prospect(tx, prospect.id)[0]
    over = None if course.live else reports.ended_at(tx, course.id)
    order = [step.id for step in rehearsal.workspace.sequence(sequence).steps]  # a call and a letter of one moment
    found = _all(tx, rehearsal, prospect.id, course.id)
    shown = sorted(found, key=lambda one: (one.at, order.index(one.step) if one.step in order else len(order)))
    outcome = course.outcome or course.reason
    return Preview(email, prospect.name, sequence, prospect.place.timezone, shown, over, outcome)


def _all(tx: Connection, rehearsal: Rehearsal, prospect: int, enrolment: int) -> Iterator[Shown]:
    for touch in touches.of_prospect(tx, prospect):
        step = rehearsal.workspace.sequence(touch.sequence).step(touch.step)
        if touch.sent_at is not None and touch.enrolment == enrolment and step is not None:
            kind = "invite" if isinstance(step, InviteStep) else "email"
            text, meets_at = _text(touch.raw), _meeting(touch.raw)
            yield Shown(touch.sent_at, kind, step.id, step.purpose, touch.subject, text, meets_at)
    for task in tasks.of_prospect(tx, prospect):
        if task.enrolment == enrolment:
            kind = "problem" if task.kind in OBSTACLES or not task.step else task.kind
            yield Shown(task.due_at, kind, task.step, task.facts.get("purpose", ""), text=task.brief)


def _text(raw: bytes) -> str:
    """Return what a mail program shows of a message."""
    message = message_from_bytes(raw, policy=policy.default)
    body = message.get_body(("plain",))
    return "\n".join(str(body.get_content()).split("\r\n")).strip() if body is not None else ""


def _meeting(raw: bytes) -> datetime | None:
    """Return when the meeting begins that a message asks for."""
    for part in message_from_bytes(raw, policy=policy.default).walk():
        if part.get_content_type() == "text/calendar":
            event = Calendar.from_ical(part.get_content()).walk("VEVENT")[0]
            begins: datetime = event.decoded("dtstart")
            return begins.astimezone(UTC)
    return None

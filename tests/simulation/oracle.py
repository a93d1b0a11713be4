"""Judges a world by its facts: accepted dots, visible answers, acknowledged stops. The product is not asked.

The letters are the invariants' ids of docs/reliability.md. Only the row behind a dot (I3, I4, I5) and the end of the
world (I13, I16) look into the store, because they are about it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from cadenced.ports import Outgoing
from simulation import settings_of_worlds as terms
from simulation.sim_smtp import Dot, Write

ABSENT = "proved to be absent"
"""How a row begins to tell why it was planned again after an unknown end (RELIABILITY 2.1, rule N)."""

W = 6.5
"""Seconds that a touch may trail an answer at the very most, whatever the settings say (RELIABILITY 0.6)."""

GAP_SLACK = 3.5
"""Seconds: a gap is counted from the arming, and a payload may leave ``arm_ttl`` after that."""

WINDOW_SLACK = timedelta(minutes=10)
DAY_SLACK = 3600.0 + 120.0
OVERDUE = timedelta(days=2)

READ_LATE, JUMPED = timedelta(hours=12), timedelta(days=30)
"""An answer has its effect within hours, whatever happens; more than a month is a clock that had jumped."""

READ_BY = 6 * 3600.0
"""By then a mail that our human wrote themselves has been read, however long the inbox was out of reach."""

ARROWS: Mapping[str, frozenset[str]] = {
    "planned": frozenset({"claimed", "cancelled", "rejected", "sent"}),
    "claimed": frozenset({"armed", "planned", "rejected", "cancelled", "sent"}),
    "cancelled": frozenset({"claimed", "sent"}),
    "armed": frozenset({"sent", "rejected", "planned", "unknown"}),
    "unknown": frozenset({"sent", "in_doubt", "planned", "cancelled", "skipped"}),
    "in_doubt": frozenset({"sent", "planned", "skipped"}),
}
"""How a touch may move (RELIABILITY 2.1); what is sent, rejected or skipped stays so."""


@dataclass(frozen=True, slots=True)
class Row:
    """What the store says of a touch at a moment."""

    person: str
    sequence: str
    step: str
    generation: int
    state: str
    sha256: str
    boot: str
    proof: str

    @property
    def key(self) -> tuple[str, str, int, str]:
        """What a touch is the only one of."""
        return self.person, self.sequence, self.generation, self.step


@dataclass(slots=True)
class Standing:
    """What a person has a right to: from when on nothing more may come, and why."""

    answered_at: float | None = None
    why: str = ""
    stopped_at: float | None = None
    paused_until: datetime | None = None
    paused_at: float = 0.0
    suppressed: bool = False


@dataclass(frozen=True, slots=True)
class Rest:
    """A mailbox that a human has to release: since when (true time of its row), empty where it may send."""

    reason: str = ""
    since: datetime | None = None


class ViolationError(AssertionError):
    """An invariant did not hold."""


@dataclass(slots=True)
class Oracle:
    """Remembers facts and compares them."""

    min_gap: float
    daily_limit: int
    standings: dict[str, Standing] = field(default_factory=lambda: defaultdict(Standing))
    per_touch: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    courses: dict[tuple[str, str, int], list[tuple[str, float]]] = field(default_factory=lambda: defaultdict(list))
    per_day: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    last_dot: dict[str, float] = field(default_factory=lambda: defaultdict(lambda: float("-inf")))
    written: dict[str, list[Write]] = field(default_factory=lambda: defaultdict(list))
    resend_allowed: dict[str, float] = field(default_factory=dict)
    answers: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    never_again: dict[str, tuple[float, str]] = field(default_factory=dict)
    per_step: dict[tuple[str, str, int, str], set[str]] = field(default_factory=lambda: defaultdict(set))
    dots_of_step: dict[tuple[str, str, int, str], int] = field(default_factory=lambda: defaultdict(int))
    by_hand: dict[str, float] = field(default_factory=dict)
    resting_since: float | None = None
    lost: set[str] = field(default_factory=set)
    forgotten: list[float] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def breaks(self, law: str, what: str) -> None:
        """Write a violation down."""
        self.broken.append(f"{law}: {what}")

    def answered(self, email: str, at: float, why: str) -> None:
        """A reply, a bounce or an opt-out has become visible in a watched folder."""
        standing = self.standings[email]
        if standing.answered_at is None:
            standing.answered_at, standing.why = at, why

    def refused(self, email: str, at: float, why: str) -> None:
        """Somebody has opted out, or does not exist: nothing may ever come again, whoever enrols them."""
        self.answered(email, at, why)
        self.never_again.setdefault(email, (at, why))

    def wrote_by_hand(self, email: str, at: float) -> None:
        """Our human has written a mail from their own program: the next step keeps its distance."""
        self.by_hand[email] = at

    def acknowledged(self, email: str, at: float, why: str) -> None:
        """A human's stop has been confirmed to them."""
        standing = self.standings[email]
        if standing.stopped_at is None:
            standing.stopped_at, standing.why = at, why

    def paused(self, email: str, at: float, until: datetime) -> None:
        """A human's pause has been confirmed to them."""
        standing = self.standings[email]
        standing.paused_at, standing.paused_until = at, until

    def begun_again(self, email: str) -> None:
        """A human wants this person to be written to (again)."""
        suppressed = self.standings[email].suppressed
        self.standings[email] = Standing(suppressed=suppressed)
        self.by_hand.pop(email, None)  # whoever takes it up again knows what they wrote themselves

    def answered_since(self, email: str, since: float) -> bool:
        """Whether somebody has answered after a moment."""
        return any(at > since for at in self.answers[email])

    def forgot(self, since: float, now: float, lost: Collection[str]) -> None:
        """A database of ``since`` stands in the place of today's: what humans did meanwhile was never done.

        ``lost`` are those who were enrolled meanwhile. What was tried is in no row either: whether it was taken, only
        copies tell, and I1 alone judges.
        """
        self.forgotten.append(now)
        self.resting_since = now
        self.lost |= set(lost)
        for standing in self.standings.values():
            if standing.stopped_at is not None and standing.stopped_at > since:
                standing.stopped_at, standing.suppressed = None, False
            if standing.paused_at > since:
                standing.paused_until = None
        for message_id, writes in self.written.items():
            self.written[message_id] = [one for one in writes if one.at <= since]

    def wrote(self, written: Write, row: Row | None, rests: Rest = Rest(), armed: datetime | None = None) -> None:
        """Judge a payload as it leaves; ``armed`` is when its row says that it was armed."""
        message = written.message
        if rests.reason and rests.since and armed and armed > rests.since:
            self.breaks("I9", f"{message.recipient}: sent from a mailbox that rests: {rests.reason[:60]}")
        before = self.written[message.message_id]
        self._row_of_a_write(message, row)
        if before:
            if before[-1].message != message:
                self.breaks("I8", f"{message.recipient}: another try has other bytes")
            told = self.resend_allowed.get(message.message_id, -1.0) >= before[-1].at
            proved = row is not None and row.proof.startswith(ABSENT) and not self.per_touch[message.message_id]
            allowed = told or proved
            if not before[-1].refused and not allowed:
                self.breaks("I7", f"{message.recipient} {row and row.step}: tried again after an unknown end")
        before.append(written)

    def _row_of_a_write(self, message: Outgoing, row: Row | None) -> None:
        if row is None:
            self.breaks("I4", f"{message.message_id} leaves without a row")
            return
        if row.state != "armed":
            self.breaks("I4", f"{row.person} {row.step} leaves while its row is {row.state}")
        if hashlib.sha256(message.raw).hexdigest() != row.sha256 or message.recipient != row.person:
            self.breaks("I5", f"{row.person} {row.step}: other bytes or recipient than frozen")
        self.per_step[row.key].add(message.message_id)
        if len(self.per_step[row.key]) > 1:
            self.breaks("I8", f"{row.person} {row.step}: another try has another Message-ID")

    def accepted(self, dot: Dot, row: Row | None, now: datetime) -> None:
        """Judge a dot; ``now`` is the true time."""
        email = dot.message.recipient
        self.per_touch[dot.message.message_id] += 1
        times = self.per_touch[dot.message.message_id]
        if row is not None:
            self.dots_of_step[row.key] += 1
            times = max(times, self.dots_of_step[row.key])
        if times > 1:
            self.breaks("I1", f"{email} {row and row.step}: accepted {times} times")
        if self.resting_since is not None and dot.at > self.resting_since + W:
            self.breaks("I24", f"{email}: sent though an older database was put back, and nobody has looked")
        self._after_a_stop(email, dot.at, now)
        self._pace(dot, now, row)
        if row is not None:
            self._order(row, dot.at)

    def _after_a_stop(self, email: str, at: float, now: datetime) -> None:
        standing = self.standings[email]
        since, why = self.never_again.get(email, (float("inf"), ""))
        if at > since + W:
            self.breaks("I10", f"{email}: {at - since:.2f} s after {why}, though nobody may write to them")
        if standing.answered_at is not None and at > standing.answered_at + W:
            self.breaks("I2", f"{email}: {at - standing.answered_at:.2f} s after {standing.why}")
        if standing.stopped_at is not None and at > standing.stopped_at:
            law = "I10" if standing.suppressed else "I2"
            self.breaks(law, f"{email}: {at - standing.stopped_at:.2f} s after an acknowledged {standing.why}")
        if standing.paused_until is not None and at > standing.paused_at and now < standing.paused_until:
            self.breaks("I2", f"{email}: in a pause until {standing.paused_until:%m-%d %H:%M}, at {now:%m-%d %H:%M}")

    def _pace(self, dot: Dot, now: datetime, row: Row | None) -> None:
        at, box = dot.at, dot.message.mail_from
        local = now.astimezone(ZoneInfo(terms.ZONE))
        opens = datetime.combine(local.date(), terms.WINDOW.opens, local.tzinfo) - timedelta(seconds=61)
        closes = datetime.combine(local.date(), terms.WINDOW.closes, local.tzinfo) + WINDOW_SLACK
        if not opens <= local <= closes:
            self.breaks("I6", f"{row and row.person}: outside the window, {local:%a %H:%M:%S}")
        if self.min_gap and at - self.last_dot[box] < self.min_gap - GAP_SLACK:
            self.breaks("I6", f"{row and row.person}: {at - self.last_dot[box]:.1f} s after the dot before")
        self.last_dot[box] = at
        day = f"{box} {local:%Y-%m-%d}"
        self.per_day[day] += 1
        if self.daily_limit and self.per_day[day] > self.daily_limit:
            self.breaks("I6", f"{self.per_day[day]} dots on {day}, the limit is {self.daily_limit}")

    def _order(self, row: Row, at: float) -> None:
        course = self.courses[row.person, row.sequence, row.generation]
        if course:
            step, before = course[-1]
            if terms.ORDER.index(step) >= terms.ORDER.index(row.step):
                self.breaks("I6", f"{row.person}: {row.step} after {step}")
            least = terms.LEAST_DELAY[row.step] * 86_400 - DAY_SLACK
            written = self.by_hand.get(row.person, float("-inf"))
            if before < written < at - READ_BY and at - written < least:
                days = (at - written) / 86_400
                self.breaks("I22", f"{row.person}: {row.step} only {days:.2f} days after a mail by hand")
            if at - before < least:
                self.breaks("I22", f"{row.person}: {row.step} only {(at - before) / 86_400:.2f} days after {step}")
        course.append((row.step, at))

    def moved(self, moves: Iterable[tuple[str, str, str]]) -> None:
        """Judge how touches moved: the Message-ID, the state before, and after."""
        for message_id, before, after in moves:
            if after not in ARROWS.get(before, ()):
                self.breaks("I11", f"{message_id}: {before} became {after}")

    def questions_at_the_end(self, unasked: Iterable[str]) -> None:
        """Every doubt is put before a human."""
        for message_id in unasked:
            self.breaks("I14", f"{message_id}: in doubt, and nobody is asked")

    def followed_at_the_end(self, lost: Iterable[str]) -> None:
        """What a plan says follows has begun."""
        for person in lost:
            self.breaks("I13", f"{person}: the plan has ended, and what follows it has not begun")

    def rows_at_the_end(self, rows: Mapping[str, Row]) -> None:
        """Compare the ledger with what was accepted."""
        for message_id, row in rows.items():
            count = self.per_touch.get(message_id, 0)
            if row.state == "sent" and not count:
                self.breaks("I3", f"{row.person} {row.step}: written as sent, never accepted")
            if row.state in {"planned", "cancelled", "rejected", "claimed"} and count:
                self.breaks("I3", f"{row.person} {row.step}: accepted, written as {row.state}")
            if row.state in {"claimed", "armed", "unknown"}:
                self.breaks("I13", f"{row.person} {row.step}: still {row.state} at the end")

    def course_at_the_end(self, standing: Mapping[str, tuple[str, str, datetime | None, int]], now: datetime) -> None:
        """Nobody without a next step: every live enrolment is dated, and none of it is long overdue."""
        for person, (state, step, due_at, questions) in standing.items():
            where = f"{person}: {state} before {step or 'its end'}"
            if due_at is None:
                self.breaks("I13", f"{where}, without a date")
            elif state == "awaiting_task":
                if not questions:
                    self.breaks("I13", f"{where}, waits for a human who is asked nothing")
            elif due_at < now - OVERDUE:
                self.breaks("I13", f"{where}, overdue since {due_at:%m-%d %H:%M}")

    def answers_at_the_end(self, read: Mapping[str, Sequence[datetime]], begin: datetime) -> None:
        """Every visible answer has had its effect exactly once, and soon; ``read`` tells when, by the wall clock.

        In the order in which the effects were written, since the wall clock may have been far ahead at one of them.
        """
        for person, visible in self.answers.items():
            effects = read.get(person, ())
            if len(effects) < len(visible) and person in self.lost:
                continue
            if len(effects) != len(visible):
                self.breaks("I16", f"{person}: {len(visible)} answers were visible, {len(effects)} had an effect")
                continue
            for at, effect in zip(sorted(visible), effects, strict=True):
                late = effect - (begin + timedelta(seconds=at))
                again = any(at < moment for moment in self.forgotten)  # read once more after that
                if READ_LATE < late < JUMPED and not again:
                    self.breaks("I16", f"{person}: an answer had its effect only after {late}")

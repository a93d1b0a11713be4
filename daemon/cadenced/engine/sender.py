"""One mailbox's sender: plans what is due, hands it to the mailer through the gate, and writes what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from cadenced import ports
from cadenced.config import Mailbox
from cadenced.core.planner import Quota
from cadenced.engine import desk, pace
from cadenced.engine.armoury import Armoury
from cadenced.engine.closing import Closing
from cadenced.engine.desk import Claimed, Moment, Wanted
from cadenced.engine.scribe import FEW, Made, Scribe
from cadenced.engine.watcher import Watcher
from cadenced.engine.workspace import SOON, TICK, Workspace
from cadenced.library import Library
from cadenced.ports import Mailer
from cadenced.store import enrolments, mailboxes
from cadenced.store.touches import Touch

log = logging.getLogger(__name__)

_FIRST_REST, _LONGEST_REST = timedelta(seconds=5), timedelta(minutes=10)
LOGIN_REST = timedelta(minutes=15)
"""After a refused login the server is left alone for this long: trying again soon would lock the account."""


AFTER_GATE = timedelta(seconds=2)
"""A gate that stayed shut (a slow inbox) is not asked again at once; after 16 s at the most."""

STALE = timedelta(seconds=5)
"""Letters that waited for the wire for so long are made anew, from what is known then."""

UNFILED_MOST = 200
"""So many copies may wait to be filed; then touches wait: where filing is that slow, so is reading answers."""

SHUT_OFTEN = 3
"""Who runs until nothing is left to do waits so many times in a row for a gate to open."""


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look at the store brought: when the mailbox may send, how many moved at the desk, what is to be sent.

    ``at`` is when that was, by the clock that never jumps.
    """

    at: float
    quota: Quota
    cleared: int = 0
    wanted: Wanted = field(default_factory=Wanted)


@dataclass(frozen=True, slots=True)
class _Ahead:
    """Letters that are being made while those before them are on the wire."""

    look: _Look
    library: Library
    letters: asyncio.Task[list[Made]]


class Sender:
    """Sends for one mailbox, one touch at a time where a gap is kept, else as many as there are connections.

    ``idle``: nothing could be sent or done now; what a limit, a fault or a hold keeps back does not count.
    """

    def __init__(
        self, workspace: Workspace, mailbox: Mailbox, mailer: Mailer, watcher: Watcher, scribe: Scribe | None = None
    ) -> None:
        self.name = f"sender {mailbox.name}"
        self.wake = asyncio.Event()
        self.idle = False
        self._workspace = workspace
        self._mailbox = mailbox
        self._mailer = mailer
        mailer.may_begin = lambda: not (self._stopping or self._resting())
        self._watcher = watcher
        self._scribe = scribe or Scribe(workspace)
        self._closing = Closing(workspace)
        self._armoury = Armoury(workspace, watcher.fence, self._closing)
        self._on_wire: dict[int, asyncio.Task[None]] = {}
        self._ahead: _Ahead | None = None
        self._unfiled: deque[Touch] = deque()
        self._filing: asyncio.Task[None] | None = None
        self._rest_until: float | None = None  # by the clock that never jumps
        self._faults = self._shut = 0
        self._stretch = 1.0
        self._looked_at = float("-inf")
        self._held = False
        self._broken: BaseException | None = None
        self._stopping = False

    async def tick(self) -> timedelta:
        """Do what is due at the desk, put mail on the wire where there is room; return when to look again."""
        self.idle = False
        if self._broken is not None:
            raise self._broken
        now, looked_at = self._workspace.now(), self._workspace.clock.monotonic()
        is_full = len(self._on_wire) > self._room // 2
        if is_full and looked_at - self._looked_at < SOON.total_seconds():
            return SOON  # enough is under way; who leaves the wire wakes us, and many are claimed in one look
        self._looked_at = looked_at
        ahead = self._take_ahead(looked_at, is_full=is_full)
        if ahead is not None:
            look, made = ahead.look, await ahead.letters
        else:
            look = await self._workspace.database.run(lambda tx: self._look(tx, now, looked_at))
            made = await self._write(look.wanted)
        batch = await self._claim(look, made)
        if look.cleared or batch.put_off:
            return timedelta(0)
        return SOON if batch.claimed else await self._look_ahead(now, look.quota)

    async def rest(self, span: timedelta) -> None:
        """Sleep by the clock."""
        await self._workspace.clock.sleep(span)

    async def drain(self) -> None:
        """Wait until nothing is on the wire."""
        while left := self._under_way():
            await asyncio.wait(left)

    def stand_down(self) -> None:
        """Arm nothing any more; what is armed ends."""
        self._stopping = True

    async def close(self, grace: float) -> None:
        """Begin no send any more; those on the wire have ``grace`` seconds to end, then the connection is dropped."""
        self.stand_down()
        loop = asyncio.get_running_loop()
        until = loop.time() + grace
        while (left := self._under_way()) and (span := until - loop.time()) > 0:
            await asyncio.wait(left, timeout=span)
        for task in left:
            task.cancel()
        self._take_ahead(float("inf"), is_full=True)
        await asyncio.gather(*left, return_exceptions=True)
        await self._mailer.close()

    def _under_way(self) -> list[asyncio.Task[None]]:
        """Return what has not ended: touches on the wire, and the filing of their copies."""
        is_filing = self._filing is not None and not self._filing.done()
        return [*self._on_wire.values(), *([self._filing] if self._filing is not None and is_filing else [])]

    def _look(self, tx: Connection, now: datetime, at: float, claimed: Sequence[Claimed] = ()) -> _Look:
        """Do what sends nothing, then find out what may be sent, in one transaction.

        Where some were ``claimed`` a moment ago, it is for the letters that are made while those are on the wire.
        """
        timezone = self._workspace.config.daemon.timezone
        allowed = pace.allowance(tx, self._mailbox, now, timezone, self._stretch)
        unsteady = self._workspace.unsteady()
        hold = mailboxes.get(tx, self._mailbox.name).hold
        self._held = bool(unsteady or hold)
        moment = Moment(self._mailbox.name, now, self._watcher.synced_at, allowed.quota, hold)
        cleared = 0 if unsteady else desk.clear(tx, self._workspace, moment)
        slots = self._slots(moment, allowed.left, len(claimed))
        if slots <= 0:
            return _Look(at, allowed.quota, cleared)
        busy = self._on_wire.keys() | {one.enrolment for one in claimed}
        return _Look(at, allowed.quota, cleared, desk.want_mail(tx, self._workspace, moment, slots, busy))

    async def _write(self, wanted: Wanted) -> list[Made]:
        """Have letters made: no transaction is open meanwhile."""
        library, made = None, list[Made]()
        while wanted.fresh and library is not self._workspace.library:
            library = self._workspace.library  # after an edit nobody is asked about what stood there before
            made = await self._scribe.write(wanted.fresh)
        return made

    async def _claim(self, look: _Look, made: Sequence[Made]) -> desk.Batch:
        """Claim what is to be sent and put it on the wire; where that is much, have the next letters made meanwhile."""
        self._put_on_wire(look.wanted.again, look.at)
        if not look.wanted.fresh:
            return desk.Batch(look.wanted.again, look.wanted.put_off)
        now, at = self._workspace.now(), self._workspace.clock.monotonic()

        def work(tx: Connection) -> tuple[desk.Batch, _Look | None]:
            if mailboxes.get(tx, self._mailbox.name).hold:  # since the look
                return desk.Batch(look.wanted.again), None
            batch = desk.claim_prepared(tx, self._workspace, look.wanted, made)
            is_much = len(batch.claimed) > FEW
            return batch, self._look(tx, now, at, batch.claimed) if is_much else None

        batch, following = await self._workspace.database.run(work)
        self._put_on_wire(batch.claimed[len(look.wanted.again) :], look.at)
        if following is not None:
            self._look_further(following)
        return batch

    def _look_further(self, look: _Look) -> None:
        """Have the letters made that leave after those on the wire; what has its bytes already joins these at once."""
        self._put_on_wire(look.wanted.again, look.at)
        if look.wanted.fresh:
            left = replace(look, wanted=replace(look.wanted, again=()))
            letters = asyncio.create_task(self._write(left.wanted), name=f"letters {self._mailbox.name}")
            letters.add_done_callback(lambda _: self.wake.set())
            self._ahead = _Ahead(left, self._workspace.library, letters)

    def _take_ahead(self, now: float, *, is_full: bool) -> _Ahead | None:
        """Return what was made ahead, once; given up where it waited too long, or is not what would be made now."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            return None
        is_stale = now - ahead.look.at > STALE.total_seconds() or ahead.library is not self._workspace.library
        if not (is_full or is_stale or self._stopping or self._resting()):
            return ahead
        ahead.letters.cancel()
        return None

    @property
    def _room(self) -> int:
        """How many touches may be under way: those at the server, and batches being prepared, armed and settled."""
        return 1 if self._mailbox.min_gap else self._mailbox.smtp.connections * 8

    def _slots(self, moment: Moment, left: int | None, claimed: int = 0) -> int:
        """Return how many touches may be put on the wire now; ``left`` of today's cap, where there is one.

        Behind some that are being ``claimed``: of how many the letters may be made meanwhile.
        """
        blocked = self._held or self._resting()
        if self._stopping or blocked or moment.quota.until is not None or moment.synced_at is None:
            return 0
        if len(self._unfiled) > UNFILED_MOST:
            return 0
        under_way = len(self._on_wire) + claimed
        free = min(self._room + self._room // 2 - under_way, self._room // 2) if claimed else self._room - under_way
        return free if left is None else min(free, left - under_way)

    def _put_on_wire(self, batch: Sequence[Claimed], looked_at: float) -> None:
        for claimed in batch:
            if claimed.enrolment in self._on_wire:  # its first end would free the touch for a second payload
                raise AssertionError(f"touch {claimed.touch.id} is on the wire already")
            self._armoury.note_claim(claimed.touch.id, looked_at)
            task = asyncio.create_task(self._submit(claimed), name=f"touch {claimed.touch.id}")
            self._on_wire[claimed.enrolment] = task

    async def _submit(self, claimed: Claimed) -> None:
        deadline: float | None = None

        async def gate(message: ports.Outgoing) -> float | None:
            nonlocal deadline
            deadline = await self._gate(message)
            return deadline

        try:
            answer = await self._mailer.submit(claimed.message, gate)
            self._learn(claimed, answer)
            await self._closing.settle(replace(claimed, was_armed=deadline is not None), answer)
            log.info(type(answer).__name__.lower(), extra=self._told(claimed, answer))
            if isinstance(answer, ports.Accepted) and self._workspace.files_copies(self._mailbox):
                self._file_later(claimed.touch)
        except Exception as fault:  # noqa: BLE001 - raised again by the next tick, so that the daemon ends
            self._broken = fault
        finally:
            del self._on_wire[claimed.enrolment]
            self._armoury.forget(claimed.touch.id)
            if len(self._on_wire) <= self._room // 2 or self._broken is not None:
                self.wake.set()

    def _file_later(self, touch: Touch) -> None:
        """File copies one after the other, behind the sends: no touch waits for the copy of another one."""
        self._unfiled.append(touch)
        if self._filing is None or self._filing.done():
            self._filing = asyncio.create_task(self._file_copies(), name=f"copies {self._mailbox.name}")

    async def _file_copies(self) -> None:
        try:
            while self._unfiled:
                await self._watcher.file_copy(self._unfiled[0])
                self._unfiled.popleft()
                if len(self._unfiled) == UNFILED_MOST:
                    self.wake.set()  # there is room again
        except Exception as fault:  # noqa: BLE001 - raised again by the next tick, so that the daemon ends
            self._broken = fault
        self.wake.set()

    async def _gate(self, message: ports.Outgoing) -> float | None:
        """Keep the gate shut at the end of the day's work, and while the mailbox rests after a fault."""
        return None if self._stopping or self._resting() else await self._armoury.gate(message)

    def _resting(self) -> bool:
        return self._rest_until is not None and self._rest_left() > timedelta(0)

    def _rest_left(self) -> timedelta:
        until = self._rest_until
        return timedelta(0) if until is None else timedelta(seconds=until - self._workspace.clock.monotonic())

    def _rest_for(self, span: timedelta) -> None:
        until = self._workspace.clock.monotonic() + span.total_seconds()
        self._rest_until = max(until, self._rest_until or until)

    def _told(self, claimed: Claimed, answer: ports.Answer) -> dict[str, object]:
        """Return the log's fields: which touch, and the server's reason where it was not taken."""
        touch = claimed.touch
        reason = "" if isinstance(answer, ports.Accepted) else answer.text[:200]
        facts = {"touch": touch.id, "mailbox": self._mailbox.name, "sequence": touch.sequence, "step": touch.step}
        return {**facts, "reason": reason} if reason else facts

    def _learn(self, claimed: Claimed, answer: ports.Answer) -> None:
        """Rest after a fault of the mailbox, longer each time; after a success draw the next gap."""
        fault = isinstance(answer, ports.Unknown) or (isinstance(answer, ports.Deferred) and answer.mailbox_fault)
        if fault:  # whoever takes mail without saying so must not be given all of it
            if not (self._faults and self._resting()):  # those under way together have met the same one
                self._faults += 1
            rest = min(_FIRST_REST * 2 ** min(self._faults - 1, 10), _LONGEST_REST)
            permanent = isinstance(answer, ports.Deferred) and answer.permanent
            self._rest_for(LOGIN_REST if permanent else rest)
        elif isinstance(answer, ports.Deferred) and answer.phase == "gate":
            if self._stopping or self._resting() or self._armoury.turned_away(claimed.touch.id):
                return  # that says nothing new of the mailbox
            self._shut += 1
            self._rest_for(AFTER_GATE * 2 ** min(self._shut - 1, 3))
        elif isinstance(answer, ports.Accepted):
            self._faults, self._shut, self._rest_until = 0, 0, None
            self._stretch = pace.GAP_LEAST + pace.GAP_SPREAD * self._workspace.chance()

    async def _look_ahead(self, now: datetime, quota: Quota) -> timedelta:
        """Return when the next thing is due, and note whether anything that could be done now is left."""
        upcoming, waiting, obstacle = await self._workspace.database.run(lambda tx: self._survey(tx, now))
        gap_only = quota.until is not None and quota.until - now <= self._mailbox.min_gap * 2
        resting = self._resting() and (self._faults > 0 or self._shut > SHUT_OFTEN)
        stuck = bool(obstacle) or resting or (quota.until is not None and not gap_only)
        self.idle = not self._under_way() and (not waiting or stuck)
        moments = [m for m in (upcoming, quota.until if waiting else None, now + self._rest_left()) if m and m > now]
        blind = self._held or self._watcher.synced_at is None  # who lifts that wakes us
        if waiting and not (moments or self._on_wire or blind):
            return SOON
        longest = TICK if waiting or blind else self._workspace.longest_sleep
        return min([*(m - now for m in moments), longest])

    def _survey(self, tx: Connection, now: datetime) -> tuple[datetime | None, bool, str]:
        name = self._mailbox.name
        waiting = enrolments.any_due(tx, name, "mail", now)
        return enrolments.next_due(tx, name, now), waiting, mailboxes.get(tx, name).obstacle

"""One mailbox's watcher: every folder is read to its end, each mail with its effects and the position in one commit.

*IDLE wakes, NOOP decides.* ``fence`` is the same reading, asked for directly before a payload leaves.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection

from cadenced.config import Mailbox, Safety, SentCopy
from cadenced.engine.workspace import TICK, Workspace
from cadenced.errors import WireError
from cadenced.ports import Fetched, Folder, Inbox
from cadenced.store import inbox as read
from cadenced.store import mailboxes
from cadenced.store.inbox import Position
from cadenced.store.touches import Touch

log = logging.getLogger(__name__)

NOT_WATCHED = frozenset({"drafts", "outbox"})
"""Roles of folders that are not read. All others are: filters and Junk move replies away, and Sent holds what was
written by hand, and the copies that prove what was sent."""

LOOK_BACK = timedelta(days=90)
"""How far a folder is read again when its UIDs have changed, or when it is new."""

ATTENTION = timedelta(minutes=30)
"""For so long after a send of its own a mailbox listens closely: most answers that come at all come soon."""

CLOSE_TICK = timedelta(seconds=2)
"""How often all folders are read meanwhile, where that costs nothing: answers that a filter or Junk has taken away."""
_SHARE = timedelta(milliseconds=60)
"""So much time passes between two readings of a mailbox for each mailbox of the house: IDLE tells of the inbox
meanwhile, every send reads before, and a thousand mailboxes take a few hundredths of a processor."""

RECENT, MEANWHILE = timedelta(seconds=1), timedelta(seconds=0.1)
"""Where a fence has read so recently, the next one is waited for so long before the same is read once more."""

_MOST_OF_TIME = 100
"""Reading all folders may take a hundredth of the time; where it takes longer, it is done less often."""

LONGEST_FENCE, WIRE = 30, 0.5
"""Seconds: the most that ``fence_age`` may be, and what passes between the deadline and the wire (RELIABILITY 2.3)."""

STALLS = 5.0
"""Seconds after which a reading that has not ended is told of, while its server is still waited for."""

_OFTEN = 3
"""A mailbox is called slow when so many fences in a row were: one large mail is no reason."""

_BATCH = 50
_FIRST_REST, _LONGEST_REST = timedelta(seconds=2), timedelta(minutes=2)

_LIKELY = {"sent": 0, "all": 1, "inbox": 2}
"""Where a copy of our own mail is looked for first."""


class Watcher:
    """Reads one mailbox. ``synced_at`` is when it was last read to its end, None while that fails.

    ``heard`` is called when the mailbox has become readable: who sends from it may go on.
    """

    def __init__(self, workspace: Workspace, mailbox: Mailbox, inbox: Inbox) -> None:
        self.name = f"watcher {mailbox.name}"
        self.wake = asyncio.Event()
        self.synced_at: datetime | None = None
        self.heard: Callable[[], None] = self._tell_all
        self._workspace = workspace
        self._mailbox = mailbox
        self._inbox = inbox
        self._lock = asyncio.Lock()
        self._places: dict[str, Position] | None = None
        self._sent_folder: Folder | None = None
        self._faults = self._deaf = 0
        self._close_until = self._took = 0.0
        self._is_near = False
        self._slow = 0
        self._began = float("-inf")
        self._stalling: asyncio.Task[None] | None = None

    @property
    def idle(self) -> bool:
        """Whether nothing unread is known of; a mailbox that cannot be read is not waited for."""
        return self.synced_at is not None or self._faults > 0

    async def tick(self) -> timedelta:
        """Read what has come; return how long to listen for more."""
        if not await self._is_read_anyway() and await self._read() is None:
            return min(_FIRST_REST * int(2 ** (self._faults - 1)), _LONGEST_REST)
        share = _SHARE * len(self._workspace.config.mailboxes)
        if not self._is_near or self._workspace.clock.monotonic() >= self._close_until:
            return max(TICK, share)
        return max(share, min(max(CLOSE_TICK, timedelta(seconds=self._took * _MOST_OF_TIME)), TICK))

    async def rest(self, span: timedelta) -> None:
        """Listen by IDLE while all is well, else sleep before the next try.

        Who cannot listen reads all the same: a lost IDLE alone holds nobody.
        """
        if self.synced_at is None:
            await self._workspace.clock.sleep(span)
            return
        try:
            await self._inbox.wait(span.total_seconds())
            self._deaf = 0
        except WireError as fault:
            if not self._deaf:
                log.info("no news of the inbox", extra={"mailbox": self._mailbox.name, "fault": str(fault)})
            self._deaf = min(self._deaf + 1, 5)
            await self._workspace.clock.sleep(min(_FIRST_REST * int(2 ** (self._deaf - 1)), span))

    async def fence(self) -> float | None:
        """Read every watched folder to its end; return when that began (monotonic), None when it cannot be done.

        Who asks is about to send, so answers are likely from now on.
        """
        self._is_near = self._inbox.attend(ATTENTION.total_seconds())
        self._close_until = self._workspace.clock.monotonic() + ATTENTION.total_seconds()
        began = await self._read()
        if began is not None:
            await self._note_pace()
        return began

    async def _is_read_anyway(self) -> bool:
        """Whether a fence has read all that there is news of: while sends run, theirs do several times a second."""
        clock = self._workspace.clock
        asked = clock.monotonic()
        if self.synced_at is None or asked - self._began > RECENT.total_seconds():
            return False
        await clock.sleep(MEANWHILE)
        return self._began > asked and self.synced_at is not None

    async def _read(self) -> float | None:
        async with self._lock:
            began = self._workspace.clock.monotonic()
            overdue = asyncio.get_running_loop().call_later(STALLS, self._stall)
            try:
                await self._read_all(await self._inbox.folders())
            except WireError as fault:
                await self._note_fault(fault)
                return None
            finally:
                overdue.cancel()
                await self._end_stall()
            self._took = self._workspace.clock.monotonic() - began
            self._began = began
            await self._note_synced()
            return began

    def _stall(self) -> None:
        """Say it while a reading takes long: nothing leaves meanwhile."""
        self._stalling = asyncio.create_task(self._note_stall(), name=f"stall of {self._mailbox.name}")

    async def _note_stall(self) -> None:
        name = self._mailbox.name
        text = f"{mailboxes.STALL} for {STALLS:g} s; nothing leaves before it was read"
        log.info("inbox stalls", extra={"mailbox": name})
        await self._workspace.database.run(lambda tx: mailboxes.note_stall(tx, name, text))

    async def _end_stall(self) -> None:
        stalling, self._stalling = self._stalling, None
        if stalling is not None:
            await stalling
            name = self._mailbox.name
            await self._workspace.database.run(lambda tx: mailboxes.note_stall(tx, name, ""))

    async def file_copy(self, touch: Touch) -> None:
        """File what was sent in the Sent folder, where we are the ones who do that; a failure is only logged."""
        folder = self._sent_folder
        if folder is None or not self._workspace.files_copies(self._mailbox):
            return
        always = self._workspace.sent_copy(self._mailbox) is SentCopy.APPEND
        try:
            async with self._lock:
                if always or await self._inbox.find(folder, touch.message_id, touch.ref) is None:
                    await self._inbox.append(folder, touch.raw)
        except WireError as fault:
            log.warning("copy not filed", extra={"touch": touch.id, "fault": str(fault)})

    async def find_copies(self, wanted: Sequence[Touch]) -> Mapping[int, str]:
        """Return in which folder a copy of each touch lies, of those that have one; raises WireError.

        Every folder but Drafts is searched, each selected anew, those that copies are filed in first. Reading goes on
        between one question and the next: a fence does not wait for a long search.
        """
        found: dict[int, str] = {}
        folders = await self._inbox.folders() if wanted else ()
        for folder in sorted(folders, key=lambda one: _LIKELY.get(one.role, len(_LIKELY))):
            for touch in wanted if folder.role != "drafts" else ():
                if touch.id not in found and await self._inbox.find(folder, touch.message_id, touch.ref) is not None:
                    found[touch.id] = folder.name
        return found

    async def close(self) -> None:
        """Log out."""
        await self._inbox.close()

    async def _read_all(self, folders: Sequence[Folder]) -> None:
        known = self._places
        if known is None:
            known = await self._workspace.database.run(lambda tx: read.places(tx, self._mailbox.name))
        first = not known
        self._sent_folder = self._find_sent_folder(folders)
        self._places = dict(known)
        for folder in sorted(folders, key=_after_copies):
            if folder.role not in NOT_WATCHED:
                await self._read_folder(folder, self._places.get(folder.name), first=first)

    def _find_sent_folder(self, folders: Sequence[Folder]) -> Folder | None:
        named = self._mailbox.imap.sent
        if named != "auto":
            return next((folder for folder in folders if folder.name == named), None)
        return next((folder for folder in folders if folder.role == "sent"), None)

    async def _read_folder(self, folder: Folder, position: Position | None, *, first: bool) -> None:
        if position is None or position.uid_validity != folder.uid_validity:
            position = await self._begin(folder, skip_old=first)
        while position.last_uid + 1 < folder.uid_next:
            fetched = await self._inbox.fetch(folder, position.last_uid, _BATCH)
            reached = max((mail.uid for mail in fetched), default=folder.uid_next - 1)
            position = Position(folder.name, folder.uid_validity, reached)
            await self._absorb(folder, fetched, position)

    async def _begin(self, folder: Folder, *, skip_old: bool) -> Position:
        """Start in a folder: at its end on the very first start, else where the last ninety days begin."""
        last = folder.uid_next - 1
        if not skip_old:
            last = await self._uid_before(folder, self._workspace.now() - LOOK_BACK)
        position = Position(folder.name, folder.uid_validity, last)
        await self._workspace.database.run(lambda tx: read.place(tx, self._mailbox.name, position))
        self._reached(position)
        return position

    def _reached(self, position: Position) -> None:
        """Remember what is committed, so that a fault in a later folder does not have the earlier ones read again."""
        self._places = {**(self._places or {}), position.folder: position}

    async def _uid_before(self, folder: Folder, cutoff: datetime) -> int:
        """Return the highest UID whose mail is older than ``cutoff``, by halving: UIDs grow with arrival."""
        low, high = 0, folder.uid_next - 1
        while low < high:
            middle = (low + high) // 2
            found = await self._inbox.fetch(folder, middle, 1)
            old = bool(found) and found[0].received_at is not None and found[0].received_at < cutoff
            if old:
                low = min(found[0].uid, high)
            else:
                high = middle
        return low

    async def _absorb(self, folder: Folder, fetched: Sequence[Fetched], position: Position) -> None:
        from cadenced.engine import arrivals  # noqa: PLC0415 - all that reads answers: a start need not wait for it

        def work(tx: Connection) -> list[int]:
            ours = [
                mail.uid
                for mail in fetched
                if arrivals.absorb(tx, self._workspace, arrivals.Arrived(self._mailbox.name, folder.name, mail))
            ]
            read.place(tx, self._mailbox.name, position)
            return ours

        own_copies = await self._workspace.database.run(work)
        self._reached(position)
        if fetched:
            self._workspace.changed()
        for uid in own_copies:
            if self._sent_folder is not None and folder.role == "inbox":
                await self._inbox.move(folder, uid, self._sent_folder)

    async def _note_synced(self) -> None:
        now, name = self._workspace.now(), self._mailbox.name
        is_news = self.synced_at is None
        self.synced_at = now
        self._faults = 0
        if is_news:
            await self._workspace.database.run(lambda tx: mailboxes.note_synced(tx, name, now))
            self.heard()
        elif due := self._workspace.readings.note(name, now):
            await self._workspace.database.run(lambda tx: mailboxes.note_readings(tx, due))

    async def _note_pace(self) -> None:
        """Say it where nothing can leave because the inbox takes longer to read than a fence may be old."""
        safety, name = self._workspace.config.safety, self._mailbox.name
        before, self._slow = self._slow, self._slow + 1 if self._took > safety.fence_age.total_seconds() else 0
        if self._slow == _OFTEN:
            text = slowness(self._took, safety)
            log.warning("inbox too slow", extra={"mailbox": name, "fault": text})
            await self._workspace.database.run(lambda tx: mailboxes.note_fault(tx, name, imap=text))
        elif before >= _OFTEN and not self._slow:
            await self._workspace.database.run(lambda tx: mailboxes.note_fault(tx, name, imap=""))

    def _tell_all(self) -> None:
        self._workspace.changed()

    async def _note_fault(self, fault: WireError) -> None:
        """Hold the mailbox, visibly: nothing leaves while its answers cannot be read."""
        if self._faults == 0:
            log.warning("inbox cannot be read", extra={"mailbox": self._mailbox.name, "fault": str(fault)})
        self.synced_at = None
        self._workspace.readings.forget(self._mailbox.name)
        self._faults = min(self._faults + 1, 12)
        text = f"its inbox cannot be read: {fault}"
        await self._workspace.database.run(lambda tx: mailboxes.note_fault(tx, self._mailbox.name, imap=text))


def _after_copies(folder: Folder) -> bool:
    """Sort what was sent before what came in: after a restore an answer is known by the copy of what it answers."""
    return folder.role != "sent"


def slowness(took: float, safety: Safety) -> str:
    """Return what is wrong with an inbox that takes ``took`` seconds to read, the cure, and what the cure costs."""
    found = f"its inbox takes {took:.1f} s to read, and nothing leaves unless that was done within"
    told = f"{found} [safety] fence_age = {safety.fence_age.total_seconds():g} s"
    wanted = math.ceil(took * 1.5)
    if wanted > LONGEST_FENCE:
        return f"{told}; fewer folders or messages make it faster"
    longest = wanted + safety.arm_ttl.total_seconds() + WIRE
    return f'{told}; fence_age = "{wanted} s" lets it send: a touch may then trail an answer by {longest:g} s (W)'

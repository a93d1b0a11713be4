"""An IMAP server with its folders, and a client that sees them as they were at the last NOOP."""

from __future__ import annotations

import asyncio
import itertools
import random
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.parser import BytesHeaderParser

from cadenced.errors import WireError
from cadenced.ports import Fetched, Folder
from simulation.sim_rest import News
from simulation.virtual_loop import VirtualLoop, process

_HEADERS = BytesHeaderParser()


@dataclass(slots=True)
class Drawer:
    """A folder as it lies on the server."""

    role: str
    validity: int = 1
    next_uid: int = 101
    mails: dict[int, Fetched] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)

    def add(self, raw: bytes, at: datetime | None) -> int:
        uid = self.next_uid
        self.next_uid += 1
        self.mails[uid] = Fetched(uid, raw, at)
        header = _HEADERS.parsebytes(raw.partition(b"\r\n\r\n")[0])
        for name in ("Message-ID", "X-Cadence-Ref"):
            if header[name]:
                self.ids[str(header[name]).strip(" <>\r\n")] = uid
        return uid

    def rebuild(self) -> None:
        """Begin anew with other UIDs: what a mail server does after losing its index."""
        mails = [self.mails[uid] for uid in sorted(self.mails)]
        self.validity += 1
        self.next_uid, self.mails, self.ids = 1 + 7 * (self.validity % 3), {}, {}
        for mail in mails:
            self.add(mail.raw, mail.received_at)


@dataclass(frozen=True, slots=True)
class Trouble:
    """How often a command fails, is slow (up to ``longest`` seconds) or hangs; and how often a push is lost."""

    fails: float = 0.0
    slow: float = 0.0
    hangs: float = 0.0
    deaf: float = 0.0
    longest: float = 4.0


class ImapServer:
    """One mailbox's folders, as the world knows them."""

    def __init__(self, loop: VirtualLoop, chance: random.Random, now: Callable[[], datetime]) -> None:
        self.loop = loop
        self.chance = chance
        self.now = now
        self.trouble = Trouble()
        self.down = False
        self.drawers = {
            "INBOX": Drawer("inbox"),
            "Sent": Drawer("sent"),
            "Junk": Drawer("junk"),
            "Clients": Drawer(""),
            "Drafts": Drawer("drafts"),
        }
        self.listeners: list[News] = []
        self.on_change: Callable[[ImapServer], None] = lambda _: None
        self.on_step: Callable[[], Awaitable[object]] = _nothing
        self.on_slow: Callable[[], object] = lambda: None
        self.on_delivery: Callable[[str, bytes], None] = lambda _folder, _raw: None

    def deliver(self, raw: bytes, folder: str = "INBOX") -> None:
        """Let a mail become visible, now."""
        self.drawers[folder].add(raw, self.now())
        self.on_delivery(folder, raw)
        self.on_change(self)
        if not self.down and not (self.trouble.deaf and self.chance.random() < self.trouble.deaf):
            for listener in self.listeners:
                listener.set()

    def shift(self, source: str, target: str) -> None:
        """Let the owner's own mail program move the newest mail of a folder."""
        if self.drawers[source].mails:
            uid = max(self.drawers[source].mails)
            mail = self.drawers[source].mails.pop(uid)
            self.drawers[target].add(mail.raw, mail.received_at)
            self.on_change(self)

    def rebuild(self, folder: str) -> None:
        """Let a folder begin anew with other UIDs."""
        self.drawers[folder].rebuild()
        self.on_change(self)

    def go(self, *, down: bool) -> None:
        """Be out of reach, or back."""
        self.down = down
        self.on_change(self)


class SimInbox:
    """The client's side."""

    def __init__(self, server: ImapServer, patience: float = 20.0) -> None:
        self.server = server
        self.patience = patience
        self.waits: Callable[[News, float], Awaitable[bool]] = _wait
        self._seen: dict[str, tuple[int, int]] = {}
        self._news = News()
        server.listeners.append(self._news)

    async def folders(self) -> Sequence[Folder]:
        """NOOP, and what it showed."""
        self._news.clear()
        await self._trip()
        self.look()
        found = self.listed()
        await self._trip()
        return found

    def look(self) -> None:
        """Let the view catch up with the server."""
        self._seen = {name: (drawer.validity, drawer.next_uid) for name, drawer in self.server.drawers.items()}

    def listed(self) -> list[Folder]:
        """Return the folders of the view."""
        roles = self.server.drawers
        return [Folder(name, roles[name].role, *seen) for name, seen in self._seen.items()]

    async def fetch(self, folder: Folder, after_uid: int, limit: int = 50) -> Sequence[Fetched]:
        """Return what the view shows above a UID."""
        await self._trip()
        drawer = self._drawer(folder)
        ends = self._seen[folder.name][1]
        shown = (uid for uid in range(after_uid + 1, ends) if uid in drawer.mails)
        return [drawer.mails[uid] for uid in itertools.islice(shown, limit)]

    async def wait(self, seconds: float) -> bool:
        """IDLE: a hint only."""
        if self.server.down:
            raise WireError("the connection is gone")
        return await self.waits(self._news, seconds)

    def attend(self, seconds: float) -> bool:
        """Tell of news at once anyway."""
        del seconds
        return False

    async def find(self, folder: Folder, message_id: str, reference: str) -> int | None:
        """Search."""
        await self._trip()
        drawer = self._drawer(folder)
        found = (drawer.ids.get(name) for name in (message_id.strip("<> "), reference) if name)
        ends = self._seen[folder.name][1]
        return next((uid for uid in found if uid is not None and uid in drawer.mails and uid < ends), None)

    async def append(self, folder: Folder, raw: bytes) -> None:
        """File a copy."""
        await self._trip()
        self.server.drawers[folder.name].add(raw, self.server.now())

    async def move(self, source: Folder, uid: int, target: Folder) -> None:
        """Move one mail."""
        await self._trip()
        mail = self._drawer(source).mails.pop(uid, None)
        if mail is None:
            raise WireError(f"no message {uid} to move")
        self.server.drawers[target.name].add(mail.raw, mail.received_at)

    async def close(self) -> None:
        """Log out."""

    def _drawer(self, folder: Folder) -> Drawer:
        drawer = self.server.drawers[folder.name]
        if drawer.validity != folder.uid_validity:
            raise WireError(f"the UIDs of {folder.name} are others now")
        return drawer

    async def _trip(self) -> None:
        """One round trip: it takes its time, fails, or never ends."""
        await self.server.on_step()
        owner = process()
        server, chance, trouble = self.server, self.server.chance, self.server.trouble
        draw = chance.random()
        if draw < trouble.hangs:
            await asyncio.sleep(self.patience)
            draw = 0.0
        elif draw < trouble.hangs + trouble.slow:
            server.on_slow()
            await asyncio.sleep(chance.uniform(0.3, trouble.longest))
        else:
            await asyncio.sleep(0.002)
        if owner is not None:
            owner.alive()
        if server.down or draw < trouble.hangs or (trouble.fails and chance.random() < trouble.fails):
            raise WireError("the inbox does not answer")


async def _nothing() -> None:
    pass


async def _wait(news: asyncio.Event, seconds: float) -> bool:
    try:
        await asyncio.wait_for(news.wait(), seconds)
    except TimeoutError:
        return False
    return True

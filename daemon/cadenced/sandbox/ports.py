"""The ports of a rehearsal: a mailer that sends to nobody and an inbox that lies in memory. No network, no file."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cadenced import errors
from cadenced.ports import Accepted, Answer, Clock, Deferred, Fetched, Folder, Gate, Outgoing, Refused

FOLDERS: Mapping[str, str] = {"INBOX": "inbox", "Sent": "sent", "Junk": "junk"}
WATCHED: Mapping[str, str] = {"INBOX": "inbox", "Junk": "junk"}
"""Without a folder for what was sent: reading our own copies again would prove nothing and cost a third of the time."""

FIRST_UID = 101
_UID_VALIDITY = 1
_NAMED = re.compile(r"^(?:Message-ID|X-Cadence-Ref):[ \t]*(?:\r?\n[ \t]+)?([^\n]*)", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sent:
    """A message that was taken over, and when."""

    at: datetime
    message: Outgoing


def _names(raw: bytes) -> list[str]:
    """Return the Message-ID and X-Cadence-Ref that stand in a message's header."""
    header = raw.partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    return [value.strip("<> \r") for value in _NAMED.findall(header)]


def take_all(_: Outgoing) -> Refused | None:
    """Refuse nobody."""
    return None


class RehearsalMailer:
    """Takes every message whose gate opens, as a server would; ``refusal`` may say no to a recipient.

    ``told`` is called with each message that was taken.
    """

    def __init__(
        self,
        clock: Clock,
        refusal: Callable[[Outgoing], Refused | None] = take_all,
        told: Callable[[Sent], None] = lambda _: None,
    ) -> None:
        self.sent: list[Sent] = []
        self.may_begin: Callable[[], bool] = lambda: True
        self._clock = clock
        self._refusal = refusal
        self._told = told

    async def submit(self, message: Outgoing, gate: Gate) -> Answer:
        """Take one message over, if its gate opens in time."""
        if not self.may_begin():
            return Deferred("nothing may leave now", "gate")
        refused = self._refusal(message)
        if refused is not None:
            return refused
        deadline = await gate(message)
        if deadline is None:
            return Deferred("the gate stayed shut", "gate")
        if self._clock.monotonic() > deadline:
            return Deferred("the deadline passed before the payload", "gate")
        self.sent.append(Sent(self._clock.now(), message))
        self._told(self.sent[-1])
        return Accepted(f"250 2.0.0 rehearsed {len(self.sent)}")

    async def close(self) -> None:
        """Have nothing to say goodbye to."""


@dataclass(slots=True)
class _Messages:
    """What lies in one folder, by UID; ``seen`` is how far it showed when the folders were last asked for."""

    role: str
    lies: dict[int, Fetched] = field(default_factory=dict)
    uids: itertools.count[int] = field(default_factory=lambda: itertools.count(FIRST_UID))
    by_name: dict[str, int] = field(default_factory=dict)
    next_uid: int = FIRST_UID
    seen: int = 0

    def add(self, raw: bytes, at: datetime) -> None:
        uid = next(self.uids)
        self.lies[uid] = Fetched(uid, raw, at)
        self.by_name.update(dict.fromkeys(_names(raw), uid))
        self.next_uid = uid + 1


class RehearsalInbox:
    """Folders in memory. As with a real server, what has just come shows only after ``folders`` was asked for."""

    def __init__(self, clock: Clock, folders: Mapping[str, str] = FOLDERS) -> None:
        self._clock = clock
        self._folders = {name: _Messages(role) for name, role in folders.items()}
        self._news = asyncio.Event()

    def deliver(self, raw: bytes, folder: str = "INBOX") -> None:
        """Let a message arrive."""
        self._folders[folder].add(raw, self._clock.now())
        self._news.set()

    async def folders(self) -> Sequence[Folder]:
        """Return every folder as it is now."""
        self._news.clear()
        for messages in self._folders.values():
            messages.seen = messages.next_uid
        return [Folder(name, messages.role, _UID_VALIDITY, messages.seen) for name, messages in self._folders.items()]

    async def fetch(self, folder: Folder, after_uid: int, limit: int = 50) -> Sequence[Fetched]:
        """Return what lies above ``after_uid``, as far as the folders showed it."""
        messages = self._messages(folder)
        above = range(max(after_uid + 1, FIRST_UID), messages.seen)
        return list(itertools.islice((messages.lies[uid] for uid in above if uid in messages.lies), limit))

    async def wait(self, seconds: float) -> bool:
        """Return True when something has come since ``folders``; else let ``seconds`` pass."""
        if not self._news.is_set():
            await self._clock.sleep(timedelta(seconds=seconds))
        return self._news.is_set()

    def attend(self, seconds: float) -> bool:  # noqa: ARG002 - the signature of the port
        """Need not be asked: it tells of news at once."""
        return False

    async def find(self, folder: Folder, message_id: str, reference: str) -> int | None:
        """Return the UID of a message by its Message-ID or X-Cadence-Ref."""
        messages = self._messages(folder)
        found = (messages.by_name.get(name) for name in (message_id.strip("<> "), reference) if name)
        return next((uid for uid in found if uid in messages.lies), None)

    async def append(self, folder: Folder, raw: bytes) -> None:
        """File a copy."""
        self._messages(folder).add(raw, self._clock.now())

    async def move(self, source: Folder, uid: int, target: Folder) -> None:
        """Move one message."""
        mail = self._messages(source).lies.pop(uid, None)
        if mail is None:
            raise errors.WireError(f"no message {uid} to move")
        self._messages(target).add(mail.raw, mail.received_at or self._clock.now())

    async def close(self) -> None:
        """Have nothing to log out of."""

    def _messages(self, folder: Folder) -> _Messages:
        found = self._folders.get(folder.name)
        if found is None or folder.uid_validity != _UID_VALIDITY:
            raise errors.WireError(f"there is no folder {folder.name} any more")
        return found

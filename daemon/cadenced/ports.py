"""What the engine needs of the world, as protocols: a clock, a mailer, an inbox, and what they answer.

Each has two implementers: the real one and the one of the rehearsal; one contract suite holds both to the same law.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Time comes in through here and nowhere else."""

    def now(self) -> datetime:
        """Return the wall clock, aware and UTC."""
        ...

    def monotonic(self) -> float:
        """Return seconds that never jump; time-outs and ages are measured with it."""
        ...

    async def sleep(self, span: timedelta) -> None:
        """Return after ``span`` of the wall clock's time."""
        ...


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A frozen message with its envelope: CRLF bytes, not dot-stuffed.

    ``copy_refused`` is set where the server would not take the copy to ourselves: whoever opens the gate must know that
    no copy will ever tell of this message.
    """

    touch: int
    mail_from: str
    recipient: str
    raw: bytes
    message_id: str
    copy_to: str = ""
    copy_refused: bool = False


@dataclass(frozen=True, slots=True)
class Accepted:
    """A complete 2yz after the dot: the server has taken the message over."""

    reply: str


@dataclass(frozen=True, slots=True)
class Refused:
    """A complete 5yz for this message: ``phase`` is ``rcpt``, ``data`` or ``dot``; it was not taken, nor will be."""

    code: int
    text: str
    phase: str


@dataclass(frozen=True, slots=True)
class Deferred:
    """Definitely not sent, and worth another try: 4yz, a lost connection before the payload, a gate that stayed shut.

    ``mailbox_fault`` says that the fault concerns the mailbox as a whole (login, TLS, connection), not this message.
    """

    text: str
    phase: str
    mailbox_fault: bool = False
    permanent: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """The payload went out and no complete answer came back (RFC 1047): nobody can tell."""

    text: str


Answer = Accepted | Refused | Deferred | Unknown
"""A submission has four answers, never a bool."""

Gate = Callable[[Outgoing], Awaitable[float | None]]
"""Awaited between 354 and the payload: returns the monotonic deadline for the payload's first byte, None to abort."""


class Mailer(Protocol):
    """One mailbox's way out. ``may_begin`` is asked before a message is given to the server at all."""

    may_begin: Callable[[], bool]

    async def submit(self, message: Outgoing, gate: Gate) -> Answer:
        """Hand one message over; never raises for what a server or a network does."""
        ...

    async def close(self) -> None:
        """Say goodbye to the server; never raises."""
        ...


@dataclass(frozen=True, slots=True)
class Folder:
    """A mail folder as it is now; ``role`` is ``inbox``, ``sent``, ``drafts``, ``junk``, ``trash``, ``all`` or ""."""

    name: str
    role: str
    uid_validity: int
    uid_next: int


@dataclass(frozen=True, slots=True)
class Fetched:
    """One message as it lies in a folder."""

    uid: int
    raw: bytes
    received_at: datetime | None


class Inbox(Protocol):
    """One mailbox's way in. Every method raises a ``WireError`` when the answer is not certain, never a guess."""

    async def folders(self) -> Sequence[Folder]:
        """Return every selectable folder with its state *as of after this call began* (NOOP first)."""
        ...

    async def fetch(self, folder: Folder, after_uid: int, limit: int = 50) -> Sequence[Fetched]:
        """Return up to ``limit`` messages with a UID above ``after_uid``, in order of UID."""
        ...

    async def wait(self, seconds: float) -> bool:
        """Return True as soon as the inbox may have changed (IDLE), False after ``seconds`` without news."""
        ...

    def attend(self, seconds: float) -> bool:
        """Listen closely for so long, since answers are likely; True where the server is near enough to be asked often.

        The real one then asks several times a second, where servers tell of news by themselves half a second late.
        """
        ...

    async def find(self, folder: Folder, message_id: str, reference: str) -> int | None:
        """Return the UID of the message with this Message-ID or X-Cadence-Ref, None when it is certainly not there."""
        ...

    async def append(self, folder: Folder, raw: bytes) -> None:
        """File a copy, marked as seen."""
        ...

    async def move(self, source: Folder, uid: int, target: Folder) -> None:
        """Move one message."""
        ...

    async def close(self) -> None:
        """Log out; never raises."""
        ...

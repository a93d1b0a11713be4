"""Mail servers inside this process, on loopback and a free port: SMTP by aiosmtpd, IMAP by pymap.

They end with their block:

    async with serve_imap("julie", "secret") as imap, serve_smtp(policy) as smtp:
        ... imap.port, smtp.port, smtp.accepted; await imap.deliver(raw)
"""

from __future__ import annotations

import asyncio
import logging
import time
from argparse import Namespace
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session
from proxyprotocol.reader import ProxyProtocolReader
from pymap.backend.dict import Config, Login
from pymap.backend.dict.mailbox import MailboxData
from pymap.concurrent import Subsystem
from pymap.imap import IMAPServer
from pymap.parsing.message import AppendMessage
from pymap.user import UserMetadata
from pysasl.hashing import Cleartext

HOST = "127.0.0.1"
TALKATIVE = ("mail.log", "mail.debug", "pymap")
"""Loggers of the two libraries, which tell of every connection."""


@dataclass(frozen=True, slots=True)
class Taken:
    """One message that the SMTP server took over: ``monotonic`` is when it answered 250 to the dot."""

    mail_from: str
    recipients: tuple[str, ...]
    raw: bytes
    monotonic: float


Policy = Callable[[str], str]
"""Answers RCPT for an address: ``""`` to take it, else a reply such as ``550 5.1.1 no such user``."""


@dataclass(slots=True)
class SmtpServer:
    """What the SMTP server does, and its record. ``told`` is called with each message as soon as it is taken."""

    policy: Policy = field(default=lambda _: "")
    told: Callable[[Taken], None] = field(default=lambda _: None)
    port: int = 0
    accepted: list[Taken] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    sessions: list[SMTP] = field(default_factory=list)

    @property
    def is_busy(self) -> bool:
        """Whether a message is on its way at this moment."""
        return any(one.envelope is not None and one.envelope.mail_from for one in self.sessions)

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds its hooks by name and order
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        """Answer RCPT by the policy."""
        answer = self.policy(address.lower())
        if answer:
            self.refused.append(address.lower())
            return answer
        envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 - as above
        """Take the message over."""
        raw = envelope.original_content or b""
        recipients = tuple(address.lower() for address in envelope.rcpt_tos)
        taken = Taken(envelope.mail_from or "", recipients, raw, time.monotonic())
        self.accepted.append(taken)
        self.told(taken)
        return f"250 2.0.0 OK {len(self.accepted)}"


@asynccontextmanager
async def serve_smtp(policy: Policy = lambda _: "") -> AsyncIterator[SmtpServer]:
    """Serve SMTP until the block ends."""
    _hush()
    loop = asyncio.get_running_loop()
    served = SmtpServer(policy)

    def session() -> SMTP:
        served.sessions.append(SMTP(served, loop=loop, hostname="localhost", ident="sandbox", enable_SMTPUTF8=True))
        return served.sessions[-1]

    server = await loop.create_server(session, HOST, 0)
    served.port = server.sockets[0].getsockname()[1]
    try:
        yield served
    finally:
        server.close()
        for one in served.sessions:
            if one.transport is not None:
                one.transport.close()
        await asyncio.sleep(0)


class _Settings(Config):
    """pymap's settings without what a process on loopback has no use for: names looked up, threads, slow hashes."""

    def __init__(self) -> None:
        super().__init__(
            Namespace(passlib_cfg=None, proxy_protocol=None),
            host=HOST,
            port=0,
            tls_enabled=False,
            demo_data=False,
            demo_user="",
            demo_password="",
            hash_context=Cleartext(),
            cpu_subsystem=Subsystem.for_asyncio(),
            invalid_user_sleep=0.0,
            reject_dnsbl=False,
        )

    @property
    def greeting(self) -> bytes:
        """Greet without asking a resolver for this machine's name."""
        return b"sandbox ready"


@dataclass(slots=True)
class ImapServer:
    """A mailbox that lies in memory."""

    user: str
    port: int
    _mailboxes: Any

    async def deliver(self, raw: bytes, at: datetime, folder: str = "INBOX") -> None:
        """Put a message into a folder; whoever listens with IDLE hears of it at once."""
        box: MailboxData = await self._mailboxes.get_mailbox(folder)
        await box.append(AppendMessage(raw, at, frozenset()), recent=True)


@asynccontextmanager
async def serve_imap(
    user: str, password: str, folders: tuple[str, ...] = ("Sent", "Junk")
) -> AsyncIterator[ImapServer]:
    """Serve IMAP for one user until the block ends."""
    _hush()
    settings = _Settings()
    settings.apply_context()
    login = Login(settings)
    login.users_dict[user] = UserMetadata(settings, user, password=password)
    talks: set[asyncio.Task[None]] = set()
    answer = ProxyProtocolReader(settings.proxy_protocol).get_callback(IMAPServer(login, settings))

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is not None:
            talks.add(task)
            task.add_done_callback(talks.discard)
        await answer(reader, writer)

    server = await asyncio.start_server(talk, HOST, 0)
    try:
        mailboxes = await _mailboxes(login, settings, user, folders)
        yield ImapServer(user, server.sockets[0].getsockname()[1], mailboxes)
    finally:
        server.close()
        for task in list(talks):
            task.cancel()
        await asyncio.gather(*talks, return_exceptions=True)


async def _mailboxes(login: Login, settings: _Settings, user: str, folders: tuple[str, ...]) -> Any:
    """Make the user's folders and return them."""
    async with _identity(login, user).new_session():
        found = settings.set_cache[user][0]
    for folder in folders:
        await found.add_mailbox(folder)
    return found


def _identity(login: Login, user: str) -> Any:
    from pymap.backend.dict import Identity  # noqa: PLC0415 - not exported; kept in one place

    return Identity(user, login, None, frozenset())


def _hush() -> None:
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)

"""One IMAP connection with a login, and the commands that go over it. One is under way at a time, STATUS excepted."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from aioimaplib import aioimaplib as commands

from cadenced import errors
from cadenced.mail import imap_wire, privacy
from cadenced.mail.imap_channel import Channel, LostError, RefusedCommandError, trouble_told
from cadenced.mail.imap_pace import Pace
from cadenced.mail.imap_wire import Response
from cadenced.mail.privacy import Secret, Security


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """An IMAP server and how to speak with it; spans in seconds.

    ``folder`` is where replies are read, ``sent`` the name of the folder of sent mail (``""``: find it).
    ``renewal`` is the age at which an IDLE is begun anew: before routers forget it, and RFC 2177's 29 minutes;
    ``reconnect`` lies between two attempts to listen, so that a server which ends every connection is not stormed.
    ``pace`` is shared by all mailboxes of one server.
    """

    host: str
    port: int
    security: Security = "tls"
    username: str = ""
    password: Secret = field(default="", repr=False)
    mechanism: Literal["password", "xoauth2"] = "password"
    folder: str = "INBOX"
    sent: str = ""
    connect_timeout: float = 20.0
    timeout: float = 30.0
    renewal: float = 540.0
    reconnect: float = 5.0
    poll: float = 15.0
    max_message: int = 32 * 1024 * 1024
    context: Callable[[], ssl.SSLContext] = privacy.client_context
    pace: Pace = field(default_factory=Pace, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command brought: its untagged responses, and the text of its OK."""

    responses: list[Response]
    text: str


class Connection:
    """A connection with a login; whoever gets a ``WireError`` other than ``RefusedCommandError`` must drop it."""

    def __init__(self, channel: Channel, settings: ImapSettings) -> None:
        self.channel = channel
        self.capabilities: frozenset[str] = frozenset()
        self._settings = settings

    @property
    def is_alive(self) -> bool:
        """Tell whether the connection stands, as far as anybody here knows."""
        return not self.channel.ended

    async def run(self, name: str, *arguments: str, prefix: str = "", patience: float | None = None) -> Answer:
        """Carry out one command; raises ``RefusedCommandError`` for NO and another ``WireError`` for anything worse."""
        tag = self.channel.new_tag()
        # aioimaplib lets commands of one untagged name wait for each other; with the tag for a name they go together.
        command = commands.Command(name, tag, *arguments, prefix=prefix, untagged_resp_name=tag, loop=self.channel.loop)
        return await self.execute(command, patience)

    async def execute(self, command: Any, patience: float | None = None) -> Answer:
        """Carry out a command made by hand."""
        if not self.is_alive:
            raise LostError(self.channel.ended)
        with trouble_told():
            async with asyncio.timeout(patience or self._settings.timeout):
                response = await self.channel.execute(command)
        *lines, text = response.lines
        words = bytes(text).decode("utf-8", "backslashreplace")[:500]
        if response.result != "OK":
            kind = RefusedCommandError if response.result == "NO" else errors.WireError
            raise kind(f"{command.name} answered with {response.result} {words}")
        return Answer(lines, words)

    async def append(self, folder: str, raw: bytes) -> None:
        """File a message as seen; the time allowed grows with its size."""
        if not self.is_alive:
            raise LostError(self.channel.ended)
        self.channel.literal_data = raw
        command = commands.Command(
            "APPEND", self.channel.new_tag(), folder, r"(\Seen)", f"{{{len(raw)}}}", loop=self.channel.loop
        )
        await self.execute(command, self._settings.timeout + len(raw) / 50_000)

    async def ask_capabilities(self) -> None:
        """Ask what the server can do; the answer differs before and after login and TLS."""
        answer = await self.run("CAPABILITY")
        self.capabilities = frozenset(word for line in answer.responses for word in imap_wire.capabilities(line))

    async def leave(self) -> None:
        """Log out, for two seconds at most, and close."""
        with contextlib.suppress(errors.WireError):
            await self.run("LOGOUT", patience=2.0)
        self.drop()

    def drop(self) -> None:
        """Close at once."""
        self.channel.end("dropped")

"""One connection to a submission server: aiosmtplib's client with a strict reader and a hook between 354 and payload.

aiosmtplib 5.1 has no such hook, drops what a server says unasked, reads one reply at a time and tries every login
mechanism in turn (three wrong passwords for one). ``Channel`` and ``Submission`` replace these four things and keep the
rest. They reach into names that are not public, so the version is pinned and a contract test holds the order of bytes.
"""

from __future__ import annotations

import asyncio
import collections
import ssl
from collections.abc import Sequence
from typing import cast

import aiosmtplib
from aiosmtplib.protocol import SMTPProtocol
from aiosmtplib.response import SMTPResponse

from cadenced.mail import replies
from cadenced.mail.replies import GarbageError, Reply

LOST = (aiosmtplib.SMTPServerDisconnected, aiosmtplib.SMTPTimeoutError, GarbageError)
"""No complete reply came; which of the three it was says nothing about what the server did."""


class Channel(SMTPProtocol):
    """The protocol below the client: replies queue in order, and what nobody asked for is noticed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, owner: Submission) -> None:
        super().__init__(loop=loop, connection_lost_callback=owner.on_lost)
        self._reader = replies.ReplyReader()
        self._queue: collections.deque[Reply | Exception] = collections.deque()
        self._arrival: asyncio.Future[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None
        self._patience_ends = 0.0  # by the loop's clock
        self._expected = 1  # the greeting
        self.has_strayed = False

    def data_received(self, data: bytes) -> None:
        """Queue the replies that are due; anything more is a stray (a 421 before closing, an injection)."""
        self.has_strayed = self.has_strayed or self._expected <= 0
        try:
            for reply in self._reader.feed(data):
                self._expected -= 1
                if self._expected < 0:
                    self.has_strayed = True
                else:
                    self._deliver(reply)
        except GarbageError as garbage:
            self.has_strayed = True
            self._deliver(garbage)

    def eof_received(self) -> bool:
        """Close from our side too; replies that came before the end stay readable."""
        self._deliver(aiosmtplib.SMTPServerDisconnected("the server closed the connection"))
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits."""
        super().connection_lost(exc)
        self._set_alarm(None)
        self._deliver(aiosmtplib.SMTPServerDisconnected(f"connection lost ({exc or 'closed'})"))

    def write(self, data: bytes, expecting: int = 1) -> None:
        """Write ``data`` in one piece; ``expecting`` replies are due for it."""
        super().write(data)
        self._expected += expecting

    async def read_reply(self, patience: float | None) -> Reply:
        """Return the next reply due, within ``patience`` seconds; raises one of ``LOST`` when none comes."""
        if not self._queue:
            await self._wait(patience)
        item = self._queue[0]
        if isinstance(item, Exception):  # it stays: whoever asks again hears the same
            raise item
        self._queue.popleft()
        return item

    async def read_response(self, timeout: float | None = None) -> SMTPResponse:  # noqa: ASYNC109 - aiosmtplib's name
        """Return the next reply in aiosmtplib's own form, for the commands that it carries out."""
        reply = await self.read_reply(timeout)
        return SMTPResponse(reply.code, reply.text)

    async def start_tls(
        self,
        tls_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - aiosmtplib's name
    ) -> SMTPResponse:
        """Upgrade; plaintext that came in the same breath as the 220 is an injection and ends the connection."""
        response = await super().start_tls(tls_context, server_hostname, timeout)
        if self.has_strayed or self._reader.is_within_reply:
            raise GarbageError("plaintext after the answer to STARTTLS")
        return response

    def _deliver(self, item: Reply | Exception) -> None:
        self._queue.append(item)
        if self._arrival is not None and not self._arrival.done():
            self._arrival.set_result(None)

    async def _wait(self, patience: float | None) -> None:
        # Not asyncio.wait_for: on Python 3.11 it costs a task, three times for each message.
        if self.transport is None:
            raise aiosmtplib.SMTPServerDisconnected("not connected")
        self._arrival = self._loop.create_future()
        self._set_alarm(None if patience is None else self._loop.time() + patience)
        try:
            await self._arrival
        finally:
            self._arrival = None

    def _set_alarm(self, at: float | None) -> None:
        """Give up at a moment of the loop's clock. An alarm that rings too early sets itself again: one serves many."""
        self._patience_ends = float("inf") if at is None else at
        if self._alarm is not None and (at is None or self._alarm.when() > at):
            self._alarm.cancel()
            self._alarm = None
        if self._alarm is None and at is not None:
            self._alarm = self._loop.call_at(at, self._ring)

    def _ring(self) -> None:
        self._alarm = None
        if self._arrival is None or self._arrival.done():
            return
        if self._patience_ends > self._loop.time():
            self._set_alarm(self._patience_ends)
        else:
            self._deliver(aiosmtplib.SMTPReadTimeoutError("no reply in time"))


class Submission(aiosmtplib.SMTP):
    """One connection and its login; the pool owns it and nobody else writes to it."""

    channel: Channel
    served = 0
    """Transactions behind it: a connection that has served may have been closed by the server in the meantime."""

    @property
    def is_sound(self) -> bool:
        """Tell whether the next bytes may go over this connection: open, and nothing said unasked."""
        return self.is_connected and not self.channel.has_strayed

    def on_lost(self, protocol: SMTPProtocol) -> None:
        """Let go of a connection that ended."""
        self._on_connection_lost(protocol)

    async def greet(self) -> None:
        """Say EHLO where that has not been done since connecting or since STARTTLS."""
        await self._ehlo_or_helo_if_needed()

    async def log_in(self, username: str, secret: str, mechanism: str) -> None:
        """Log in with one mechanism, once: a wrong password tried three times locks an account."""
        offered = self.server_auth_methods
        if mechanism == "xoauth2":
            await self.auth_xoauth2(username, secret)
        elif "plain" in offered:
            await self.auth_plain(username, secret)
        elif "login" in offered:
            await self.auth_login(username, secret)
        elif "cram-md5" in offered:
            await self.auth_crammd5(username, secret)
        else:
            raise aiosmtplib.SMTPNotSupported("the server offers no login that we know")

    def say(self, commands: Sequence[bytes], behind: bytes = b"") -> None:
        """Write ``commands`` in one piece, ``behind`` a payload; each of them has its reply to be heard."""
        lines = b"".join([behind, *(command + b"\r\n" for command in commands)])
        self.channel.write(lines, expecting=len(commands) + bool(behind))

    async def hear(self, patience: float) -> Reply:
        """Return the next reply; raises one of ``LOST``."""
        return await self.channel.read_reply(patience)

    async def ask(self, command: bytes, patience: float) -> Reply:
        """Say one command and hear its reply; raises one of ``LOST``."""
        self.say([command])
        return await self.hear(patience)

    def drop(self) -> None:
        """End the connection at once: nothing that is still unwritten leaves."""
        if self.transport is not None:
            cast(asyncio.WriteTransport, self.transport).abort()
        self.close()

    async def leave(self, patience: float) -> None:
        """Say QUIT and close, whatever the answer: what was accepted is the server's since its 250."""
        try:
            await self.ask(b"QUIT", patience)
        except LOST:
            pass
        finally:
            self.drop()

    async def _create_connection(self, timeout: float | None) -> SMTPResponse:  # noqa: ASYNC109 - aiosmtplib's name
        loop = asyncio.get_running_loop()
        context = self.tls_context if self.use_tls else None
        handshake = timeout if context else None
        async with asyncio.timeout(timeout):
            transport, channel = await loop.create_connection(
                lambda: Channel(loop, self),
                self.hostname or "",
                self.port or 0,
                ssl=context,
                ssl_handshake_timeout=handshake,
                happy_eyeballs_delay=0.25,
            )
        self.channel = self.protocol = channel
        self.transport = transport
        self.local_hostname = _literal(transport)
        greeting = await channel.read_reply(timeout)
        if greeting.code != 220:
            raise aiosmtplib.SMTPConnectResponseError(greeting.code, greeting.text)
        return SMTPResponse(greeting.code, greeting.text)


def _literal(transport: asyncio.BaseTransport) -> str:
    # RFC 5321, 4.1.4: a client without a name of its own says its address; asking a resolver may take seconds.
    ip = str(transport.get_extra_info("sockname")[0]).partition("%")[0]
    return f"[IPv6:{ip}]" if ":" in ip else f"[{ip}]"

"""Waiting for news: a connection of its own that IDLEs (RFC 2177), or asks now and then where IDLE is not known.

Where answers are likely and the server is near, it asks several times a second: servers gather news for a while
before they tell of it (Dovecot 0.5 s, and no client can change that), but answer NOOP at once.

What it hears is a reason to look, never proof that there is nothing (IDLE wakes, NOOP decides).
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aioimaplib import aioimaplib as commands

from cadenced import errors
from cadenced.mail import imap_names, privacy
from cadenced.mail.imap_channel import LostError, trouble_told
from cadenced.mail.imap_connection import Connection, ImapSettings
from cadenced.mail.imap_pace import Nearness


class Watch:
    """Listens on one folder; connects when first asked, and again whenever the connection ended."""

    def __init__(self, settings: ImapSettings, connect: Callable[[], Awaitable[Connection]]) -> None:
        self._settings = settings
        self._new_connection = connect
        self._connection: Connection | None = None
        self._idle: asyncio.Task[object] | None = None
        self._asked_at = 0.0
        self._close_until = float("-inf")
        self._is_close = False
        self._nearness = Nearness(in_house=privacy.is_loopback(settings.host))
        self._tried_at = float("-inf")
        self._is_listening = False
        self._lock = asyncio.Lock()

    async def wait(self, seconds: float) -> bool:
        """Return True when the folder may have changed, False after ``seconds`` without news.

        A connection that is new, or just ended, is news: nobody listened for a while. Raises ``WireError``.
        """
        async with self._lock:
            try:
                return await self._wait(asyncio.get_running_loop().time() + seconds)
            except LostError:
                self._drop()
                return True
            except BaseException:
                if not self._is_listening:  # cancelled in the middle of a command, or worse
                    self._drop()
                raise

    def attend(self, seconds: float) -> bool:
        """Listen closely for so long; False where the server is too far away for that."""
        now = asyncio.get_running_loop().time()
        was_close = self._wants_closeness()
        self._close_until = max(self._close_until, now + seconds)
        if self._wants_closeness() and not was_close and self._connection is not None:
            self._connection.channel.news.set()  # whoever listens now, listens closely from now on
        return not self._nearness.is_far(now)

    async def close(self) -> None:
        """Stop listening; never raises."""
        self._come_close(is_close=False)
        connection = self._connection
        with contextlib.suppress(errors.WireError, asyncio.CancelledError):
            await self._end_idle()
            if connection is not None:
                await connection.leave()
        self._drop()

    async def _wait(self, until: float) -> bool:
        loop = asyncio.get_running_loop()
        if self._connection is None:
            begin = self._tried_at + self._settings.reconnect
            await asyncio.sleep(max(0.0, min(until, begin) - loop.time()))
            if begin > until:
                return False
            self._tried_at = loop.time()
            await self._connect()
            return True
        connection, channel = self._connection, self._connection.channel
        while not channel.news.is_set():
            await self._listen(connection)
            self._is_listening = True
            await _pause(channel.news, min(until, self._next_command()) - loop.time())
            self._is_listening = False
            if loop.time() >= until and not channel.news.is_set():
                return False
        channel.news.clear()
        if not connection.is_alive:
            self._drop()
        return True

    async def _connect(self) -> None:
        self._connection = connection = await self._new_connection()
        folder = imap_names.quote(imap_names.encode(self._settings.folder))
        await connection.run("EXAMINE", folder)
        connection.channel.state = commands.SELECTED
        connection.channel.news.clear()
        await self._listen(connection)

    async def _listen(self, connection: Connection) -> None:
        """Make sure that an IDLE is under way and young, or that it was asked for news just now."""
        loop = asyncio.get_running_loop()
        self._come_close(is_close=self._wants_closeness())
        if loop.time() < self._next_command() and connection.is_alive:
            return
        await self._end_idle()
        self._asked_at = loop.time()
        if "IDLE" in connection.capabilities and not self._is_close:
            await self._begin_idle(connection)
        else:
            await connection.run("NOOP")
            self._nearness.note(loop.time() - self._asked_at, loop.time())

    def _wants_closeness(self) -> bool:
        now = asyncio.get_running_loop().time()
        return now < self._close_until and not self._nearness.is_far(now)

    def _come_close(self, *, is_close: bool) -> None:
        """Count among those that listen closely, or do not any more."""
        self._settings.pace.close += is_close - self._is_close
        self._is_close = is_close

    def _next_command(self) -> float:
        if self._is_close:
            return self._asked_at + self._settings.pace.rhythm
        if self._connection is not None and "IDLE" in self._connection.capabilities:
            is_idle = self._idle is not None and not self._idle.done()
            return self._asked_at + self._settings.renewal if is_idle else 0.0
        return self._asked_at + self._settings.poll

    async def _begin_idle(self, connection: Connection) -> None:
        channel = connection.channel
        channel.has_strayed = False
        command = commands.IdleCommand(channel.new_tag(), channel.idle_queue, loop=channel.loop)
        # It ends with our DONE or the connection; its time-out is only there to end some time.
        idle = asyncio.create_task(connection.execute(command, self._settings.renewal * 2), name="imap-idle")
        idle.add_done_callback(_look)
        acknowledged = asyncio.create_task(channel.wait_for_idle_response(), name="imap-idle-begins")
        try:
            await asyncio.wait({idle, acknowledged}, timeout=self._settings.timeout, return_when="FIRST_COMPLETED")
            has_begun = acknowledged.done()
        finally:
            acknowledged.cancel()
            self._idle = idle
        if not has_begun:
            raise errors.WireError(channel.ended or "the server does not begin to IDLE")

    async def _end_idle(self) -> None:
        idle, self._idle = self._idle, None
        if idle is None or self._connection is None:
            return
        if not idle.done():
            self._connection.channel.send("DONE")
            with trouble_told():  # never by wait_for: it forgets a cancellation that comes together with the answer
                async with asyncio.timeout(self._settings.timeout):
                    await idle

    def _drop(self) -> None:
        self._is_listening = False
        self._come_close(is_close=False)
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        if self._connection is not None:
            self._connection.drop()
            self._connection = None


async def _pause(event: asyncio.Event, seconds: float) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):
            await event.wait()


def _look(idle: asyncio.Task[object]) -> None:
    if not idle.cancelled():
        idle.exception()  # whoever waits hears of it through ``news``

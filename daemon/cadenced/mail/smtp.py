"""Submission (RFC 6409): one mailbox's way out, as a pool of connections to one server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta

import aiosmtplib
import tenacity

from cadenced import errors, ports
from cadenced.mail import envelope, transaction
from cadenced.mail.logins import LoginGuard
from cadenced.mail.submission import LOST, Submission
from cadenced.mail.transaction import BeforePayloadError, SmtpSettings
from cadenced.mail.turns import Turn, Turns

__all__ = ["Pool", "SmtpSettings"]

TRUSTED_IDLE = 5.0
"""Seconds after which an idle connection is asked with NOOP before it carries a message."""


class Pool:
    """Up to ``settings.connections`` connections, kept open while there is something to send; a ``ports.Mailer``.

    ``may_begin`` is asked before a message is given a connection, or the next one's transaction is opened.
    """

    def __init__(self, settings: SmtpSettings, clock: ports.Clock) -> None:
        self._settings = settings
        self._clock = clock
        self.may_begin: Callable[[], bool] = _always
        self._turns = Turns(settings.connections)
        self._ahead: dict[Submission, Turn] = {}
        self._opens_ahead = True
        self._idle: list[tuple[float, Submission]] = []
        self._reaper: asyncio.Task[None] | None = None
        self._guard = LoginGuard(clock.monotonic)
        self._is_closed = False

    async def submit(self, message: ports.Outgoing, gate: ports.Gate) -> ports.Answer:
        """Hand one message over; raises only what ``gate`` raises, and ``CancelledError``.

        Cancelled before the payload, nothing left; cancelled after it, nobody knows: take it for ``Unknown``.
        """
        try:
            envelope.check_address(message.recipient)
            payload = envelope.payload(message.raw)
        except errors.RefusedError as error:
            return transaction.refused_here(error)
        opened = await self._turns.wait(message)
        try:
            return await self._submit(message, payload, gate, opened)
        except BeforePayloadError as nothing_sent:
            return nothing_sent.answer
        finally:
            self._turns.end()

    async def close(self) -> None:
        """Say QUIT on every idle connection; what is on the wire ends by itself and its connection then closes too."""
        self._is_closed = True
        if self._reaper is not None:
            self._reaper.cancel()
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.leave(patience=2.0) for _, session in idle))

    async def _submit(
        self, message: ports.Outgoing, payload: bytes, gate: ports.Gate, opened: Submission | None
    ) -> ports.Answer:
        self._demand_leave(opened)
        session = opened or await self._take_idle()
        if session is not None:
            try:
                return await self._carry(session, message, payload, gate, is_open=opened is not None)
            except BeforePayloadError as nothing_sent:
                if opened is not None and isinstance(nothing_sent.__cause__, aiosmtplib.SMTPTimeoutError):
                    self._opens_ahead = False  # this server seems to throw away what stands behind a dot
                if not nothing_sent.passing:
                    raise
        return await self._carry(await self._open(), message, payload, gate)

    def _demand_leave(self, opened: Submission | None) -> None:
        """Begin nothing in a closed pool, or where nothing may leave now: whoever waits is told so at once."""
        if not self._is_closed and self.may_begin():
            return
        if opened is not None:
            opened.drop()  # it waits for a message that does not come
        shut = ports.Deferred("the pool was closed", "connect")
        raise BeforePayloadError(shut if self._is_closed else ports.Deferred("nothing may leave now", "gate"))

    async def _carry(
        self, session: Submission, message: ports.Outgoing, payload: bytes, gate: ports.Gate, *, is_open: bool = False
    ) -> ports.Answer:
        """Run one transaction; the connection serves others only when its state is certain."""
        usable = False
        try:
            patience = self._settings.command_timeout
            ready = await transaction.prepare(session, message, patience, is_open=is_open)
            answer = await self._hand_over(session, payload, await gate(ready))
            usable = not isinstance(answer, ports.Unknown)
        except BeforePayloadError as nothing_sent:
            usable = nothing_sent.usable and session.is_sound and await _answers(session, b"RSET")
            raise
        finally:
            self._let_go(session, usable=usable and session.is_sound and not self._is_closed)
        return answer

    async def _hand_over(self, session: Submission, payload: bytes, deadline: float | None) -> ports.Answer:
        """Write payload and dot, unless it is too late for them, and hear what comes of it.

        Behind them goes what opens the next one's transaction, where one waits that may begin.
        """
        if deadline is None:
            raise BeforePayloadError(ports.Deferred("the gate stayed shut", "gate"))
        if not session.is_sound:
            gone = ports.Deferred("the server went away while the gate was asked", "gate", mailbox_fault=True)
            raise BeforePayloadError(gone)
        commands = self._open_ahead(session)
        if self._clock.monotonic() > deadline:  # nothing is awaited between this line and the write
            raise BeforePayloadError(ports.Deferred("the deadline passed before the payload", "gate"))
        session.say(commands, behind=payload)
        try:
            return transaction.judge_dot(await session.hear(self._settings.dot_timeout))
        except LOST as loss:
            return transaction.unknown(loss)

    def _open_ahead(self, session: Submission) -> Sequence[bytes]:
        """Return what opens the next one's transaction on this connection, nothing where that must not be."""
        message = self._turns.next
        if message is None or not self._opens_ahead or self._is_closed or not self.may_begin():
            return ()
        commands = transaction.in_one_breath(session, message)
        if commands:
            self._ahead[session] = self._turns.open_ahead()
        return commands

    def _let_go(self, session: Submission, *, usable: bool) -> None:
        """Give a connection on to whom it was opened for, or back to the pool; drop one whose state is not certain."""
        ahead = self._ahead.pop(session, None)
        if ahead is None and usable:
            self._put_idle(session)
        elif ahead is not None and usable and self._turns.begin(ahead, session):
            session.served += 1
        else:
            session.drop()
            if ahead is not None:
                self._turns.recall(ahead)

    async def _open(self) -> Submission:
        """Return a new connection with its login; until one login was accepted they go one by one."""
        self._demand_login()
        session = await self._connect()
        if self._guard.is_proven:
            return await self._log_in(session)
        async with self._guard.turn:
            return await self._log_in(session)

    def _demand_login(self) -> None:
        try:
            self._guard.demand()
        except errors.LoginRefusedError as error:
            refused = ports.Deferred(str(error), "auth", mailbox_fault=True, permanent=True)
            raise BeforePayloadError(refused) from error

    async def _connect(self) -> Submission:
        """Connect; tried again, within bounds, for what passes by itself."""
        retrying = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(3) | tenacity.stop_after_delay(30),
            wait=tenacity.wait_random_exponential(multiplier=0.25, max=2.0),
            retry=tenacity.retry_if_exception(lambda error: isinstance(error, BeforePayloadError) and error.passing),
            sleep=lambda seconds: self._clock.sleep(timedelta(seconds=seconds)),
            reraise=True,
        )
        session: Submission = await retrying(transaction.connect, self._settings)
        return session

    async def _log_in(self, session: Submission) -> Submission:
        try:
            self._demand_login()
            await transaction.make_private(session, self._settings)
            await self._log_in_once(session)
        except BaseException:
            session.drop()
            raise
        self._guard.accepted()
        return session

    async def _log_in_once(self, session: Submission) -> None:
        try:
            await transaction.log_in(session, self._settings)
        except BeforePayloadError as error:
            if error.is_permanent:
                self._guard.refused(error.answer.text)
            raise

    async def _take_idle(self) -> Submission | None:
        """Return the connection used last, if it is sound; one idle for long is asked first."""
        while self._idle:
            since, session = self._idle.pop()
            is_recent = self._clock.monotonic() - since < TRUSTED_IDLE
            if session.is_sound and (is_recent or await _answers(session, b"NOOP")):
                return session
            session.drop()
        return None

    def _put_idle(self, session: Submission) -> None:
        session.served += 1
        self._idle.append((self._clock.monotonic(), session))
        if self._reaper is None or self._reaper.done():
            self._reaper = asyncio.create_task(self._reap(), name="smtp-pool-reaper")

    async def _reap(self) -> None:
        """Close what has been idle for ``idle_timeout``; ends when nothing is idle."""
        span = self._settings.idle_timeout
        while self._idle:
            oldest = min(since for since, _ in self._idle)
            await self._clock.sleep(timedelta(seconds=max(0.05, oldest + span - self._clock.monotonic())))
            now = self._clock.monotonic()
            old = [session for since, session in self._idle if now - since >= span]
            self._idle = [(since, session) for since, session in self._idle if now - since < span]
            await asyncio.gather(*(session.leave(patience=2.0) for session in old))


def _always() -> bool:
    return True


async def _answers(session: Submission, command: bytes) -> bool:
    try:
        return (await session.ask(command, patience=5.0)).is_done
    except LOST:
        return False
    except asyncio.CancelledError:
        session.drop()
        raise

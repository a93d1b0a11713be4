"""Submission (RFC 6409): one mailbox's way out, as a pool of connections to one server."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import tenacity

from cadenced import errors, ports
from cadenced.mail import envelope, transaction
from cadenced.mail.logins import LoginGuard
from cadenced.mail.submission import LOST, Submission
from cadenced.mail.transaction import BeforePayloadError, SmtpSettings

__all__ = ["Pool", "SmtpSettings"]

TRUSTED_IDLE = 5.0
"""Seconds after which an idle connection is asked with NOOP before it carries a message."""


class Pool:
    """Up to ``settings.connections`` connections, kept open while there is something to send; a ``ports.Mailer``."""

    def __init__(self, settings: SmtpSettings, clock: ports.Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._slots = asyncio.Semaphore(settings.connections)
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
        if self._is_closed:
            return ports.Deferred("the pool was closed", "connect")
        async with self._slots:
            try:
                return await self._submit(message, payload, gate)
            except BeforePayloadError as nothing_sent:
                return nothing_sent.answer

    async def close(self) -> None:
        """Say QUIT on every idle connection; what is on the wire ends by itself and its connection then closes too."""
        self._is_closed = True
        if self._reaper is not None:
            self._reaper.cancel()
        idle, self._idle = self._idle, []
        await asyncio.gather(*(session.leave(patience=2.0) for _, session in idle))

    async def _submit(self, message: ports.Outgoing, payload: bytes, gate: ports.Gate) -> ports.Answer:
        session = await self._take_idle()
        if session is not None:
            try:
                return await self._carry(session, message, payload, gate)
            except BeforePayloadError as nothing_sent:
                if not nothing_sent.passing:
                    raise
        return await self._carry(await self._open(), message, payload, gate)

    async def _carry(
        self, session: Submission, message: ports.Outgoing, payload: bytes, gate: ports.Gate
    ) -> ports.Answer:
        """Run one transaction; the connection goes back to the pool only when its state is certain."""
        usable = False
        try:
            ready = await transaction.prepare(session, message, self._settings.command_timeout)
            answer = await self._hand_over(session, payload, await gate(ready))
            usable = not isinstance(answer, ports.Unknown)
        except BeforePayloadError as nothing_sent:
            usable = nothing_sent.usable and session.is_sound and await _answers(session, b"RSET")
            raise
        finally:
            if usable and session.is_sound and not self._is_closed:
                self._put_idle(session)
            else:
                session.drop()
        return answer

    async def _hand_over(self, session: Submission, payload: bytes, deadline: float | None) -> ports.Answer:
        """Write payload and dot, unless it is too late for them, and hear what comes of it."""
        if deadline is None:
            raise BeforePayloadError(ports.Deferred("the gate stayed shut", "gate"))
        if not session.is_sound:
            gone = ports.Deferred("the server went away while the gate was asked", "gate", mailbox_fault=True)
            raise BeforePayloadError(gone)
        if self._clock.monotonic() > deadline:  # nothing is awaited between this line and the write
            raise BeforePayloadError(ports.Deferred("the deadline passed before the payload", "gate"))
        session.channel.write(payload)
        try:
            return transaction.judge_dot(await session.hear(self._settings.dot_timeout))
        except LOST as loss:
            return transaction.unknown(loss)

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


async def _answers(session: Submission, command: bytes) -> bool:
    try:
        return (await session.ask(command, patience=5.0)).is_done
    except LOST:
        return False
    except asyncio.CancelledError:
        session.drop()
        raise

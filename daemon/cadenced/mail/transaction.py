"""One message over one connection: from the TCP connection to the 354, and what each reply on the way means.

What an answer means is decided by the phase in which it came and never by an exception's type: the same lost connection
is nothing before the payload and a doubt after it (RELIABILITY 0, 5).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import aiosmtplib

from cadenced import errors, ports
from cadenced.mail import envelope, faults, privacy, replies
from cadenced.mail.privacy import Secret, Security
from cadenced.mail.replies import Reply
from cadenced.mail.submission import LOST, Submission

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SmtpSettings:
    """A submission server and how to speak with it; spans in seconds.

    ``dot_timeout`` is RFC 5321's ten minutes (4.5.3.2.6): a shorter one makes doubts out of slow servers.
    """

    host: str
    port: int
    security: Security = "starttls"
    username: str = ""
    password: Secret = field(default="", repr=False)
    mechanism: Literal["password", "xoauth2"] = "password"
    connections: int = 4
    connect_timeout: float = 20.0
    command_timeout: float = 60.0
    dot_timeout: float = 600.0
    idle_timeout: float = 60.0
    context: Callable[[], ssl.SSLContext] = privacy.client_context


class BeforePayloadError(Exception):
    """The transaction ended before its payload, so nothing was sent.

    ``usable``: the connection can serve again after RSET. ``passing``: worth another connection at once.
    """

    def __init__(self, answer: ports.Deferred | ports.Refused, *, usable: bool = False, passing: bool = False) -> None:
        super().__init__(answer.text)
        self.answer = answer
        self.usable = usable
        self.passing = passing

    @property
    def is_permanent(self) -> bool:
        """Tell whether trying again would only do harm."""
        return isinstance(self.answer, ports.Refused) or self.answer.permanent


async def connect(settings: SmtpSettings) -> Submission:
    """Return a connection after its greeting; raises ``BeforePayloadError``."""
    try:
        privacy.demand_privacy(settings.security, settings.host)
    except errors.TlsRefusedError as error:
        raise _fault(str(error), "tls") from error
    session = Submission(
        hostname=settings.host,
        port=settings.port,
        local_hostname="localhost",
        timeout=settings.connect_timeout,
        use_tls=settings.security == "tls",
        start_tls=False,  # never None, which logs in in clear where STARTTLS was stripped; make_private asks for it
        tls_context=settings.context() if settings.security != "none" else None,
    )
    try:
        await session.connect()
    except ssl.SSLError as error:
        raise _fault(f"TLS refused: {faults.words(error)}", "tls") from error
    except aiosmtplib.SMTPConnectResponseError as error:
        text = f"greeted with {error.code} {error.message}"
        raise _fault(text, "connect", passing=error.code < 500) from error
    except (OSError, *LOST) as error:
        raise _fault(f"cannot connect: {faults.words(error, settings.host)}", "connect", passing=True) from error
    return session


async def make_private(session: Submission, settings: SmtpSettings) -> None:
    """Upgrade to TLS where that is due and say EHLO; raises ``BeforePayloadError``, nothing secret said so far."""
    phase = "tls" if settings.security == "starttls" else "connect"
    try:
        if settings.security == "starttls":
            await session.starttls(timeout=settings.connect_timeout)
        await session.greet()
    except (aiosmtplib.SMTPException, replies.GarbageError, OSError) as error:
        raise _fault(f"no private connection: {faults.words(error)}", phase) from error
    if settings.security != "none" and session.get_transport_info("sslcontext") is None:
        raise _fault("the connection is not encrypted", "tls")


async def log_in(session: Submission, settings: SmtpSettings) -> None:
    """Log in where a user name is set; raises ``BeforePayloadError``, ``permanent`` for a definite refusal."""
    if not settings.username:
        return
    secret = await _fetch(settings.password)
    try:
        await session.log_in(settings.username, secret, settings.mechanism)
    except aiosmtplib.SMTPResponseException as error:
        text = f"login: {error.code} {privacy.without_secrets(error.message, secret)}"
        refused = ports.Deferred(text, "auth", mailbox_fault=True, permanent=error.code >= 500)
        privacy.tell_refused(settings.password)
        raise BeforePayloadError(refused) from None  # the cause may hold the secret
    except (aiosmtplib.SMTPException, *LOST) as error:
        raise _fault(f"login: {privacy.without_secrets(faults.words(error), secret)}", "auth") from None


async def _fetch(secret: Secret) -> str:
    try:
        return secret if isinstance(secret, str) else await asyncio.to_thread(secret)
    except (OSError, errors.CadencedError) as error:
        raise _fault(f"no password: {faults.words(error)}", "auth") from error


async def prepare(
    session: Submission, message: ports.Outgoing, patience: float, *, is_open: bool = False
) -> ports.Outgoing:
    """Bring the transaction to its 354, in one write and one round trip with PIPELINING (RFC 2920).

    ``is_open``: its commands went out behind the payload before. Returns the message as it will go: a server may refuse
    the copy to ourselves. Raises ``BeforePayloadError``.
    """
    if is_open:
        await _hear_all(session, patience)
        return message
    try:
        addressed = envelope.address(message, session.esmtp_extensions)
    except errors.RefusedError as error:
        raise BeforePayloadError(refused_here(error), usable=True) from error
    if addressed.copy:
        # Not in one write: were the prospect's RCPT refused, the copy's would still bring a 354.
        stages = [("mail", addressed.mail), ("rcpt", addressed.recipient), ("copy", addressed.copy), ("data", b"DATA")]
        copied = await _say_each(session, stages, patience)
        return message if copied else replace(message, copy_to="", copy_refused=True)
    commands = _commands(addressed)
    if session.supports_extension("pipelining"):
        await _say_at_once(session, commands, patience)
    else:
        await _say_each(session, list(zip(_STAGES, commands, strict=True)), patience)
    return message


def in_one_breath(session: Submission, message: ports.Outgoing) -> Sequence[bytes]:
    """Return the commands up to DATA where they may follow a payload unanswered, nothing where they may not.

    They may not where a server knows no PIPELINING or cannot carry the message, or where a copy goes along.
    """
    if message.copy_to or not session.supports_extension("pipelining"):
        return ()
    try:
        return _commands(envelope.address(message, session.esmtp_extensions))
    except errors.RefusedError:
        return ()


_STAGES = ("mail", "rcpt", "data")


def _commands(addressed: envelope.Envelope) -> tuple[bytes, ...]:
    return addressed.mail, addressed.recipient, b"DATA"


async def _say_each(session: Submission, commands: list[tuple[str, bytes]], patience: float) -> bool:
    """Say one command after the other; returns False where the copy was refused."""
    copied = True
    for stage, line in commands:
        try:
            reply = await session.ask(line, patience)
        except LOST as loss:
            raise _lost(session, stage, loss) from loss
        if trouble := _judge(session, stage, reply):
            raise trouble
        copied = copied and (stage != "copy" or reply.is_done)
    return copied


async def _say_at_once(session: Submission, commands: Sequence[bytes], patience: float) -> None:
    try:
        session.say(commands)
    except LOST as loss:
        raise _lost(session, "mail", loss) from loss
    await _hear_all(session, patience)


async def _hear_all(session: Submission, patience: float) -> None:
    """Hear what MAIL, RCPT and DATA were answered, which were said in one breath."""
    trouble: BeforePayloadError | None = None
    stage = "mail"
    try:
        for stage in _STAGES:
            reply = await session.hear(patience)
            if trouble is not None and reply.code == 354:
                trouble.usable = False  # the server waits for a message that it must not get
            trouble = trouble or _judge(session, stage, reply)
    except LOST as loss:
        if trouble is not None:
            trouble.usable = False
        raise trouble or _lost(session, stage, loss) from loss
    if trouble is not None:
        raise trouble


def _judge(session: Submission, stage: str, reply: Reply) -> BeforePayloadError | None:
    """Return what a reply before the payload means, None when the transaction may go on."""
    if (reply.code == 354) if stage == "data" else reply.is_done:
        return None
    if reply.code == 421:
        passing = stage == "mail" and session.served > 0
        return _fault(str(reply), _phase(stage), passing=passing)
    if stage == "copy":
        log.warning("copy refused", extra={"reply": str(reply)})
        return None
    return BeforePayloadError(_refusal(stage, reply), usable=True)


def _refusal(stage: str, reply: Reply) -> ports.Deferred | ports.Refused:
    ours = replies.concerns_mailbox(reply)
    if stage == "mail" and reply.is_permanent and not replies.concerns_size(reply):
        ours = True  # a sender who is refused is refused for everybody; no prospect is to blame
    if reply.is_permanent and not ours:
        return ports.Refused(reply.code, reply.text, "data" if stage == "mail" else stage)
    return ports.Deferred(str(reply), stage, mailbox_fault=ours)


def judge_dot(reply: Reply) -> ports.Answer:
    """Return what a complete reply to the dot means; 421 is a goodbye and tells nothing of the message."""
    if reply.is_done:
        return ports.Accepted(str(reply))
    if reply.code == 421 or reply.code < 400:
        return ports.Unknown(f"after the payload: {reply}")
    ours = replies.concerns_mailbox(reply)
    if reply.is_permanent and not ours:
        return ports.Refused(reply.code, reply.text, "dot")
    return ports.Deferred(str(reply), "dot", mailbox_fault=ours)


def refused_here(error: errors.RefusedError) -> ports.Refused:
    """Return the answer for a message that is never given to any server; its code is 0."""
    return ports.Refused(0, str(error), "rcpt" if isinstance(error, errors.AddressError) else "data")


def unknown(loss: BaseException) -> ports.Unknown:
    """Return the answer for a payload that went out without a complete reply."""
    return ports.Unknown(f"no complete answer after the payload: {faults.words(loss)}"[:500])


def _lost(session: Submission, stage: str, loss: BaseException) -> BeforePayloadError:
    return _fault(faults.words(loss), _phase(stage), passing=stage == "mail" and session.served > 0)


def _fault(text: str, phase: str, *, passing: bool = False) -> BeforePayloadError:
    answer = ports.Deferred(" ".join(text.split())[:500], phase, mailbox_fault=True)
    return BeforePayloadError(answer, passing=passing)


def _phase(stage: str) -> str:
    return "rcpt" if stage == "copy" else stage

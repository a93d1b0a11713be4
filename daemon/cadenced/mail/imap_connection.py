"""One IMAP connection: aioimaplib's commands on a reader, a way to TLS and an end that everybody hears of.

What aioimaplib 2.0.3 is not trusted with, and why: reading (see ``imap_wire``); connecting (``IMAP4_SSL`` takes no
``conn_lost_cb``, a failed greeting is waited for until the time-out); STARTTLS (there is none); LOGIN (the user's name
is not quoted) and XOAUTH2 (a refusal is never acknowledged, so it hangs; the token stands in the debug log); time-outs
(a command on a lost connection waits for all of its own).
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal, cast

import aioimaplib
from aioimaplib import aioimaplib as commands

from cadenced import errors
from cadenced.mail import imap_names, imap_wire, privacy
from cadenced.mail.imap_wire import Response
from cadenced.mail.privacy import Secret, Security


@dataclass(frozen=True, slots=True)
class ImapSettings:
    """An IMAP server and how to speak with it; spans in seconds.

    ``folder`` is where replies are read, ``sent`` the name of the folder of sent mail (``""``: find it).
    ``renewal`` is the age at which an IDLE is begun anew: before routers forget it, and RFC 2177's 29 minutes;
    ``reconnect`` lies between two attempts to listen, so that a server which ends every connection is not stormed.
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


class RefusedCommandError(errors.WireError):
    """The server answered NO: the connection is sound, the command is not carried out."""


class LostError(errors.WireError):
    """The connection ended under a command."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a command brought: its untagged responses, and the text of its OK."""

    responses: list[Response]
    text: str


class Channel(aioimaplib.IMAP4ClientProtocol):  # type: ignore[misc]  # aioimaplib has no types
    """aioimaplib's protocol with a reader of our own; ``news`` is set by whatever may mean that a folder changed."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.greeting: asyncio.Future[Response] = loop.create_future()
        self.news = asyncio.Event()
        self.ended = ""
        self.sasl: list[bytes] = []
        self.has_strayed = False
        self._framer = imap_wire.Framer()

    @property
    def is_quiet(self) -> bool:
        """Tell whether all that came was asked for, to its end."""
        return not (self.has_strayed or self._framer.is_within_response)

    def data_received(self, data: bytes) -> None:
        """Take whole responses in order; anything that is no IMAP ends the connection."""
        try:
            for response in self._framer.feed(data):
                self._take(response)
        except aioimaplib.AioImapException:  # its text repeats the command under way: LOGIN with the password
            self.end("an answer to a command that was never given")
        except (imap_wire.GarbageError, ValueError) as error:
            self.end(f"not IMAP: {error}")

    def connection_lost(self, exc: Exception | None) -> None:
        """Wake whoever waits, for an answer or for news."""
        self.end(self.ended or f"connection lost ({exc or 'closed'})")

    def send(self, line: str, scrub: str | None = None) -> None:  # noqa: ARG002 - nothing is logged, so nothing scrubbed
        """Write a command, without telling any log."""
        self.transport.write(line.encode("utf-8", "surrogateescape") + b"\r\n")

    def end(self, why: str) -> None:
        """Close at once and fail what is under way."""
        self.ended = self.ended or why
        self.news.set()
        if not self.greeting.done():
            self.greeting.set_exception(LostError(self.ended))
            self.greeting.exception()  # nobody may be waiting for it
        for command in self._pending():
            command._exception = LostError(self.ended)  # there is no other way to fail it
            command.close(b"", "KO")
        if self.transport is not None:
            self.transport.abort()

    def _take(self, response: Response) -> None:
        head = response.head
        if not self.greeting.done():
            self.greeting.set_result(response)
        elif head.startswith(b"* "):
            self._take_untagged(response)
        elif head.startswith(b"+"):
            self._continuation(head)
        else:
            self._response_done(head)

    def _take_untagged(self, response: Response) -> None:
        word = response.head[2:12].upper()
        pending = self._pending()
        self.has_strayed = self.has_strayed or not pending
        if word.startswith(b"BYE"):
            self.ended = self.ended or f"the server said {response.head[2:200].decode('utf-8', 'replace')}"
            self.news.set()
            return
        if word[:1].isdigit():
            self.news.set()
        if pending and pending[0].name != "IDLE":
            pending[0].append_to_resp(response)

    def _continuation(self, line: bytes) -> None:
        under_way = "" if self.pending_sync_command is None else self.pending_sync_command.name
        if under_way == "AUTHENTICATE":
            # A second challenge is a complaint: an empty answer brings the NO that the server owes (RFC 7628, 3.2.3).
            self.transport.write((self.sasl.pop() if self.sasl else b"") + b"\r\n")
        elif self.pending_sync_command is None or (self.pending_sync_command.name, self.literal_data) == (
            "APPEND",
            None,
        ):
            raise imap_wire.GarbageError("a go-ahead for nothing")
        else:
            super()._continuation(line)

    def _pending(self) -> list[Any]:
        sync = [] if self.pending_sync_command is None else [self.pending_sync_command]
        return sync + list(self.pending_async_commands.values())


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


async def connect(settings: ImapSettings) -> Connection:
    """Return a connection that is logged in; raises ``LoginRefusedError``, ``TlsRefusedError`` or ``WireError``."""
    privacy.demand_privacy(settings.security, settings.host)
    loop = asyncio.get_running_loop()
    context = settings.context() if settings.security != "none" else None
    with trouble_told():
        async with asyncio.timeout(settings.connect_timeout):
            _, channel = await loop.create_connection(
                lambda: Channel(loop),
                settings.host,
                settings.port,
                ssl=context if settings.security == "tls" else None,
                happy_eyeballs_delay=0.25,
            )
    connection = Connection(channel, settings)
    try:
        with trouble_told():
            async with asyncio.timeout(settings.connect_timeout):
                await _begin(connection, settings, context)
    except LostError as error:  # it never stood, so nobody need try a second one at once
        raise errors.WireError(str(error)) from error
    except BaseException:
        connection.drop()
        raise
    return connection


async def _begin(connection: Connection, settings: ImapSettings, context: ssl.SSLContext | None) -> None:
    channel = connection.channel
    greeting = (await channel.greeting).head
    is_known = greeting.upper().startswith(b"* PREAUTH")
    if is_known and settings.security != "tls":
        # A man in the middle says PREAUTH to make STARTTLS impossible (CVE-2021-33515 and its kin).
        raise errors.TlsRefusedError("the server claims that we are logged in already, on a connection without TLS")
    if not is_known and not greeting.upper().startswith(b"* OK"):
        raise errors.WireError(f"the server greeted with {greeting[:200].decode('utf-8', 'replace')}")
    channel.state = commands.AUTH if is_known else commands.NONAUTH
    if settings.security == "starttls" and context is not None:
        await _start_tls(connection, settings, context)
    if not is_known:
        await connection.ask_capabilities()
        await _log_in(connection, settings)
        channel.state = commands.AUTH
    await connection.ask_capabilities()


async def _start_tls(connection: Connection, settings: ImapSettings, context: ssl.SSLContext) -> None:
    channel = connection.channel
    await connection.ask_capabilities()
    if "STARTTLS" not in connection.capabilities:
        raise errors.TlsRefusedError('the server offers no STARTTLS here; its port for security = "tls" is 993')
    await connection.run("STARTTLS")
    if not channel.is_quiet:
        raise errors.TlsRefusedError("the server (or somebody before it) sent more in clear after STARTTLS")
    loop = asyncio.get_running_loop()
    plain = cast(asyncio.WriteTransport, channel.transport)
    channel.transport = await loop.start_tls(plain, channel, context, server_hostname=settings.host)


async def _log_in(connection: Connection, settings: ImapSettings) -> None:
    secret = await _fetch(settings.password)
    try:
        if settings.mechanism == "xoauth2":
            token = f"user={settings.username}\1auth=Bearer {secret}\1\1"
            await _authenticate(connection, "XOAUTH2", token)
        elif "LOGINDISABLED" in connection.capabilities or not (settings.username + secret).isascii():
            await _authenticate(connection, "PLAIN", f"\0{settings.username}\0{secret}")
        else:
            await connection.run("LOGIN", imap_names.quote(settings.username), imap_names.quote(secret))
    except RefusedCommandError as error:
        privacy.tell_refused(settings.password)
        raise _refused_login(privacy.without_secrets(str(error), secret)) from None  # the cause may hold the secret
    except ValueError:
        raise errors.LoginRefusedError("user name or password has a character that IMAP cannot carry") from None


async def _fetch(secret: Secret) -> str:
    try:
        return secret if isinstance(secret, str) else await asyncio.to_thread(secret)
    except errors.CadencedError as error:
        raise errors.WireError(f"no password: {error}") from error


async def _authenticate(connection: Connection, mechanism: str, plain: str) -> None:
    if f"AUTH={mechanism}" not in connection.capabilities:
        raise errors.LoginRefusedError(f"the server does not offer the login {mechanism}")
    connection.channel.sasl = [base64.b64encode(plain.encode())]
    try:
        await connection.run("AUTHENTICATE", mechanism)
    finally:
        connection.channel.sasl = []


def _refused_login(text: str) -> errors.WireError:
    if "[UNAVAILABLE]" in text or "[INUSE]" in text or "[LIMIT]" in text:  # RFC 5530: not about who we are
        return errors.WireError(text)
    if "[PRIVACYREQUIRED]" in text:
        return errors.TlsRefusedError(text)
    return errors.LoginRefusedError(text)


@contextlib.contextmanager
def trouble_told() -> Iterator[None]:
    """Turn what a network does into a ``WireError``."""
    try:
        yield
    except errors.WireError:
        raise
    except ssl.SSLError as error:
        raise errors.TlsRefusedError(f"TLS refused: {error}") from error
    except TimeoutError as error:
        raise errors.WireError("no answer in time") from error
    except (OSError, imap_wire.GarbageError) as error:
        raise errors.WireError(f"{type(error).__name__}: {error}") from error
    except aioimaplib.AioImapException as error:  # its text may repeat a command with a secret
        raise errors.WireError(type(error).__name__) from None

"""From an address to a login: nothing secret is said before the connection is private."""

from __future__ import annotations

import asyncio
import base64
import ssl
from typing import cast

from aioimaplib import aioimaplib as commands

from cadenced import errors
from cadenced.mail import imap_names, privacy
from cadenced.mail.imap_channel import Channel, LostError, RefusedCommandError, trouble_told
from cadenced.mail.imap_connection import Connection, ImapSettings
from cadenced.mail.privacy import Secret


async def connect(settings: ImapSettings) -> Connection:
    """Return a connection that is logged in; raises ``LoginRefusedError``, ``TlsRefusedError`` or ``WireError``."""
    privacy.demand_privacy(settings.security, settings.host)
    loop = asyncio.get_running_loop()
    context = settings.context() if settings.security != "none" else None
    with trouble_told(settings.host):
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

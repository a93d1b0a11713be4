"""What a failed connection is called: words for a person, never the name of a class."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl

import aiosmtplib
import pytest

from cadenced import errors
from cadenced.mail import faults, imap_login, transaction
from cadenced.mail.imap_connection import ImapSettings
from cadenced.mail.replies import GarbageError
from cadenced.mail.transaction import BeforePayloadError, SmtpSettings

HOST = "smtp.company.example"
CERTIFICATE = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed (_ssl.c:992)")
SEVERAL = OSError("Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] Connect call failed")


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (socket.gaierror(socket.EAI_NONAME, "Name or service not known"), "smtp.company.example is not known (DNS)"),
        (socket.gaierror(socket.EAI_AGAIN, "again"), "smtp.company.example cannot be looked up now (DNS)"),
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"), "connection refused"),
        (SEVERAL, "connection refused"),
        (OSError(101, "whatever"), "network is unreachable"),
        (OSError(), "the connection failed"),
        (TimeoutError(), "no answer in time"),
        (aiosmtplib.SMTPReadTimeoutError("x"), "no answer in time"),
        (aiosmtplib.SMTPServerDisconnected("the server closed the connection"), "the server closed the connection"),
        (aiosmtplib.SMTPResponseException(454, "4.7.0 TLS not\navailable"), "454 4.7.0 TLS not available"),
        (aiosmtplib.SMTPNotSupported("the server offers no login"), "the server offers no login"),
        (GarbageError("not an SMTP reply: b'hm'"), "not an SMTP reply: b'hm'"),
        (errors.LoginRefusedError("cannot read the grant"), "cannot read the grant"),
        (CERTIFICATE, "certificate verify failed"),
        (GarbageError(), "the connection ended"),
    ],
)
def test_a_fault_is_told_in_words(fault: Exception, said: str) -> None:
    assert faults.words(fault, HOST) == said


async def test_a_port_where_nobody_listens_is_told_alike_by_both_servers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(BeforePayloadError) as out:
        await transaction.connect(SmtpSettings("127.0.0.1", port, "none"))
    with pytest.raises(errors.WireError) as home:
        await imap_login.connect(ImapSettings("127.0.0.1", port, "none", "julie", "secret"))
    assert str(out.value) == "cannot connect: connection refused"
    assert str(home.value) == "connection refused"


async def test_a_server_that_hangs_up_is_told_without_the_name_of_a_class() -> None:
    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        with pytest.raises(BeforePayloadError) as out:
            await transaction.connect(SmtpSettings("127.0.0.1", port, "none"))
        with pytest.raises(errors.WireError) as home:
            await imap_login.connect(ImapSettings("127.0.0.1", port, "none", "julie", "secret"))
    for fault in (out, home):
        assert not re.search(r"[a-z][A-Z]|Errno|Error|SMTP[A-Z]", str(fault.value)), str(fault.value)

"""What aiosmtplib and aioimaplib do when used as their manuals say, beside what ours does (RELIABILITY 2.9).

Each pair is a reason for code of ours: when the naive half of one starts to fail, the library has learnt it, and the
code beside it may go.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator

import aioimaplib
import aiosmtplib
import pytest

from cadenced import errors, ports
from cadenced.mail import privacy
from cadenced.mail.imap import ImapSettings, Mailbox
from cadenced.mail.smtp import Pool, SmtpSettings
from peers import clocks, imap_peer, smtp_sink
from peers.imap_peer import CLOSE, SILENCE, Peer
from peers.patience import PATIENCE

RAW = b"From: julie@abc.example\r\n\r\nHello\r\n"


async def open_gate(message: ports.Outgoing) -> float | None:
    return float("inf")


def ours(sink: smtp_sink.Sink, **settings: object) -> Pool:
    return Pool(SmtpSettings(sink.host, sink.port, **({"security": "none"} | settings)), clocks.HastyClock())


def outgoing(recipient: str = "ada@x.example") -> ports.Outgoing:
    return ports.Outgoing(1, "julie@abc.example", recipient, RAW, "<t1@abc.example>")


async def naive(sink: smtp_sink.Sink, **settings: object) -> aiosmtplib.SMTP:
    client = aiosmtplib.SMTP(hostname=sink.host, port=sink.port, timeout=2, **settings)
    await client.connect()
    return client


async def test_aiosmtplib_logs_in_in_clear_where_starttls_was_stripped_and_ours_does_not() -> None:
    async with smtp_sink.serve(users={"julie": "s3cret"}) as sink:
        await naive(sink, username="julie", password="s3cret")
        assert sink.logins == [("julie", "s3cret")]
        sink.logins.clear()
        answer = await ours(sink, security="starttls", username="julie", password="s3cret").submit(
            outgoing(), open_gate
        )
        assert isinstance(answer, ports.Deferred)
        assert sink.logins == []


async def test_aiosmtplib_writes_to_another_address_than_the_one_given_and_ours_to_none() -> None:
    odd = "b@x.example> NOTIFY=NEVER"
    async with smtp_sink.serve() as sink:
        client = await naive(sink, start_tls=False)
        await client.mail("julie@abc.example")
        await client.rcpt(odd)
        assert [c for c in sink.commands if c.startswith("RCPT")] == ["RCPT TO:<b@x.example>"]
        sink.commands.clear()
        assert isinstance(await ours(sink).submit(outgoing(odd), open_gate), ports.Refused)
        assert sink.commands == []


async def test_aiosmtplib_says_the_same_of_a_message_taken_and_of_one_never_sent_and_ours_does_not() -> None:
    async with smtp_sink.serve() as sink:
        raised, told = [], []
        for stage, act in (("data", smtp_sink.Close()), ("dot", smtp_sink.Take(smtp_sink.Close()))):
            sink.plan(stage, act)
            with pytest.raises(aiosmtplib.SMTPException) as failure:
                await (await naive(sink, start_tls=False)).sendmail("julie@abc.example", ["ada@x.example"], RAW)
            raised.append(type(failure.value))
            sink.plan(stage, act)
            told.append(type(await ours(sink).submit(outgoing(), open_gate)))
        assert raised == [aiosmtplib.SMTPServerDisconnected] * 2
        assert told == [ports.Deferred, ports.Unknown]


async def test_aiosmtplib_says_a_wrong_password_several_times_and_ours_once() -> None:
    async with smtp_sink.serve(users={"julie": "right"}) as sink:
        with pytest.raises(aiosmtplib.SMTPAuthenticationError):
            await naive(sink, start_tls=False, username="julie", password="wrong")
        assert len(sink.logins) == 2
        sink.logins.clear()
        await ours(sink, username="julie", password="wrong").submit(outgoing(), open_gate)
        assert len(sink.logins) == 1


async def test_aiosmtplib_gives_up_after_a_minute_and_ours_after_the_ten_of_the_rfc() -> None:
    assert aiosmtplib.SMTP(hostname="x").timeout == 60
    assert SmtpSettings("x", 1).dot_timeout == 600


async def test_aiosmtplib_mends_lines_so_that_other_bytes_leave_than_were_kept_and_ours_refuses() -> None:
    raw = b"From: julie@abc.example\r\n\r\na\nb\r\n"
    async with smtp_sink.serve() as sink:
        await (await naive(sink, start_tls=False)).sendmail("julie@abc.example", ["ada@x.example"], raw)
        assert sink.accepted[0].raw != raw
        message = ports.Outgoing(1, "julie@abc.example", "ada@x.example", raw, "<t1@abc.example>")
        assert isinstance(await ours(sink).submit(message, open_gate), ports.Refused)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with imap_peer.serve() as running:
        yield running


async def naive_imap(peer: Peer, log_in: bool = True) -> aioimaplib.IMAP4:
    client = aioimaplib.IMAP4(peer.host, peer.port, timeout=0.5)
    await client.wait_hello_from_server()
    if log_in:
        await client.login("julie", "s3cret")
    return client


def box_for(peer: Peer, **fields: object) -> Mailbox:
    given = {"security": "none", "username": "julie", "password": "s3cret", "timeout": 2.0} | fields
    return Mailbox(ImapSettings(peer.host, peer.port, **given))


async def test_aioimaplib_dies_of_a_long_answer_and_ours_reads_it(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    lines = b"".join(b'* LIST () "/" f%d\r\n' % n for n in range(3000))
    peer.on["LIST"] = [lines + b"".join(p for p in imap_peer.USUAL["LIST"] if isinstance(p, bytes))]
    client = await naive_imap(peer)
    with pytest.raises(TimeoutError):
        await client.list('""', '"*"')
    assert "RecursionError" in caplog.text
    box = box_for(peer)
    peer.on["STATUS"] = _status_of_what_is_asked
    assert len(await box.folders()) == 3002
    await box.close()


async def _status_of_what_is_asked(talk: imap_peer.Talk, tag: str, line: bytes) -> None:
    name = line.split(b'"')[1]
    talk.writer.write(b"* STATUS %b (UIDNEXT 1 UIDVALIDITY 1)\r\n%b OK\r\n" % (name, tag.encode()))


async def test_aioimaplib_hangs_in_an_idle_that_the_server_ended_and_ours_wakes(peer: Peer) -> None:
    peer.on["IDLE"] = [b"+ idling\r\n", b"* BYE bye\r\n", CLOSE]
    client = await naive_imap(peer)
    await client.select("INBOX")
    idle = await client.idle_start(timeout=0.1)
    await client.wait_server_push(timeout=PATIENCE)  # the BYE, as a line among others
    client.idle_done()
    done, _ = await asyncio.wait({idle}, timeout=0.3)
    assert not done
    assert client.get_state() == "SELECTED"
    idle.cancel()
    box = box_for(peer)
    async with asyncio.timeout(PATIENCE):
        assert await box.wait(2 * PATIENCE)
        assert await box.wait(2 * PATIENCE)
    await box.close()


async def test_aioimaplib_loses_the_states_that_come_with_a_list_and_ours_reads_them(peer: Peer) -> None:
    client = await naive_imap(peer)
    answer = await client.protocol.simple_command("LIST", '""', '"*"', "RETURN", "(STATUS (UIDNEXT UIDVALIDITY))")
    assert not [line for line in answer.lines if b"UIDNEXT" in line]
    box = box_for(peer)
    assert [folder.uid_next for folder in await box.folders()] == [5, 1]
    await box.close()


async def test_aioimaplib_does_not_quote_a_folder_s_name_and_ours_does(peer: Peer) -> None:
    client = await naive_imap(peer)
    await client.select("Sent Items")
    assert peer.commands[-1] == "SELECT Sent Items"
    box = box_for(peer, folder="Gesendete Entwürfe")
    await box.wait(1)
    assert 'EXAMINE "Gesendete Entw&APw-rfe"' in peer.commands
    await box.close()


async def test_aioimaplib_writes_tokens_into_its_debug_log_and_ours_hushes_it(
    peer: Peer, caplog: pytest.LogCaptureFixture
) -> None:
    token = "dXNlcj1qdWxpZQFhdXRoPUJlYXJlciB0MGtlbgEB"
    logger = logging.getLogger("aioimaplib.aioimaplib")
    peer.on["AUTHENTICATE"] = [b"{tag} OK\r\n"]
    peer.on["CAPABILITY"] = [b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n{tag} OK\r\n"]
    kept, logger.filters = logger.filters, []
    logger.setLevel(logging.DEBUG)
    try:
        client = await naive_imap(peer, log_in=False)
        await client.xoauth2("julie", "t0ken")
        assert token in caplog.text
    finally:
        logger.filters = kept
    caplog.clear()
    privacy.hush_libraries()
    assert not logger.isEnabledFor(logging.DEBUG)
    logger.setLevel(logging.DEBUG)  # as if somebody turned everything on
    client = await naive_imap(peer, log_in=False)
    await client.xoauth2("julie", "t0ken")
    assert token not in caplog.text


async def test_aioimaplib_waits_all_of_its_time_for_a_greeting_that_refuses_and_ours_hears_it(peer: Peer) -> None:
    peer.greeting = [b"* BYE full\r\n", SILENCE]
    with pytest.raises(TimeoutError):
        await naive_imap(peer)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(errors.WireError, match="full"):
            await box_for(peer, connect_timeout=2 * PATIENCE).folders()


def test_aioimaplib_knows_no_starttls() -> None:
    assert not hasattr(aioimaplib.IMAP4, "starttls")

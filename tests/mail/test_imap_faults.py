"""The inbox against servers that misbehave: bounded, closed when in doubt, and quick to come back (rows 28, 29, 61)."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator

import pytest

from cadenced import errors, ports
from cadenced.mail import imap_messages, privacy
from cadenced.mail.imap import ImapSettings, Mailbox
from peers import certificates, imap_peer
from peers.imap_peer import CLOSE, SILENCE, STARTTLS, Peer
from peers.patience import PATIENCE, comes

INBOX = ports.Folder("INBOX", "inbox", 7, 5)


@pytest.fixture
async def peer() -> AsyncIterator[Peer]:
    async with imap_peer.serve() as running:
        yield running


def box_for(peer: Peer, **fields: object) -> Mailbox:
    given = {"security": "none", "username": "julie", "password": "s3cret", "timeout": 2.0, "connect_timeout": 2.0}
    return Mailbox(ImapSettings(peer.host, peer.port, **(given | fields)))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> certificates.Certificate:
    return certificates.make(tmp_path_factory.mktemp("tls"))


async def test_noop_comes_before_every_look_at_the_folders(peer: Peer) -> None:
    box = box_for(peer)
    await box.folders()
    await box.fetch(INBOX, 4)
    await box.folders()
    verbs = peer.verbs()
    assert verbs[:5] == ["CAPABILITY", "LOGIN", "CAPABILITY", "NOOP", "LIST"]
    assert verbs[5:] == ["EXAMINE", "SEARCH", "NOOP", "LIST"]
    await box.close()


FAULTS = {
    "silence": [SILENCE], "end": [CLOSE], "bye": [b"* BYE bye\r\n", CLOSE], "no": [b"{tag} NO [UNAVAILABLE] later\r\n"],
    "bad": [b"{tag} BAD what\r\n"], "another tag": [b"ZZZ OK\r\n"], "garbage": [b"\xff\xfe garbage\r\n"],
    "half a line": [b"* LIST (", CLOSE], "half a literal": [b'* LIST () "/" {99}\r\nab', CLOSE],
    "a literal without end": [b"* 1 FETCH (BODY[] {99999999999}\r\n", SILENCE],
    "brackets": [b'* LIST (() "/" INBOX\r\n* STATUS INBOX (UIDNEXT 5)\r\n* SEARCH (\r\n{tag} OK\r\n'],
    "no number": [b'* LIST () "/" INBOX\r\n* STATUS INBOX (UIDNEXT x UIDVALIDITY y)\r\n* SEARCH x\r\n{tag} OK\r\n'],
    "nothing": [b"{tag} OK\r\n"],
}  # fmt: skip


QUIET = {  # what NOOP tells is not read
    "nothing",
    "brackets",
    "no number",
}


@pytest.mark.parametrize(
    ("verb", "fault"), [("LIST", f) for f in FAULTS] + [("NOOP", f) for f in sorted(FAULTS.keys() - QUIET)]
)
async def test_no_answer_about_folders_is_an_error_and_the_next_question_is_answered(
    peer: Peer, verb: str, fault: str
) -> None:
    box = box_for(peer)
    peer.once[verb] = [FAULTS[fault]]
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(errors.WireError):
            await box.folders()
    assert [folder.name for folder in await box.folders()] == ["INBOX", "Sent"]
    await box.close()


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("verb", ["EXAMINE", "SEARCH"])
async def test_no_answer_about_messages_is_an_error_and_never_an_empty_folder(
    peer: Peer, verb: str, fault: str
) -> None:
    box = box_for(peer)
    for question in (lambda: box.fetch(INBOX, 4), lambda: box.find(INBOX, "<a@b>", "r")):
        peer.once[verb] = [FAULTS[fault]]
        async with asyncio.timeout(PATIENCE):
            with pytest.raises(errors.WireError):
                await question()
    assert await box.fetch(INBOX, 4) == []
    assert await box.find(INBOX, "<a@b>", "r") is None
    await box.close()


async def test_a_message_that_is_listed_and_not_delivered_is_an_error(peer: Peer) -> None:
    box = box_for(peer)
    peer.on["SEARCH"] = [b"* SEARCH 5\r\n{tag} OK\r\n"]
    peer.on["FETCH"] = [b"{tag} OK\r\n"]
    with pytest.raises(errors.WireError, match="does not deliver"):
        await box.fetch(INBOX, 4)
    peer.on["FETCH"] = [b"* 1 FETCH (UID 5 RFC822.SIZE 3 BODY[] NIL)\r\n{tag} OK\r\n"]
    with pytest.raises(errors.WireError, match="does not deliver"):
        await box.fetch(INBOX, 4)
    await box.close()


async def test_what_a_server_tells_of_other_messages_in_between_is_not_the_answer(peer: Peer) -> None:
    box = box_for(peer)
    peer.on["SEARCH"] = [b"* 9 EXISTS\r\n* SEARCH 5\r\n* SEARCH\r\n{tag} OK\r\n"]
    peer.on["FETCH"] = [
        b"* 2 FETCH (FLAGS (\\Seen))\r\n* 3 EXPUNGE\r\n* 1 FETCH (UID 5 RFC822.SIZE 3)\r\n",
        b"* 1 FETCH (UID 5 FLAGS ())\r\n* 1 FETCH (BODY[] {3}\r\nabc UID 5)\r\n* OK still here (\r\n{tag} OK\r\n",
    ]
    [message] = await box.fetch(INBOX, 4)
    assert (message.uid, message.raw, message.received_at) == (5, b"abc", None)
    await box.close()


async def test_five_thousand_lines_in_one_answer_are_read(peer: Peer) -> None:
    lines = b"".join(b'* LIST () "/" f%d\r\n* STATUS f%d (UIDNEXT 1 UIDVALIDITY 1)\r\n' % (n, n) for n in range(2500))
    peer.on["LIST"] = [lines, *imap_peer.USUAL["LIST"]]
    box = box_for(peer)
    assert len(await box.folders()) == 2502
    await box.close()


async def test_a_folder_whose_name_has_an_end_of_line_is_left_out(peer: Peer) -> None:
    peer.on["LIST"] = [b'* LIST () "/" {20}\r\na"\r\nA1 DELETE INBOX\r\n\r\n', *imap_peer.USUAL["LIST"]]
    box = box_for(peer)
    assert [folder.name for folder in await box.folders()] == ["INBOX", "Sent"]
    assert "DELETE" not in peer.verbs()
    await box.close()


@pytest.mark.parametrize("verb", ["NOOP", "LIST", "APPEND"])
async def test_a_go_ahead_for_nothing_ends_the_connection(peer: Peer, verb: str) -> None:
    box = box_for(peer)
    await box.folders()
    peer.once[verb] = [[b"+ go\r\n+ go\r\n", SILENCE]] * 2
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(errors.WireError):
            await (box.append(INBOX, b"Subject: x\r\n\r\n") if verb == "APPEND" else box.folders())
    await box.close()


async def test_a_connection_that_ended_while_unused_is_replaced_unseen(peer: Peer) -> None:
    box = box_for(peer)
    await box.folders()
    peer.once["NOOP"] = [[CLOSE]]
    assert len(await box.folders()) == 2
    assert peer.connections == 2
    await box.close()


async def test_filing_and_moving_are_never_done_twice(peer: Peer) -> None:
    box = box_for(peer)
    await box.folders()
    peer.once["APPEND"] = [[b"+ go\r\n", CLOSE]]
    with pytest.raises(errors.WireError):
        await box.append(INBOX, b"Subject: x\r\n\r\n")
    assert peer.verbs().count("APPEND") == 1
    peer.on["SEARCH"] = [b"* SEARCH 5\r\n{tag} OK\r\n"]
    peer.once["MOVE"] = [[CLOSE]]
    with pytest.raises(errors.WireError):
        await box.move(INBOX, 5, INBOX)
    assert peer.verbs().count("MOVE") == 1
    await box.close()


async def test_without_move_only_the_one_message_is_expunged(peer: Peer) -> None:
    peer.on["CAPABILITY"] = [b"* CAPABILITY IMAP4rev1 UIDPLUS\r\n{tag} OK\r\n"]
    peer.on |= {verb: [b"{tag} OK\r\n"] for verb in ("COPY", "STORE", "EXPUNGE")}
    peer.on["SEARCH"] = [b"* SEARCH 5\r\n{tag} OK\r\n"]
    box = box_for(peer)
    await box.move(INBOX, 5, ports.Folder("Sent", "sent", 8, 1))
    assert peer.commands[-3:] == ['UID COPY 5 "Sent"', "UID STORE 5 +FLAGS.SILENT (\\Deleted)", "UID EXPUNGE 5"]
    await box.close()


async def test_without_list_status_every_folder_is_asked(peer: Peer) -> None:
    peer.on["CAPABILITY"] = [b"* CAPABILITY IMAP4rev1\r\n{tag} OK\r\n"]
    names = ["INBOX", "Sent Items", "Kunden", *(f"f{n}" for n in range(60))]
    peer.on["LIST"] = [b"".join(f'* LIST () "/" "{name}"\r\n'.encode() for name in names), b"{tag} OK\r\n"]

    async def status(talk: imap_peer.Talk, tag: str, line: bytes) -> None:
        name = line.split(b'"')[1]
        talk.writer.write(b'* STATUS "%b" (UIDNEXT 3 UIDVALIDITY 4)\r\n%b OK\r\n' % (name, tag.encode()))

    peer.on["STATUS"] = status
    box = box_for(peer)
    found = await box.folders()
    assert [folder.name for folder in found] == names
    assert [folder.role for folder in found][:3] == ["inbox", "sent", ""]
    await box.close()


async def test_a_folder_that_never_could_be_read_is_left_out_and_one_that_could_is_missed(peer: Peer) -> None:
    peer.on["CAPABILITY"] = [b"* CAPABILITY IMAP4rev1\r\n{tag} OK\r\n"]
    peer.on["LIST"] = [b'* LIST () "/" INBOX\r\n* LIST () "/" Shared\r\n* LIST (\\Noselect) "/" Top\r\n{tag} OK\r\n']
    readable = {b"INBOX"}

    async def status(talk: imap_peer.Talk, tag: str, line: bytes) -> None:
        name = line.split(b'"')[1]
        known = b"* STATUS %b (UIDNEXT 3 UIDVALIDITY 4)\r\n" % name if name in readable else b""
        talk.writer.write(known + tag.encode() + (b" OK\r\n" if known else b" NO no rights\r\n"))

    peer.on["STATUS"] = status
    box = box_for(peer)
    assert [folder.name for folder in await box.folders()] == ["INBOX"]
    readable.add(b"Shared")
    assert [folder.name for folder in await box.folders()] == ["INBOX", "Shared"]
    readable.remove(b"Shared")
    with pytest.raises(errors.WireError):
        await box.folders()
    await box.close()


async def test_gmail_is_asked_in_its_own_words_and_the_answer_is_checked(peer: Peer) -> None:
    peer.on["CAPABILITY"] = [b"* CAPABILITY IMAP4rev1 X-GM-EXT-1\r\n{tag} OK\r\n"]
    peer.once["SEARCH"] = [[b"* SEARCH 3 4\r\n{tag} OK\r\n"]]
    header = b"BODY[HEADER.FIELDS (MESSAGE-ID X-CADENCE-REF)]"
    peer.on["FETCH"] = [
        b"* 1 FETCH (UID 3 %b {20}\r\nMessage-Id: <a@b>\r\n\r\n)\r\n" % header,
        b"* 2 FETCH (UID 4 %b {21}\r\nMessage-Id: <aa@b>\r\n\r\n)\r\n{tag} OK\r\n" % header,
    ]
    box = box_for(peer)
    assert await box.find(INBOX, "<a@b>", "ref") == 3
    assert 'UID SEARCH X-GM-RAW "rfc822msgid:a@b"' in peer.commands
    await box.close()


@pytest.mark.parametrize(
    "end",
    [
        [b"* BYE idle for too long\r\n"],
        [b"* BYE bye\r\n", CLOSE],
        [CLOSE],
        [b"garbage\r\n"],
        [b"{tag} OK done\r\n", CLOSE],
    ],
    ids=["bye", "bye and end", "end", "garbage", "done by itself"],
)
async def test_the_end_of_an_idle_is_news_at_once_and_the_next_wait_listens_again(
    peer: Peer, end: list[imap_peer.Part]
) -> None:
    box = box_for(peer, reconnect=0.0)
    assert await box.wait(5)
    assert not await box.wait(0.01)
    [talk] = peer.talks
    waiting = asyncio.create_task(box.wait(2 * PATIENCE))
    await comes(lambda: talk.idle_tag)
    try:
        await talk.play(end, talk.idle_tag)
    except ConnectionResetError:
        talk.writer.close()
    async with asyncio.timeout(PATIENCE):
        assert await waiting
        assert await box.wait(5)  # a new connection
    await peer.push(b"* 5 EXISTS\r\n")
    async with asyncio.timeout(PATIENCE):
        assert await box.wait(5)
    await box.close()


async def test_a_server_that_says_it_idles_and_hangs_is_left_at_the_renewal(peer: Peer) -> None:
    peer.on["DONE"] = [SILENCE]
    box = box_for(peer, renewal=0.05, timeout=0.1)
    assert await box.wait(5)
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(errors.WireError):
            await box.wait(2 * PATIENCE)
    await comes(lambda: peer.open == 0)


async def test_a_stop_that_comes_together_with_the_end_of_an_idle_is_not_forgotten(peer: Peer) -> None:
    box = box_for(peer)
    assert await box.wait(5)
    assert box.attend(60)  # it asks from now on, and ends the IDLE for that
    assert await box.wait(5)
    [idle] = [task for task in asyncio.all_tasks() if task.get_name() == "imap-idle"]
    waiting = asyncio.create_task(box.wait(60))
    idle.add_done_callback(lambda _: waiting.cancel())
    with pytest.raises(asyncio.CancelledError):
        await waiting
    await box.close()


@pytest.mark.parametrize("answer", [[b"{tag} NO not now\r\n"], [b"{tag} BAD what\r\n"], [SILENCE], [CLOSE]])
async def test_a_server_that_will_not_idle_is_an_error_or_news_and_never_a_hang(
    peer: Peer, answer: list[imap_peer.Part]
) -> None:
    peer.on["IDLE"] = answer
    box = box_for(peer)
    async with asyncio.timeout(PATIENCE):
        with contextlib.suppress(errors.WireError):
            assert await box.wait(2 * PATIENCE)
    await box.close()


async def test_without_idle_the_server_is_asked_now_and_then(peer: Peer) -> None:
    peer.on["CAPABILITY"] = [b"* CAPABILITY IMAP4rev1\r\n{tag} OK\r\n"]
    box = box_for(peer, poll=0.02)
    assert await box.wait(5)
    while peer.verbs().count("NOOP") < 2:
        assert not await box.wait(0.1)
    peer.once["NOOP"] = [[b"* 6 EXISTS\r\n{tag} OK\r\n"]]
    async with asyncio.timeout(PATIENCE):
        assert await box.wait(2 * PATIENCE)
    assert "IDLE" not in peer.verbs()
    await box.close()


async def test_a_server_that_ends_every_connection_is_not_stormed(peer: Peer) -> None:
    peer.on["IDLE"] = [b"+ idling\r\n", CLOSE]
    box = box_for(peer)
    waits = [await box.wait(0.05) for _ in range(10)]
    assert any(waits)
    assert peer.connections <= 2
    await box.close()


@pytest.mark.parametrize(
    "greeting",
    [[b"* BYE too many\r\n"], [b"* PREAUTH welcome\r\n"], [b"hello\r\n"], [CLOSE], [SILENCE], [b"220 smtp\r\n"]],
    ids=["bye", "preauth", "not imap", "end", "silence", "smtp"],
)
@pytest.mark.parametrize("security", ["none", "starttls"])
async def test_a_greeting_that_is_none_is_refused_and_nothing_is_said(
    peer: Peer, greeting: list[imap_peer.Part], security: str
) -> None:
    peer.greeting = greeting
    box = box_for(peer, security=security, connect_timeout=0.3)
    for question in (box.folders, lambda: box.wait(1)):
        with pytest.raises(errors.WireError) as refusal:
            await question()
        assert (greeting == [b"* PREAUTH welcome\r\n"]) == isinstance(refusal.value, errors.TlsRefusedError)
    assert peer.commands == []


async def test_a_stripped_starttls_is_refused_and_the_password_is_not_said(peer: Peer) -> None:
    box = box_for(peer, security="starttls")
    with pytest.raises(errors.TlsRefusedError, match="STARTTLS"):
        await box.folders()
    assert b"s3cret" not in peer.received
    assert peer.verbs() == ["CAPABILITY"]


@pytest.mark.parametrize("extra", [b"* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n", b"ZZ OK\r\n", b"* half a li"])
async def test_plaintext_injected_after_starttls_is_refused(
    peer: Peer, extra: bytes, certificate: certificates.Certificate
) -> None:
    peer.context = certificate.server_context()
    peer.on["CAPABILITY"] = [b"* CAPABILITY IMAP4rev1 STARTTLS\r\n{tag} OK\r\n"]
    peer.on["STARTTLS"] = [b"{tag} OK go\r\n" + extra, STARTTLS]
    box = box_for(peer, security="starttls", context=lambda: privacy.client_context(str(certificate.authority)))
    with pytest.raises(errors.WireError):
        await box.folders()
    assert b"s3cret" not in peer.received


async def test_what_is_not_encrypted_is_for_loopback_alone() -> None:
    box = Mailbox(ImapSettings("imap.abc.example", 143, "none", "julie", "s3cret"))
    with pytest.raises(errors.TlsRefusedError, match="loopback"):
        await box.folders()


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (b"[AUTHENTICATIONFAILED] no", errors.LoginRefusedError), (b"no", errors.LoginRefusedError),
        (b"[UNAVAILABLE] later", errors.WireError), (b"[PRIVACYREQUIRED] TLS first", errors.TlsRefusedError),
    ],
)  # fmt: skip
async def test_a_refused_login_says_what_kind_it_is(peer: Peer, words: bytes, kind: type[Exception]) -> None:
    peer.on["LOGIN"] = [b"{tag} NO " + words + b" to s3cret\r\n"]
    box = box_for(peer)
    with pytest.raises(errors.WireError) as refusal:
        await box.folders()
    assert type(refusal.value) is kind
    assert "s3cret" not in str(refusal.value)


async def test_where_login_is_disabled_plain_is_used(peer: Peer) -> None:
    peer.on["CAPABILITY"] = [b"* CAPABILITY IMAP4rev1 LOGINDISABLED AUTH=PLAIN\r\n{tag} OK\r\n"]
    peer.on["AUTHENTICATE"] = plain = _challenged([])
    box = box_for(peer)
    await box.folders()
    assert plain.answers == [b"AGp1bGllAHMzY3JldA=="]
    await box.close()


class _challenged:  # noqa: N801 - reads as a function
    """Asks one question more than the login needs when ``complaint`` is given."""

    def __init__(self, complaint: list[bytes]) -> None:
        self.complaint = complaint
        self.answers: list[bytes] = []

    async def __call__(self, talk: imap_peer.Talk, tag: str, line: bytes) -> None:
        for challenge in (b"", *self.complaint):
            talk.writer.write(b"+ " + challenge + b"\r\n")
            self.answers.append((await talk.reader.readline()).strip())
        talk.writer.write(tag.encode() + (b" NO [AUTHENTICATIONFAILED]\r\n" if self.complaint else b" OK\r\n"))


async def test_a_refused_token_is_acknowledged_and_never_logged(peer: Peer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    logging.getLogger("aioimaplib.aioimaplib").setLevel(logging.DEBUG)
    peer.on["CAPABILITY"] = [b"* CAPABILITY IMAP4rev1 AUTH=XOAUTH2\r\n{tag} OK\r\n"]
    peer.on["AUTHENTICATE"] = refusing = _challenged([b"eyJzdGF0dXMiOiI0MDEifQ=="])
    box = box_for(peer, password=lambda: "t0ken-secret", mechanism="xoauth2", timeout=2.0)
    with pytest.raises(errors.LoginRefusedError):
        await box.folders()
    assert refusing.answers == [b"dXNlcj1qdWxpZQFhdXRoPUJlYXJlciB0MGtlbi1zZWNyZXQBAQ==", b""]
    peer.on["AUTHENTICATE"] = _challenged([])
    other = box_for(peer, password=lambda: "t0ken-secret", mechanism="xoauth2")
    await other.folders()
    await other.close()
    assert "secret" not in caplog.text
    assert "dXNlcj1" not in caplog.text


@pytest.mark.parametrize("password", ["a\r\nA1 DELETE INBOX", "a\0"])
async def test_a_password_cannot_become_a_command(peer: Peer, password: str) -> None:
    box = box_for(peer, password=password)
    with pytest.raises(errors.LoginRefusedError):
        await box.folders()
    assert b"DELETE" not in peer.received


async def test_a_password_that_cannot_be_read_holds_and_says_why(peer: Peer) -> None:
    def unreadable() -> str:
        raise errors.RefusedError("the environment has no JULIE_PASSWORD")

    with pytest.raises(errors.WireError, match="JULIE_PASSWORD"):
        await box_for(peer, password=unreadable).folders()


async def test_nobody_listening_is_an_error() -> None:
    async with imap_peer.serve() as peer:
        pass
    box = box_for(peer)
    for question in (box.folders(), box.wait(1)):
        with pytest.raises(errors.WireError):
            await question
    await box.close()


async def test_closing_never_raises_and_never_hangs(peer: Peer) -> None:
    for verb in ("DONE", "LOGOUT"):
        peer.on[verb] = [SILENCE]
    box = box_for(peer, timeout=0.2)
    await box.folders()
    await box.wait(1)
    async with asyncio.timeout(PATIENCE):
        await box.close()
    await comes(lambda: peer.open == 0)


async def test_closing_ends_every_question_and_opens_nothing_anew(peer: Peer) -> None:
    peer.on["NOOP"] = [SILENCE]
    box = box_for(peer, timeout=2 * PATIENCE)
    assert await box.wait(5)
    waiting, asking = asyncio.create_task(box.wait(2 * PATIENCE)), asyncio.create_task(box.folders())
    await comes(lambda: "NOOP" in peer.verbs())
    async with asyncio.timeout(PATIENCE):
        await box.close()
        assert await waiting
        with pytest.raises(errors.WireError):
            await asking
    assert peer.connections == 2
    await comes(lambda: peer.open == 0)


def test_a_batch_is_what_servers_bear() -> None:
    assert imap_messages.BATCH <= 200

"""The inbox against a real Dovecot: fresh, whole and certain."""

from __future__ import annotations

import asyncio
import imaplib
import logging
import os
import random
from collections.abc import AsyncIterator, Iterator

import pytest

from cadenced import errors, ports
from cadenced.mail import privacy
from cadenced.mail.imap import ImapSettings, Mailbox
from peers import dovecot, imap_peer
from peers.dovecot import Dovecot
from peers.patience import PATIENCE, comes

pytestmark = dovecot.needs_dovecot

RAW = b"From: ada@x.example\r\nSubject: Re: hello\r\n\r\nyes\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Dovecot]:
    users = dict.fromkeys(("julie", "races", "roles", "moves", "names", "many", "wakes", "heals"), "secret")
    with dovecot.running(tls=True, users=users | {"jürgen": "Paßwort", 'a"b\\c': 'p"w\\d (x)'}) as running:
        yield running


def settings_for(server: Dovecot, user: str = "julie", **fields: object) -> ImapSettings:
    secret = server.users[user]
    given = {"security": "none", "port": server.port, "username": user, "password": secret, "timeout": 20.0} | fields
    return ImapSettings("127.0.0.1", **given)


@pytest.fixture
async def boxes() -> AsyncIterator[list[Mailbox]]:
    opened: list[Mailbox] = []
    yield opened
    for box in opened:
        await box.close()


async def folder(box: Mailbox, name: str = "INBOX") -> ports.Folder:
    return next(folder for folder in await box.folders() if folder.name == name)


async def test_a_message_delivered_before_the_question_is_always_seen(server: Dovecot, boxes: list[Mailbox]) -> None:
    """Invariant I2: whatever way it came, and whatever folder is selected."""
    box = Mailbox(settings_for(server, "races"))
    boxes.append(box)
    other = server.client("races")
    chance = random.Random(7)  # noqa: S311 - a seed that repeats, not a secret
    known = {folder.name: folder.uid_next for folder in await box.folders()}
    for turn in range(int(os.environ.get("CADENCED_FENCE_RACES", "300"))):
        where = chance.choice(["INBOX", "INBOX", "Junk", "Trash"])
        if turn % 3 == 0:  # so that it is now this one and now another folder that is selected
            await box.fetch(await folder(box, where), known[where] - 2)
        if turn % 25 == 0:
            server.deliver_by_agent(RAW, where, "races")
        elif turn % 2:
            server.deliver(RAW, where, "races")
        else:
            other.append(where, "", "", RAW)
        now = {folder.name: folder.uid_next for folder in await box.folders()}
        assert now == known | {where: known[where] + 1}
        known = now
    other.logout()


async def test_a_search_without_noop_is_stale_where_ours_is_not(server: Dovecot, boxes: list[Mailbox]) -> None:
    naive = server.client("races")
    naive.select("INBOX")
    box = Mailbox(settings_for(server, "races"))
    boxes.append(box)
    misses = 0
    for _ in range(20):
        before = naive.uid("SEARCH", "ALL")[1][0].split()
        inbox = await folder(box)
        server.deliver(RAW, user="races")
        misses += naive.uid("SEARCH", "ALL")[1][0].split() == before
        assert len(await box.fetch(inbox, inbox.uid_next - 1)) == 1
        naive.noop()
    assert misses > 10
    naive.logout()


@pytest.mark.parametrize("special_use", [True, False])
async def test_every_selectable_folder_comes_with_its_role_and_the_inbox_first(special_use: bool) -> None:
    with dovecot.running(special_use=special_use) as server:
        server.deliver(RAW, "Kunden/Alt")
        other = server.client()
        other.create('"Entw&APw-rfe &- mehr"')
        box = Mailbox(settings_for(server))
        found = await box.folders()
        await box.close()
        assert found[0].name == "INBOX"
        assert {folder.name: folder.role for folder in found} == {
            "INBOX": "inbox", "Sent": "sent", "Drafts": "drafts", "Junk": "junk", "Trash": "trash", "Kunden/Alt": "",
            "Entwürfe & mehr": "",
        }  # fmt: skip
        assert all(folder.uid_validity > 0 and folder.uid_next > 0 for folder in found)
        other.logout()


async def test_odd_names_are_said_back_as_they_came(server: Dovecot, boxes: list[Mailbox]) -> None:
    box = Mailbox(settings_for(server, "names"))
    boxes.append(box)
    other = server.client("names")
    names = {
        'say "hi"': '"say \\"hi\\""',
        "日本語/テスト": '"&ZeVnLIqe-/&MMYwuTDI-"',
        "A OK": '"A OK"',
        "* (b) [c]": '"* (b) [c]"',
    }
    for wire in names.values():
        assert other.create(wire)[0] == "OK"
    for name in names:
        place = await folder(box, name)
        await box.append(place, RAW)
        [message] = await box.fetch(await folder(box, name), 0)
        assert message.raw == RAW
    other.logout()


async def test_five_hundred_folders_are_told_in_one_answer(server: Dovecot, boxes: list[Mailbox]) -> None:
    other = server.client("many")
    for n in range(500):
        other.create(f"archive-{n}")
    other.logout()
    box = Mailbox(settings_for(server, "many"))
    boxes.append(box)
    assert len(await box.folders()) == 505
    server.deliver(RAW, "archive-321", "many")
    assert (await folder(box, "archive-321")).uid_next == 2


async def test_messages_come_in_order_of_uid_and_only_new_ones(server: Dovecot, boxes: list[Mailbox]) -> None:
    box = Mailbox(settings_for(server, "moves"))
    boxes.append(box)
    for n in range(7):
        server.deliver(RAW + b"%d\r\n" % n, user="moves")
    inbox = await folder(box)
    first = await box.fetch(inbox, 0, limit=3)
    rest = await box.fetch(inbox, first[-1].uid, limit=50)
    assert [m.uid for m in (*first, *rest)] == [1, 2, 3, 4, 5, 6, 7]
    assert sorted(m.raw for m in (*first, *rest)) == [RAW + b"%d\r\n" % n for n in range(7)]
    assert first[0].received_at is not None
    assert first[0].received_at.tzinfo is not None
    assert await box.fetch(inbox, 7) == []  # "8:*" names the last message, too
    other = server.client("moves")
    other.select("INBOX")
    assert b"Seen" not in b"".join(other.uid("FETCH", "1:7", "(FLAGS)")[1])
    other.logout()


async def test_two_thousand_messages_are_fetched_whatever_their_number(server: Dovecot, boxes: list[Mailbox]) -> None:
    for _ in range(2000):
        server.deliver(RAW, "Junk", "many")
    box = Mailbox(settings_for(server, "many"))
    boxes.append(box)
    junk = await folder(box, "Junk")
    seen, last = 0, 0
    while messages := await box.fetch(junk, last, limit=5000):
        assert len(messages) <= 200
        seen, last = seen + len(messages), messages[-1].uid
    assert (seen, last) == (2000, 2000)


@pytest.mark.parametrize(
    "body",
    [b"", b"\r\n" * 1500, b"a)\r\n* BYE (\r\nA1 OK {5}\r\n", bytes(range(1, 256)) * 20, b"x" * 2_000_000, b"(" * 5000],
    ids=["empty", "lines", "like IMAP", "bytes", "one line", "brackets"],
)
async def test_odd_bodies_come_as_they_are(server: Dovecot, boxes: list[Mailbox], body: bytes) -> None:
    box = Mailbox(settings_for(server))
    boxes.append(box)
    inbox = await folder(box)
    raw = RAW + body.replace(b"\n", b"").replace(b"\r", b"\r\n")
    await box.append(inbox, raw)
    [message] = await box.fetch(inbox, inbox.uid_next - 1)
    assert message.raw == raw


async def test_a_mail_of_25_megabytes_comes_whole_and_a_larger_one_than_allowed_comes_cut(
    server: Dovecot, boxes: list[Mailbox]
) -> None:
    raw = RAW + (b"y" * 76 + b"\r\n") * 330_000
    box = Mailbox(settings_for(server))
    boxes.append(box)
    inbox = await folder(box)
    await box.append(inbox, raw)
    [message] = await box.fetch(inbox, inbox.uid_next - 1)
    assert message.raw == raw
    cutting = Mailbox(settings_for(server, max_message=1_000_000))
    boxes.append(cutting)
    [message] = await cutting.fetch(inbox, inbox.uid_next - 1)
    assert message.raw == raw[:1_000_000]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64])
async def test_answers_cut_anywhere_are_the_same_answers(server: Dovecot, boxes: list[Mailbox], size: int) -> None:
    server.deliver(RAW)
    async with imap_peer.chopping(server.port, size) as port:
        box = Mailbox(settings_for(server, port=port))
        inbox = await folder(box)
        messages = await box.fetch(inbox, inbox.uid_next - 2)
        assert messages[-1].raw == RAW
        await box.close()


async def test_a_connection_cut_after_any_byte_gives_the_answer_or_an_error(server: Dovecot) -> None:
    async with imap_peer.chopping(server.port) as port:
        box = Mailbox(settings_for(server, "names", port=port))
        inbox = await folder(box)
        await box.append(inbox, RAW)
        folders, messages = await box.folders(), await box.fetch(inbox, 0)
        await box.close()
    outcomes = set()
    for end in range(1, 4000, 97):
        async with imap_peer.chopping(server.port, end_after=end) as port:
            box = Mailbox(settings_for(server, "names", port=port))
            try:
                assert await box.folders() == folders
                assert await box.fetch(inbox, 0) == messages
                assert await box.find(inbox, "<none@x>", "") is None
                outcomes.add("all")
            except errors.WireError:
                outcomes.add("error")
            await box.close()
    assert outcomes == {"all", "error"}


async def test_a_message_is_found_by_its_whole_id_or_reference_and_by_nothing_less(
    server: Dovecot, boxes: list[Mailbox]
) -> None:
    box = Mailbox(settings_for(server, "roles"))
    boxes.append(box)
    sent = await folder(box, "Sent")
    ours = b"Message-ID: <abc1@abc.example>\r\nX-Cadence-Ref: abc1\r\n\r\n"
    await box.append(sent, b"Message-ID: <abc12@abc.example>\r\nX-Cadence-Ref: abc12\r\n\r\nabc1@abc.example\r\n")
    assert await box.find(sent, "<abc1@abc.example>", "abc1") is None
    await box.append(sent, b"References: <abc1@abc.example>\r\n" + ours)
    assert await box.find(sent, "<abc1@abc.example>", "") == 2
    assert await box.find(sent, "abc1@abc.example", "") == 2
    assert await box.find(sent, "", "abc1") == 2
    assert await box.find(sent, "<rewritten@relay.example>", "abc1") == 2
    assert await box.find(sent, "<abc1@abc>", "abc") is None
    assert await box.find(sent, '<"quoted\\">@x>', "ä") is None
    await box.append(sent, b"Message-ID:\r\n <folded@abc.example>\r\n\r\n")
    assert await box.find(sent, "<folded@abc.example>", "") == 3
    server.deliver(b"Message-ID: <late@abc.example>\r\n\r\n", "Sent", "roles")
    assert await box.find(sent, "<late@abc.example>", "") == 4


async def test_a_copy_is_filed_as_seen_and_moved_to_where_it_belongs(server: Dovecot, boxes: list[Mailbox]) -> None:
    box = Mailbox(settings_for(server, "roles"))
    boxes.append(box)
    inbox, trash = await folder(box), await folder(box, "Trash")
    await box.append(inbox, RAW)
    uid = (await folder(box)).uid_next - 1
    other = server.client("roles")
    other.select("INBOX", readonly=True)
    assert b"\\Seen" in other.uid("FETCH", str(uid), "(FLAGS)")[1][0]
    await box.move(inbox, uid, trash)
    assert (await box.fetch(trash, 0))[-1].raw == RAW
    assert await box.fetch(inbox, uid - 1) == []
    with pytest.raises(errors.WireError):
        await box.move(inbox, uid, trash)
    other.logout()


async def test_a_rebuilt_folder_is_an_error_and_never_a_guess(server: Dovecot, boxes: list[Mailbox]) -> None:
    box = Mailbox(settings_for(server, "roles"))
    boxes.append(box)
    other = server.client("roles")
    other.create("again")
    old = await folder(box, "again")
    other.delete("again")
    await asyncio.sleep(1.1)  # UIDVALIDITY is a second of the server's clock
    other.create("again")
    new = await folder(box, "again")
    assert new.uid_validity != old.uid_validity
    for question in (box.fetch(old, 0), box.find(old, "<a@b>", ""), box.move(old, 1, new)):
        with pytest.raises(errors.WireError, match="rebuilt"):
            await question
    assert await box.fetch(new, 0) == []
    other.logout()


async def test_what_another_client_expunges_in_between_is_passed_over(server: Dovecot, boxes: list[Mailbox]) -> None:
    box = Mailbox(settings_for(server, "moves"))
    boxes.append(box)
    other = server.client("moves")
    other.create("busy")
    for _ in range(5):
        server.deliver(RAW, "busy", "moves")
    busy = await folder(box, "busy")
    other.select("busy")
    other.uid("STORE", "1:3", "+FLAGS", r"(\Deleted)")
    other.expunge()
    assert [message.uid for message in await box.fetch(busy, 0, limit=2)] == [4, 5]
    other.logout()


async def test_news_wakes_whoever_waits(server: Dovecot, boxes: list[Mailbox]) -> None:
    box = Mailbox(settings_for(server, "wakes"))
    boxes.append(box)
    assert await box.wait(5)  # new: nobody listened so far
    assert not await box.wait(0.05)
    for _ in range(3):
        waiting = asyncio.create_task(box.wait(PATIENCE))
        await asyncio.sleep(0.05)
        server.deliver(RAW, user="wakes")
        assert await waiting  # that it was woken, and not that its time had come
    server.deliver(RAW, user="wakes")
    await asyncio.sleep(1)  # news between two waits is not lost
    assert await box.wait(0)


async def test_an_old_idle_is_begun_anew_and_hears_as_before(server: Dovecot, boxes: list[Mailbox]) -> None:
    box = Mailbox(settings_for(server, "wakes", renewal=0.1))
    boxes.append(box)
    assert await box.wait(5)
    assert not await box.wait(0.5)
    waiting = asyncio.create_task(box.wait(PATIENCE))
    server.deliver(RAW, user="wakes")
    assert await waiting


async def test_a_cancelled_wait_can_be_taken_up_again(server: Dovecot, boxes: list[Mailbox]) -> None:
    box = Mailbox(settings_for(server, "wakes", reconnect=0.0))
    boxes.append(box)
    for pause in (0.0, 0.001, 0.003, 0.01, 0.05):
        waiting = asyncio.create_task(box.wait(PATIENCE))
        await asyncio.sleep(pause)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    while await box.wait(0.2):
        pass
    waiting = asyncio.create_task(box.wait(PATIENCE))
    server.deliver(RAW, user="wakes")
    assert await waiting


async def test_a_question_cancelled_at_any_moment_leaves_no_wrong_answer(server: Dovecot, boxes: list[Mailbox]) -> None:
    box = Mailbox(settings_for(server, "heals"))
    boxes.append(box)
    server.deliver(RAW, user="heals")
    for n in range(40):
        question = asyncio.create_task(box.folders())
        await asyncio.sleep(n / 10_000)
        question.cancel()
        await asyncio.gather(question, return_exceptions=True)
        assert len(await box.fetch(await folder(box), 0)) == 1


async def test_a_server_that_was_away_is_found_again(boxes: list[Mailbox]) -> None:
    with dovecot.running() as server:
        box = Mailbox(settings_for(server))
        boxes.append(box)
        await box.folders()
        assert await box.wait(5)
        server.stop()
        assert await box.wait(5)  # the end of a connection is news
        with pytest.raises(errors.WireError):
            await box.folders()
        server.start()
        server.deliver(RAW)
        assert (await folder(box)).uid_next == 2
        await box.close()


@pytest.mark.parametrize("security", ["tls", "starttls", "none"])
@pytest.mark.parametrize("user", ["julie", "jürgen", 'a"b\\c'])
async def test_every_way_in_works_for_every_name(
    server: Dovecot, boxes: list[Mailbox], security: str, user: str
) -> None:
    assert server.certificate is not None
    authority = str(server.certificate.authority)
    box = Mailbox(
        settings_for(
            server, user, security=security, port=server.tls_port if security == "tls" else server.port,
            context=lambda: privacy.client_context(authority),
        )
    )  # fmt: skip
    boxes.append(box)
    assert (await box.folders())[0].role == "inbox"


@pytest.mark.parametrize("security", ["tls", "starttls"])
async def test_a_certificate_of_unknown_origin_is_refused(server: Dovecot, boxes: list[Mailbox], security: str) -> None:
    port = server.tls_port if security == "tls" else server.port
    box = Mailbox(settings_for(server, security=security, port=port))
    boxes.append(box)
    for question in (box.folders(), box.wait(5)):
        with pytest.raises(errors.TlsRefusedError):
            await question


async def test_a_wrong_password_is_said_once_and_then_kept_back(
    server: Dovecot, boxes: list[Mailbox], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    box = Mailbox(settings_for(server, password="wr0ng-secret"))
    boxes.append(box)
    said = server.log().count("auth failed")
    for question in (box.folders(), box.wait(5), box.folders()):
        with pytest.raises(errors.LoginRefusedError) as refusal:
            await question
        assert "wr0ng-secret" not in str(refusal.value)
    await comes(lambda: "auth failed" in server.log())
    assert server.log().count("auth failed") - said <= 1
    assert "wr0ng-secret" not in caplog.text


async def test_a_folder_that_is_not_there_is_an_error_with_its_name(server: Dovecot, boxes: list[Mailbox]) -> None:
    box = Mailbox(settings_for(server, folder="Antworten"))
    boxes.append(box)
    with pytest.raises(errors.WireError, match="Antworten"):
        await box.folders()
    with pytest.raises(errors.WireError):
        await box.wait(1)
    with pytest.raises(errors.WireError):
        await box.append(ports.Folder("nowhere", "", 1, 1), RAW)


def test_the_peer_is_a_real_dovecot(server: Dovecot) -> None:
    other = server.client()
    assert isinstance(other, imaplib.IMAP4)
    assert "LIST-STATUS" in other.capabilities or b"LIST-STATUS" in other.capability()[1][0]
    other.logout()

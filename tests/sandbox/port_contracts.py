"""What every mailer and every inbox must do, real or rehearsed. A suite inherits a class and says how to make one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from cadenced import errors
from cadenced.ports import Accepted, Deferred, Folder, Inbox, Mailer, Outgoing, Refused


def letter(number: int = 1) -> bytes:
    return (
        f"From: julie@abc.example\r\nTo: ann@there.example\r\nSubject: Letter {number}\r\n"
        f"Message-ID: <{number}@abc.example>\r\nX-Cadence-Ref: {'abcdefghij'[number % 10] * 26}\r\n"
        f"\r\nHello {number}\r\n"
    ).encode()


def outgoing(recipient: str = "ann@there.example") -> Outgoing:
    return Outgoing(1, "julie@abc.example", recipient, letter(), "<1@abc.example>")


@dataclass
class MailerUnderTest:
    """A mailer, what its server has taken, and its clock. ``bad@there.example`` is refused at RCPT."""

    mailer: Mailer
    taken: Callable[[], list[bytes]]
    monotonic: Callable[[], float]


class MailerContract:
    """A submission has four answers, and the gate decides whether anything leaves."""

    async def test_a_message_whose_gate_opens_is_accepted_once_and_unchanged(self, mailer: MailerUnderTest) -> None:
        async def gate(_: Outgoing) -> float:
            assert mailer.taken() == []
            return mailer.monotonic() + 3

        assert isinstance(await mailer.mailer.submit(outgoing(), gate), Accepted)
        assert mailer.taken() == [letter()]

    async def test_a_gate_that_stays_shut_lets_nothing_leave(self, mailer: MailerUnderTest) -> None:
        async def gate(_: Outgoing) -> None:
            return None

        answer = await mailer.mailer.submit(outgoing(), gate)
        assert isinstance(answer, Deferred)
        assert answer.phase == "gate"
        assert mailer.taken() == []

    async def test_a_deadline_that_has_passed_lets_nothing_leave(self, mailer: MailerUnderTest) -> None:
        async def gate(_: Outgoing) -> float:
            return mailer.monotonic() - 1

        answer = await mailer.mailer.submit(outgoing(), gate)
        assert isinstance(answer, Deferred)
        assert mailer.taken() == []

    async def test_a_refused_recipient_is_told_and_its_gate_is_never_asked(self, mailer: MailerUnderTest) -> None:
        async def gate(_: Outgoing) -> float:
            raise AssertionError("the gate was asked for a message that nobody takes")

        answer = await mailer.mailer.submit(outgoing("bad@there.example"), gate)
        assert isinstance(answer, Refused)
        assert (answer.code, answer.phase) == (550, "rcpt")

    async def test_what_the_gate_raises_reaches_the_caller(self, mailer: MailerUnderTest) -> None:
        async def gate(_: Outgoing) -> float:
            raise errors.StoreError("no disk")

        with pytest.raises(errors.StoreError):
            await mailer.mailer.submit(outgoing(), gate)
        assert mailer.taken() == []

    async def test_closing_twice_is_no_fault(self, mailer: MailerUnderTest) -> None:
        await mailer.mailer.close()
        await mailer.mailer.close()


@dataclass
class InboxUnderTest:
    """An inbox, and a way to let a message arrive in one of its folders."""

    inbox: Inbox
    deliver: Callable[[bytes, str], Any]

    async def folder(self, role: str = "inbox") -> Folder:
        return next(folder for folder in await self.inbox.folders() if folder.role == role)


class InboxContract:
    """Folders are as of the call, UIDs grow, and nothing is guessed."""

    async def test_the_folder_of_replies_comes_first_and_sent_and_junk_are_known(self, inbox: InboxUnderTest) -> None:
        roles = [folder.role for folder in await inbox.inbox.folders()]
        assert roles[0] == "inbox"
        assert {"sent", "junk"} <= set(roles)

    async def test_what_lay_there_before_the_call_is_shown_by_it(self, inbox: InboxUnderTest) -> None:
        before = await inbox.folder()
        await inbox.deliver(letter(), "INBOX")
        after = await inbox.folder()
        assert after.uid_next == before.uid_next + 1
        assert after.uid_validity == before.uid_validity

    async def test_fetch_returns_what_lies_above_a_uid_in_its_order(self, inbox: InboxUnderTest) -> None:
        start = (await inbox.folder()).uid_next - 1
        for number in range(1, 6):
            await inbox.deliver(letter(number), "INBOX")
        folder = await inbox.folder()
        first = await inbox.inbox.fetch(folder, start, 3)
        assert [mail.raw for mail in first] == [letter(1), letter(2), letter(3)]
        rest = await inbox.inbox.fetch(folder, first[-1].uid, 3)
        assert [mail.raw for mail in rest] == [letter(4), letter(5)]
        assert list(await inbox.inbox.fetch(folder, rest[-1].uid, 3)) == []
        uids = [mail.uid for mail in (*first, *rest)]
        assert uids == sorted(set(uids))
        assert all(mail.received_at is not None for mail in first)

    async def test_a_message_is_found_by_its_id_or_its_reference_and_nothing_else(self, inbox: InboxUnderTest) -> None:
        folder = await inbox.folder("sent")
        await inbox.inbox.append(folder, letter(7))
        folder = await inbox.folder("sent")
        by_id = await inbox.inbox.find(folder, "<7@abc.example>", "")
        assert by_id is not None
        assert await inbox.inbox.find(folder, "<none@abc.example>", "h" * 26) == by_id
        assert await inbox.inbox.find(folder, "<none@abc.example>", "z" * 26) is None

    async def test_a_moved_message_is_gone_from_one_folder_and_lies_in_the_other(self, inbox: InboxUnderTest) -> None:
        await inbox.deliver(letter(3), "INBOX")
        source, target = await inbox.folder(), await inbox.folder("sent")
        uid = await inbox.inbox.find(source, "<3@abc.example>", "")
        assert uid is not None
        await inbox.inbox.move(source, uid, target)
        assert await inbox.inbox.find(await inbox.folder(), "<3@abc.example>", "") is None
        assert await inbox.inbox.find(await inbox.folder("sent"), "<3@abc.example>", "") is not None
        with pytest.raises(errors.WireError):
            await inbox.inbox.move(await inbox.folder(), uid, target)

    async def test_a_folder_that_was_rebuilt_is_not_read(self, inbox: InboxUnderTest) -> None:
        folder = await inbox.folder()
        other = Folder(folder.name, folder.role, folder.uid_validity + 1, folder.uid_next)
        with pytest.raises(errors.WireError):
            await inbox.inbox.fetch(other, 0)

    async def test_news_ends_the_wait(self, inbox: InboxUnderTest) -> None:
        await inbox.folder()
        while await inbox.inbox.wait(0.2):
            await inbox.folder()
        await inbox.deliver(letter(), "INBOX")
        assert await inbox.inbox.wait(30)

    async def test_leaving_twice_is_no_fault(self, inbox: InboxUnderTest) -> None:
        await inbox.inbox.close()
        await inbox.inbox.close()

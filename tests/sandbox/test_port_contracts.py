"""The rehearsal's ports and the real ones, on the embedded servers, are held to the same contracts."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from port_contracts import InboxContract, InboxUnderTest, MailerContract, MailerUnderTest, letter

from cadenced.mail.imap import ImapSettings, Mailbox
from cadenced.mail.smtp import Pool, SmtpSettings
from cadenced.ports import Outgoing, Refused
from cadenced.sandbox import servers
from cadenced.sandbox.clocks import VirtualClock
from cadenced.sandbox.ports import RehearsalInbox, RehearsalMailer
from peers.clocks import RealClock

START = datetime(2026, 11, 23, 7, tzinfo=UTC)


def refuse(message: Outgoing) -> Refused | None:
    return Refused(550, "5.1.1 no such user", "rcpt") if message.recipient.startswith("bad@") else None


class TestRehearsalMailer(MailerContract):
    @pytest.fixture
    def mailer(self) -> MailerUnderTest:
        clock = VirtualClock(START)
        made = RehearsalMailer(clock, refuse)
        return MailerUnderTest(made, lambda: [sent.message.raw for sent in made.sent], clock.monotonic)


class TestPoolOnTheEmbeddedServer(MailerContract):
    @pytest.fixture
    async def mailer(self) -> AsyncIterator[MailerUnderTest]:
        async with servers.serve_smtp(lambda to: "550 5.1.1 no" if to.startswith("bad@") else "") as server:
            pool = Pool(SmtpSettings(servers.HOST, server.port, "none"), RealClock())
            yield MailerUnderTest(pool, lambda: [taken.raw for taken in server.accepted], time.monotonic)
            await pool.close()


class TestRehearsalInbox(InboxContract):
    @pytest.fixture
    def inbox(self) -> InboxUnderTest:
        made = RehearsalInbox(VirtualClock(START))

        async def deliver(raw: bytes, folder: str) -> None:
            made.deliver(raw, folder)

        return InboxUnderTest(made, deliver)

    async def test_what_has_just_come_is_not_seen_before_the_folders_are_asked_for(self, inbox: InboxUnderTest) -> None:
        folder = await inbox.folder()
        await inbox.deliver(letter(), "INBOX")
        assert list(await inbox.inbox.fetch(folder, 0)) == []
        assert len(await inbox.inbox.fetch(await inbox.folder(), 0)) == 1


class TestMailboxOnTheEmbeddedServer(InboxContract):
    @pytest.fixture
    async def inbox(self) -> AsyncIterator[InboxUnderTest]:
        async with servers.serve_imap("julie", "secret") as server:
            box = Mailbox(ImapSettings(servers.HOST, server.port, "none", "julie", "secret"))

            async def deliver(raw: bytes, folder: str) -> None:
                await server.deliver(raw, datetime.now(UTC), folder)

            yield InboxUnderTest(box, deliver)
            await box.close()


async def test_the_servers_leave_no_task_behind() -> None:
    import asyncio  # noqa: PLC0415 - only here

    before = asyncio.all_tasks()
    async with servers.serve_imap("julie", "secret") as imap, servers.serve_smtp():
        box = Mailbox(ImapSettings(servers.HOST, imap.port, "none", "julie", "secret"))
        await box.folders()
        await box.close()
    assert asyncio.all_tasks() == before

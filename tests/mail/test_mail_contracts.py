"""The real mailer and the real inbox, held to the laws of ``contracts``."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from cadenced.mail.imap import ImapSettings, Mailbox
from cadenced.mail.smtp import Pool, SmtpSettings
from mail import contracts
from peers import clocks, dovecot, pymap_peer, smtp_sink


class SinkWorld:
    """The pool against the scripted server."""

    def __init__(self, sink: smtp_sink.Sink) -> None:
        self.sink = sink
        self.mailer = Pool(SmtpSettings(sink.host, sink.port, "none", connections=4), clocks.HastyClock())

    def now(self) -> float:
        return 1000.0

    def accepted(self) -> list[tuple[tuple[str, ...], bytes]]:
        return [(message.recipients, message.raw) for message in self.sink.accepted]

    def refuse_next(self, stage: str, code: int) -> None:
        self.sink.plan(stage, smtp_sink.Say(f"{code} no"))

    def lose_next_answer(self) -> None:
        self.sink.plan("dot", smtp_sink.Take(smtp_sink.Close()))

    async def go_down(self) -> None:
        self.sink.always("connect", smtp_sink.Close())


class TestPool(contracts.MailerContract):
    @pytest.fixture(params=[["PIPELINING"], []], ids=["pipelined", "one by one"])
    async def world(self, request: pytest.FixtureRequest) -> AsyncIterator[SinkWorld]:
        async with smtp_sink.serve(extensions=request.param) as sink:
            world = SinkWorld(sink)
            yield world
            await world.mailer.close()


class DovecotWorld:
    """The mailbox against a real Dovecot."""

    def __init__(self, server: dovecot.Dovecot) -> None:
        self.server = server
        settings = ImapSettings("127.0.0.1", server.port, "none", "julie", "secret", reconnect=0.0)
        self.inbox = Mailbox(settings)

    async def deliver(self, raw: bytes, folder: str = "INBOX") -> None:
        self.server.deliver(raw, folder)

    async def go_down(self) -> None:
        self.server.stop()

    async def come_back(self) -> None:
        self.server.start()


class TestMailboxOnDovecot(contracts.InboxContract):
    pytestmark = dovecot.needs_dovecot

    @pytest.fixture
    async def world(self) -> AsyncIterator[DovecotWorld]:
        with dovecot.running() as server:
            world = DovecotWorld(server)
            yield world
            await world.inbox.close()


class PymapWorld:
    """The mailbox against embedded pymap, which knows neither LIST-STATUS nor SPECIAL-USE."""

    def __init__(self, server: pymap_peer.PymapPeer) -> None:
        self.server = server
        settings = ImapSettings(
            "127.0.0.1", server.port, "none", pymap_peer.USER, pymap_peer.PASSWORD, reconnect=0.0, timeout=10.0
        )
        self.inbox = Mailbox(settings)

    async def deliver(self, raw: bytes, folder: str = "INBOX") -> None:
        await self.server.deliver(raw, folder)

    async def go_down(self) -> None:
        await self.server.stop()

    async def come_back(self) -> None:
        await self.server.start()


class TestMailboxOnPymap(contracts.InboxContract):
    @pytest.fixture
    async def world(self) -> AsyncIterator[PymapWorld]:
        async with pymap_peer.running("Sent", "Junk") as server:
            world = PymapWorld(server)
            yield world
            await world.inbox.close()

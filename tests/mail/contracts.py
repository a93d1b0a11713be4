"""The laws that every ``ports.Mailer`` and ``ports.Inbox`` keeps: the real ones and those of the rehearsal.

A suite subclasses a contract and gives it a fixture ``world`` that yields one of the worlds below:

    class TestOurFake(contracts.MailerContract):
        @pytest.fixture
        async def world(self): yield FakeWorld()
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import pytest

from cadenced import errors, ports

RAW = b"From: julie@abc.example\r\nTo: ada@x.example\r\nMessage-ID: <t1@abc.example>\r\n\r\nHello\r\n.dot\r\n"


class MailerWorld(Protocol):
    """A mailer and the server that it speaks with."""

    mailer: ports.Mailer

    def now(self) -> float:
        """Return the monotonic clock that deadlines are measured with."""
        ...

    def accepted(self) -> list[tuple[tuple[str, ...], bytes]]:
        """Return recipients and bytes of every message that the server took over."""
        ...

    def refuse_next(self, stage: str, code: int) -> None:
        """Answer the next ``rcpt`` or ``dot`` with this code."""
        ...

    def lose_next_answer(self) -> None:
        """Take the next message over and end the connection in place of the answer."""
        ...

    async def go_down(self) -> None:
        """Be unreachable from now on."""
        ...


def outgoing(recipient: str = "ada@x.example", copy_to: str = "", raw: bytes = RAW) -> ports.Outgoing:
    """Return a message to be handed over."""
    return ports.Outgoing(1, "julie@abc.example", recipient, raw, "<t1@abc.example>", copy_to)


class Gatekeeper:
    """A gate that counts."""

    def __init__(self, deadline: float | None = float("inf")) -> None:
        self.deadline = deadline
        self.asked: list[ports.Outgoing] = []

    async def __call__(self, message: ports.Outgoing) -> float | None:
        self.asked.append(message)
        await asyncio.sleep(0)
        return self.deadline


class MailerContract:
    """What the engine may rely on when it hands a message over."""

    async def test_an_accepted_message_is_the_frozen_bytes_to_one_recipient(self, world: MailerWorld) -> None:
        gate = Gatekeeper()
        assert isinstance(await world.mailer.submit(outgoing(), gate), ports.Accepted)
        assert world.accepted() == [(("ada@x.example",), RAW)]
        assert gate.asked == [outgoing()]

    async def test_a_copy_goes_along_in_the_same_transaction(self, world: MailerWorld) -> None:
        await world.mailer.submit(outgoing(copy_to="julie+c@abc.example"), Gatekeeper())
        assert world.accepted() == [(("ada@x.example", "julie+c@abc.example"), RAW)]

    async def test_a_shut_gate_keeps_the_message_back(self, world: MailerWorld) -> None:
        answer = await world.mailer.submit(outgoing(), Gatekeeper(None))
        assert isinstance(answer, ports.Deferred)
        assert (answer.phase, answer.permanent, world.accepted()) == ("gate", False, [])

    async def test_a_deadline_that_has_passed_keeps_the_message_back(self, world: MailerWorld) -> None:
        answer = await world.mailer.submit(outgoing(), Gatekeeper(world.now() - 0.001))
        assert isinstance(answer, ports.Deferred)
        assert (answer.phase, world.accepted()) == ("gate", [])

    @pytest.mark.parametrize("code", [450, 550])
    async def test_a_refused_recipient_is_told_before_the_gate_is_asked(self, world: MailerWorld, code: int) -> None:
        gate = Gatekeeper()
        world.refuse_next("rcpt", code)
        answer = await world.mailer.submit(outgoing(), gate)
        assert isinstance(answer, ports.Refused if code == 550 else ports.Deferred)
        assert (answer.phase, gate.asked, world.accepted()) == ("rcpt", [], [])
        assert isinstance(await world.mailer.submit(outgoing(), gate), ports.Accepted)

    @pytest.mark.parametrize("code", [450, 550])
    async def test_a_complete_refusal_of_the_dot_is_definite(self, world: MailerWorld, code: int) -> None:
        world.refuse_next("dot", code)
        answer = await world.mailer.submit(outgoing(), Gatekeeper())
        assert isinstance(answer, ports.Refused if code == 550 else ports.Deferred)
        assert (answer.phase, world.accepted()) == ("dot", [])

    async def test_a_goodbye_after_the_dot_tells_nothing(self, world: MailerWorld) -> None:
        world.refuse_next("dot", 421)
        assert isinstance(await world.mailer.submit(outgoing(), Gatekeeper()), ports.Unknown)

    async def test_a_lost_answer_is_unknown_and_the_message_is_not_sent_again(self, world: MailerWorld) -> None:
        world.lose_next_answer()
        assert isinstance(await world.mailer.submit(outgoing(), Gatekeeper()), ports.Unknown)
        assert len(world.accepted()) == 1

    async def test_a_server_out_of_reach_is_the_mailbox_s_fault_and_the_gate_is_not_asked(
        self, world: MailerWorld
    ) -> None:
        gate = Gatekeeper()
        await world.go_down()
        answer = await world.mailer.submit(outgoing(), gate)
        assert isinstance(answer, ports.Deferred)
        assert (answer.mailbox_fault, answer.permanent, gate.asked) == (True, False, [])

    @pytest.mark.parametrize("recipient", ["a b@x.example", "<a@x.example>", "a@x.example\r\nDATA", ""])
    async def test_an_address_that_is_none_is_refused(self, world: MailerWorld, recipient: str) -> None:
        gate = Gatekeeper()
        answer = await world.mailer.submit(outgoing(recipient), gate)
        assert isinstance(answer, ports.Refused)
        assert (answer.phase, gate.asked, world.accepted()) == ("rcpt", [], [])

    async def test_a_gate_that_fails_fails_the_submission_and_nothing_leaves(self, world: MailerWorld) -> None:
        async def broken(message: ports.Outgoing) -> float | None:
            raise LookupError("disk full")

        with pytest.raises(LookupError):
            await world.mailer.submit(outgoing(), broken)
        assert world.accepted() == []

    async def test_many_at_once_all_arrive_once(self, world: MailerWorld) -> None:
        people = [f"p{n}@x.example" for n in range(20)]
        answers = await asyncio.gather(*(world.mailer.submit(outgoing(p), Gatekeeper()) for p in people))
        assert all(isinstance(answer, ports.Accepted) for answer in answers)
        assert sorted(recipients for recipients, _ in world.accepted()) == sorted((p,) for p in people)

    async def test_closing_twice_does_no_harm(self, world: MailerWorld) -> None:
        await world.mailer.submit(outgoing(), Gatekeeper())
        await world.mailer.close()
        await world.mailer.close()


class InboxWorld(Protocol):
    """An inbox, and what lies behind it: INBOX, Sent and Junk, all of them empty."""

    inbox: ports.Inbox

    async def deliver(self, raw: bytes, folder: str = "INBOX") -> None:
        """Put a message into a folder, as a mail server does."""
        ...

    async def go_down(self) -> None:
        """Be unreachable from now on."""
        ...

    async def come_back(self) -> None:
        """Be reachable again, with the mail of before."""
        ...


MAIL = b"From: ada@x.example\r\nMessage-ID: <r%d@x.example>\r\nX-Cadence-Ref: ref%d\r\n\r\nyes\r\n"


async def place(inbox: ports.Inbox, name: str = "INBOX") -> ports.Folder:
    """Return a folder as it is now."""
    return next(folder for folder in await inbox.folders() if folder.name == name)


class InboxContract:
    """What the engine may rely on when it reads."""

    async def test_folders_have_their_roles_and_the_inbox_is_first(self, world: InboxWorld) -> None:
        folders = await world.inbox.folders()
        roles = {folder.name: folder.role for folder in folders}
        assert folders[0].role == "inbox"
        assert (roles["INBOX"], roles["Sent"], roles["Junk"]) == ("inbox", "sent", "junk")
        assert all(folder.uid_validity > 0 and folder.uid_next > 0 for folder in folders)

    @pytest.mark.parametrize("name", ["INBOX", "Junk"])
    async def test_what_was_delivered_before_the_question_is_seen(self, world: InboxWorld, name: str) -> None:
        for n in range(10):
            before = await place(world.inbox, name)
            if n % 2:
                await world.inbox.fetch(before, before.uid_next - 1)
            await world.deliver(MAIL % (n, n), name)
            assert (await place(world.inbox, name)).uid_next > before.uid_next

    async def test_messages_come_in_order_from_the_uid_on_and_up_to_the_limit(self, world: InboxWorld) -> None:
        for n in range(5):
            await world.deliver(MAIL % (n, n))
        inbox = await place(world.inbox)
        everything = await world.inbox.fetch(inbox, 0)
        assert sorted(message.raw for message in everything) == [MAIL % (n, n) for n in range(5)]
        uids = [message.uid for message in everything]
        assert uids == sorted(set(uids))
        assert inbox.uid_next > uids[-1]
        assert [m.uid for m in await world.inbox.fetch(inbox, uids[1], limit=2)] == uids[2:4]
        assert list(await world.inbox.fetch(inbox, uids[-1])) == []

    async def test_a_message_is_found_by_all_of_its_id_or_reference(self, world: InboxWorld) -> None:
        await world.deliver(MAIL % (12, 12), "Sent")
        await world.deliver(MAIL % (1, 1), "Sent")
        sent = await place(world.inbox, "Sent")
        last = (await world.inbox.fetch(sent, 0))[-1].uid
        assert await world.inbox.find(sent, "<r1@x.example>", "") == last
        assert await world.inbox.find(sent, "<rewritten@relay.example>", "ref1") == last
        assert await world.inbox.find(sent, "<r2@x.example>", "ref2") is None

    async def test_a_copy_is_filed_and_moved(self, world: InboxWorld) -> None:
        inbox, sent = await place(world.inbox), await place(world.inbox, "Sent")
        await world.inbox.append(inbox, MAIL % (1, 1))
        [message] = await world.inbox.fetch(inbox, 0)
        assert message.raw == MAIL % (1, 1)
        await world.inbox.move(inbox, message.uid, sent)
        assert list(await world.inbox.fetch(inbox, 0)) == []
        assert [m.raw for m in await world.inbox.fetch(sent, 0)] == [MAIL % (1, 1)]

    async def test_news_wakes_whoever_waits_and_silence_does_not(self, world: InboxWorld) -> None:
        while await world.inbox.wait(0.02):
            pass
        waiting = asyncio.create_task(world.inbox.wait(20))
        await asyncio.sleep(0.02)
        assert not waiting.done()
        await world.deliver(MAIL % (1, 1))
        assert await waiting

    async def test_uids_of_another_validity_are_an_error(self, world: InboxWorld) -> None:
        inbox = await place(world.inbox)
        other = ports.Folder(inbox.name, inbox.role, inbox.uid_validity + 1, inbox.uid_next)
        with pytest.raises(errors.WireError):
            await world.inbox.fetch(other, 0)
        with pytest.raises(errors.WireError):
            await world.inbox.find(other, "<r1@x.example>", "")

    async def test_a_server_out_of_reach_is_an_error_until_it_is_back(self, world: InboxWorld) -> None:
        inbox = await place(world.inbox)
        await world.deliver(MAIL % (1, 1))
        await world.go_down()
        for question in (
            world.inbox.folders,
            lambda: world.inbox.fetch(inbox, 0),
            lambda: world.inbox.find(inbox, "a", "b"),
        ):
            with pytest.raises(errors.WireError):
                await question()
        await world.come_back()
        assert [m.raw for m in await world.inbox.fetch(await place(world.inbox), 0)] == [MAIL % (1, 1)]

    async def test_closing_twice_does_no_harm(self, world: InboxWorld) -> None:
        await world.inbox.folders()
        await world.inbox.close()
        await world.inbox.close()

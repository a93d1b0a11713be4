"""Odd, late, moved and huge mail against a real Dovecot: nothing twice, and nothing after an answer."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from datetime import datetime
from pathlib import Path

import house
import pytest
from house import House, until

from cadenced.core.model import State, TouchState
from cadenced.engine import acts
from cadenced.store import inbox, people, tasks, touches
from peers import dovecot, smtp_sink

pytestmark = dovecot.needs_dovecot

MAIL = """\
From: {sender}
To: julie@abc.example
Subject: {subject}
Date: {date:%a, %d %b %Y %H:%M:%S +0000}
{more}
{text}
"""
SLOW = """\
title: A slow plan
window: always
steps:
  - email: one
  - email: two
    after: 1 h
"""


@pytest.fixture
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running() as one:
        yield one


@contextlib.asynccontextmanager
async def at_home(tmp_path: Path, server: dovecot.Dovecot, changes: str = "") -> AsyncIterator[House]:
    path = house.write(tmp_path, server.port, 1, changes)
    (tmp_path / "sequences" / "slow.yaml").write_text(SLOW)
    async with smtp_sink.serve() as sink:
        path.write_text(path.read_text().replace("port = 1\n", f"port = {sink.port}\n"))
        async with house.running(path, sink) as one:
            yield one


def mail(home: House, sender: str, text: str = "Let us talk.", subject: str = "Hello", more: str = "") -> bytes:
    now: datetime = home.workspace.now()
    return MAIL.format(sender=sender, subject=subject, more=more, date=now, text=text).replace("\n", "\r\n").encode()


def nudge(home: House, server: dovecot.Dovecot) -> None:
    """Wake the watcher, which listens on INBOX and reads the other folders when something stirs there."""
    server.deliver(mail(home, "newsletter@else.example"))


async def one_touch(home: House, email: str, sequence: str = "slow") -> None:
    home.enrol(email, sequence)
    await until(lambda: home.sent_to(email))


def touch_of(home: House, email: str) -> touches.Touch:
    return home.read(lambda tx: touches.of_prospect(tx, home.standing(email).prospect))[0]


async def test_a_reply_without_a_message_id_from_a_tagged_address_stops(
    tmp_path: Path, server: dovecot.Dovecot
) -> None:
    async with at_home(tmp_path, server) as home:
        await one_touch(home, "ann@there.example")
        server.deliver(mail(home, "Ann <ann+work@there.example>"))
        await until(lambda: home.standing("ann@there.example").state is State.HALTED)
        assert len(home.sent_to("ann@there.example")) == 1


async def test_one_answer_in_two_folders_is_one_answer(tmp_path: Path, server: dovecot.Dovecot) -> None:
    async with at_home(tmp_path, server) as home:
        await one_touch(home, "bob@there.example")
        answer = mail(home, "bob@there.example", more="Message-ID: <twice@there.example>\n")
        server.deliver(answer)
        server.deliver(answer, folder="Junk")
        nudge(home, server)
        await until(lambda: home.standing("bob@there.example").state is State.HALTED)
        await asyncio.sleep(0.5)
        prospect = home.standing("bob@there.example").prospect
        assert len(home.read(lambda tx: inbox.of_prospect(tx, prospect))) == 1
        assert len(home.read(tasks.open_until)) == 1


async def test_an_answer_in_a_folder_that_is_made_for_it_and_renamed_stops(
    tmp_path: Path, server: dovecot.Dovecot
) -> None:
    async with at_home(tmp_path, server) as home:
        await one_touch(home, "carl@there.example")
        client = server.client()
        client.create("Filed")
        client.append("Filed", None, None, mail(home, "carl@there.example"))
        client.rename("Filed", "Filed-2026")
        nudge(home, server)
        await until(lambda: home.standing("carl@there.example").state is State.HALTED)
        client.logout()


async def test_an_answer_in_a_folder_that_was_rebuilt_stops(tmp_path: Path, server: dovecot.Dovecot) -> None:
    async with at_home(tmp_path, server) as home:
        await one_touch(home, "dora@there.example")
        client = server.client()
        client.create("Work")
        client.append("Work", None, None, mail(home, "stranger@else.example"))
        nudge(home, server)
        await until(lambda: "Work" in home.read(lambda tx: inbox.places(tx, "julie")))
        before = home.read(lambda tx: inbox.places(tx, "julie"))["Work"]
        client.delete("Work")
        client.create("Work")
        client.append("Work", None, None, mail(home, "dora@there.example"))
        nudge(home, server)
        await until(lambda: home.standing("dora@there.example").state is State.HALTED)
        assert home.read(lambda tx: inbox.places(tx, "julie"))["Work"].uid_validity != before.uid_validity
        client.logout()


async def test_a_copy_to_ourselves_settles_what_the_server_never_said_and_lies_in_sent(
    tmp_path: Path, server: dovecot.Dovecot
) -> None:
    async with at_home(tmp_path, server, 'sent_copy = "self"\n') as home:
        home.sink.on_accept = lambda one: server.deliver(one.raw) if "julie@abc.example" in one.recipients else None
        home.sink.plan("dot", smtp_sink.Take(smtp_sink.Close()))
        home.enrol("eve@there.example")
        await until(lambda: home.sink.accepted)
        await until(lambda: touch_of(home, "eve@there.example").state is TouchState.SENT)
        assert home.read(tasks.open_until) == []
        await until(lambda: home.standing("eve@there.example").state is State.FINISHED, 30)
        assert len(home.sent_to("eve@there.example")) == 3
        client = server.client()

        def filed() -> bool:
            return client.select("Sent")[1] == [b"3"] and client.select("INBOX")[1] == [b"0"]

        await until(filed)
        client.logout()


async def test_an_answer_to_a_mail_in_doubt_stops_and_proves_it(tmp_path: Path, server: dovecot.Dovecot) -> None:
    async with at_home(tmp_path, server) as home:
        home.sink.plan("dot", smtp_sink.Take(smtp_sink.Close()))
        home.enrol("fred@there.example", "slow")
        await until(lambda: home.standing("fred@there.example").state is State.AWAITING_TASK)
        ours = touch_of(home, "fred@there.example").message_id
        server.deliver(mail(home, "fred@there.example", more=f"In-Reply-To: {ours}\n"))
        await until(lambda: home.standing("fred@there.example").state is State.HALTED)
        assert touch_of(home, "fred@there.example").state is TouchState.SENT
        assert [task.kind for task in home.read(tasks.open_until)] == ["reply"]


async def test_a_huge_mail_and_a_broken_one_are_read_past(tmp_path: Path, server: dovecot.Dovecot) -> None:
    async with at_home(tmp_path, server) as home:
        await one_touch(home, "gina@there.example")
        server.deliver(mail(home, "stranger@else.example", text="line of text\n" * 400_000))
        server.deliver(b"\x00\xff\xfe\x00 no mail at all \x80\x81")
        server.deliver(
            b"Content-Type: multipart/mixed; boundary=x\r\n\r\n"
            + b"--x\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n" * 3000
        )
        server.deliver(mail(home, "gina@there.example"))
        await until(lambda: home.standing("gina@there.example").state is State.HALTED)
        assert len(home.sent_to("gina@there.example")) == 1


async def test_a_server_that_takes_mail_and_never_says_so_is_given_one_and_not_all(
    tmp_path: Path, server: dovecot.Dovecot
) -> None:
    async with at_home(tmp_path, server) as home:
        home.sink.always("dot", smtp_sink.Take(smtp_sink.Close()))
        for n in range(30):
            home.enrol(f"p{n}@there.example", "slow")
        await until(lambda: home.sink.accepted)
        await asyncio.sleep(2)
        assert len(home.sink.accepted) <= 8  # twice the connections: what was on the wire already


async def test_an_answer_while_paused_by_hand_halts(tmp_path: Path, server: dovecot.Dovecot) -> None:
    async with at_home(tmp_path, server) as home:
        await one_touch(home, "hugo@there.example")
        until_ = home.workspace.now().replace(year=home.workspace.now().year + 1)
        home.workspace.database.transact(lambda tx: acts.pause(tx, home.workspace, "hugo@there.example", until_))
        server.deliver(mail(home, "hugo@there.example"))
        await until(lambda: home.standing("hugo@there.example").state is State.HALTED)
        assert not home.read(lambda tx: people.is_suppressed(tx, "hugo@there.example"))

"""Faults on the way to the inbox (rows 24 to 34), with the installed daemon and a proxy that cuts, delays and hangs.

While answers cannot be read nothing leaves; when they can be read again it goes on by itself, and no answer is missed.
"""

from __future__ import annotations

import asyncio
import imaplib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from grounds import Ground, entered

from cadenced.store import mailboxes
from peers import dovecot, warm
from peers.dovecot import Dovecot
from peers.patience import PATIENCE, until

pytestmark = [*dovecot.needs_dovecot, pytest.mark.slow, pytest.mark.timeout(1200)]

UNREAD = int(os.environ.get("CADENCED_UNREAD", "300"))


@dataclass
class Gate:
    """A proxy before an IMAP server; ``trouble`` holds for all connections from the next byte on."""

    target: int
    port: int = 0
    delay: float = 0.0
    is_shut: bool = False
    is_deaf: bool = False
    says_bye: bool = False
    open: set[asyncio.StreamWriter] = field(default_factory=set)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    async def converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.is_shut:
            writer.close()
            return
        theirs, ours = await asyncio.open_connection("127.0.0.1", self.target)
        self.open |= {writer, ours}
        await asyncio.gather(self.pass_on(reader, ours, is_answer=False), self.pass_on(theirs, writer, is_answer=True))

    async def pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_answer: bool) -> None:
        try:
            while data := await reader.read(65_536):
                await asyncio.sleep(self.delay if is_answer else 0)
                while self.is_deaf:  # noqa: ASYNC110 - set from another thread
                    await asyncio.sleep(0.05)
                writer.write(data)
                if is_answer and self.says_bye and data.startswith(b"+"):
                    writer.write(b"* BYE Autologout\r\n")
                    break
        except (ConnectionError, RuntimeError):
            pass
        finally:
            writer.close()

    def cut(self) -> None:
        """Break every connection that is open; from any thread."""
        self.loop.call_soon_threadsafe(self.cut_here)

    def cut_here(self) -> None:
        for writer in tuple(self.open):
            writer.transport.abort()
        self.open.clear()


@contextmanager
def gate_to(port: int) -> Iterator[Gate]:
    gate, is_up = Gate(port), threading.Event()
    stop = asyncio.Event()

    async def main() -> None:
        server = await asyncio.start_server(gate.converse, "127.0.0.1", 0)
        gate.port = server.sockets[0].getsockname()[1]
        is_up.set()
        await stop.wait()
        gate.cut_here()
        server.close()

    thread = threading.Thread(target=lambda: gate.loop.run_until_complete(main()), daemon=True)
    thread.start()
    assert is_up.wait(PATIENCE)
    try:
        yield gate
    finally:
        gate.loop.call_soon_threadsafe(stop.set)
        thread.join(PATIENCE)


@pytest.fixture
def gate(server: Dovecot) -> Iterator[Gate]:
    with gate_to(server.port) as one:
        yield one


_users = iter(f"p{n}" for n in range(5900, 6000))


@pytest.fixture
def ground(tmp_path: Path, server: Dovecot, stable: warm.Stable, gate: Gate) -> Iterator[Ground]:
    with entered(tmp_path / "ground", server, stable, user=next(_users)) as one:
        path = one.root / "cadenced.toml"
        path.write_text(path.read_text().replace(f"port = {server.port}", f"port = {gate.port}"))
        one.enrol("ann@inbox.example", "bob@other.example")
        yield one


def answer(ground: Ground, sender: str) -> bytes:
    ours = next(one.raw for one in ground.sink.accepted if sender in one.recipients)
    message_id = ours.partition(b"Message-ID: ")[2].partition(b"\r\n")[0].decode()
    return (
        f"From: {sender}\r\nTo: julie@abc.example\r\nSubject: Re: plan\r\nIn-Reply-To: {message_id}\r\n"
        f"Message-ID: <{time.monotonic_ns()}@inbox.example>\r\n\r\nYes, call me on Thursday.\r\n"
    ).encode()


def state_of(ground: Ground, email: str) -> str:
    query = "SELECT p.email, e.state FROM enrolments e JOIN prospects p ON p.id = e.prospect_id"
    return next(row["state"] for row in ground.rows(query) if row["email"] == email)


def is_blind(ground: Ground) -> bool:
    return any(row["imap_fault"] for row in ground.rows("SELECT imap_fault FROM mailboxes"))


def both_were_sent(ground: Ground) -> bool:
    """Whether that is written down too: what is hurried before would be overwritten."""
    return [touch["state"] for touch in ground.touches()] == ["sent", "sent"]


def kill_once_both_were_sent(ground: Ground, run: warm.Run) -> None:
    until(lambda: both_were_sent(ground))
    run.kill()


TROUBLES = {
    "the server is gone": ("is_shut", True),
    "it takes longer than a fence may": ("delay", 4.0),
    "it hears and says nothing": ("is_deaf", True),
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_while_answers_cannot_be_read_nothing_leaves_and_an_answer_of_that_time_counts(
    trouble: str, ground: Ground, gate: Gate, server: Dovecot
) -> None:
    ground.start()
    until(lambda: both_were_sent(ground))
    name, value = TROUBLES[trouble]
    setattr(gate, name, value)
    gate.cut()
    ground.hurry()
    server.deliver(answer(ground, "ann@inbox.example"), user=ground.user)
    until(lambda: "cannot be read" in ground.said() or ground.said().count("gate stayed shut") > 1)
    assert len(ground.taken()) == 2, ground.said()
    setattr(gate, name, type(value)())
    gate.cut()
    until(lambda: len(ground.taken()) == 3)
    until(lambda: state_of(ground, "ann@inbox.example") == "halted")
    assert [one.recipients for one in ground.sink.accepted[2:]] == [("bob@other.example",)]
    assert set(ground.taken().values()) == {1}


def test_an_inbox_that_only_stalls_is_named_while_it_is_waited_for(ground: Ground, gate: Gate) -> None:
    ground.start()
    until(lambda: both_were_sent(ground))
    gate.is_deaf = True
    ground.hurry()
    query = f"SELECT name FROM mailboxes WHERE imap_fault LIKE '{mailboxes.STALL}%'"  # noqa: S608 - our own words
    until(lambda: ground.rows(query))
    assert len(ground.taken()) == 2
    gate.is_deaf = False
    until(lambda: not is_blind(ground))
    until(lambda: len(ground.taken()) == 4)


def refuses(server: Dovecot, user: str) -> bool:
    """Whether the server has seen that a password is another one; it looks once a second."""
    try:
        server.client(user).logout()
    except imaplib.IMAP4.error:
        return True
    return False


def test_a_login_that_is_revoked_holds_the_mailbox_and_says_so(ground: Ground, gate: Gate, server: Dovecot) -> None:
    ground.start()
    until(lambda: both_were_sent(ground))
    users = server.home / "users"
    before = users.read_text()
    users.write_text(before.replace(f"{ground.user}:{{PLAIN}}secret\n", f"{ground.user}:{{PLAIN}}changed\n"))
    try:
        until(lambda: refuses(server, ground.user))
        gate.cut()
        ground.hurry()
        until(lambda: is_blind(ground))
        assert len(ground.taken()) == 2
        assert "secret" not in ground.said()
    finally:
        users.write_text(before)


def test_a_server_that_says_bye_to_every_idle_costs_no_answer(ground: Ground, gate: Gate, server: Dovecot) -> None:
    gate.says_bye = True
    ground.start()
    until(lambda: both_were_sent(ground))
    server.deliver(answer(ground, "ann@inbox.example"), user=ground.user)
    until(lambda: state_of(ground, "ann@inbox.example") == "halted")
    ground.hurry()
    until(lambda: len(ground.taken()) == 3)
    assert [one.recipients for one in ground.sink.accepted[2:]] == [("bob@other.example",)]


def test_a_mailbox_that_is_rebuilt_while_an_answer_comes_hides_nothing(ground: Ground, server: Dovecot) -> None:
    """Row 30: UIDVALIDITY changes, and the answer has a number that was read before."""
    run = ground.start()
    kill_once_both_were_sent(ground, run)
    ground.hurry()
    for path in server.maildir(user=ground.user).glob("dovecot*"):
        path.unlink()
    server.deliver(answer(ground, "ann@inbox.example"), user=ground.user)
    ground.start()
    until(lambda: len(ground.taken()) == 3)
    assert [one.recipients for one in ground.sink.accepted[2:]] == [("bob@other.example",)]
    assert state_of(ground, "ann@inbox.example") == "halted"


def test_an_answer_among_thousands_that_came_while_nobody_looked_is_found_before_anything_leaves(
    ground: Ground, server: Dovecot
) -> None:
    """Row 32; ``CADENCED_UNREAD`` is their number."""
    run = ground.start()
    kill_once_both_were_sent(ground, run)
    noise = "From: s{n}@stranger.example\r\nTo: julie@abc.example\r\nMessage-ID: <n{n}@s>\r\n\r\nhi\r\n"
    for number in range(UNREAD):
        server.deliver(noise.format(n=number).encode(), user=ground.user)
    server.deliver(answer(ground, "ann@inbox.example"), user=ground.user)
    ground.hurry()
    ground.start()
    until(lambda: len(ground.taken()) == 3)
    assert [one.recipients for one in ground.sink.accepted[2:]] == [("bob@other.example",)]
    assert state_of(ground, "ann@inbox.example") == "halted"


HOSTILE = {
    "a nest of a hundred parts": "".join(
        f'Content-Type: multipart/mixed; boundary="b{n}"\r\n\r\n--b{n}\r\n' for n in range(100)
    ),
    "an unknown charset": "Content-Type: text/plain; charset=x-none\r\n\r\n\xff\xfe\r\n",
    "zero bytes": "Content-Type: text/plain\r\n\r\na\x00b\x00\r\n",
    "a header without end": "X-Long: " + "a" * 100_000 + "\r\n\r\nhi\r\n",
    "broken base64": "Content-Type: text/plain\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!!\r\n",
    "no body at all": "",
}


def test_malformed_mail_of_a_prospect_stops_them_and_nobody_else(ground: Ground, server: Dovecot) -> None:
    """Row 34: whatever is wrong with it, it may be an answer."""
    people = [f"h{n}@malformed{n}.example" for n in range(len(HOSTILE))]
    ground.enrol(*people)
    ground.start()
    until(lambda: len(ground.taken()) == 2 + len(people))
    for person, rest in zip(people, HOSTILE.values(), strict=True):
        head = f"From: {person}\r\nTo: julie@abc.example\r\nSubject: Re: x\r\n"
        server.deliver((head + rest).encode("latin-1"), user=ground.user)
    until(lambda: all(state_of(ground, person) in {"halted", "awaiting_task"} for person in people))
    assert state_of(ground, "bob@other.example") == "active"

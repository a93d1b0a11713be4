"""``cadenced doctor --probe`` against a real Dovecot: who files copies is measured and kept."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from story import Story, said
from test_doctor_command import at

from cadenced.config import SentCopy
from cadenced.engine import copies
from cadenced.store import copies as kept
from peers import dovecot, smtp_sink

pytestmark = dovecot.needs_dovecot


@pytest.fixture
def imap() -> Iterator[dovecot.Dovecot]:
    with dovecot.running() as server:
        yield server


async def probed(told: Story, capfd: Any, imap: dovecot.Dovecot, folders: tuple[str, ...], *more: str) -> Any:
    """Probe a mailbox whose server files what it takes in these folders."""

    def file(message: smtp_sink.Accepted) -> None:
        for folder in folders:
            imap.deliver(message.raw, folder)

    async with smtp_sink.serve(on_accept=file) as smtp:
        at(told, smtp.port, imap.port)
        answer = await asyncio.to_thread(said, capfd, "doctor", "--probe", "--patience", "3", "--json", *more)
        (taken,) = smtp.accepted
        assert taken.recipients == ("julie@abc.example",)
    assert answer.status == 0, answer.out
    return kept_of(told)


def kept_of(told: Story) -> Any:
    return told.workspace.database.read(kept.probed).get("julie")


@pytest.mark.parametrize(
    ("folders", "wanted"),
    [
        (("INBOX", "Sent"), SentCopy.SERVER),
        (("Sent",), SentCopy.SERVER),
        (("INBOX",), SentCopy.SELF),
        ((), SentCopy.APPEND),
    ],
)
async def test_who_files_copies_is_what_was_measured(
    told: Story, capfd: Any, imap: dovecot.Dovecot, folders: tuple[str, ...], wanted: SentCopy
) -> None:
    probe = await probed(told, capfd, imap, folders)
    assert probe.copies == wanted.value


async def test_the_answer_stands_in_for_auto_while_the_servers_are_the_same(
    told: Story, capfd: Any, imap: dovecot.Dovecot
) -> None:
    probe = await probed(told, capfd, imap, ("Sent",))
    assert probe.facts["message_id"] == "kept"
    assert "IDLE" in probe.facts["imap"].split()
    space = told.workspace
    told.workspace.database.transact(lambda tx: copies.look_up(tx, space))
    assert space.probed == {}  # this workspace still has the ports of before


async def test_a_relay_that_changes_message_ids_is_told(told: Story, capfd: Any, imap: dovecot.Dovecot) -> None:
    def file(message: smtp_sink.Accepted) -> None:
        imap.deliver(re.sub(rb"Message-ID: <[^>]+>", b"Message-ID: <other@relay.example>", message.raw), "Sent")

    async with smtp_sink.serve(on_accept=file) as smtp:
        at(told, smtp.port, imap.port)
        answer = await asyncio.to_thread(said, capfd, "doctor", "--probe", "julie", "--patience", "3")
    assert "another Message-ID" in " ".join(answer.out.split())
    assert kept_of(told).facts["message_id"] == "changed"


async def test_a_probe_that_is_refused_is_told_and_nothing_is_kept(
    told: Story, capfd: Any, imap: dovecot.Dovecot
) -> None:
    async with smtp_sink.serve() as smtp:
        smtp.always("rcpt", smtp_sink.Say("550 5.7.1 not from you"))
        at(told, smtp.port, imap.port)
        answer = await asyncio.to_thread(said, capfd, "doctor", "--probe", "--patience", "3")
    assert answer.status == 1
    assert "was not taken" in " ".join(answer.out.split())
    assert kept_of(told) is None


def test_a_mailbox_is_named_for_the_probe_alone(told: Story, capfd: Any) -> None:
    assert said(capfd, "doctor", "julie").status == 2
    assert said(capfd, "doctor", "--probe", "jule").status == 1

"""The main loop against a real Dovecot and a scripted SMTP server."""

from __future__ import annotations

import asyncio
import email
import email.policy
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from pathlib import Path

import house
import pytest
from house import House, until

from cadenced.core.model import State, TouchState
from cadenced.engine import acts
from cadenced.store import mailboxes, people, schema, tasks, timeline, touches
from peers import dovecot, smtp_sink

pytestmark = dovecot.needs_dovecot


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running() as one:
        yield one


@pytest.fixture
async def home(tmp_path: Path, server: dovecot.Dovecot) -> AsyncIterator[House]:
    async with smtp_sink.serve() as sink:
        path = house.write(tmp_path, server.port, sink.port)
        (tmp_path / "sequences" / "slow.yaml").write_text(house.SEQUENCE.replace("1 s", "1 h"))
        async with house.running(path, sink) as one:
            yield one


def parsed(raw: bytes) -> EmailMessage:
    return email.message_from_bytes(raw, policy=email.policy.default)  # type: ignore[return-value] # typeshed says Message


def reply(raw: bytes, text: str, sender: str, **headers: str) -> bytes:
    """Return an answer to one of our mails."""
    ours = parsed(raw)
    lines = {
        "From": sender,
        "To": "julie@abc.example",
        "Subject": f"Re: {ours['Subject']}",
        "Message-ID": f"<{abs(hash((raw, text)))}@there.example>",
        "In-Reply-To": ours["Message-ID"],
        "References": ours["Message-ID"],
        "Date": ours["Date"],
        **headers,
    }
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items() if value)
    return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()


async def test_a_silent_prospect_gets_three_touches_in_one_thread(home: House) -> None:
    home.enrol("ann@silent.example")
    await until(lambda: len(home.sent_to("ann@silent.example")) == 3)
    first, second, third = map(parsed, home.sent_to("ann@silent.example"))
    assert first["Subject"] == "Your next step Ann"
    assert second["Subject"] == third["Subject"] == "Re: Your next step Ann"
    assert second["In-Reply-To"] == first["Message-ID"]
    assert third["In-Reply-To"] == second["Message-ID"]
    assert third["References"].split() == [first["Message-ID"], second["Message-ID"]]
    await until(lambda: home.standing("ann@silent.example").state is State.FINISHED)


async def test_a_reply_halts_and_asks_the_human(home: House, server: dovecot.Dovecot) -> None:
    ours = await first_touch(home, "bob@answers.example")
    server.deliver(reply(ours, "Yes, Thursday is fine.", "bob@answers.example"))
    await until(lambda: home.standing("bob@answers.example").state is State.HALTED)
    open_tasks = home.read(tasks.open_until)
    assert [task.kind for task in open_tasks] == ["reply"]
    assert "Thursday" in open_tasks[0].facts["text"]


DSN = """\
From: MAILER-DAEMON@mx.there.example
To: julie@abc.example
Subject: Undelivered Mail Returned to Sender
Message-ID: <dsn-{token}@mx.there.example>
Date: {date}
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

I'm sorry to have to inform you that your message could not be delivered.

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.there.example

Final-Recipient: rfc822; {recipient}
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 <{recipient}>: Recipient address rejected: User unknown

--b
Content-Type: message/rfc822

{original}
--b--
"""


async def first_touch(home: House, address: str) -> bytes:
    home.enrol(address, "slow")
    await until(lambda: has_sent(home, address))
    return home.sent_to(address)[0]


def has_sent(home: House, address: str) -> list[object]:
    """Return the touches of somebody that are known to have been sent."""
    prospect = home.standing(address).prospect
    return [one for one in home.read(lambda tx: touches.of_prospect(tx, prospect)) if one.state is TouchState.SENT]


def make_due(home: House) -> None:
    """Have everybody's next touch due now."""
    table = schema.enrolments
    due = table.update().where(table.c.state == "active").values(due_at=home.workspace.now())
    home.workspace.database.transact(lambda tx: tx.execute(due))
    home.workspace.changed()


def events_of(home: House, address: str) -> list[str]:
    def work(tx: object) -> list[str]:
        prospect = people.by_email(tx, address)  # type: ignore[arg-type] # a connection
        assert prospect is not None
        return [str(row["event"]) for row in timeline.of_prospect(tx, prospect.id)]  # type: ignore[arg-type] # a connection

    return home.read(work)


async def stopped(home: House, address: str, state: State) -> None:
    """Wait for the state, and see that nothing more is sent afterwards: somebody else's touch, due as well, is."""
    await until(lambda: home.standing(address).state is state)
    count = len(home.sent_to(address))
    await first_touch(home, f"other-{address}")
    make_due(home)
    await until(lambda: len(home.sent_to(f"other-{address}")) == 2)
    assert len(home.sent_to(address)) == count


async def test_a_reply_in_a_new_thread_halts_by_its_address(home: House, server: dovecot.Dovecot) -> None:
    ours = await first_touch(home, "carl@new.example")
    answer = reply(ours, "Can you call me?", "Carl <carl@new.example>", In_Reply_To="", References="", Subject="Hello")
    server.deliver(answer)
    await stopped(home, "carl@new.example", State.HALTED)


async def test_a_reply_that_a_filter_moved_to_junk_halts(home: House, server: dovecot.Dovecot) -> None:
    ours = await first_touch(home, "dora@junk.example")
    server.deliver(reply(ours, "No thanks, not for us.", "dora@junk.example"), folder="Junk")
    await stopped(home, "dora@junk.example", State.HALTED)


async def test_an_out_of_office_pauses_to_the_day_after_the_return(home: House, server: dovecot.Dovecot) -> None:
    ours = await first_touch(home, "eve@away.example")
    back = datetime.now(UTC).date() + timedelta(days=20)
    text = f"I am out of the office until {back:%d %B %Y}. I will answer when I am back."
    subject = "Automatic reply: Your next step"
    server.deliver(reply(ours, text, "eve@away.example", Subject=subject, Auto_Submitted="auto-replied"))
    await stopped(home, "eve@away.example", State.PAUSED)
    due_at = home.standing("eve@away.example").due_at
    assert due_at is not None
    assert due_at.date() > back
    assert "auto_replied" in events_of(home, "eve@away.example")


async def test_an_opt_out_suppresses(home: House, server: dovecot.Dovecot) -> None:
    ours = await first_touch(home, "fred@leave.example")
    server.deliver(reply(ours, "Please remove me from your list.", "fred@leave.example"))
    await stopped(home, "fred@leave.example", State.HALTED)
    assert home.read(lambda tx: people.is_suppressed(tx, "fred@leave.example"))
    assert "opted_out" in events_of(home, "fred@leave.example")


async def test_the_opt_out_link_of_our_own_mail_suppresses_from_any_address(
    home: House, server: dovecot.Dovecot
) -> None:
    ours = parsed(await first_touch(home, "gina@link.example"))
    subject = str(ours["List-Unsubscribe"]).partition("subject=")[2].rstrip(">").replace("%20", " ")
    server.deliver(
        f"From: other@private.example\r\nTo: julie@abc.example\r\nSubject: {subject}\r\n"
        f"Message-ID: <link@private.example>\r\nDate: {ours['Date']}\r\n\r\n\r\n".encode()
    )
    await stopped(home, "gina@link.example", State.HALTED)
    assert home.read(lambda tx: people.is_suppressed(tx, "gina@link.example"))


async def test_a_bounce_suppresses_and_asks_for_another_address(home: House, server: dovecot.Dovecot) -> None:
    ours = await first_touch(home, "hugo@gone.example")
    fields = {"token": "1", "date": parsed(ours)["Date"], "recipient": "hugo@gone.example"}
    server.deliver(DSN.format(original=ours.decode(), **fields).replace("\r\n", "\n").replace("\n", "\r\n").encode())
    await stopped(home, "hugo@gone.example", State.HALTED)
    assert home.read(lambda tx: people.is_suppressed(tx, "hugo@gone.example"))
    assert "bounced" in events_of(home, "hugo@gone.example")


async def test_a_colleague_is_held_behind_a_task(home: House, server: dovecot.Dovecot) -> None:
    home.enrol("ida@acme.example", "slow", company="Acme")
    home.enrol("jack@acme.example", "slow", company="Acme")
    await until(lambda: has_sent(home, "ida@acme.example") and has_sent(home, "jack@acme.example"))
    server.deliver(reply(home.sent_to("ida@acme.example")[0], "Let us talk.", "ida@acme.example"))
    await stopped(home, "ida@acme.example", State.HALTED)
    await stopped(home, "jack@acme.example", State.AWAITING_TASK)


async def test_a_refused_recipient_is_a_bounce(home: House) -> None:
    home.sink.plan("rcpt", smtp_sink.Say("550 5.1.1 no such user here"))
    home.enrol("kate@refused.example")
    await stopped(home, "kate@refused.example", State.HALTED)
    assert home.sent_to("kate@refused.example") == []
    assert home.read(lambda tx: people.is_suppressed(tx, "kate@refused.example"))


async def test_a_refusal_of_us_holds_the_mailbox_and_suppresses_nobody(home: House) -> None:
    home.sink.plan("dot", smtp_sink.Say("550 5.7.1 Message rejected due to spam content; see policy"))
    home.enrol("lara@policy.example")

    def held() -> bool:
        return bool(home.read(lambda tx: mailboxes.get(tx, "julie").hold))

    await until(held)
    assert home.standing("lara@policy.example").state is State.ACTIVE
    assert not home.read(lambda tx: people.is_suppressed(tx, "lara@policy.example"))


async def test_a_postponed_message_leaves_later_with_the_same_bytes(home: House) -> None:
    home.sink.plan("rcpt", smtp_sink.Say("450 4.2.0 greylisted, try again"))
    home.enrol("mia@grey.example")
    await until(lambda: "postponed" in events_of(home, "mia@grey.example"))
    touch = home.read(lambda tx: touches.of_prospect(tx, home.standing("mia@grey.example").prospect))[0]
    assert (touch.state, touch.attempts) == (TouchState.PLANNED, 1)
    assert home.standing("mia@grey.example").reason.startswith("postponed by the server")


async def test_an_answer_that_never_came_is_a_doubt_and_never_a_second_mail(home: House) -> None:
    home.sink.plan("dot", smtp_sink.Take(smtp_sink.Close()))
    home.enrol("nina@doubt.example")
    await until(lambda: home.standing("nina@doubt.example").state is State.AWAITING_TASK)
    assert len(home.sent_to("nina@doubt.example")) <= 1
    doubts = home.read(lambda tx: touches.doubts(tx, TouchState.IN_DOUBT))
    assert len(doubts) == 1
    count = len(home.sent_to("nina@doubt.example"))
    home.workspace.database.transact(lambda tx: acts.resolve(tx, home.workspace, doubts[0].id, "sent"))
    await until(
        lambda: len(home.sent_to("nina@doubt.example")) == count + 2
    )  # the other two steps, not the first again


async def test_nothing_leaves_while_the_inbox_cannot_be_read(tmp_path: Path) -> None:
    async with (
        smtp_sink.serve() as sink,
        house.running(house.write(tmp_path, 1, sink.port), sink) as one,
    ):
        one.enrol("olga@blind.example")
        await until(lambda: one.read(lambda tx: mailboxes.get(tx, "julie").imap_fault))
        await asyncio.sleep(1)
        assert sink.accepted == []

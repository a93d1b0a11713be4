"""Why the next message leaves when it does, or why none does: each of the planner's reasons has its sentence."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest
from story import Story, said

from cadenced import ports
from cadenced.cli import why
from cadenced.store import mailboxes, tasks
from cadenced.store.database import Database
from cadenced.store.tasks import NewTask


@pytest.fixture
async def busy(told: Story) -> AsyncIterator[Story]:
    """A workspace whose daemon is at work and has just read the inbox."""
    daemon = Database(told.workspace.config.daemon.database)
    daemon.claim_for_daemon()
    await told.days(10)
    told.work()
    yield told
    daemon.close()


def answer(capfd: Any, email: str) -> dict[str, Any]:
    (found,) = said(capfd, "why", email, "--json").json["enrolments"]
    return dict(found)


def test_a_due_mail_leaves_now(busy: Story, capfd: Any) -> None:
    busy.bring_in("ann@a.example")
    found = answer(capfd, "ann@a.example")
    assert (found["action"], found["reasons"]) == ("send", [])
    assert found["text"] == "The mail of step “one” (one.md) leaves from julie now."


def test_a_mail_to_come_is_told_with_its_delay_and_the_window(busy: Story, capfd: Any) -> None:
    busy.bring_in("ann@a.example", sequence="office")
    found = answer(capfd, "ann@a.example")
    (due,) = found["reasons"]
    assert "3 business days after the enrolment" in due["text"]
    assert found["at"] == due["until"]
    assert datetime.fromisoformat(found["at"]) > datetime.now(UTC)


def test_a_task_to_come_says_that_no_mail_leaves_before_it(busy: Story, capfd: Any) -> None:
    busy.bring_in("ann@a.example")
    busy.work()
    found = answer(capfd, "ann@a.example")
    assert found["action"] == "task"
    assert "2 days after the step before it" in found["reasons"][0]["text"]


async def test_an_open_task_is_named_with_the_line_that_closes_it(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    told.work()
    await told.days(2.1)
    told.work()
    found = answer(capfd, "ann@a.example")
    assert found["action"] == "wait"
    assert "cadenced done 1 --outcome" in found["reasons"][0]["cure"]


def test_a_pause_is_told_with_what_follows_it(busy: Story, capfd: Any) -> None:
    busy.bring_in("ann@a.example")
    said(capfd, "pause", "ann@a.example", "--until", "2031-03-03 10:00", "--reason", "on parental leave")
    found = answer(capfd, "ann@a.example")
    assert "on parental leave" in found["reasons"][0]["text"]
    assert "Mon 3 Mar 2031 10:00, Europe/Paris" in found["text"]
    assert found["at"] == "2031-03-03T09:00:00Z"


def test_a_held_mailbox_is_named_with_its_cure(busy: Story, capfd: Any) -> None:
    busy.bring_in("ann@a.example")
    busy.transact(lambda tx: mailboxes.hold(tx, "julie", "SPF is wrong", busy.clock.now()))
    found = answer(capfd, "ann@a.example")
    assert "SPF is wrong" in found["reasons"][0]["text"]
    assert "cadenced release julie" in found["reasons"][0]["cure"]
    assert found["text"].endswith("as soon as that is settled.")


def test_an_inbox_that_cannot_be_read_holds_everything(busy: Story, capfd: Any) -> None:
    busy.bring_in("ann@a.example")
    busy.transact(lambda tx: mailboxes.note_fault(tx, "julie", imap="login refused"))
    found = answer(capfd, "ann@a.example")
    assert "inbox has not been read" in found["reasons"][0]["text"]
    assert "login refused" in found["reasons"][0]["cure"]


def test_a_daily_limit_is_told_with_the_day_after(busy: Story, capfd: Any) -> None:
    path = busy.workspace.config.path
    path.write_text(path.read_text().replace("daily_limit = 50", "daily_limit = 1"))
    busy.bring_in("ann@a.example")
    busy.work()
    busy.bring_in("bob@a.example")
    assert "daily limit of julie" in answer(capfd, "bob@a.example")["reasons"][0]["text"]


async def test_a_doubt_is_named_with_the_line_that_settles_it(busy: Story, capfd: Any) -> None:
    busy.bring_in("ann@a.example")
    busy.work(ports.Unknown("the connection ended"))
    found = answer(capfd, "ann@a.example")
    assert "may or may not have been sent" in found["reasons"][0]["text"]
    assert "cadenced resolve 1 sent|resend|skip" in found["reasons"][0]["cure"]


async def test_who_is_over_is_told_how_and_when(full: Story, capfd: Any) -> None:
    assert "halted on" in answer(capfd, "yes@b.example")["reasons"][0]["text"]
    found = answer(capfd, "out@c.example")
    assert found["reasons"][0]["text"].startswith("The address is suppressed since")
    assert (found["action"], found["at"]) == ("none", None)


def test_a_daemon_that_does_not_run_is_said_first(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    told.work()
    told.bring_in("bob@a.example")
    found = answer(capfd, "bob@a.example")
    assert found["reasons"][-1]["text"] == "The daemon is not running (cadenced run)."


def test_asking_changes_nothing(busy: Story, capfd: Any) -> None:
    busy.bring_in("ann@a.example")
    before = said(capfd, "show", "ann@a.example", "--json").json
    said(capfd, "why", "ann@a.example")
    assert said(capfd, "show", "ann@a.example", "--json").json == before


def test_a_stranger_has_no_why(told: Story, capfd: Any) -> None:
    assert said(capfd, "why", "nobody@a.example").status == 1


def test_a_reason_is_a_sentence() -> None:
    assert why._sentence("the last touch is in doubt") == "The last touch is in doubt."


async def test_each_open_task_has_its_own_line_and_so_has_its_command(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    told.work()
    await told.days(2.1)
    told.work()
    enrolment = told.transact(lambda tx: tasks.get(tx, 1))
    assert enrolment is not None
    now = told.clock.now()
    asked = NewTask("colleague", "Bob has answered.", now, enrolment.prospect, enrolment.enrolment)
    told.transact(lambda tx: tasks.add(tx, asked, now))
    page = [line.strip() for line in said(capfd, "why", "ann@a.example").out.splitlines()]
    assert "Task 2: Bob has answered." in page
    assert "cadenced done 1 --outcome reached|no_answer|voice_message" in page
    assert "cadenced done 2 --outcome go_on|not_interested" in page

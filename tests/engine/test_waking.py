"""What time alone brings about: waking, and the lanes in which due work lies."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import house
import pytest
from house import House, until

from cadenced import library
from cadenced.core.model import State
from cadenced.engine import acts, desk
from cadenced.store import inbox, people, tasks
from cadenced.store.schema import enrolments
from peers import dovecot, smtp_sink

pytestmark = dovecot.needs_dovecot

CALLS = """\
title: Calls
window: always
steps:
  - task: call
    brief: Call them.
  - email: one
"""


@pytest.fixture(scope="module")
def server() -> Iterator[dovecot.Dovecot]:
    with dovecot.running() as one:
        yield one


@pytest.fixture
async def home(tmp_path: Path, server: dovecot.Dovecot) -> AsyncIterator[House]:
    path = house.write(tmp_path, server.port, 1)
    (tmp_path / "sequences" / "calls.yaml").write_text(CALLS)
    async with smtp_sink.serve() as sink:
        path.write_text(path.read_text().replace("port = 1\n", f"port = {sink.port}\n"))
        async with house.running(path, sink) as one:
            yield one


async def test_a_pause_that_is_over_is_followed_by_the_touch_that_was_next(home: House) -> None:
    def paused(tx: Any) -> None:
        acts.pause(tx, home.workspace, "ann@wakes.example", home.workspace.now() + timedelta(seconds=2))

    home.enrol("ann@wakes.example")
    home.workspace.database.transact(paused)
    await until(lambda: home.standing("ann@wakes.example").state is State.FINISHED)
    assert len(home.sent_to("ann@wakes.example")) == 3


async def test_a_task_that_is_done_lets_the_mail_after_it_leave(home: House) -> None:
    home.enrol("bob@task.example", "calls")
    await until(lambda: home.standing("bob@task.example").state is State.AWAITING_TASK)
    (task,) = home.read(tasks.open_until)
    assert home.sent_to("bob@task.example") == []
    result = acts.Result("no_answer")
    home.workspace.database.transact(lambda tx: acts.done(tx, home.workspace, task.id, result))
    await until(lambda: len(home.sent_to("bob@task.example")) == 1)


async def test_one_prospect_of_whom_nothing_can_be_made_blocks_nobody(home: House) -> None:
    home.enrol("carl@odd.example")

    def spoil(tx: Any) -> None:
        tx.execute(enrolments.update().values(timezone="Moon/Crater"))

    home.workspace.database.transact(spoil)
    home.enrol("dora@fine.example")
    await until(lambda: len(home.sent_to("dora@fine.example")) == 3)
    await until(lambda: home.standing("carl@odd.example").state is State.AWAITING_TASK)


async def test_an_edited_template_heals_whom_its_mistake_held(home: House) -> None:
    folder = home.workspace.config.daemon.templates
    good = (folder / "one.md").read_text()
    (folder / "one.md").write_text(good.replace("{{ first_name }}", "{{ fist_name }}"))
    home.workspace.library = library.load(library.shelves(home.workspace.config))
    home.enrol("ed@typo.example")
    await until(lambda: home.standing("ed@typo.example").state is State.AWAITING_TASK)
    (folder / "one.md").write_text(good)
    home.workspace.library = library.load(library.shelves(home.workspace.config))
    assert home.workspace.database.transact(lambda tx: desk.reconsider(tx, home.workspace, {"one"})) == 1
    await until(lambda: len(home.sent_to("ed@typo.example")) == 3)
    assert home.read(tasks.open_until) == []


async def test_an_absence_read_while_a_task_was_open_holds_once_it_is_done(
    home: House, server: dovecot.Dovecot
) -> None:
    home.enrol("flo@away.example", "calls")
    await until(lambda: home.standing("flo@away.example").state is State.AWAITING_TASK)
    back = home.workspace.now().date() + timedelta(days=20)
    server.deliver(
        f"From: flo@away.example\r\nTo: julie@abc.example\r\nSubject: Out of office\r\nMessage-ID: <away@flo>\r\n"
        f"Auto-Submitted: auto-replied\r\n\r\nI am away until {back:%d %B %Y}.\r\n".encode()
    )
    await until(lambda: home.read(lambda tx: inbox.latest_of(tx, home.standing("flo@away.example").prospect)))
    (task,) = home.read(tasks.open_until)
    home.workspace.database.transact(lambda tx: acts.done(tx, home.workspace, task.id, acts.Result("no_answer")))
    standing = home.standing("flo@away.example")
    assert standing.state is State.PAUSED
    assert standing.due_at is not None
    assert standing.due_at.date() > back


async def test_an_agreed_next_step_is_what_letters_speak_of_from_then_on(home: House) -> None:
    home.enrol("gus@agreed.example", "calls")
    await until(lambda: home.standing("gus@agreed.example").state is State.AWAITING_TASK)
    (task,) = home.read(tasks.open_until)
    at = home.workspace.now() + timedelta(days=7)
    result = acts.Result("meeting", agreed=acts.Agreed("Send the proposal", at))
    home.workspace.database.transact(lambda tx: acts.done(tx, home.workspace, task.id, result))
    prospect = home.read(lambda tx: people.by_email(tx, "gus@agreed.example"))
    assert prospect.fields["next_step"] == "Send the proposal"
    assert home.standing("gus@agreed.example").next_step_at == at

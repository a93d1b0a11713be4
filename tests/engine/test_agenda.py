"""Who is woken: those for whom something has come due or changed, and nobody else."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import house
import pytest

from cadenced import config as configuration
from cadenced.engine.agenda import Agenda
from cadenced.engine.readings import NOTE_EVERY, Readings
from cadenced.engine.workspace import TICK, Workspace
from cadenced.library import Library
from cadenced.store import mailboxes, outlook
from cadenced.store.database import Database
from cadenced.store.schema import enrolments, prospects
from peers.clocks import HastyClock

NAMES = ("anna", "bert", "carl")


class Ledger(list[set[str]]):
    """Whom every look has woken."""

    def __call__(self, names: Collection[str]) -> None:
        self.append(set(names))


@pytest.fixture
def clock() -> HastyClock:
    return HastyClock()


@pytest.fixture
def workspace(tmp_path: Path, clock: HastyClock) -> Iterator[Workspace]:
    config = configuration.load(house.write(tmp_path, 1, 1))
    database = Database(config.daemon.database, inline=True)
    database.open()
    database.transact(lambda tx: mailboxes.make_known(tx, NAMES))
    yield Workspace(config, Library({}, {}), database, clock, "boot", b"key", lambda: 0.5)
    database.close()


@pytest.fixture
def woken() -> Ledger:
    return Ledger()


@pytest.fixture
def agenda(workspace: Workspace, woken: Ledger) -> Agenda:
    return Agenda(workspace, woken)


def plan(workspace: Workspace, mailbox: str, due_at: datetime, lane: str = "mail") -> int:
    """Put an enrolment in; returns its id."""

    def work(tx: Any) -> int:
        now = workspace.now()
        email = f"{mailbox}-{due_at.timestamp()}-{lane}@x.example"
        person = tx.execute(prospects.insert().values(email=email, fields={}, created_at=now)).inserted_primary_key[0]
        facts = {"sequence": "plan", "generation": 1, "state": "active", "step": "one", "anchor": now, "done": []}
        row = {"prospect_id": person, "mailbox": mailbox, "due_at": due_at, "lane": lane, "enrolled_at": now, **facts}
        return int(tx.execute(enrolments.insert().values(row)).inserted_primary_key[0])

    return workspace.database.transact(work)


async def test_the_first_look_wakes_everybody_and_the_next_nobody(agenda: Agenda, woken: Ledger) -> None:
    assert await agenda.tick() == TICK
    await agenda.tick()
    assert woken == [set(NAMES), set()]


async def test_a_new_enrolment_wakes_its_own_sender_alone(agenda: Agenda, woken: Ledger, workspace: Workspace) -> None:
    await agenda.tick()
    plan(workspace, "bert", workspace.now() + timedelta(days=2))
    await agenda.tick()
    assert woken[-1] == {"bert"}


async def test_what_comes_due_wakes_its_sender_at_that_moment(
    agenda: Agenda, woken: Ledger, workspace: Workspace, clock: HastyClock
) -> None:
    plan(workspace, "anna", workspace.now() + timedelta(seconds=12), lane="desk")
    plan(workspace, "carl", workspace.now() + timedelta(hours=1))
    assert await agenda.tick() == timedelta(seconds=12)
    await clock.advance(12)
    assert await agenda.tick() == TICK
    assert woken[-1] == {"anna"}
    await agenda.tick()
    assert woken[-1] == set()


async def test_overdue_work_that_waits_for_its_quota_is_not_woken_again_and_again(
    agenda: Agenda, woken: Ledger, workspace: Workspace
) -> None:
    plan(workspace, "anna", workspace.now() - timedelta(hours=1))
    await agenda.tick()
    for minutes in range(3):
        plan(workspace, "bert", workspace.now() - timedelta(minutes=minutes))
        await agenda.tick()
    assert not any("anna" in names for names in woken[1:])


async def test_a_mailbox_that_is_released_is_looked_at(agenda: Agenda, woken: Ledger, workspace: Workspace) -> None:
    workspace.database.transact(lambda tx: mailboxes.hold(tx, "carl", "blocked", workspace.now()))
    await agenda.tick()
    workspace.database.transact(lambda tx: mailboxes.release(tx, "carl"))
    await agenda.tick()
    assert woken[-1] == {"carl"}


async def test_a_clock_that_is_set_back_wakes_everybody(agenda: Agenda, woken: Ledger, clock: HastyClock) -> None:
    await agenda.tick()
    await clock.advance(-3600)
    await agenda.tick()
    assert woken[-1] == set(NAMES)


async def test_edited_templates_wake_everybody(agenda: Agenda, woken: Ledger, workspace: Workspace) -> None:
    await agenda.tick()
    workspace.library = Library({}, {})
    await agenda.tick()
    await agenda.tick()
    assert woken[1:] == [set(NAMES), set()]


def test_every_first_moment_is_one_seek_in_an_index(workspace: Workspace) -> None:
    text = str(outlook._OF_ALL.compile(compile_kwargs={"literal_binds": True}))
    rows = workspace.database.read(lambda tx: tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}").all())
    looks = [row[3] for row in rows if "enrolments" in row[3]]
    assert len(looks) == 4
    assert all("USING COVERING INDEX ix_enrolments_due" in look for look in looks)


def test_a_thousand_mailboxes_are_noted_as_read_in_one_write(clock: HastyClock) -> None:
    readings, now = Readings(), clock.now()
    assert readings.note("box0", now) == {"box0": now}
    for number in range(1000):
        assert readings.note(f"box{number}", now + timedelta(milliseconds=number)) == {}
    readings.forget("box7")
    due = readings.note("box1", now + NOTE_EVERY)
    assert len(due) == 999
    assert due["box1"] == now + NOTE_EVERY
    assert "box7" not in due


def test_readings_are_written_again_after_the_clock_was_set_back(clock: HastyClock) -> None:
    readings, now = Readings(), clock.now()
    readings.note("box0", now)
    assert readings.note("box0", now - timedelta(days=1)) == {"box0": now - timedelta(days=1)}


def test_noting_readings_lifts_no_fault(workspace: Workspace) -> None:
    now = workspace.now()
    workspace.database.transact(lambda tx: mailboxes.note_fault(tx, "anna", imap="away"))
    workspace.database.transact(lambda tx: mailboxes.note_readings(tx, {"anna": now, "bert": now}))
    assert workspace.database.read(lambda tx: mailboxes.get(tx, "anna")).imap_fault == "away"
    assert workspace.database.read(lambda tx: mailboxes.get(tx, "bert")).synced_at == now


def test_enrolments_of_mailboxes_that_are_gone_are_found_without_walking_over_all(workspace: Workspace) -> None:
    for name, count in (("anna", 3), ("gone", 2), ("left", 1)):
        for number in range(count):
            plan(workspace, name, workspace.now() + timedelta(days=number))
    assert workspace.database.read(lambda tx: outlook.elsewhere(tx, NAMES)) == {"gone": 2, "left": 1}
    rows = workspace.database.read(lambda tx: tx.exec_driver_sql(f"EXPLAIN QUERY PLAN {outlook._NAMES.text}").all())
    looks = [row[3] for row in rows if "enrolments" in row[3]]
    assert looks
    assert all("SEARCH enrolments USING COVERING INDEX ix_enrolments_due" in look for look in looks), looks

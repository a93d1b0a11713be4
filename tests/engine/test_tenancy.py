"""Workers that share a database: who does what, and what a worker does that is not heard of."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenced.engine import intake_mark
from cadenced.engine.heartbeat import Heartbeat
from cadenced.engine.supervisor import Crew, Supervisor
from cadenced.engine.tenancy import Post, Tenancy, share
from cadenced.errors import StoreError
from cadenced.store import leases
from cadenced.store.database import Database
from cadenced.store.leases import Worker
from peers import clocks, postgres
from peers.patience import comes as until

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)


# -- the share


@given(st.integers(0, 60), st.integers(1, 12))
def test_all_shares_together_are_everything_and_no_two_differ_by_more_than_one(count: int, workers: int) -> None:
    boots = [str(number) for number in range(workers)]
    shares = [share(boots, boot, count) for boot in boots]
    assert sum(shares) == count
    assert max(shares) - min(shares) <= 1


def test_who_does_not_live_has_no_share() -> None:
    assert share(["ann"], "bob", 4) == 0


# -- the heartbeat


@dataclass
class Script:
    """A database that answers what it is told to."""

    answers: list[Any] = field(default_factory=list)

    async def aside(self, work: object) -> Any:
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def heart(*answers: object) -> tuple[Heartbeat, clocks.ToldClock]:
    clock = clocks.ToldClock(NOW)
    return Heartbeat(Script(list(answers)), clock, Worker("ann", "here", 1)), clock  # type: ignore[arg-type] # as much of a database as it needs


async def test_a_worker_that_is_not_heard_of_begins_nothing_after_half_its_time() -> None:
    one, clock = heart(NOW, StoreError("away"), NOW)
    assert "not heard" in one.doubt()
    await one.begin()
    assert one.doubt() == ""
    await clock.advance(5.1)
    await one.beat()
    assert "for 5 s" in one.doubt()
    assert not one.is_lost
    await one.end()


async def test_a_worker_whose_time_was_up_is_lost_until_it_begins_anew() -> None:
    one, _ = heart(NOW, None, NOW)
    losses: list[bool] = []
    one.on_loss = lambda: losses.append(True)
    await one.begin()
    await one.beat()
    assert (one.is_lost, losses) == (True, [True])
    assert "begins anew" in one.doubt()
    await one.begin()
    assert one.doubt() == ""
    await one.end()


async def test_a_machine_whose_clock_differs_from_the_databases_begins_nothing() -> None:
    one, _ = heart(NOW, NOW - timedelta(seconds=90), NOW)
    await one.begin()
    await one.beat()
    assert "+90 s apart" in one.doubt()
    await one.beat()
    assert one.doubt() == ""
    await one.end()


# -- the drop folder


def test_a_drop_folder_keeps_its_mark_and_a_copy_of_it_has_another(tmp_path: Path) -> None:
    mark = intake_mark.of(tmp_path / "inbox")
    assert intake_mark.of(tmp_path / "inbox") == mark
    shutil.copytree(tmp_path / "inbox", tmp_path / "copy")
    assert intake_mark.of(tmp_path / "copy") not in {"", mark}
    (tmp_path / "moved").mkdir()
    (tmp_path / "inbox").rename(tmp_path / "moved" / "inbox")
    assert intake_mark.of(tmp_path / "moved" / "inbox") == mark


@pytest.mark.parametrize("found", [b"", b"\xff\xfe", b"one two three", b"x" * 500])
def test_a_mark_that_makes_no_sense_is_drawn_anew(tmp_path: Path, found: bytes) -> None:
    (tmp_path / ".cadenced").write_bytes(found)
    assert intake_mark.of(tmp_path) == intake_mark.of(tmp_path)


# -- tenants of one database


@pytest.fixture(scope="module")
def server() -> Iterator[postgres.Server]:
    with postgres.server() as one:
        yield one


@dataclass
class Idle:
    """A service that has nothing to do."""

    name: str
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    idle: bool = True

    async def tick(self) -> timedelta:
        return timedelta(seconds=30)

    async def rest(self, span: timedelta) -> None:
        await asyncio.sleep(span.total_seconds())


@dataclass
class Door:
    """Something that is let go of at a crew's end, when it may."""

    may: asyncio.Event

    async def close(self, grace: float) -> None:
        await self.may.wait()


@dataclass
class Space:
    """As much of a workspace as a tenancy needs."""

    database: Database
    clock: clocks.RealClock
    doubted: Callable[[], None] = lambda: None

    def now(self) -> datetime:
        return self.clock.now()


@dataclass
class House:
    """One worker with crews that do nothing."""

    tenancy: Tenancy
    heartbeat: Heartbeat
    supervisor: Supervisor
    running: set[str]
    may_end: asyncio.Event
    task: asyncio.Task[None]


@asynccontextmanager
async def worker(url: str, name: str, mailboxes: int = 4) -> AsyncIterator[House]:
    database = Database(url)
    space = Space(database, clocks.RealClock())
    supervisor, running, may_end = Supervisor(()), set[str](), asyncio.Event()
    may_end.set()

    def post(box: str) -> Post:
        def crew() -> Crew:
            running.add(box)
            return Crew((Idle(box),), (Door(may_end),))

        return Post(leases.of_mailbox(box), crew, lambda: running.discard(box), box)

    heartbeat = Heartbeat(database, space.clock, Worker(name, "here", 1), timedelta(seconds=5))
    posts = [post(f"m{number}") for number in range(mailboxes)]
    tenancy = Tenancy(space, supervisor, posts, heartbeat)  # type: ignore[arg-type] # see Space
    supervisor.services, supervisor.closes = (tenancy,), (tenancy,)
    await tenancy.begin()
    task = asyncio.create_task(supervisor.run())
    try:
        yield House(tenancy, heartbeat, supervisor, running, may_end, task)
    finally:
        may_end.set()
        supervisor.stop.set()
        await task
        database.close()


@pytest.fixture
def url(server: postgres.Server) -> str:
    found = server.database()
    database = Database(found, inline=True)
    database.open()
    database.close()
    return found


ON_POSTGRES = [
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's programs are not installed"),
]


def on_postgres(test: Callable[..., Any]) -> Callable[..., Any]:
    for mark in ON_POSTGRES:
        test = mark(test)
    return test


@on_postgres
async def test_a_newcomer_gets_its_share_and_who_ends_leaves_everything(url: str) -> None:
    async with worker(url, "ann") as ann:
        await until(lambda: len(ann.running) == 4)
        async with worker(url, "bob") as bob:
            await until(lambda: len(ann.running) == len(bob.running) == 2)
            assert not ann.running & bob.running
        ann.tenancy.wake.set()
        await until(lambda: len(ann.running) == 4)


@on_postgres
async def test_a_mailbox_is_not_another_s_before_its_mail_on_the_wire_has_ended(url: str) -> None:
    async with worker(url, "ann", 2) as ann:
        await until(lambda: len(ann.running) == 2)
        ann.may_end.clear()
        async with worker(url, "bob", 2) as bob:
            await until(lambda: len(ann.running) == 1)  # it is being let go
            bob.tenancy.wake.set()
            await until(lambda: not bob.tenancy.wake.is_set())
            assert bob.running == set()
            ann.may_end.set()
            await until(lambda: len(bob.running) == 1)
            assert not ann.running & bob.running


@on_postgres
async def test_a_worker_that_was_silent_ends_all_before_it_begins_anew(url: str) -> None:
    async with worker(url, "ann", 2) as ann:
        await until(lambda: len(ann.running) == 2)
        expire = "UPDATE workers SET until = since"
        await ann.tenancy._workspace.database.run(lambda tx: tx.exec_driver_sql(expire))
        ann.may_end.clear()
        await ann.heartbeat.beat()
        await until(lambda: ann.running == set())
        assert ann.heartbeat.is_lost
        assert ann.heartbeat.doubt()
        ann.may_end.set()
        await until(lambda: len(ann.running) == 2)
        assert ann.heartbeat.doubt() == ""

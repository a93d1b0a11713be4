"""How often a mailbox is read, and what holds it: a fault of reading, never one of listening."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import house
import pytest

from cadenced import config as configuration
from cadenced.config import Safety
from cadenced.engine.watcher import ATTENTION, CLOSE_TICK, Watcher, slowness
from cadenced.engine.workspace import TICK, Workspace
from cadenced.errors import WireError
from cadenced.library import Library
from cadenced.ports import Fetched, Folder
from cadenced.sandbox.ports import RehearsalInbox
from cadenced.store import mailboxes
from cadenced.store.database import Database
from peers.clocks import HastyClock


class Ears(RehearsalInbox):
    """An inbox that can be near or far, slow, deaf or unreadable."""

    near = True
    deaf = unreadable = False
    slow = 0.0
    attended = 0.0

    async def folders(self) -> object:
        if self.unreadable:
            raise WireError("the server is away")
        await self._clock.sleep(timedelta(seconds=self.slow))
        return await super().folders()

    async def wait(self, seconds: float) -> bool:
        if self.deaf:
            raise WireError("IDLE answered with NO")
        return await super().wait(seconds)

    def attend(self, seconds: float) -> bool:
        self.attended = seconds
        return self.near


@pytest.fixture
def clock() -> HastyClock:
    return HastyClock()


@pytest.fixture
def ears(clock: HastyClock) -> Ears:
    return Ears(clock)


@pytest.fixture
def workspace(tmp_path: Path, clock: HastyClock) -> Iterator[Workspace]:
    config = configuration.load(house.write(tmp_path, 1, 1))
    database = Database(config.daemon.database, inline=True)
    database.open()
    database.transact(lambda tx: mailboxes.make_known(tx, ["julie"]))
    yield Workspace(config, Library({}, {}), database, clock, "boot", b"key", lambda: 0.5)
    database.close()


@pytest.fixture
def watcher(workspace: Workspace, ears: Ears) -> Watcher:
    return Watcher(workspace, workspace.mailbox("julie"), ears)


async def test_after_a_send_all_folders_of_a_near_server_are_read_every_other_second(
    watcher: Watcher, ears: Ears, clock: HastyClock
) -> None:
    assert await watcher.tick() == TICK
    assert await watcher.fence() is not None
    assert ears.attended == ATTENTION.total_seconds()
    assert await watcher.tick() == CLOSE_TICK
    await clock.advance(ATTENTION.total_seconds())
    assert await watcher.tick() == TICK


async def test_a_server_far_away_is_not_asked_more_often(watcher: Watcher, ears: Ears) -> None:
    ears.near = False
    await watcher.fence()
    assert await watcher.tick() == TICK


async def test_reading_takes_a_hundredth_of_the_time_at_most(watcher: Watcher, ears: Ears) -> None:
    ears.slow = 0.1
    await watcher.fence()
    assert await watcher.tick() == timedelta(seconds=10)
    ears.slow = 2.0
    assert await watcher.tick() == TICK


async def test_a_lost_idle_holds_nobody_and_is_tried_again_later_and_later(
    watcher: Watcher, workspace: Workspace, ears: Ears, clock: HastyClock
) -> None:
    await watcher.tick()
    ears.deaf = True
    for _ in range(6):
        await watcher.rest(TICK)
    assert clock.slept[-6:] == [2, 4, 8, 16, 30, 30]
    assert watcher.synced_at is not None
    assert workspace.database.read(lambda tx: mailboxes.get(tx, "julie").obstacle) == ""


async def test_an_inbox_that_cannot_be_read_holds_its_mailbox_until_it_can(
    watcher: Watcher, workspace: Workspace, ears: Ears
) -> None:
    await watcher.tick()
    ears.unreadable = True
    assert await watcher.fence() is None
    assert watcher.synced_at is None
    assert "cannot be read" in workspace.database.read(lambda tx: mailboxes.get(tx, "julie").obstacle)
    ears.unreadable = False
    assert await watcher.tick() == CLOSE_TICK
    assert workspace.database.read(lambda tx: mailboxes.get(tx, "julie").obstacle) == ""


async def test_an_inbox_too_slow_for_the_fence_is_named_with_the_cure_and_what_it_costs(
    watcher: Watcher, workspace: Workspace, ears: Ears
) -> None:
    def obstacle() -> str:
        return workspace.database.read(lambda tx: mailboxes.get(tx, "julie").obstacle)

    ears.slow = 4.0
    for _ in range(2):
        await watcher.fence()
    assert obstacle() == ""  # one large mail is no reason
    await watcher.fence()
    assert 'fence_age = "6 s"' in obstacle()
    assert "9.5 s (W)" in obstacle()
    ears.slow = 0.1
    await watcher.fence()
    assert obstacle() == ""


def test_no_cure_is_offered_that_the_configuration_refuses() -> None:
    assert "fewer folders" in slowness(25.0, Safety())


async def test_news_that_a_fence_has_read_meanwhile_is_not_read_once_more(
    watcher: Watcher, ears: Ears, clock: HastyClock
) -> None:
    await watcher.fence()
    looked = 0
    folders = ears.folders

    async def counted() -> object:
        nonlocal looked
        looked += 1
        return await folders()

    async def fence_meanwhile(span: timedelta) -> None:
        clock.sleep = sleep
        await clock.advance(span.total_seconds() / 2)
        await watcher.fence()

    ears.folders = counted
    sleep, clock.sleep = clock.sleep, fence_meanwhile
    await watcher.tick()
    assert looked == 1  # by the fence


async def test_news_that_no_fence_has_read_is_read_a_moment_later(
    watcher: Watcher, ears: Ears, clock: HastyClock
) -> None:
    await watcher.fence()
    ears.deliver(b"Subject: a\r\n\r\nHello\r\n")
    await watcher.tick()
    assert clock.slept[-2:] == [0.1, 0.0]
    assert not await ears.wait(0)


async def test_a_thousand_mailboxes_are_read_once_a_minute_each(watcher: Watcher, workspace: Workspace) -> None:
    boxes = workspace.config.mailboxes * 1000
    workspace.config = replace(workspace.config, mailboxes=boxes)
    assert await watcher.tick() == timedelta(seconds=60)
    await watcher.fence()
    assert await watcher.tick() == timedelta(seconds=60)


async def test_what_was_sent_is_read_before_what_came_in_so_that_an_answer_finds_what_it_answers(
    workspace: Workspace, clock: HastyClock
) -> None:
    read: list[str] = []

    class Noting(RehearsalInbox):
        async def fetch(self, folder: Folder, after_uid: int, limit: int = 50) -> Sequence[Fetched]:
            read.append(folder.role)
            return await super().fetch(folder, after_uid, limit)

    inbox = Noting(clock, {"INBOX": "inbox", "Archive": "", "Sent": "sent"})
    watcher = Watcher(workspace, workspace.mailbox("julie"), inbox)
    await watcher.tick()
    for name in ("INBOX", "Archive", "Sent"):
        inbox.deliver(b"From: a@b.example\r\n\r\nHello\r\n", name)
    read.clear()
    await watcher.fence()
    assert read == ["sent", "inbox", ""]

"""An inbox that does not answer, but may yet: people are told, and nobody takes it for one that is away."""

from __future__ import annotations

import asyncio

import pytest
from test_watcher_rhythm import Ears, clock, watcher, workspace

from cadenced.engine import watcher as watching
from cadenced.engine.watcher import Watcher
from cadenced.engine.workspace import Workspace
from cadenced.store import mailboxes
from cadenced.store.mailboxes import MailboxState
from peers.clocks import HastyClock
from peers.patience import comes

__all__ = ["clock", "watcher", "workspace"]


class Stalling(Ears):
    """An inbox that answers when it may."""

    def __init__(self, clock: HastyClock) -> None:
        super().__init__(clock)
        self.may = asyncio.Event()

    async def folders(self) -> object:
        await self.may.wait()
        return await super().folders()


@pytest.fixture
def ears(clock: HastyClock, monkeypatch: pytest.MonkeyPatch) -> Stalling:
    monkeypatch.setattr(watching, "STALLS", 0.0)
    return Stalling(clock)


def state(workspace: Workspace) -> MailboxState:
    return workspace.database.read(lambda tx: mailboxes.get(tx, "julie"))


async def test_while_a_reading_takes_long_it_is_named_and_holds_nobody_for_longer(
    watcher: Watcher, workspace: Workspace, ears: Stalling
) -> None:
    reading = asyncio.create_task(watcher.fence())
    await comes(lambda: state(workspace).imap_fault)
    assert state(workspace).imap_fault.startswith("its inbox has not answered for")
    assert state(workspace).obstacle == ""
    assert not reading.done()
    ears.may.set()
    assert await reading is not None
    assert state(workspace).imap_fault == ""


async def test_what_comes_of_it_in_the_end_is_what_stands_there(
    watcher: Watcher, workspace: Workspace, ears: Stalling
) -> None:
    reading = asyncio.create_task(watcher.fence())
    await comes(lambda: state(workspace).imap_fault)
    ears.unreadable = True
    ears.may.set()
    assert await reading is None
    assert "cannot be read" in state(workspace).obstacle


async def test_a_fault_that_is_known_is_not_made_light_of(
    watcher: Watcher, workspace: Workspace, ears: Stalling
) -> None:
    known = "its inbox cannot be read: it is gone"
    workspace.database.transact(lambda tx: mailboxes.note_fault(tx, "julie", imap=known))
    reading = asyncio.create_task(watcher.fence())
    await comes(lambda: watcher._stalling is not None and watcher._stalling.done())
    assert state(workspace).imap_fault == known
    ears.may.set()
    await reading
    assert state(workspace).imap_fault == ""

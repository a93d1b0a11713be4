"""A stop that has been acknowledged is one: after it no final dot is accepted for that person (row 38, I2, G9).

Halts and suppressions fall into every moment of a send, with the product's own services against a real Dovecot and a
server that takes its time; ``CADENCED_BARRIER_TRIALS`` is their number. The control acknowledges without waiting.
"""

from __future__ import annotations

import asyncio
import collections
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from grounds import entered

from cadenced.core.model import TouchState
from cadenced.engine import acts
from cadenced.engine.workspace import Workspace
from cadenced.store import people, touches
from cadenced.store.database import Database
from engine import house
from peers import dovecot, smtp_sink, warm
from peers.patience import until
from peers.smtp_sink import Conversation, Hold, Latch

pytestmark = [*dovecot.needs_dovecot, pytest.mark.slow, pytest.mark.timeout(7200)]

TRIALS = int(os.environ.get("CADENCED_BARRIER_TRIALS", "24"))
TOGETHER = 12


@dataclass
class Slow:
    """Takes a moment, another one each time, then goes on as usual."""

    dice: random.Random
    most: float
    seen: dict[str, asyncio.Event] = field(default_factory=lambda: collections.defaultdict(asyncio.Event))

    async def __call__(self, talk: Conversation) -> bool:
        self.seen[talk.recipients[0]].set()
        await asyncio.sleep(self.dice.uniform(0, self.most))
        return await talk.usual()

    async def reached(self, email: str) -> None:
        """Wait until a message for somebody has come so far."""
        await self.seen[email].wait()


@dataclass
class Counts:
    """What the trials met."""

    late: list[str] = field(default_factory=list)
    before: int = 0
    never: int = 0
    waited: int = 0


def stop(command: Workspace, email: str, *, waits: bool = True) -> tuple[float, bool]:
    """Stop a prospect as the commands do; returns when that was acknowledged, and whether it had to wait."""
    suppresses = hash(email) % 2
    act: Callable[..., Any] = acts.suppress if suppresses else acts.halt
    command.database.transact(partial(act, workspace=command, email=email, reason="a trial"))
    known = command.database.read(lambda tx: people.by_email(tx, email))
    assert known is not None
    is_armed = command.database.read(lambda tx: touches.armed_for(tx, known.id))
    if waits:
        assert acts.barrier(command, known.id)
    return time.monotonic(), is_armed


def command_of(home: house.House) -> Workspace:
    """Return the workspace as another process opens it."""
    return Workspace(
        home.workspace.config, home.workspace.library, Database(home.workspace.database.url, inline=True),
        home.workspace.clock, "command", home.workspace.install_key, lambda: 0.5,
    )  # fmt: skip


async def trials(home: house.House, count: int, counts: Counts, data: Slow) -> None:
    """Enrol some, stop each at a moment of its own, and see what was accepted after that."""
    dice = random.Random(count)  # noqa: S311 - a seed that repeats, not a secret
    command = command_of(home)

    async def one(email: str) -> None:
        rouse(home)
        await data.reached(email)
        await asyncio.sleep(dice.uniform(0, 0.15))
        acknowledged, is_armed = await asyncio.to_thread(stop, command, email)
        counts.waited += is_armed
        stopped[email] = acknowledged
        await asyncio.sleep(0.02)
        rouse(home)

    for start in range(0, count, TOGETHER):
        names = [f"t{count}n{n}@barrier.example" for n in range(start, min(count, start + TOGETHER))]
        stopped: dict[str, float] = {}
        for name in names:
            home.enrol(name)
        home.workspace.changed()
        await asyncio.gather(*map(one, names))
        await house.until(lambda: not under_way(home))
        judge(home, names, stopped, counts)
    command.database.close()


def rouse(home: house.House) -> None:
    """Let the sender look at once."""
    home.senders[0].wake.set()


def under_way(home: house.House) -> bool:
    states = [TouchState.CLAIMED.value, TouchState.ARMED.value]
    return bool(
        home.read(lambda tx: tx.execute(touches.touches.select().where(touches.touches.c.state.in_(states))).first())
    )


def judge(home: house.House, names: list[str], stopped: dict[str, float], counts: Counts) -> None:
    taken = {name: one.monotonic for one in home.sink.accepted for name in one.recipients}
    for name in names:
        counts.before += name in taken
        counts.never += name not in taken
        if taken.get(name, 0.0) > stopped[name]:
            counts.late.append(name)


PATIENT = 'arm_ttl = "30 s"\nfence_age = "30 s"\nquiet = "1 min"'
"""The barrier waits for as long as a payload may be on its way: here no machine is too slow for that."""


@asynccontextmanager
async def at_home(root: Path, server: dovecot.Dovecot) -> AsyncIterator[house.House]:
    async with smtp_sink.serve() as sink:
        path = house.write(root, server.port, sink.port)
        path.write_text(path.read_text().replace('quiet = "1 s"', PATIENT))
        async with house.running(path, sink) as home:
            yield home


async def test_no_dot_is_accepted_after_a_stop_was_acknowledged(tmp_path: Path, server: dovecot.Dovecot) -> None:
    dice, counts = random.Random(9), Counts()  # noqa: S311 - a seed that repeats, not a secret
    data = Slow(dice, 0.05)
    async with at_home(tmp_path, server) as home:
        home.sink.always("data", data)
        home.sink.always("dot", Slow(dice, 0.1))
        await trials(home, TRIALS, counts, data)
    assert not counts.late
    assert counts.before
    print(f"{TRIALS} stops: {counts.before} came after the mail, {counts.waited} waited")  # noqa: T201 - the figure that is asked for


async def test_a_stop_that_did_not_wait_for_the_wire_would_be_caught(tmp_path: Path, server: dovecot.Dovecot) -> None:
    """The control, at a moment that is no chance: the payload is with the server, which has not answered."""
    counts, name = Counts(), "ann@barrier.example"
    async with at_home(tmp_path, server) as home:
        home.sink.plan("dot", Hold(answer := Latch()))
        home.enrol(name)
        home.workspace.changed()
        await house.until(lambda: home.sink.holding)
        command = command_of(home)
        acknowledged, is_armed = await asyncio.to_thread(stop, command, name, waits=False)
        command.database.close()
        answer.open()
        await house.until(lambda: not under_way(home))
        judge(home, [name], {name: acknowledged}, counts)
    assert is_armed
    assert counts.late == [name]


@pytest.mark.parametrize("words", [("halt",), ("suppress", "add")], ids=" ".join)
def test_the_installed_command_waits_for_what_is_on_the_wire(
    words: tuple[str, ...], tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable
) -> None:
    with entered(tmp_path / "ground", server, stable) as ground:
        ground.enrol("ann@wire.example", "bob@wire.example")
        ground.sink.plan("dot", Hold(answer := Latch()))
        ground.start()
        until(lambda: any(touch["state"] == "armed" for touch in ground.touches()))
        (armed,) = [touch["recipient"] for touch in ground.touches() if touch["state"] == "armed"]
        command = ground.start(*words, armed)
        until(lambda: ground.rows("SELECT id FROM enrolments WHERE state = 'halted'"))  # the stop is committed
        assert command.poll() is None
        answer.open()
        assert command.wait() == 0, ground.said()
        returned = time.monotonic()
        assert "on its way" not in ground.said()
        until(lambda: len(ground.taken()) == 2)
        (taken,) = [one.monotonic for one in ground.sink.accepted if armed in one.recipients]
        assert taken <= returned

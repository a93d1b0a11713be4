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
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from grounds import entered, until

from cadenced.core.model import TouchState
from cadenced.engine import acts
from cadenced.engine.workspace import Workspace
from cadenced.store import people, touches
from cadenced.store.database import Database
from engine import house
from peers import dovecot, smtp_sink, warm
from peers.smtp_sink import Conversation, Hold

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
        async with asyncio.timeout(30):
            await self.seen[email].wait()


@dataclass
class Counts:
    """What the trials met."""

    late: list[str] = field(default_factory=list)
    before: int = 0
    never: int = 0
    waited: int = 0


def stop(command: Workspace, email: str, *, waits: bool) -> tuple[float, bool]:
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


async def trials(home: house.House, count: int, counts: Counts, data: Slow, *, waits: bool = True) -> None:
    """Enrol some, stop each at a moment of its own, and see what was accepted after that."""
    dice = random.Random(count)  # noqa: S311 - a seed that repeats, not a secret
    command = Workspace(
        home.workspace.config, home.workspace.library, Database(home.workspace.database.url, inline=True),
        home.workspace.clock, "command", home.workspace.install_key, lambda: 0.5,
    )  # fmt: skip

    async def one(email: str) -> None:
        rouse(home)
        await data.reached(email)
        await asyncio.sleep(dice.uniform(0, 0.15))
        acknowledged, is_armed = await asyncio.to_thread(stop, command, email, waits=waits)
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


@pytest.mark.parametrize("waits", [True, False], ids=["as it is", "the control"])
async def test_no_dot_is_accepted_after_a_stop_was_acknowledged(
    tmp_path: Path, server: dovecot.Dovecot, waits: bool
) -> None:
    dice, counts = random.Random(9), Counts()  # noqa: S311 - a seed that repeats, not a secret
    data = Slow(dice, 0.05)
    async with smtp_sink.serve() as sink:
        sink.always("data", data)
        sink.always("dot", Slow(dice, 0.1))
        async with house.running(house.write(tmp_path, server.port, sink.port), sink) as home:
            count = TRIALS if waits else 48
            await trials(home, count, counts, data, waits=waits)
    assert bool(counts.late) is not waits, counts.late
    assert counts.before
    print(f"{count} stops: {counts.before} came after the mail, {counts.waited} waited, {len(counts.late)} late")  # noqa: T201 - the figure that is asked for


@pytest.mark.parametrize("words", [("halt",), ("suppress", "add")], ids=" ".join)
def test_the_installed_command_waits_for_what_is_on_the_wire(
    words: tuple[str, ...], tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable
) -> None:
    with entered(tmp_path / "ground", server, stable) as ground:
        ground.enrol("ann@wire.example", "bob@wire.example")
        ground.sink.plan("dot", Hold(seconds=1.0))
        ground.start()
        until(lambda: any(touch["state"] == "armed" for touch in ground.touches()))
        (armed,) = [touch["recipient"] for touch in ground.touches() if touch["state"] == "armed"]
        assert ground.start(*words, armed).wait() == 0, ground.said()
        returned = time.monotonic()
        assert "on its way" not in ground.said()
        until(lambda: len(ground.taken()) == 2)
        (taken,) = [one.monotonic for one in ground.sink.accepted if armed in one.recipients]
        assert taken <= returned

"""Worlds from fixed seeds and from new ones; a seed that fails is printed with the command that repeats it."""

from __future__ import annotations

import asyncio
import logging
import os
import secrets
from collections.abc import Iterator
from dataclasses import replace

import pytest

from mail import contracts
from simulation.nemesis import Drama
from simulation.sim_imap import ImapServer, SimInbox
from simulation.sim_scale import RESTORED, TOWN, USUAL, Scale
from simulation.sim_store import SimStore
from simulation.sim_world import World

FIXED = range(6)
NEW = int(os.environ.get("CADENCED_NEW_SEEDS", "1"))
REPLAYED = int(os.environ.get("CADENCED_REPLAY_SEEDS", "2"))


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def run(seed: int, scale: Scale = USUAL) -> None:
    course = Drama(seed, scale).run()
    size = f"--people {scale.people} --days {scale.days} --calm {scale.calm}"
    again = f"python tests/simulation/soak.py --seed {seed} {size} --trace"
    assert course.broken == [], f"seed {seed}; to see it again: {again}"
    assert course.sends > 0


@pytest.mark.parametrize("seed", FIXED)
def test_no_law_breaks_in_the_worlds_of_fixed_seeds(seed: int) -> None:
    run(seed)


def test_no_law_breaks_where_older_databases_are_put_back() -> None:
    courses = [Drama(seed, RESTORED).run() for seed in (1, 2)]
    assert [course.broken for course in courses] == [[], []]
    assert any(course.counts.get("restore") for course in courses)


def test_no_law_breaks_where_many_are_due_together() -> None:
    course = Drama(1, replace(TOWN, people=200, days=12, calm=8, boxes=2)).run()
    assert course.broken == []
    assert course.sends > 200


@pytest.mark.timeout(3600)
def test_no_law_breaks_in_new_worlds() -> None:
    for _ in range(NEW):
        run(secrets.randbelow(10**9))


@pytest.mark.timeout(3600)
def test_a_seed_is_one_course_of_events() -> None:
    small = replace(USUAL, people=6, days=4, calm=2)
    for seed in range(REPLAYED):
        first, second = Drama(seed, small).run(), Drama(seed, small).run()
        assert first.digest == second.digest
        assert first.trace == second.trace


def test_statements_by_the_short_way_are_the_same_statements(monkeypatch: pytest.MonkeyPatch) -> None:
    small = replace(USUAL, people=8, days=4, calm=2)
    short = Drama(3, small).run()
    monkeypatch.setattr(SimStore, "is_quick", False)
    assert Drama(3, small).run().trace == short.trace


def test_other_seeds_are_other_courses() -> None:
    small = replace(USUAL, people=3, days=2)
    assert len({Drama(seed, small).run().digest for seed in range(4)}) == 4


def test_where_nothing_goes_wrong_everybody_gets_every_step_once() -> None:
    world = World(1, Scale(people=5, days=5, calm=14, faults=False))
    course = world.run()
    assert course.broken == []
    assert course.counts["dot"] == 5 * 4
    assert set(world.oracle.per_touch.values()) == {1}


def test_the_inbox_shows_only_what_a_noop_has_shown() -> None:
    world = World(0, Scale(people=1))
    server = ImapServer(world.loop, world.chance, world.true_now)

    async def look() -> tuple[int, int]:
        inbox = SimInbox(server)
        place = next(folder for folder in await inbox.folders() if folder.name == "INBOX")
        server.deliver(contracts.MAIL % (1, 1))
        stale = len(await inbox.fetch(place, 0))
        await inbox.folders()
        return stale, len(await inbox.fetch(place, 0))

    asyncio.set_event_loop(None)
    assert world.loop.run_until_complete(look()) == (0, 1)
    world.loop.close()

"""The process that makes letters stands still before it has said a word: nobody waits for it, and it does not stay."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import house
from test_batches import cases_of, made
from test_hostile_orders import Home, home

from cadenced.engine.scribe import Scribe

__all__ = ["home"]


async def stopped_before_its_first_word(apart: Scribe) -> int:
    """Begin the process, and stop it as soon as it is there."""
    apart._move_in(apart._materials())
    assert apart._moving is not None
    room = await apart._moving
    assert room._process is not None
    pid = room._process.get_pid()
    os.kill(pid, signal.SIGSTOP)
    return pid


async def test_letters_are_made_in_place_and_the_end_is_not_held_up(home: Home) -> None:
    cases = cases_of(home)
    apart = Scribe(home.workspace, apart=True)
    pid = await stopped_before_its_first_word(apart)
    assert await apart.write(cases) == made(home, cases)
    await apart.close(5)
    await house.until(lambda: not Path(f"/proc/{pid}").exists())


async def test_one_that_goes_on_later_is_given_work_again(home: Home) -> None:
    cases = cases_of(home)
    apart = Scribe(home.workspace, apart=True)
    pid = await stopped_before_its_first_word(apart)
    assert await apart.write(cases) == made(home, cases)
    os.kill(pid, signal.SIGCONT)
    assert await apart.moved_in() == pid
    assert await apart.write(cases) == made(home, cases)
    await apart.close(5)

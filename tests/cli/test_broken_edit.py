"""An edit that is broken is not in force, and nobody has to read a log to know it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any

import pytest
from story import Story, said

from cadenced import library
from cadenced.engine.housekeeping import Housekeeping
from cadenced.library import LibrarySource


@dataclass
class Edited:
    """A running daemon's housekeeping, and the files that it looks after."""

    story: Story
    housekeeping: Housekeeping

    async def look(self) -> None:
        """Let the folders be still for long enough, and look twice: a change is seen, then taken up."""
        for _ in range(2):
            await self.story.clock.advance(3)
            await self.housekeeping.tick()

    async def write(self, text: str) -> None:
        """Edit the template of every first mail."""
        (self.story.workspace.config.daemon.templates / "one.md").write_text(text)
        await self.look()


@pytest.fixture
async def edited(told: Story) -> Edited:
    shelf = LibrarySource(library.shelves(told.workspace.config), told.clock.monotonic)
    told.workspace.library = shelf.reload()
    return Edited(told, Housekeeping(told.workspace, shelf, lambda: None))


GOOD = "---\nsubject: Your plan\n---\nHello {{ first_name }}, shall we talk on Thursday at 10:00?\n"
BROKEN = "---\nsubject: Your plan\n---\nHello {{ first_name\n"


async def test_status_and_today_say_that_an_edit_was_refused_and_why(edited: Edited, capfd: Any) -> None:
    await edited.write(BROKEN)
    for command in ("status", "today"):
        page = said(capfd, command).out
        assert "was refused" in page
        assert "templates/one.md:4" in page
        assert "cadenced check" in page
        kept = said(capfd, command, "--json").json["library_refused"]
        assert kept["at"].endswith("Z")
        assert "templates/one.md:4" in kept["problems"][0]


async def test_a_cured_edit_is_not_told_of_any_more(edited: Edited, capfd: Any) -> None:
    await edited.write(BROKEN)
    await edited.write(GOOD)
    assert "refused" not in said(capfd, "status").out + said(capfd, "today").out
    assert said(capfd, "status", "--json").json["library_refused"] is None


async def test_a_daemon_that_begins_with_sound_files_forgets_what_an_earlier_one_refused(
    edited: Edited, capfd: Any
) -> None:
    await edited.write(BROKEN)
    (edited.story.workspace.config.daemon.templates / "one.md").write_text(GOOD)
    shelf = LibrarySource(library.shelves(edited.story.workspace.config), edited.story.clock.monotonic)
    shelf.reload()
    await Housekeeping(edited.story.workspace, shelf, lambda: None).tick()
    assert "refused" not in said(capfd, "status").out


async def test_what_an_edit_may_not_mean_is_logged_when_it_is_taken_up(
    edited: Edited, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "cadenced")
    await edited.write(GOOD.replace("first_name", "fist_name"))
    assert any("fist_name" in line and "one.md" in line for line in caplog.messages), caplog.messages
    caplog.clear()
    await edited.write(GOOD.replace("first_name", "fist_name") + "\nJulie\n")
    assert "sequences and templates taken up" in caplog.messages
    assert not any("fist_name" in line for line in caplog.messages), "told once"

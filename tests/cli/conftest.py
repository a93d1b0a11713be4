"""The story that every test of a command is told in."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import story
from story import Story

from cadenced import ports


@pytest.fixture
def told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A workspace that began ten days ago, found by the environment."""
    one = story.begin(tmp_path)
    monkeypatch.setenv("CADENCED_CONFIG", str(tmp_path))
    monkeypatch.setenv("JULIE_PASSWORD", "secret")
    monkeypatch.chdir(tmp_path)
    yield one
    one.workspace.database.close()


@pytest.fixture
async def full(told: Story) -> Story:
    """Seven prospects: one silent, one who said yes, one who opted out, one away, one in doubt, one new, one halted."""
    told.bring_in("silent@a.example", "yes@b.example", "out@c.example", "away@d.example")
    told.work()
    await told.days(1)
    told.answer("yes@b.example", "Yes, Thursday at ten is fine. Can you send the offer before?")
    told.answer("out@c.example", "Please remove me from your list.")
    told.answer("away@d.example", "I am out of the office until 3 March 2031. Out of office.")
    await told.days(3)
    told.bring_in("doubt@e.example")
    told.work(ports.Unknown("the connection ended before the server answered"))
    told.doubt()
    told.bring_in("new@f.example", sequence="office")
    return told

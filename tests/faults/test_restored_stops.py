"""A backup from before a human said no is put back (row 22, I10): who was suppressed, halted or forgotten stays so.

No daemon ran in between, so that nothing else gives the backup away.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from grounds import Ground, entered

from peers import dovecot, warm

pytestmark = [*dovecot.needs_dovecot, pytest.mark.slow]

SAID = {
    "sam@stopped.example": ("suppress", "add"),
    "sue@stopped.example": ("suppress", "add"),
    "hal@stopped.example": ("halt",),
    "fay@stopped.example": ("forget",),
}
FREE = ("again@stopped.example", "dan@stopped.example")
FILE = "stops.txt"


@pytest.fixture
def ground(tmp_path: Path, server: dovecot.Dovecot, stable: warm.Stable) -> Iterator[Ground]:
    """Return a ground whose database is older than what was said."""
    with entered(tmp_path / "ground", server, stable) as one:
        assert one.idle() == 0, one.said()
        one.enrol(*SAID, *FREE)
        kept = tmp_path / "kept"
        kept.mkdir()
        for path in one.root.glob("cadenced.db*"):
            shutil.copy(path, kept)
        for email, words in SAID.items():
            said(one, *words, email)
        said(one, "suppress", "remove", "sam@stopped.example")  # that begins nothing again
        said(one, "enrol", "late@stopped.example", "--first-name", "Late")
        said(one, "halt", "late@stopped.example")  # whom the backup does not know
        said(one, "halt", FREE[0])
        said(one, "resume", FREE[0])
        for path in one.root.glob("cadenced.db*"):
            path.unlink()
        for path in kept.iterdir():
            shutil.copy(path, one.root)
        yield one


def said(ground: Ground, *words: str) -> None:
    run = ground.start(*words)
    assert run.wait() == 0, run.said()


def written_to(ground: Ground) -> list[str]:
    return sorted(one.recipients[0] for one in ground.sink.accepted)


def test_who_was_stopped_by_hand_after_the_backup_is_stopped_again_and_nobody_else(ground: Ground) -> None:
    assert ground.idle() == 0, ground.said()
    assert written_to(ground) == sorted(FREE)
    ground.drop(*SAID, "late@stopped.example", "new@stopped.example", name="again.csv")
    assert ground.idle() == 0, ground.said()
    assert written_to(ground) == sorted([*FREE, "new@stopped.example"])
    (task,) = [one for one in ground.told("today")["tasks"] if one["kind"] == "restored"]
    assert "cadenced forget fay@stopped.example" in task["brief"]
    assert not any(person.encode() in (ground.root / FILE).read_bytes() for person in SAID)


def test_a_backup_without_that_file_would_write_to_them(ground: Ground) -> None:
    """The control."""
    (ground.root / FILE).unlink()
    assert ground.idle() == 0, ground.said()
    assert written_to(ground) == sorted([*SAID, *FREE])


def test_a_file_whose_last_line_was_torn_still_tells_the_others(ground: Ground) -> None:
    path = ground.root / FILE
    path.write_text(path.read_text().rstrip()[:-40])
    assert ground.idle() == 0, ground.said()
    assert written_to(ground) == ["dan@stopped.example"]

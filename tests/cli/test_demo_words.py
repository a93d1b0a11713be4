"""What the demo says at its end."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from cadenced.cli.rehearsal_story import Story
from cadenced.sandbox.demo import Outcome
from cadenced.sandbox.tally import Ledger


def _end(days: int, *, interrupted: bool = False) -> None:
    ledger = Ledger(0, 0, 0)
    outcome = Outcome(days, datetime(2026, 10, 7, tzinfo=UTC), 48.0, ledger, [], [], Path("cadenced.toml"))
    Story(days=45).end(outcome, kept=False, interrupted=interrupted)


def test_a_demo_that_a_busy_machine_cut_short_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    _end(2)
    assert "45 days were asked for, and 2 fitted into a minute" in " ".join(capsys.readouterr().out.split())


def test_a_demo_that_was_played_to_its_end_or_interrupted_speaks_of_no_busy_machine(
    capsys: pytest.CaptureFixture[str],
) -> None:
    _end(45)
    _end(2, interrupted=True)
    assert "fitted into a minute" not in capsys.readouterr().out

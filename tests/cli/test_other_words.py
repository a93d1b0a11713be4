"""Words that other programs have for the same: nobody is left without a hint."""

from __future__ import annotations

import pytest

from cadenced.cli import program


@pytest.mark.parametrize(
    ("word", "meant"), [("tasks", "today"), ("log", "show"), ("Erase", "forget"), ("statsu", "status")]
)
def test_another_word_for_a_command_leads_to_it(word: str, meant: str, capfd: pytest.CaptureFixture[str]) -> None:
    assert program.main([word]) == 2
    assert f"Did you mean '{meant}'?" in capfd.readouterr().err


def test_every_hint_leads_to_a_command() -> None:
    assert set(program._MEANT.values()) <= program.ENTRIES.keys()
    assert not program._MEANT.keys() & program.ENTRIES.keys()

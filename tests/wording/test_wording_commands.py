"""The commands lint, voice and rule, as they are typed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cadenced.cli import wording

COMMANDS = {command.name: command for command in wording.COMMANDS}
SEQUENCE = """title: After the proposal
language: en
steps:
  - email: recap
    after: 0
    purpose: recap
then: none
"""


def _run(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(COMMANDS[words[0]], words[1:], input=given)


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CADENCED_CONFIG", raising=False)


def _workspace(root: Path) -> None:
    (root / "templates").mkdir()
    (root / "sequences").mkdir()
    (root / "cadenced.toml").write_text('[lint]\nignore = ["few-touches"]\n', encoding="utf-8")
    (root / "templates" / "recap.md").write_text(
        '---\nsubject: "Your plan"\n---\nJust checking in!!\n', encoding="utf-8"
    )
    (root / "sequences" / "after.yaml").write_text(SEQUENCE, encoding="utf-8")


def test_the_starter_set_has_nothing_to_mend() -> None:
    root = Path(__file__).parents[2]
    assert _run("lint", str(root / "templates"), str(root / "sequences")).output == "Nothing to mend.\n"


def test_lint_reads_standard_input_and_fails_on_an_error() -> None:
    result = _run("lint", "--format", "json", "-", given="You asked. Just checking in.\n")
    assert result.exit_code == 1
    assert json.loads(result.output)[0]["rule"] == "checking-in"


def test_lint_passes_where_only_warnings_stand() -> None:
    assert _run("lint", "-", given="You asked!! It is here.\n").exit_code == 0


def test_lint_of_a_workspace_reads_templates_sequences_and_settings(tmp_path: Path) -> None:
    _workspace(tmp_path)
    result = _run("lint", "--format", "line")
    assert {line.split("[")[-1].rstrip("]") for line in result.output.splitlines()} == {
        "checking-in",
        "exclamation",
        "no-then",
    }


def test_fix_mends_the_file_and_reports_what_is_left(tmp_path: Path) -> None:
    _workspace(tmp_path)
    result = _run("lint", "--fix", "--format", "line", "templates")
    assert "exclamation" not in result.output
    assert (tmp_path / "templates" / "recap.md").read_text(encoding="utf-8").endswith("Just checking in!\n")


def test_a_bad_setting_is_a_broken_workspace(tmp_path: Path) -> None:
    (tmp_path / "cadenced.toml").write_text('[lint]\nignore = ["guild"]\n', encoding="utf-8")
    result = _run("lint", "-", given="You asked.")
    assert "did you mean guilt" in str(result.exception)


def test_a_missing_file_is_a_usage_error() -> None:
    assert _run("lint", "nowhere.md").exit_code == 2


def test_voice_prints_the_contracts_object() -> None:
    result = _run("voice", "--language", "en", "--json", "-", given="I see you.\nLet’s talk.")
    found = json.loads(result.output)
    assert list(found) == ["self", "joint", "you", "share", "words", "spans"]
    assert found["spans"][2] == {"line": 2, "column": 4, "end_column": 6, "text": "’s", "voice": "joint"}


@pytest.mark.parametrize("command", ["voice", "lint"])
def test_an_unknown_language_is_a_usage_error_that_names_the_known_ones(command: str) -> None:
    result = _run(command, "--language", "xx", "-", given="You asked.")
    assert result.exit_code == 2
    assert "en, fr, de" in result.output


def test_voice_shows_the_balance_below_the_text() -> None:
    assert _run("voice", "-", given="I see you.").output.endswith("share of the reader 50%\n")


def test_rule_explains_with_examples() -> None:
    result = _run("rule", "checking-in")
    assert "Cure: give a reason to answer" in result.output
    assert "Just checking in on the proposal I sent." in result.output


def test_an_unknown_rule_is_a_usage_error_with_the_nearest_name() -> None:
    result = _run("rule", "checkin-in")
    assert result.exit_code == 2
    assert "checking-in" in result.output


def test_rule_without_a_code_lists_them_all() -> None:
    assert "self-centred" in _run("rule").output

"""The program: quick to start, statuses that mean something, mistakes told in words and never by a traceback."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from story import Story, said

from cadenced.cli import program
from cadenced.store.database import Database

CADENCED = [str(Path(sys.executable).parent / "cadenced")]
HEAVY = ("sqlalchemy", "rich", "jinja2", "asyncio", "holidays", "yaml", "aiosmtplib", "alembic", "cadenced.config")


def ran(*line: str, cwd: Path | None = None, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*CADENCED, *line],
        capture_output=True,
        text=True,
        cwd=cwd,
        check=False,
        env={**os.environ, "CADENCED_CONFIG": "", **env},
    )


@pytest.mark.parametrize("line", [["--help"], ["--version"], []])
def test_the_help_page_imports_nothing_heavy(line: list[str]) -> None:
    code = (
        "import sys\nfrom cadenced.cli import program\n"
        f"program.main({line!r})\n"
        f"heavy = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr


FEW = {"cadenced": 4, "click": 16}
"""Of each package, so many modules at the most: what a page of help may cost."""


@pytest.mark.parametrize("line", ["--help", "--version"])
def test_the_help_page_reads_the_programs_own_front_and_little_else(line: str) -> None:
    """How long it takes is the machine's affair; what is read is ours. The benchmarks have the seconds."""
    code = (
        "import sys\nknown = set(sys.modules)\nfrom cadenced.cli import program\n"
        f"try:\n    program.main([{line!r}])\nexcept SystemExit:\n    pass\n"
        "print('\\n'.join(sorted(set(sys.modules) - known)), file=sys.stderr)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    read = result.stderr.split()
    outside = {name.partition(".")[0] for name in read} - sys.stdlib_module_names - FEW.keys()
    assert not outside, outside
    for package, most in FEW.items():
        mine = [name for name in read if name.partition(".")[0] == package]
        assert 0 < len(mine) <= most, mine
    assert len(read) <= 110, read


def test_every_command_is_what_the_help_page_says(capfd: Any) -> None:
    for name, entry in program.ENTRIES.items():
        module = importlib.import_module(entry.module)
        command = next(one for one in module.COMMANDS if one.name == name)
        assert command.get_short_help_str(200)
        assert entry.line in said(capfd, "--help").out


def test_every_command_takes_the_config_before_and_after_its_name(told: Story, capfd: Any, tmp_path: Path) -> None:
    path = str(told.workspace.config.path)
    os.environ["CADENCED_CONFIG"] = str(tmp_path / "nowhere")
    assert said(capfd, "-c", path, "status").status == 0
    assert said(capfd, "status", "-c", path).status == 0
    assert said(capfd, "suppress", "list", "--config", str(tmp_path)).status == 0
    assert said(capfd, "suppress", "-c", str(tmp_path), "list").status == 0
    assert said(capfd, "status").status == 3


def test_an_unknown_word_brings_the_one_that_was_meant(capfd: Any) -> None:
    answer = said(capfd, "statsu")
    assert (answer.status, "Did you mean 'status'?" in answer.err) == (2, True)
    answer = said(capfd, "status", "--jason")
    assert (answer.status, "--json" in answer.err) == (2, True)


@pytest.mark.parametrize("line", [["show"], ["resolve", "x", "sent"], ["suppress"], ["classify", "--now", "soon", "-"]])
def test_a_line_that_makes_no_sense_is_a_usage_error(capfd: Any, line: list[str]) -> None:
    assert said(capfd, *line).status == 2


def test_a_broken_config_is_told_line_by_line(told: Story, capfd: Any) -> None:
    path = told.workspace.config.path
    path.write_text(path.read_text().replace("port = 2525", 'port = "x"').replace("[daemon]", "[daemon]\ndatabse = 1"))
    answer = said(capfd, "status")
    assert answer.status == 3
    lines = answer.err.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{path}:2:1: ")
    assert "did you mean" in lines[0]


def test_no_config_at_all_says_how_to_make_one(capfd: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CADENCED_CONFIG", raising=False)
    answer = said(capfd, "status")
    assert answer.status == 3
    assert "cadenced init DIR" in answer.err


def test_a_second_daemon_is_refused_in_one_line(told: Story, capfd: Any) -> None:
    first = Database(told.workspace.config.daemon.database)
    first.claim_for_daemon()
    answer = said(capfd, "run", "--until-idle")
    first.close()
    assert answer.status == 4
    assert answer.err.startswith("cadenced: another daemon works on ")
    assert len(answer.err.splitlines()) == 1


def test_status_knows_whether_a_daemon_runs(told: Story, capfd: Any) -> None:
    assert said(capfd, "status", "--json").json["running"] is False
    daemon = Database(told.workspace.config.daemon.database)
    daemon.claim_for_daemon()
    running = said(capfd, "status", "--json").json["running"]
    daemon.close()
    assert running is not False


def test_a_database_that_is_none_is_one_line(told: Story, capfd: Any, tmp_path: Path) -> None:
    told.workspace.database.close()
    for path in tmp_path.glob("cadenced.db*"):
        path.unlink()
    (tmp_path / "cadenced.db").write_bytes(b"this is not a database, and long enough to be read as one" * 40)
    answer = said(capfd, "status")
    assert answer.status == 4
    assert len(answer.err.splitlines()) == 1


def test_a_newer_database_is_refused_and_left_alone(told: Story, capfd: Any) -> None:
    told.transact(lambda tx: tx.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'"))
    answer = said(capfd, "status")
    assert answer.status == 4
    assert "newer" in answer.err


def test_a_reader_that_has_seen_enough_ends_it_quietly(told: Story) -> None:
    told.bring_in(*(f"p{n}@a.example" for n in range(200)))
    line = f"{CADENCED[0]} export p1@a.example | true; {CADENCED[0]} audit --json | head -c 10"
    result = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert result.stderr == ""


def test_completion_knows_the_commands() -> None:
    result = ran(_CADENCED_COMPLETE="bash_complete", COMP_WORDS="cadenced sta", COMP_CWORD="1")
    assert "status" in result.stdout


def test_init_makes_a_workspace_that_checks(tmp_path: Path) -> None:
    made = ran("init", str(tmp_path / "new"))
    assert made.returncode == 0
    assert "cadenced demo" in made.stdout
    assert ran("init", str(tmp_path / "new")).returncode == 1
    assert ran("status", "--json", "-c", str(tmp_path / "new")).returncode == 0


def test_suppress_with_an_address_says_how_it_is_added(capfd: Any) -> None:
    answer = said(capfd, "suppress", "meet@me.example", "--reason", "asked")
    assert answer.status == 2
    assert "Did you mean 'cadenced suppress add meet@me.example --reason asked'?" in answer.err


def test_a_rule_that_is_none_is_answered_with_the_one_that_was_meant(capfd: Any) -> None:
    assert "there is no rule 'chekcing-in'; did you mean \"checking-in\"?" in said(capfd, "rule", "chekcing-in").err

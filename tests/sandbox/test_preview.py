"""``preview`` shows what one prospect would get, and what would be kept back."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import played
import pytest

from cadenced.cli import program, rehearsal_preview
from cadenced.engine import intake_import, opening
from cadenced.engine.intake_import import File
from cadenced.errors import RefusedError
from cadenced.sandbox import preview

MISSING = played.TEMPLATE.replace("the plan on Monday", "{{ product }} on Monday")
GUILTY = played.TEMPLATE.replace("you asked for the plan on Monday.", "Just checking in, I am still waiting for you.")


@pytest.fixture
def table(tmp_path: Path) -> Path:
    return played.write(tmp_path)


def shown(folder: Path, *arguments: object) -> preview.Preview:
    return preview.play(played.setting(folder), "plan", *arguments)  # type: ignore[arg-type] # a path and an address


def test_the_first_row_is_shown_step_by_step_as_it_would_be_sent(table: Path, tmp_path: Path) -> None:
    found = shown(tmp_path, table)
    assert found.email == "ann@one.example"
    assert [one.kind for one in found.shown] == ["email", "email", "call", "email"]
    assert found.shown[0].subject == "Your next step in May"
    assert found.shown[1].subject == "Re: Your next step in May"
    assert "Hello Ann," in found.shown[0].text
    assert [one.at for one in found.shown] == sorted(one.at for one in found.shown)
    assert (found.outcome, found.problems) == ("completed", [])


MEETING = """title: Plan
window: always
steps:
  - task: call
    hours: "09:00-10:00"
    brief: Call.
  - invite: 30 min
    template: one
    at: meeting
"""


def test_an_invitation_tells_when_one_meets_and_stands_behind_the_call_before_it(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "sequences" / "plan.yaml").write_text(MEETING)
    head, row, *_ = table.read_text().splitlines()
    day = (played.MONDAY + timedelta(days=20)).date()
    table.write_text(f"{head},meeting\n{row},{day} 10:30\n")
    found = shown(tmp_path, table)
    assert [one.kind for one in found.shown] == ["call", "invite"]
    meets_at = found.shown[1].meets_at
    assert meets_at is not None
    assert meets_at.astimezone(ZoneInfo(found.timezone)).strftime("%Y-%m-%d %H:%M") == f"{day} 10:30"
    rehearsal_preview.show(found)
    assert "with a calendar request for " in capsys.readouterr().out


def test_an_invitation_without_a_day_to_come_is_shown_as_the_plain_letter_it_is(table: Path, tmp_path: Path) -> None:
    (tmp_path / "sequences" / "plan.yaml").write_text(MEETING)
    assert shown(tmp_path, table).shown[-1].meets_at is None


def test_an_address_chooses_the_row(table: Path, tmp_path: Path) -> None:
    assert shown(tmp_path, table, "Bob@Two.example").shown[0].subject == "Your next step in June"
    with pytest.raises(RefusedError, match=r"nobody@x\.example is not in the list"):
        shown(tmp_path, table, "nobody@x.example")


def test_without_a_list_somebody_is_invented(table: Path, tmp_path: Path) -> None:
    found = shown(tmp_path)
    assert found.email == "anna.keller@example.com"
    assert found.problems  # nobody invented has the column and_more


def test_a_missing_variable_is_shown_as_a_problem_and_the_rest_all_the_same(table: Path, tmp_path: Path) -> None:
    (tmp_path / "templates" / "two.md").write_text(MISSING)
    found = shown(tmp_path, table)
    assert [one.kind for one in found.shown] == ["email", "problem", "call", "email"]
    assert "product" in found.problems[0].text


def test_wording_that_would_be_kept_back_is_shown_as_a_problem(table: Path, tmp_path: Path) -> None:
    (tmp_path / "templates" / "one.md").write_text(GUILTY)
    found = shown(tmp_path, table)
    assert found.shown[0].kind == "problem"
    assert "wording" in found.shown[0].text


def test_a_prospect_of_the_database_is_found_and_nothing_is_written(table: Path, tmp_path: Path) -> None:
    opened = opening.open_workspace(tmp_path / "cadenced.toml")
    file = File(table, table.name, "plan")
    intake_import.import_file(opened.database, file, opened.rules(), opened.now())
    opened.database.close()
    database = tmp_path / "cadenced.db"
    before = database.read_bytes()
    assert shown(tmp_path, None, "eve@three.example").shown[0].subject == "Your next step in July"
    assert database.read_bytes() == before


def test_without_a_database_none_is_made(table: Path, tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="is not a prospect"):
        shown(tmp_path, None, "eve@three.example")
    assert not (tmp_path / "cadenced.db").exists()


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str]:
    status = program.main(list(arguments))
    return status, capsys.readouterr().out


def test_the_command_prints_every_mail(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = ("-c", str(tmp_path), "preview", "plan", "--csv", str(table), "--start", "2026-11-23")
    status, out = run(capsys, *line)
    assert status == 0
    assert out.count("Hello Ann,") == 3
    assert "Mon 23 Nov 08:30" in out
    status, out = run(capsys, *line, "--json")
    assert [one["step"] for one in json.loads(out)["steps"]] == ["one", "two", "call", "three"]


def test_the_command_ends_with_1_where_a_mail_is_kept_back(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "templates" / "two.md").write_text(MISSING)
    assert run(capsys, "-c", str(tmp_path), "preview", "plan", "--csv", str(table))[0] == 1


def test_simulate_prints_a_calendar_and_a_summary(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replies = tmp_path / "replies.csv"
    replies.write_text("email,after,text\nann@one.example,one + 1 days,Yes please do\n")
    line = ("-c", str(tmp_path), "simulate", "plan", "--csv", str(table), "--until", "30d", "--start", "2026-11-23")
    status, out = run(capsys, *line, "--replies", str(replies))
    assert status == 0
    assert "Mon 23 November 2026   3 sent" in out
    assert "halted: reply." in out
    status, out = run(capsys, *line, "--json")
    found = json.loads(out)
    assert found["sent"] == 9
    assert {"sequence", "start", "until", "counts", "events", "prospects", "days", "tasks"} <= set(found)


def test_an_unknown_sequence_is_refused_with_the_likely_one(
    table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert program.main(["-c", str(tmp_path), "simulate", "plam"]) == 1
    assert 'did you mean "plan"?' in capsys.readouterr().err

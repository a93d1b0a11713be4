"""``cadenced import``: counts, a report, an undo; a file that is no list stops no other."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

from story import Story, said


def lines(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def drop(root: Path, name: str, *rows: str) -> Path:
    path = root / name
    path.write_text("\n".join(["email;Prénom;Société", *rows, ""]), encoding="utf-8")
    return path


def test_an_import_prints_its_counts_and_reports_every_row(told: Story, capfd: Any, tmp_path: Path) -> None:
    path = drop(tmp_path, "list.csv", "ann@a.example;Ann;A", "not an address;B;B")
    answer = said(capfd, "import", str(path))
    assert answer.status == 0
    assert "enrolled" in answer.out
    assert "line 3" in answer.out
    report = lines(tmp_path / "list.csv.report.csv")
    assert [row["verdict"] for row in report] == ["enrolled", "rejected"]


def test_json_names_the_counts_of_every_verdict(told: Story, capfd: Any, tmp_path: Path) -> None:
    path = drop(tmp_path, "list.csv", "ann@a.example;Ann;A")
    (found,) = said(capfd, "import", str(path), "--json").json
    assert found["counts"] == {"enrolled": 1, "updated": 0, "unchanged": 0, "suppressed": 0, "rejected": 0}
    assert Path(found["report"]).is_file()


def test_the_same_file_again_enrols_nobody(told: Story, capfd: Any, tmp_path: Path) -> None:
    path = drop(tmp_path, "list.csv", "ann@a.example;Ann;A")
    said(capfd, "import", str(path))
    (again,) = said(capfd, "import", str(path), "--json").json
    assert (again["counts"]["enrolled"], again["counts"]["unchanged"]) == (0, 1)
    assert len(lines(tmp_path / "list.csv.report.csv")) == 1
    assert Path(again["report"]).name == "list-2.csv.report.csv"


def test_a_report_overwrites_nothing(told: Story, capfd: Any, tmp_path: Path) -> None:
    path = drop(tmp_path, "list.csv", "ann@a.example;Ann;A")
    (tmp_path / "list.csv.report.csv").write_text("mine")
    said(capfd, "import", str(path))
    assert (tmp_path / "list.csv.report.csv").read_text() == "mine"
    assert lines(tmp_path / "list-2.csv.report.csv")[0]["verdict"] == "enrolled"


def test_a_file_that_is_no_list_stops_no_other(told: Story, capfd: Any, tmp_path: Path) -> None:
    bad = tmp_path / "bad.csv"
    bad.write_bytes(b"PK\x03\x04 this is a workbook")
    good = drop(tmp_path, "good.csv", "ann@a.example;Ann;A")
    answer = said(capfd, "import", str(bad), str(tmp_path / "missing.csv"), str(good), "--json")
    assert answer.status == 1
    assert [one["taken"] for one in answer.json] == [False, False, True]
    assert "No such file" in answer.err


def test_a_sequence_that_is_none_is_refused_before_anything_is_read(told: Story, capfd: Any, tmp_path: Path) -> None:
    path = drop(tmp_path, "list.csv", "ann@a.example;Ann;A")
    answer = said(capfd, "import", "--sequence", "plann", str(path))
    assert (answer.status, 'did you mean "plan"?' in answer.err) == (1, True)
    assert said(capfd, "status", "--json").json["prospects"] == 0


def test_an_import_is_listed_and_taken_back(told: Story, capfd: Any, tmp_path: Path) -> None:
    path = drop(tmp_path, "list.csv", "ann@a.example;Ann;A", "bob@a.example;Bob;A")
    said(capfd, "import", str(path))
    (listed,) = said(capfd, "imports", "--json").json
    assert (listed["name"], listed["counts"]["enrolled"]) == ("list.csv", 2)
    assert "2 enrolments, 2 prospects" in said(capfd, "import", "--undo", str(listed["id"])).out
    assert said(capfd, "status", "--json").json["prospects"] == 0
    assert "undone" in said(capfd, "imports").out
    again = said(capfd, "import", "--undo", str(listed["id"]))
    assert (again.status, again.err) == (1, f"cadenced: import {listed['id']} was taken back already\n")


def test_what_was_sent_is_not_taken_back(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example", "bob@a.example", sequence="plan")
    said(capfd, "halt", "bob@a.example")
    told.work()
    answer = said(capfd, "import", "--undo", "1")
    assert (answer.status, "something was sent" in answer.out) == (1, True)
    assert said(capfd, "show", "ann@a.example").status == 0


def test_an_undo_of_a_part_is_no_failure(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example", "bob@a.example", sequence="plan")
    said(capfd, "halt", "bob@a.example")
    answer = said(capfd, "import", "--undo", "1", "--json")
    assert (answer.status, answer.json["enrolments"], answer.json["stays"]) == (0, 1, {"it is over already": 1})


def test_a_file_that_is_refused_as_a_whole_is_no_import_under_way(told: Story, capfd: Any, tmp_path: Path) -> None:
    assert said(capfd, "import", str(drop(tmp_path, "list.csv"))).status == 1
    assert "under way" not in said(capfd, "imports").out


def test_import_wants_files_or_an_undo_and_not_both(told: Story, capfd: Any, tmp_path: Path) -> None:
    assert said(capfd, "import").status == 2
    assert said(capfd, "import", "--undo", "1", str(tmp_path / "x.csv")).status == 2

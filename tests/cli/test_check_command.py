"""``cadenced check`` and ``cadenced doctor``: all that is wrong, at once, with its place and its cure."""

from __future__ import annotations

from typing import Any

import pytest
from story import Story, said

from cadenced.cli import doctor_servers
from cadenced.config import Mailbox


def test_a_sound_workspace_is_summed_up(told: Story, capfd: Any) -> None:
    answer = said(capfd, "check")
    assert answer.status == 0
    assert "julie <julie@abc.example>" in answer.out
    assert "3: nurture, office, plan" in answer.out


def test_all_problems_come_at_once_with_their_places(told: Story, capfd: Any) -> None:
    daemon = told.workspace.config.daemon
    (daemon.sequences / "bad.yaml").write_text("title: Bad\nsteps:\n  - email: missing\n    aftr: 1 day\n")
    (daemon.templates / "two.md").write_text("---\nsubject: x\n---\nHello {{ first_name\n")
    answer = said(capfd, "check")
    assert answer.status == 3
    assert "sequences/bad.yaml:4" in answer.err
    assert "templates/two.md:4" in answer.err
    assert "did you mean" in answer.err


def test_a_password_that_is_nowhere_is_a_warning(told: Story, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JULIE_PASSWORD")
    answer = said(capfd, "check")
    assert answer.status == 0
    assert answer.out.count("JULIE_PASSWORD") >= 1
    assert "1 remark above" in answer.out


def test_wording_that_would_keep_a_mail_back_is_a_finding(told: Story, capfd: Any) -> None:
    template = told.workspace.config.daemon.templates / "one.md"
    template.write_text(template.read_text().replace("you asked", "I guess you are too busy to answer me. You asked"))
    found = said(capfd, "check", "--json").json
    assert found["problems"] == []
    for finding in found["findings"]:
        assert {"file", "line", "column", "rule", "severity", "message"} <= set(finding)


async def nothing_wrong(_box: Mailbox) -> list[Any]:
    return []


def test_the_doctor_looks_at_the_machine(told: Story, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_servers, "examine", nothing_wrong)
    answer = said(capfd, "doctor", "--json")
    assert (answer.status, answer.json["sound"]) == (0, True)
    looked_at = {one["what"] for one in answer.json["checks"]}
    assert {"database", "disk", "rights", "clock", "dns"} <= looked_at


def test_the_doctor_finds_servers_that_do_not_answer(told: Story, capfd: Any) -> None:
    path = told.workspace.config.path
    path.write_text(path.read_text().replace("port = 2525", "port = 1").replace("port = 2143", "port = 1"))
    answer = said(capfd, "doctor")
    assert answer.status == 1
    assert "✗ smtp" in answer.out
    assert "✗ imap" in answer.out
    assert "2 things to mend." in answer.out


def test_the_doctor_finds_a_folder_that_is_missing(told: Story, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_servers, "examine", nothing_wrong)
    told.workspace.config.daemon.inbox.rmdir()
    answer = said(capfd, "doctor")
    assert (answer.status, "inbox is missing" in answer.out) == (1, True)


def test_the_doctor_finds_a_clock_that_went_back(told: Story, capfd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor_servers, "examine", nothing_wrong)
    told.bring_in("ann@a.example")
    told.transact(lambda tx: tx.exec_driver_sql("UPDATE events SET at = at + 86400000000 * 30"))
    assert "✗ clock" in said(capfd, "doctor").out

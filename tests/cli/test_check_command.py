"""``cadenced check``: all that is wrong, at once, with its place and its cure."""

from __future__ import annotations

from typing import Any

import pytest
from story import Story, said


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


def test_a_grant_that_is_nowhere_is_a_warning(told: Story, capfd: Any) -> None:
    path = told.workspace.config.path
    path.write_text(path.read_text().replace("env:JULIE_PASSWORD", "oauth2:google"))
    (warning,) = said(capfd, "check", "--json").json["warnings"]
    assert "grants/julie.google.json: No such file" in warning["message"]
    assert warning["line"] == 24


def test_wording_that_would_keep_a_mail_back_is_a_finding(told: Story, capfd: Any) -> None:
    template = told.workspace.config.daemon.templates / "one.md"
    template.write_text(template.read_text().replace("you asked", "I guess you are too busy to answer me. You asked"))
    found = said(capfd, "check", "--json").json
    assert found["problems"] == []
    for finding in found["findings"]:
        assert {"file", "line", "column", "rule", "severity", "message"} <= set(finding)

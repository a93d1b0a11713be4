"""``cadenced classify``: one verdict a file, no config, no database, and nothing that one bad file can stop."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from story import said

KEYS = ["file", "verdict", "recipient", "status", "until", "referral", "language", "reply_text", "evidence"]

YES = (
    b"From: ann@a.example\r\nTo: julie@abc.example\r\nSubject: Re: your plan\r\n"
    b"In-Reply-To: <1@abc.example>\r\n\r\nYes, please call me.\r\n"
)
AWAY = (
    b"From: ann@a.example\r\nSubject: Automatic reply: your plan\r\nAuto-Submitted: auto-replied\r\n"
    b"In-Reply-To: <1@abc.example>\r\n\r\nI am out of the office and back on 3 March.\r\n"
)


@pytest.fixture
def mails(tmp_path: Path) -> Path:
    folder = tmp_path / "mails"
    (folder / "below").mkdir(parents=True)
    (folder / "a.eml").write_bytes(YES)
    (folder / "below" / "no-suffix").write_bytes(AWAY)
    (folder / ".hidden").write_bytes(YES)
    return folder


def objects(out: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in out.splitlines()]


def test_json_has_the_keys_of_the_contract_one_object_a_line(mails: Path, capfd: Any) -> None:
    answer = said(capfd, "classify", "--json", str(mails))
    found = objects(answer.out)
    assert answer.status == 0
    assert [Path(one["file"]).name for one in found] == ["a.eml", "no-suffix"]
    assert all(set(KEYS) <= set(one) for one in found)
    assert found[0]["verdict"].startswith("reply.")
    assert found[0]["reply_text"] == "Yes, please call me."


def test_now_is_the_day_that_dates_are_read_against(mails: Path, capfd: Any) -> None:
    line = ("classify", "--json", str(mails / "below" / "no-suffix"))
    (found,) = objects(said(capfd, *line, "--now", "2026-11-21").out)
    assert (found["verdict"], found["until"]) == ("auto.out_of_office", "2027-03-03")


def test_a_file_that_cannot_be_read_is_named_and_the_others_go_on(mails: Path, capfd: Any) -> None:
    (mails / "empty.eml").write_bytes(b"")
    answer = said(capfd, "classify", "--json", str(mails), str(mails / "missing.eml"))
    assert answer.status == 1
    assert len(objects(answer.out)) == 2
    assert "empty.eml: an empty message" in answer.err
    assert "missing.eml: No such file or directory" in answer.err


def test_a_dash_is_standard_input_and_no_config_is_needed(tmp_path: Path) -> None:
    program = [sys.executable, "-m", "cadenced", "classify", "--json", "-"]
    result = subprocess.run(program, input=YES, capture_output=True, timeout=60, cwd=tmp_path, check=False)
    assert result.returncode == 0
    assert json.loads(result.stdout)["file"] == "-"
    assert list(tmp_path.iterdir()) == []


def test_a_page_for_people_says_what_the_verdict_rests_on(mails: Path, capfd: Any) -> None:
    page = said(capfd, "classify", str(mails), "--now", "2026-11-21").out
    assert "auto.out_of_office" in page
    assert "because" in page
    assert "2027-03-03" in page


def test_a_broken_surrogate_is_still_json(tmp_path: Path, capfd: Any) -> None:
    path = tmp_path / "odd.eml"
    path.write_bytes(YES.replace(b"call me", b"call \xed\xa0\x80 me \xff"))
    assert objects(said(capfd, "classify", "--json", str(path)).out)


def test_json_needs_no_store_and_no_layout() -> None:
    code = (
        "import sys\nfrom cadenced.cli import program\nprogram.main(['classify', '--json', '-'])\n"
        "heavy = [name for name in ('sqlalchemy', 'rich', 'aiosmtplib') if name in sys.modules]\n"
        "assert not heavy, heavy"
    )
    result = subprocess.run([sys.executable, "-c", code], input=YES, capture_output=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr


def test_what_begins_without_a_header_is_judged_and_marked(mails: Path, capfd: Any) -> None:
    (mails / "letter.md").write_text('---\nsubject: "Your plan"\n---\nYes, I am interested. Please call me.\n')
    (mails / "note.txt").write_text("Yes, please call me.\n")
    found = {Path(one["file"]).name: one for one in objects(said(capfd, "classify", "--json", str(mails)).out)}
    marked = [name for name, one in found.items() if any("without a header" in why for why in one["evidence"])]
    assert sorted(marked) == ["letter.md", "note.txt"]
    assert found["note.txt"]["verdict"].startswith("reply.")


@pytest.mark.parametrize("head", [b"Subject: Re: plan", b"\r\nSubject: Re: plan", b"From ann Mon\r\nSubject: x"])
def test_a_mail_with_one_header_is_a_mail(tmp_path: Path, capfd: Any, head: bytes) -> None:
    (tmp_path / "a.eml").write_bytes(head + b"\r\n\r\nYes.\r\n")
    assert "without a header" not in said(capfd, "classify", str(tmp_path / "a.eml")).out

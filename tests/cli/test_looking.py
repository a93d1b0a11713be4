"""What the reading commands show: the keys of the contract, and pages for people."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from story import Story, said

UTC_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def test_status_has_the_keys_of_the_contract(full: Story, capfd: Any) -> None:
    page = said(capfd, "status", "--json").json
    assert page["prospects"] == 6
    assert list(page["enrolments"]) == ["active", "paused", "awaiting_task", "halted", "finished"]
    assert page["in_doubt"] == 1
    assert page["tasks"] == 3
    assert page["sent_today"] == 0
    (julie,) = page["mailboxes"]
    assert (julie["name"], julie["address"], julie["limit"]) == ("julie", "julie@abc.example", 50)
    assert UTC_STAMP.fullmatch(julie["synced_at"])
    assert page["doubts"][0]["email"] == "doubt@e.example"


def test_status_tells_what_is_in_doubt_with_its_evidence_and_how_to_settle_it(full: Story, capfd: Any) -> None:
    page = said(capfd, "status").out
    assert "doubt@e.example" in page
    assert "no copy was found in Sent" in page
    assert re.search(r"cadenced resolve \d+ sent\|resend\|skip", page)


def test_enrolments_of_a_mailbox_that_is_gone_are_told_of(told: Story, capfd: Any) -> None:
    told.bring_in("lost@a.example")
    path = told.workspace.config.path
    path.write_text(path.read_text().replace('"julie"', '"anna"').replace("julie@", "anna@"))
    names = {box["name"]: box for box in said(capfd, "status", "--json").json["mailboxes"]}
    assert "not in the configuration" in names["julie"]["fault"]
    assert "not in the configuration" in said(capfd, "status").out


def test_status_and_why_name_the_same_moment_for_the_next_mail(told: Story, capfd: Any) -> None:
    shut = told.workspace.config.daemon.sequences / "office.yaml"
    a_far_day = (datetime.now(UTC) + timedelta(days=3)).strftime("%a").lower()
    window = f'window: {{days: {a_far_day}, hours: "10:00-11:00", holidays: false}}'
    shut.write_text(f"title: Office\n{window}\nsteps:\n  - email: one\n    after: 0\n")
    told.bring_in("ann@a.example", sequence="office")
    (julie,) = said(capfd, "status", "--json").json["mailboxes"]
    (enrolment,) = said(capfd, "why", "ann@a.example", "--json").json["enrolments"]
    assert julie["due"] == 1
    assert julie["next_at"] == enrolment["at"]
    shut.write_text("title: Office\nsteps: [")
    assert said(capfd, "status").status == 0


def test_show_has_the_keys_of_the_contract(full: Story, capfd: Any) -> None:
    shown = said(capfd, "show", "YES@b.example", "--json").json
    assert {"email", "stage", "suppressed", "fields", "enrolments", "timeline", "tasks"} <= set(shown)
    (enrolment,) = shown["enrolments"]
    assert {"sequence", "state", "step", "due_at", "outcome", "reason"} <= set(enrolment)
    assert (enrolment["state"], enrolment["due_at"]) == ("halted", None)
    events = [event["event"] for event in shown["timeline"]]
    assert events[:3] == ["imported", "enrolled", "sent"]
    assert "replied" in events
    assert all(UTC_STAMP.fullmatch(event["at"]) for event in shown["timeline"])
    assert shown["tasks"][0]["facts"]["text"].startswith("Yes, Thursday")


def test_every_moment_in_json_is_utc_with_a_z(full: Story, capfd: Any) -> None:
    for line in (("status",), ("show", "away@d.example"), ("today", "--all"), ("why", "new@f.example")):
        out = said(capfd, *line, "--json").out
        assert "+00:00" not in out
        assert UTC_STAMP.search(out)


def test_show_of_a_stranger_is_refused_in_words(told: Story, capfd: Any) -> None:
    answer = said(capfd, "show", "nobody@nowhere.example")
    assert (answer.status, answer.err) == (1, "cadenced: nobody@nowhere.example is not a prospect\n")


def test_show_of_a_suppressed_stranger_says_so(told: Story, capfd: Any) -> None:
    said(capfd, "suppress", "add", "never@a.example", "--reason", "asked on the phone")
    assert "suppressed: asked on the phone" in said(capfd, "show", "never@a.example").err


def test_a_mail_cannot_move_the_terminal(full: Story, capfd: Any) -> None:
    full.answer("silent@a.example", "Yes \x1b[2J\x1b]0;owned\x07 please \u202eevil")
    page = said(capfd, "today").out + said(capfd, "show", "silent@a.example").out
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", page)
    assert "\\u001b" in page


def test_a_page_in_a_pipe_is_plain_and_has_no_blanks_at_line_ends(full: Story, capfd: Any) -> None:
    for line in (("status",), ("show", "silent@a.example"), ("today",), ("why", "new@f.example"), ("audit",)):
        out = said(capfd, *line).out
        assert "\x1b" not in out
        assert not re.search(r"[ \t]$", out, re.MULTILINE)


def test_today_lists_each_task_with_its_brief_and_the_line_that_closes_it(full: Story, capfd: Any) -> None:
    page = said(capfd, "today").out
    assert "Yes, Thursday at ten is fine." in page
    assert re.search(r"cadenced done \d+ --outcome answered\|", page)
    assert re.search(r"cadenced resolve \d+ sent\|resend\|skip", page)
    listed = said(capfd, "today", "--json").json["tasks"]
    assert {task["kind"] for task in listed} == {"reply", "doubt"} | ({"call"} & {task["kind"] for task in listed})
    assert all(task["commands"] for task in listed)


async def test_today_leaves_what_is_due_later_to_all(told: Story, capfd: Any) -> None:
    told.bring_in("later@a.example")
    told.work()
    await told.days(2.1)
    told.work()
    (task,) = said(capfd, "today", "--json").json["tasks"]
    said(capfd, "done", str(task["id"]), "--outcome", "reached", "--next-step", "call", "--at", "2031-03-03 10:00")
    assert said(capfd, "today", "--json").json["tasks"] == []
    assert "Nothing waits" in said(capfd, "today").out
    (agreed,) = said(capfd, "today", "--all", "--json").json["tasks"]
    assert agreed["due_at"] == "2031-03-03T09:00:00Z"


def test_export_holds_every_row_and_every_mail(full: Story, capfd: Any) -> None:
    kept = said(capfd, "export", "yes@b.example").json
    assert kept["prospects"][0]["email"] == "yes@b.example"
    assert "Subject: Your next step, Yes" in kept["touches"][0]["raw"]
    assert "Yes, Thursday at ten" in kept["inbound"][0]["raw"]
    assert {event["event"] for event in kept["events"]} >= {"imported", "sent", "replied"}


@pytest.mark.parametrize("line", [("show",), ("why",), ("export",), ("halt",), ("resume",), ("skip",)])
def test_an_address_that_is_none_is_refused_in_words(told: Story, capfd: Any, line: tuple[str, ...]) -> None:
    answer = said(capfd, *line, "not an address")
    assert answer.status == 1
    assert answer.err.startswith("cadenced: ")


def test_show_names_the_agreed_day_once(told: Story, capfd: Any, tmp_path: Path) -> None:
    path = tmp_path / "list.csv"
    path.write_text("email,next_step_at\nann@a.example,2031-03-03 10:00\nbob@a.example,\n")
    said(capfd, "import", str(path))
    head = said(capfd, "show", "ann@a.example").out.partition("Enrolments")[0]
    assert "next step  Mon 3 Mar 2031 10:00" in head
    assert "next_step_at" not in head


def test_every_moment_of_an_export_has_one_form(full: Story, capfd: Any) -> None:
    out = said(capfd, "export", "away@d.example").out
    assert '"until"' in out
    assert "+00:00" not in re.sub(r'"raw": ".*"', "", out)

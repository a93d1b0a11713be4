"""What a human does by hand, from the command line to the store."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from story import Story, said

from cadenced.engine import acts
from cadenced.store import mailboxes


def enrolment(capfd: Any, email: str) -> dict[str, Any]:
    found: dict[str, Any] = said(capfd, "show", email, "--json").json["enrolments"][-1]
    return found


def test_halt_ends_what_runs_and_says_so(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    answer = said(capfd, "halt", "ann@a.example", "--reason", "met her in Lyon")
    assert (answer.status, answer.out) == (0, "ann@a.example: plan is halted.\n")
    assert enrolment(capfd, "ann@a.example")["state"] == "halted"
    assert said(capfd, "halt", "ann@a.example").status == 1


def test_halt_and_suppress_work_while_a_sequence_is_broken(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example", "bob@a.example")
    (told.workspace.config.daemon.sequences / "plan.yaml").write_text("steps: [")
    assert said(capfd, "status").status == 0
    assert said(capfd, "halt", "ann@a.example").status == 0
    assert said(capfd, "suppress", "add", "bob@a.example").status == 0
    assert said(capfd, "resume", "ann@a.example").status == 3


def test_pause_reads_its_date_in_the_prospects_zone(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    said(capfd, "pause", "ann@a.example", "--until", "2031-03-03")
    assert enrolment(capfd, "ann@a.example")["due_at"] == "2031-03-03T07:00:00Z"
    said(capfd, "pause", "ann@a.example", "--until", "2031-07-01 10:30")
    assert enrolment(capfd, "ann@a.example")["due_at"] == "2031-07-01T08:30:00Z"


def test_pause_without_a_date_is_for_five_business_days(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    assert said(capfd, "pause", "ann@a.example").status == 0
    paused = enrolment(capfd, "ann@a.example")
    until = datetime.fromisoformat(paused["due_at"])
    assert paused["state"] == "paused"
    assert timedelta(days=4, hours=20) < until - datetime.now(UTC) <= timedelta(days=15)


@pytest.mark.parametrize("moment", ["yesterday", "2020-01-01", "soon", "3 fortnights", ""])
def test_a_moment_that_is_none_or_past_is_a_usage_error(told: Story, capfd: Any, moment: str) -> None:
    told.bring_in("ann@a.example")
    answer = said(capfd, "pause", "ann@a.example", "--until", moment)
    assert answer.status == 2
    assert answer.err.startswith("cadenced: ")
    assert enrolment(capfd, "ann@a.example")["state"] == "active"


def test_resume_takes_up_what_was_paused(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    said(capfd, "pause", "ann@a.example")
    assert "step “one” is next" in said(capfd, "resume", "ann@a.example").out
    assert enrolment(capfd, "ann@a.example")["state"] == "active"


def test_skip_leaves_the_next_step_out(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    assert "step “call” is next" in said(capfd, "skip", "ann@a.example").out


def test_a_note_is_kept_whole_and_shown(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    said(capfd, "note", "ann@a.example", "prefers", "to be called")
    assert "prefers to be called" in said(capfd, "show", "ann@a.example").out


async def test_done_with_a_next_step_makes_the_sequence_wait_for_it(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    told.work()
    await told.days(2.1)
    told.work()
    (task,) = said(capfd, "today", "--json").json["tasks"]
    line = (
        "--outcome",
        "reached",
        "--note",
        "wants two sites",
        "--next-step",
        "call again",
        "--at",
        "2031-03-03 10:00",
    )
    answer = said(capfd, "done", str(task["id"]), *line)
    assert "Next step: call again, Mon 3 Mar 2031 10:00 (Europe/Paris)." in answer.out
    waiting = enrolment(capfd, "ann@a.example")
    assert (waiting["state"], waiting["due_at"]) == ("awaiting_task", "2031-03-03T09:00:00Z")


async def test_done_lets_the_sequence_go_on_after_a_call_in_vain(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    told.work()
    await told.days(2.1)
    told.work()
    (task,) = said(capfd, "today", "--json").json["tasks"]
    assert "goes on with step “two”" in said(capfd, "done", str(task["id"]), "--outcome", "no_answer").out
    assert said(capfd, "done", str(task["id"]), "--outcome", "no_answer").status == 1


def test_a_next_step_needs_its_moment(told: Story, capfd: Any) -> None:
    assert said(capfd, "done", "1", "--outcome", "reached", "--next-step", "call").status == 2
    assert said(capfd, "done", "99", "--outcome", "reached").status == 1


def test_a_suppressed_address_stays_so_until_it_is_removed(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    assert "never written to again" in said(capfd, "suppress", "add", "Ann@A.example", "new@b.example").out
    assert "already" in said(capfd, "suppress", "add", "ann@a.example").out
    listed = said(capfd, "suppress", "list", "--json").json
    assert {one["email"] for one in listed} == {"ann@a.example", "new@b.example"}
    assert said(capfd, "enrol", "ann@a.example", "nurture").status == 1
    assert said(capfd, "suppress", "remove", "ann@a.example").status == 0
    assert said(capfd, "suppress", "remove", "ann@a.example").status == 1
    assert said(capfd, "enrol", "ann@a.example", "nurture").status == 0


def test_enrol_says_which_sequences_there_are(told: Story, capfd: Any) -> None:
    told.bring_in("ann@a.example")
    said(capfd, "halt", "ann@a.example")
    answer = said(capfd, "enrol", "ann@a.example", "nurtur")
    assert answer.status == 1
    assert "nurture" in answer.err
    assert said(capfd, "enrol", "ann@a.example", "--sequence", "nurture").status == 0
    assert said(capfd, "enrol", "ann@a.example", "plan").status == 1


async def test_resolve_settles_a_doubt_and_the_sequence_goes_on(full: Story, capfd: Any) -> None:
    (doubt,) = said(capfd, "status", "--json").json["doubts"]
    touch = str(doubt["touch"])
    assert said(capfd, "resolve", touch, "perhaps").status == 2
    assert "is taken as sent" in said(capfd, "resolve", touch, "sent").out
    assert said(capfd, "status", "--json").json["in_doubt"] == 0
    assert enrolment(capfd, "doubt@e.example")["step"] == "call"
    assert said(capfd, "resolve", touch, "sent").status == 1


def test_release_lets_a_held_mailbox_send(told: Story, capfd: Any) -> None:
    assert said(capfd, "release", "julie").status == 1
    told.transact(lambda tx: mailboxes.hold(tx, "julie", "SPF is wrong", told.clock.now()))
    assert "SPF is wrong" in said(capfd, "status").out
    assert "sends again" in said(capfd, "release", "julie").out
    answer = said(capfd, "release", "juli")
    assert (answer.status, "did you mean" in answer.err) == (1, True)


def test_the_help_names_every_word_that_ends_a_sequence(capfd: Any) -> None:
    page = said(capfd, "done", "--help").out
    assert all(word in page for word in acts.CONVERSATION)


def test_somebody_new_is_enrolled_after_a_call(told: Story, capfd: Any) -> None:
    line = ("enrol", "New@me.example", "plan", "--first-name", "Zoë", "--company", "Me, Ltd", "--field", "country=DE")
    answer = said(capfd, *line)
    assert (answer.status, "new@me.example is enrolled in plan" in answer.out) == (0, True), answer.err
    shown = said(capfd, "show", "new@me.example", "--json").json
    assert (shown["fields"]["first_name"], shown["account"], shown["country"]) == ("Zoë", "Me, Ltd", "DE")
    assert [one["sequence"] for one in shown["enrolments"]] == ["plan"]
    again = said(capfd, *line)
    assert (again.status, "known already" in again.err) == (1, True)


def test_somebody_new_of_whom_nothing_is_told_is_refused_with_what_to_write(told: Story, capfd: Any) -> None:
    answer = said(capfd, "enrol", "new@me.example", "plan")
    assert answer.status == 1
    assert "cadenced enrol new@me.example plan --first-name" in answer.err


def test_somebody_new_whose_row_would_be_refused_is_refused(told: Story, capfd: Any) -> None:
    said(capfd, "suppress", "add", "no@me.example")
    assert "suppressed" in said(capfd, "enrol", "no@me.example", "plan", "--first-name", "No").err
    assert "=?" in said(capfd, "enrol", "odd@me.example", "plan", "--first-name", "=?x?=").err
    assert said(capfd, "enrol", "odd@me.example", "plan", "--field", "nonsense").status == 2
    assert said(capfd, "status", "--json").json["prospects"] == 0

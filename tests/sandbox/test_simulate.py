"""``simulate``: the product's own path on a virtual clock."""

from __future__ import annotations

import itertools
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import played
import pytest

from cadenced.core.pacing import Delay
from cadenced.errors import RefusedError
from cadenced.sandbox.script import Cue, Script
from cadenced.sandbox.simulation import Plan

PARIS = ZoneInfo("Europe/Paris")
UNTIL = played.MONDAY + timedelta(days=40)


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    return Plan("plan", UNTIL, played.write(tmp_path))


def scripted(plan: Plan, *cues: Cue) -> Plan:
    return replace(plan, script=Script(list(cues)))


def test_everybody_silent_gets_every_step_and_finishes(plan: Plan, tmp_path: Path) -> None:
    found = played.simulated(tmp_path, plan)
    for ending in found.endings:
        assert played.steps(found, ending.email) == ["one", "two", "three"]
        assert (ending.state, ending.outcome, ending.touches) == ("finished", "completed", 3)
    assert found.tasks == []


def test_the_same_input_gives_the_same_course(plan: Plan, tmp_path: Path) -> None:
    cue = Cue("ann@one.example", "reply.question", "two")
    first, second = (played.simulated(tmp_path, scripted(plan, cue)) for _ in range(2))
    assert first.course == second.course
    assert (first.endings, first.tasks, first.loads) == (second.endings, second.tasks, second.loads)


def test_mail_leaves_inside_the_window_with_the_gap_between(plan: Plan, tmp_path: Path) -> None:
    sent = [one.at for one in played.simulated(tmp_path, plan).course if one.event == "sent"]
    assert sent == sorted(sent)
    assert all(later - earlier >= timedelta(seconds=90) for earlier, later in itertools.pairwise(sent))
    for at in sent:
        local = at.astimezone(PARIS)
        assert local.weekday() < 5
        assert (8, 30) <= (local.hour, local.minute) < (17, 30)


def test_the_daily_limit_holds_and_nobody_is_forgotten(tmp_path: Path) -> None:
    people = "email,first_name,and_more\n" + "".join(f"p{n}@c{n}.example,Ann{n}, {n}\n" for n in range(8))
    found = played.simulated(tmp_path, Plan("plan", UNTIL, played.write(tmp_path, people=people)))
    assert all(load.sent <= 3 and load.limit == 3 for load in found.loads)
    assert found.sent == 24
    assert {ending.state for ending in found.endings} == {"finished"}


def test_a_scripted_reply_stops(plan: Plan, tmp_path: Path) -> None:
    cue = Cue("ann@one.example", "reply.interested", "one", Delay(1, "days"), "Yes, Thursday at 10 is fine.")
    found = played.simulated(tmp_path, scripted(plan, cue))
    assert played.told(found, "ann@one.example")[-3:] == ["replied", "halted", "task_opened"]
    assert played.steps(found, "ann@one.example") == ["one"]
    assert played.steps(found, "bob@two.example") == ["one", "two", "three"]
    assert [task.email for task in found.tasks] == ["ann@one.example"]


def test_somebody_away_is_written_to_again_after_the_return(plan: Plan, tmp_path: Path) -> None:
    cue = Cue("ann@one.example", "auto.out_of_office", "one", Delay(1, "min"), until=Delay(14, "days"))
    found = played.simulated(tmp_path, scripted(plan, cue))
    mine = [one for one in found.course if one.email == "ann@one.example"]
    assert [str(one.data.get("step") or one.event) for one in mine][2:7] == [
        "one",
        "auto_replied",
        "paused",
        "resumed",
        "two",
    ]
    first, second = (one.at for one in mine if one.data.get("step") in {"one", "two"} and one.event == "sent")
    assert second - first > timedelta(days=14)
    assert played.steps(found, "ann@one.example") == ["one", "two", "three"]


def test_a_bounce_and_an_opt_out_silence_for_good(plan: Plan, tmp_path: Path) -> None:
    gone = Cue("ann@one.example", "bounce.hard", "one")
    leaves = Cue("bob@two.example", "reply.unsubscribe", "one")
    found = played.simulated(tmp_path, scripted(plan, gone, leaves))
    assert played.steps(found, "ann@one.example") == played.steps(found, "bob@two.example") == ["one"]
    assert {ending.outcome for ending in found.endings[:2]} == {"bounce.hard", "reply.unsubscribe"}


def test_a_reply_from_another_address_counts(plan: Plan, tmp_path: Path) -> None:
    cue = Cue("ann@one.example", "reply.question", "one", sender="office@one.example")
    assert played.steps(played.simulated(tmp_path, scripted(plan, cue)), "ann@one.example") == ["one"]


def test_tasks_that_nobody_does_hold_their_enrolment(plan: Plan, tmp_path: Path) -> None:
    found = played.simulated(tmp_path, replace(plan, does_tasks=False))
    assert {ending.state for ending in found.endings} == {"awaiting_task"}
    assert [task.kind for task in found.tasks] == ["call"] * 3


def test_nothing_on_disk_is_touched(plan: Plan, tmp_path: Path) -> None:
    def standing() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in tmp_path.rglob("*")}

    before = standing()
    played.simulated(tmp_path, plan)
    assert standing() == before


def test_a_file_that_is_no_list_is_refused(tmp_path: Path) -> None:
    table = played.write(tmp_path, people="name\nAnn\n")
    with pytest.raises(RefusedError):
        played.simulated(tmp_path, Plan("plan", UNTIL, table))

"""The laws of the lifecycle, one cell of the table after the other."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from plans import MONDAY, PLAN, enrolled

from cadenced.core import events, lifecycle
from cadenced.core.model import VERDICTS, State
from cadenced.core.pacing import ALWAYS, Delay, Window
from cadenced.core.sequence import (
    AccountScope,
    Ask,
    Continue,
    EmailStep,
    Goto,
    Move,
    Pause,
    Sequence,
    Snooze,
    Suppress,
)
from cadenced.errors import IllegalEventError

LATER = MONDAY + timedelta(hours=1)


def plan(**changes: Any) -> Sequence:
    """Return the plan with other settings."""
    return replace(PLAN, **changes)


def test_a_new_enrolment_stands_before_its_first_step() -> None:
    begun = enrolled()
    assert (begun.state, begun.step, begun.due_at) == (State.ACTIVE, "hello", MONDAY)


def test_a_sent_touch_leads_to_the_next_step_counted_from_when_it_was_sent() -> None:
    late = MONDAY + timedelta(days=1)
    after = lifecycle.apply(enrolled(), events.Sent(late, "hello"), PLAN)
    assert after.step == "question"
    assert after.due_at == datetime(2026, 3, 9, 9, tzinfo=UTC)  # four business days after Tuesday
    assert after.anchor == late


def test_a_wait_step_adds_to_the_delay_of_what_follows() -> None:
    at_call = enrolled(step="call", done=("hello", "question"), state=State.AWAITING_TASK)
    after = lifecycle.apply(at_call, events.TaskDone(LATER, "call", "no_answer"), PLAN)
    assert (after.step, after.state) == ("last", State.ACTIVE)
    assert after.due_at == LATER + timedelta(days=10)


def test_after_the_last_step_nothing_is_left_but_the_end() -> None:
    at_last = enrolled(step="last", done=("hello", "question", "call", "wait"))
    after = lifecycle.apply(at_last, events.Sent(LATER, "last"), PLAN)
    assert (after.state, after.step, after.due_at) == (State.ACTIVE, "", LATER)


@pytest.mark.parametrize("verdict", [v for v in VERDICTS if v.startswith("reply.")])
def test_a_human_reply_halts_where_the_sequence_says_nothing(verdict: str) -> None:
    after = lifecycle.apply(enrolled(), events.Answered(LATER, verdict), PLAN)
    assert (after.state, after.outcome, after.due_at) == (State.HALTED, verdict, None)


@pytest.mark.parametrize("state", [State.PAUSED, State.AWAITING_TASK])
def test_a_reply_halts_even_a_parked_enrolment(state: State) -> None:
    parked = enrolled(state=state, due_at=MONDAY + timedelta(days=9))
    assert lifecycle.apply(parked, events.Answered(LATER, "reply.question"), PLAN).state is State.HALTED


def test_out_of_office_pauses_until_the_first_business_day_after_the_return() -> None:
    back = date(2026, 3, 13)  # a Friday
    after = lifecycle.apply(enrolled(), events.Answered(LATER, "auto.out_of_office", back), PLAN)
    assert after.state is State.PAUSED
    assert after.due_at is not None
    assert after.due_at.date() == date(2026, 3, 16)  # Monday


def test_out_of_office_without_a_date_pauses_for_five_business_days() -> None:
    after = lifecycle.apply(enrolled(), events.Answered(LATER, "auto.out_of_office"), PLAN)
    assert after.due_at is not None
    assert after.due_at.date() == date(2026, 3, 9)


def test_a_return_in_the_past_is_no_date() -> None:
    stale = events.Answered(LATER, "auto.out_of_office", date(2025, 8, 1))
    after = lifecycle.apply(enrolled(), stale, PLAN)
    assert after.due_at is not None
    assert after.due_at > LATER


def test_a_prospect_who_comes_back_is_not_written_to_before_the_step_would_have_been_due() -> None:
    sent = lifecycle.apply(enrolled(), events.Sent(MONDAY, "hello"), PLAN)
    away = lifecycle.apply(sent, events.Answered(LATER, "auto.out_of_office", date(2026, 3, 3)), PLAN)
    assert away.due_at is not None
    woken = lifecycle.apply(away, events.Resumed(away.due_at), PLAN)
    assert woken.due_at == sent.due_at


def test_snooze_waits_for_the_day_that_was_read_and_then_goes_where_it_is_told() -> None:
    sequence = plan(on={"reply.not_now": Snooze(then="nurture")})
    after = lifecycle.apply(enrolled(), events.Answered(LATER, "reply.not_now", date(2026, 6, 1)), sequence)
    assert (after.state, after.then) == (State.PAUSED, "nurture")
    assert after.due_at is not None
    assert after.due_at.date() == date(2026, 6, 1)
    assert lifecycle.wake(after, after.due_at) == events.Completed(after.due_at, "moved to nurture")


def test_goto_leads_to_the_step_it_names() -> None:
    sequence = plan(on={"reply.question": Goto("last")})
    after = lifecycle.apply(enrolled(), events.Answered(LATER, "reply.question"), sequence)
    assert (after.state, after.step) == (State.ACTIVE, "last")


def test_move_ends_here_and_names_what_follows() -> None:
    sequence = plan(on={"reply.interested": Move("proposal")})
    after = lifecycle.apply(enrolled(), events.Answered(LATER, "reply.interested"), sequence)
    assert (after.state, after.then) == (State.FINISHED, "proposal")


def test_ask_holds_behind_a_task_with_a_date() -> None:
    sequence = plan(on={"reply.objection": Ask("Answer it.")})
    after = lifecycle.apply(enrolled(), events.Answered(LATER, "reply.objection"), sequence)
    assert after.state is State.AWAITING_TASK
    assert after.due_at is not None


def test_continue_changes_nothing() -> None:
    sequence = plan(on={"auto.acknowledgement": Continue()})
    before = enrolled()
    assert lifecycle.apply(before, events.Answered(LATER, "auto.acknowledgement"), sequence) == before


@pytest.mark.parametrize("verdict", ["reply.unsubscribe", "complaint", "bounce.hard"])
def test_no_sequence_can_overrule_an_opt_out_a_complaint_or_a_dead_address(verdict: str) -> None:
    sequence = plan(on={"reply": Continue(), verdict: Continue(), "bounce": Pause()})
    assert isinstance(sequence.reaction(verdict), Suppress)
    assert lifecycle.apply(enrolled(), events.Answered(LATER, verdict), sequence).state is State.HALTED


def test_the_most_specific_key_wins_and_the_own_before_the_default() -> None:
    sequence = plan(on={"reply": Pause(), "reply.question": Continue()})
    assert sequence.reaction("reply.question") == Continue()
    assert sequence.reaction("reply.objection") == Pause()
    assert isinstance(plan(on={"auto": Goto("last")}).reaction("auto.out_of_office"), Pause)


def test_the_third_soft_bounce_asks_a_human() -> None:
    standing = enrolled()
    for _ in range(2):
        standing = lifecycle.apply(standing, events.Answered(LATER, "bounce.soft"), PLAN)
        assert standing.state is State.ACTIVE
    assert lifecycle.apply(standing, events.Answered(LATER, "bounce.soft"), PLAN).state is State.HALTED


@pytest.mark.parametrize(
    ("scope", "state"),
    [
        (AccountScope.HALT, State.HALTED),
        (AccountScope.HOLD, State.AWAITING_TASK),
        (AccountScope.IGNORE, State.ACTIVE),
    ],
)
def test_a_colleagues_answer_does_what_the_account_scope_says(scope: AccountScope, state: State) -> None:
    event = events.ColleagueAnswered(LATER, "Ann", "reply.question")
    assert lifecycle.apply(enrolled(), event, plan(account_scope=scope)).state is state


def test_a_touch_that_an_answer_overtook_is_kept_as_a_fact_and_moves_nothing() -> None:
    halted = lifecycle.apply(enrolled(), events.Answered(LATER, "reply.question"), PLAN)
    after = lifecycle.apply(halted, events.Sent(LATER, "hello"), PLAN)
    assert after.state is State.HALTED
    assert after.done == ("hello",)
    assert after.due_at is None


def test_what_follows_a_touch_that_crossed_an_answer_keeps_its_distance_from_it() -> None:
    halted = lifecycle.apply(enrolled(), events.Answered(LATER, "reply.question"), PLAN)
    crossed = lifecycle.apply(halted, events.Sent(LATER, "hello"), PLAN)
    resumed = lifecycle.apply(crossed, events.Resumed(LATER), PLAN)
    assert (resumed.step, resumed.due_at) == ("question", LATER + timedelta(days=4))


def test_a_touch_that_crossed_an_absence_leaves_the_pause_standing() -> None:
    away = lifecycle.apply(enrolled(), events.Answered(LATER, "auto.out_of_office", date(2026, 3, 20)), PLAN)
    after = lifecycle.apply(away, events.Sent(LATER, "hello"), PLAN)
    assert (after.state, after.due_at, after.step) == (State.PAUSED, away.due_at, "question")


def test_a_later_opt_out_is_noted_even_when_all_is_over() -> None:
    halted = lifecycle.apply(enrolled(), events.Answered(LATER, "reply.question"), PLAN)
    assert lifecycle.apply(halted, events.Answered(LATER, "reply.unsubscribe"), PLAN).outcome == "reply.unsubscribe"


@pytest.mark.parametrize(("how", "step"), [("sent", "question"), ("skip", "question"), ("resend", "hello")])
def test_a_settled_doubt_goes_on_or_back_to_the_same_step(how: str, step: str) -> None:
    doubtful = lifecycle.apply(enrolled(), events.DoubtRaised(LATER, "hello", "no answer"), PLAN)
    assert doubtful.state is State.AWAITING_TASK
    after = lifecycle.apply(doubtful, events.DoubtSettled(LATER, "hello", how), PLAN)
    assert (after.state, after.step) == (State.ACTIVE, step)


def test_an_inserted_step_is_not_made_up_for_and_a_removed_one_re_enables_nothing() -> None:
    sent = lifecycle.apply(enrolled(), events.Sent(LATER, "hello"), PLAN)
    inserted = plan(steps=(EmailStep("zero", template="zero"), *PLAN.steps))
    assert lifecycle.apply(sent, events.Sent(LATER, "question"), inserted).step == "call"
    shorter = plan(steps=PLAN.steps[2:])
    assert lifecycle.apply(sent, events.Sent(LATER, "question"), shorter).step == "call"


def test_a_step_for_the_primary_passes_the_others_by() -> None:
    steps = (EmailStep("courtesy", template="a", to="primary"), EmailStep("intro", template="b", to="others"))
    sequence = Sequence("committee", steps, window=ALWAYS)
    assert enrolled(sequence, role="primary").step == "courtesy"
    assert enrolled(sequence).step == "intro"


def test_a_step_is_due_inside_the_window_of_the_prospects_zone() -> None:
    sequence = Sequence("s", (EmailStep("a", Delay(0), template="a"),), window=Window())
    saturday = datetime(2026, 3, 7, 12, tzinfo=UTC)
    assert enrolled(sequence, saturday).due_at == datetime(2026, 3, 9, 7, 30, tzinfo=UTC)  # 08:30 in Paris


def test_what_the_table_has_no_cell_for_is_illegal() -> None:
    finished = enrolled(state=State.FINISHED, due_at=None)
    with pytest.raises(IllegalEventError, match="finished"):
        lifecycle.apply(finished, events.Paused(LATER, LATER, "x"), PLAN)


def test_only_the_end_has_no_date() -> None:
    for state, cells in lifecycle.TRANSITIONS.items():
        assert cells, state

"""The ladder of guards: which speaks first, and that nothing is sent past it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from plans import MONDAY, PLAN, enrolled

from cadenced.core import planner
from cadenced.core.model import State
from cadenced.core.pacing import Window
from cadenced.core.planner import Away, Finish, Given, OpenTask, Quota, Send, Skip, Wait

READY = Given(now=MONDAY, inbox_synced_at=MONDAY)


def test_what_is_due_and_free_is_sent() -> None:
    assert planner.next_action(enrolled(), PLAN, READY) == Send(PLAN.steps[0])


def test_a_suppressed_prospect_is_finished_with() -> None:
    assert planner.next_action(enrolled(), PLAN, replace(READY, suppressed=True)) == Finish("suppressed")


def test_a_doubt_is_settled_before_anything_else_is_sent() -> None:
    action = planner.next_action(enrolled(), PLAN, replace(READY, doubt=True))
    assert isinstance(action, Wait)
    assert "may or may not" in action.reason


def test_nothing_is_sent_while_the_inbox_is_unread() -> None:
    action = planner.next_action(enrolled(), PLAN, Given(now=MONDAY))
    assert isinstance(action, Wait)
    assert "inbox" in action.reason


def test_a_held_mailbox_sends_nothing_but_still_opens_tasks() -> None:
    held = replace(READY, hold="refused by policy")
    assert isinstance(planner.next_action(enrolled(), PLAN, held), Wait)
    at_call = enrolled(step="call")
    assert planner.next_action(at_call, PLAN, held) == OpenTask(PLAN.steps[2], "Call twice.")


def test_a_shut_window_is_waited_for() -> None:
    sequence = replace(PLAN, window=Window())
    night = datetime(2026, 3, 2, 22, tzinfo=UTC)
    action = planner.next_action(enrolled(), sequence, Given(now=night, inbox_synced_at=night))
    assert action == Wait(datetime(2026, 3, 3, 7, 30, tzinfo=UTC), "outside the sending window")


def test_an_exhausted_quota_is_waited_for() -> None:
    tomorrow = MONDAY + timedelta(days=1)
    action = planner.next_action(enrolled(), PLAN, replace(READY, quota=Quota(tomorrow, "daily limit")))
    assert action == Wait(tomorrow, "daily limit")


def test_what_is_not_due_waits_until_it_is() -> None:
    later = MONDAY + timedelta(days=2)
    action = planner.next_action(enrolled(due_at=later), PLAN, READY)
    assert isinstance(action, Wait)
    assert action.until == later


def test_a_parked_enrolment_waits_for_its_wake_date() -> None:
    later = MONDAY + timedelta(days=2)
    for state in (State.PAUSED, State.AWAITING_TASK):
        action = planner.next_action(enrolled(state=state, due_at=later, reason="away"), PLAN, READY)
        assert isinstance(action, Wait)
        assert action.until == later
        assert "away" in action.reason


def test_a_paused_enrolment_is_never_sent_from_even_when_its_date_has_come() -> None:
    action = planner.next_action(enrolled(state=State.PAUSED, due_at=MONDAY), PLAN, READY)
    assert isinstance(action, Wait)


def test_a_snooze_that_is_over_moves_to_the_sequence_it_names() -> None:
    snoozed = enrolled(state=State.PAUSED, due_at=MONDAY, then="nurture")
    assert planner.next_action(snoozed, PLAN, READY) == Finish("moved to nurture", "nurture")


def test_after_the_last_step_the_next_sequence_follows() -> None:
    over = enrolled(step="", due_at=MONDAY)
    assert planner.next_action(over, PLAN, READY) == Finish("moved to nurture", "nurture")
    assert planner.next_action(over, replace(PLAN, then=""), READY) == Finish("completed")


def test_a_step_that_was_deleted_comes_to_a_human() -> None:
    action = planner.next_action(enrolled(step="gone"), PLAN, READY)
    assert isinstance(action, OpenTask)
    assert action.step is None


def test_the_primary_is_told_before_the_others_are_written_to() -> None:
    sequence = replace(PLAN, primary_first=True)
    other = enrolled(sequence)
    assert isinstance(planner.next_action(other, sequence, replace(READY, primary_told=False)), Wait)
    assert isinstance(planner.next_action(other, sequence, replace(READY, primary_told=None)), OpenTask)
    assert isinstance(planner.next_action(other, sequence, READY), Send)
    primary = enrolled(sequence, role="primary")
    assert isinstance(planner.next_action(primary, sequence, replace(READY, primary_told=False)), Send)


WEEK = timedelta(days=7)


def _away(days: float) -> Given:
    """Nothing ran from the moment at which the enrolment fell due."""
    until = MONDAY + timedelta(days=days)
    return Given(now=until, inbox_synced_at=until, away=Away(MONDAY - timedelta(days=1), until))


def test_a_follow_up_that_is_late_by_more_than_a_week_is_asked_about() -> None:
    action = planner.next_action(enrolled(done=("before",)), PLAN, _away(8))
    assert isinstance(action, OpenTask)
    assert action.step is None
    assert "due on 2026-03-02, and nothing ran until 2026-03-10" in action.why


def test_a_follow_up_that_is_late_by_less_is_sent() -> None:
    assert isinstance(planner.next_action(enrolled(done=("before",)), PLAN, _away(6.9)), Send)


def test_what_has_waited_for_its_turn_is_not_late() -> None:
    queued = enrolled(done=("before",), due_at=MONDAY - timedelta(days=60))
    assert isinstance(planner.next_action(queued, PLAN, _away(3)), Send)
    assert isinstance(planner.next_action(queued, PLAN, replace(_away(3), away=None)), Send)


def test_what_fell_due_after_the_return_is_not_late() -> None:
    since_then = replace(_away(8), now=MONDAY + timedelta(days=40))
    assert isinstance(planner.next_action(enrolled(done=("x",), due_at=MONDAY + WEEK), PLAN, since_then), Send)


def test_a_first_mail_is_sent_however_late() -> None:
    assert isinstance(planner.next_action(enrolled(), PLAN, _away(300)), Send)


def test_a_step_says_what_becomes_of_it_when_it_is_late() -> None:
    for late, wanted in (("send", Send), ("skip", Skip), ("hold", OpenTask)):
        steps = (replace(PLAN.steps[0], late=late), *PLAN.steps[1:])
        action = planner.next_action(enrolled(done=("before",)), replace(PLAN, steps=steps), _away(8))
        assert isinstance(action, wanted), late


def test_a_task_is_never_too_late() -> None:
    at_call = enrolled(step="call", done=("hello",))
    assert planner.next_action(at_call, PLAN, _away(30)) == OpenTask(PLAN.steps[2], "Call twice.")

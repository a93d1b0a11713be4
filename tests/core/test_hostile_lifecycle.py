"""What no order of events may bring about: a promise broken, a step that comes again, a prospect lost."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from plans import MONDAY, PLAN, enrolled

from cadenced.core import events, lifecycle, planner
from cadenced.core.model import Enrolment, State
from cadenced.core.pacing import ALWAYS
from cadenced.core.sequence import AccountScope, Ask, EmailStep, Goto, Sequence, Snooze

LATER = MONDAY + timedelta(hours=1)
MARCH = date(2026, 3, 30)


def snoozed() -> Enrolment:
    """Return somebody who said "not before 30 March", to be taken up in another sequence then."""
    plan = replace(PLAN, on={"reply.not_now": Snooze(then="nurture")})
    return lifecycle.apply(enrolled(), events.Answered(LATER, "reply.not_now", MARCH), plan)


def test_an_absence_never_shortens_what_the_prospect_asked_for() -> None:
    before = snoozed()
    after = lifecycle.apply(before, events.Answered(LATER, "auto.out_of_office", date(2026, 3, 6)), PLAN)
    assert (after.state, after.due_at, after.then) == (State.PAUSED, before.due_at, "nurture")


def test_an_absence_that_is_longer_than_a_pause_prolongs_it() -> None:
    before = snoozed()
    after = lifecycle.apply(before, events.Answered(LATER, "auto.out_of_office", date(2026, 4, 20)), PLAN)
    assert after.then == "nurture"
    assert after.due_at is not None
    assert after.due_at.date() == date(2026, 4, 21)


def test_an_absence_never_shortens_a_pause_made_by_hand() -> None:
    until = MONDAY + timedelta(days=60)
    paused = lifecycle.apply(enrolled(), events.Paused(LATER, until, "by hand"), PLAN)
    after = lifecycle.apply(paused, events.Answered(LATER, "auto.out_of_office", date(2026, 3, 6)), PLAN)
    assert (after.due_at, after.reason) == (until, "by hand")


def test_a_longer_pause_by_hand_keeps_where_a_snooze_leads() -> None:
    until = MONDAY + timedelta(days=90)
    after = lifecycle.apply(snoozed(), events.Paused(LATER, until, "by hand"), PLAN)
    assert (after.due_at, after.then) == (until, "nurture")


def test_a_colleagues_answer_leaves_a_pause_standing() -> None:
    before = snoozed()
    hold = replace(PLAN, account_scope=AccountScope.HOLD)
    after = lifecycle.apply(before, events.ColleagueAnswered(LATER, "Bob", "reply.interested"), hold)
    assert after == before


def test_a_task_done_during_a_pause_ends_it_only_where_a_conversation_runs() -> None:
    before = snoozed()
    assert lifecycle.apply(before, events.TaskDone(LATER, "", "no_answer"), PLAN) == before
    assert lifecycle.apply(before, events.TaskDone(LATER, "", "won", over=True), PLAN).state is State.HALTED


def renamed(*names: str) -> Sequence:
    """Return a plan of mails with these ids."""
    return Sequence("plan", tuple(EmailStep(name, template=name) for name in names), window=ALWAYS)


def test_a_renamed_step_that_was_sent_is_not_sent_again_after_a_pause() -> None:
    plan = renamed("one", "two", "three")
    at_two = lifecycle.apply(enrolled(plan), events.Sent(LATER, "one"), plan)
    paused = lifecycle.apply(at_two, events.Paused(LATER, LATER, ""), plan)
    after = lifecycle.apply(paused, events.Resumed(LATER), renamed("uno", "two", "three"))
    assert after.step == "two"


def test_a_step_put_before_the_one_that_is_next_does_not_come_first_after_a_pause() -> None:
    plan = renamed("one", "two", "three")
    at_three = enrolled(plan, step="three", done=("one", "two"), state=State.PAUSED)
    assert lifecycle.apply(at_three, events.Resumed(LATER), renamed("one", "dos", "three")).step == "three"


def test_whoever_wakes_when_the_sequence_is_gone_comes_to_a_human() -> None:
    gone = Sequence("plan", ())
    paused = enrolled(state=State.PAUSED, step="question", done=("hello",))
    woken = lifecycle.apply(paused, events.Resumed(LATER), gone)
    assert woken.step == "question"
    assert isinstance(planner.next_action(woken, gone, planner.Given(LATER)), planner.OpenTask)


def test_whoever_was_just_written_to_when_the_sequence_is_gone_comes_to_a_human() -> None:
    gone = Sequence("plan", ())
    sent = lifecycle.apply(enrolled(), events.Sent(LATER, "hello"), gone)
    assert sent.done == ("hello",)
    assert isinstance(planner.next_action(sent, gone, planner.Given(LATER)), planner.OpenTask)
    back = lifecycle.apply(replace(sent, state=State.AWAITING_TASK), events.TaskDone(LATER, "", "put back"), PLAN)
    assert back.step == "question"


def test_an_answer_that_leads_to_a_step_that_is_gone_is_put_before_a_human() -> None:
    plan = replace(PLAN, on={"reply": Goto("nowhere")})
    answer = events.Answered(LATER, "reply.question")
    assert isinstance(lifecycle.reaction_to(enrolled(), answer, plan), Ask)
    assert lifecycle.apply(enrolled(), answer, plan).state is State.AWAITING_TASK

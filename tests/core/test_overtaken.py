"""What a plan owes to facts that come to light after it has gone on."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from plans import MONDAY, PLAN, enrolled

from cadenced.core import events, lifecycle
from cadenced.core.model import State

LATER = MONDAY + timedelta(hours=1)


def test_a_doubt_about_a_skipped_step_that_was_sent_lets_the_next_step_keep_its_distance() -> None:
    waiting = enrolled(
        step="question",
        done=("hello",),
        state=State.AWAITING_TASK,
        anchor=MONDAY,
        due_at=MONDAY + timedelta(days=1),  # the morning on which the human is asked
    )
    after = lifecycle.apply(waiting, events.DoubtSettled(LATER, "hello", "sent"), PLAN)
    plainly = lifecycle.apply(enrolled(), events.Sent(LATER, "hello"), PLAN)
    assert (after.state, after.step, after.due_at) == (State.ACTIVE, "question", plainly.due_at)


@pytest.mark.parametrize("state", [State.PAUSED, State.AWAITING_TASK, State.HALTED])
def test_a_mail_by_hand_keeps_what_is_taken_up_later_at_its_distance(state: State) -> None:
    parked = replace(enrolled(step="question", done=("hello",), anchor=MONDAY), state=state, due_at=LATER)
    written = MONDAY + timedelta(days=3)
    after = lifecycle.apply(parked, events.WrittenByHand(written), PLAN)
    assert (after.state, after.due_at) == (state, LATER)
    resumed = lifecycle.apply(after, events.Resumed(written + timedelta(hours=1)), PLAN)
    distant = lifecycle.apply(enrolled(), events.Sent(written, "hello"), PLAN)
    assert resumed.due_at == distant.due_at


@pytest.mark.parametrize("state", [State.PAUSED, State.HALTED])
@pytest.mark.parametrize("how", ["sent", "skip"])
def test_a_doubt_that_is_settled_while_all_rests_keeps_what_is_taken_up_later_at_its_distance(
    state: State, how: str
) -> None:
    resting = replace(enrolled(step="hello", anchor=MONDAY - timedelta(days=9)), state=state, due_at=LATER)
    after = lifecycle.apply(resting, events.DoubtSettled(LATER, "hello", how), PLAN)
    assert (after.state, after.due_at) == (state, LATER)
    edited = replace(PLAN, steps=PLAN.steps[1:])  # the step that was in doubt has left the plan meanwhile
    resumed = lifecycle.apply(after, events.Resumed(LATER + timedelta(hours=1)), edited)
    distant = lifecycle.apply(enrolled(), events.Sent(LATER, "hello"), PLAN)
    assert (resumed.step, resumed.due_at) == (distant.step, distant.due_at)


def test_a_doubt_that_is_settled_by_sending_again_leaves_what_rests_where_it_is() -> None:
    resting = replace(enrolled(step="hello", anchor=MONDAY), state=State.PAUSED, due_at=LATER)
    assert lifecycle.apply(resting, events.DoubtSettled(LATER, "hello", "resend"), PLAN) == resting

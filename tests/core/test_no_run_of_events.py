"""What holds after *any* run of events: nothing after an answer, and always exactly one next action."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from plans import MONDAY, PLAN, enrolled

from cadenced.core import events, lifecycle, planner
from cadenced.core.model import LIVE, VERDICTS, Enrolment, State
from cadenced.core.planner import Finish, Given, OpenTask, Send, Wait
from cadenced.errors import IllegalEventError

HUMAN = [verdict for verdict in VERDICTS if verdict.startswith("reply.")]
STOPS = [*HUMAN, "complaint", "bounce.hard", "invite.accepted"]
BY_HAND = (events.Resumed,)

moments = st.integers(0, 10**7).map(lambda s: MONDAY + timedelta(seconds=s))
steps = st.sampled_from([step.id for step in PLAN.steps] + ["gone"])
days = st.none() | st.dates(date(2025, 1, 1), date(2027, 12, 31))
texts = st.sampled_from(["", "because"])

anything = st.one_of(
    st.builds(events.Sent, moments, steps),
    st.builds(events.Postponed, moments, moments, texts),
    st.builds(events.Answered, moments, st.sampled_from(VERDICTS), days),
    st.builds(events.ColleagueAnswered, moments, texts, st.sampled_from(HUMAN)),
    st.builds(events.TaskOpened, moments, steps, moments, texts),
    st.builds(events.TaskDone, moments, steps, texts, st.booleans()),
    st.builds(events.DoubtRaised, moments, steps, texts),
    st.builds(events.DoubtSettled, moments, steps, st.sampled_from(["sent", "resend", "skip"])),
    st.builds(events.Skipped, moments, steps),
    st.builds(events.Paused, moments, moments, texts),
    st.builds(events.Resumed, moments),
    st.builds(events.Halted, moments, texts, texts),
    st.builds(events.Completed, moments, texts),
)
givens = st.builds(
    Given,
    now=st.integers(0, 5 * 10**7).map(lambda s: MONDAY + timedelta(seconds=s)),
    inbox_synced_at=st.just(datetime(2026, 3, 2, tzinfo=UTC)),
    suppressed=st.booleans(),
    doubt=st.booleans(),
)


def run(enrolment: Enrolment, run_of_events: list[events.Event]) -> Enrolment:
    """Apply what the table allows of a run of events."""
    for event in run_of_events:
        try:
            enrolment = lifecycle.apply(enrolment, event, PLAN)
        except IllegalEventError:
            continue
    return enrolment


@settings(max_examples=400, deadline=None)
@given(st.lists(anything, max_size=8), st.sampled_from(STOPS), st.lists(anything, max_size=8), givens)
def test_after_an_answer_no_run_of_events_leads_to_send(
    before: list[events.Event], verdict: str, after: list[events.Event], world: Given
) -> None:
    answered = lifecycle.apply(run(enrolled(), before), events.Answered(MONDAY, verdict), PLAN)
    unprompted = [event for event in after if not isinstance(event, BY_HAND)]
    action = planner.next_action(run(answered, unprompted), PLAN, world)
    assert not isinstance(action, Send | OpenTask)


@settings(max_examples=400, deadline=None)
@given(st.lists(anything, max_size=12), givens)
def test_never_two_next_actions_never_none(run_of_events: list[events.Event], world: Given) -> None:
    standing = run(enrolled(), run_of_events)
    assert (standing.due_at is not None) == (standing.state in LIVE)
    action = planner.next_action(standing, PLAN, world)
    assert isinstance(action, Send | OpenTask | Wait | Finish)
    if isinstance(action, Send):
        assert standing.state is State.ACTIVE
        assert action.step.id == standing.step
        assert standing.step not in standing.done


@settings(max_examples=200, deadline=None)
@given(st.lists(anything, max_size=12))
def test_a_step_that_was_done_never_comes_again_unless_a_sequence_says_goto(run_of_events: list[events.Event]) -> None:
    standing = run(enrolled(), run_of_events)
    assert not standing.live or standing.step not in standing.done

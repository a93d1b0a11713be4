"""A sequence's file: what every key means, and what is said of a wrong one."""

import contextlib
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cadenced.config.forms import FormError
from cadenced.core.pacing import ALWAYS, Delay, Window
from cadenced.core.sequence import (
    DEFAULT_REACTIONS,
    AccountScope,
    Ask,
    Continue,
    EmailStep,
    Goto,
    Halt,
    InviteStep,
    Move,
    Pause,
    Snooze,
    Suppress,
    TaskStep,
    WaitStep,
)
from cadenced.library import reactions, sequences
from cadenced.library.folder import Source

WHOLE = """
title: After the proposal
stage: proposal
language: en
window: always
account_scope: halt
primary_first: true
steps:
  - email: recap
    after: 0
    purpose: recap what was agreed
  - email: question
    after: 4 business days
    thread: new
    to: primary
  - task: call
    after: 1 business day
    hours: "09:00-10:30"
    brief: |
      Call twice.
      Then leave a message.
  - invite: 45 min
    template: slot
    at: meeting_at
  - wait: 10 days
  - task: call
  - task: Send a postcard
    id: card
then: nurture
on:
  reply: halt
  reply.not_now: snooze
"""


def read(text, default=Window()):
    source = Source("s", "s.yaml", None, text, "v1")
    found, report = sequences.read(source, default)
    return found, [str(problem) for problem in report.problems]


def good(text, default=Window()):
    found, problems = read(text, default)
    assert problems == []
    return found


def with_on(line):
    return good(f"steps: [{{email: a}}, {{task: call}}]\non:\n  {line}\n").on


def test_every_key_is_read():
    found = good(WHOLE)

    assert (found.name, found.title, found.stage, found.language) == ("s", "After the proposal", "proposal", "en")
    assert (found.window, found.then, found.version) == (ALWAYS, "nurture", "v1")
    assert (found.account_scope, found.primary_first) == (AccountScope.HALT, True)


def test_every_kind_of_step_is_read():
    recap, question, call, slot, wait, again, card = good(WHOLE).steps

    assert recap == EmailStep("recap", purpose="recap what was agreed", line=9, template="recap", new_thread=True)
    assert question == EmailStep(
        "question", Delay(4, "business days"), to="primary", line=12, template="question", new_thread=True
    )
    assert isinstance(call, TaskStep)
    assert (call.hours, call.brief) == ((time(9), time(10, 30)), "Call twice.\nThen leave a message.")
    assert slot == InviteStep("slot", line=22, template="slot", minutes=45, at="meeting_at")
    assert wait == WaitStep("wait", line=25, span=Delay(10, "days"))
    assert (again.id, card.id) == ("call-2", "card")


def test_the_first_mail_begins_a_thread_and_the_others_continue_it():
    steps = good("steps: [{task: call}, {email: a}, {email: b}, {invite: 30 min, template: c}]").steps

    assert [getattr(step, "new_thread", None) for step in steps] == [None, True, False, False]


def test_the_first_mail_may_go_on_with_the_thread_before_this_sequence():
    assert good("steps: [{email: a, thread: continue}]").steps[0].new_thread is False


def test_steps_of_one_name_are_numbered_around_the_ids_that_are_given():
    steps = good("steps: [{task: call}, {task: Call!}, {task: sms, id: call-2}, {wait: 1 h}, {wait: 1 h}]").steps

    assert [step.id for step in steps] == ["call", "call-3", "call-2", "wait", "wait-2"]


def test_what_a_window_does_not_say_is_as_in_the_workspace():
    default = Window(frozenset({0}), time(6), time(7), "Asia/Tokyo", holidays=False)
    found = good('window: {hours: "09:00-12:00"}\nsteps: [{task: x}]', default).window

    assert found == Window(frozenset({0}), time(9), time(12), "Asia/Tokyo", holidays=False)


def test_without_a_window_the_workspaces_holds():
    assert good("steps: [{task: x}]", ALWAYS).window is ALWAYS


def test_words_that_yaml_takes_for_something_else_stay_words():
    found = good("language: no\ntitle: 2024\nstage: on\nthen: none\nsteps: [{email: a, id: 12, purpose: yes}]")

    assert (found.language, found.title, found.stage, found.then) == ("no", "2024", "on", "")
    assert (found.steps[0].id, found.steps[0].purpose) == ("12", "yes")


def test_a_key_with_nothing_behind_it_counts_as_missing():
    assert good("title:\nthen:\non:\nsteps: [{task: x, purpose: }]").then == ""


@pytest.mark.parametrize(
    ("line", "verdict", "reaction"),
    [
        ("reply: halt", "reply", Halt("Answer the reply.")),
        ("reply.question: halt", "reply.question", Halt("Answer the reply.")),
        ("reply: {halt: Ring back.}", "reply", Halt("Ring back.")),
        ("unrelated: halt", "unrelated", Halt()),
        ("reply.interested: {task: Ring them today.}", "reply.interested", Ask("Ring them today.")),
        ("auto.other: continue", "auto.other", Continue()),
        ("auto.out_of_office: pause", "auto.out_of_office", Pause()),
        ("auto.out_of_office: {pause: 1 week}", "auto.out_of_office", Pause(Delay(1, "weeks"))),
        ('auto.out_of_office: "pause: 5 business days"', "auto.out_of_office", Pause(Delay(5, "business days"))),
        ("reply.not_now: snooze", "reply.not_now", Snooze()),
        ("reply.not_now: {snooze: 2 months}", "reply.not_now", Snooze(Delay(2, "months"))),
        ("reply.not_now: {snooze: {then: nurture}}", "reply.not_now", Snooze(then="nurture")),
        ("reply.not_now: {snooze: {then: n, for: 3 months}}", "reply.not_now", Snooze(Delay(3, "months"), "n")),
        ("reply.referral: {goto: call}", "reply.referral", Goto("call")),
        ("reply.objection: {move: objection}", "reply.objection", Move("objection")),
        ("bounce.hard: suppress", "bounce.hard", DEFAULT_REACTIONS["bounce.hard"]),
        ("bounce.hard: {suppress: Ring them.}", "bounce.hard", Suppress("Ring them.")),
        ("reply.not_interested: suppress", "reply.not_interested", Suppress()),
    ],
)  # fmt: skip
def test_every_action_is_read(line, verdict, reaction):
    assert with_on(line)[verdict] == reaction


@pytest.mark.parametrize("verdict", ["reply.unsubscribe", "complaint", "bounce.hard"])
@pytest.mark.parametrize("action", ["continue", "halt", "pause", "{goto: call}", "{task: look}"])
def test_no_sequence_overrules_what_always_suppresses(verdict, action):
    _, (problem,) = read(f"steps: [{{email: a}}]\non:\n  {verdict}: {action}\n")

    assert "no sequence can overrule it" in problem


def test_every_verdict_and_every_family_may_stand_in_on():
    for key in reactions.KEYS:
        assert with_on(f"{key}: suppress")[key]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("titel: x\nsteps: [{task: x}]", [":1:1:", "a sequence knows no key titel", 'did you mean "title"?']),
        ("title: x", ["needs a list of steps", "is missing"]),
        ("steps: []", [":1:8:", "is empty"]),
        ("steps: call", ["is text"]),
        ("steps:\n  - call", [":2:5:", "step 1 must be a table"]),
        ("steps:\n  - emial: a", [":2:5:", 'did you mean "email"?']),
        ("steps:\n  - email: a\n    task: call", [":2:5:", "email and task at once"]),
        ("steps:\n  - email:", ["email needs something behind it"]),
        ("steps:\n  - email: A b", [":2:12:", "is not a name"]),
        ("steps:\n  - email: ../../etc/passwd", ["is not a name"]),
        ("steps:\n  - email: a\n    aftr: 1 h", [":3:5:", "step 1 (email) knows no key aftr", "after"]),
        ("steps:\n  - email: a\n    brief: x", [":3:5:", "knows no key brief"]),
        ("steps:\n  - email: a\n    after: 4 buisness days", [":3:12:", "is not a duration"]),
        ("steps:\n  - email: a\n    after: 4", [":3:12:", "is not a duration"]),
        ("steps:\n  - email: a\n    after: -4 days", ["is not a duration"]),
        ("steps:\n  - email: a\n    after: 999999 weeks", ["longer than ten years"]),
        ("steps:\n  - email: a\n    thread: old", [":3:13:", "none of continue, new"]),
        ("steps:\n  - email: a\n    to: boss", ["none of all, primary, others"]),
        ("steps:\n  - task: call\n    hours: 9-10", [":3:12:", "not a span of hours"]),
        ("steps:\n  - task: call\n    hours: 18:00-08:00", ["ends before it begins"]),
        ("steps:\n  - task: call\n    id: Call", ["is not a name"]),
        ("steps:\n  - task: a\n    id: x\n  - task: b\n    id: x", [":4:", 'two steps have the id "x"']),
        ("steps:\n  - invite: 30 min", ["has no template", "add template: …"]),
        ("steps:\n  - invite: 3 days\n    template: a", ["is not between 5 min and 1 days"]),
        ("steps:\n  - invite: 30 min\n    template: a\n    at: next step", ["not the name of a field"]),
        ("steps:\n  - wait: 0", ["longer than nothing"]),
        ("steps: [{task: x}]\nlanguage: english", ["is not a language"]),
        ("steps: [{task: x}]\nprimary_first: maybe", ["neither true nor false"]),
        ("steps: [{task: x}]\naccount_scope: hlt", ['did you mean "halt"?']),
        ("steps: [{task: x}]\nwindow: never", ["the word always"]),
        ("steps: [{task: x}]\nwindow: {days: mun}", [":2:16:", "is not a day"]),
        ("steps: [{task: x}]\nwindow: {day: mon}", ["window knows no key day"]),
        ("steps: [{task: x}]\nwindow: {timezone: Paris}", ["Europe/Paris"]),
        ("steps: [{task: x}]\non: halt", ["on: this must be a table"]),
        ("steps: [{task: x}]\non:\n  reply.notnow: halt", [":3:3:", 'did you mean "reply.not_now"?']),
        ("steps: [{task: x}]\non:\n  reply: hlat", [":3:10:", 'did you mean "halt"?']),
        ("steps: [{task: x}]\non:\n  reply: {halt: x, goto: y}", ["one verdict has one action"]),
        ("steps: [{task: x}]\non:\n  reply: {task: Thank them, and ring.}", ["a comma ends the text", "in quotes"]),
        ("steps: [{task: x}]\non:\n  reply: {}", ["one verdict has one action"]),
        ("steps: [{task: x}]\non:\n  reply: goto", ["write goto: STEP"]),
        ("steps: [{task: x}]\non:\n  reply: {task: ''}", ["the task says nothing"]),
        ("steps: [{task: x}]\non:\n  reply: {pause: 0}", ["longer than nothing"]),
        ("steps: [{task: x}]\non:\n  reply: {snooze: {until: 3 days}}", ["snooze knows no key"]),
        ("steps: [{task: x}]\non:\n  reply: {continue: 3 days}", ["takes nothing behind it"]),
        ("steps: [{task: x}]\non:\n  reply: [halt]", ["must be text and is a list"]),
    ],
)
def test_a_mistake_is_named_with_its_place_and_its_cure(text, words):
    _, problems = read(text)

    assert any(all(word in problem for word in words) for problem in problems), problems


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("steps: [a: b: c", ["s.yaml:1:13:", "not YAML"]),
        ("steps:\n\t- email: a", ["s.yaml:2:1:", "not YAML"]),
        ("- email: a", ["a sequence is a table with steps"]),
        ("just words", ["a sequence is a table with steps"]),
        ("# nothing", ["a sequence is a table with steps"]),
        ("a: 1\n---\nb: 2", ["s.yaml:2:1:", "not YAML"]),
        ("steps: &x []\nthen: *x", ["s.yaml:1:8:", "anchors (&) and aliases (*)"]),
        ("steps: !!python/object/apply:os.system ['true']", ["tags such as"]),
        ("title: !secret x", ["tags such as"]),
        ("? [a]\n: b", ["a key must be a word"]),
        ("title: a\ntitle: b\nsteps: [{task: x}]", ["s.yaml:2:1:", "title is written twice"]),
        ("title: " + "[" * 50 + "]" * 50, ["nested too deeply"]),
        ("title: \x07", ["not YAML"]),
    ],
)
def test_yaml_that_hides_something_is_refused_with_its_place(text, words):
    _, problems = read(text)

    assert any(all(word in problem for word in words) for problem in problems), problems


def test_a_billion_laughs_are_refused_before_they_are_laughed():
    lines = ["a: &a [x,x,x,x,x,x,x,x,x]"]
    lines += [f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]" for a, b in zip("abcdefgh", "bcdefghi", strict=True)]

    _, (problem,) = read("\n".join(lines))

    assert "anchors" in problem


@given(st.text(alphabet="steps:-[]{}&*!|> \n\"'#,on halt0", max_size=80))
def test_any_text_at_all_is_read_or_refused(text):
    read(text)


@given(st.recursive(st.none() | st.text(max_size=8), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)))
def test_any_value_at_all_is_a_reaction_or_a_mistake(value):
    with contextlib.suppress(FormError):
        reactions._reaction("reply", value)


@given(st.lists(st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 12), st.text("[]{}:-#&*!|'\"\n a1", max_size=2))))
def test_a_sequence_bent_in_any_way_is_read_or_refused_with_lines(cuts):
    text = WHOLE
    for at, length, new in cuts:
        text = text[:at] + new + text[at + length :]
    found, problems = read(text)

    assert found or problems
    assert all(problem.split(":")[1].isdecimal() for problem in problems)

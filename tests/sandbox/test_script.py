"""Scripted answers: what a file may say, and that every invented answer is read as it is meant."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from cadenced.core.pacing import Delay
from cadenced.core.sequence import EmailStep, Sequence
from cadenced.errors import BrokenWorkspaceError
from cadenced.reading import inbound, verdict
from cadenced.sandbox import cast, phrases, script_file
from cadenced.sandbox.letters import Answer, Original, write
from cadenced.sandbox.script import PATIENCE, Cue

PLANS = {"plan": Sequence("plan", (EmailStep("one"), EmailStep("two")))}
AT = datetime(2026, 11, 24, 10, tzinfo=UTC)
OURS = (
    b"From: Julie Martin <julie@abc.example>\r\nTo: Ann Lee <ann@there.example>\r\nSubject: Your next step\r\n"
    b"Message-ID: <ours@abc.example>\r\nReferences: <first@abc.example>\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n\r\nHello Ann,\r\n\r\nshall we?\r\n"
)


def read(raw: bytes) -> verdict.Verdict:
    return verdict.judge(inbound.parse(raw))


@pytest.mark.parametrize("kind", phrases.verdicts())
def test_the_usual_words_of_a_verdict_are_read_as_that_verdict(kind: str) -> None:
    answer = Answer(kind, until=date(2027, 3, 1))
    assert read(write(answer, Original.read(OURS), AT)).kind == kind


@pytest.mark.parametrize("language", ["en", "fr", "de"])
@pytest.mark.parametrize("kind", ["reply.interested", "reply.not_now", "auto.out_of_office"])
def test_words_in_other_languages_are_read_too_with_their_day(kind: str, language: str) -> None:
    found = read(write(Answer(kind, language=language, until=date(2027, 3, 1)), Original.read(OURS), AT))
    assert found.kind == kind
    if kind != "reply.interested":
        assert found.until is not None
        assert found.until >= date(2027, 3, 1)


def test_an_answer_stands_in_the_thread_and_quotes_what_it_answers() -> None:
    message = inbound.parse(write(Answer("reply.question"), Original.read(OURS), AT))
    assert message.in_reply_to == ("ours@abc.example",)
    assert message.references == ("first@abc.example", "ours@abc.example")
    assert message.subject == "Re: Your next step"
    assert "> shall we?" in message.text
    assert "shall we" not in read(write(Answer("reply.question"), Original.read(OURS), AT)).reply_text


def test_a_new_thread_names_nothing_of_ours() -> None:
    message = inbound.parse(write(Answer("reply.question", new_thread=True), Original.read(OURS), AT))
    assert (message.in_reply_to, message.references) == ((), ())


def test_a_returned_mail_carries_ours() -> None:
    found = read(write(Answer("bounce.hard"), Original.read(OURS), AT))
    assert found.returned_message_id == "ours@abc.example"


def load(tmp_path: Path, text: str, name: str = "replies.yaml") -> list[Cue]:
    path = tmp_path / name
    path.write_text(text)
    return script_file.load(path, PLANS).cues


def test_yaml_and_csv_say_the_same(tmp_path: Path) -> None:
    yaml = load(tmp_path, '- {email: Ann@There.example, after: one + 2 days, text: "Yes, gladly", until: 2027-03-01}\n')
    table = 'email;after;text;until\nann@there.example;one + 2 days;"Yes, gladly";2027-03-01\n'
    assert yaml == load(tmp_path, table, "replies.csv")
    assert yaml == [
        Cue("ann@there.example", "reply.unclear", "one", Delay(2, "days"), "Yes, gladly", until=date(2027, 3, 1))
    ]


def test_a_verdict_may_lack_its_family_and_a_step_its_delay(tmp_path: Path) -> None:
    (cue,) = load(tmp_path, "- {email: ann@there.example, after: two, verdict: not_now, until: 60 days}\n")
    assert (cue.verdict, cue.step, cue.delay) == ("reply.not_now", "two", PATIENCE)
    assert cue.until == Delay(60, "days")


def test_a_span_alone_counts_from_the_first_touch(tmp_path: Path) -> None:
    (cue,) = load(tmp_path, "- {email: ann@there.example, after: 2 days, verdict: question}\n")
    assert (cue.step, cue.delay) == ("", Delay(2, "days"))


def test_all_mistakes_come_at_once_with_their_lines(tmp_path: Path) -> None:
    text = (
        "- {email: ann, after: one, verdict: question}\n"
        "- {email: ann@there.example, after: onne, text: hello}\n"
        "- {email: ann@there.example, after: 2 days, verdict: gladness}\n"
        "- {email: ann@there.example, after: 2 days}\n"
        "- {email: ann@there.example, aftr: 2 days, text: hello}\n"
        "- {email: ann@there.example, text: hello, until: soon}\n"
    )
    with pytest.raises(BrokenWorkspaceError) as broken:
        load(tmp_path, text)
    assert [problem.line for problem in broken.value.problems] == [1, 2, 3, 4, 5, 6]
    assert 'did you mean "one"?' in broken.value.problems[1].cure
    assert 'did you mean "after"?' in broken.value.problems[4].cure


@pytest.mark.parametrize("text", ["email: ann", "- just words", "- {email: [a, b]", "&a [*a]"])
def test_a_file_that_is_no_list_of_answers_is_refused_with_its_place(tmp_path: Path, text: str) -> None:
    with pytest.raises(BrokenWorkspaceError) as broken:
        load(tmp_path, text)
    assert broken.value.problems[0].line >= 1


def test_the_people_of_the_demo_answer_to_steps_that_the_starter_set_has(tmp_path: Path) -> None:
    from cadenced import config, library  # noqa: PLC0415 - only here

    library.write_workspace(tmp_path / "w")
    known = library.load(library.shelves(config.load(tmp_path / "w" / "cadenced.toml")))
    cues = cast.script(known.sequences).cues
    assert {cue.email for cue in cues} | cast.refused() <= set(cast.addresses())
    assert len(cast.addresses()) == 24

"""The gate: what may leave, and why not."""

from __future__ import annotations

import csv
import os
import time
from email import message_from_bytes, policy
from pathlib import Path

import pytest

from cadenced.wording import gate, voice
from cadenced.wording.settings import Settings

CORPUS = Path(os.environ.get("CADENCED_CORPUS", Path(__file__).parents[3] / "shared" / "corpus"))
BALANCE_AND_LENGTH = {"self-centred", "too-long", "two-lines", "long-sentence"}

BAD = {
    "checking-in": "Hey Mike, it's Julie from ABC Company. Just checking in on the proposal I sent. "
    "Do you have any questions?",
    "permission": "Is it still okay if we meet on the 9th? What time would you ideally be available?",
    "open-ask": "Would you be available in two weeks?",
}
COMING_BACK = (
    "Hello, I was coming back to you following our exchange last week. I've taken all the necessary steps on our side."
)
GOOD = (
    (
        "Hey Mike, it's Julie from ABC. We were moving forward on a proposal last month. Since we haven't taken "
        "action, I assume something has changed on your end. I'd love to revisit our discussion and share new insights "
        "if your priorities have shifted. Let's reconnect and explore some ideas."
    ),
    "So I can confirm that we'll see you on video at 9am on the 9th. I'll send you the invitation.",
    (
        "You told me the next month was going to be very busy on your end, so I wanted to know where you stand so we "
        "can take advantage of your availability to move forward."
    ),
)


def _errors(body: str, settings: Settings | None = None) -> set[str]:
    found = gate.check("Your plan for March", body, "en", settings or Settings())
    return {finding.rule for finding in found if finding.severity == "error"}


@pytest.mark.parametrize("rule", sorted(BAD))
def test_a_golden_bad_example_is_refused_for_the_right_reason(rule: str) -> None:
    assert rule in _errors(BAD[rule])


def test_coming_back_without_news_is_refused_and_told_that_it_opens_with_i_and_leads_nowhere() -> None:
    found = {finding.rule for finding in gate.check("Your plan", COMING_BACK, "en")}
    assert {"checking-in", "opens-with-self", "no-next-step"} <= found
    assert "checking-in" in _errors(COMING_BACK)


@pytest.mark.parametrize("body", GOOD)
def test_a_golden_good_example_has_nothing_to_mend(body: str) -> None:
    assert not [one for one in gate.check("Your plan for March", body, "en") if one.severity != "info"]


def test_a_finding_stands_at_its_place() -> None:
    body = "Hello Mike,\n\nyou asked.\nI was just checking in\non it."
    (found,) = [one for one in gate.check("Your plan", body, "en") if one.rule == "checking-in"]
    assert (found.file, found.line, found.column, found.end_line, found.end_column) == ("body", 4, 1, 4, 23)


def test_a_phrase_is_found_across_lines_and_emphasis() -> None:
    assert "checking-in" in _errors("You asked. I was **just** checking\nin.")


def test_a_quoted_phrase_does_not_count() -> None:
    assert not _errors("You asked what this means:\n\n> Just checking in on the proposal\n\nIt means nothing.")


def test_a_rule_that_is_waived_lets_the_message_pass() -> None:
    assert not _errors(BAD["open-ask"], Settings().without(["open-ask"]))


def test_a_severity_is_what_the_settings_say() -> None:
    assert not _errors(BAD["open-ask"], Settings(severity={"open-ask": "info"}))


def test_only_selected_rules_speak() -> None:
    found = gate.check("RE: HELLO THERE", COMING_BACK, "en", Settings(select=frozenset({"open-ask"})))
    assert found == ()


def test_the_subject_counts_double() -> None:
    body = "Your team asked for a plan. We made it with our partners, and you have it on Monday."
    assert "self-centred" not in _errors(body)
    found = gate.check("My plan, my team, our offer, our price", body, "en")
    assert "self-centred" in {finding.rule for finding in found}


HUGE = [
    "[",
    "just ",
    "<",
    "a_",
    "_",
    "would you be available ",
    "!",
    "- a\n",
    "i",
    "a.",
    "> ",
    "Sie ",
    "sie. ",
    "best\n",
    "`",
    "<!--",
    "![",
    "](",
    "{{ ",
    "ihr ",
    "I. ",
    "\n",
    "http://",
    "a@",
    "---\n",
    "PS: ",
]


@pytest.mark.parametrize("words", HUGE)
def test_a_huge_message_is_judged_in_linear_time(words: str) -> None:
    began = time.process_time()
    for language in ("en", "de"):
        gate.check("Your plan", words * (60_000 // len(words)), language)
        voice.measure_message(words * (60_000 // len(words)), language)
    assert time.process_time() - began < 20


@pytest.mark.corpus
def test_people_who_answer_hardly_ever_break_a_rule_by_error() -> None:
    if not (CORPUS / "manifest.csv").is_file():
        pytest.skip("the folder of real mail is not here")
    with (CORPUS / "manifest.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"] == "human_reply"]
    errors = [(row["file"], rule) for row in rows for rule in _errors_of(CORPUS / row["file"])]
    assert len(errors) * 200 < len(rows) or not errors, errors


def _errors_of(path: Path) -> set[str]:
    message = message_from_bytes(path.read_bytes(), policy=policy.default)
    part = message.get_body(("plain", "html"))
    try:
        text = part.get_content() if part else ""
    except (LookupError, KeyError):
        return set()
    found = gate.check(str(message["subject"] or ""), text.replace("\r\n", "\n"))
    return {one.rule for one in found if one.severity == "error"} - BALANCE_AND_LENGTH

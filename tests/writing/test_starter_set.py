"""Laws of the starter set: it renders for everybody, is about the reader, and reaches them seven times."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
import yaml

from cadenced.core import pacing
from cadenced.core.model import Draft
from cadenced.writing import context
from cadenced.writing.compose import compose
from cadenced.writing.markdown import render
from cadenced.writing.template import Template, parse
from writing.samples import EVERYTHING, OCCASION, envelope, given

ROOT = Path(__file__).parents[2]
TEMPLATES = {path.stem: path for path in sorted((ROOT / "templates").glob("*.md"))}
SEQUENCES: dict[str, dict[str, Any]] = {
    path.stem: yaml.safe_load(path.read_text("utf-8")) for path in sorted((ROOT / "sequences").glob("*.yaml"))
}
ROWS = {
    "only an address": {},
    "a name": {"first_name": "Mike"},
    "a company": {"company": "Acme"},
    "a meeting": {"first_name": "Mike", "next_step": "a look at the figures", "next_step_at": "2026-03-12"},
    "a day alone": {"first_name": "Mike", "next_step_at": "2026-03-12 10:00"},
    "a past date": {"next_step_at": "2026-02-12", "last_spoke_at": "last week", "reason": "the new warehouse"},
    "everything": EVERYTHING,
}
MAILS = ("email", "invite", "task")


def read(name: str) -> Template:
    return parse(TEMPLATES[name].read_text("utf-8"), name)


def draft(name: str, row: str) -> Draft:
    return read(name).render(given(**ROWS[row]))


every_template = pytest.mark.parametrize("name", TEMPLATES)
every_row = pytest.mark.parametrize("row", ROWS)


@every_template
@every_row
def test_every_template_renders_for_every_row_and_becomes_a_message(name: str, row: str) -> None:
    made = draft(name, row)
    message = message_from_bytes(compose(envelope(), made), policy=policy.default)
    assert message["Subject"] == made.subject
    text = render(made.body).text
    assert not re.search(r"\{|\}|\*\*|  |None|\n\n\n| ,| \.|\(\)", text)
    assert text.startswith("Hello Mike," if ROWS[row].get("first_name") else "Hello there,")
    assert text.endswith("\nJulie\n")


@every_template
def test_no_template_needs_more_than_an_address(name: str) -> None:
    assert read(name).required <= {"now", "mailbox"}


@every_template
def test_every_variable_is_a_known_column_or_documented(name: str) -> None:
    assert read(name).variables <= {*context.VARIABLES, "industry", "article_title", "article_url"}


@every_template
@every_row
def test_every_letter_is_short(name: str, row: str) -> None:
    words = len(render(draft(name, row).body).text.split())
    assert 25 <= words <= 95


@every_template
@every_row
def test_every_subject_is_short_and_calm(name: str, row: str) -> None:
    subject = draft(name, row).subject
    assert 10 <= len(subject) <= 60
    assert "!" not in subject
    assert not subject.isupper()


@every_template
@every_row
def test_every_letter_is_about_the_reader(name: str, row: str) -> None:
    made = draft(name, row)
    text = f"{made.subject}\n{render(made.body).text}".lower().replace("’", "'")
    you = len(re.findall(r"\b(?:you|your|yours|yourself)\b", text))
    me = len(re.findall(r"\b(?:i|i'm|i've|i'd|me|my|mine|we|us|our|ours)\b", text.replace("shall we", "")))
    assert you >= 3
    assert you >= 3 * me


@every_template
@every_row
def test_every_letter_names_a_day_or_asks_nothing(name: str, row: str) -> None:
    text = render(draft(name, row).body).text
    day = r"(?:Mon|Tues|Wednes|Thurs|Fri)day"
    assert re.search(day, text) or "?" not in text


@every_template
def test_no_letter_begs_blames_or_checks_in(name: str) -> None:
    source = TEMPLATES[name].read_text("utf-8").lower()
    banned = (
        "checking in|check in|touch(?:ing)? base|circl(?:e|ing) back|following up|follow up|any update|bump|"
        "just wanted|"
        "tried to reach|haven't heard|no reply|let me know|whenever|feel free|sorry to|would it be possible|hope this|!"
    )
    assert not re.search(banned, source)


@every_template
def test_the_day_proposed_is_a_business_day_whatever_the_day_of_sending(name: str) -> None:
    for day in (date(2026, 3, 6), date(2026, 4, 2), date(2026, 12, 24)):
        text = read(name).render(given(replace(OCCASION, now=day))).body
        assert not re.search(r"propose (?:Satur|Sun)day", text)


@pytest.mark.parametrize("row", ["a meeting", "a day alone", "everything"])
def test_a_day_that_was_agreed_on_is_the_same_in_every_letter_of_the_meeting(row: str) -> None:
    recap, invitation = draft("meeting-recap", row).body, draft("meeting-next-talk", row).body
    agreed = re.search(r"(?:Mon|Tues|Wednes|Thurs|Fri)day,? \d+ \w+", invitation)
    assert agreed
    assert agreed[0] in recap
    assert "I propose" not in recap


@pytest.mark.parametrize("name", SEQUENCES)
def test_every_step_has_a_purpose_a_delay_and_a_template_that_exists(name: str) -> None:
    for step in SEQUENCES[name]["steps"]:
        assert step["purpose"]
        pacing.parse_delay(step["after"])
        if "hours" in step:
            pacing.parse_hours(step["hours"])
        template = step.get("template") or step.get("email")
        assert template is None or template in TEMPLATES
        assert sum(kind in step for kind in MAILS) == 1
        assert "task" not in step or step["brief"]


def test_every_template_is_used() -> None:
    used = {step.get("template") or step.get("email") for one in SEQUENCES.values() for step in one["steps"]}
    assert used - {None} == set(TEMPLATES)


def test_the_sequences_lead_from_a_meeting_to_staying_in_touch_for_ever() -> None:
    names = ["after-meeting"]
    while names[-1] not in names[:-1]:
        names.append(SEQUENCES[names[-1]]["then"])
    assert names == ["after-meeting", "proposal", "gone-quiet", "nurture", "nurture"]
    assert SEQUENCES["nurture"]["steps"][0]["after"] == "3 months"


def test_a_willing_prospect_is_reached_at_least_seven_times() -> None:
    way = [step for name in ("after-meeting", "proposal", "gone-quiet") for step in SEQUENCES[name]["steps"]]
    assert len([step for step in way if "email" in step or "invite" in step]) >= 7


@pytest.mark.parametrize("name", SEQUENCES)
def test_after_three_emails_the_channel_changes(name: str) -> None:
    kinds = "".join("t" if "task" in step else "m" for step in SEQUENCES[name]["steps"])
    assert "mmmm" not in kinds


def test_the_primary_is_told_first() -> None:
    committee = SEQUENCES["buying-committee"]
    assert committee["primary_first"] is True
    assert committee["steps"][0]["to"] == "primary"

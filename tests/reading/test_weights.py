"""Weighed words: what they say of sentences they were learnt from, and what they cannot do."""

import tomllib
from pathlib import Path

import pytest

from cadenced.reading import automatic, inbound, intent, weights

SAID = tomllib.loads((Path(__file__).with_name("data") / "said.toml").read_text("utf-8"))
KINDS = frozenset({"out_of_office", "left_company", "acknowledgement", "challenge", "other"})


def found(body, language="en"):
    head = "From: p@x.example\nTo: j@abc.example\nSubject: Re: Your offer\nIn-Reply-To: <1@abc.example>\n"
    raw = f"{head}Content-Type: text/plain; charset=utf-8\n\n{body}\n".encode()
    return automatic.find(inbound.parse(raw), body)


@pytest.mark.parametrize("language", intent.LANGUAGES)
def test_nobody_who_mentions_an_absence_is_taken_for_a_machine(language):
    people = [text for kind, texts in SAID[language].items() if kind not in KINDS for text in texts]
    assert [text for text in people if found(text)] == []


@pytest.mark.parametrize("language", intent.LANGUAGES)
def test_most_of_what_machines_say_is_known_without_header_or_title(language):
    machines = [text for kind, texts in SAID[language].items() if kind in KINDS for text in texts]
    assert sum(found(text) is not None for text in machines) >= 0.9 * len(machines)


@pytest.mark.parametrize("language", intent.LANGUAGES)
def test_most_of_what_people_say_is_judged_as_meant(language):
    said = [(kind, text) for kind, texts in SAID[language].items() if kind in _VERDICTS for text in texts]
    right = sum(intent.judge(text, "Re: Offer", language).kind == f"reply.{kind}" for kind, text in said)
    assert right >= 0.93 * len(said)


_VERDICTS = frozenset(weights.load("weights_intent").kinds)


@pytest.mark.parametrize("language", intent.LANGUAGES)
def test_every_request_to_stop_is_found(language):
    texts = SAID[language]["unsubscribe"]
    assert [text for text in texts if intent.judge(text, "Re: Offer", language).kind != "reply.unsubscribe"] == []


@pytest.mark.parametrize("name", ["weights_intent", "weights_voice"])
def test_shares_sum_to_one(name):
    shares = weights.load(name).shares(weights.features("Please call me next week."))
    assert sum(shares.values()) == pytest.approx(1.0)


def test_a_text_without_a_known_word_is_unclear():
    assert intent.judge("Qwrtz plmk xyzzy", "Re: Offer", "en").kind == "reply.unclear"


def test_accents_and_case_make_no_difference():
    assert weights.features("Désinscription, s\u2019il vous plaît") == weights.features(
        "DESINSCRIPTION, s'il vous plait"
    )


def test_months_and_weekdays_are_one_word_each():
    assert weights.features("Ring on Monday in October") == weights.features("Ring on Friday in February")


def test_the_words_that_decided_are_the_evidence():
    evidence = intent.judge("We would be glad to host you at the plant.", "Re: Offer", "en").evidence
    assert any(one.startswith("words ") for one in evidence)


@pytest.mark.parametrize("seed", ["a ", "wörd? ", "1", "\n", "’", "Monday ", "a_b!"])
def test_hostile_text_is_weighed_without_blowing_up(seed):
    assert len(weights.features(seed * 50_000)) < 3_000

"""What people mean: invented answers in eight languages, and the examples that every pattern carries."""

import tomllib
from pathlib import Path

import pytest

from cadenced.reading import intent

SENTENCES = tomllib.loads(Path(__file__).with_name("intent_sentences.toml").read_text("utf-8"))
CASES = [
    (language, kind, sentence)
    for language, kinds in SENTENCES.items()
    for kind, sentences in kinds.items()
    for sentence in sentences
]
PATTERNS = [(pattern, unless) for language in intent.LANGUAGES for pattern, unless in intent.families(language)]


def hits(pattern, unless, sentence):
    return bool(pattern.regex.search(sentence)) and not (unless and unless.search(sentence))


@pytest.mark.parametrize(("language", "kind", "sentence"), CASES)
def test_an_answer_is_judged_by_what_it_says(language, kind, sentence):
    assert intent.judge(sentence, "Re: Hello", language).kind == f"reply.{kind}"


@pytest.mark.parametrize(("pattern", "unless"), PATTERNS, ids=lambda value: getattr(value, "code", ""))
def test_every_intent_pattern_matches_its_examples_and_not_its_counterexamples(pattern, unless):
    assert pattern.must
    assert pattern.must_not
    assert [text for text in pattern.must if not hits(pattern, unless, text)] == []
    assert [text for text in pattern.must_not if hits(pattern, unless, text)] == []


@pytest.mark.parametrize("language", intent.LANGUAGES)
def test_every_language_has_a_family_for_every_verdict(language):
    found = {pattern.tags["verdict"] for pattern, _ in intent.families(language)}
    assert len(found) == 7


NOT_A_REQUEST_TO_STOP = [
    ("en", "Please don't remove me from the list, I like reading these."),
    ("en", "Does your tool let our own subscribers unsubscribe with one click?"),
    ("en", "We want to stop sending paper invoices; can you help?"),
    ("en", "I did not ask to be removed, only to be written to less often."),
    ("en", "Do not contact me before 3 May, I am travelling."),
    ("fr", "Ne me retirez pas de la liste, vos messages m'intéressent."),
    ("fr", "Quel est votre taux de désabonnement ?"),
    ("de", "Bitte nicht abmelden, ich lese gern mit."),
    ("de", "Können unsere Kunden sich selbst vom Newsletter abmelden?"),
    ("nl", "Kunnen onze klanten zich met één klik afmelden?"),
    ("es", "No me den de baja todavía."),
    ("it", "I vostri utenti possono disiscriversi da soli?"),
    ("pt", "Não me removam da lista, por favor."),
    ("sv", "Ta inte bort mig från listan, tack."),
]


@pytest.mark.parametrize(("language", "text"), NOT_A_REQUEST_TO_STOP)
def test_a_denied_or_foreign_request_to_stop_is_none(language, text):
    assert intent.judge(text, "Re: Hello", language).kind != "reply.unsubscribe"


def test_quoted_words_never_count():
    text = "> Please unsubscribe me.\n> Stop.\n\nYes, let's go ahead."
    assert intent.judge(text, "Re: Hello", "en").kind == "reply.interested"


def test_a_request_to_stop_wins_over_everything_else():
    text = "Interesting offer, what does it cost? Still, please take me off your list."
    assert intent.judge(text, "Re: Hello", "en").kind == "reply.unsubscribe"


def test_a_subject_alone_can_ask_to_stop():
    assert intent.judge("", "unsubscribe", "").kind == "reply.unsubscribe"


def test_our_own_subject_in_a_reply_does_not_count():
    assert intent.judge("Noted.", "Re: Please unsubscribe here", "en").kind == "reply.unclear"


def test_every_verdict_carries_its_evidence():
    found = intent.judge("We have no budget for this.", "Re: Offer", "en")
    assert found.kind == "reply.objection"
    assert any("budget" in evidence for evidence in found.evidence)


def test_an_unknown_language_is_tried_in_all():
    assert intent.judge("Bitte abmelden", "", "").kind == "reply.unsubscribe"


@pytest.mark.parametrize("seed", ["remove me from ", "not ", "in 3 weeks until ", "please contact ", "a@", "? "])
def test_hostile_text_is_judged_without_blowing_up(seed):
    assert intent.judge(seed * 20_000, seed * 50, "en").kind.startswith("reply.")

"""The quick way through a message says what the slow one says: whole texts, every word, every rule."""

from __future__ import annotations

import random
import re
from functools import cached_property, lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cadenced.wording import ear, gate, phrases, rules, text, voice
from cadenced.wording import language as languages
from cadenced.wording.draft import Draft, View
from cadenced.wording.findings import ERROR, Finding
from cadenced.wording.phrases import Phrase
from cadenced.wording.rules import fields
from cadenced.wording.settings import DEFAULTS, Settings

TEMPLATES = Path(__file__).parents[2] / "templates"
WORD = re.compile(r"[^\W\d_]+")
CODES = (*languages.NAMES, "sv", "")
SETTINGS = (
    DEFAULTS,
    Settings(least_self=1),
    Settings(severity=dict.fromkeys((rule.code for rule in rules.MESSAGE), ERROR)),
    Settings(commercial=True, postal_address="ABC SA, 1 rue de la Paix", ignore=frozenset({"too-long", "open-ask"})),
)


class Slow(View):
    """Looks at every word and at every phrase, each time anew."""

    def __init__(self, draft: Draft) -> None:
        super().__init__(draft)
        self.readable = without_markup(draft.body)
        self.language = languages.chosen(self.readable, draft.language)
        start, end = frame(self.readable, self.language)
        tail = self.readable[end:]
        after = text._AFTERTHOUGHT.search(tail)
        kept = len(tail) if after is None else after.start()
        own = self.readable[start:end] + text.blank(tail[:kept]) + tail[kept:]
        self.body = text.blank(self.readable[:start]) + own
        self.lower = languages.fold(self.body)

    most_ours = 10**9  # type: ignore[assignment] # a property there

    @property
    def count(self) -> int:
        return len(self.body.split())

    @cached_property
    def phrases(self) -> dict[str, list[Phrase]]:
        return phrases.find(self.lower, frozenset(WORD.findall(self.lower)), self.language)

    @cached_property
    def subject_phrases(self) -> dict[str, list[Phrase]]:
        return phrases.find(self.subject_lower, frozenset(WORD.findall(self.subject_lower)), self.language)

    def has_next_step(self) -> bool:
        return phrases.has(phrases.NEXT_STEP, self.lower, frozenset(WORD.findall(self.lower)), self.language)


def without_markup(body: str) -> str:
    """Try every sign wherever it may stand, without a look at what is not there at all."""
    if "```" in body or "~~~" in body:
        body = text._FENCE.sub(text._blank_match, body)
    body = text._QUOTED.sub(text._blank_match, text._ATTRIBUTION.sub(text._blank_match, body))
    body = text._FORWARDED.sub(text._blank_match, body)
    for needle, pattern in text._INLINE:
        if needle in body:
            body = pattern.sub(text._blank_match, body)
    return body


def frame(read: str, language: languages.Language) -> tuple[int, int]:
    greeting, closing = text._frames(language)
    found = greeting.match(read)
    start = found.end() if found else 0
    dashes = text._DASHES.search(read, start)
    end = dashes.start() if dashes else len(read)
    for match in closing.finditer(read, max(start, end - text._SIGNATURE), end):
        if text._is_signature(read[match.end() : end]):
            return start, match.end() if match["thanks"] else match.start()
    return start, end


def slow_refusals(subject: str, body: str, language: str, chosen: Settings) -> tuple[Finding, ...]:
    draft = Draft(subject, body, language)
    found = [
        (rule, hit) for rule in rules.MESSAGE if chosen.speaks(rule.code) for hit in rule.check(Slow(draft), chosen)
    ]
    return tuple(one for one in gate._findings(draft, chosen, found) if one.severity == ERROR)


def agree(subject: str, body: str, language: str, chosen: Settings) -> None:
    quick = gate.refusals(subject, body, language, chosen)
    assert quick == slow_refusals(subject, body, language, chosen)
    assert quick == tuple(one for one in gate.check(subject, body, language, chosen) if one.severity == ERROR)


@lru_cache(maxsize=1)
def bits() -> tuple[str, ...]:
    """Return what letters are put together from here: all that any list of any language has, and odd signs."""
    found = [
        "\n",
        "\n\n",
        " ",
        ", ",
        ". ",
        "? ",
        "! ",
        ": ",
        "’",
        "'",
        "-- \n",
        "--",
        "**",
        "*",
        "_",
        "~~",
        "> ",
        "[",
        "](http://a.b)",
    ]
    found += ["From: a\nSent: b\n", "\nda : x\nA: y", "____________________", "Sent from my phone", "P.S. "]
    found += ["\u017f", "\u0130", "\u0131", "\u212a", "\r", "\x1c", "\u2028", "\u03a3"]
    for code in languages.NAMES:
        language = languages.load(code)
        found += [*language.voices, *phrases.book(language), *ear.of(language, None)._wanted]
        found += [word for key in ("greetings", "closings", "thanks") for word in language.words("message", key)]
        found += [word.upper() for word in language.words("message", "closings")]
        for rule in rules.MESSAGE:
            found += [part for example in (*rule.fires, *rule.silent) for part in (example.body, example.subject)]
    return tuple(dict.fromkeys(found))


def invented(dice: random.Random) -> str:
    glue = dice.choice([" ", " ", "\n", ""])
    return glue.join(dice.choice(bits()) for _ in range(dice.randrange(30)))


@pytest.mark.parametrize("code", CODES)
def test_letters_put_together_from_everything_are_judged_as_by_the_slow_way(code: str) -> None:
    dice = random.Random(code)  # noqa: S311 - a seed that repeats, not a secret
    for _ in range(80):
        agree(invented(dice), invented(dice), code, dice.choice(SETTINGS))


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.md")), ids=lambda path: path.stem)
def test_every_starter_is_judged_as_by_the_slow_way_in_every_language(path: Path) -> None:
    source = path.read_text("utf-8")
    for code in CODES:
        for chosen in SETTINGS:
            agree(path.stem, source, code, chosen)


@pytest.mark.parametrize("rule", rules.MESSAGE, ids=lambda rule: rule.code)
def test_every_example_of_every_rule_is_judged_as_by_the_slow_way(rule: rules.MessageRule) -> None:
    for one in (*rule.fires, *rule.silent):
        for chosen in (one.settings, *SETTINGS):
            agree(one.subject, one.body, one.language, chosen)


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_any_text_is_judged_as_by_the_slow_way(data: st.DataObject) -> None:
    pieces = st.lists(st.one_of(st.sampled_from(bits()), st.text(max_size=6)), max_size=25).map("".join)
    agree(data.draw(pieces), data.draw(pieces), data.draw(st.sampled_from(CODES)), data.draw(st.sampled_from(SETTINGS)))


@pytest.mark.parametrize("code", sorted(languages.NAMES))
def test_no_pronoun_of_ours_is_missed_by_the_ear(code: str) -> None:
    language, dice = languages.load(code), random.Random(code)  # noqa: S311 - as above
    assert not [word for word in language.voices if word.split() != [word]], "a pronoun of two words"
    for _ in range(200):
        lower = languages.fold(invented(dice))
        found = [mark for mark in voice.marks(lower, language) if mark.voice == "self"]
        heard = ear.of(language, None).hear(lower.split())
        assert heard.ours >= len(found)
        assert heard.words == ear.of(language, None)._wanted.intersection(WORD.findall(lower))


def test_no_field_is_missed_where_brackets_are_taken_for_links() -> None:
    dice = random.Random(7)  # noqa: S311 - as above
    brackets = [*"{}[]<>%*|()! ", "{{", "}}", "{%", "*|", "|*", "%%"]
    words = [
        "first",
        "company",
        "name",
        "TITLE",
        "Nom",
        "soci\u00e9t\u00e9",
        "firma",
        "bedrijf",
        "pr\u00e9nom",
        "voornaam",
    ]
    words += ["\u017foci\u00e9t\u00e9", "f\u0131rma", "t\u0130tle", "vorname", "client", "_", "-", "x"]
    found = 0
    for _ in range(20_000):
        part = "".join(dice.choice(brackets) + dice.choice(words) for _ in range(dice.randrange(1, 4)))
        source = part + dice.choice(brackets) + dice.choice(brackets)
        if fields._UNFILLED.search(source) and any(sign in source for sign in ("{", "[", "<", "%", "*|")):
            found += 1
            assert fields._suspect(source), source
    assert found > 500


def test_the_ear_forgets_before_it_fills_the_memory() -> None:
    listening = ear.Ear(languages.load("en"), None)
    listening.hear([f"zz{number}" for number in range(ear._MOST + 100)])
    listening.hear(["x" * (ear._LONGEST + 1)])
    assert len(listening._dull) + len(listening._known) <= ear._MOST
    assert max(map(len, listening._dull)) <= ear._LONGEST


@pytest.mark.parametrize("end", ["Kind regards\nJulie {}", "Julie {}"], ids=["a closing formula", "none"])
def test_lines_that_never_come_again_are_not_remembered_for_ever(end: str) -> None:
    english = languages.load("en")
    for number in range(2 * text._MOST_PLAIN):
        text.frame(f"Hello {number},\n\nit is {number}.\n\n{end.format(number)}\n", english)
    assert len(text._plain_lines(english)) <= text._MOST_PLAIN + 5

"""How long and how hard to read."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cadenced.wording.draft import View
from cadenced.wording.findings import ERROR, INFO, WARNING, Hit
from cadenced.wording.rule import Example, MessageRule
from cadenced.wording.settings import Settings

_LONG_WORDS = {"de": 3.0, "nl": 1.0, "it": 1.0, "es": 1.0, "pt": 1.0}
"""Grades that a language's longer words add by themselves."""
_ENOUGH = 30
_SPACE = re.compile(r"\s+")


def _too_long(view: View, settings: Settings) -> Iterable[Hit]:
    if view.count > settings.most_words:
        start, end = view.sentences[-1]
        yield Hit(start, end, str(view.count))


def _two_lines(view: View, settings: Settings) -> Iterable[Hit]:
    if settings.two_lines and len(view.sentences) > 2:
        yield Hit(*view.sentences[2], str(len(view.sentences)))


def _long_sentence(view: View, settings: Settings) -> Iterable[Hit]:
    for start, end in view.sentences:
        if end - start > 4 * settings.most_sentence_words:
            words = len(view.body[start:end].split())
            if words > settings.most_sentence_words:
                yield Hit(start, end, str(words))


def _grade(view: View, settings: Settings) -> Iterable[Hit]:
    words, sentences = view.count, len(view.sentences)
    if words < _ENOUGH or sentences < 3:
        return
    letters = sum(map(len, view.words))
    grade = 4.71 * letters / words + 0.5 * words / sentences - 21.43
    grade -= _LONG_WORDS.get(view.language.code, 0.0)
    if grade > settings.most_grade:
        start, end = view.sentences[0]
        yield Hit(start, end, f"{grade:.0f}")


RULES = (
    MessageRule(
        code="too-long",
        severity=ERROR,
        title="Too long",
        message="{detail} words",
        cure="25 to 50 words answer best and 125 are the most; the rest is a conversation",
        source="answer rates of sales mail by length; [lint] most_words",
        check=_too_long,
        whole=True,
        fires=(Example("You keep every promise that you make to your own customers on every day. " * 10),),
        silent=(Example("You keep every promise that you make to your own customers on every day. " * 4),),
    ),
    MessageRule(
        code="two-lines",
        severity=WARNING,
        title="More than two lines",
        message="{detail} sentences where the two-line mode allows two",
        cure="one sentence for the reason, one for the next step",
        source="[lint] two_lines",
        check=_two_lines,
        whole=True,
        fires=(Example("You asked. I looked. It works.", settings=Settings(two_lines=True)),),
        silent=(
            Example("You asked how it works. I propose Tuesday at 9.", settings=Settings(two_lines=True)),
            Example("You asked. I looked. It works."),
        ),
    ),
    MessageRule(
        code="long-sentence",
        severity=WARNING,
        title="A sentence too long",
        message="a sentence of {detail} words",
        cure="make two of it",
        source="plain-language guides advise 15 to 20 words on average; [lint] most_sentence_words",
        check=_long_sentence,
        fires=(Example("You said that " + "the team and the tools and the plans " * 5 + "matter."),),
        silent=(Example("You said that the team matters. You said that the tools matter."),),
    ),
    MessageRule(
        code="reading-grade",
        severity=INFO,
        title="Hard to read",
        message="reads like school grade {detail}",
        cure="use shorter words and shorter sentences",
        source="automated readability index, Smith and Senter 1967; [lint] most_grade",
        check=_grade,
        whole=True,
        fires=(
            Example(
                "Organisational transformation necessitates comprehensive interdepartmental coordination mechanisms. "
                "Implementation methodologies facilitate operational standardisation throughout heterogeneous "
                "environments, "
                "notwithstanding infrastructural constraints affecting multinational enterprises internationally, "
                "particularly considering regulatory requirements. Organisational documentation accompanies everything."
            ),
        ),
        silent=(Example("You have a plan. It is a good plan. " * 6),),
    ),
)

"""What is in it for the reader."""

from __future__ import annotations

from collections.abc import Iterable

from cadenced.wording.draft import View
from cadenced.wording.findings import WARNING, Hit
from cadenced.wording.phrases import fragment
from cadenced.wording.rule import Example, MessageRule, spoken
from cadenced.wording.settings import Settings

_FEW_WORDS = 15
NAME_FIELDS = frozenset({"first_name", "last_name", "email", "unsubscribe_url", "mailbox", "now", "step", "language"})
"""Fields that say nothing of the prospect but how they are called, and what is the sender's own."""


def _no_value(view: View, _: Settings) -> Iterable[Hit]:
    if view.count < _FEW_WORDS or any(mark.voice != "self" for mark in view.marks):
        return
    if any(mark.voice == "you" for mark in view.subject_marks) or not view.marks:
        return
    start, end = view.sentences[0]
    yield Hit(start, end)


def _false_urgency(view: View, settings: Settings) -> Iterable[Hit]:
    day = fragment(view.language, "day")
    for hit in spoken("false-urgency")(view, settings):
        text = view.subject_lower if hit.part == "subject" else view.lower
        start, end = (0, len(text)) if hit.part == "subject" else view.sentence_around(hit.start)
        if not day.search(text, start, end):
            yield hit


def _not_personal(view: View, _: Settings) -> Iterable[Hit]:
    fields = view.draft.fields
    if fields is None or fields - NAME_FIELDS or not view.sentences or view.count < _FEW_WORDS:
        return
    start, end = view.sentences[0]
    yield Hit(start, end)


RULES = (
    MessageRule(
        code="no-value",
        severity=WARNING,
        title="Nothing in it for the reader",
        message="no sentence speaks of the reader",
        cure="say what the reader gains, keeps or learns",
        source="a message that never says you has no reason to be read",
        check=_no_value,
        whole=True,
        fires=(
            Example(
                "We have been leaders since 1990. Our platform is used by many companies, and our team grows.",
                "News",
            ),
            Example(
                "Nous sommes leaders depuis 1990. Notre plateforme sert beaucoup de sociétés, et notre équipe grandit.",
                "Info",
                "fr",
            ),
        ),
        silent=(
            Example("Your team grows each year. We have a guide of four pages that shows how others kept in step."),
            Example("The report is attached. It has four pages; page two shows how the numbers of last year compare."),
        ),
    ),
    MessageRule(
        code="false-urgency",
        severity=WARNING,
        title="Urgency without a date",
        message="“{detail}” presses without a date",
        cure="name the day and what changes then, or leave it out",
        source="real urgency has a date",
        check=_false_urgency,
        fires=(
            Example("Only a few spots left for your team."),
            Example("Please answer asap."),
            Example("Dernière chance pour vos équipes.", "Offre", "fr"),
            Example("Nur noch wenige Plätze frei für Ihr Team.", "Plätze", "de"),
        ),
        silent=(
            Example("Your price ends on Friday, so this is the last chance to keep it."),
            Example("You asked for time to think, and there is no hurry on any side.".replace("hurry", "rush")),
        ),
    ),
    MessageRule(
        code="not-personal",
        severity=WARNING,
        title="Nothing but the name",
        message="the template uses nothing that is known of the prospect but the name",
        cure="use what you know: {{ company }}, {{ role }}, {{ discussed }}, {{ next_step_at }}",
        source="a first name alone is what every mass mailing has",
        check=_not_personal,
        whole=True,
        fires=(),
        silent=(
            Example("You have a large team and a lot of tools. Which of them do you want to keep in the next year?"),
        ),
    ),
)

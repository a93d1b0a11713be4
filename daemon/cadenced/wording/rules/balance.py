"""Who the message is about."""

from __future__ import annotations

from collections.abc import Iterable

from cadenced.wording.draft import View
from cadenced.wording.findings import ERROR, WARNING, Hit
from cadenced.wording.phrases import pattern_of
from cadenced.wording.rule import Example, MessageRule
from cadenced.wording.settings import Settings

_FAIR = 1 / 3


def _self_centred(view: View, settings: Settings) -> Iterable[Hit]:
    if view.most_ours < settings.least_self:
        return
    ours = [("body", mark) for mark in view.marks if mark.voice == "self"]
    ours += [("subject", mark) for mark in view.subject_marks if mark.voice == "self"]
    if len(ours) < settings.least_self:
        return
    share = weighted_share(view)
    if share < max(_FAIR, settings.least_share):
        part, first = ours[0]
        yield Hit(first.start, first.end, f"{share:.0%}", part, share >= settings.least_share)


def weighted_share(view: View) -> float:
    """Return the reader's share of the pronouns; the subject and the first sentence count double."""
    weights = {"self": 0, "you": 0, "joint": 0}
    for mark in view.marks:
        weights[mark.voice] += 2 if mark.start < view.opening else 1
    for mark in view.subject_marks:
        weights[mark.voice] += 2
    total = weights["self"] + weights["you"]
    return weights["you"] / total if total else 1.0


def _opens_with_self(view: View, _: Settings) -> Iterable[Hit]:
    if not view.sentences:
        return
    start, end = view.sentences[0]
    first = next(iter(view.marks), None)
    if first is not None and first.start == start and first.voice == "self":
        yield Hit(first.start, first.end, view.draft.body[first.start : first.end])
        return
    match = pattern_of(view.language, "company").match(view.lower, start)
    if match:
        yield Hit(match.start(), min(end, match.end()), view.draft.body[match.start() : match.end()])


RULES = (
    MessageRule(
        code="self-centred",
        severity=ERROR,
        title="The message is about its sender",
        message="only {detail} of the words I, we and you are about the reader",
        cure="begin sentences with what the reader said, has or wants, and keep for yourself only what you will do",
        source="the sales coach's count of I against you; subject and first sentence weigh double",
        check=_self_centred,
        whole=True,
        fires=(
            Example(
                "I am writing because we launched our platform. We think our team can help and I want to show my demo."
            ),
            Example(
                "Nous avons lancé notre offre. Je pense que nous sommes les meilleurs et je veux montrer ma démo.",
                "Notre offre",
                "fr",
            ),
            Example(
                "Wir haben unser Produkt erneuert. Ich denke, dass wir gut sind, und ich will es zeigen.",
                "Unser Produkt",
                "de",
            ),
        ),
        silent=(
            Example(
                "You told me the next month was going to be very busy on your end, so I wanted to know where you stand."
            ),
            Example("I agree. See you on Tuesday at 9."),
        ),
    ),
    MessageRule(
        code="opens-with-self",
        severity=WARNING,
        title="The first word is I",
        message="the message opens with its sender (“{detail}”)",
        cure="open with the reader: what they said, what changed for them, what they wanted",
        source="the first line is what an inbox shows beside the subject",
        check=_opens_with_self,
        fires=(
            Example("Hello Mike,\n\nI would like to tell you about your options for March."),
            Example("Hello Mike,\n\nMy name is Julie and you asked for a call."),
            Example("Bonjour Marc,\n\nNotre société aide vos équipes.", "Votre équipe", "fr"),
        ),
        silent=(
            Example("Hello Mike,\n\nYou asked on Monday how the switch would work. I found the answer."),
            Example("Hey Mike, it's Julie from ABC. You said March was busy."),
        ),
    ),
)

"""What makes a message look like advertising."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cadenced.wording.draft import View
from cadenced.wording.findings import WARNING, Hit
from cadenced.wording.rule import Example, MessageRule, spoken
from cadenced.wording.settings import Settings

_MARKS = re.compile(r"![!?]*!")
_LINK = re.compile(r"https?://|www\.|\]\(|!\[|<img\b", re.IGNORECASE)
_FEW_WORDS = 5


def _exclamation(view: View, _: Settings) -> Iterable[Hit]:
    if "!" not in view.body:
        return
    for match in _MARKS.finditer(view.body):
        yield Hit(match.start(), match.end(), match.group(), replacements=("!",))
    single = view.body.count("!")
    if single > 2 and not _MARKS.search(view.body):
        last = view.body.rindex("!")
        yield Hit(last, last + 1, f"{single} exclamation marks")


def _only_links(view: View, _: Settings) -> Iterable[Hit]:
    if view.count <= _FEW_WORDS:
        match = _LINK.search(view.draft.body)
        if match:
            yield Hit(match.start(), match.end())


RULES = (
    MessageRule(
        code="spam-words",
        severity=WARNING,
        title="Words of spam",
        message="“{detail}” is what spam says",
        cure="say the plain fact",
        source="the word lists that mail filters have weighed for decades",
        check=spoken("spam-words"),
        fires=(
            Example("Click here to see your price."),
            Example("Your free gift waits."),
            Example("Cliquez ici pour voir vos prix.", "Vos prix", "fr"),
            Example("Klicken Sie hier für Ihren Preis.", "Preis", "de"),
            Example("Klik hier voor je prijs.", "Prijs", "nl"),
        ),
        silent=(Example("You are free on Tuesday, and the order of your points is kept."),),
    ),
    MessageRule(
        code="exclamation",
        severity=WARNING,
        title="Exclamation marks",
        message="{detail}",
        cure="one is plenty",
        source="filters and readers take them for advertising",
        check=_exclamation,
        fires=(Example("You did it!! Great."), Example("Hi! You did it! Great! So good!")),
        silent=(Example("You did it! Great."),),
    ),
    MessageRule(
        code="only-links",
        severity=WARNING,
        title="Only images or links",
        message="hardly a word beside images and links",
        cure="write what the reader would find there, and why",
        source="a message of images alone cannot be read by filters, nor by everybody",
        check=_only_links,
        whole=True,
        fires=(Example("![Offer](https://abc.example/offer.png)"), Example("See https://abc.example/offer")),
        silent=(
            Example("You asked for the guide of four pages: https://abc.example/guide shows how others began."),
            Example("Thank you!"),
        ),
    ),
)

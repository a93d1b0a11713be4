"""Variables that were never filled, as a rendered message shows them."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cadenced.wording.draft import View
from cadenced.wording.findings import ERROR, Hit
from cadenced.wording.rule import Example, MessageRule
from cadenced.wording.settings import Settings

_FIELDS = (
    r"(?:first|last|full|company|your|contact|recipient|prospect|client|customer)[ _-]?(?:name|company|title)|"
    r"firstname|lastname|prénom|vorname|voornaam"
)
_IN_FIELDS = ("name", "company", "title", "nom", "soci", "firma", "bedrijf", "naam")
"""One of these stands in every field that is not in braces."""
_FOLDED = ("\u017f", "\u0130", "\u0131")
"""Signs that an expression without case takes for s and i, and lower case does not."""
_UNFILLED = re.compile(
    r"\{\{[^{}\n]{0,80}\}\}|\{%[^%\n]{0,80}%\}|\[(?:name|company|nom|société|firma|bedrijf)\](?!\()|"
    rf"(?<![\w!\]])[\[<{{%*|]{{1,2}}[ ]?(?:{_FIELDS}|(?<=%)(?:company|name))[ ]?[\]>}}%*|]{{1,2}}(?![\w(])",
    re.IGNORECASE,
)
_GREETED_NOBODY = re.compile(
    r"\A\s*(?:hello|hi|hey|dear|good morning|bonjour|cher|chère|hallo|guten tag|liebe|lieber|beste|geachte|hola|"
    r"ciao|olá)"
    r"[ \t]+(?:[,;!:]|none\b|null\b|undefined\b|nan\b|n/a\b)",
    re.IGNORECASE,
)


def _unfilled(view: View, _: Settings) -> Iterable[Hit]:
    body, subject = view.draft.body, view.draft.subject
    match = _GREETED_NOBODY.match(body) if view.draft.fields is None else None
    if match and not (match.group().rstrip()[-1] in "!:;" and "," not in match.group() and view.language.code == "fr"):
        yield Hit(len(match.group()) - len(match.group().lstrip()), match.end(), " ".join(match.group().split()))
    for part, text in (("body", body), ("subject", subject)):
        if _suspect(text):
            for found in _UNFILLED.finditer(view.readable if part == "body" and "`" in text else text):
                yield Hit(found.start(), found.end(), found.group(), part)


def _suspect(text: str) -> bool:
    """Whether there can be a field at all: brackets alone are links as a rule."""
    if "{{" in text or "{%" in text:
        return True
    if not ("{" in text or "[" in text or "<" in text or "%" in text or "*|" in text):
        return False
    lower = text.lower()
    return any(part in lower for part in _IN_FIELDS) or any(sign in text for sign in _FOLDED)


RULES = (
    MessageRule(
        code="unfilled",
        severity=ERROR,
        title="A variable without a value",
        message="“{detail}” was never filled in",
        cure="give the column a value, or the template a fallback that reads well",
        source="the message that nobody forgives",
        check=_unfilled,
        fires=(
            Example("Hello ,\n\nyou asked for the plan."),
            Example("Hello {{ first_name }},\n\nyou asked for the plan."),
            Example("Hi [First Name],\n\nyou asked for the plan."),
            Example("Dear None,\n\nyou asked for the plan."),
            Example("You asked for it.", "A plan for %COMPANY%"),
        ),
        silent=(
            Example("Hello Mike,\n\nyou asked for the plan."),
            Example("Bonjour !\n\nVous vouliez le plan.", "Le plan", "fr"),
            Example("Hello,\n\nyou asked for 10 % and [the plan](https://abc.example)."),
        ),
    ),
)

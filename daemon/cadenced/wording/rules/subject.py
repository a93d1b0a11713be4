"""The subject line."""

from __future__ import annotations

import re
from collections.abc import Iterable

from cadenced.wording.draft import View
from cadenced.wording.findings import WARNING, Hit
from cadenced.wording.rule import Example, MessageRule
from cadenced.wording.settings import Settings

REPLY = re.compile(r"\s*(?:re|fw|fwd|aw|wg|tr|rv|res|sv|antw|réf)\s*:", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]{3,}")
_TEXT = "You asked for the plan, and it is ready for you."


def _long(view: View, settings: Settings) -> Iterable[Hit]:
    subject = view.draft.subject
    length = len(" ".join(subject.split()))
    if length > settings.most_subject:
        yield Hit(0, len(subject), str(length), "subject")


def _shouting(view: View, _: Settings) -> Iterable[Hit]:
    subject = view.draft.subject
    words = _WORD.findall(subject)
    loud = sum(word.isupper() for word in words)
    if loud >= 2 and 2 * loud >= len(words):
        yield Hit(0, len(subject), subject.strip(), "subject")
    elif "!" in subject:
        yield _marks(subject)


def _marks(subject: str) -> Hit:
    """Exclamation marks: at the end they go, elsewhere somebody has to choose."""
    at = subject.index("!")
    last = not subject[at:].strip("! ")
    return Hit(at, len(subject.rstrip()) if last else at + 1, "!", "subject", replacements=("",) if last else ())


def _fake_reply(view: View, _: Settings) -> Iterable[Hit]:
    match = REPLY.match(view.draft.subject)
    if match:
        end = match.end() + len(view.draft.subject[match.end() :]) - len(view.draft.subject[match.end() :].lstrip())
        yield Hit(match.start(), end, match.group().strip(), "subject", replacements=("",))


def _missing(view: View, _: Settings) -> Iterable[Hit]:
    if not view.draft.subject.strip():
        yield Hit(0, 0, "", "subject")


RULES = (
    MessageRule(
        code="subject-long",
        severity=WARNING,
        title="Subject too long",
        message="a subject of {detail} characters",
        cure="say it in 60; a phone shows 40",
        source="what inbox lists show; [lint] most_subject",
        check=_long,
        whole=True,
        fires=(Example(_TEXT, "Your plan for the next quarter of the year, and how your team can keep it in step"),),
        silent=(Example(_TEXT, "Your plan for March"),),
    ),
    MessageRule(
        code="subject-shouting",
        severity=WARNING,
        title="Subject that shouts",
        message="the subject shouts (“{detail}”)",
        cure="write it as you would to a colleague",
        source="filters and readers both take capitals and exclamation marks for advertising",
        check=_shouting,
        fires=(Example(_TEXT, "GREAT NEWS for you"), Example(_TEXT, "Your plan!")),
        silent=(Example(_TEXT, "Your SAP migration"), Example(_TEXT, "GDPR and you: a plan")),
    ),
    MessageRule(
        code="fake-reply",
        severity=WARNING,
        title="A reply that is none",
        message="“{detail}” pretends an earlier conversation",
        cure="leave it out; a step with `thread: continue` gets it by itself where it is true",
        source="16 CFR 316 and 15 USC 7704(a)(2): subject headings must not deceive",
        check=_fake_reply,
        fires=(Example(_TEXT, "Re: your plan"), Example(_TEXT, "FWD: your plan"), Example(_TEXT, "AW: Ihr Plan")),
        silent=(Example(_TEXT, "Return on your plan"), Example(_TEXT, "Your plan, re-read")),
    ),
    MessageRule(
        code="subject-missing",
        severity=WARNING,
        title="No subject",
        message="no subject",
        cure="name what the reader gets, in a few words",
        source="RFC 5322, 3.6.5; many filters count it",
        check=_missing,
        whole=True,
        fires=(Example(_TEXT, " "),),
        silent=(Example(_TEXT, "Your plan"),),
    ),
)

"""A rule is a value: what it says, what to do instead, where it comes from, and examples that prove it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING, NamedTuple

from cadenced.wording.draft import View
from cadenced.wording.findings import Hit
from cadenced.wording.settings import DEFAULTS, Settings

if TYPE_CHECKING:  # the gate needs neither sequences nor Jinja
    from cadenced.core.sequence import Sequence
    from cadenced.wording.template import Template

_NO_TEMPLATES: Mapping[str, str] = MappingProxyType({})


class Example(NamedTuple):
    """A message that a rule must or must not fire on; `template` examples are linted as sources."""

    body: str
    subject: str = "Your plan for March"
    language: str = "en"
    settings: Settings = DEFAULTS


class Course(NamedTuple):
    """A sequence that a rule must or must not fire on, with the sources of its templates."""

    sequence: Sequence
    templates: Mapping[str, str] = _NO_TEMPLATES


MessageCheck = Callable[[View, Settings], Iterable[Hit]]


@dataclass(frozen=True, slots=True)
class Rule:
    """What all rules have. In `message` the word `{detail}` stands for what was found."""

    code: str
    severity: str
    title: str
    message: str
    cure: str
    source: str

    def says(self, detail: str) -> str:
        """Return the message about one finding, with its cure."""
        return f"{self.message.replace('{detail}', detail)}: {self.cure}"


@dataclass(frozen=True, slots=True)
class MessageRule(Rule):
    """Judges one message, as a template's branch or as it is about to leave."""

    check: MessageCheck
    fires: tuple[Example, ...]
    silent: tuple[Example, ...]
    whole: bool = False
    """Whether it judges the message as a whole, so that a template with several branches is told once."""


@dataclass(frozen=True, slots=True)
class TemplateRule(Rule):
    """Judges a template's source; examples are sources."""

    check: Callable[[Template, Settings], Iterable[Hit]]
    fires: tuple[str, ...]
    silent: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SequenceRule(Rule):
    """Judges a sequence as a whole; a hit's `start` is the index of the step, -1 the sequence itself."""

    check: Callable[[Course, Settings], Iterable[Hit]]
    fires: tuple[Course, ...]
    silent: tuple[Course, ...]


def spoken(code: str) -> MessageCheck:
    """Return a check that fires on the language's phrases under `code`, in the body and in the subject."""

    def check(view: View, _: Settings) -> Iterable[Hit]:
        for part, found in (("body", view.phrases), ("subject", view.subject_phrases)):
            text = view.body if part == "body" else view.draft.subject
            last = -1
            for start, end, mild in found.get(code, ()):
                if start >= last:
                    yield Hit(start, end, " ".join(text[start:end].split()), part, mild)
                    last = end

    return check

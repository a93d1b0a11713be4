"""A draft and how it is read: the message's words once, for all rules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from cadenced.wording import ear, voice
from cadenced.wording import language as languages
from cadenced.wording import phrases as phrasebook
from cadenced.wording import text as texts
from cadenced.wording.phrases import Phrase

_WORDS = re.compile(r"[^\W\d_]+")
_SENTENCE = re.compile(r"(?:[^.!?\n]+|\n(?![ \t]*(?:\n|[-*•]|\d+[.)]))|[.!?](?![\s.!?]|\Z))+[.!?]*")


@dataclass(frozen=True, slots=True)
class Draft:
    """One message to be judged: subject, Markdown body, and what is known of how it came about.

    `fields` are the prospect's fields that a template uses, None for a rendered text, where nobody can tell.
    """

    subject: str
    body: str
    language: str = ""
    fields: frozenset[str] | None = None


class View:
    """A draft as the rules read it; everything is worked out once and only when asked for.

    `body` has the length of the draft's body, with blanks where the words are not the message's own. `codes` are the
    rules that will be asked, None for all: phrases of others are not looked for.
    """

    def __init__(self, draft: Draft, codes: frozenset[str] | None = None) -> None:
        self.draft = draft
        self._codes = codes
        self.readable = texts.without_markup(draft.body)
        self.language = languages.chosen(self.readable, draft.language)
        self.body = texts.without_frame(self.readable, self.language)
        self.lower = languages.fold(self.body)
        self.subject_lower = languages.fold(draft.subject)
        listening = ear.of(self.language, codes)
        self._pieces = self.lower.split()
        self._heard = listening.hear(self._pieces)
        self._heard_in_subject = listening.hear(self.subject_lower.split())

    @cached_property
    def words(self) -> list[str]:
        """The own words, folded, without numbers and punctuation."""
        return _WORDS.findall(self.lower)

    @property
    def count(self) -> int:
        """The number of own words."""
        return len(self._pieces)

    @property
    def most_ours(self) -> int:
        """As many pronouns of body and subject can be about the writer; there may be fewer."""
        return self._heard.ours + self._heard_in_subject.ours

    @cached_property
    def phrases(self) -> dict[str, list[Phrase]]:
        """The language's phrases in the body, by the rule they belong to; offsets are the draft's."""
        return phrasebook.find(self.lower, self._heard.words, self.language, self._codes)

    @cached_property
    def subject_phrases(self) -> dict[str, list[Phrase]]:
        """The language's phrases in the subject."""
        return phrasebook.find(self.subject_lower, self._heard_in_subject.words, self.language, self._codes)

    def has_next_step(self) -> bool:
        """Whether a phrase says what happens next."""
        heard = self._heard if self._codes is None else ear.of(self.language, None).hear(self._pieces)
        return phrasebook.has(phrasebook.NEXT_STEP, self.lower, heard.words, self.language)

    @cached_property
    def sentences(self) -> list[tuple[int, int]]:
        """Start and end of each sentence of the body that has a letter in it, in the draft's offsets."""
        found = []
        for match in _SENTENCE.finditer(self.body):
            text = match.group()
            if not text.isspace():
                found.append((match.start() + len(text) - len(text.lstrip()), match.start() + len(text.rstrip())))
        return found

    @cached_property
    def opening(self) -> int:
        """The end of the first sentence, 0 where there is none."""
        for match in _SENTENCE.finditer(self.body):
            if not match.group().isspace():
                return match.start() + len(match.group().rstrip())
        return 0

    @cached_property
    def marks(self) -> list[voice.Mark]:
        """The body's pronouns."""
        return voice.marks(self.body, self.language)

    @cached_property
    def subject_marks(self) -> list[voice.Mark]:
        """The subject's pronouns."""
        return voice.marks(self.draft.subject, self.language)

    def sentence_around(self, offset: int) -> tuple[int, int]:
        """Return the sentence that an offset of the draft's body stands in."""
        return next((one for one in self.sentences if one[0] <= offset < one[1]), (0, len(self.body)))

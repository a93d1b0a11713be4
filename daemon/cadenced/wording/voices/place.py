"""Where a word stands: what a doubtful pronoun is judged by."""

from __future__ import annotations

import re
from collections.abc import Callable

REACH = 40
SENTENCE_END = ".!?…"
OPENERS = " \t\"'“”„‚‘’«»()[]*_–—-•\u00a0\u202f"
_WORD = re.compile(r"[^\W_]+(?:['’-][^\W_]+)*")


def words(text: str) -> frozenset[str]:
    """Return the words of a list written as a text."""
    return frozenset(text.split())


class Place:
    """One occurrence of a word in a text; `lower` is the same text folded, of the same length."""

    __slots__ = ("end", "lower", "start", "text", "word")

    def __init__(self, text: str, lower: str, start: int, end: int) -> None:
        self.text = text
        self.lower = lower
        self.start = start
        self.end = end
        self.word = lower[start:end]

    @property
    def written(self) -> str:
        """The word as it was written, capitals kept."""
        return self.text[self.start : self.end]

    @property
    def previous(self) -> str:
        """The character before the word, "" at the start of the text."""
        return self.text[self.start - 1] if self.start else ""

    @property
    def following(self) -> str:
        """The character after the word, "" at the end of the text."""
        return self.text[self.end : self.end + 1]

    def before(self) -> str:
        """Return the folded word before on the same line, its punctuation kept; "" where there is none."""
        head = self.lower[max(0, self.start - REACH) : self.start]
        parts = head.rsplit("\n", 1)[-1].split()
        return parts[-1] if parts else ""

    def after(self) -> str:
        """Return the folded word after, without punctuation; "" where punctuation or the end comes first."""
        tail = self.lower[self.end : self.end + REACH]
        stripped = tail.lstrip(" \t\u00a0")
        match = _WORD.match(stripped)
        return match.group() if match else ""

    def after_as_written(self) -> str:
        """Return the word after with its capitals; "" where punctuation comes first."""
        stripped = self.text[self.end : self.end + REACH].lstrip(" \t\u00a0")
        match = _WORD.match(stripped)
        return match.group() if match else ""

    def before_as_written(self) -> str:
        """Return the word before with its capitals and punctuation; "" where there is none."""
        head = self.text[max(0, self.start - REACH) : self.start]
        parts = head.rsplit("\n", 1)[-1].split()
        return parts[-1] if parts else ""

    def after_dot(self) -> str:
        """Return what follows a dot right behind the word, up to the next blank."""
        parts = self.text[self.end + 1 : self.end + REACH].split(None, 1)
        return parts[0] if parts else ""

    def opens_sentence(self, marks: str = SENTENCE_END + ":") -> bool:
        """Whether nothing but quotes, brackets and dashes stands between the word and the sentence's start."""
        head = self.text[max(0, self.start - 12) : self.start].rstrip(OPENERS)
        if not head:
            return self.start <= 12 or not self.text[: self.start].rstrip(OPENERS)
        return head[-1] in marks or head[-1] == "\n"

    def sentence(self) -> tuple[int, int]:
        """Start and end of the sentence around, at most 400 characters either way."""
        low, high = max(0, self.start - 400), min(len(self.text), self.end + 400)
        starts = [self.text.rfind(mark, low, self.start) + 1 for mark in (". ", "! ", "? ", "\n\n")]
        ends = [at for mark in ".!?" if (at := self.text.find(mark, self.end, high)) >= 0]
        return max([low, *starts]), min([high, *ends])


Doubt = Callable[[Place], bool]
"""Whether the word at a place is the pronoun it looks like."""

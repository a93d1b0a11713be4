"""Every place in a sentence that names a day or a stretch of days, read against the day the mail was sent."""

import re
from dataclasses import dataclass
from datetime import date

from cadenced.reading.dates_grammar import Grammar
from cadenced.reading.dates_resolve import RESOLVERS, Reading


@dataclass(frozen=True, slots=True)
class Mention:
    """Characters `start` to `end` of a sentence name the days `first` to `last`."""

    start: int
    end: int
    first: date
    last: date
    kind: str

    @property
    def day(self) -> bool:
        """Say whether one day is named."""
        return self.first == self.last


def find(sentence: str, reading: Reading) -> list[Mention]:
    """Find the mentions in a lower-case sentence, in order, none overlapping; ranges are put together."""
    found: list[Mention] = []
    taken = bytearray(len(sentence) + 1)
    for name, regex in reading.grammar.rules:
        for match in regex.finditer(sentence):
            start, end = match.start("day" if name == "only_day" else 0), match.end()
            if start == end or any(taken[start:end]):
                continue
            span = RESOLVERS[name](match, reading)
            if span is not None:
                found.append(Mention(start, end, *span, name))
                taken[start:end] = b"\x01" * (end - start)
    found.sort(key=lambda mention: mention.start)
    return _join_ranges(sentence, found, reading.grammar)


def _join_ranges(sentence: str, found: list[Mention], grammar: Grammar) -> list[Mention]:
    joined: list[Mention] = []
    for mention in found:
        before = joined[-1] if joined else None
        if before and _joins(sentence, before, mention, grammar):
            joined[-1] = Mention(before.start, mention.end, before.first, mention.last, "range")
        else:
            joined.append(mention)
    return joined


_BETWEEN = re.compile(r"\b(?:between|entre|zwischen|tussen|tra|fra|mellan|both)\b[^.;]{0,40}$")
_AND = re.compile(r"\s*,?\s*(?:and|et|und|en|y|e|och)\b")


def _joins(sentence: str, before: Mention, mention: Mention, grammar: Grammar) -> bool:
    between = sentence[before.end : mention.start]
    if len(between) > 24 or mention.last < before.first or before.kind == "range":
        return False
    if not between.strip() or not grammar.connector.fullmatch(between):
        return False
    return not _AND.match(between) or bool(_BETWEEN.search(sentence[: before.start]))

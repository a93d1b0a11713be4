"""Every place in a sentence that names a day or a stretch of days, read against the day the mail was sent."""

import re
from dataclasses import dataclass
from datetime import date, timedelta

from cadenced.reading import dates_calendar as cal
from cadenced.reading.dates_grammar import Grammar
from cadenced.reading.dates_reading import Reading
from cadenced.reading.dates_resolve import RESOLVERS


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


def find(sentence: str, reading: Reading, present: frozenset[str]) -> list[Mention]:
    """Find the mentions in a lower-case sentence that holds these keys, in order, none overlapping, ranges joined."""
    found: list[Mention] = []
    taken = bytearray(len(sentence) + 1)
    for name, regex in reading.grammar.possible(present):
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
        if before and _names_year(sentence, before, mention):
            joined[-1] = _in_year(before, mention)
        elif before and _joins(sentence, before, mention, grammar):
            kind = "weekdays" if before.kind == mention.kind == "weekday" else "range"
            joined[-1] = Mention(before.start, mention.end, before.first, mention.last, kind)
        elif before and _same_week(sentence, before, mention):
            joined[-1] = _day_of_week(before, mention)
        elif before and before.kind == "weekday" and mention.day and _is_beside(sentence, before, mention):
            joined[-1] = Mention(before.start, mention.end, mention.first, mention.last, mention.kind)
        else:
            joined.append(mention)
    return joined


_BETWEEN = re.compile(r"\b(?:between|entre|zwischen|tussen|tra|fra|mellan|both)\b[^.;]{0,40}$")
_AND = re.compile(r"\s*,?\s*(?:and|et|und|en|y|e|och)\b")
_LEAD = re.compile(r"[^\d]{0,24}")
_DATED = frozenset({"date", "numeric", "short", "iso", "only_day"})


_PARTS = frozenset({"month", "quarter", "season", "part_month", "half_year"})


def _names_year(sentence: str, before: Mention, mention: Mention) -> bool:
    """`spring next year`, `im März nächsten Jahres`: a part of a year and the whole year that it belongs to."""
    whole = (mention.last - mention.first).days > 300
    return whole and before.kind in _PARTS and len(sentence[before.end : mention.start]) < 10


def _in_year(before: Mention, mention: Mention) -> Mention:
    months = 12 * max(0, mention.first.year - before.first.year)
    first, last = (cal.plus_months(day, months) for day in (before.first, before.last))
    return Mention(before.start, mention.end, first, last, before.kind)


_WEEKS = frozenset({"next", "after_next", "week"})


def _same_week(sentence: str, before: Mention, mention: Mention) -> bool:
    """`Tuesday of next week`, `next week on Tuesday`: a week and a day of it side by side."""
    kinds = {before.kind, mention.kind}
    lengths = {(found.last - found.first).days for found in (before, mention)}
    between = sentence[before.end : mention.start]
    return (
        "weekday" in kinds and bool(kinds & _WEEKS) and lengths == {0, 4} and len(between) < 10 and "," not in between
    )


def _day_of_week(before: Mention, mention: Mention) -> Mention:
    week, day = (mention, before) if before.kind == "weekday" else (before, mention)
    found = week.first + timedelta(day.first.weekday())
    return Mention(before.start, mention.end, found, found, "date")


def _is_beside(sentence: str, before: Mention, mention: Mention) -> bool:
    """`Monday 20/4`: the name of the day belongs to the number behind it."""
    return mention.kind in _DATED and not sentence[before.end : mention.start].strip(" ,(")


def _joins(sentence: str, before: Mention, mention: Mention, grammar: Grammar) -> bool:
    """Say whether a word such as "to" stands between; a date may have swallowed it as its article."""
    lead = _LEAD.match(sentence, before.end)
    between = lead[0] if lead and mention.kind in _DATED else sentence[before.end : mention.start]
    if len(between) > 24 or mention.last < before.first or before.kind == "range":
        return False
    if not between.strip() or not _connects(between, mention, grammar):
        return False
    return not _AND.match(between) or bool(_BETWEEN.search(sentence[: before.start]))


def _connects(between: str, mention: Mention, grammar: Grammar) -> bool:
    match = grammar.connector.match(between)
    if not match:
        return False
    behind = between[match.end() :].strip(" ,.")
    return not behind or (mention.kind in _DATED and grammar.weekday(behind) >= 0)

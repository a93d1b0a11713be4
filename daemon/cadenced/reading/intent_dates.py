"""What a day says about an answer: a far one asks for patience, a near one offers to talk."""

import re
from functools import cache
from typing import Literal

from cadenced.reading import dates_grammar

Distance = Literal["far", "near", ""]

_FAR = frozenset(
    {"part_month", "part_year", "half_year", "part_next", "quarter", "week", "month_end", "quarter_end", "year_end"}
    | {"new_year", "rentree", "feast", "holidays", "season", "month", "in", "after_next"}
)
_NEAR = frozenset({"weekday_day", "weekday", "tomorrow", "day_after_tomorrow", "date", "only_day"})


def may_name_a_day(lowered: str, language: str) -> bool:
    """Say whether a lower-case sentence holds a digit or a word that can name a day; the cheap look."""
    return dates_grammar.grammar(language).names_a_day(lowered)


def distance(lowered: str, language: str, near: bool) -> Distance:
    """Say whether a sentence names a season, month or later, or, if asked for, a day that is near."""
    if _any_of(language, far=True).search(lowered):
        return "far"
    return "near" if near and _any_of(language, far=False).search(lowered) else ""


def asks_for_contact(lowered: str, language: str) -> bool:
    """Say whether the sentence speaks of writing, calling or talking."""
    return dates_grammar.grammar(language).cues["contact"].search(lowered) is not None


@cache
def _any_of(language: str, far: bool) -> re.Pattern[str]:
    names = _FAR if far else _NEAR
    rules = dates_grammar.grammar(language).rules
    pieces = [re.sub(r"\?P<\w+>", "?:", rule.pattern) for name, rule in rules if name in names]
    return re.compile("|".join(f"(?:{piece})" for piece in pieces))

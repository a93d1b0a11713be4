"""What a day says about an answer: a far one asks for patience, a near one offers to talk."""

from typing import Literal

from cadenced.reading import dates_grammar, presence

Distance = Literal["far", "near", ""]

_FAR = frozenset(
    {"part_month", "part_year", "half_year", "part_next", "quarter", "week", "month_end", "quarter_end", "year_end"}
    | {"new_year", "rentree", "feast", "holidays", "season", "month", "in", "after_next"}
)
_NEAR = frozenset({"weekday_day", "weekday", "tomorrow", "day_after_tomorrow", "date", "only_day"})


def keys(language: str) -> presence.Index:
    """Return what a text is to be asked for."""
    return dates_grammar.grammar(language).keys


def may_name_a_day(lowered: str, language: str, present: frozenset[str]) -> bool:
    """Say whether a lower-case sentence holds a digit or a word that can name a day; the cheap look."""
    return dates_grammar.grammar(language).names_a_day(lowered, present)


def distance(lowered: str, language: str, near: bool, present: frozenset[str]) -> Distance:
    """Say whether a sentence names a season, month or later, or, if asked for, a day that is near."""
    rules = dates_grammar.grammar(language).possible(present)
    if any(name in _FAR and regex.search(lowered) for name, regex in rules):
        return "far"
    return "near" if near and any(name in _NEAR and regex.search(lowered) for name, regex in rules) else ""


def asks_for_contact(lowered: str, language: str) -> bool:
    """Say whether the sentence speaks of writing, calling or talking."""
    return dates_grammar.grammar(language).cues["contact"].search(lowered) is not None

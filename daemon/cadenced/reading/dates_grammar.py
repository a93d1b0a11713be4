"""The words of a language for days, compiled: one `Grammar` for each language, built at first use from dates.toml."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from cadenced.reading import patterns, patterns_keys, presence
from cadenced.reading.patterns_keys import Branch, Row

_DASH = r"\s?[-–—]\s?"
_UNITS = ("day", "week", "fortnight", "month", "quarter", "half", "year")


@dataclass(frozen=True)
class Grammar:
    """Regular expressions over lower-case text, and the meaning of the words in them."""

    language: str
    order: str
    rules: tuple[tuple[str, Branch], ...]
    row: Row
    months: Mapping[str, int]
    weekdays: tuple[re.Pattern[str], ...]
    numbers: Mapping[str, int]
    quarters: Mapping[str, int]
    nth: Mapping[str, int]
    spelled: tuple[re.Pattern[str], ...]
    units: tuple[tuple[str, re.Pattern[str]], ...]
    names: tuple[Branch, ...]
    names_row: Row
    keys: presence.Index
    connector: re.Pattern[str]
    preposition: re.Pattern[str]
    after_event: re.Pattern[str]
    inclusive: re.Pattern[str]
    lead: re.Pattern[str]
    cues: Mapping[str, re.Pattern[str]]

    def names_a_day(self, sentence: str, present: frozenset[str]) -> bool:
        """Say whether a lower-case sentence that holds these keys has a digit or a word that can name a day."""
        if presence.DIGIT in present:
            return True
        return any(self.names[at].regex.search(sentence) for at in self.names_row.possible(present))

    def names_a_quarter(self, text: str, present: frozenset[str]) -> bool:
        """Say whether a lower-case text that holds these keys names a quarter of the year."""
        return any(name == "quarter" and regex.search(text) for name, regex in self.possible(present))

    def earlier(self, kind: str, text: str) -> re.Match[str] | None:
        """Return the last mention of this kind in the lower-case text before a sentence that goes back to it."""
        rules = (rule.regex for name, rule in self.rules if name == kind)
        found = (match for regex in rules for match in regex.finditer(text))
        return max(found, key=lambda match: match.start(), default=None)

    def possible(self, present: frozenset[str]) -> list[tuple[str, re.Pattern[str]]]:
        """Return the rules that can match in a lower-case sentence which holds these keys, in order."""
        return [(self.rules[at][0], self.rules[at][1].regex) for at in self.row.possible(present)]

    def month(self, word: str) -> int:
        """Return 1 to 12 for a month's name or its abbreviation."""
        return self.months.get(word.rstrip("."), 0)

    def weekday(self, word: str) -> int:
        """Return 0 (Monday) to 6 for the name of a day."""
        return next((index for index, regex in enumerate(self.weekdays) if regex.match(word)), -1)

    def number(self, word: str) -> int:
        """Return the value of a digit or a number word; 0 stands for a half."""
        return int(word) if word.isdigit() else self.numbers.get(" ".join(word.split()), 1)

    def ordinal(self, word: str) -> int:
        """Return 1 to 4 for `first` to `fourth`, -1 for `last`, 0 for any other word."""
        return next((number for start, number in self.nth.items() if word.startswith(start)), 0)

    def spelled_day(self, words: str) -> int:
        """Return 1 to 31 for a day of the month in words, else 0."""
        return next((day for day, regex in enumerate(self.spelled, 1) if regex.fullmatch(words)), 0)

    def unit(self, word: str) -> str:
        """Return day, week, fortnight, month, quarter or year."""
        return next((name for name, regex in self.units if regex.fullmatch(word)), "")


@cache
def grammar(language: str) -> Grammar:
    """Build the grammar of a language; an unknown language is read as English."""
    table = patterns.table("dates")
    words = table.get(language) if language != "feasts" else None
    return _build(language if words else "en", words or table["en"], table["feasts"])


def _build(language: str, words: Mapping[str, Any], feasts: Mapping[str, Any]) -> Grammar:
    months = {name: number for number, names in enumerate(words["months"], 1) for name in names.split("|")}
    rules = tuple((name, patterns_keys.branch(re.compile(regex), _MOST_KEYS)) for name, regex in _rules(words, feasts))
    words_for_days = [name for name in _names(words, feasts) if not _NUMBERED.search(name)]
    names = tuple(patterns_keys.branch(re.compile(rf"(?<!\w)(?:{name})(?!\w)")) for name in words_for_days)
    return Grammar(
        language=language,
        order=words["order"],
        rules=rules,
        row=Row(rule for _, rule in rules),
        months=months,
        weekdays=tuple(
            re.compile(rf"(?:{full}|(?:{short})\b)")
            for full, short in zip(words["weekdays"], words["short"], strict=True)
        ),
        numbers=words["numbers"],
        quarters=words["quarters"],
        nth=words["nth"],
        spelled=tuple(re.compile(regex) for regex in words["spelled"]),
        units=tuple((name, re.compile(words["units"][name])) for name in _UNITS),
        names=names,
        names_row=Row(names),
        keys=presence.index(
            key for one in (*names, *(rule for _, rule in rules)) for key in (*one.every, presence.DIGIT)
        ),
        connector=re.compile(rf"\s*(?:[-–—]|(?:,\s*)?(?:{words['to']})(?!\w))\s*(?:{words['article']}){{0,2}}"),
        preposition=_preposition(words),
        after_event=re.compile(rf"(?<!\w)(?:{words['after']})\s+(?:[\w'-]+\s+){{1,6}}(?:\w{{1,4}}['’])?$"),
        inclusive=re.compile(rf"[\s,(]{{0,3}}(?:{words['inclusive']})(?!\w)"),
        lead=_lead(words),
        cues={
            name: re.compile(rf"(?<!\w)(?:{words[name]})(?!\w)")
            for name in ("back", "answer", "away", "contact", "anaphora")
        }
        | {"negation": re.compile(rf"(?<!\w)(?:{words['negation']})(?!\w)|n['’]t\b|(?<!\w)n['’]")},
    )


def _lead(words: Mapping[str, Any]) -> re.Pattern[str]:
    """Return what names a time so long before another: `a couple of months before`."""
    amount = rf"(?P<k>\d{{1,2}}|{_any(sorted(words['numbers'], key=len, reverse=True))})"
    return re.compile(rf"(?<!\w){amount}\s+(?P<u>{_any(words['units'].values())})\s+(?:{words['lead']})(?!\w)")


_MOST_KEYS = 400  # of an expression; the feasts are many
_NUMBERED = re.compile(r"\[1-4\]|\[12\]|\\d|\(\?!x\)x")  # names that hold a digit, and those that are never met


def _names(words: Mapping[str, Any], feasts: Mapping[str, Any]) -> list[str]:
    """Return the words that can name a day, each an expression."""
    names = [*words["months"], *words["weekdays"], *words["units"].values(), *words["seasons"].values()]
    names += [
        words[key]
        for key in ("today", "tomorrow", "day_after_tomorrow", "holidays", "rest_of_week", "weekend", "new_year")
    ]
    names += [_ungrouped(words[key]) for key in ("month_end", "year_end", "quarter", "half_year")] + (
        [words["rentree"]] if "rentree" in words else []
    )
    names += [feast["words"] for feast in feasts.values()]
    names += [r"\w{3,12}(?:woche|hälfte)"] if "januar|jänner" in words["months"][0] else []
    return [piece for name in names for piece in patterns_keys.parts(name)]


def _preposition(words: Mapping[str, Any]) -> re.Pattern[str]:
    kinds = ("through", "until", "after", "before", "ends", "from")
    groups = "|".join(f"(?P<{kind}>{words[kind]})" for kind in kinds)
    return re.compile(rf"(?<!\w)(?:{groups})[\s,:]*(?:(?:{words['article']}){{0,3}})$")


def _ungrouped(regex: str) -> str:
    return re.sub(r"\?P<\w+>", "?:", regex)


def _any(words: Iterable[str]) -> str:
    return "|".join(words)


def _rules(words: Mapping[str, Any], feasts: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    """Name and expression of every way to name days, the most exact first."""
    yield from _exact(words)
    yield from _relative(words)
    yield from _months(words)
    yield from _weekdays(words)
    yield from _quarter(words)
    yield from _next(words)
    yield from _named(words, feasts)


def _exact(words: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    month = rf"(?P<m>{_any(_sorted_months(words))})\b\.?"
    day = rf"(?P<d>[0-3]?\d){words['ordinal']}"
    first = rf"(?P<d1>[0-3]?\d){words['ordinal']}"
    year = rf"(?:,?{words['of']},?\s+(?P<y>20\d\d)\b)?"
    named = rf"(?:(?P<w>{_any(words['weekdays'])}|(?:{_any(words['short'])})\b\.?),?\s+)?"
    weekday = rf"{named}(?:{words['article']}(?:día |dia )?){{0,2}}"
    to = rf"(?:{_DASH}|\s+(?:{words['to']})\s+)(?:{words['article']}){{0,2}}"
    yield "iso", r"(?<![\d-])(?P<y>20\d\d)-(?P<m>\d\d)-(?P<d>\d\d)(?![\d-])"
    yield (
        "range",
        rf"(?<![\d./:]){weekday}{first}{to}{weekday.replace('?P<w>', '?P<w2>')}{day}{words['of']}\s*{month}{year}",
    )
    yield "range", rf"(?<!\w){month}\s+{first}{to}{day}{year}"
    yield "date", rf"(?<![\d./:]){weekday}{day}{words['of']}[\s\u00a0-]*{month}{year}"
    if words["order"] == "dmy" and words["months"][0].startswith("january"):
        yield (
            "date",
            rf"(?<!\w)(?:(?P<w>{_any(words['weekdays'])}|(?:{_any(words['short'])})\b\.?),?\s+)?{month}\s+(?:the\s+)?{day}(?!\d|:){year}",
        )
    yield (
        "numeric_range",
        r"(?<![\d./:])(?P<d1>[0-3]?\d)\.?(?:\s?[-–—]\s?|\s+bis\s+(?:zum\s+)?)(?P<d>[0-3]?\d)\.(?P<m>[01]?\d)\.(?P<y>\d{4}|\d{2})?(?!\d)",
    )
    spelled = rf"(?P<sd>{_any(sorted(words['spelled'], key=len, reverse=True))})(?:\s+(?:of|de|di|do|av))?"
    yield "spelled", rf"(?<!\w){spelled}\s+{month}{year}"
    yield "numeric", r"(?<![\d./:+-])(?P<a>[0-3]?\d)(?P<s>[./-])(?P<b>[0-3]?\d)(?P=s)(?P<y>20\d\d|\d\d)(?![\d/:-]|\.\d)"
    yield (
        "short",
        r"(?<![\d./:+-])(?P<a>[0-3]?\d)(?P<s>[./])(?P<b>[0-3]?\d)(?P<end>\.?)(?![\d/:%]|\.\d|\s?(?:uhr|uur|h\b|am\b|pm\b|%|€|kl\b|mio|tsd|eur))",
    )


def _sorted_months(words: Mapping[str, Any]) -> list[str]:
    names = [name for month in words["months"] for name in month.split("|")]
    return sorted(names, key=len, reverse=True)


def _months(words: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    full = [name for month in words["months"] for name in month.split("|") if len(name) > 4 or name in _SHORT_MONTHS]
    month = rf"(?P<m>{_any(sorted(full, key=len, reverse=True))})(?!\w)"
    year = rf"(?:,?{words['of']}\s+(?P<y>20\d\d)\b)?"
    parts = _parts(words)
    yield from _parts_of_months(words, month, year)
    yield "part_month", rf"(?<!\w){parts}[\s-]*(?:{words['article']}){{0,2}}{month}{year}"
    yield "part_month", rf"(?<!\w){parts}[\s-]*(?P<that>{words['that_month']})(?!\w)"
    following = rf"(?:(?:{words['new_year']})|(?P<y>20\d\d))(?!\w)"
    yield "part_year", rf"(?<!\w){parts}[\s-]*(?:{words['article']}){{0,2}}{following}"
    yield (
        "half_year",
        rf"(?<!\w)(?:{words['half_year']})(?:{words['of']}\s+(?:{words['article']})?(?:(?P<y>20\d\d)|(?P<ny>{words['new_year']})))?",
    )
    unit = rf"(?P<u>{_any(words['units'].values())})(?!\w)"
    behind = rf"(?:{words['article']})?{_renamed(unit, 'u', 'u2')}\s+(?:{words['next_after']})(?!\w)"
    what = rf"(?:(?:{words['next']})\s+{unit}|{behind})"
    yield "part_next", rf"(?<!\w){parts}[\s-]*(?:{words['article']}){{0,2}}{what}"
    yield (
        "part_this",
        rf"(?<!\w){parts}[\s-]*(?:(?:{words['article']})|(?:{words['this']})\s+){{0,2}}(?P<u>{_any(words['units'].values())})(?!\w)",
    )
    yield "month", rf"(?<!\w)(?:(?P<n>{words['next']})\s+)?{month}(?:\s+(?P<n2>{words['next_after']})(?!\w))?{year}"


def _parts_of_months(words: Mapping[str, Any], month: str, year: str) -> Iterable[tuple[str, str]]:
    """Read `the last week of May`, and in one word, as German writes it, `die letzte Maiwoche`, `die Maihälfte`."""
    nth = rf"(?P<qw>{_any(map(re.escape, words['nth']))})\w*"
    of = r"(?:\s+(?:of|in|im|des|de|du|do|del|di|van|av|i)\b|\s+d['’])?"
    whole = "(?:full|complete|volle[nr]?|ganze[nr]?|pleine|complète|volledige|hele|completa|entera|inteira|hela) "
    week = rf"(?P<whole>{whole})?(?:{words['units']['week']})(?:\s+(?:complète|pleine|completa|entera|inteira))?"
    yield "nth_week", rf"(?<!\w){nth}\s+(?:{week}){of}\s*(?:{words['article']})?{month}{year}"
    if words["months"][0].startswith("januar|jänner"):
        inner = month.removesuffix(r"(?!\w)")
        yield "nth_week", rf"(?<!\w){nth}\s+{inner}woche(?!\w)"
        yield "nth_half", rf"(?<!\w){nth}\s+{inner}hälfte(?!\w)"


_SHORT_MONTHS = frozenset(
    {
        "may",
        "june",
        "july",
        "mars",
        "märz",
        "mai",
        "juin",
        "août",
        "aout",
        "juni",
        "juli",
        "mei",
        "maj",
        "maio",
        "abril",
        "mayo",
    }
)


def _parts(words: Mapping[str, Any]) -> str:
    return f"(?:(?P<early>{words['early']})|(?P<mid>{words['mid']})|(?P<late>{words['late']}))"


def _renamed(regex: str, old: str, new: str) -> str:
    return regex.replace(f"?P<{old}>", f"?P<{new}>")


def _weekdays(words: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    weekday = rf"(?P<w>{_any(words['weekdays'])})(?!\w)"
    yield "weekday_day", rf"(?<!\w){weekday}{words['weekday_day']}"
    yield (
        "weekday",
        rf"(?<!\w)(?:(?P<n>{words['next']}|{words['this']})\s+)?{weekday}(?:\s+(?P<n2>{words['next_after']})(?!\w))?(?!-\d)",
    )
    yield "only_day", rf"(?<!\w)(?:{words['only_day']})"


_ABOUT = (
    r"(?:about|around|roughly|some|say|at least|environ|au moins|peut-être|etwa|rund|circa|ca\.|ungefähr|gut|mindestens"
    r"|zo'n|ongeveer|minstens|unos|unas|aproximadamente|al menos|almeno|uns|umas|cerca de|pelo menos|ungefär|cirka"
    r"|minst)\s+"
)


def _relative(words: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    number = _any(sorted(words["numbers"], key=len, reverse=True))
    to = r"\s*(?:-|–|to|or|à|ou|bis|oder|tot|of|a|o|till|eller)\s*"
    amount = rf"(?P<k>\d{{1,2}}|{number})(?:{to}(?P<k2>\d{{1,2}}|{number}))?"
    unit = rf"(?P<u>{_any(words['units'].values())})(?!\w)"
    more = rf"(?:\s+(?:or|ou|oder|of|o|eller)\s+(?P<k3>{number})(?!\w)(?!\s+\w+\s+(?:later|more)))?"
    kind = (
        r"(?:business |working |good |full |more |other |guten |weiteren |bonnes |autres |buone |altre |boas |outras )?"
    )
    stretch = rf"{amount}\s+(?:(?:{words['next']})\s+)?{kind}{unit}"
    yield "ahead", rf"(?<!\w)(?:{words['ahead']})\s+{stretch}"
    the = "(?:les |los |las |as |os |le |i |de |die |den )?"
    yield "ahead", rf"(?<!\w)(?:{words['lasting']})\s+{the}{amount}\s+(?:{words['next']})\s+{unit}"
    yield "ahead", rf"(?<!\w)les\s+{amount}\s+prochaine?s\s+{unit}" if "jours?" in unit else r"(?!x)x"
    yield "in", rf"(?<!\w)(?:{words['in']})\s+(?:{_ABOUT})?(?:{words['article']})?{amount}\s+{kind}{unit}{more}"
    yield "in", rf"(?<!\w){amount}\s+{kind}{unit}\s+(?:{words['from_now']})(?!\w)"
    yield "length", rf"(?<!\w)(?:(?:{words['lasting']})\s+)?{amount}\s+{kind}{unit}"


def _next(words: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    unit = rf"(?P<u>{_any(words['units'].values())})(?!\w)"
    yield "after_next", rf"(?<!\w)(?:{words['after_next']})(?!\w)"
    week = words["units"]["week"]
    yield (
        "all_next",
        rf"(?<!\w)(?:{words['whole']})(?:(?:{words['next']})\s+(?:{week})|(?:{week})\s+(?:{words['next_after']}))(?!\w)",
    )
    yield "next", rf"(?<!\w)(?:{words['next']})\s+{unit}"
    yield "next", rf"(?<!\w){unit}\s+(?:{words['next_after']})(?!\w)"


def _quarter(words: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield (
        "quarter",
        rf"(?<!\w)(?:{words['quarter']})(?:{words['of']}[\s/]*(?:{words['article']})?(?:(?P<y>20\d\d)|(?P<ny>{words['new_year']})))?",
    )
    ordinals = _any(re.escape(name) for name in words["quarters"] if not name.startswith(_LAST))
    yield "quarter_again", rf"(?<!\w)(?P<qw>{ordinals})\w*(?=\s*(?:$|[.,;:!?)]))"  # "rather in the fourth"


_LAST = ("last", "dernier", "let", "laatste", "último", "ultimo", "sista")


def _named(words: Mapping[str, Any], feasts: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    yield "week", rf"(?<!\w)(?:{words['week_number']})(?:[\s/]*(?P<y>20\d\d))?"
    for name in ("month_end", "quarter_end", "year_end", "new_year", "rentree"):
        if name in words:
            yield name, rf"(?<!\w)(?:{words[name]})(?!\w)"
    yield "year", r"(?<![\w./-])(?P<y>20[2-4]\d)(?![\w/-]|\.\d)"
    named = "|".join(f"(?P<{name}>{feast['words']})" for name, feast in feasts.items())
    yield "feast", rf"(?<!\w)(?:{named})(?!\w)"
    yield "holidays", rf"(?<!\w)(?:{words['holidays']})(?!\w)"
    seasons = "|".join(f"(?P<{name}>{regex})" for name, regex in words["seasons"].items())
    yield "season", rf"(?<!\w)(?:{seasons})(?!\w)"
    for name in ("day_after_tomorrow", "tomorrow", "today", "rest_of_week", "weekend"):
        yield name, rf"(?<!\w)(?:{words[name]})(?!\w)"

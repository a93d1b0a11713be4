"""The day that a mail names: when somebody is back, or when they want to hear from us again.

Both readers cut the text into sentences, find what names days (`dates_mentions`) and judge each by the words
around it: prepositions ("until", "after") and cues ("back", "call me"). No day, or one that has passed, is None.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from cadenced.reading import (
    dates_grammar,
    dates_mentions,
    dates_resolve,
    dates_week_after,
    patterns_keys,
    presence,
    quoting,
    text_keys,
)
from cadenced.reading.dates_calendar import weekdays
from cadenced.reading.dates_grammar import Grammar
from cadenced.reading.dates_mentions import Mention
from cadenced.reading.dates_reading import Reading

Business = Callable[[date], bool]

_YEARS = range(1990, 2201)  # in which mail is written; a broken clock's mail names no day
_MAX_TEXT = 6000
_MAX_SENTENCE = 700
_MAX_SENTENCES = 60
_ASKED_FOR = 3.0  # the score of a day beside a word such as "call me"
_AFTERWARDS = re.compile(
    r"\b(?:after that|afterwards|thereafter|danach|daarna|därefter|efter det|après cela|ensuite|dopo di ciò"
    r"|depois disso|dans la foulée|right after|straight after|gleich danach|meteen daarna|justo después|subito dopo"
    r"|logo a seguir|direkt efter)\b"
)
_BUSY = re.compile(
    r"\b(?:impossible|hopeless|packed|full|booked|no good|out of the question|unmöglich|voll|dicht|ausgebucht|vol"
    r"|imposible|llen[oa]|pien[oa]|cheio|fullt?|omöjlig\w*|complet|bouclée?|geht nichts|lukt niet|va mal"
    r"|difficil[ei]|difícil)\b"
)
_AWAY = 3  # the rank of a day of absence; the last of several counts
_SEVERAL = frozenset({_AWAY, 5})  # of several absences in one notice the last return counts
_NEAR = 70  # characters between a cue and the day that it speaks of
_FUZZY = frozenset(
    {
        "month",
        "quarter",
        "quarter_again",
        "half_year",
        "season",
        "new_year",
        "year",
        "next",
        "week",
        "part_next",
        "part_year",
        "rentree",
        "after_next",
    }
)
_LATE = frozenset({"part_month", "month_end", "quarter_end", "year_end", "part_this"})
# "my holidays" or "Happy New Year" names no day of return, "until the holidays" does.
_UNBOUND = frozenset({"holidays", "season", "new_year", "year", "half_year", "quarter", "quarter_again"})
_STRETCHES = frozenset({"rest_of_week", "all_next"})
_RANGES = frozenset({"range", "numeric_range", "weekdays"})
_ENDS = frozenset({"until", "through", "after"})
_VAGUE = frozenset({"today", "rest_of_week", "weekend"})


@dataclass(frozen=True, slots=True)
class _Clue:
    """A mention with the words around it."""

    mention: Mention
    sentence: str
    preposition: str
    negated: bool


def back_on(text: str, sent: datetime, language: str, business: Business = weekdays) -> date | None:
    """Return the first business day on which the writer of an out-of-office message is back, or None."""
    if sent.year not in _YEARS:
        return None
    reading = _reading(text, sent, language, plan=False)
    best: tuple[int, date] | None = None
    for clues in _clues(text, reading):
        for rank, day in _returns(clues, reading.grammar):
            if best is None or rank > best[0] or (rank == best[0] and rank in _SEVERAL and day > best[1]):
                best = (rank, day)
    return _business(best[1], reading.sent - timedelta(1), business) if best else None  # "until today" is not over


def again_on(text: str, sent: datetime, language: str, business: Business = weekdays) -> date | None:
    """Return the first business day on which the writer wants to be written to again, or None."""
    if sent.year not in _YEARS:
        return None
    reading = _reading(text, sent, language, plan=True)
    best: tuple[float, date] | None = None
    lowered = text[:_MAX_TEXT].lower()
    fiscal = _FISCAL.search(lowered) is not None  # its "new year" is not January's
    if fiscal and _OF_THE_CALENDAR.search(lowered):
        return _business(date(sent.year + 1, 1, 8), reading.sent, business)
    every = _clues(text, reading)
    afterwards = bool(every) and _AFTERWARDS.search(lowered) is not None
    for clues in every:
        for score, day in _wishes(
            [clue for clue in clues if not (fiscal and clue.mention.kind == "new_year")], reading, afterwards
        ):
            if day > reading.sent and (best is None or score >= best[0]):
                best = (score, day)
    best = dates_week_after.settled(reading.text, best, reading.sent, _ASKED_FOR)
    lead = reading.grammar.lead.search(lowered) if best and best[0] < _ASKED_FOR else None
    if best and lead:  # "our contract runs until May, write two months before"
        best = (best[0], dates_resolve.earlier(lead, best[1], reading.grammar))
    return _business(best[1], reading.sent, business) if best else None


def warm(language: str) -> None:
    """Compile the grammar of a language ahead of its first use."""
    dates_grammar.grammar(language)


def _business(day: date, sent: date, business: Business) -> date | None:
    """Return the first business day on or after; None when the day has passed."""
    if day <= sent:
        return None
    return next((found for found in (day + timedelta(n) for n in range(15)) if business(found)), day)


# ------------------------------------------------------------------------------------------------- reading


def _reading(text: str, sent: datetime, language: str, plan: bool) -> Reading:
    grammar = dates_grammar.grammar(language)
    whole = " ".join(text[:_MAX_TEXT].lower().split())
    return Reading(sent.date(), grammar, _order(text, sent, grammar), plan, whole)


_SLASHED = re.compile(r"(?<![\d/])(\d{1,2})/(\d{1,2})(?:/\d{2,4})?(?![\d/])")
_BRITISH = re.compile(
    r"\b(?:\w+(?:ise|ising|ised|isation)|colour|favour|centre|cheers|whilst|diary|bank holiday|annual leave"
    r"|kind regards|fortnight)\b|\d(?:st|nd|rd|th) of ",
    re.IGNORECASE,
)


def _order(text: str, sent: datetime, grammar: Grammar) -> str:
    """Month first only in English: when a number of the text says so, else by the writer's offset from UTC."""
    if grammar.language != "en":
        return grammar.order
    for first, second in _SLASHED.findall(text[:_MAX_TEXT]) if "/" in text else ():
        if int(first) > 12 >= int(second):
            return "dmy"
        if int(second) > 12 >= int(first):
            return "mdy"
    offset = sent.utcoffset()
    american = offset is not None and timedelta(hours=-10) <= offset <= timedelta(hours=-3.5)
    return "mdy" if american and not _BRITISH.search(text[:_MAX_TEXT]) else grammar.order


_ABBREVIATED = re.compile(
    r"\b(?:mr|mrs|ms|dr|st|no|nr|approx|ca|bzw|inkl|einschl|incl|mon|tue|wed|thu|fri|sat|sun|jan|feb|mar|apr|jun|jul|aug|sept?|oct|nov|dec|okt|dez|janv|févr|juil|déc|m|mme|sr|sra|dott|ing|evt|t\.e\.m|z\.b)\.$",
    re.IGNORECASE,
)


def _sentences(text: str) -> list[str]:
    """Cut the person's words into sentences, lower-case, without line breaks; only those that can name a day."""
    text = quoting.spoken(text)[:_MAX_TEXT].replace("\u00a0", " ").replace("\u202f", " ").replace("’", "'")
    found: list[str] = []
    for piece in _END.split(text):
        joined = " ".join(piece.lower().split())
        if found and _ABBREVIATED.search(found[-1][-12:]):
            found[-1] = f"{found[-1]} {joined}"
        elif joined:
            found.append(joined)
    return [sentence[:_MAX_SENTENCE] for sentence in found[:_MAX_SENTENCES]]


_END = re.compile(r"\s(?:(?:(?<=[!?;]\s)|(?<=[^\W\d][.]\s)|(?<=\d\d\d\d\.\s)|(?<=[)\"”»]\.\s))\s*|(?<=\n)\s*\n\s*)")


def _clues(text: str, reading: Reading) -> list[list[_Clue]]:
    """For each sentence that names days, its mentions with their surroundings."""
    found = []
    around = text_keys.around(reading.grammar.keys, text)
    quarters = reading.grammar.names_a_quarter(reading.text, around)  # then a sentence may say "in the fourth"
    for sentence in _sentences(text):
        present = presence.within(around, sentence)
        if quarters or reading.grammar.names_a_day(sentence, present):
            mentions = dates_mentions.find(sentence, reading, present)
            if mentions:
                found.append([_clue(sentence, mention, reading.grammar) for mention in mentions])
    return found


def _clue(sentence: str, mention: Mention, grammar: Grammar) -> _Clue:
    before = sentence[max(0, mention.start - 45) : mention.start]
    match = grammar.preposition.search(before)
    preposition = match.lastgroup or "" if match else ""
    if preposition in ("", "from") and _follows(sentence, before, mention, grammar):
        preposition = "after"
    if preposition == "until" and grammar.inclusive.match(sentence, mention.end):
        preposition = "through"
    clause = re.split(r"[,;:(]\s", sentence[: mention.start])[-1]
    return _Clue(mention, sentence, preposition, bool(grammar.cues["negation"].search(clause)))


_MONTHLY = frozenset({"month", "part_month", "week", "nth_week"})
_PLAINLY_AFTER = re.compile(
    r"\b(?:after|following|beyond|après|à l'issue|nach|im anschluss|na|después|tras|dopo|depois|após|efter)\b"
)
_OVER = re.compile(
    r"\b(?:over|through|done|finished|complete\w*|behind|settled|out of the way|terminée?s?|passée?s?|finie?s?|derrière"
    r"|vorbei|abgeschlossen|durch|fertig|geschafft|hinter|achter|klaar|voorbij|afgerond|pasen?|termin\w+|acab\w+"
    r"|finit\w+|passat\w+|passad\w+|passar|klara?|över|färdig\w*|slut|avklara\w*)\b"
)
_BEGINS = re.compile(
    r"\b(?:start\w*|begin\w*|open\w*|arriv\w*|join\w*|reset\w*|back|new|return\w*|commenc\w+|début\w*|ouvr\w+|beginn\w*"
    r"|anf[aä]ng\w*|öffn\w+|kommt|neue\w*|zurück|begint|opent|nieuwe|terug|empie\w+|comien\w+|abr\w+|nuev\w+|inizi\w+"
    r"|apr(?:e|ono)|nuov\w+|começ\w+|nov[oa]s?|börja\w*|öppna\w*|ny[at]?|tillbaka|rentr\w+|vuelt\w+|volto|voltamos|voltar\w*)\b"
)


def _follows(sentence: str, before: str, mention: Mention, grammar: Grammar) -> bool:
    """Whether the day or month is that of an event which must be over: `once we are through the move in April`."""
    found = grammar.after_event.search(before)
    if not found or not (mention.day or mention.kind in _MONTHLY):
        return False
    if mention.day:
        return True
    over = _PLAINLY_AFTER.match(found[0]) or _OVER.search(sentence)
    return bool(over) and not _BEGINS.search(found[0])


# ---------------------------------------------------------------------------------------- out of the office


def _returns(clues: list[_Clue], grammar: Grammar) -> list[tuple[int, date]]:
    """Rank and first day back for each mention: a day of return, a last day away, then weaker signs."""
    sentence = clues[0].sentence
    away = grammar.cues["away"].search(sentence) is not None
    clues = [clue for clue in clues if _counts(clue, away)]
    if not clues:
        return []
    returning = _nearest(clues, grammar.cues["back"], sentence)
    answering = _nearest(clues, grammar.cues["answer"], sentence, denied=grammar.cues["negation"])
    begins = next((clue.mention.first for clue in clues if clue.preposition == "from" and clue.mention.day), None)
    english = grammar.language == "en"
    found = []
    for clue in clues:
        if clue.mention.kind == "length":
            found += _after_length(clue, away, begins or clue.mention.first)
            continue
        day = _return(clue, clue in returning, clue in answering, away, english)
        if day:
            found.append(day)
    return found


def _after_length(clue: _Clue, away: bool, begins: date) -> list[tuple[int, date]]:
    """`away for two weeks`: so long from today on, or from the day named."""
    mention = clue.mention
    return [(_AWAY, begins + (mention.last - mention.first) + timedelta(1))] if away else []


def _counts(clue: _Clue, away: bool) -> bool:
    """Leave out holidays without a bound, and the working days of "I work Monday to Wednesday"."""
    kind = clue.mention.kind
    return (kind not in _UNBOUND or clue.preposition in _ENDS) and (kind != "weekdays" or away)


def _return(clue: _Clue, returning: bool, answering: bool, away: bool, english: bool) -> tuple[int, date] | None:
    mention = clue.mention
    if clue.preposition in ("until", "through"):
        day = _after_until(clue, returning and clue.negated, english)
        return (6 if clue.preposition == "through" else 5), day
    if mention.kind in _RANGES or (clue.preposition == "after" and (returning or answering)):
        return (7 if clue.preposition == "after" else 5), mention.last + timedelta(1)
    if returning and (clue.preposition != "before" or clue.negated):
        return 8, mention.first
    if answering and mention.kind not in _VAGUE:
        return (7 if clue.preposition == "from" else 4), mention.first
    if (away or mention.kind in _STRETCHES) and clue.preposition != "from":
        return (_AWAY - 1 if mention.kind in _VAGUE else _AWAY), mention.last + timedelta(1)
    return None


_THURSDAY = 3


def _after_until(clue: _Clue, not_before: bool, english: bool) -> date:
    """`jusqu'au 5 mai`: the day after; `not back until 5 May`: that day, and in English `until 5 May` alone, too.

    A Friday or a day of the weekend is the last one away in every language.
    """
    mention = clue.mention
    if english and clue.preposition == "until" and mention.day and mention.last.weekday() <= _THURSDAY:
        return mention.last
    early = mention.kind == "part_month" and mention.last.day < 20
    if not_before or early or (clue.preposition == "until" and mention.kind in _FUZZY):
        return mention.first
    return mention.last + timedelta(1)


def _nearest(
    clues: list[_Clue], cue: re.Pattern[str], sentence: str, denied: re.Pattern[str] | None = None
) -> list[_Clue]:
    """For each cue the mention that it speaks of: the nearest, one behind it rather than one before it."""
    found = []
    for match in cue.finditer(sentence):
        if denied and (
            denied.search(sentence[: match.start()][-12:]) or denied.match(sentence[match.end() :].lstrip())
        ):
            continue  # "not reachable next week" is no day of an answer
        best = min(clues, key=lambda clue: _distance(match, clue.mention, sentence))
        if _distance(match, best.mention, sentence) <= _NEAR:
            found.append(best)
    return found


_BREAK = re.compile(r"[,;:(]\s|\b(?:but|and|mais|et|aber|und|maar|en|pero|y|ma|e|mas|men|och)\b")


def _distance(match: re.Match[str], mention: Mention, sentence: str) -> int:
    if mention.start >= match.end():
        between, behind = sentence[match.end() : mention.start], 0
    else:
        between, behind = sentence[mention.end : match.start()], 12
    return len(between) + behind + 15 * len(_BREAK.findall(between))


# -------------------------------------------------------------------------------------------- when to write


_OF_THE_CALENDAR = re.compile(
    r"\b(?:calendar year|january to december|kalenderjahr|année civile|kalenderjaar|año natural|anno solare|ano civil"
    r"|kalenderår\w*)\b"
)
_FISCAL = patterns_keys.branch(
    re.compile(
        r"fiscal|financial year|exercice|geschäftsjahr|wirtschaftsjahr|boekjaar|ejercicio|esercizio|exercício"
        r"|räkenskapsår|verksamhetsår"
    )
)


def _wishes(clues: list[_Clue], reading: Reading, afterwards: bool) -> list[tuple[float, date]]:
    """Score and day for each mention: how likely it is the day of the next contact."""
    sentence = clues[0].sentence if clues else ""
    asked = _nearest(clues, reading.grammar.cues["contact"], sentence)
    away = reading.grammar.cues["away"].search(sentence) is not None
    wishes = [(clue, wish) for clue in clues if (wish := _wish(clue, clue in asked, away, reading))]
    return [
        (score, clue.mention.last + timedelta(1)) if afterwards and score < _ASKED_FOR else (score, day)
        for clue, (score, day) in wishes
    ]


def _wish(clue: _Clue, asked: bool, away: bool, reading: Reading) -> tuple[float, date] | None:
    mention = clue.mention
    after = clue.preposition in ("after", "through", "until", "ends")
    if mention.kind == "length" or (mention.kind in _VAGUE and not after):
        return None
    if mention.kind == "ahead":
        return 1.5, mention.last + timedelta(1)
    score = (3.0 if asked else 0.0) + (1.5 if clue.preposition else 0.0) + (0.5 if mention.day else 0.0)
    if away and not asked and not after:
        score -= 2.0
    if _BUSY.search(clue.sentence[mention.end : mention.end + 30]) or mention.kind == "holidays":
        score -= 1.6
    if clue.preposition == "before" and reading.grammar.cues["negation"].search(
        clue.sentence
    ):  # "nothing before the holidays; write in September"
        score -= 1.6
    return score, max(_day_of_wish(clue), reading.sent + timedelta(1)) if mention.last > reading.sent else mention.first


def _day_of_wish(clue: _Clue) -> date:
    mention = clue.mention
    if clue.preposition in ("after", "ends", "through"):
        return mention.first if mention.kind in ("new_year", "year") else mention.last + timedelta(1)
    if clue.preposition == "until":
        return mention.first if clue.negated or mention.kind in _FUZZY else mention.last + timedelta(1)
    if clue.preposition == "before" and mention.kind not in _FUZZY and clue.negated:
        return mention.last + (timedelta(1) if mention.kind == "feast" else timedelta(0))
    return mention.first

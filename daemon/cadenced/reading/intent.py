"""What a person's answer means: interested, question, objection, not now, referral, not interested, unsubscribe.

Phrase families by language (`patterns/intent_*.toml`) speak for a verdict with a weight, sentence by sentence. A
family counts once; what stands before "but" counts half. A request to stop wins over everything; a sentence that
says the opposite ("don't remove me") cancels it. The weighed words of the whole answer (`weights`) are a second
opinion: both are added up. Without evidence the verdict is unclear, and a human decides.
"""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache

from cadenced.reading import intent_dates, intent_plea, patterns, patterns_keys, presence, quoting, text_keys, weights
from cadenced.reading.patterns_keys import written

_MAX_TEXT = 5000  # the first part of a long text and its end are judged
_MAX_END = 1500
_MAX_SENTENCE = 500
_MAX_SENTENCES = 60
_LEAST = 1.5
_STOP = 5.0  # one unsubscribe family is enough
_BEFORE_BUT = 0.5
_ASKED = 0.5
_TRUST = 0.2  # how much a point of the phrases counts beside the logarithm of a share of the words
_ENOUGH = 9.0  # points above say nothing more
_FLOOR = 1e-4
_LIKELY = 0.22  # the least share on which words alone decide
_SURE = 0.6  # and the least for a request to stop
# Who wins when two verdicts are equally strong.
_ORDER = ("unsubscribe", "referral", "not_now", "objection", "not_interested", "question", "interested")
_SENTENCE = re.compile(r"(?<=[.!?;])\s+|\n\s*\n\s*")
_BUT = re.compile(
    r"\b(?:but|however|though|although|only that|mais|cependant|toutefois|néanmoins|aber|jedoch|allerdings|doch|maar"
    r"|echter|pero|sin embargo|aunque|no obstante|ma|però|tuttavia|mas|porém|contudo|no entanto|men|dock)\b[\s,]"
)
_SUBJECT_PREFIX = re.compile(
    r"^(?:\s*(?:re|aw|sv|antw|rv|res|fwd?|wg|tr|rif|r|i|vs|ref)\s*(?:\[\d+\])?:)+", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Intent:
    """A verdict of CONTRACT 5 (`reply.*`) and the phrases that spoke for it, strongest first."""

    kind: str
    evidence: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Family:
    pattern: patterns.Pattern
    verdict: str
    weight: float
    unless: re.Pattern[str] | None
    branches: tuple[patterns_keys.Branch, ...]

    def denied(self, sentence: str) -> bool:
        """Say whether the sentence says the opposite."""
        return self.unless is not None and self.unless.search(sentence) is not None


@dataclass(frozen=True, slots=True)
class _Book:
    """The families of a language, and their branches in one row."""

    branches: tuple[tuple[_Family, patterns_keys.Branch], ...]
    row: patterns_keys.Row
    keys: presence.Index

    def matches(self, sentence: str, lowered: str, present: frozenset[str]) -> Iterator[tuple[_Family, re.Match[str]]]:
        """Find each family that speaks in a sentence which holds these keys, at most once."""
        settled: set[int] = set()
        for at in self.row.possible(present):
            family, branch = self.branches[at]
            if id(family) in settled:
                continue
            match = branch.find(sentence, lowered)
            if match:
                settled.add(id(family))
                if not family.denied(sentence):
                    yield family, match


@dataclass(slots=True)
class _Hit:
    weight: float
    evidence: str


def judge(text: str, subject: str, language: str, days: int | None = None) -> Intent:
    """Judge a person's own words; `subject` counts only when the words are missing or the subject is a request.

    `days`: how far ahead the day lies that the words ask for, if they name one (`dates.again_on`).
    """
    hits: dict[str, dict[str, _Hit]] = {}
    title = _title(text, subject)
    sentences = _sentences(text, title)
    phrases = text_keys.around(_book(language).keys, title, text)
    days_named = text_keys.around(intent_dates.keys(language), title, text)
    for sentence in sentences:
        _judge_sentence(_Sentence(sentence, sentence.lower(), phrases, days_named), language, hits)
    scores = {verdict: sum(hit.weight for hit in found.values()) for verdict, found in hits.items()}
    features = (*weights.features("\n".join(sentences)), weights.distance(days))
    shares = _words().shares(features)
    kind = _decide(scores, shares, stop=True)
    if kind == "unsubscribe" and scores.get(kind, 0) < _STOP:  # words alone: not where any of them is denied
        denied = any(intent_plea.of(sentence, language) != sentence for sentence in sentences)
        kind = _decide(scores, shares, stop=not denied)
    proofs = sorted(hits.get(kind, {}).items(), key=lambda item: -item[1].weight)
    return Intent(
        f"reply.{kind}", (*(f"{code}: {hit.evidence}" for code, hit in proofs), *_told(kind, features, shares[kind]))
    )


def _words() -> weights.Scale:
    return weights.load("weights_intent")


def _told(kind: str, features: tuple[str, ...], share: float) -> tuple[str, ...]:
    words = "" if kind == "unclear" else ", ".join(_words().reasons(features, kind))
    return (f"words {share:.2f}: {words}",) if words else ()


def _decide(scores: Mapping[str, float], shares: Mapping[str, float], stop: bool) -> str:
    """Add up what phrases and words say; words alone decide only where they are plain, a stop only if they may."""
    if scores.get("unsubscribe", 0) >= _STOP:
        return "unsubscribe"
    spoken = max(scores.values(), default=0) >= _LEAST
    total = {
        kind: math.log(max(share, _FLOOR)) + _TRUST * min(scores.get(kind, 0), _ENOUGH)
        for kind, share in shares.items()
        if kind != "unsubscribe" or (stop and share > _SURE)
    }
    best = max(total, key=total.__getitem__)
    return best if spoken or shares[best] >= _LIKELY else "unclear"


def _title(text: str, subject: str) -> str:
    """Return the subject without its prefixes; nothing where it is ours, above words of the writer's own."""
    title = _SUBJECT_PREFIX.sub("", subject)
    return "" if title != subject and quoting.spoken(text).strip() else title


def _sentences(text: str, title: str) -> list[str]:
    """Return title and spoken words in sentences, apostrophes made plain, line breaks gone."""
    spoken = quoting.spoken(text).strip()
    if len(spoken) > _MAX_TEXT + _MAX_END:
        spoken = f"{spoken[:_MAX_TEXT]}\n\n{spoken[-_MAX_END:]}"
    spoken = spoken.replace("’", "'").replace("\u00a0", " ").replace("\u202f", " ").replace("´", "'")
    pieces = [title.replace("’", "'"), *_SENTENCE.split(spoken)]
    flat = (" ".join(piece.split()) for piece in pieces)
    return [piece[:_MAX_SENTENCE] for piece in flat if piece][:_MAX_SENTENCES]


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    lowered: str
    around: frozenset[str]  # the keys that the whole text holds
    days: frozenset[str]  # and those that can name days


def _judge_sentence(sentence: _Sentence, language: str, hits: dict[str, dict[str, _Hit]]) -> None:
    lowered = sentence.lowered
    present = presence.within(sentence.around, lowered)
    matched = False
    found = list(_book(language).matches(sentence.text, lowered, present))
    but = max((match.start() for match in _BUT.finditer(lowered)), default=-1) if found else -1
    for family, match in found:
        if family.verdict == "unsubscribe" and not _pleads(family, sentence.text, language):
            continue
        matched = matched or family.verdict != "question"
        weight = family.weight * _share(family.verdict, match.end() <= but, lowered.endswith("?"))
        _note(hits, family.verdict, family.pattern.code, _Hit(weight, written(match, sentence.text).strip()[:80]))
    near = _judge_day(sentence, language, hits)
    if "?" in lowered and any(map(str.isalpha, lowered)):
        _note(hits, "question", "question.mark", _Hit(0.5 if matched or near else 2.0, sentence.text[-80:]))


def _pleads(family: _Family, sentence: str, language: str) -> bool:
    """Say whether a request to stop still speaks when denied clauses and feet of mailings are left out."""
    plea = intent_plea.of(sentence, language)
    lowered = plea.lower()
    return plea == sentence or any(branch.find(plea, lowered) for branch in family.branches)


def _share(verdict: str, before_but: bool, asked: bool) -> float:
    """Return less for what stands before "but", and for an objection that is put as a question."""
    if verdict == "unsubscribe":
        return 1
    return (_BEFORE_BUT if before_but else 1) * (_ASKED if asked and verdict == "objection" else 1)


def _judge_day(sentence: _Sentence, language: str, hits: dict[str, dict[str, _Hit]]) -> bool:
    """Weigh a day beside a word of contact: a far one asks for patience, a near one (True) offers to talk."""
    lowered = sentence.lowered
    present = presence.within(sentence.days, lowered)
    if not language or not intent_dates.may_name_a_day(lowered, language, present):
        return False
    asks = intent_dates.asks_for_contact(lowered, language)
    distance = intent_dates.distance(lowered, language, asks or "?" in lowered, present)
    if not distance:
        return False
    if distance == "far":
        _note(hits, "not_now", "day.far", _Hit(2.0 if asks else 0.7, lowered[:80]))
        return False
    near = "?" in lowered or asks
    if near:
        _note(hits, "interested", "day.near", _Hit(2.2 if "?" in lowered else 1.0, lowered[:80]))
    return near


def _note(hits: dict[str, dict[str, _Hit]], verdict: str, code: str, hit: _Hit) -> None:
    known = hits.setdefault(verdict, {}).get(code)
    if known is None or known.weight < hit.weight:
        hits[verdict][code] = hit


@cache
def _families(language: str) -> tuple[_Family, ...]:
    """Return the families of a language; of English and all others where the language could not be told."""
    languages = (language,) if language in LANGUAGES else LANGUAGES
    wide = patterns.load("intent_wide")
    return tuple(
        _family(pattern)
        for name in languages
        for pattern in (*patterns.load(f"intent_{name}"), *(one for one in wide if one.language == name))
    ) + tuple(_family(one) for one in wide if not one.language)


LANGUAGES = ("en", "fr", "de", "nl", "es", "it", "pt", "sv")


def _family(pattern: patterns.Pattern) -> _Family:
    unless = pattern.tags.get("unless", "")
    return _Family(
        pattern=pattern,
        verdict=pattern.tags["verdict"].removeprefix("reply."),
        weight=float(pattern.tags["weight"]),
        unless=re.compile(unless, re.IGNORECASE) if unless else None,
        branches=pattern.branches,
    )


@cache
def _book(language: str, verdict: str = "") -> _Book:
    """Return the families of a language, or those for one verdict, arranged for the search."""
    families = tuple(family for family in _families(language) if verdict in ("", family.verdict))
    branches = tuple((family, branch) for family in families for branch in family.branches)
    row = patterns_keys.Row(branch for _, branch in branches)
    return _Book(branches, row, presence.index(row.keys))


def warm(language: str) -> None:
    """Compile the families of a language ahead of their first use."""
    for verdict in ("", "referral"):
        _book(language, verdict)
    intent_plea.warm(language)
    _words().shares(weights.features(""))


def speaks_for(verdict: str, sentence: str, language: str, text: str = "") -> bool:
    """Say whether a family of this verdict matches the sentence, which is one of a text."""
    book = _book(language, verdict)
    lowered = sentence.lower()
    present = presence.within(text_keys.around(book.keys, text or sentence), lowered)
    return next(book.matches(sentence, lowered, present), None) is not None


def families(language: str) -> Iterable[tuple[patterns.Pattern, re.Pattern[str] | None]]:
    """Return the patterns of a language with what cancels each, for the test that holds them to their examples."""
    return tuple((family.pattern, family.unless) for family in _families(language))

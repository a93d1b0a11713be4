"""What a person's answer means: interested, question, objection, not now, referral, not interested, unsubscribe.

Phrase families by language (`patterns/intent_*.toml`) speak for a verdict with a weight, sentence by sentence. A
family counts once; what stands before "but" counts half. A request to stop wins over everything; a sentence that
says the opposite ("don't remove me") cancels it. Without evidence the verdict is unclear, and a human decides.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from cadenced.reading import intent_dates, intent_plea, patterns, patterns_keys, quoting

_MAX_TEXT = 5000  # the first part of a long text and its end are judged
_MAX_END = 1500
_MAX_SENTENCE = 500
_MAX_SENTENCES = 60
_LEAST = 1.5
_STOP = 5.0  # one unsubscribe family is enough
_BEFORE_BUT = 0.5
_ASKED = 0.5
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

    def alive(self, present: frozenset[str]) -> list[patterns_keys.Branch]:
        """Return the branches that can match somewhere in a text that holds these keys."""
        return [branch for branch in self.branches if not branch.keys or not branch.keys.isdisjoint(present)]

    def find(
        self, branches: Iterable[patterns_keys.Branch], sentence: str, present: frozenset[str]
    ) -> re.Match[str] | None:
        """Find the family in a sentence, trying these branches; what denies it there cancels it."""
        for branch in branches:
            match = branch.regex.search(sentence) if branch.possible(present) else None
            if match:
                return None if self.unless and self.unless.search(sentence) else match
        return None


_Alive = tuple[_Family, list[patterns_keys.Branch]]


@dataclass(slots=True)
class _Hit:
    weight: float
    evidence: str


def judge(text: str, subject: str, language: str) -> Intent:
    """Judge a person's own words; `subject` counts only when the words are missing or the subject is a request."""
    hits: dict[str, dict[str, _Hit]] = {}
    sentences = _sentences(text, subject)
    present = _present(_keys(language), "\n".join(sentences).lower())
    families = [(family, alive) for family in _families(language) if (alive := family.alive(present))]
    for sentence in sentences:
        _judge_sentence(_Sentence(sentence, sentence.lower(), present), language, families, hits)
    scores = {verdict: sum(hit.weight for hit in found.values()) for verdict, found in hits.items()}
    kind = _decide(scores)
    proofs = sorted(hits.get(kind, {}).items(), key=lambda item: -item[1].weight)
    return Intent(f"reply.{kind}", tuple(f"{code}: {hit.evidence}" for code, hit in proofs))


def _decide(scores: Mapping[str, float]) -> str:
    if scores.get("unsubscribe", 0) >= _STOP:
        return "unsubscribe"
    best = max(_ORDER, key=lambda verdict: (scores.get(verdict, 0), -_ORDER.index(verdict)))
    return best if scores.get(best, 0) >= _LEAST else "unclear"


def _sentences(text: str, subject: str) -> list[str]:
    """Return the spoken words in sentences, apostrophes made plain, line breaks gone."""
    spoken = quoting.spoken(text).strip()
    if len(spoken) > _MAX_TEXT + _MAX_END:
        spoken = f"{spoken[:_MAX_TEXT]}\n\n{spoken[-_MAX_END:]}"
    spoken = spoken.replace("’", "'").replace("\u00a0", " ").replace("\u202f", " ").replace("´", "'")
    title = _SUBJECT_PREFIX.sub("", subject)
    answered = title != subject
    pieces = [] if answered and spoken else [title.replace("’", "'")]
    pieces += _SENTENCE.split(spoken)
    flat = (" ".join(piece.split()) for piece in pieces)
    return [piece[:_MAX_SENTENCE] for piece in flat if piece][:_MAX_SENTENCES]


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    lowered: str
    around: frozenset[str]  # the keys that the whole text holds


def _judge_sentence(
    sentence: _Sentence, language: str, families: list[_Alive], hits: dict[str, dict[str, _Hit]]
) -> None:
    lowered, present = sentence.lowered, _present(sentence.around, sentence.lowered)
    but = max((match.start() for match in _BUT.finditer(lowered)), default=-1)
    matched = False
    plea = ""
    for family, branches in families:
        match = family.find(branches, sentence.text, present)
        if match and family.verdict == "unsubscribe":
            plea = plea or intent_plea.of(sentence.text, language)
            match = family.find(branches, plea, present)
        if match:
            matched = matched or family.verdict != "question"
            weight = family.weight * _share(family.verdict, match.end() <= but, lowered.endswith("?"))
            _note(hits, family.verdict, family.pattern.code, _Hit(weight, match[0].strip()[:80]))
    near = _judge_day(lowered, language, hits)
    if "?" in lowered:
        _note(hits, "question", "question.mark", _Hit(0.5 if matched or near else 2.0, sentence.text[-80:]))


def _share(verdict: str, before_but: bool, asked: bool) -> float:
    """Return less for what stands before "but", and for an objection that is put as a question."""
    if verdict == "unsubscribe":
        return 1
    return (_BEFORE_BUT if before_but else 1) * (_ASKED if asked and verdict == "objection" else 1)


def _judge_day(lowered: str, language: str, hits: dict[str, dict[str, _Hit]]) -> bool:
    """Weigh a day beside a word of contact: a far one asks for patience, a near one (True) offers to talk."""
    if not language or not intent_dates.may_name_a_day(lowered, language):
        return False
    asks = intent_dates.asks_for_contact(lowered, language)
    distance = intent_dates.distance(lowered, language, near=asks or "?" in lowered)
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
    )


LANGUAGES = ("en", "fr", "de", "nl", "es", "it", "pt", "sv")


def _family(pattern: patterns.Pattern) -> _Family:
    unless = pattern.tags.get("unless", "")
    return _Family(
        pattern=pattern,
        verdict=pattern.tags["verdict"].removeprefix("reply."),
        weight=float(pattern.tags["weight"]),
        unless=re.compile(unless, re.IGNORECASE) if unless else None,
        branches=patterns_keys.branches(pattern.source),
    )


@cache
def _keys(language: str, verdict: str = "") -> frozenset[str]:
    """Return every key of the families of a language, or of those for one verdict."""
    families = (family for family in _families(language) if verdict in ("", family.verdict))
    return frozenset().union(*(branch.keys for family in families for branch in family.branches))


def _present(keys: frozenset[str], lowered: str) -> frozenset[str]:
    return frozenset([key for key in keys if key in lowered])


def speaks_for(verdict: str, sentence: str, language: str) -> bool:
    """Say whether a family of this verdict matches the sentence."""
    present = _present(_keys(language, verdict), sentence.lower())
    return any(
        family.verdict == verdict and family.find(family.branches, sentence, present) for family in _families(language)
    )


def families(language: str) -> Iterable[tuple[patterns.Pattern, re.Pattern[str] | None]]:
    """Return the patterns of a language with what cancels each, for the test that holds them to their examples."""
    return tuple((family.pattern, family.unless) for family in _families(language))

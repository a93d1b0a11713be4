"""The person to turn to instead: a name and an address out of "please contact ..." or "... is responsible"."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from cadenced.reading import intent, patterns, quoting

_MAX_TEXT = 5000
_ADDRESS = re.compile(r"[\w.+'-]{1,64}@(?:[\w-]{1,63}\.){1,6}[a-zA-Z]{2,24}")
_SENTENCE = re.compile(r"(?<=[^\W\d]{3}[.])(?<![DS]ra[.])(?<!ott[.])\s+|(?<=[!?])\s+|\n\s*\n\s*|(?<=[\w)]@)(?!.)")
_CAPITAL = r"(?:[A-ZÀ-ÖØ-ÞĀĂĄĆČĎĐĘĚŁŃŇŐŘŚŠŤŮŰŹŻŽ][\w'’]*(?:-[\w'’]+)*)"
_PARTICLE = r"(?:de|di|du|del|della|der|den|van|von|da|dos|das|do|la|le|el|af|ter|ten|zu|al|ben|bin)"
_NAME = re.compile(rf"\b{_CAPITAL}\.?(?:[ \u00a0](?:{_PARTICLE}[ \u00a0]){{0,2}}{_CAPITAL}){{0,3}}")


@dataclass(frozen=True, slots=True)
class Referral:
    """A person named; either field may be empty, never both."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    score: int
    name: str
    start: int


def read(text: str, language: str, anybody: bool = False) -> Referral | None:
    """Return the person whom the text names to turn to, or None; quoted lines do not count.

    `anybody`: the text is known to name somebody; then a name with a title or a task beside it is enough.
    """
    spoken = quoting.spoken(text)[:_MAX_TEXT].replace("’", "'")
    sentences = [" ".join(piece.split()) for piece in _SENTENCE.split(spoken) if piece.strip()]
    address, home = _address(sentences, language, text)
    if address:
        return Referral(_name_beside(home, address, language), address)
    speaking = [sentence for sentence in sentences if intent.speaks_for("referral", sentence, language, text)]
    names = (_name(sentence, language) for sentence in (*speaking, *(sentences if anybody else ())))
    name = next(filter(None, names), "")
    return Referral(name, "") if name else None


def _address(sentences: list[str], language: str, text: str) -> tuple[str, str]:
    """Return the address in the sentence that refers best, and that sentence."""
    best, found = -10, ("", "")
    for sentence in sentences:
        if "@" not in sentence:
            continue
        score = 2 * intent.speaks_for("referral", sentence, language, text) - 3 * bool(_words("gone").search(sentence))
        for match in _ADDRESS.finditer(sentence):
            if score > best:
                best, found = score, (match[0].rstrip(".'-"), sentence)
    return found if best > -2 else ("", "")


def _name_beside(sentence: str, address: str, language: str) -> str:
    """Return the name that stands nearest before the address, else the best of the sentence."""
    at = sentence.find(address)
    near = [found for found in _candidates(sentence, language) if 0 <= at - found.start - len(found.name) < 60]
    if near:
        return max(near, key=lambda found: (found.score, found.start)).name
    return _name(sentence, language)


def _name(sentence: str, language: str) -> str:
    best = max(_candidates(sentence, language), key=lambda found: (found.score, -found.start), default=None)
    return best.name if best and best.score >= 2 else ""


def _candidates(sentence: str, language: str) -> Iterator[_Candidate]:
    for match in _NAME.finditer(sentence):
        name, start = _without_strangers(match[0], match.start())
        if name:
            yield _Candidate(_score(sentence, name, start, language), name, start)


def _without_strangers(name: str, start: int) -> tuple[str, int]:
    """Cut words off both ends that are nobody's name, titles among them."""
    words = name.replace("\u00a0", " ").split(" ")
    title = ""
    while words and (words[0].lower().rstrip(".") in _nobody() or _words("titles").fullmatch(words[0].rstrip("."))):
        title = words[0] if _words("titles").fullmatch(words[0].rstrip(".")) else ""
        start += len(words.pop(0)) + 1
    while words and words[-1].lower().rstrip(".") in _nobody():
        words.pop()
    if title and len(words) == 1:  # a bare surname keeps its title
        words.insert(0, title)
        start -= len(title) + 1
    return " ".join(words).rstrip("."), start


def _score(sentence: str, name: str, start: int, language: str) -> int:
    """Titles, two words and the words beside a name speak for a person."""
    before, behind = sentence[max(0, start - 30) : start], sentence[start + len(name) :][:30]
    titled = _before_title().search(before) is not None
    words = name.count(" ") + 1
    score = 3 if titled else 0
    score += 1 if words > 1 and language != "de" else 0
    score += 2 if _before_name().search(before) else 0
    score += 2 if _behind_name().match(behind) else 0
    score -= 3 if _GREETED.search(before) and behind[:1] in ",!" else 0
    return score


_GREETED = re.compile(
    r"(?:^|\b(?:hi|hello|dear|hey|bonjour|hallo|liebe[r]?|beste|hola|ciao|olá|hej))\s*$", re.IGNORECASE
)


@cache
def _words(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?:{patterns.table('referral')[name]})", re.IGNORECASE)


@cache
def _before_title() -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{patterns.table('referral')['titles']})\.?\s$", re.IGNORECASE)


@cache
def _before_name() -> re.Pattern[str]:
    words, titles = (patterns.table("referral")[name] for name in ("before", "titles"))
    return re.compile(rf"(?<!\w)(?:{words})[\s:,]+(?:(?:{titles})\.?\s)?$", re.IGNORECASE)


@cache
def _behind_name() -> re.Pattern[str]:
    return re.compile(rf"\s?(?:{patterns.table('referral')['behind']})(?!\w)", re.IGNORECASE)


@cache
def _nobody() -> frozenset[str]:
    return frozenset(patterns.table("referral")["nobody"].split())

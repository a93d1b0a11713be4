"""How autoresponders sound, and how people do: the phrases of auto_signs.toml and auto_voice.toml, by place."""

import re
from collections.abc import Mapping
from functools import cache, lru_cache

from cadenced.reading import patterns, presence, weights
from cadenced.reading.patterns import Pattern
from cadenced.reading.shelf import Shelf

# What a mailing's foot says, to whoever reads it; a person does not say it about themselves.
_FOOT = re.compile(
    r"\b(?:if you (?:no longer|do not|don't) (?:wish|want)|you (?:can|may) unsubscribe|to unsubscribe"
    r"|unsubscribe (?:here|from (?:this|these|support|our)|at any time)"
    r"|have you (?:seen|looked|checked|tried|read|visited))\b",
    re.IGNORECASE,
)
_URGENT = re.compile(
    r"urgen|emergenc|immediate|right away|can't wait|dringend|notf[aä]ll|eilig|spoed|brådsk|akut|necessità|in a hurry",
    re.IGNORECASE,
)
_SHORT = 24  # "Something urgent?" asks nothing
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


def straight(text: str) -> str:
    """Return the text with plain apostrophes and spaces, on one line: phrases are broken anywhere."""
    return " ".join(text.replace("’", "'").replace("\u00a0", " ").split())


def says(place: str, text: str, lowered: str | None = None) -> str:
    """Return the words that speak for one meaning, or ""."""
    low = text.lower() if lowered is None else lowered
    found = _shelves()[place].find(text, low, _present(low))
    return " ".join(found[1].split())[:80] or found[0].code if found else ""


def about(text: str, lowered: str) -> tuple[str, str] | None:
    """Return what an automatic reply would be about and the words that say it."""
    for place in ("challenge", "receipt", "left", "away", "moved", "unread", "ack", "received"):
        said = says(place, text, lowered)
        if said:
            return place, said
    return None


def returning(text: str, lowered: str) -> str:
    """Return the words that name the return of somebody who is away, or hint at an absence with a courtesy."""
    back = says("back", text, lowered)
    absent = says("absent", text, lowered)
    if back and (absent or _opens(text, back) or says("courtesy", text, lowered)):
        return back
    return absent if absent and (says("span", text, lowered) or says("courtesy", text, lowered)) else ""


def requests(text: str) -> str:
    """Return what only a person asks of the one who wrote to them, or says of an offer; not "if urgent, call me"."""
    named = greeted(text)
    if named:
        return named
    for piece in _SENTENCE.split(text):
        if not _URGENT.search(piece):
            said = says("hard", piece) or ("?" if "?" in piece and len(piece) > _SHORT else "")
            if said:
                return said
    return ""


def _opens(text: str, back: str) -> bool:
    """Whether the return is nearly all that a short text says."""
    return len(text) < 160 and back[:20] in text[:90]


def person(text: str, lowered: str) -> str:
    """Return what only a person says to the one who wrote to them, or ""."""
    named = greeted(text)
    if named:
        return named
    rest = text
    if "unsubscribe" in lowered or "have you" in lowered:
        rest = " ".join(piece for piece in _SENTENCE.split(text) if not _FOOT.search(piece))
    return says("human", rest) or ("?" if "?" in rest else "")


def greeted(text: str) -> str:
    """Return a greeting by name: an autoresponder does not know to whom it writes."""
    found = _greeting().match(text)
    nobody = patterns.table("auto_signs")["greeting"]["nobody"]
    return found[0] if found and found[1].lower() not in nobody else ""


@lru_cache(maxsize=2)
def machine(text: str) -> tuple[float, str]:
    """Return the share with which the weighed words of a text say that a machine wrote it, and of what kind."""
    shares = dict(weights.load("weights_voice").shares(weights.features(text)))
    person = shares.pop("person")
    return 1 - person, max(shares, key=shares.__getitem__)


def formal(meaning: str, text: str, lowered: str) -> bool:
    """Whether the text is a form letter: it opens with its subject, or has the courtesies of one."""
    if meaning in {"challenge", "receipt", "left", "moved"}:
        return True
    if meaning in {"ack", "received"}:
        return bool(says("received", text, lowered) and says("process", text, lowered))
    return bool(says("courtesy", text, lowered)) or (meaning == "away" and bool(says("away", text[:120])))


def warm() -> None:
    """Compile every phrase ahead of its first use."""
    _keys()
    _greeting()


@lru_cache(maxsize=4)
def _present(lowered: str) -> frozenset[str]:
    return presence.present(_keys(), lowered)


@cache
def _keys() -> presence.Index:
    return presence.index(key for shelf in _shelves().values() for key in shelf.keys)


@cache
def _shelves() -> Mapping[str, Shelf]:
    """Return the phrases of each place."""
    by_place: dict[str, list[Pattern]] = {}
    for one in (*patterns.load("auto_signs"), *patterns.load("auto_voice")):
        by_place.setdefault(one.tags["place"], []).append(one)
    return {place: Shelf(several) for place, several in by_place.items()}


@cache
def _greeting() -> re.Pattern[str]:
    words = patterns.table("auto_signs")["greeting"]
    openers, titles = "|".join(words["openers"]), "|".join(words["titles"])
    return re.compile(rf"\A\W{{0,5}}(?:{openers})\s+(?:(?:{titles})\.?\s+)?([^\W\d_][\w'’-]{{1,30}})", re.IGNORECASE)

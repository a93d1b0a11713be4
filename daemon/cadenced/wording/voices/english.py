"""English: "I" the numeral, "US" the country, "mine" the pit, and spellings of haste."""

from __future__ import annotations

import re
from collections.abc import Mapping

from cadenced.wording.voices.place import REACH, Doubt, Place, words

EXTRA = (
    r"(?:let'?s|gimme|lemme)(?!\w)",
    r"i(?=(?:m|ve|ll|d)(?!\w))",
    r"you(?=(?:re|ve|ll)(?!\w))",
    r"we(?=ve(?!\w))",
)

_NUMBERED = words(
    "part phase type class title war wwi chapter volume vol section article act level schedule exhibit annex "
    "appendix stage grade category division tier book table figure fig group zone region unit module step round "
    "tome vatican algebra calculus physics chemistry topic cohort apollo saturn"
)
_MONARCHS = words(
    "mark elizabeth henry james charles francis george napoleon nicholas alexander peter darius edward william philip "
    "louis leopold wilhelm joseph ferdinand frederick cyrus john paul rama victoria richard mary albert otto "
    "carol juan"
)
_THRONES = words("king queen pope emperor empress tsar czar kaiser prince saint st. st sultan shah")
_VERBS_OF_I = words(
    "am have had was will would can could do did think know want need hope believe guess feel see saw got get "
    "like love just don't didn't can't should must may might also really wish agree understand said went"
)
_PITS = words("a the coal gold silver copper diamond iron salt uranium lead tin zinc land each an abandoned")
_PIT_PARTS = words(
    "shaft shafts worker workers field fields site sites owner owners clearing detection detector sweeper "
    "sweepers safety operator operators"
)
_CONJOINED = words("and or of for with on about without to like by as than from in is was")
_BARE_VERBS = words(
    "go get see say face hope make take do be just not keep try start all have look talk move meet discuss call "
    "call think wait assume plan find leave put use connect schedule set hear eat play give work focus chat catch "
    "ask and know pretend agree stop begin continue call read run"
)
_AFTER_ILL = words("be like love rather say have get never send call let see")
_NOT_BEFORE_ILL = words("a an the is was were are feel fall fell very my your his her no be so and or")
_AFTER_U = words(
    "are r can will have had should would could do did know want need may must might see get were think like guys "
    "all don't dont can't cant wont won't never just really"
)
_MORE_NUMERALS = re.compile(r"\s*(?:,|&|and|or|/|-|–|to)\s*i{2,3}\b|\s*(?:,|&|and|or|/|-|–|to)\s*i?v\b")


def _i(place: Place) -> bool:
    following = place.following
    if following in " '’" and following and not _MORE_NUMERALS.match(place.lower, place.end):
        return place.previous != "." and (place.written == "i" or not _numbered(place))
    if following.isalpha():
        return _glued_i(place)
    if place.previous == ".":
        return not place.text[place.start - 2 : place.start - 1].isalpha() or place.following in " '’"
    if place.following in ".)]/:-&°" and _labels(place):
        return False
    if _MORE_NUMERALS.match(place.lower, place.end):
        return False
    return place.written == "i" or not _numbered(place)


def _glued_i(place: Place) -> bool:
    """`Im`, `ive`, and `Ill`, `Id` where a verb follows."""
    rest = place.lower[place.end : place.end + 2]
    written = place.text[place.start : place.end + 2]
    if rest.startswith("m"):
        return not place.text[place.end].isupper() and place.before() not in ("an", "the", "via", "by", "your", "my")
    if rest == "ve":
        return place.text[place.end] == "v"
    beyond = Place(place.text, place.lower, place.start, place.end + (2 if rest == "ll" else 1)).after()
    if written[0] == "I":
        return beyond in _AFTER_ILL
    return beyond in ("be", "like", "love", "rather", "let", "see") and place.before() not in _NOT_BEFORE_ILL


def _labels(place: Place) -> bool:
    """`I.`, `i)`, `(i)`, `I/O`, `I-95`, `i.e.`, the initial of a name: a label rather than a person."""
    following, beyond = place.following, place.text[place.end + 1 : place.end + 2]
    before = place.before_as_written()
    if following in ")]":
        head = place.text[max(0, place.start - 80) : place.start]
        return place.previous in "([" or not before or head.count("(") <= head.count(")")
    if following == ".":
        initial = before[:1].isupper() and before[-1:].isalpha() and place.after_dot()[:1].isupper()
        return not before or before.endswith(".") or beyond.isalpha() or (place.written == "I" and initial)
    if following == "-":
        return beyond.isdigit() or (beyond.isalpha() and place.previous not in " \n")
    return following in "/&°" and beyond.isupper()


def _numbered(place: Place) -> bool:
    before = place.before()
    bare = before.strip("\"'“”(").rstrip(",")
    if bare in _MONARCHS:
        return _reigns(place)
    if bare not in _NUMBERED or before.endswith(","):
        return False
    after = place.after()
    if not place.before_as_written().strip("\"'“”(")[:1].isupper():
        return not after or after in ("and", "of", "or", "clinical", "trial", "trials", "error", "diabetes")
    return after not in _VERBS_OF_I or bare in ("war", "wwi")


def _reigns(place: Place) -> bool:
    """`King James I`, `Elizabeth I of England`; a plain `James I think` speaks to James."""
    before = place.lower[max(0, place.start - REACH) : place.start].split()
    if place.after() == "of" or place.lower.startswith(("'s", ")"), place.end):
        return True
    return len(before) > 1 and before[-2] in _THRONES


def _us(place: Place) -> bool:
    if place.following in ("$", "-") and place.text[place.end + 1 : place.end + 2] not in (" ", "-"):
        return False
    if place.written != "US":
        return place.before() != "the" or place.after() in ("who", "all", "both")
    if place.previous == "." or place.following == ".":
        around = place.text[place.end : place.end + 3]
        if place.previous == "." or around[1:2].isalpha():
            return False
    return _shouted(place) and place.before() not in ("the", "in")


def _shouted(place: Place) -> bool:
    """Whether the words around are capitals as well, so that capitals say nothing."""
    around = place.text[max(0, place.start - 40) : place.start] + place.text[place.end : place.end + 40]
    letters = [c for c in around if c.isalpha()]
    return len(letters) >= 6 and sum(c.isupper() for c in letters) > 0.75 * len(letters)


def _mine(place: Place) -> bool:
    before, after = place.before(), place.after()
    if before in _PITS or after in _PIT_PARTS or place.following == "-" or place.previous == "-":
        return False
    if before == "to":
        return not after or after in _CONJOINED
    return True


def _me(place: Place) -> bool:
    if place.written != "ME" or _shouted(place):
        return True
    before = place.before_as_written()
    return not (before.endswith(",") and before[:1].isupper()) and before not in ("Windows", "Win")


def _my(place: Place) -> bool:
    return not (place.written == "MY" and place.before_as_written().endswith(","))


def _u(place: Place) -> bool:
    if place.previous in (".", "-", "/", "&", "'") or (
        place.following in (".", "-", "/", "&") and (place.text[place.end + 1 : place.end + 2].isalnum())
    ):
        return False
    if place.written == "u":
        return place.before() not in ("a", "an", "the", "letter", "vowel") and place.following != ")"
    return place.after() in _AFTER_U or place.before() in ("thank", "r", "are", "do", "can", "if", "love", "see")


def _ur(place: Place) -> bool:
    return place.written != "UR" or _shouted(place)


def _ya(place: Place) -> bool:
    return (bool(place.before()) and place.written != "Ya") or place.after() in ("know", "gotta", "think")


def _lets(place: Place) -> bool:
    """`lets` without its apostrophe: at the start of a clause, before a bare verb."""
    before = place.before()
    return place.after() in _BARE_VERBS and (
        not before or before[-1] in ",.!?;:" or before in ("so", "and", "ok", "but")
    )


def _thou(place: Place) -> bool:
    return place.after() in ("art", "hast", "shalt", "wilt", "shall", "dost", "canst", "not")


DOUBTS: Mapping[str, Doubt] = {
    "i": _i,
    "us": _us,
    "mine": _mine,
    "me": _me,
    "my": _my,
    "u": _u,
    "ur": _ur,
    "ya": _ya,
    "lets": _lets,
    "thou": _thou,
}
VOICES: Mapping[str, str] = {"let's": "joint", "lets": "joint", "gimme": "self", "lemme": "self"}
INSIDE: Mapping[str, int] = {"let's": 3, "lets": 3, "gimme": 3, "lemme": 3}
"""Where the pronoun begins within a word that holds more than it."""

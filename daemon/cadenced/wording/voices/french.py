"""French: "le ton" and "rendez-vous", "Me Dupont", and pronouns that stand in foreign titles."""

from __future__ import annotations

from collections.abc import Mapping

from cadenced.wording.voices.place import Doubt, Place, words

EXTRA: tuple[str, ...] = ()
VOICES: Mapping[str, str] = {}
INSIDE: Mapping[str, int] = {}

_NOUN_MARKS = words(
    "le un du au ce son leur même bon beau ce quel d'un l'autre aucun nouveau seul haut demi chaque sans"
)
_NEVER_OWNED = words(
    "de du des est et qui que sur devant avec quand pour dans en mais plus très grave sec monte change à"
)
_ARTICLES = words("le la les l' du des au aux")
_ENGLISH = words(
    "love you the and to with for call kiss take make let tell give show of about follow forgive help like from "
    "is against trust save hold hit meet touch please rock on in at up"
)
_NUMERIC = words("kilo kilos tonne tonnes")


def _hyphened_before(place: Place, *heads: str) -> bool:
    return place.previous in "-‐" and place.lower[max(0, place.start - 12) : place.start - 1].endswith(heads)


def _vous(place: Place) -> bool:
    if _hyphened_before(place, "rendez", "garde-à", "tu-vu"):
        return False
    if place.before() == "rendez" and place.lower[max(0, place.start - 12) : place.start].lstrip().startswith(
        ("un ", "le ", "de ", "ce ", "du ")
    ):
        return False
    return place.following != "-" or not place.lower.startswith("-à-", place.end)


def _ton(place: Place) -> bool:
    before, after = place.before(), place.after()
    if before in _NOUN_MARKS or before.endswith(("l'", "d'un")) or not after:
        return False
    return after not in _NEVER_OWNED and _own(place)


def _title(place: Place) -> bool:
    """Return a capital inside a sentence, beside another capital: a name or a foreign title."""
    if not place.written[:1].isupper() or (place.written.isupper() and len(place.written) > 1):
        return False
    if place.opens_sentence():
        return place.after() in _ENGLISH
    return place.before_as_written()[:1].isupper() or place.after_as_written()[:1].isupper()


def _plain(place: Place) -> bool:
    return not _title(place)


def _own(place: Place) -> bool:
    """Return a possessive, and not the end of a name (Jack Ma)."""
    before = place.before_as_written()
    if place.written == "Ma" and before[-1:].isdigit():  # millions of years
        return False
    if not place.written[:1].isupper() or place.opens_sentence():
        return True
    return not (before[:1].isupper() and before[-1:].isalpha()) or place.after_as_written()[:1].isupper()


def _me(place: Place) -> bool:
    if place.written == "Me" and place.after_as_written()[:1].isupper():
        return False
    if place.following == "." and place.written == "Me":
        return False
    return _plain(place) and not (place.before() in _ENGLISH and place.before() != "on")


def _moi(place: Place) -> bool:
    return place.before() not in ("le", "du", "un") and _plain(place)


def _tu(place: Place) -> bool:
    """Not the participle of "se taire"."""
    before = place.before()
    if before in ("s'est", "s'était", "sera", "s'être") or before.endswith("s'est"):
        return False
    return _plain(place) and not (place.following == "-" and place.lower.startswith("-vu", place.end))


def _elided(place: Place) -> bool:
    """`m'` and `t'`, and not the name M'Bala."""
    capital = place.written[:1].isupper()
    return not (
        capital
        and place.text[place.end : place.end + 1].isupper()
        and not place.text[place.end : place.end + 4].isupper()
    )


def _notre(place: Place) -> bool:
    return not place.lower.startswith(("-dame", " dame", "-seigneur"), place.end) or not place.written[:1].isupper()


def _tien(place: Place) -> bool:
    """`le tien`, and not "tiens" the verb or the exclamation."""
    return place.before() in _ARTICLES or place.before().endswith(("'au", "qu'au"))


def _t(place: Place) -> bool:
    return place.previous != "-" or place.lower.startswith("en", place.end) or place.lower.startswith("y", place.end)


def _prefixed(place: Place) -> bool:
    """`t'`: not the link of `a-t'il`."""
    return _elided(place) and _t(place)


DOUBTS: Mapping[str, Doubt] = {
    "vous": _vous,
    "ton": _ton,
    "me": _me,
    "te": _plain,
    "ma": _own,
    "ta": _own,
    "mon": _own,
    "mes": _own,
    "tes": _own,
    "moi": _moi,
    "toi": _plain,
    "tu": _tu,
    "m'": _elided,
    "t'": _prefixed,
    "notre": _notre,
    "tien": _tien,
    "tienne": _tien,
    "tiens": _tien,
    "tiennes": _tien,
}

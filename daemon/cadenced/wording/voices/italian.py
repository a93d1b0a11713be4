"""Italian: the polite Lei, "ci" and "vi" the places, "sono" they are."""

from __future__ import annotations

from collections.abc import Mapping

from cadenced.wording.voices.place import Doubt, Place, words

EXTRA: tuple[str, ...] = ()
VOICES: Mapping[str, str] = {}
INSIDE: Mapping[str, int] = {}

_THERE = words("è sono era erano sia siano sarà saranno fu furono sarebbe vuole")


def _lei(place: Place) -> bool:
    """With a capital inside a sentence the reader, else she."""
    return place.written == "Lei" and not place.opens_sentence()


def _there(place: Place) -> bool:
    return place.after() not in _THERE


def _sono(place: Place) -> bool:
    """Mean "I am" only where the sentence says so: at its start or behind io."""
    return place.before() == "io" or (
        place.opens_sentence() and place.after() not in ("stati", "state", "i", "le", "gli")
    )


def _sei(place: Place) -> bool:
    """Not the number six."""
    return not place.after().endswith(("i", "e")) or place.before() in ("tu", "se", "che", "ci")


def _so(place: Place) -> bool:
    return place.before() in ("io", "non", "lo") or place.after() in ("che", "quanto", "come")


def _fate(place: Place) -> bool:
    return place.before() not in ("le", "delle")


DOUBTS: Mapping[str, Doubt] = {
    "lei": _lei,
    "ci": _there,
    "vi": _there,
    "sono": _sono,
    "sei": _sei,
    "so": _so,
    "fate": _fate,
}

"""Dutch: "de mijn" the pit, "een ons" the weight, "U-bocht", and names that are no pronouns."""

from __future__ import annotations

from collections.abc import Mapping

from cadenced.wording.voices.place import Doubt, Place

EXTRA: tuple[str, ...] = ()
VOICES: Mapping[str, str] = {}
INSIDE: Mapping[str, int] = {}


def _mijn(place: Place) -> bool:
    return place.before() not in ("de", "een", "die", "deze", "elke") and place.following != "-"


def _ons(place: Place) -> bool:
    before = place.before()
    return before not in ("een", "half", "per") and not before[-1:].isdigit()


def _onze(place: Place) -> bool:
    return not place.lower.startswith(("-lieve", "-lieve-vrouw"), place.end)


def _u(place: Place) -> bool:
    if place.previous in (".", "-", "/", "'", "’", "&") or place.following in ("-", "/", "&", "+"):
        return False
    if place.following == ".":
        dotted = place.text[place.end + 1 : place.end + 2].isalpha()
        initial = place.written == "U" and place.after_dot()[:1].isupper() and place.before_as_written()[:1].isupper()
        return not dotted and not initial
    return place.before() not in ("de", "een", "letter", "vitamine")


def _foreign(place: Place) -> bool:
    """Lower case, or at a sentence's start: inside a sentence a capital belongs to a title."""
    if not place.written[:1].isupper() or place.opens_sentence():
        return place.after() not in ("suis", "t'aime", "veux", "ne")
    return place.written.isupper() or not place.before_as_written()[:1].isupper()


def _ik(place: Place) -> bool:
    return place.before() not in ("het", "mijn", "ander") or place.after() in ("heb", "ben", "zal", "wil", "kan", "had")


DOUBTS: Mapping[str, Doubt] = {
    "mijn": _mijn,
    "ons": _ons,
    "onze": _onze,
    "u": _u,
    "me": _foreign,
    "je": _foreign,
    "we": _foreign,
    "ge": _foreign,
    "ik": _ik,
}

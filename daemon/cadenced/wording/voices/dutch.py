"""Dutch: "de mijn" the pit, "een ons" the weight, "U-bocht", and names that are no pronouns."""

from __future__ import annotations

from collections.abc import Mapping

from cadenced.wording.voices.place import Doubt, Place

EXTRA: tuple[str, ...] = ()
VOICES: Mapping[str, str] = {}
INSIDE: Mapping[str, int] = {}


def _mijn(place: Place) -> bool:
    return place.before() not in ("de", "een", "elke") and place.following != "-"


def _ons(place: Place) -> bool:
    before = place.before()
    counted = ("een", "half", "per", "twee", "drie", "vier", "vijf", "anderhalf", "paar")
    return before not in counted and not before[-1:].isdigit()


def _onze(place: Place) -> bool:
    return not place.lower.startswith(("-lieve", "-lieve-vrouw"), place.end)


def _u(place: Place) -> bool:
    head, beyond = place.text[max(0, place.start - 2) : place.start], place.text[place.end + 1 : place.end + 2]
    if head[-1:] in (".", "-", "/", "&") or (len(head) > 1 and head[1] in "'’" and head[0].isalnum()):
        return False
    if place.following in ("-", "&", "+") or (place.following == "/" and beyond.isupper()):
        return False
    if place.following == ".":
        return not beyond.isalpha() and not (place.written == "U" and _initial(place))
    return place.before() not in ("de", "een", "letter", "vitamine")


def _initial(place: Place) -> bool:
    """`de heer U. Jansen`."""
    before = place.before_as_written()
    titled = before.lower() in ("heer", "mevrouw", "meneer", "dhr.", "mevr.", "dr.", "prof.")
    return place.after_dot()[:1].isupper() and (titled or before[:1].isupper())


def _foreign(place: Place) -> bool:
    """Not beside what is French or English, nor a capital behind a capital: a title."""
    if place.after() in ("suis", "t'aime", "veux", "ne"):
        return False
    if not place.written[:1].isupper() or place.written.isupper() or place.opens_sentence():
        return True
    return not place.before_as_written()[:1].isupper()


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

"""Spanish: nouns and names that look like pronouns or first-person verbs."""

from __future__ import annotations

from collections.abc import Mapping

from cadenced.wording.voices.place import Doubt, Place

EXTRA: tuple[str, ...] = ()
VOICES: Mapping[str, str] = {}
INSIDE: Mapping[str, int] = {}


def _inside(place: Place) -> bool:
    """Not a capital within a sentence: a title or a name."""
    return not place.written[:1].isupper() or place.opens_sentence() or place.written.isupper()


def _he(place: Place) -> bool:
    """Return the auxiliary has a participle behind it or in reach."""
    return place.after().endswith(("do", "to", "cho", "so")) and _inside(place)


DOUBTS: Mapping[str, Doubt] = {"me": _inside, "te": _inside, "he": _he, "os": _inside, "tu": _inside, "mi": _inside}

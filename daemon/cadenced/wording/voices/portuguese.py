"""Portuguese: "nos" the contraction, "este" and "sei" beside what they resemble."""

from __future__ import annotations

from collections.abc import Mapping

from cadenced.wording.voices.place import Doubt, Place

EXTRA: tuple[str, ...] = ()
VOICES: Mapping[str, str] = {}
INSIDE: Mapping[str, int] = {}


def _nos(place: Place) -> bool:
    """Us, and not "in the": a verb is joined by a hyphen or follows; a plural noun does not."""
    after = place.after()
    return place.previous == "-" or (bool(after) and not after.endswith("s"))


def _inside(place: Place) -> bool:
    """Not a capital within a sentence: a title or a name."""
    return not place.written[:1].isupper() or place.opens_sentence() or place.written.isupper()


DOUBTS: Mapping[str, Doubt] = {"nos": _nos, "me": _inside, "te": _inside}

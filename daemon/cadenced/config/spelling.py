"""The word that was probably meant."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

_LISTED = 12


def nearest(word: str, known: Iterable[str]) -> str:
    """Return the known word most like ``word``, ``""`` where none is like it."""
    by_lower = {name.lower(): name for name in known}
    found = get_close_matches(word.lower()[:80], list(by_lower), n=1, cutoff=0.6)
    return by_lower[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return a cure for an unknown ``word``: the nearest one, else a short list of what there is, else ``""``."""
    names = list(known)
    if near := nearest(word, names):
        return f'did you mean "{near}"?'
    shown = ", ".join(names[:_LISTED]) + (", …" if len(names) > _LISTED else "")
    return f"known here: {shown}" if names else ""

"""What the doctor found: one line a thing that was looked at, good or bad, with a cure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Health(StrEnum):
    """How a thing is."""

    GOOD = "good"
    NOTE = "note"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """One thing that was looked at. ``area`` is a mailbox's name, or ``machine``."""

    area: str
    what: str
    health: Health
    text: str
    cure: str = ""


def good(area: str, what: str, text: str) -> Diagnosis:
    """Return that something is well."""
    return Diagnosis(area, what, Health.GOOD, text)


def note(area: str, what: str, text: str, cure: str = "") -> Diagnosis:
    """Return something worth knowing."""
    return Diagnosis(area, what, Health.NOTE, text, cure)


def bad(area: str, what: str, text: str, cure: str = "") -> Diagnosis:
    """Return what keeps the daemon from its work."""
    return Diagnosis(area, what, Health.BAD, text, cure)

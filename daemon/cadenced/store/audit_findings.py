"""A breach of an invariant, and the few words that several laws need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

TRAIL = timedelta(seconds=7)
"""The longest that a send may trail what should have stopped it: W = 6.5 s (RELIABILITY 2.1), and rounding."""


@dataclass(frozen=True, slots=True)
class Breach:
    """One row that an invariant forbids: a sentence, and the ids in it."""

    text: str
    ids: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Given:
    """What the laws are read against: the time, and whether a sequence goes on by itself after a verdict."""

    now: datetime
    goes_on: Callable[[str, str], bool] = field(default=lambda _sequence, _verdict: False)

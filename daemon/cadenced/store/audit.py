"""The invariants of the product, held against what the database says. Reads only; each breach is told with its ids.

``BROKEN`` is what must never be; ``NOTE`` is what a human will want to know. In a sound database every query below
answers with nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Connection

from cadenced.store import audit_rows, audit_sends
from cadenced.store.audit_findings import Breach, Given

MOST_SHOWN = 200
"""Breaches shown of one law; how many more there are is counted."""


class Weight(StrEnum):
    """How bad it is."""

    BROKEN = "error"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Law:
    """One invariant: its name, what it says, and the query that finds what breaks it."""

    name: str
    text: str
    weight: Weight
    find: Callable[[Connection, Given], Iterator[Breach]]


@dataclass(frozen=True, slots=True)
class Judgement:
    """What became of one law: the breaches shown, and how many there are in all."""

    law: Law
    breaches: tuple[Breach, ...]
    count: int

    @property
    def is_broken(self) -> bool:
        """Whether something is that must never be."""
        return bool(self.count) and self.law.weight is Weight.BROKEN


LAWS: tuple[Law, ...] = (
    Law("one-person", "No person stands there twice.", Weight.BROKEN, audit_rows.twice),
    Law(
        "next-step",
        "Whoever is not finished has a dated next step, or is parked with a reason and a wake date.",
        Weight.BROKEN,
        audit_rows.without_next_step,
    ),
    Law("over-is-over", "What is over has no date any more.", Weight.BROKEN, audit_rows.dated_though_over),
    Law("one-sequence", "Nobody runs through two sequences at a time.", Weight.BROKEN, audit_rows.two_at_a_time),
    Law("asked", "Whoever waits for a task has an open one.", Weight.BROKEN, audit_rows.unasked),
    Law("silent", "Nothing runs for a suppressed address.", Weight.BROKEN, audit_rows.live_though_suppressed),
    Law("armed", "Every touch that was sent had been armed.", Weight.BROKEN, audit_sends.sent_unarmed),
    Law("frozen", "The bytes of every touch are those that were frozen.", Weight.BROKEN, audit_sends.changed_bytes),
    Law("one-id", "No Message-ID was used twice.", Weight.BROKEN, audit_sends.repeated_ids),
    Law(
        "after-suppression",
        "Nothing was sent to an address after it was suppressed.",
        Weight.BROKEN,
        audit_sends.after_suppression,
    ),
    Law(
        "after-reply",
        "Nothing was sent in an enrolment after its prospect had answered.",
        Weight.BROKEN,
        audit_sends.after_reply,
    ),
    Law("doubt", "Of every touch it is known whether it was sent.", Weight.NOTE, audit_sends.doubtful),
    Law("under-way", "No touch is under way for more than a few minutes.", Weight.NOTE, audit_sends.stuck),
)
"""Every invariant that ``cadenced audit`` checks."""


def judge(tx: Connection, given: Given, told: Callable[[Law], None] = lambda _law: None) -> Iterator[Judgement]:
    """Check one law after the other; ``told`` hears of each before it is checked."""
    for law in LAWS:
        told(law)
        shown: list[Breach] = []
        count = 0
        for breach in law.find(tx, given):
            count += 1
            if len(shown) < MOST_SHOWN:
                shown.append(breach)
        yield Judgement(law, tuple(shown), count)

"""The product with one safeguard taken out at a time. A simulation that lets one of them pass proves nothing.

Each mutant names the laws of which it must break at least one in a world in which the healthy product keeps them. They
stand in ``mutants_sending``, ``mutants_reading`` and ``mutants_planning``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from simulation.nemesis import Drama
from simulation.sim_imap import Trouble
from simulation.sim_scale import Climate, Parts, Scale

SEEDS = 60
SMALL = Scale(people=24, days=8, calm=7)
BRIEF = Scale(people=40, days=3, calm=2)
"""For what happens around one touch: many first touches, few of the later ones."""

RUSH = Scale(people=3000, days=1, calm=1, together=3000, paced=False, harm=0.02, limit=0)
"""A list so long that what was postponed comes again while it lasts, and letters are made behind what is under way."""

SLOW_INBOX = Climate(level=4.0, trouble=Trouble(fails=0.01, slow=0.35, deaf=0.3, longest=6.0))
"""Where reading takes seconds, and whoever is being written to answers meanwhile."""

Change = Callable[[pytest.MonkeyPatch, Parts], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A product without one of its safeguards."""

    name: str
    laws: frozenset[str]
    change: Change
    scale: Scale


MUTANTS: list[Mutant] = []


def mutant(*laws: str, scale: Scale = SMALL) -> Callable[[Change], Change]:
    """Enlist a mutant, and say in how large a world it is looked for."""

    def enlist(change: Change) -> Change:
        MUTANTS.append(Mutant(change.__name__, frozenset(laws), change, scale))
        return change

    return enlist


def replacing(patch: pytest.MonkeyPatch, owner: Any, name: str) -> Callable[[Callable[..., Any]], None]:
    """Put a function in the place of another, which it is handed as its first argument."""
    healthy = getattr(owner, name)

    def put(other: Callable[..., Any]) -> None:
        patch.setattr(owner, name, lambda *given, **named: other(healthy, *given, **named))

    return put


def caught(one: Mutant, seeds: Collection[int] = range(SEEDS)) -> tuple[int, str] | None:
    """Return the first seed whose world the mutant breaks and the healthy product does not, and how."""
    for seed in seeds:
        with pytest.MonkeyPatch.context() as patch:
            parts = Parts()
            one.change(patch, parts)
            broken = _against(one, Drama(seed, one.scale, parts).run().broken)
        if broken and not _against(one, _healthy(seed, one.scale, parts.climate)):
            return seed, broken[0]
    return None


@cache
def _healthy(seed: int, scale: Scale, climate: Climate) -> tuple[str, ...]:
    """Return what the product itself breaks in such a world: nothing, or the world is no measure."""
    return tuple(Drama(seed, scale, Parts(climate=climate)).run().broken)


def _against(one: Mutant, broken: Collection[str]) -> list[str]:
    return [what for what in broken if what.partition(":")[0] in one.laws]

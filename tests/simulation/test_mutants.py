"""Each safeguard that is taken out is missed by the oracle within sixty worlds."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from simulation import mutants, mutants_planning, mutants_reading, mutants_sending

KINDS = (mutants_planning, mutants_reading, mutants_sending)

QUICK = frozenset(
    {
        "sends_without_a_fence",
        "reads_the_inbox_alone",
        "sends_without_the_arm_mark",
        "tries_again_after_a_lost_answer",
        "keeps_no_window",
    }
)
"""Those that a world or two unmask; the others run when CADENCED_ALL_MUTANTS is set."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("one", mutants.MUTANTS, ids=lambda one: one.name)
def test_a_missing_safeguard_is_noticed(one: mutants.Mutant) -> None:
    if one.name not in QUICK and not os.environ.get("CADENCED_ALL_MUTANTS"):
        pytest.skip("a slow mutant: set CADENCED_ALL_MUTANTS=1")
    assert mutants.caught(one) is not None, f"{one.name} passed {mutants.SEEDS} worlds"


def test_there_are_at_least_forty_mutants() -> None:
    assert len({one.name for one in mutants.MUTANTS}) == len(mutants.MUTANTS) >= 40

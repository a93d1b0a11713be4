"""Each safeguard that is taken out is missed by the oracle within sixty worlds."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator

import pytest

from simulation import mutants

QUICK = frozenset(
    {
        "sends_without_a_fence",
        "reads_the_inbox_alone",
        "takes_no_notice_of_other_uids",
        "tries_again_after_a_lost_answer",
        "marks_as_sent_before_sending",
        "counts_a_mail_each_time_it_is_seen",
        "keeps_no_window",
        "keeps_no_limit_and_no_gap",
    }
)
"""Those that a world or two unmask; the others run when CADENCED_ALL_MUTANTS is set (``make soak``)."""


@pytest.fixture(autouse=True)
def _quiet() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("one", mutants.MUTANTS, ids=lambda one: one.name)
def test_a_missing_safeguard_is_noticed(one: mutants.Mutant) -> None:
    if one.name not in QUICK and not os.environ.get("CADENCED_ALL_MUTANTS"):
        pytest.skip("a slow mutant: set CADENCED_ALL_MUTANTS=1")
    assert mutants.caught(one) is not None, f"{one.name} passed {mutants.SEEDS} worlds"

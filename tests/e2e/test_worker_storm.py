"""Many workers on one PostgreSQL database: each mail once, whoever dies, stops or comes back.

Small by default; CADENCED_STORM_SENDS, _KILLS, _STOPS, _WORKERS, _SEED and _SECONDS make it a storm.
"""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
from worker_storm import Nemesis, Storm, ground

from peers import dovecot, postgres

pytestmark = [
    *dovecot.needs_dovecot,
    pytest.mark.postgres,
    pytest.mark.skipif(not postgres.available(), reason="PostgreSQL's server programs are not installed"),
    pytest.mark.slow,
    pytest.mark.timeout(14_400),
]


def told(name: str, usual: int) -> int:
    return int(os.environ.get(f"CADENCED_STORM_{name}", usual))


def test_a_storm_of_kills_and_stops_doubles_nothing_and_loses_nothing(tmp_path: Path) -> None:
    seed, workers = told("SEED", 1), told("WORKERS", 4)
    kills, stops = told("KILLS", 3), told("STOPS", 3)
    chance = random.Random(seed)  # noqa: S311 - a seed must repeat
    with ground(tmp_path / "ground", workers, slow=0.1, seed=seed) as here:
        here.add(workers)
        prospects = told("SENDS", 60) // 3
        storm = Storm(here, Nemesis(here, chance, kills, stops, 3 * prospects))
        outcome = storm.run(prospects, told("SECONDS", 1800))
        print(f"\nseed {seed}: {outcome}")  # noqa: T201 - the figures are the point
        assert outcome.doubled == 0, here.logs()[-5000:]
        assert outcome.states.get("sent", 0) <= outcome.accepted, "taken for sent without a server that took it"
        assert outcome.missing == 0, here.logs()[-5000:]
        assert outcome.states == {"sent": outcome.wanted}, here.logs()[-5000:]

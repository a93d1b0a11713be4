"""Mutated mail: a verdict or `InboundError`, never anything else. `CADENCED_INBOUND_FUZZ=N` tries N messages."""

import os

from benchmarks import fuzz_inbound

COUNT = int(os.environ.get("CADENCED_INBOUND_FUZZ", "1500"))
SEED = int(os.environ.get("CADENCED_INBOUND_FUZZ_SEED", "1"))


def test_any_bytes_become_a_verdict_or_a_refusal_in_bounded_time():
    told = fuzz_inbound.run(SEED, range(COUNT))
    assert told.bad == []
    assert told.kinds.total() == COUNT


def test_a_message_of_a_seed_is_always_the_same():
    assert fuzz_inbound.message(3, 5)[0] == fuzz_inbound.message(3, 5)[0] != fuzz_inbound.message(3, 6)[0]

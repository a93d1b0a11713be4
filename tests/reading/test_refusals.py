"""What systems say when they refuse: laws on what was learnt from, a floor under what nothing may be learnt from."""

import pytest

from benchmarks import bounce_figures as bounces

LEARNT = [name for name in bounces.collections() if not name.startswith("unseen")]
UNSEEN = [name for name in bounces.collections() if name.startswith("unseen")]


@pytest.fixture(scope="module")
def judged():
    return {name: list(bounces.told(name)) for name in bounces.collections()}


@pytest.mark.parametrize("name", LEARNT)
def test_what_was_learnt_stays_learnt(judged, name):
    assert [one for one in judged[name] if not one.lenient] == []
    assert sum(one.strict for one in judged[name]) >= 0.95 * len(judged[name])


def test_unseen_refusals_are_mostly_understood(judged):
    every = [one for name in UNSEEN for one in judged[name]]
    assert sum(one.strict for one in every) >= 0.92 * len(every)
    assert sum(one.lenient for one in every) >= 0.96 * len(every)


def test_every_refusal_is_found_with_its_address(judged):
    every = [one for told in judged.values() for one in told]
    assert [one for one in every if one.recipients[:1] != (bounces.TO,)] == []


def test_what_is_blocked_is_seldom_taken_for_a_dead_address(judged):
    blocked = [one for name in UNSEEN for one in judged[name] if one.kind == "blocked" and "hard" not in one.accept]
    assert sum(one.got == "hard" for one in blocked) <= 0.05 * len(blocked)


@pytest.mark.parametrize("name", bounces.collections())
def test_what_only_looks_like_a_bounce_is_none(name):
    assert bounces.mistaken(name) == []

"""A server's answer that comes when the touch is not ours any more: it is evidence, and nothing is sent again."""

from __future__ import annotations

import pytest
from test_hostile_orders import ANN, Home

from cadenced import ports
from cadenced.core.model import TouchState
from cadenced.engine import doubts
from cadenced.engine.closing import Closing
from cadenced.engine.desk import Claimed
from cadenced.store import touches

TAKEN = ports.Accepted("250 2.0.0 queued as 17")


def armed(home: Home) -> Claimed:
    home.enrol(ANN)
    (one,) = home.claims()
    assert home.arms(one)
    assert home.do(lambda tx: touches.recover(tx, "the worker that took over")) == 1
    return one


def touch_of(home: Home, one: Claimed) -> touches.Touch:
    found = home.read(lambda tx: touches.get(tx, one.touch.id))
    assert found is not None
    return found


@pytest.mark.parametrize("judged", ["not yet", "in doubt", "to be sent again"])
async def test_a_late_250_settles_what_another_worker_holds_for_unknown(home: Home, judged: str) -> None:
    one = armed(home)
    lost = touch_of(home, one)
    if judged == "in doubt":
        home.do(lambda tx: doubts.raise_doubt(tx, home.workspace, lost, "nobody knows"))
    elif judged == "to be sent again":
        home.do(lambda tx: doubts.plan_again(tx, home.workspace, lost, "two searches"))
    await Closing(home.workspace).settle(one, TAKEN)
    assert touch_of(home, one).state is TouchState.SENT
    assert home.read(lambda tx: touches.of_prospect(tx, one.touch.prospect))[0].state is TouchState.SENT
    assert home.standing(ANN).step == "two"
    assert home.claims() == []


async def test_a_late_250_overrules_no_human(home: Home) -> None:
    one = armed(home)
    home.do(lambda tx: touches.resolve(tx, one.touch.id, TouchState.SKIPPED, "a human says: skip", home.now))
    await Closing(home.workspace).settle(one, TAKEN)
    assert touch_of(home, one).state is TouchState.SKIPPED

"""Safeguards that others hide: what no simulated world can tell apart is shown here, each by itself."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import update
from test_batches import MANY, Gate
from test_hostile_orders import ANN, Home

from cadenced.core.model import State
from cadenced.engine import armoury
from cadenced.store.schema import enrolments


@pytest.mark.parametrize(("age", "armed"), [(armoury.CLAIM_TTL - 1, True), (armoury.CLAIM_TTL + 1, False)])
async def test_a_claim_of_minutes_ago_is_not_armed(home: Home, age: float, armed: bool) -> None:
    home.enrol(MANY[0])
    gate, (claimed,) = Gate(home), home.claims()
    gate.armoury.note_claim(claimed.touch.id, home.workspace.clock.monotonic() - age)
    gate.open.set()
    deadline = await asyncio.wait_for(gate.armoury.gate(claimed.message), 60)
    assert (deadline is not None) is armed


def test_an_enrolment_that_begins_again_at_its_first_step_is_kept_from_sending_by_the_row_of_that_step(
    home: Home,
) -> None:
    home.enrol(ANN)
    sent = home.sends()
    back = update(enrolments).values(step=sent.touch.step, state=State.ACTIVE.value, due_at=home.now, lane="mail")
    home.do(lambda tx: tx.execute(back))
    home.pass_time(timedelta(minutes=1))
    assert home.claims() == []
    assert home.standing(ANN).step != sent.touch.step

"""Safeguards that others hide: what no simulated world can tell apart is shown here, each by itself."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update
from test_batches import MANY, Gate, counted
from test_batches_reviewed import Wire
from test_hostile_orders import ANN, Home

from cadenced import ports
from cadenced.core.model import State, TouchState
from cadenced.engine import armoury
from cadenced.errors import StoreError
from cadenced.store.schema import enrolments

TAKEN = ports.Accepted("250 ok")


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


@pytest.mark.parametrize(
    "answer",
    [
        ports.Deferred("shut", "gate"),
        ports.Deferred("lost", "mail", mailbox_fault=True),
        ports.Refused(550, "no", "rcpt"),
    ],
)
def test_what_ended_before_its_arming_frees_nothing_that_is_armed(home: Home, answer: ports.Answer) -> None:
    home.enrol(ANN)
    (claimed,) = home.claims()
    assert home.arms(claimed)
    home.settle(replace(claimed, was_armed=False), answer)
    assert counted(home, TouchState.ARMED) == 1
    assert home.standing(ANN).live
    home.settle(claimed, TAKEN)
    assert counted(home, TouchState.SENT) == 1


@pytest.mark.parametrize("answer", [ports.Deferred("451 later", "dot"), ports.Deferred("too late", "gate")])
def test_what_was_armed_is_freed_by_its_own_end(home: Home, answer: ports.Answer) -> None:
    home.enrol(ANN)
    (claimed,) = home.claims()
    assert home.arms(claimed)
    home.settle(claimed, answer)
    assert counted(home, TouchState.PLANNED) == 1


async def test_a_submission_whose_gate_stayed_shut_frees_nothing_that_another_has_armed(home: Home) -> None:
    home.enrol(ANN)
    wire = Wire(home, lambda _: TAKEN)
    sender = wire.sender()
    await sender.tick()
    armed = "UPDATE touches SET state = 'armed'"  # by a hand that should not have had it
    home.do(lambda tx: tx.exec_driver_sql(armed))
    sender.stand_down()
    wire.go.set()
    await sender.drain()
    assert counted(home, TouchState.ARMED) == 1


async def test_where_nobody_knows_whether_arming_was_committed_nothing_leaves_and_the_touch_is_free_again(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    home.enrol(ANN)
    gate, (claimed,) = Gate(home), home.claims()
    run = home.workspace.database.run

    async def lost(work: Callable[[Connection], Any]) -> Any:
        await run(work)
        raise StoreError("the connection was lost at COMMIT")

    monkeypatch.setattr(home.workspace.database, "run", lost)
    gate.open.set()
    assert await gate.armoury.gate(claimed.message) == armoury.TOO_LATE
    assert counted(home, TouchState.ARMED) == 1
    home.settle(claimed, ports.Deferred("the deadline passed before the payload", "gate"))
    assert counted(home, TouchState.PLANNED) == 1

"""What a hostile reading of the batches found: each of these once ended a daemon, or silenced a mailbox."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import house
import pytest
from test_batches import MANY, Gate, cases_of, counted, wanted
from test_hostile_orders import Home, edited, home

from cadenced import ports
from cadenced.core.model import State, TouchState
from cadenced.core.pacing import Delay
from cadenced.core.sequence import TaskStep, WaitStep
from cadenced.engine import desk, scribe
from cadenced.engine.closing import Closing
from cadenced.engine.scribe import Scribe
from cadenced.engine.sender import LOGIN_REST, Sender
from cadenced.engine.supervisor import Supervisor
from cadenced.writing import template

__all__ = ["home"]

LOST = ports.Deferred("cannot connect", "connect", mailbox_fault=True)
LOCKED = ports.Deferred("535 no", "auth", mailbox_fault=True, permanent=True)


@dataclass
class Wire:
    """A server that answers as told, and an inbox that is always read."""

    home: Home
    answer: Callable[[ports.Outgoing], ports.Answer]
    go: asyncio.Event = field(default_factory=asyncio.Event)
    is_read: bool = True
    under_way: int = 0

    @property
    def synced_at(self) -> Any:
        return self.home.now

    async def fence(self) -> float | None:
        return self.home.workspace.clock.monotonic() if self.is_read else None

    async def file_copy(self, touch: object) -> None:
        """File nothing."""

    async def submit(self, message: ports.Outgoing, gate: ports.Gate) -> ports.Answer:
        self.under_way += 1
        await self.go.wait()
        answer = self.answer(message)
        return answer if isinstance(answer, ports.Deferred) or await gate(message) else ports.Deferred("shut", "gate")

    async def close(self) -> None:
        """Close nothing."""

    def sender(self) -> Sender:
        return Sender(self.home.workspace, self.home.workspace.mailbox("julie"), self, self)  # type: ignore[arg-type] # it plays the watcher too


async def test_an_edit_takes_no_message_from_those_that_wait_for_the_process_apart(home: Home) -> None:
    cases = cases_of(home)
    apart = Scribe(home.workspace, apart=True)
    try:
        await apart.moved_in()
        asked = [asyncio.create_task(apart.write(cases)) for _ in range(6)]
        await asyncio.sleep(0)
        room = apart._room  # kept, as the thread that feeds the process keeps it now and then
        known = home.workspace.library
        again = template.parse(house.TEMPLATE.replace("Thursday", "Friday"), "one")
        home.workspace.library = replace(known, templates={**known.templates, "one": again})
        await apart.write(cases)
        done, pending = await asyncio.wait(asked, timeout=20)
        assert room is not None
        assert not pending
        assert not [one for one in done if one.cancelled()]
        assert all(len(one.result()) == len(cases) for one in done)
    finally:
        await apart.close(5)


async def test_what_cannot_travel_to_the_process_apart_is_made_in_place(home: Home) -> None:
    cases = cases_of(home)
    apart = Scribe(home.workspace, apart=True)
    try:
        await apart.moved_in()
        odd = replace(cases[0], prospect=replace(cases[0].prospect, fields=_Stubborn(cases[0].prospect.fields)))
        assert len(await apart.write([odd, *cases])) == scribe.FEW + 2
    finally:
        await apart.close(5)


class _Stubborn(dict[str, str]):
    def __reduce_ex__(self, protocol: object) -> Any:
        raise TypeError("cannot pickle this")


def test_a_mail_step_that_has_become_a_wait_comes_to_a_human(home: Home) -> None:
    home.enrol(MANY[0])
    first, *others = home.workspace.sequence("plan").steps
    edited(home, steps=(WaitStep(id=first.id, span=Delay(1, "days")), *others))
    home.at_desk()
    assert not wanted(home).fresh
    assert home.standing(MANY[0]).state is State.AWAITING_TASK
    assert home.at_desk() + wanted(home).put_off == 0


@pytest.mark.parametrize("count", [1, 4])
async def test_touches_that_met_one_fault_together_are_one_fault(home: Home, count: int) -> None:
    for email in MANY[:count]:
        home.enrol(email)
    wire = Wire(home, lambda _: LOST)
    wire.go.set()
    sender = wire.sender()
    await sender.tick()
    await sender.drain()
    assert wire.under_way == count
    assert sender._rest_left() <= timedelta(seconds=5)


async def test_a_lost_connection_shortens_no_rest_after_a_refused_login(home: Home) -> None:
    for email in MANY[:2]:
        home.enrol(email)
    wire = Wire(home, lambda message: LOCKED if message.recipient == MANY[0] else LOST)
    wire.go.set()
    sender = wire.sender()
    await sender.tick()
    await sender.drain()
    assert sender._rest_left() > LOGIN_REST - timedelta(seconds=1)


async def test_the_desk_does_not_wait_for_a_server_that_takes_its_time(home: Home) -> None:
    for email in MANY[:10]:
        home.enrol(email)
    wire = Wire(home, lambda _: ports.Accepted("250 ok"))
    sender = wire.sender()
    await sender.tick()
    assert not wanted(home).fresh  # all are claimed
    edited(home, steps=(TaskStep(id="call"),))
    home.enrol(MANY[15])
    await home.workspace.clock.advance(2)  # type: ignore[attr-defined] # the told clock
    await sender.tick()
    assert home.standing(MANY[15]).state is State.AWAITING_TASK
    wire.go.set()
    await sender.drain()


async def test_nothing_is_armed_for_those_who_have_left_the_gate(home: Home) -> None:
    for email in MANY[:2]:
        home.enrol(email)
    gate, claims = Gate(home), home.claims()
    gone, stays = [gate.ask(one) for one in claims]
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait([gone])
    gate.open.set()
    assert await stays is not None
    assert counted(home, TouchState.ARMED) == 1


async def test_a_fault_at_the_gate_reaches_all_who_still_wait(home: Home) -> None:
    for email in MANY[:3]:
        home.enrol(email)
    gate, claims = Gate(home), home.claims()
    asked = [gate.ask(one) for one in claims]
    await asyncio.sleep(0)
    asked[0].cancel()
    home.workspace.unsteady = lambda: str(1 // 0)
    gate.open.set()
    ends = await asyncio.gather(*asked, return_exceptions=True)
    assert [type(one) for one in ends] == [asyncio.CancelledError, ZeroDivisionError, ZeroDivisionError]


async def test_a_fault_of_an_end_that_nobody_awaits_any_more_keeps_no_other_end_waiting(home: Home) -> None:
    for email in MANY[:2]:
        home.enrol(email)
    closing, (one, two) = Closing(home.workspace), home.claims()
    assert all(home.arms(each) for each in (one, two))
    odd = replace(one, touch=replace(one.touch, enrolment=999))
    left = asyncio.create_task(closing.settle(odd, ports.Accepted("250 ok")))
    stays = asyncio.create_task(closing.settle(two, ports.Accepted("250 ok")))
    await asyncio.sleep(0)
    left.cancel()
    await asyncio.wait_for(stays, 5)
    assert counted(home, TouchState.SENT) == 1


async def test_a_gate_that_stays_shut_once_leaves_no_mail_behind_when_idleness_ends_the_run(home: Home) -> None:
    home.enrol(MANY[0])
    wire = Wire(home, lambda _: ports.Accepted("250 ok"), is_read=False)
    wire.go.set()
    sender = wire.sender()
    idle = []
    for _ in range(8):
        await sender.tick()
        await sender.drain()
        await sender.tick()
        idle.append(sender.idle)
        await home.workspace.clock.advance(20)  # type: ignore[attr-defined] # the told clock
    assert not idle[0]
    assert idle[-1]  # but nobody waits for it for ever


async def test_a_service_whose_tick_is_cut_from_within_does_not_vanish_silently() -> None:
    class Cut:
        name, idle = "cut", False

        def __init__(self) -> None:
            self.wake = asyncio.Event()

        async def tick(self) -> timedelta:
            raise asyncio.CancelledError

        async def rest(self, span: timedelta) -> None:
            """Rest not at all."""

    with pytest.raises(RuntimeError):
        await asyncio.wait_for(Supervisor([Cut()]).run(), 5)


async def test_an_edit_while_messages_are_made_asks_nobody_about_the_template_of_before(home: Home) -> None:
    home.enrol(MANY[0], first_name="")
    wire = Wire(home, lambda _: ports.Accepted("250 ok"))

    class Slow(Scribe):
        async def write(self, cases: Any) -> Any:
            made = await super().write(cases)
            known = home.workspace.library
            mended = template.parse(house.TEMPLATE.replace("{{ first_name }}", "you"), "one")
            if known.templates["one"].version != mended.version:
                home.workspace.library = replace(known, templates={**known.templates, "one": mended})
                home.do(lambda tx: desk.reconsider(tx, home.workspace, {"one"}))
            return made

    sender = Sender(home.workspace, home.workspace.mailbox("julie"), wire, wire, Slow(home.workspace))  # type: ignore[arg-type] # it plays the watcher too
    await sender.tick()
    assert home.standing(MANY[0]).state is State.ACTIVE
    assert not home.tasks()
    assert counted(home, TouchState.CLAIMED) == 1
    wire.go.set()
    await sender.drain()

"""Many at a time: dossiers, gates, ends and messages are handled together, and none suffers for another."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import house
import pytest
from test_hostile_orders import Home

from cadenced import ports
from cadenced.core import events
from cadenced.core.model import State, TouchState
from cadenced.core.sequence import EmailStep
from cadenced.engine import desk, dossiers, letters, moves, preparation, scribe
from cadenced.engine.armoury import Armoury
from cadenced.engine.closing import Closing
from cadenced.engine.desk import Claimed, Wanted
from cadenced.engine.letters import Letter, Refusal
from cadenced.engine.preparation import Case, Obstacle, Prepared
from cadenced.engine.scribe import Scribe
from cadenced.store import enrolments, people, tasks, touches
from cadenced.writing import template

MANY = [f"p{number}@there.example" for number in range(20)]
ORPHAN = """\
import asyncio
from cadenced.engine.letters import Kit
from cadenced.engine.scriptorium import Scriptorium
from cadenced.wording.settings import DEFAULTS
async def main():
    room = await Scriptorium.begin(Kit({}, {}, DEFAULTS, "", "UTC"))
    print(await room.ready, flush=True)
    await asyncio.sleep(600)
asyncio.run(main())
"""


def wanted(home: Home) -> Wanted:
    """Look for what is due, as the first of the sender's two transactions does."""
    return home.do(lambda tx: desk.want_mail(tx, home.workspace, home.moment(tx), 50, ()))


def made(home: Home, cases: Sequence[Case]) -> list[Prepared | Obstacle]:
    kit = preparation.materials(home.workspace)
    return [preparation.prepare(kit, case) for case in cases]


def claimed_of(home: Home, look: Wanted) -> desk.Batch:
    written = made(home, look.fresh)
    return home.do(lambda tx: desk.claim_prepared(tx, home.workspace, look, written))


def counted(home: Home, state: TouchState) -> int:
    found = home.read(lambda tx: touches.of_prospects(tx, range(1, 100)))
    return sum(one.state is state for history in found.values() for one in history)


def test_what_was_due_together_is_claimed_together(home: Home) -> None:
    for email in MANY:
        home.enrol(email)
    batch = claimed_of(home, wanted(home))
    assert [one.touch.recipient for one in batch.claimed] == MANY
    assert batch.put_off == 0
    assert counted(home, TouchState.CLAIMED) == len(MANY)


def test_whoever_moved_while_their_message_was_written_is_not_claimed(home: Home) -> None:
    for email in MANY[:3]:
        home.enrol(email)
    look = wanted(home)
    halted = home.standing(MANY[1])
    home.do(lambda tx: moves.move(tx, home.workspace, halted, events.Halted(home.now, "halted", "by hand")))
    batch = claimed_of(home, look)
    assert [one.touch.recipient for one in batch.claimed] == [MANY[0], MANY[2]]
    assert batch.put_off == 1


def test_a_touch_that_was_reserved_meanwhile_is_not_reserved_again(home: Home) -> None:
    home.enrol(MANY[0])
    look, same = wanted(home), wanted(home)
    assert len(claimed_of(home, look).claimed) == 1
    assert claimed_of(home, same) == desk.Batch((), 1)


def test_a_message_that_cannot_be_made_stops_none_of_the_others(home: Home) -> None:
    for email in MANY[:3]:
        home.enrol(email)
    home.enrol("nameless@there.example", first_name="")
    batch = claimed_of(home, wanted(home))
    assert len(batch.claimed) == 3
    assert home.standing("nameless@there.example").state is State.AWAITING_TASK
    assert [task.kind for task in home.read(tasks.open_until)] == ["template"]


def test_a_dossier_says_what_the_single_questions_said(home: Home) -> None:
    home.enrol(MANY[0], company="Firm", role="primary")
    home.enrol(MANY[1], company="Firm")
    home.do(lambda tx: people.suppress(tx, MANY[1].replace("@", "+news@"), "asked for it", home.now))
    for claimed in home.claims()[:1]:
        assert home.arms(claimed)
        home.settle(claimed, ports.Accepted("250 ok"))
    both = [home.standing(email) for email in MANY[:2]]
    first, second = home.read(lambda tx: dossiers.gather(tx, both))
    assert (first.suppressed, second.suppressed) == (False, True)
    assert (first.account, first.primary_told, second.primary_told) == ("firm", True, True)
    assert [one.step for one in first.sent] == ["one"]
    assert not first.doubt
    assert first.thread(first.sent[0].root_id).message_ids == (first.sent[0].message_id,)


def test_what_a_sent_touch_changes_of_an_enrolment_is_all_written(home: Home) -> None:
    home.enrol(MANY[0])
    before = home.standing(MANY[0])
    home.sends()
    after = home.standing(MANY[0])
    moved = {name: getattr(after, name) for name in enrolments.MOVED_BY_A_TOUCH}
    assert after == replace(before, **moved)
    assert after.step != before.step


class Gate:
    """An armoury whose fence is opened by hand."""

    def __init__(self, home: Home) -> None:
        self.asked = 0
        self.open = asyncio.Event()
        self.closing = Closing(home.workspace)
        self.armoury = Armoury(home.workspace, self.fence, self.closing)
        self.home = home

    async def fence(self) -> float | None:
        began = self.home.workspace.clock.monotonic()
        self.asked += 1
        await self.open.wait()
        return began

    def ask(self, claimed: Claimed) -> asyncio.Task[float | None]:
        self.armoury.note_claim(claimed.touch.id, self.home.workspace.clock.monotonic())
        return asyncio.create_task(self.armoury.gate(claimed.message))


async def test_who_reaches_the_gate_during_a_fence_is_armed_with_those_who_asked_for_it(home: Home) -> None:
    for email in MANY[:4]:
        home.enrol(email)
    gate, claims = Gate(home), home.claims()
    first = gate.ask(claims[0])
    await asyncio.sleep(0)
    others = [gate.ask(one) for one in claims[1:]]
    await asyncio.sleep(0)
    gate.open.set()
    assert all(await asyncio.gather(first, *others))
    assert gate.asked == 1


async def test_a_touch_that_nobody_wants_is_told_from_a_gate_that_is_not_ready(home: Home) -> None:
    for email in MANY[:2]:
        home.enrol(email)
    gate, claims = Gate(home), home.claims()
    home.answered(MANY[0], "reply.interested")
    gate.open.set()
    unwanted, free = await asyncio.gather(*(gate.ask(one) for one in claims))
    assert unwanted is None
    assert free is not None
    assert gate.armoury.turned_away(claims[0].touch.id)
    assert not gate.armoury.turned_away(claims[1].touch.id)


async def test_an_end_joins_the_commit_of_the_next_arms(home: Home) -> None:
    for email in MANY[:2]:
        home.enrol(email)
    gate, (one, two) = Gate(home), home.claims()
    assert home.arms(one)
    next_arm = gate.ask(two)
    await asyncio.sleep(0)
    end = asyncio.create_task(gate.closing.settle(one, ports.Accepted("250 ok")))
    await asyncio.sleep(0)
    assert not end.done()
    gate.open.set()
    await asyncio.gather(end, next_arm)
    assert counted(home, TouchState.SENT) == 1
    assert home.standing(MANY[0]).step == "two"


async def test_an_end_does_not_wait_long_for_arms_that_do_not_come(home: Home) -> None:
    for email in MANY[:2]:
        home.enrol(email)
    gate, (one, two) = Gate(home), home.claims()
    assert home.arms(one)
    held = gate.ask(two)
    await asyncio.sleep(0)
    await asyncio.wait_for(gate.closing.settle(one, ports.Accepted("250 ok")), 5)
    assert counted(home, TouchState.SENT) == 1
    gate.open.set()
    await held


async def test_one_end_that_cannot_be_written_spoils_none_of_the_others(home: Home) -> None:
    for email in MANY[:3]:
        home.enrol(email)
    closing, claims = Closing(home.workspace), home.claims()
    assert all(home.arms(one) for one in claims)
    odd = replace(claims[1], touch=replace(claims[1].touch, enrolment=999))
    ends = [closing.settle(one, ports.Accepted("250 ok")) for one in (claims[0], odd, claims[2])]
    found = await asyncio.gather(*ends, return_exceptions=True)
    assert [type(one) for one in found] == [type(None), KeyError, type(None)]
    assert counted(home, TouchState.SENT) == 2


def cases_of(home: Home, count: int = scribe.FEW + 1) -> tuple[Case, ...]:
    for email in MANY[:count]:
        home.enrol(email)
    return wanted(home).fresh


async def test_a_process_apart_makes_the_same_bytes_as_the_one_in_place(home: Home) -> None:
    cases = cases_of(home)
    apart = Scribe(home.workspace, apart=True)
    try:
        assert await apart.write(cases) == made(home, cases)  # in place, while the process begins
        assert await apart.moved_in() != os.getpid()
        assert await apart.write(cases) == made(home, cases)
    finally:
        await apart.close(5)


def test_letters_made_together_are_those_made_alone_and_an_odd_one_is_refused_alone(home: Home) -> None:
    kit = preparation.materials(home.workspace)
    orders = [preparation.order_of(case) for case in cases_of(home)]
    odd = [
        orders[1]._replace(template="nowhere"),
        orders[2]._replace(timezone="Nowhere/Land"),
        orders[3]._replace(fields={}),
        orders[4]._replace(email="two@lines.example\nBcc: x"),
    ]
    mixed = [*odd, *orders]
    together = letters.make_all(kit, mixed)
    assert together == [letters.make(kit, order) for order in mixed]
    assert [type(one) for one in together] == [Refusal] * 4 + [Letter] * len(orders)


async def test_an_edited_template_is_what_the_next_message_is_made_from(home: Home) -> None:
    cases = cases_of(home)
    step = cases[0].step
    assert isinstance(step, EmailStep)
    apart = Scribe(home.workspace, apart=True)
    try:
        await apart.moved_in()
        before = await apart.write(cases)
        known = home.workspace.library
        edited = template.parse(house.TEMPLATE.replace("Thursday", "Friday"), step.template)
        home.workspace.library = replace(known, templates={**known.templates, step.template: edited})
        await apart.moved_in()
        after: Any = await apart.write(cases)
        assert before != after
        assert after[0].frozen.template_version == edited.version
    finally:
        await apart.close(5)


async def test_a_process_that_was_killed_is_done_without(home: Home) -> None:
    cases = cases_of(home)
    apart = Scribe(home.workspace, apart=True)
    try:
        os.kill(await apart.moved_in(), signal.SIGKILL)
        assert await apart.write(cases) == made(home, cases)
    finally:
        await apart.close(5)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="processes are looked up in /proc")
def test_the_process_apart_ends_with_a_daemon_that_is_killed(tmp_path: Any) -> None:
    program = tmp_path / "orphan.py"
    program.write_text(ORPHAN)
    with subprocess.Popen([sys.executable, str(program)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        parent.kill()
    for _ in range(500):
        if not Path(f"/proc/{child}").exists():
            return
        signal.sigtimedwait((), 0.02)
    pytest.fail("the process goes on without its parent")

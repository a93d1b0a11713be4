"""Letters are made while those before them are on the wire: never more than may leave, never what holds no more."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import house
import pytest
from test_batches import counted
from test_batches_reviewed import Wire
from test_hostile_orders import Home

from cadenced import ports
from cadenced.core.model import TouchState
from cadenced.engine import desk as desks
from cadenced.engine.desk import Claimed
from cadenced.engine.preparation import Case
from cadenced.engine.scribe import Scribe
from cadenced.engine.sender import Sender
from cadenced.store import mailboxes
from cadenced.store.schema import touches
from cadenced.writing import template

EVERYBODY = [f"p{number}@there.example" for number in range(60)]
ROOM, BATCH = 32, 16
TAKEN = ports.Accepted("250 ok")


class Counting(Scribe):
    """Notes for whom letters were made."""

    def __init__(self, home: Home) -> None:
        super().__init__(home.workspace)
        self.made: list[list[int]] = []

    async def write(self, cases: Sequence[Case]) -> Any:
        self.made.append([case.enrolment.id for case in cases])
        return await super().write(cases)


class Desk:
    """A sender whose server answers when it is told to."""

    def __init__(self, home: Home, **mailbox: Any) -> None:
        for email in EVERYBODY:
            home.enrol(email)
        self.home, self.scribe, self.wire = home, Counting(home), Wire(home, lambda _: TAKEN)
        box = replace(home.workspace.mailbox("julie"), **mailbox)
        self.sender = Sender(home.workspace, box, self.wire, self.wire, self.scribe)  # type: ignore[arg-type] # it plays the watcher too

    def all_claimed(self) -> list[Claimed]:
        home = self.home
        batch = home.do(lambda tx: desks.claim_mail(tx, home.workspace, home.moment(tx), len(EVERYBODY), ()))
        return list(batch.claimed)

    async def send_all(self) -> None:
        self.wire.go.set()
        before = -1
        while before < (before := counted(self.home, TouchState.SENT)) or self.sender._ahead:
            await self.sender.drain()
            await self.sender.tick()
        await self.sender.drain()

    def letters(self) -> list[bytes]:
        """Return what was sent, oldest first."""
        query = touches.select().where(touches.c.state == "sent").order_by(touches.c.id)
        return [row.raw for row in self.home.read(lambda tx: tx.execute(query).all())]


async def test_the_next_letters_are_made_while_those_before_are_on_the_wire_and_nobody_has_two(home: Home) -> None:
    desk = Desk(home)
    await desk.sender.tick()
    assert counted(home, TouchState.CLAIMED) == ROOM  # what is made ahead is nobody's yet
    assert desk.sender._ahead is not None
    await desk.sender._ahead.letters
    assert list(map(len, desk.scribe.made)) == [ROOM, BATCH]
    await desk.send_all()
    assert counted(home, TouchState.SENT) == len(EVERYBODY)
    everyone = [one for made in desk.scribe.made for one in made]
    assert len(everyone) == len(set(everyone)) == len(EVERYBODY)
    assert desk.wire.under_way == len(EVERYBODY)


async def test_what_has_its_bytes_already_is_on_the_wire_once_beside_those_whose_letters_are_made(home: Home) -> None:
    desk = Desk(home)
    for claimed in desk.all_claimed()[ROOM + 3 : ROOM + 9]:  # as after a restart, or a 4yz
        home.settle(claimed, ports.Deferred("later", "gate"))
    home.do(lambda tx: tx.execute(touches.delete().where(touches.c.state == "claimed")))
    offered: list[int] = []
    desk.wire.answer = lambda message: (offered.append(message.touch), TAKEN)[1]
    await desk.sender.tick()
    assert desk.sender._ahead is not None
    assert len(desk.sender._ahead.look.wanted.fresh) == BATCH - 6
    await desk.send_all()
    assert sorted(offered) == sorted(set(offered))
    assert counted(home, TouchState.SENT) == len(EVERYBODY)


@pytest.mark.parametrize("limit", [33, 40, 48, 59])
async def test_the_day_s_limit_counts_what_is_made_ahead(home: Home, limit: int) -> None:
    desk = Desk(home, daily_limit=limit)
    await desk.send_all()
    assert counted(home, TouchState.SENT) == limit
    assert sum(map(len, desk.scribe.made)) == limit


async def test_where_a_gap_is_kept_nothing_is_made_ahead(home: Home) -> None:
    desk = Desk(home, min_gap=timedelta(seconds=90))
    await desk.sender.tick()
    assert (desk.scribe.made, desk.sender._ahead) == ([[1]], None)
    desk.wire.go.set()
    await desk.sender.drain()


@pytest.mark.parametrize("chance", [0.0, 0.999])
async def test_two_sends_are_never_nearer_than_the_gap_whatever_chance_draws(home: Home, chance: float) -> None:
    home.workspace.chance = lambda: chance
    desk = Desk(home, min_gap=timedelta(seconds=90))
    desk.wire.go.set()
    sent_at = []
    for _ in range(240):
        before = counted(home, TouchState.SENT)
        await desk.sender.tick()
        await desk.sender.drain()
        sent_at += [home.now] * (counted(home, TouchState.SENT) - before)
        await home.workspace.clock.advance(1)  # type: ignore[attr-defined] # the told clock
    gaps = {later - earlier for earlier, later in itertools.pairwise(sent_at)}
    assert len(sent_at) >= 3
    assert timedelta(seconds=90) <= min(gaps)
    assert max(gaps) <= timedelta(seconds=90 * 1.25 + 1)


async def test_after_an_edit_what_was_made_ahead_is_made_anew(home: Home) -> None:
    desk = Desk(home)
    await desk.sender.tick()
    known = home.workspace.library
    again = template.parse(house.TEMPLATE.replace("Thursday", "Friday"), "one")
    home.workspace.library = replace(known, templates={**known.templates, "one": again})
    await desk.send_all()
    assert [b"Friday" in raw for raw in desk.letters()] == [False] * ROOM + [True] * (len(EVERYBODY) - ROOM)


async def test_what_waited_too_long_for_the_wire_is_made_anew_with_the_hour_of_its_sending(home: Home) -> None:
    desk = Desk(home)
    await desk.sender.tick()
    await home.workspace.clock.advance(6)  # type: ignore[attr-defined] # the told clock
    await desk.send_all()
    assert list(map(len, desk.scribe.made))[:3] == [ROOM, BATCH, len(EVERYBODY) - ROOM]
    assert counted(home, TouchState.SENT) == len(EVERYBODY)


async def test_what_was_made_ahead_is_not_claimed_from_a_mailbox_that_rests_since(home: Home) -> None:
    desk = Desk(home)
    await desk.sender.tick()
    home.do(lambda tx: mailboxes.hold(tx, "julie", "look at this", home.now))
    await desk.sender._ahead.letters  # type: ignore[union-attr] # it is there
    desk.wire.go.set()
    desk.wire.answer = lambda _: ports.Deferred("later", "rcpt")
    await desk.sender.drain()
    await desk.sender.tick()
    assert counted(home, TouchState.CLAIMED) == 0
    assert desk.wire.under_way == ROOM


async def test_whom_an_answer_stops_while_their_letter_is_made_ahead_gets_none(home: Home) -> None:
    desk = Desk(home)
    await desk.sender.tick()
    ahead = desk.sender._ahead
    assert ahead is not None
    stopped = ahead.look.wanted.fresh[3].prospect.email
    home.answered(stopped, "reply.interested")
    await desk.send_all()
    assert counted(home, TouchState.SENT) == len(EVERYBODY) - 1
    assert not any(f"<{stopped}>".encode() in raw for raw in desk.letters())


async def test_a_stop_gives_up_what_was_made_ahead_and_begins_nothing(home: Home) -> None:
    desk = Desk(home)
    await desk.sender.tick()
    desk.sender.stand_down()
    assert not desk.wire.may_begin()  # type: ignore[attr-defined] # the sender has set it
    desk.wire.go.set()
    await desk.sender.close(5)
    assert desk.sender._ahead is None
    assert counted(home, TouchState.CLAIMED) == counted(home, TouchState.SENT) == 0
    assert counted(home, TouchState.PLANNED) == ROOM

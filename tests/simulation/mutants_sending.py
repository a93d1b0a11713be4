"""Mutants of the armed send, of the ledger, and of what is made of a server's answer."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, update

from cadenced import ports
from cadenced.core import planner
from cadenced.core.model import TouchState
from cadenced.engine import armoury, doubts, evidence, resolver, sender, settling
from cadenced.engine.armoury import Armoury
from cadenced.engine.sender import Sender
from cadenced.store import touches
from cadenced.store.schema import touches as ledger
from simulation.mutants import BRIEF, RUSH, SLOW_INBOX, mutant, replacing
from simulation.settings_of_worlds import PACED
from simulation.sim_scale import HOUR, Climate, Parts
from simulation.sim_smtp import SimMailer


def _force(tx: Connection, ids: Collection[int], boot_id: str, **columns: Any) -> set[int]:
    where = (ledger.c.id.in_(ids), ledger.c.state == "claimed", ledger.c.boot_id == boot_id)
    return set(tx.execute(update(ledger).where(*where).values(**columns).returning(ledger.c.id)).scalars())


@mutant("I2", "I10", scale=BRIEF)
def arms_without_looking_again(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def arm(tx: Connection, ids: Collection[int], boot_id: str, now: datetime, *_: Any) -> set[int]:
        return _force(tx, ids, boot_id, state="armed", armed_at=now)

    patch.setattr(touches, "arm", arm)


@mutant("I4", scale=BRIEF)
def sends_without_the_arm_mark(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(touches, "arm", lambda _tx, ids, *_rest: set(ids))


@mutant("I3", scale=BRIEF)
def marks_as_sent_before_sending(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def arm(tx: Connection, ids: Collection[int], boot_id: str, now: datetime, *_: Any) -> set[int]:
        return _force(tx, ids, boot_id, state="sent", armed_at=now, sent_at=now)

    patch.setattr(touches, "arm", arm)


@mutant("I2", scale=BRIEF)
def trusts_a_fence_of_twenty_seconds_ago(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Lazy(Armoury):
        last = float("-inf")

        async def _fenced(self) -> float | None:
            now = self._workspace.clock.monotonic()
            if 0 <= now - Lazy.last < 20.0:
                return now
            found = await super()._fenced()
            Lazy.last = found if found is not None else Lazy.last
            return found

    parts.armoury = Lazy


@mutant("I2", scale=BRIEF)
def asks_no_fence_at_all(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Open(Armoury):
        async def _fenced(self) -> float | None:
            return self._workspace.clock.monotonic()

    parts.armoury = Open


@mutant("I2", scale=BRIEF)
def takes_a_fence_for_fresh_however_old(_: pytest.MonkeyPatch, parts: Parts) -> None:
    parts.climate = SLOW_INBOX
    parts.safety = replace(parts.safety, fence_age=timedelta(hours=1))


@mutant("I2", scale=BRIEF)
def lets_an_arm_live_for_half_a_minute(_: pytest.MonkeyPatch, parts: Parts) -> None:
    parts.climate = Climate(level=4.0, stall=25.0)
    parts.safety = replace(parts.safety, arm_ttl=timedelta(seconds=30))


@mutant("I2", scale=BRIEF)
def writes_after_the_arm_has_expired(_: pytest.MonkeyPatch, parts: Parts) -> None:
    parts.climate = Climate(level=4.0, stall=25.0)

    class Patient(SimMailer):
        def is_late(self, deadline: float) -> bool:
            return False

    parts.mailer = Patient


@mutant("I2", "I10", scale=BRIEF)
def confirms_a_stop_without_the_barrier(_: pytest.MonkeyPatch, parts: Parts) -> None:
    parts.barrier = False


@mutant("I1", "I7", scale=BRIEF)
def tries_again_after_a_lost_answer(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def again(tx: Connection, workspace: Any, claimed: Any, answer: ports.Unknown) -> None:
        settling._deferred(tx, workspace=workspace, claimed=claimed, answer=ports.Deferred(answer.text, "dot"))

    patch.setattr(settling, "_unknown", again)


@mutant("I1", "I7", scale=BRIEF)
def takes_421_after_the_dot_for_a_refusal(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Trusting(SimMailer):
        def judge(self, text: str) -> ports.Answer:  # type: ignore[override] # a static method in its base
            return ports.Deferred(text, "dot") if text.startswith("421") else SimMailer.judge(text)

    parts.mailer = Trusting


@mutant("I3", scale=BRIEF)
def takes_a_lost_answer_for_a_yes(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def sent(tx: Connection, workspace: Any, claimed: Any, answer: ports.Unknown) -> None:
        settling.settle_accepted(tx, workspace, [(claimed, ports.Accepted(answer.text))])

    patch.setattr(settling, "_unknown", sent)


@mutant("I1", "I7", "I11", scale=BRIEF)
def rescues_what_another_boot_had_armed(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def recover(tx: Connection, boot_id: str) -> int:
        open_states = ledger.c.state.in_(("claimed", "armed"))
        tx.execute(update(ledger).where(open_states, ledger.c.boot_id != boot_id).values(state="planned"))
        return 0

    patch.setattr(touches, "recover", recover)


@mutant("I13", scale=BRIEF)
def forgets_what_another_boot_had_claimed(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def recover(tx: Connection, boot_id: str) -> int:
        armed = (ledger.c.state == "armed", ledger.c.boot_id != boot_id)
        return tx.execute(update(ledger).where(*armed).values(state="unknown")).rowcount

    patch.setattr(touches, "recover", recover)


@mutant("I13", scale=BRIEF)
def forgets_what_another_boot_had_armed(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def recover(tx: Connection, boot_id: str) -> int:
        claimed = (ledger.c.state == "claimed", ledger.c.boot_id != boot_id)
        tx.execute(update(ledger).where(*claimed).values(state="planned"))
        return 0

    patch.setattr(touches, "recover", recover)


@mutant("I1", "I3", "I4", "I7", "I8", "I11", "I13", scale=BRIEF)
def loses_commits_when_the_power_goes(_: pytest.MonkeyPatch, parts: Parts) -> None:
    parts.durable = False


@mutant("I8", scale=BRIEF)
def writes_the_mail_anew_for_each_try(patch: pytest.MonkeyPatch, _: Parts) -> None:
    @replacing(patch, touches, "claim")
    def claim(healthy: Any, tx: Connection, touch_id: int, boot_id: str, now: datetime) -> bool:
        touch = touches.get(tx, touch_id)
        if touch is not None:
            tx.execute(update(ledger).where(ledger.c.id == touch_id).values(raw=touch.raw + b"again\r\n"))
        return bool(healthy(tx, touch_id, boot_id, now))


@mutant("I4", "I8", "I1", scale=BRIEF)
def gives_each_try_a_message_id_of_its_own(patch: pytest.MonkeyPatch, _: Parts) -> None:
    @replacing(patch, touches, "claim")
    def claim(healthy: Any, tx: Connection, touch_id: int, boot_id: str, now: datetime) -> bool:
        fresh = f"<{boot_id}.{touch_id}.{now:%d%H%M%S}@abc.example>"
        tx.execute(update(ledger).where(ledger.c.id == touch_id).values(message_id=fresh))
        return bool(healthy(tx, touch_id, boot_id, now))


@mutant("I13", "I15", scale=BRIEF)
def drops_what_the_server_postpones(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(settling, "_deferred", lambda _tx, **_rest: None)


@mutant("I1", "I7", scale=BRIEF)
def takes_absence_for_proof(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def again(tx: Connection, workspace: Any, judged: Any, reason: str) -> bool:
        return doubts.plan_again(tx, workspace, judged, reason)

    patch.setattr(doubts, "raise_doubt", again)


@mutant("I1", "I7", scale=BRIEF)
def waits_for_no_copy(patch: pytest.MonkeyPatch, parts: Parts) -> None:
    """Neither quiet nor grace, and one search: a copy that comes late is taken for none."""
    zero = timedelta()
    parts.safety = replace(parts.safety, quiet=zero, sent_lag=zero, calibration=1)
    patch.setattr(evidence, "_untold", lambda *_: "")
    patch.setattr(evidence, "_absent", lambda *_: evidence.NotSent("it is not there"))


@mutant("I1", "I7", scale=BRIEF)
def looks_for_copies_under_another_name(patch: pytest.MonkeyPatch, _: Parts) -> None:
    """The search finds nothing ever, and that is taken for proof."""

    async def judge(*_: Any) -> evidence.Judgement:
        return evidence.NotSent("nothing by that name")

    patch.setattr(evidence, "judge", judge)


@mutant("I3", scale=BRIEF)
def believes_that_all_doubts_were_sent(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def sent(tx: Connection, workspace: Any, judged: Any, reason: str) -> bool:
        return doubts.settle_as_sent(tx, workspace, judged, reason)

    patch.setattr(doubts, "raise_doubt", sent)


@mutant("I13", scale=BRIEF)
def never_looks_into_a_doubt(patch: pytest.MonkeyPatch, _: Parts) -> None:
    async def rest(self: resolver.Resolver) -> timedelta:
        self.idle = True
        return timedelta(seconds=30)

    patch.setattr(resolver.Resolver, "tick", rest)


@mutant("I14", "I13", scale=BRIEF)
def asks_nobody_about_a_doubt(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def silent(tx: Connection, workspace: Any, judged: Any, reason: str) -> bool:
        return touches.resolve(tx, judged.id, TouchState.IN_DOUBT, reason, workspace.now())

    patch.setattr(doubts, "raise_doubt", silent)


@mutant("I6", "I22", scale=BRIEF)
def takes_a_claim_of_hours_ago_for_new(patch: pytest.MonkeyPatch, parts: Parts) -> None:
    parts.climate = Climate(level=4.0, stops=(3 * HOUR, 6 * HOUR))
    patch.setattr(armoury, "CLAIM_TTL", 1e9)


@mutant("I9", scale=BRIEF)
def sends_from_a_mailbox_that_rests(patch: pytest.MonkeyPatch, parts: Parts) -> None:
    guards = tuple(guard for guard in planner._LADDER if guard is not planner._mailbox_held)
    patch.setattr(planner, "_LADDER", guards)
    arms_without_looking_again(patch, parts)

    class Deaf(Sender):
        def _slots(self, *asked: Any, **also: Any) -> int:
            self._held = False
            return super()._slots(*asked, **also)

    parts.sender = Deaf


@mutant("I6", scale=BRIEF)
def sends_two_at_once_where_a_gap_is_kept(patch: pytest.MonkeyPatch, parts: Parts) -> None:
    parts.climate = Climate(terms=replace(PACED, daily_limit=0))
    patch.setattr(Sender, "_room", property(lambda _self: 3))


@mutant("I1", "I7", "I11", scale=RUSH)
def puts_what_has_its_bytes_on_the_wire_twice(patch: pytest.MonkeyPatch, parts: Parts) -> None:
    """Letters made ahead take along what left before them; and an end that was never armed frees what is armed."""
    parts.climate = Climate(level=0.1)

    def further(self: Any, look: Any) -> None:
        self._put_on_wire(look.wanted.again, look.at)
        if look.wanted.fresh:
            letters = asyncio.create_task(self._write(look.wanted))
            letters.add_done_callback(lambda _: self.wake.set())
            self._ahead = sender._Ahead(look, self._workspace.library, letters)

    def put(self: Any, batch: Any, looked_at: float) -> None:
        for claimed in batch:
            self._armoury.note_claim(claimed.touch.id, looked_at)
            self._on_wire[claimed.enrolment] = asyncio.create_task(self._submit(claimed))

    patch.setattr(Sender, "_look_further", further)
    patch.setattr(Sender, "_put_on_wire", put)

    @replacing(patch, touches, "settle")
    def settle(healthy: Any, *given: Any, was_armed: bool = True, **columns: Any) -> bool:
        return bool(healthy(*given, was_armed=True, **columns))

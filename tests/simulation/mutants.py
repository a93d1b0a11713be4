"""The product with one safeguard taken out at a time. A simulation that lets one of them pass proves nothing.

Each mutant names the laws of which it must break at least one in a world in which the healthy product keeps them.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import Connection, update

from cadenced import ports
from cadenced.core import events, planner
from cadenced.core.planner import Quota
from cadenced.engine import arrivals, pace, settling
from cadenced.engine.armoury import Armoury
from cadenced.engine.watcher import Watcher
from cadenced.errors import WireError
from cadenced.ports import Fetched, Folder
from cadenced.store import inbox as read
from cadenced.store import touches
from cadenced.store.inbox import Position
from cadenced.store.schema import touches as ledger
from simulation.nemesis import Drama
from simulation.sim_imap import SimInbox
from simulation.sim_smtp import SimMailer
from simulation.sim_world import Parts, Scale

SEEDS = 60
SMALL = Scale(people=10, days=8, calm=7)
Change = Callable[[pytest.MonkeyPatch, Parts], None]


@dataclass(frozen=True, slots=True)
class Mutant:
    """A product without one of its safeguards."""

    name: str
    laws: frozenset[str]
    change: Change


MUTANTS: list[Mutant] = []


def mutant(*laws: str) -> Callable[[Change], Change]:
    """Enlist a mutant."""

    def enlist(change: Change) -> Change:
        MUTANTS.append(Mutant(change.__name__, frozenset(laws), change))
        return change

    return enlist


def caught(one: Mutant, seeds: Collection[int] = range(SEEDS), scale: Scale = SMALL) -> tuple[int, str] | None:
    """Return the first seed whose world the mutant breaks and the healthy product does not, and how."""
    for seed in seeds:
        with pytest.MonkeyPatch.context() as patch:
            parts = Parts()
            one.change(patch, parts)
            broken = _against(one, Drama(seed, scale, parts))
        if broken and not _against(one, Drama(seed, scale)):
            return seed, broken[0]
    return None


def _against(one: Mutant, world: Drama) -> list[str]:
    return [what for what in world.run().broken if what.partition(":")[0] in one.laws]


def _force(tx: Connection, ids: Collection[int], boot_id: str, **columns: Any) -> set[int]:
    where = (ledger.c.id.in_(ids), ledger.c.state == "claimed", ledger.c.boot_id == boot_id)
    return set(tx.execute(update(ledger).where(*where).values(**columns).returning(ledger.c.id)).scalars())


@mutant("I2", "I10")
def arms_without_looking_again(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def arm(tx: Connection, ids: Collection[int], boot_id: str, now: datetime, *_: Any) -> set[int]:
        return _force(tx, ids, boot_id, state="armed", armed_at=now)

    patch.setattr(touches, "arm", arm)


@mutant("I3")
def marks_as_sent_before_sending(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def arm(tx: Connection, ids: Collection[int], boot_id: str, now: datetime, *_: Any) -> set[int]:
        return _force(tx, ids, boot_id, state="sent", armed_at=now, sent_at=now)

    patch.setattr(touches, "arm", arm)


@mutant("I2")
def sends_without_a_fence(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Open(Armoury):
        async def _fenced(self) -> float | None:
            return self._workspace.clock.monotonic()

    parts.armoury = Open


@mutant("I2")
def trusts_a_fence_of_twenty_seconds_ago(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Lazy(Armoury):
        last = float("-inf")

        async def _fenced(self) -> float | None:
            now = self._workspace.clock.monotonic()
            if now - Lazy.last < 20.0:
                return now
            found = await super()._fenced()
            Lazy.last = found if found is not None else Lazy.last
            return found

    parts.armoury = Lazy


@mutant("I2")
def sends_when_the_inbox_cannot_be_read(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Trusting(Watcher):
        async def fence(self) -> float | None:
            async with self._lock:
                began = self._workspace.clock.monotonic()
                with contextlib.suppress(WireError):
                    await self._read_all(await self._inbox.folders())
                await self._note_synced()
                return began

    parts.watcher = Trusting


@mutant("I2", "I16")
def reads_the_inbox_alone(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Narrow(Watcher):
        async def _read_all(self, folders: Sequence[Folder]) -> None:
            await super()._read_all([folder for folder in folders if folder.role in {"inbox", "sent"}])

    parts.watcher = Narrow


@mutant("I2", "I16")
def takes_no_notice_of_other_uids(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Blind(Watcher):
        async def _read_folder(self, folder: Folder, position: Position | None, *, first: bool) -> Position:
            if position is not None:
                position = replace(position, uid_validity=folder.uid_validity)
            return await super()._read_folder(folder, position, first=first)

    parts.watcher = Blind


@mutant("I2", "I16")
def moves_its_cursor_before_the_effect(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Hasty(Watcher):
        async def _absorb(self, folder: Folder, fetched: Sequence[Fetched], position: Position) -> None:
            await self._workspace.database.run(lambda tx: read.place(tx, self._mailbox.name, position))
            await super()._absorb(folder, fetched, position)

    parts.watcher = Hasty


@mutant("I16")
def counts_a_mail_each_time_it_is_seen(patch: pytest.MonkeyPatch, _: Parts) -> None:
    count = itertools.count()
    patch.setattr(arrivals, "digest", lambda _message, _raw: f"{next(count)}")


@mutant("I2")
def searches_without_noop(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Stale(SimInbox):
        async def folders(self) -> Sequence[Folder]:
            if not self._seen:
                return await super().folders()
            await self._trip()
            found = self.listed()
            self.look()
            return found

    parts.inbox = Stale


@mutant("I1", "I7")
def tries_again_after_a_lost_answer(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def again(tx: Connection, workspace: Any, claimed: Any, answer: ports.Unknown) -> None:
        settling._deferred(tx, workspace=workspace, claimed=claimed, answer=ports.Deferred(answer.text, "dot"))

    patch.setattr(settling, "_unknown", again)


@mutant("I1", "I7")
def rescues_what_another_boot_had_armed(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def recover(tx: Connection, boot_id: str) -> int:
        open_states = ledger.c.state.in_(("claimed", "armed"))
        tx.execute(update(ledger).where(open_states, ledger.c.boot_id != boot_id).values(state="planned"))
        return 0

    patch.setattr(touches, "recover", recover)


@mutant("I13")
def forgets_what_another_boot_had_claimed(patch: pytest.MonkeyPatch, _: Parts) -> None:
    def recover(tx: Connection, boot_id: str) -> int:
        armed = (ledger.c.state == "armed", ledger.c.boot_id != boot_id)
        return tx.execute(update(ledger).where(*armed).values(state="unknown")).rowcount

    patch.setattr(touches, "recover", recover)


@mutant("I2")
def writes_after_the_arm_has_expired(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Patient(SimMailer):
        def is_late(self, deadline: float) -> bool:
            return False

    parts.mailer = Patient


@mutant("I2", "I10")
def confirms_a_stop_without_the_barrier(_: pytest.MonkeyPatch, parts: Parts) -> None:
    parts.barrier = False


@mutant("I22")
def counts_the_gap_from_the_plan(patch: pytest.MonkeyPatch, _: Parts) -> None:
    healthy = settling.note_sent

    def note_sent(tx: Connection, workspace: Any, enrolment: Any, touch: Any, now: datetime) -> None:
        planned = max(enrolment.anchor, min(now, touch.planned_at))
        healthy(tx, workspace, enrolment, touch, planned)

    patch.setattr(settling, "note_sent", note_sent)


@mutant("I8")
def writes_the_mail_anew_for_each_try(patch: pytest.MonkeyPatch, _: Parts) -> None:
    healthy = touches.claim

    def claim(tx: Connection, touch_id: int, boot_id: str, now: datetime) -> bool:
        touch = touches.get(tx, touch_id)
        if touch is not None:
            tx.execute(update(ledger).where(ledger.c.id == touch_id).values(raw=touch.raw + b"again\r\n"))
        return healthy(tx, touch_id, boot_id, now)

    patch.setattr(touches, "claim", claim)


@mutant("I6")
def keeps_no_window(patch: pytest.MonkeyPatch, _: Parts) -> None:
    ladder = tuple(guard for guard in planner._LADDER if guard is not planner._outside_window)
    patch.setattr(planner, "_LADDER", ladder)


@mutant("I6")
def keeps_no_limit_and_no_gap(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(pace, "quota", lambda *_args: Quota())
    patch.setattr(pace, "left_today", lambda *_args: None)


@mutant("I13", "I15")
def drops_what_the_server_postpones(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(settling, "_deferred", lambda _tx, **_rest: None)


@mutant("I6", "I22")
def begins_again_at_the_first_step_after_a_resume(patch: pytest.MonkeyPatch, _: Parts) -> None:
    from cadenced.core import lifecycle  # noqa: PLC0415 - beside the only use
    from cadenced.core.model import State  # noqa: PLC0415 - beside the only use

    def resumed(enrolment: Any, event: events.Resumed, sequence: Any) -> Any:
        fresh = replace(enrolment, state=State.ACTIVE, outcome="", done=enrolment.done[:-1])
        return lifecycle._taken_up(fresh, sequence, event.at)

    for state in (State.ACTIVE, State.PAUSED, State.AWAITING_TASK, State.HALTED):
        patch.setitem(lifecycle.TRANSITIONS[state], events.Resumed, resumed)  # type: ignore[arg-type] # a dict inside

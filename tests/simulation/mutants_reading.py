"""Mutants of the watcher, and of what is made of an answer."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from cadenced.engine import answers, arrivals, restore, restored_copies, watcher
from cadenced.engine.watcher import Watcher
from cadenced.errors import WireError
from cadenced.ports import Fetched, Folder
from cadenced.store import inbox as read
from cadenced.store import people
from cadenced.store.inbox import Position
from simulation.mutants import BRIEF, SLOW_INBOX, SMALL, mutant, replacing
from simulation.sim_imap import SimInbox
from simulation.sim_scale import RESTORED, Parts


@mutant("I2", scale=BRIEF)
def sends_without_a_fence(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Open(Watcher):
        async def fence(self) -> float | None:
            return self._workspace.clock.monotonic()

    parts.watcher = Open


@mutant("I2", scale=BRIEF)
def sends_when_the_inbox_cannot_be_read(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Trusting(Watcher):
        async def _read(self) -> float | None:
            async with self._lock:
                began = self._workspace.clock.monotonic()
                with contextlib.suppress(WireError):
                    await self._read_all(await self._inbox.folders())
                await self._note_synced()
                return began

    parts.watcher = Trusting


@mutant("I2", scale=BRIEF)
def dates_a_reading_by_its_end(_: pytest.MonkeyPatch, parts: Parts) -> None:
    parts.climate = SLOW_INBOX

    class Late(Watcher):
        async def fence(self) -> float | None:
            found = await super().fence()
            return found if found is None else self._workspace.clock.monotonic()

    parts.watcher = Late


@mutant("I2", "I16", scale=BRIEF)
def reads_the_inbox_alone(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Narrow(Watcher):
        async def _read_all(self, folders: Sequence[Folder]) -> None:
            await super()._read_all([folder for folder in folders if folder.role in {"inbox", "sent"}])

    parts.watcher = Narrow


@mutant("I2", "I16", scale=BRIEF)
def takes_no_notice_of_other_uids(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Blind(Watcher):
        async def _read_folder(self, folder: Folder, position: Position | None, *, first: bool) -> Any:
            if position is not None:
                position = replace(position, uid_validity=folder.uid_validity)
            return await super()._read_folder(folder, position, first=first)

    parts.watcher = Blind


@mutant("I2", "I16", scale=SMALL)
def begins_at_the_end_where_uids_are_others(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Hurried(Watcher):
        async def _begin(self, folder: Folder, *, skip_old: bool) -> Any:
            del skip_old
            return await super()._begin(folder, skip_old=True)

    parts.watcher = Hurried


@mutant("I2", "I16", scale=SMALL)
def looks_back_no_further_than_now(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(watcher, "LOOK_BACK", timedelta(seconds=0))


@mutant("I2", "I16", scale=BRIEF)
def moves_its_cursor_before_the_effect(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Hasty(Watcher):
        async def _absorb(self, folder: Folder, fetched: Sequence[Fetched], position: Position) -> Any:
            await self._workspace.database.run(lambda tx: read.place(tx, self._mailbox.name, position))
            return await super()._absorb(folder, fetched, position)

    parts.watcher = Hasty


@mutant("I2", "I16", scale=BRIEF)
def moves_on_past_what_could_not_be_fetched(_: pytest.MonkeyPatch, parts: Parts) -> None:
    class Careless(SimInbox):
        async def fetch(self, folder: Folder, after_uid: int, limit: int = 50) -> Sequence[Fetched]:
            with contextlib.suppress(WireError):
                return await super().fetch(folder, after_uid, limit)
            return ()

    parts.inbox = Careless


@mutant("I16", scale=BRIEF)
def counts_a_mail_each_time_it_is_seen(patch: pytest.MonkeyPatch, _: Parts) -> None:
    count = itertools.count()
    patch.setattr(arrivals, "digest", lambda _message, _raw: f"{next(count)}")


@mutant("I2", scale=BRIEF)
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


@mutant("I2", "I16", scale=BRIEF)
def takes_every_answer_for_a_machines(patch: pytest.MonkeyPatch, _: Parts) -> None:
    @replacing(patch, answers, "take")
    def take(healthy: Any, tx: Connection, workspace: Any, prospect: Any, taken: Any) -> None:
        machine = taken.verdict.startswith("reply.")
        healthy(tx, workspace, prospect, replace(taken, verdict="auto.other") if machine else taken)


@mutant("I2", scale=BRIEF)
def goes_on_after_an_answer(patch: pytest.MonkeyPatch, _: Parts) -> None:
    @replacing(patch, answers, "_apply")
    def apply(healthy: Any, *given: Any) -> Any:
        *others, taken, now = given
        return healthy(*others, replace(taken, verdict="auto.acknowledgement"), now)


@mutant("I10", scale=SMALL)
def forgets_who_has_opted_out(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(people, "suppress", lambda *_: True)


@mutant("I2", scale=BRIEF)
def knows_answers_by_their_address_alone(patch: pytest.MonkeyPatch, _: Parts) -> None:
    """An answer from another address in our thread is taken for a stranger's mail."""
    from cadenced.reading import attribution  # noqa: PLC0415 - beside its only use

    @replacing(patch, attribution, "attribute")
    def attribute(healthy: Any, message: Any, judged: Any, register: Any) -> Any:
        found = healthy(message, judged, register)
        return None if found is not None and found.flagged else found


@mutant("I22", scale=SMALL)
def overlooks_what_we_wrote_by_hand(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(arrivals, "_written_by_hand", lambda *_: None)


@mutant("I1", scale=RESTORED)
def takes_copies_of_what_it_forgot_for_mail_by_hand(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(restored_copies, "take", lambda *_: "")


@mutant("I24", scale=RESTORED)
def sends_on_from_an_older_database(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(restore, "_hold", lambda _tx, _workspace, restored, _names: restored)


@mutant("I16", scale=RESTORED)
def reads_answers_before_what_they_answer(patch: pytest.MonkeyPatch, _: Parts) -> None:
    patch.setattr(watcher, "_after_copies", lambda folder: folder.role == "sent")

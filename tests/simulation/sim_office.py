"""Humans at the desk: they do tasks, settle doubts, halt, pause, skip, suppress, and are told when it is done."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from cadenced.core.model import TouchState
from cadenced.engine import acts
from cadenced.errors import RefusedError
from cadenced.store import mailboxes, people, tasks, touches
from simulation.sim_reactions import Prospects

BARRIER_NAP = 0.05


class Office(Prospects):
    """A world with humans who interfere."""

    def _desk_hours(self) -> None:
        """A human goes through the open tasks, honestly; what is in doubt they look up at the provider's."""
        for task in self.store.read(tasks.open_until):
            if self.faulty and self.chance.random() < 0.4:
                continue
            self._do(task)
        for box in self.config.mailboxes:
            self._release(box.name)
        self.notice()

    def _release(self, name: str) -> None:
        if self.store.read(lambda tx: mailboxes.get(tx, name).hold):
            self._act("release", lambda tx: acts.release(tx, self.office(), name))

    def _do(self, task: tasks.OpenTask) -> None:
        if task.kind == "doubt":
            self._settle_doubt(task.touch or 0)
            return
        outcome = "answered" if task.kind in {"reply", "answer"} else "no answer"
        self._act("done", lambda tx: acts.done(tx, self.office(), task.id, acts.Result(outcome)))

    def _settle_doubt(self, touch_id: int) -> None:
        touch = self.store.read(lambda tx: touches.get(tx, touch_id))
        if touch is None or touch.state not in {TouchState.UNKNOWN, TouchState.IN_DOUBT}:
            return
        taken = self.oracle.per_touch.get(touch.message_id, 0)
        how = "sent" if taken else self.chance.choice(("resend", "resend", "skip"))
        if self._act("resolve", lambda tx: acts.resolve(tx, self.office(), touch_id, how)) and how == "resend":
            self.oracle.resend_allowed[touch.message_id] = self.loop.time()

    def _act(self, name: str, what: Callable[[Connection], object]) -> bool:
        """Run a command; a refusal is an answer too."""
        try:
            self.store.transact(what)
        except RefusedError:
            return False
        self.tell("human", name)
        return True

    def _interfere(self) -> None:
        email = self.chance.choice(list(self.people))
        self.interfere_with(email)

    def interfere_with(self, email: str) -> None:
        """A human does something to somebody, now."""
        name = self.chance.choice(("halt", "pause", "pause", "resume", "resume", "skip", "suppress", "note", "enrol"))
        self.take_up(email) if name == "resume" else getattr(self, f"_{name}")(email)
        self.notice()

    def _halt(self, email: str) -> None:
        if self._act("halt", lambda tx: acts.halt(tx, self.office(), email)):
            self.loop.task_of_world(self._acknowledge(email, "halt"))

    def _suppress(self, email: str) -> None:
        if self.chance.random() < 0.5 and self._act(
            "suppress", lambda tx: acts.suppress(tx, self.office(), email, "asked by telephone")
        ):
            self.oracle.standings[email].suppressed = True
            self.loop.task_of_world(self._acknowledge(email, "suppression"))

    def _pause(self, email: str) -> None:
        until = self.wall() + timedelta(days=self.chance.uniform(0.5, 4))
        if self._act("pause", lambda tx: acts.pause(tx, self.office(), email, until)):
            self.loop.task_of_world(self._acknowledge_pause(email, until))

    def take_up(self, email: str) -> None:
        if self._act("resume", lambda tx: acts.resume(tx, self.office(), email)):
            self.oracle.begun_again(email)

    def _skip(self, email: str) -> None:
        self._act("skip", lambda tx: acts.skip(tx, self.office(), email))

    def _note(self, email: str) -> None:
        self._act("note", lambda tx: acts.note(tx, self.office(), email, "called"))

    def _enrol(self, email: str) -> None:
        self.enrol(email)

    async def _acknowledge(self, email: str, why: str) -> None:
        standing = self.oracle.standings[email]
        await self._barrier(email)
        if self.oracle.standings[email] is standing:  # nobody has taken it back meanwhile
            self.oracle.acknowledged(email, self.loop.time(), why)

    async def _acknowledge_pause(self, email: str, until: Any) -> None:
        standing = self.oracle.standings[email]
        await self._barrier(email)
        if self.oracle.standings[email] is standing and not self.offset:
            self.oracle.paused(email, self.loop.time(), until)

    async def _barrier(self, email: str) -> None:
        """Wait as the command line does, on virtual time."""
        if not self.parts.barrier:
            return
        limit = self.config.safety.arm_ttl + acts.WIRE
        deadline = self.loop.time() + limit.total_seconds()
        prospect = self.store.read(lambda tx: people.by_email(tx, email))
        while prospect and self.store.read(lambda tx: touches.armed_for(tx, prospect.id)):
            if self.loop.time() > deadline:
                return
            await asyncio.sleep(BARRIER_NAP)

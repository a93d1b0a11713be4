"""Everything that goes wrong, and everybody who interferes: prospects, humans at the desk, servers, clocks, power.

Nearly all of a follow-up's life is waiting, so faults by the clock would hit nothing. The nemesis therefore strikes
within 350 ms of a transaction's beginning, or at a state edge inside the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from cadenced.core.model import TouchState
from cadenced.engine import acts
from cadenced.errors import RefusedError
from cadenced.ports import Outgoing
from cadenced.store import enrolments, people, tasks, touches
from simulation import settings_of_worlds as terms
from simulation import sim_people
from simulation.sim_imap import Trouble
from simulation.sim_smtp import Dot, Odds
from simulation.sim_world import World
from simulation.virtual_loop import Process

HOUR, DAY = 3600.0, 86_400.0
BARRIER_NAP = 0.05


class Drama(World):
    """A world with people and faults in it."""

    written_to = ""

    def begin_faults(self) -> None:
        self.smtp.on_transaction = self._strike_soon
        self.smtp.on_stall = self._use_the_stall
        self.imap.on_slow = self._use_the_wait
        if not self.parts.durable:
            self._plan(0.0, self.store.checkpoint, 6 * HOUR)
        self._plan(self.chance.uniform(2, 9) * HOUR, self._desk_hours, 9 * HOUR)
        if not self.faulty:
            return
        drawn = self.chance.choice((0.3, 1.0, 1.0, 2.0))
        level = drawn if self.parts.level is None else self.parts.level
        self.edge_odds = 0.004 * level
        self.smtp.odds = Odds(
            refused_early=0.05 * level,
            refused_dot=0.04 * level,
            goodbye=0.02 * level,
            cut=0.04 * level,
            lost=0.05 * level,
            slow=0.05 * level,
            stall=0.08 * level,
            blocked=0.004 * level,
            dead_address=0.01 * level,
        )
        self.imap.trouble = Trouble(fails=0.01 * level, slow=0.03 * level, hangs=0.004 * level, deaf=0.3)
        for what, every in self._misfortunes():
            self._plan(self.chance.expovariate(1 / every), what, every)

    def _misfortunes(self) -> tuple[tuple[Callable[[], object], float], ...]:
        return (
            (self._edit, 2 * DAY),
            (self._rebuild, 4 * DAY),
            (self._jump, 2 * DAY),
            (self._end_politely, 3 * DAY),
            (self._interfere, 10 * HOUR),
            (self._tidy, 1 * DAY),
            (self._advertise, 1 * DAY),
            (self._garble, 3 * DAY),
            (self._write_by_hand, 2 * DAY),
        )

    def _plan(self, after: float, what: Callable[[], object], every: float) -> None:
        def happen() -> None:
            if self.faulty or what == self._desk_hours:
                what()
                again = every if what == self._desk_hours else self.chance.expovariate(1 / every)
                self._plan(again, what, every)

        self.at(self.loop.time() + after, happen)

    def end_faults(self) -> None:
        super().end_faults()
        self.imap.trouble = Trouble()
        self.smtp.down = self.imap.down = False
        self.offset = timedelta()
        daemon = self.daemon
        if daemon is None or daemon.process.dead:
            self._reboot()
        else:
            self.loop.cont_process(daemon.process)

    # -- prospects

    def heard(self, dot: Dot) -> None:
        person = self.people[dot.message.recipient]
        draw = self.chance.random()
        now = self.loop.time()
        if draw < 0.08:
            self.at(now + self.chance.lognormvariate(7, 3) % (6 * DAY), self.reply, person.email)
        elif draw < 0.12:
            self.at(now + self.chance.uniform(0.2, 2), self._automatic, person.email, sim_people.ACKNOWLEDGED)
        elif draw < 0.15:
            self.at(now + self.chance.uniform(0.5, 60), self._away, person.email)
        elif draw < 0.19:
            self.at(now + self.chance.uniform(0.5, 600), self._bounce, person.email, self.chance.random() < 0.6)
        elif draw < 0.45:
            self.at(now + 700, self._aim, person.email)
        if self.faulty and self.oracle.standings[person.email].answered_at is not None:
            self.at(now + self.chance.uniform(1, 9) * HOUR, self._resume, person.email)  # the touch crossed an answer

    def _aim(self, email: str) -> None:
        """Let somebody answer at the very moment at which their next touch is due."""
        due = self.store.read(lambda tx: self._due_of(tx, email))
        self.counts["aim"] = self.counts.get("aim", 0) + (due is not None)
        if due is not None:
            wanted = self.loop.time() + (due - self.wall()).total_seconds()
            if self.chance.random() < 0.3:
                self.at(max(self.loop.time(), wanted - 20), self._imap_out, 40.0)
                self.at(max(self.loop.time(), wanted - 10), self.reply, email)
            else:
                self.at(max(self.loop.time(), wanted + self.chance.gauss(-4, 8)), self.reply, email)

    def _due_of(self, tx: Connection, email: str) -> Any:
        prospect = people.by_email(tx, email)
        live = enrolments.of_prospect(tx, prospect.id, live=True) if prospect else []
        return live[0].due_at if live and live[0].state == "active" else None

    def reply(self, email: str) -> None:
        """A human answer becomes visible."""
        text = sim_people.OPT_OUT if self.chance.random() < 0.15 else self.chance.choice(sim_people.REPLIES)
        folder = self.chance.choice(("INBOX",) * 6 + ("Junk", "Clients"))
        if self.faulty:
            self._strike_at_reply()
        self._deliver(self.pen.reply(self.people[email], text, self.true_now()), folder)
        if text == sim_people.OPT_OUT:
            self.oracle.refused(email, self.loop.time(), "an opt-out")
        self.oracle.answered(email, self.loop.time(), "a reply")
        self.oracle.answers[email].append(self.loop.time())
        self.tell("reply", email)

    def _automatic(self, email: str, text: str) -> None:
        self._deliver(self.pen.automatic(self.people[email], text, self.true_now()))
        self.tell("automatic", email)

    def _away(self, email: str) -> None:
        day = self.true_now() + timedelta(days=self.chance.randrange(1, 5))
        self._automatic(email, sim_people.AWAY.format(day=day))

    def _bounce(self, email: str, hard: bool) -> None:
        self._deliver(self.pen.bounce(self.people[email], self.true_now(), hard=hard))
        if hard:
            self.oracle.refused(email, self.loop.time(), "a hard bounce")
        self.tell("bounce", f"{email} {hard}")

    def _advertise(self) -> None:
        self._deliver(self.pen.newsletter(self.true_now()))

    def _garble(self) -> None:
        """Something comes that is no mail."""
        cut = self.pen.newsletter(self.true_now())[: self.chance.randrange(1, 60)]
        self._deliver(self.chance.choice((b"\xff\xfe\x00", b"\r\n\r\n", b"=?x?Q?\r\n ?=: 1\r\n", cut)))

    def _write_by_hand(self) -> None:
        """Our human writes to somebody from their own mail program."""
        email = self.chance.choice(list(self.people))
        self._deliver(self.pen.by_hand(self.people[email], self.true_now()), "Sent")
        self.oracle.wrote_by_hand(email, self.loop.time())
        self.tell("by hand", email)

    def _deliver(self, raw: bytes, folder: str = "INBOX") -> None:
        self.imap.deliver(raw, folder)

    # -- humans

    def _desk_hours(self) -> None:
        """A human goes through the open tasks, honestly; what is in doubt they look up at the provider's."""
        for task in self.store.read(tasks.open_until):
            if self.faulty and self.chance.random() < 0.4:
                continue
            self._do(task)
        if self.store.read(self._held):
            self._act("release", lambda tx: acts.release(tx, self.office(), "julie"))
        self.notice()

    def _held(self, tx: Connection) -> bool:
        from cadenced.store import mailboxes  # noqa: PLC0415 - named like a variable above

        return bool(mailboxes.get(tx, "julie").hold)

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
        getattr(self, f"_{name}")(email)
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

    def _resume(self, email: str) -> None:
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

    # -- machines

    def _strike_soon(self, message: Outgoing) -> None:
        self.written_to = message.recipient
        if not self.faulty:
            return
        draw = self.chance.random()
        after = self.chance.uniform(0, 0.35)
        if draw < 0.1:
            self.fuse = self.chance.randrange(1, 30)
        elif draw < 0.2:
            self.loop.later(after, self._strike, message.recipient)
        elif draw < 0.3:
            self.loop.later(after, self.reply, message.recipient)
        elif draw < 0.36:
            self.loop.later(after, self.interfere_with, message.recipient)

    def _use_the_stall(self, message: Outgoing) -> None:
        """While a transaction hangs, its prospect answers: long enough before the dot to count."""
        if self.faulty and self.chance.random() < 0.3:
            self.loop.later(self.chance.uniform(0, 5), self.reply, message.recipient)

    def _use_the_wait(self) -> None:
        """While the inbox is slow to answer, somebody answers who is being written to."""
        if self.faulty and self.written_to and self.chance.random() < 0.2:
            self.loop.later(self.chance.uniform(0, 3), self.reply, self.written_to)

    def _strike_at_reply(self) -> None:
        """As an answer comes in, the inbox is out of reach, or whoever reads it dies over it."""
        draw = self.chance.random()
        if draw < 0.15:
            self._imap_out()
        elif draw < 0.3:
            self.loop.later(self.chance.uniform(0, 0.03), self._crash)
        elif draw < 0.7:
            self.fuse = self.chance.randrange(1, 9)  # so many steps lead from the push to the effect

    def _strike(self, email: str) -> None:
        blow = self.chance.choice(
            (self._crash, self._crash, self._freeze, self._freeze, self._smtp_out, self._imap_out, self._rebuild)
        )
        blow()
        if self.chance.random() < 0.25:
            self.loop.later(self.chance.uniform(0, 8), self.reply, email)

    async def trip_up(self, owner: Process) -> None:
        draw = self.chance.random()
        if draw < 0.35:
            await asyncio.sleep(self.chance.uniform(0, 4))
        elif draw < 0.65:
            self._freeze()
            await asyncio.sleep(0)
        else:
            self._crash()
            await asyncio.sleep(60)

    def _crash(self) -> None:
        daemon = self.daemon
        if daemon is None or daemon.process.dead:
            return
        power = self.chance.random() < 0.3
        self.tell("crash", f"{daemon.process.name}{' with the power' if power else ''}")
        daemon.process.dead = True
        if power:
            self.store.lose_power()
        self.loop.task_of_world(self.loop.kill(daemon.process))
        self.at(self.loop.time() + self.chance.choice((0.5, 5.0, 60.0, 2 * HOUR)), self._reboot)

    def _reboot(self) -> None:
        if self.daemon is not None and not self.daemon.process.dead:
            return
        if abs(self.offset) > timedelta(
            seconds=60
        ):  # a start under a wrong clock: nobody could know (docs/simulation.md)
            self.at(self.loop.time() + 100.0, self._reboot)
            return
        self.imap.listeners.clear()
        self.boot()

    def _freeze(self) -> None:
        daemon = self.daemon
        if daemon is None or daemon.process.dead or daemon.process.stopped:
            return
        self.tell("freeze", daemon.process.name)
        self.loop.stop_process(daemon.process)
        span = self.chance.choice((0.5, 2.5, 3.2, 4.0, 8.0, 40.0, 400.0, 3 * HOUR))
        self.at(self.loop.time() + span, self._thaw, daemon.process)

    def _thaw(self, owner: Process) -> None:
        if owner.stopped and not owner.dead:
            self.tell("thaw", owner.name)
            self.loop.cont_process(owner)

    def _end_politely(self) -> None:
        """SIGTERM, and a new start."""
        daemon = self.daemon
        if daemon is None or daemon.process.dead or daemon.process.stopped:
            return
        self.tell("sigterm", daemon.process.name)
        daemon.stop.set()
        self.loop.task_of_world(self._await_end(daemon.process, daemon.services[0]))

    async def _await_end(self, owner: Process, service: asyncio.Task[None]) -> None:
        await asyncio.wait([service], timeout=100)
        if not owner.dead:
            await self.loop.kill(owner)
            self._reboot()

    def _smtp_out(self) -> None:
        self.tell("smtp", "down")
        self.smtp.down = True
        self.at(self.loop.time() + self.chance.choice((1.0, 20.0, 300.0)), self._smtp_back)

    def _smtp_back(self) -> None:
        self.smtp.down = False

    def _imap_out(self, seconds: float = 0.0) -> None:
        if not self.faulty:
            return
        self.tell("imap", "down")
        self.imap.down = True
        self.at(self.loop.time() + (seconds or self.chance.choice((1.0, 15.0, 60.0))), self._imap_back)

    def _imap_back(self) -> None:
        self.imap.down = False

    def _rebuild(self) -> None:
        self.tell("imap", "rebuilt")
        self.imap.drawers[self.chance.choice(("INBOX", "INBOX", "Sent", "Clients"))].rebuild()

    def _tidy(self) -> None:
        self.imap.shift("INBOX", self.chance.choice(("Clients", "Junk")))

    def _edit(self) -> None:
        self.library = self.chance.choice(terms.EDITIONS)
        if self.daemon is not None:
            self.daemon.workspace.library = self.library
        self.tell("edit", str(terms.EDITIONS.index(self.library)))

    def _jump(self) -> None:
        """The wall clock jumps, and is put right before two minutes are over."""
        if self.offset:
            return
        far = (-3600, 3600, -DAY, DAY, 400 * DAY, -400 * DAY) if self.scale.far_jumps else ()
        seconds = self.chance.choice((-50, -10, 30, 55, *far))
        self.offset = timedelta(seconds=seconds)
        self.tell("wall", str(seconds))
        self.quiet.foresee(self.loop.time(), everybody=True)
        self.at(self.loop.time() + self.chance.uniform(1, 90), self._set_right)

    def _set_right(self) -> None:
        self.offset = timedelta()
        self.tell("wall", "right")

"""Everything that goes wrong, and everybody who interferes: prospects, humans at the desk, servers, clocks, power.

Nearly all of a follow-up's life is waiting, so faults by the clock would hit nothing. The nemesis therefore strikes
within 350 ms of a transaction's beginning, or at a state edge inside the process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

from cadenced.ports import Outgoing
from simulation import settings_of_worlds as terms
from simulation.sim_backup import Backups
from simulation.sim_imap import ImapServer, Trouble
from simulation.sim_reactions import DAY, HOUR
from simulation.sim_smtp import Odds
from simulation.virtual_loop import Process


class Drama(Backups):
    """A world with people and faults in it."""

    written_to = ""

    def begin_faults(self) -> None:
        self.smtp.on_transaction = self._strike_soon
        self.smtp.on_stall = self._use_the_stall
        for imap in self.imaps.values():
            imap.on_slow = self._use_the_wait
        if not self.parts.durable:
            self._plan(0.0, self.store.checkpoint, 6 * HOUR)
        self._plan(self.chance.uniform(2, 9) * HOUR, self._desk_hours, 9 * HOUR)
        if not self.faulty:
            return
        drawn = self.chance.choice((0.3, 1.0, 1.0, 2.0))
        climate = self.parts.climate
        level = drawn * self.scale.harm if climate.level is None else climate.level
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
            longest_stall=climate.stall,
        )
        usual = Trouble(fails=0.01 * level, slow=0.03 * level, hangs=0.004 * level, deaf=0.3)
        for imap in self.imaps.values():
            imap.trouble = climate.trouble or usual
        for what, often in (*self._misfortunes(), *(self._archive() if self.scale.backups else ())):
            every = often / self.scale.harm
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

    def _archive(self) -> tuple[tuple[Callable[[], object], float], ...]:
        return (self.make_backup, 2 * DAY), (self.put_back, 7 * DAY)

    def fall(self) -> None:
        self._crash(power=False)

    def rise(self) -> None:
        self.at(self.loop.time() + 60.0, self._reboot)

    def _plan(self, after: float, what: Callable[[], object], every: float) -> None:
        def happen() -> None:
            if self.faulty or what == self._desk_hours:
                what()
                again = every if what == self._desk_hours else self.chance.expovariate(1 / every)
                self._plan(again, what, every)

        self.at(self.loop.time() + after, happen)

    def end_faults(self) -> None:
        super().end_faults()
        self.smtp.down = False
        for imap in self.imaps.values():
            imap.trouble = Trouble()
            imap.go(down=False)
        self.offset = timedelta()
        daemon = self.daemon
        if daemon is None or daemon.process.dead:
            self._reboot()
        else:
            self.loop.cont_process(daemon.process)

    def _strike_soon(self, message: Outgoing) -> None:
        self.written_to = message.recipient
        if not self.faulty:
            return
        draw = self.chance.random() / self.scale.harm
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
        if self.faulty and self.chance.random() < 0.3 * self.scale.harm:
            self.loop.later(self.chance.uniform(0, 5), self.reply, message.recipient)

    def _use_the_wait(self) -> None:
        """While the inbox is slow to answer, somebody answers who is being written to."""
        if self.faulty and self.written_to and self.chance.random() < 0.2 * self.scale.harm:
            self.loop.later(self.chance.uniform(0, 3), self.reply, self.written_to)

    def strike_at_reply(self, imap: ImapServer) -> None:
        """As an answer comes in, the inbox is out of reach, or whoever reads it dies over it."""
        if not self.faulty:
            return
        draw = self.chance.random() / self.scale.harm
        if draw < 0.15:
            self.imap_out(imap)
        elif draw < 0.3:
            self.loop.later(self.chance.uniform(0, 0.03), self._crash)
        elif draw < 0.7:
            self.fuse = self.chance.randrange(1, 9)  # so many steps lead from the push to the effect

    def _strike(self, email: str) -> None:
        imap = self.imap_of(self.people[email].ours)
        blow = self.chance.choice(
            (self._crash, self._crash, self._freeze, self._freeze, self._smtp_out, self.imap_out, self._rebuild)
        )
        blow(imap) if blow == self.imap_out else blow()
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

    def _crash(self, *, power: bool | None = None) -> None:
        daemon = self.daemon
        if daemon is None or daemon.process.dead:
            return
        power = self.chance.random() < 0.3 if power is None else power
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
        for imap in self.imaps.values():
            imap.listeners.clear()
        self.boot()

    def _freeze(self) -> None:
        daemon = self.daemon
        if daemon is None or daemon.process.dead or daemon.process.stopped:
            return
        self.tell("freeze", daemon.process.name)
        self.loop.stop_process(daemon.process)
        span = self.chance.choice(self.parts.climate.stops)
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

    def imap_out(self, imap: ImapServer, seconds: float = 0.0) -> None:
        """An inbox is out of reach for a while."""
        if not self.faulty:
            return
        self.tell("imap", "down")
        imap.go(down=True)
        self.at(self.loop.time() + (seconds or self.chance.choice((1.0, 15.0, 60.0))), self._imap_back, imap)

    def _imap_back(self, imap: ImapServer) -> None:
        """It is back, at times with other UIDs: what came meanwhile has never been seen under the old ones."""
        imap.go(down=False)
        if self.faulty and self.chance.random() < 0.15:
            self.tell("imap", "rebuilt")
            imap.rebuild("INBOX")

    def _any_imap(self) -> ImapServer:
        return self.chance.choice(list(self.imaps.values()))

    def _rebuild(self) -> None:
        self.tell("imap", "rebuilt")
        self._any_imap().rebuild(self.chance.choice(("INBOX", "INBOX", "Sent", "Clients")))

    def _tidy(self) -> None:
        self._any_imap().shift("INBOX", self.chance.choice(("Clients", "Junk")))

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
        self.quiet.stir()
        self.at(self.loop.time() + self.chance.uniform(1, 90), self._set_right)

    def _set_right(self) -> None:
        self.offset = timedelta()
        self.tell("wall", "right")

"""Several `cadenced run` on one PostgreSQL database, while processes are killed and stopped at random from a seed.

The workers are warm processes: who was killed is back at once. The servers are real (PostgreSQL, Dovecot) or keep a
ledger of every dot that they accepted (SMTP); what happened is judged by that ledger, never by what the product
believes. A human is played who settles doubts by the truth.
"""

from __future__ import annotations

import asyncio
import collections
import email
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from outside import COMMAND

from cadenced.core.model import TouchState
from cadenced.engine import acts, opening
from cadenced.engine.workspace import Workspace
from cadenced.errors import StoreError
from cadenced.store import leases, touches
from peers import dovecot, postgres, smtp_sink, warm, workspace
from peers.patience import PATIENCE

IDLE = 10.0
"""Seconds after which the SMTP server hangs up; shorter than ``quiet``, as it is with real servers and its default."""

SAFETY = 'quiet = "12 s"\nfence_age = "8 s"'
"""On a busy machine the gate opens too, and who is struck has mail on the wire."""

LINT = '[lint]\nselect = ["guilt"]'


@dataclass
class Slow:
    """An SMTP server that takes its time before it takes a message over, and before it says so."""

    chance: random.Random
    longest: float
    busy: collections.Counter[str] = field(default_factory=collections.Counter)

    async def __call__(self, talk: smtp_sink.Conversation) -> bool:
        mailbox = talk.mail_from.partition("@")[0]
        self.busy[mailbox] += 1
        try:
            await asyncio.sleep(self.chance.uniform(0, self.longest))
            answer = talk.take()
            await asyncio.sleep(self.chance.uniform(0, self.longest))
        finally:
            self.busy[mailbox] -= 1
        await talk.say(answer)
        return False

    def busy_one(self) -> str:
        """Return a mailbox that waits for an answer just now, empty where none does."""
        return next((name for name, count in list(self.busy.items()) if count > 0), "")


@dataclass
class Worker:
    """One process, which may be dead or stopped."""

    number: int
    log: Path
    process: warm.Run | None = None
    is_stopped: bool = False
    ended_by_itself: list[int] = field(default_factory=list)


@dataclass
class Ground:
    """The workspace, its servers, and its workers."""

    root: Path
    mailboxes: tuple[str, ...]
    sink: smtp_sink.Sink
    imap: dovecot.Dovecot
    database: postgres.Server
    url: str
    opened: Workspace
    slow: Slow
    stable: warm.Stable
    workers: list[Worker] = field(default_factory=list)
    env: dict[str, str] = field(default_factory=lambda: {**os.environ, **workspace.ENVIRONMENT})

    # -- workers

    def start(self, worker: Worker) -> None:
        """Start (again)."""
        worker.process = self.stable.start(self.root, "run", log=worker.log)
        worker.is_stopped = False

    def add(self, count: int) -> None:
        """Start so many more workers."""
        for _ in range(count):
            number = len(self.workers) + 1
            self.workers.append(Worker(number, self.root / f"worker{number}.log"))
            self.start(self.workers[-1])

    def kill(self, worker: Worker, how: int = signal.SIGKILL) -> None:
        """Kill one, stopped or not."""
        assert worker.process is not None
        worker.process.signal(how)
        if how == signal.SIGKILL or not worker.is_stopped:
            worker.process.wait()
            worker.process = None

    def signal(self, worker: Worker, number: int) -> None:
        """Stop one, or let it go on."""
        assert worker.process is not None
        worker.process.signal(number)
        worker.is_stopped = number == signal.SIGSTOP

    def revive(self) -> None:
        """Do what a service manager does: who has ended is started again."""
        for worker in self.workers:
            if worker.process is not None and (status := worker.process.poll()) is not None:
                worker.ended_by_itself.append(status)
                self.start(worker)

    def status(self, worker: Worker) -> int | None:
        """Return with which status a worker has ended by itself, None while it runs."""
        return worker.process.poll() if worker.process is not None else None

    def logs(self) -> str:
        """Return what all of them have said."""
        return "".join(worker.log.read_text() for worker in self.workers if worker.log.exists())

    # -- people

    def bring_in(self, names: list[str], tag: str = "list") -> None:
        """Import prospects, spread evenly over the mailboxes."""
        path = self.root / f"{tag}.csv"
        rows = [
            f"{name}@there.example,{name},{self.mailboxes[number % len(self.mailboxes)]}"
            for number, name in enumerate(names)
        ]
        path.write_text("\n".join(["email,first_name,mailbox", *rows, ""]))
        self.run("import", str(path))

    def run(self, *words: str) -> str:
        """Run a command that must succeed; returns what it prints."""
        line = [COMMAND, "-c", str(self.root / "cadenced.toml"), *words]
        done = subprocess.run(line, env=self.env, capture_output=True, text=True, check=False, timeout=PATIENCE)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    # -- truth

    def accepted(self) -> collections.Counter[tuple[str, str]]:
        """Return how often each (prospect, Message-ID) was taken over by the server."""
        found: collections.Counter[tuple[str, str]] = collections.Counter()
        for one in list(self.sink.accepted):
            prospect = next(to for to in one.recipients if to.endswith("@there.example"))
            found[prospect, message_id(one.raw)] += 1
        return found

    def leases(self) -> dict[str, str]:
        """Return who has which mailbox; what is free has nobody."""
        found = self.opened.database.read(leases.standing)
        return {name: "" if one.free else one.owner for name, one in found.items() if name.startswith("mailbox ")}

    def states(self) -> dict[str, int]:
        """Return how many touches are in each state."""
        query = "SELECT state, count(*) FROM touches GROUP BY state"
        return {str(state): int(n) for state, n in self.ask(query)}

    def states_or_none(self) -> dict[str, int] | None:
        """Return the same, None while the database does not answer."""
        with suppress(StoreError):
            return self.states()
        return None

    def comes_to(self, accepted: int, seconds: float = PATIENCE) -> bool:
        """Whether so many mails are accepted in time, while who ends is started again."""
        end = time.monotonic() + seconds
        while len(self.sink.accepted) < accepted and time.monotonic() < end:
            self.revive()
            time.sleep(0.05)
        return len(self.sink.accepted) >= accepted

    def ends_with(self, wanted: dict[str, int], seconds: float = PATIENCE) -> bool:
        """Whether all touches come to these states, while who ends is started again and doubts are settled."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self.revive()
            with suppress(StoreError):
                self.settle_doubts()
            if self.states_or_none() == wanted:
                return True
            time.sleep(0.2)
        return False

    def ask(self, query: str) -> list[Any]:
        """Ask the database."""
        return self.opened.database.read(lambda tx: list(tx.exec_driver_sql(query)))

    def settle_doubts(self) -> tuple[int, int]:
        """Play the human: what was accepted was sent, what was not leaves again; returns how many of each."""
        doubts = self.opened.database.read(lambda tx: touches.doubts(tx, TouchState.IN_DOUBT))
        truth = self.accepted()
        sent = resent = 0
        for touch in doubts:
            was_sent = truth[touch.recipient, touch.message_id] > 0
            how = "sent" if was_sent else "resend"
            self.opened.database.transact(lambda tx, t=touch, h=how: acts.resolve(tx, self.opened, t.id, h))  # type: ignore[misc] # defaults bind the loop's names
            sent, resent = sent + was_sent, resent + (not was_sent)
        return sent, resent


def message_id(raw: bytes) -> str:
    """Return a mail's Message-ID."""
    return str(email.message_from_bytes(raw.partition(b"\r\n\r\n")[0] + b"\r\n\r\n")["Message-ID"])


@contextmanager
def ground(
    root: Path, mailboxes: int, *, slow: float = 0.0, seed: int = 1, gap: str = "0 s", limit: int = 0
) -> Iterator[Ground]:
    """Set everything up; no worker runs yet, and none is left at the end."""
    names = tuple(f"m{number}" for number in range(1, mailboxes + 1))
    with (
        postgres.server() as database,
        dovecot.running(users=dict.fromkeys(names, workspace.PASSWORD)) as imap,
        smtp_sink.threaded(idle_timeout=IDLE) as sink,
        warm.stable() as stable,
    ):
        pace = Slow(random.Random(seed), slow)  # noqa: S311 - a seed must repeat
        sink.always("dot", pace)
        sink.on_accept = lambda one: _file_copy(imap, one)
        url = database.database()
        usual = {"gap": gap, "limit": limit, "connections": 4, "more": 'sent_copy = "self"'}
        boxes = [workspace.Box(imap.port, sink.port, name, name, name, **usual) for name in names]
        path = workspace.write(root, boxes, SAFETY, database=url, more=LINT)
        opened = opening.open_workspace(path)
        try:
            yield Ground(root, names, sink, imap, database, url, opened, pace, stable)
        finally:
            with suppress(Exception):
                opened.database.close()


def _file_copy(imap: dovecot.Dovecot, taken: smtp_sink.Accepted) -> None:
    """Deliver the copy that a mailbox sends to itself."""
    if taken.mail_from in taken.recipients:
        imap.deliver(taken.raw, user=taken.mail_from.partition("@")[0])


@dataclass
class Nemesis:
    """Kills and stops workers, evenly over the ``sends``: most of them while their mail is on the wire."""

    here: Ground
    chance: random.Random
    kills: int
    stops: int
    sends: int
    killed: int = 0
    stopped: int = 0
    _later: list[tuple[float, int, str]] = field(default_factory=list)
    _aimed_at: float = 0.0

    @property
    def is_over(self) -> bool:
        """Whether all was done, and everybody is up again."""
        return self.killed >= self.kills and self.stopped >= self.stops and not self._later

    def strike(self) -> None:
        """Do what is due now; to be called often."""
        now = time.monotonic()
        for item in sorted(self._later):
            if item[0] <= now:
                self._later.remove(item)
                self._undo(self.here.workers[item[1]], item[2])
        self.here.revive()
        done, wanted = self.killed + self.stopped, self.kills + self.stops
        if done >= wanted or len(self.here.sink.accepted) < 0.9 * self.sends * done / wanted:
            return
        if self._aimed_at:
            if now >= self._aimed_at:
                self._aimed_at = 0.0
                self._hit(now)
        elif self.here.slow.busy_one() or self.chance.random() < 0.01:
            self._aimed_at = now + self.chance.uniform(0, 0.3)

    def _victim(self) -> Worker | None:
        """Return whose mail is on the wire, now and then anybody."""
        mailbox = self.here.slow.busy_one()
        if mailbox and self.chance.random() < 0.9:
            tenant = self.here.opened.database.read(leases.tenants).get(mailbox)
            pids = {worker.process.pid: worker for worker in self.here.workers if worker.process is not None}
            return pids.get(tenant.pid) if tenant else None
        return self.chance.choice(self.here.workers)

    def _hit(self, now: float) -> None:
        worker = self._victim()
        if worker is None or worker.process is None or worker.process.poll() is not None:
            return
        left = (self.kills - self.killed, self.stops - self.stopped)
        if self.chance.random() * sum(left) < left[0]:
            self.here.kill(worker)
            self._later = [item for item in self._later if item[1] != worker.number - 1]
            self._later.append((now + self.chance.uniform(0, 2), worker.number - 1, "start"))
            self.killed += 1
        elif not worker.is_stopped:
            self.here.signal(worker, signal.SIGSTOP)
            long = self.chance.random() < 0.2
            span = self.chance.uniform(8, 16) if long else self.chance.uniform(0.05, 3)
            self._later.append((now + span, worker.number - 1, "continue"))
            self.stopped += 1

    def _undo(self, worker: Worker, how: str) -> None:
        if how == "start":
            self.here.start(worker)
        elif worker.process is not None and worker.process.poll() is None:
            self.here.signal(worker, signal.SIGCONT)


@dataclass(frozen=True)
class Outcome:
    """What a storm came to.

    ``unknown``: how often somebody left touches of which nobody knew whether they were sent; ``settled``: those that
    came to the human, who took them as sent, and had them sent again.
    """

    wanted: int
    accepted: int
    doubled: int
    missing: int
    kills: int
    stops: int
    ended_by_themselves: int
    unknown: int
    settled: tuple[int, int]
    seconds: float
    states: dict[str, int]


@dataclass
class Storm:
    """One storm on one ground."""

    here: Ground
    nemesis: Nemesis
    settled: tuple[int, int] = (0, 0)
    _over: threading.Event = field(default_factory=threading.Event)

    def run(self, prospects: int, patience: float) -> Outcome:
        """Have all prospects written to while the nemesis strikes; ends when nothing is left, or patience is."""
        began = time.monotonic()
        self.here.bring_in([f"p{number}" for number in range(prospects)])
        human = threading.Thread(target=self._settle)
        human.start()
        try:
            while time.monotonic() - began < patience and not self._is_done(prospects * len(workspace.STEPS)):
                self.nemesis.strike()
                time.sleep(0.02)
        finally:
            self._over.set()
            human.join()
        return self._outcome(prospects * len(workspace.STEPS), time.monotonic() - began)

    def _is_done(self, wanted: int) -> bool:
        if not self.nemesis.is_over or len(self.here.sink.accepted) < wanted:
            return False
        time.sleep(0.5)
        return self.here.states() == {"sent": wanted}

    def _settle(self) -> None:
        while not self._over.wait(3):
            with suppress(Exception):  # a stopped worker keeps the database for a while
                sent, resent = self.here.settle_doubts()
                self.settled = (self.settled[0] + sent, self.settled[1] + resent)

    def _outcome(self, wanted: int, seconds: float) -> Outcome:
        states = self.here.states()  # read first: what is sent by then was accepted before
        truth = self.here.accepted()
        return Outcome(
            wanted=wanted,
            accepted=sum(truth.values()),
            doubled=sum(count - 1 for count in truth.values()),
            missing=wanted - len(truth),
            kills=self.nemesis.killed,
            stops=self.nemesis.stopped,
            ended_by_themselves=sum(len(worker.ended_by_itself) for worker in self.here.workers),
            unknown=self.here.logs().count("whose fate is unknown"),
            settled=self.settled,
            seconds=round(seconds, 1),
            states=states,
        )

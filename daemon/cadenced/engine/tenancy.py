"""What this worker does of all that only one may do at a time: mailboxes and the drop folder, taken by lease.

Every worker reckons the same even share, from the list of those who live. Who has less takes what is free; who has
more lets go of the surplus once its mail on the wire has ended. A crew runs only while its lease is held.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection

from cadenced.engine.heartbeat import Heartbeat
from cadenced.engine.supervisor import GRACE, Crew, Supervisor
from cadenced.engine.workspace import Workspace
from cadenced.errors import StoreError
from cadenced.store import bell, leases, orphans
from cadenced.store.leases import RENEW, Lease

log = logging.getLogger(__name__)

PATIENCE = 900.0
"""Seconds that mail on the wire may take when a mailbox is handed over: more than the longest wait for an answer."""


SHORTLY = timedelta(seconds=0.2)
"""When something was free, the next look follows soon: of several takers one was first."""


@dataclass(frozen=True, slots=True)
class Post:
    """Something that one worker at a time does: how its crew is made, and ``forget``, called before it ends.

    Posts with a ``mailbox`` are shared out evenly; any worker takes the others.
    """

    lease: str
    crew: Callable[[], Crew]
    forget: Callable[[], None] = lambda: None
    mailbox: str = ""


@dataclass(frozen=True, slots=True)
class View:
    """What the database says: who lives (until when), in the order of their coming, and who has what.

    ``orphaned``: the dead have left touches under way.
    """

    lives: Mapping[str, datetime | None]
    leases: Mapping[str, Lease]
    orphaned: bool = False

    @property
    def workers(self) -> list[str]:
        """The boots of those who live."""
        return list(self.lives)

    def of(self, boot: str, names: Collection[str]) -> list[str]:
        """Return what a worker has of these."""
        return [name for name in sorted(names) if (lease := self.leases.get(name)) and lease.owner == boot]

    def free(self, names: Collection[str]) -> list[str]:
        """Return what nobody has of these."""
        return [name for name in sorted(names) if (lease := self.leases.get(name)) and lease.free]


def share(workers: Sequence[str], boot: str, count: int) -> int:
    """Return how many of ``count`` mailboxes are a worker's; who came first has the odd ones."""
    if boot not in workers:
        return 0
    whole, odd = divmod(count, len(workers))
    return whole + (workers.index(boot) < odd)


def look(tx: Connection) -> View:
    """Read how things stand."""
    lives = {one.boot: one.until for one in leases.living(tx)}
    return View(lives, leases.standing(tx), orphans.any_left(tx))


class Tenancy:
    """Takes, keeps and gives back leases; begins and ends the crews that they stand for."""

    def __init__(
        self, workspace: Workspace, supervisor: Supervisor, posts: Sequence[Post], heartbeat: Heartbeat
    ) -> None:
        self.name = "tenancy"
        self.wake = asyncio.Event()
        self.idle = False
        self._workspace = workspace
        self._supervisor = supervisor
        self._posts = {post.lease: post for post in posts}
        self._shared = frozenset(post.lease for post in posts if post.mailbox)
        self._heartbeat = heartbeat
        self._crews: dict[str, Crew] = {}
        self._leaving: dict[str, asyncio.Task[None]] = {}
        self._kept: set[str] = set()
        self._first_seen: dict[str, datetime | None] = {}
        heartbeat.on_loss = self.wake.set

    @property
    def _boot(self) -> str:
        return self._heartbeat.worker.boot

    async def begin(self) -> None:
        """Make the posts known, forget the long dead, and live."""
        await self._workspace.database.aside(lambda tx: leases.make_known(tx, self._posts))
        await self._workspace.database.aside(leases.bury)
        await self._heartbeat.begin()

    async def tick(self) -> timedelta:
        """Bring what runs here in line with what the database says."""
        try:
            return SHORTLY if await self._tick() else RENEW
        except StoreError as fault:
            log.warning("leases cannot be looked at", extra={"fault": str(fault)})
            return RENEW

    async def rest(self, span: timedelta) -> None:
        """Sleep in real time: other workers do not follow a fast clock."""
        await asyncio.sleep(span.total_seconds())

    async def close(self, grace: float) -> None:
        """End every crew, within ``grace`` seconds, and free what was held at once; renewed until then."""
        try:
            await self._dismiss_all(grace)
            await self._workspace.database.run(lambda tx: orphans.abandon(tx, self._boot))
            await self._heartbeat.end()
            await self._workspace.database.aside(self._leave)
        except StoreError as fault:  # the lease runs out by itself
            log.warning("leases not given back", extra={"fault": str(fault)})
        finally:
            await self._heartbeat.end()

    def _leave(self, tx: Connection) -> None:
        leases.leave(tx, self._boot)
        bell.ring(tx, bell.LEASES, self._boot)

    async def _tick(self) -> bool:
        """Return whether another look is worth while soon."""
        self._raise_faults()
        if self._heartbeat.is_lost:
            await self._begin_anew()
        view = await self._workspace.database.aside(look)
        for name in self._surplus(view):
            self._leaving[name] = asyncio.create_task(self._hand_over(name), name=f"handing over {name}")
        wanted = self._wanted(view)
        got = await self._take(wanted) if wanted else set()
        if view.orphaned or got:  # a stopped worker may keep the writers' lock for a while: all that follows waits
            await self._adopt()
        self._man([*view.of(self._boot, self._posts), *got])
        settled = not self._leaving and not wanted and not self._heartbeat.doubt()
        self.idle = settled and self._all_served(view)
        return bool(wanted)

    def _all_served(self, view: View) -> bool:
        """Whether each holder was heard of since we looked first: for a while the dead seem to live on."""
        for boot, until in view.lives.items():
            self._first_seen.setdefault(boot, until)
        fresh = {boot for boot, until in view.lives.items() if until != self._first_seen[boot] or boot == self._boot}
        return all(lease.owner in fresh for name, lease in view.leases.items() if name in self._posts)

    def _raise_faults(self) -> None:
        for name, task in list(self._leaving.items()):
            if task.done():
                del self._leaving[name]
                task.result()

    async def _begin_anew(self) -> None:
        """End all that was begun under leases that ran out, then live again: nothing of it is on the wire any more."""
        await self._dismiss_all(GRACE)
        await self._workspace.database.run(lambda tx: orphans.abandon(tx, self._boot))
        await self._heartbeat.begin()
        log.info("begun anew", extra={"worker": self._boot})

    async def _adopt(self) -> None:
        found = await self._workspace.database.run(orphans.adopt)
        if found.unknown:
            log.warning("touches whose fate is unknown", extra={"count": found.unknown})
            self._workspace.doubted()

    def _wanted(self, view: View) -> list[str]:
        """Return what is free and ours to take: an even share, or what nobody has taken for a while."""
        if self._heartbeat.doubt():
            return []
        room = max(0, share(view.workers, self._boot, len(self._shared)) - len(view.of(self._boot, self._shared)))
        free = view.free(self._shared)
        left = [name for name in free[room:] if self._is_left_over(view.leases[name])]
        self._kept |= set(left)
        return [*free[:room], *left, *view.free(self._posts.keys() - self._shared)]

    def _is_left_over(self, lease: Lease) -> bool:
        """Whether a mailbox has been free for so long that nobody else seems to serve it."""
        return lease.since is not None and self._workspace.now() - lease.since > 2 * self._heartbeat.span

    def _surplus(self, view: View) -> list[str]:
        """Return what is to be let go: what is another's by now, and what is more than our share while others wait."""
        mine = view.of(self._boot, self._posts)
        astray = [name for name in self._crews if name not in mine]
        count, held = len(self._shared), view.of(self._boot, self._shared)
        short = any(len(view.of(one, self._shared)) < share(view.workers, one, count) for one in view.workers)
        over = len(held) - share(view.workers, self._boot, count) - len(self._leaving) if short else 0
        staying = [name for name in held if name not in self._kept and name not in self._leaving]
        return [name for name in (*astray, *staying[: max(0, over)]) if name in self._crews.keys() - self._leaving]

    async def _take(self, names: Sequence[str]) -> set[str]:
        got = await self._workspace.database.aside(lambda tx: leases.take(tx, names, self._boot))
        for name in sorted(got):
            log.info("taken", extra={"lease": name, "worker": self._boot})
        return got

    def _man(self, names: Sequence[str]) -> None:
        """Let a crew begin wherever a lease is held; what the last tenant left under way is settled by now.

        What is being handed over may be another's already, whatever was read a moment ago.
        """
        for name in names:
            if name not in self._crews and name not in self._leaving:
                self._crews[name] = self._posts[name].crew()
                self._supervisor.join(self._crews[name])

    async def _hand_over(self, name: str) -> None:
        await self._dismiss(name, PATIENCE)
        mailbox = self._posts[name].mailbox
        if mailbox:
            await self._workspace.database.run(lambda tx: orphans.abandon(tx, self._boot, mailbox))
        await self._workspace.database.aside(lambda tx: self._free(tx, name))
        log.info("handed over", extra={"lease": name, "worker": self._boot})

    def _free(self, tx: Connection, name: str) -> None:
        leases.release(tx, [name], self._boot)
        bell.ring(tx, bell.LEASES, self._boot)

    async def _dismiss_all(self, grace: float) -> None:
        """End every crew at once; StoreError (of the first) only when all have ended."""
        for task in self._leaving.values():
            task.cancel()
        await asyncio.gather(*self._leaving.values(), return_exceptions=True)
        self._leaving.clear()
        ends = await asyncio.gather(*(self._dismiss(name, grace) for name in list(self._crews)), return_exceptions=True)
        for fault in ends:
            if isinstance(fault, BaseException):
                raise fault

    async def _dismiss(self, name: str, grace: float) -> None:
        """End a crew; what its mail on the wire came to is written, or is for the caller to give up."""
        self._posts[name].forget()
        await self._supervisor.part(self._crews[name], grace)
        del self._crews[name]

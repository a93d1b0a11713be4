"""One boot of the daemon: the product's own services, put together as its composition root does."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from cadenced.config import Mailbox
from cadenced.engine.agenda import Agenda
from cadenced.engine.resolver import Resolver
from cadenced.engine.sender import Sender
from cadenced.engine.service import serve
from cadenced.engine.steadiness import Steadiness
from cadenced.engine.watcher import Watcher
from cadenced.engine.workspace import Workspace
from cadenced.store import timeline, touches
from simulation.sim_rest import LONGEST
from simulation.virtual_loop import Process

if TYPE_CHECKING:
    from simulation.sim_world import World


@dataclass(slots=True)
class Daemon:
    """One boot."""

    process: Process
    workspace: Workspace
    agenda: Agenda | None = None
    resolver: Resolver | None = None
    watchers: Sequence[Watcher] = ()
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    services: list[asyncio.Task[None]] = field(default_factory=list)


def boot(world: World) -> Daemon:
    """Start the daemon."""
    world.boots += 1
    owner = Process(f"boot{world.boots}")
    daemon = Daemon(owner, world.workspace(owner.name))
    world.tell("boot", owner.name)
    daemon.services.append(world.loop.task_of(owner, _serve(world, daemon)))
    return daemon


async def _serve(world: World, daemon: Daemon) -> None:
    try:
        await _serve_all(world, daemon)
    except Exception as fault:  # noqa: BLE001 - whatever ends the daemon is a finding
        world.oracle.breaks("I15", f"the daemon died: {type(fault).__name__}: {fault}")


async def _serve_all(world: World, daemon: Daemon) -> None:
    space = daemon.workspace
    unknown = await world.store.run(lambda tx: touches.recover(tx, space.boot_id))
    if unknown:
        world.tell("doubt", str(unknown))
    space.unsteady = Steadiness(world.clock, await world.store.run(timeline.newest_at))
    guards = await world.guards(space)
    watchers = {box.name: _watcher(world, space, box) for box in world.config.mailboxes}
    senders = {box.name: _sender(world, space, box, watchers[box.name]) for box in world.config.mailboxes}
    resolver = Resolver(space, watchers)
    agenda = Agenda(space, lambda names: _wake(senders, names))
    daemon.agenda, daemon.resolver, daemon.watchers = agenda, resolver, tuple(watchers.values())
    space.changed = lambda: _soon(world, daemon, agenda.wake)
    space.doubted = lambda: _soon(world, daemon, resolver.wake)
    space.longest_sleep = timedelta(seconds=LONGEST)
    parts = (*guards, *watchers.values(), *senders.values(), resolver, agenda)
    services = [asyncio.ensure_future(serve(one, daemon.stop)) for one in parts]
    done, _ = await asyncio.wait(services, return_when=asyncio.FIRST_EXCEPTION)
    for sender in senders.values():
        await sender.close(20.0)
    for service in services:
        if service in done and service.exception() is not None:
            raise service.exception() or AssertionError


def _watcher(world: World, space: Workspace, box: Mailbox) -> Watcher:
    imap = world.imaps[box.name]
    inbox = world.parts.inbox(imap)
    inbox.waits = partial(world.rest_until, imap)
    return world.parts.watcher(space, box, inbox)


def _sender(world: World, space: Workspace, box: Mailbox, watcher: Watcher) -> Sender:
    parts = world.parts
    sender = parts.sender(space, box, parts.mailer(world.smtp, world.clock, box.smtp.connections), watcher)
    if parts.armoury is not None:
        sender._armoury = parts.armoury(space, watcher.fence)
    watcher.heard = sender.wake.set
    return sender


def _wake(senders: dict[str, Sender], names: Collection[str]) -> None:
    for name in names:
        senders[name].wake.set()


def _soon(world: World, daemon: Daemon, event: asyncio.Event) -> None:
    if not daemon.process.dead:
        world.loop.call_soon(event.set)

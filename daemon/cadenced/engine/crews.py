"""Who works for a mailbox: its watcher and its sender, made when they begin, and known to all while they run."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, field

from cadenced.config import Mailbox
from cadenced.engine.scribe import Scribe
from cadenced.engine.sender import Sender
from cadenced.engine.service import Service
from cadenced.engine.supervisor import Crew, Leaving
from cadenced.engine.watcher import Watcher
from cadenced.engine.workspace import Workspace
from cadenced.ports import Inbox, Mailer


@dataclass(frozen=True, slots=True)
class Wires:
    """How a mailbox is reached: real servers, or those of a rehearsal."""

    mailer: Callable[[Mailbox], Mailer]
    inbox: Callable[[Mailbox], Inbox]


@dataclass(slots=True)
class Crews:
    """The watchers and senders that run now, by their mailbox's name."""

    workspace: Workspace
    wires: Wires
    scribe: Scribe
    watchers: dict[str, Watcher] = field(default_factory=dict)
    senders: dict[str, Sender] = field(default_factory=dict)

    def make(self, box: Mailbox) -> Crew:
        """Make the crew of a mailbox; it is to begin at once."""
        watcher = Watcher(self.workspace, box, self.wires.inbox(box))
        sender = Sender(self.workspace, box, self.wires.mailer(box), watcher, self.scribe)
        watcher.heard = sender.wake.set
        self.watchers[box.name], self.senders[box.name] = watcher, sender
        return Crew((watcher, sender), (sender, Leaving(watcher)), sender.stand_down)

    def forget(self, box: Mailbox) -> None:
        """Forget a crew that is to end: nobody asks it for anything any more."""
        self.watchers.pop(box.name, None)
        self.senders.pop(box.name, None)

    def stand_down(self) -> None:
        """Have nothing armed any more."""
        for sender in self.senders.values():
            sender.stand_down()

    def wake_senders(self, names: Collection[str] | None = None) -> None:
        """Wake the senders of these mailboxes (all, where none are named), from within the event loop."""
        wake(sender for name, sender in self.senders.items() if names is None or name in names)


def wake(services: Iterable[Service]) -> None:
    """Wake services, from within the event loop."""
    for service in services:
        service.wake.set()


def from_any_thread(act: Callable[[], None]) -> Callable[[], None]:
    """Return a function that has ``act`` done by the running event loop, from whichever thread it is called."""
    loop = asyncio.get_running_loop()

    def notice() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(act)

    return notice

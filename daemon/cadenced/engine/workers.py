"""One of several workers on a shared database: mailboxes and the drop folder by lease, and news from the others."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence

from cadenced.config import Mailbox
from cadenced.engine import intake_mark
from cadenced.engine.agenda import Agenda
from cadenced.engine.crews import Crews, from_any_thread, wake
from cadenced.engine.heartbeat import Heartbeat
from cadenced.engine.late import Late
from cadenced.engine.neighbours import Neighbours
from cadenced.engine.supervisor import Crew, Leaving, Supervisor
from cadenced.engine.tenancy import Post, Tenancy
from cadenced.engine.workspace import Workspace
from cadenced.store import leases
from cadenced.store.leases import Worker


def join(supervisor: Supervisor, crews: Crews, boxes: Sequence[Mailbox], intake: Late, agenda: Agenda) -> Tenancy:
    """Have these mailboxes, and the drop folder, shared out; returns who takes and gives back what is done here."""
    posts = [_post_of(crews, box) for box in boxes]
    lease = f"intake {intake_mark.of(crews.workspace.config.daemon.inbox)}"
    posts.append(Post(lease, lambda: Crew((intake,), (Leaving(intake),))))
    tenancy = _share_out(crews.workspace, supervisor, posts)
    _meet_neighbours(crews.workspace, supervisor, agenda, tenancy)
    return tenancy


def _post_of(crews: Crews, box: Mailbox) -> Post:
    return Post(leases.of_mailbox(box.name), lambda: crews.make(box), lambda: crews.forget(box), box.name)


def _share_out(workspace: Workspace, supervisor: Supervisor, posts: Sequence[Post]) -> Tenancy:
    """Have the posts taken by lease; nothing begins here while it is in doubt whether this worker counts as alive."""
    worker = Worker(workspace.boot_id, platform.node(), os.getpid())
    heartbeat = Heartbeat(workspace.database, workspace.clock, worker)
    tenancy = Tenancy(workspace, supervisor, posts, heartbeat)
    steady = workspace.unsteady
    workspace.unsteady = lambda: steady() or heartbeat.doubt()
    supervisor.services = (tenancy, *supervisor.services)
    supervisor.closes = (tenancy,)
    return tenancy


def _meet_neighbours(workspace: Workspace, supervisor: Supervisor, agenda: Agenda, tenancy: Tenancy) -> None:
    """Wake, and be woken by, the other workers."""
    neighbours = Neighbours(workspace, agenda.wake.set, tenancy.wake.set)
    workspace.changed = from_any_thread(lambda: wake([agenda, neighbours]))
    supervisor.services = (*supervisor.services, neighbours)
    supervisor.closes = (*supervisor.closes, neighbours)

"""The human of a rehearsal: does the plan's own tasks when they are due, and leaves all questions open."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection

from cadenced.engine import acts
from cadenced.engine.acts import Result
from cadenced.engine.workspace import Workspace
from cadenced.store import tasks
from cadenced.store.tasks import OpenTask

OUTCOME = "no_answer"
"""What comes of every call: the sequence goes on."""

OBSTACLES = frozenset({"template", "wording"})
"""Kinds of tasks that say why a message cannot leave."""


class Desk:
    """``is_done``: tasks of the plan are done as soon as they are due. ``skips``: what cannot be sent is left out."""

    def __init__(self, *, is_done: bool = True, skips: bool = False) -> None:
        self._is_done = is_done
        self._skips = skips

    def work(self, workspace: Workspace) -> bool:
        """Do what is due; returns whether anything was."""
        return workspace.database.transact(lambda tx: self._work(tx, workspace))

    def next_at(self, workspace: Workspace) -> datetime | None:
        """Return when the next task to be done is due."""
        if not self._is_done:
            return None
        waiting = workspace.database.read(tasks.open_until)
        return min((task.due_at for task in waiting if self._is_for_me(task)), default=None)

    def _work(self, tx: Connection, workspace: Workspace) -> bool:
        mine = [task for task in tasks.open_until(tx, workspace.now()) if self._is_for_me(task)]
        for task in mine:
            if task.kind in OBSTACLES:
                tasks.close(tx, task.id, "left out", "", workspace.now())
                acts.skip(tx, workspace, task.email)
            else:
                acts.done(tx, workspace, task.id, Result(OUTCOME))
        return bool(mine)

    def _is_for_me(self, task: OpenTask) -> bool:
        if task.kind in OBSTACLES:
            return self._skips
        return self._is_done and bool(task.step)

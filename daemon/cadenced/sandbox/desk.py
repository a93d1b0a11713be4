"""The human of a rehearsal: does the plan's own tasks soon after they are due, and leaves all questions open."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from sqlalchemy import Connection

from cadenced.engine import acts
from cadenced.engine.acts import Result
from cadenced.engine.workspace import Workspace
from cadenced.store import tasks
from cadenced.store.tasks import OpenTask

OUTCOMES = {"proposal": "sent", "postcard": "sent", "text-message": "sent", "social-message": "sent"}
"""What comes of a task by its kind; everything else is a try that reaches nobody. The sequence goes on."""

_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
NOBODY = "no_answer"

EVERY = timedelta(minutes=15)
"""How often the human looks at the list."""

OBSTACLES = frozenset({"template", "wording"})
"""Kinds of tasks that say why a message cannot leave."""


class Desk:
    """``is_done``: tasks of the plan are done. ``skips``: what cannot be sent is left out."""

    def __init__(self, *, is_done: bool = True, skips: bool = False) -> None:
        self.next_at: datetime | None = None
        self._is_done = is_done
        self._skips = skips
        self._newest = -1

    def is_wanted(self, tx: Connection, now: datetime) -> bool:
        """Whether the list may hold something to do: a task has been opened since the last look, or one is due."""
        return tasks.newest(tx) != self._newest or (self.next_at is not None and self.next_at <= now)

    def work(self, tx: Connection, workspace: Workspace) -> bool:
        """Do what is due and note in ``next_at`` when more is; returns whether anything was."""
        now = workspace.now()
        self._newest = tasks.newest(tx)
        mine = [task for task in tasks.open_until(tx, now) if self._is_for_me(task)]
        due = [task for task in mine if self._turn(task) <= now]
        upcoming = tasks.next_due(tx, now)
        turns = [*(self._turn(task) for task in mine), *([self._rounded(upcoming)] if upcoming else [])]
        self.next_at = min((turn for turn in turns if turn > now), default=None)
        for task in due:
            if task.kind in OBSTACLES:
                tasks.close(tx, task.id, "left out", "", now)
                acts.skip(tx, workspace, task.email)
            else:
                acts.done(tx, workspace, task.id, Result(OUTCOMES.get(task.kind, NOBODY)))
        return bool(due)

    def rest(self) -> None:
        """Do nothing any more: what comes up from now on waits."""
        self._is_done = False

    def _turn(self, task: OpenTask) -> datetime:
        """Return when a task is done: at the next look at the list; an obstacle is passed at once."""
        if task.kind in OBSTACLES:
            return task.due_at
        return self._rounded(task.due_at)

    @staticmethod
    def _rounded(moment: datetime) -> datetime:
        return moment + (_EPOCH - moment) % EVERY

    def _is_for_me(self, task: OpenTask) -> bool:
        if task.kind in OBSTACLES:
            return self._skips
        return self._is_done and bool(task.step)

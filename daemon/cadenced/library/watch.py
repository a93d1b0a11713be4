"""The library while it is edited: read anew when its folders have come to rest, and never replaced by a broken one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cadenced.errors import BrokenWorkspaceError, Problem
from cadenced.library import folder
from cadenced.library.admission import Admission
from cadenced.library.loading import SEQUENCES, TEMPLATES, Library, Shelves, load

SETTLE = 2.0
"""Seconds for which the folders must be still: an editor that truncates, then writes, takes less (RELIABILITY 2.6)."""

_Digest = tuple[object, ...]


class LibrarySource:
    """Holds the last good library; ``problems`` are those of the newest try, empty while all is well.

    ``monotonic`` returns seconds that never jump.
    """

    def __init__(
        self,
        where: Shelves,
        monotonic: Callable[[], float],
        settle: float = SETTLE,
        admission: Admission | None = None,
    ) -> None:
        self.library = Library({}, {})
        self.problems: tuple[Problem, ...] = ()
        self._where = where
        self._monotonic = monotonic
        self._settle = settle
        self._admission = admission or Admission()
        self._tried: _Digest | None = None
        self._seen: _Digest | None = None
        self._seen_at = 0.0

    def changed(self) -> bool:
        """Whether the folders differ from what was last read and have been still for long enough; a few stat calls."""
        digest = self._digest()
        if digest == self._tried:
            return False
        if digest != self._seen:
            self._seen, self._seen_at = digest, self._monotonic()
        return self._monotonic() - self._seen_at >= self._settle

    def forget(self) -> None:
        """Let ``changed`` speak again although no file has changed: the answer to SIGHUP."""
        self._tried = self._seen = None

    def reload(self) -> Library:
        """Read everything and keep it; BrokenWorkspaceError leaves the last good library in place."""
        try:
            self.library = self._loaded()
        except BrokenWorkspaceError as wrong:
            self.problems = wrong.problems
            raise
        self.problems = ()
        return self.library

    def _loaded(self) -> Library:
        before = self._tried = self._digest()
        found = load(self._where, self._admission)
        if self._digest() != before:
            self._tried = None
            where, message = folder.shown(self._where.sequences), "something changed while this was read"
            raise BrokenWorkspaceError([Problem(where, 0, 0, message, "it is read again in a moment")])
        return found

    def _digest(self) -> _Digest:
        shelves = ((self._where.sequences, SEQUENCES), (self._where.templates, TEMPLATES))
        return tuple(_states(*shelf) for shelf in shelves)


def _states(root: Path, suffixes: tuple[str, ...]) -> tuple[object, ...]:
    try:
        return tuple(folder.states(root, suffixes))
    except BrokenWorkspaceError as wrong:
        return wrong.problems

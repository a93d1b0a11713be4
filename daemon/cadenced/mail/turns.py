"""Whose turn it is: as many submissions at once as there may be connections, the others in a queue.

Who writes a payload may open the next one's transaction behind it, in the same breath (RFC 2920, 3.1: the end of a
message may stand before the commands of the next). The one so opened waits for this connection for ``AHEAD`` seconds;
then it is worth another one, and this one ends once its message has its answer: what was opened on it is nobody's.
"""

from __future__ import annotations

import asyncio
import collections

from cadenced import ports
from cadenced.mail.submission import Submission

AHEAD = 1.0
"""Seconds; a server that takes longer for the answer to a dot holds up nobody but whose dot it was."""


class Turn:
    """A submission that waits; ``begun`` brings the connection on which its transaction was opened, None for any."""

    __slots__ = ("begun", "message", "since")

    def __init__(self, message: ports.Outgoing, begun: asyncio.Future[Submission | None]) -> None:
        self.message = message
        self.begun = begun
        self.since = 0.0


class Turns:
    """Up to ``most`` submissions have their turn; who waits is served in order."""

    def __init__(self, most: int) -> None:
        self._free = most
        self._queue: collections.deque[Turn] = collections.deque()
        self._opened: list[Turn] = []
        self._alarm: asyncio.TimerHandle | None = None

    async def wait(self, message: ports.Outgoing) -> Submission | None:
        """Return when it is this message's turn, with the connection that has it opened already, if one has."""
        if self._free > 0:
            self._free -= 1
            return None
        turn = Turn(message, asyncio.get_running_loop().create_future())
        self._queue.append(turn)
        try:
            return await turn.begun
        except asyncio.CancelledError:
            if turn.begun.done() and not turn.begun.cancelled():  # its turn came in the same moment
                _drop(turn.begun.result())
                self.end()
            raise

    def end(self) -> None:
        """End a turn, and begin that of the next one."""
        self._free += 1
        self._go_on()

    @property
    def next(self) -> ports.Outgoing | None:
        """The message whose turn comes next, of those that are still waited for."""
        turn = self._next()
        return turn.message if turn is not None else None

    def open_ahead(self) -> Turn:
        """Take the ``next`` one out of the queue: its transaction is about to be opened."""
        turn = self._queue.popleft()
        self._opened.append(turn)
        loop = asyncio.get_running_loop()
        turn.since = loop.time()
        if self._alarm is None:
            self._alarm = loop.call_at(turn.since + AHEAD, self._recall_late)
        return turn

    def begin(self, turn: Turn, session: Submission) -> bool:
        """Begin a turn on the connection that has it opened; False where it is not waiting for that any more."""
        if turn not in self._opened or turn.begun.done():
            return False
        self._opened.remove(turn)
        self._begin(turn, session)
        return True

    def recall(self, turn: Turn) -> None:
        """Put one back whose opened transaction is void: it is the next one, on whichever connection."""
        if turn in self._opened:
            self._opened.remove(turn)
            self._queue.appendleft(turn)

    def _go_on(self) -> None:
        while self._free > 0 and (turn := self._next()) is not None:
            self._queue.popleft()
            self._begin(turn, None)

    def _next(self) -> Turn | None:
        """Return the first in the queue that is still waited for."""
        while self._queue and self._queue[0].begun.done():
            self._queue.popleft()
        return self._queue[0] if self._queue else None

    def _begin(self, turn: Turn, session: Submission | None) -> None:
        self._free -= 1
        turn.begun.set_result(session)

    def _recall_late(self) -> None:
        """Put back whoever waits too long behind another one's dot."""
        self._alarm = None
        loop = asyncio.get_running_loop()
        for turn in [one for one in self._opened if one.since + AHEAD <= loop.time()]:
            self.recall(turn)
        if self._opened:
            self._alarm = loop.call_at(min(one.since for one in self._opened) + AHEAD, self._recall_late)
        self._go_on()


def _drop(session: Submission | None) -> None:
    if session is not None:
        session.drop()

"""Virtual time: an event loop that never blocks, and processes in it that can be stopped and killed between awaits.

A callback belongs to the process in whose context it was scheduled. While that process is stopped its callbacks are
withheld, as SIGSTOP does; the world's own callbacks run on, and so do both clocks.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any

_PROCESS: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)


class Dead(BaseException):
    """What a killed process meets wherever it turns: no code of the product may catch it."""


class Process:
    """One boot of the daemon: a bag of tasks and callbacks that live, stand still and die together."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.stopped = False
        self.dead = False
        self.withheld: list[tuple[Callable[[], None], contextvars.Context]] = []
        self.tasks: dict[int, asyncio.Task[Any]] = {}

    def run(self, callback: Callable[..., object], args: tuple[Any, ...]) -> None:
        if self.stopped:
            self.withheld.append((lambda: self.run(callback, args), contextvars.copy_context()))
        else:
            callback(*args)

    def alive(self) -> None:
        """Raise ``Dead`` where the process has been killed."""
        if self.dead:
            raise Dead


def process() -> Process | None:
    """Return the process that is running now, None for the world."""
    return _PROCESS.get()


class _NoSelector:
    def __init__(self, loop: VirtualLoop) -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        if timeout is None:
            raise DeadlockError("nothing can ever happen again")
        self._loop.rounds += 1
        if self._loop.rounds > self._loop.most_rounds:
            raise UnrestError("far more happens than a course of events can need")
        self._loop.moment += max(timeout, 0.0)
        return []

    def close(self) -> None:
        pass


class DeadlockError(Exception):
    """Everybody waits for somebody else."""


class UnrestError(Exception):
    """Something spins."""


class VirtualLoop(asyncio.BaseEventLoop):
    """asyncio as it is, on a clock that jumps to the next timer."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = 0.0
        self.rounds, self.most_rounds = 0, 10**9
        self._clock_resolution = 1e-6  # at 1e-9 the sums of floats no longer move and the loop spins
        self._selector = _NoSelector(self)
        self.world = contextvars.Context()
        self.faults: list[str] = []
        self.set_exception_handler(self._note_fault)

    def _note_fault(self, _loop: Any, context: dict[str, Any]) -> None:
        """Keep what went wrong in the world itself, which nobody else would hear of."""
        fault = context.get("exception")
        if "handle" in context and fault is not None and not isinstance(fault, Dead):
            self.faults.append(f"{type(fault).__name__}: {fault}")

    def time(self) -> float:
        return self.moment

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:
        owner = _PROCESS.get() if context is None else context.get(_PROCESS)
        if owner is None:
            return super().call_soon(callback, *args, context=context)
        return super().call_soon(owner.run, callback, args, context=context)

    call_soon_threadsafe = call_soon

    def call_at(self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None) -> Any:
        owner = _PROCESS.get() if context is None else context.get(_PROCESS)
        if owner is None:
            return super().call_at(when, callback, *args, context=context)
        return super().call_at(when, owner.run, callback, args, context=context)

    def create_task(self, coro: Any, *, name: Any = None, context: contextvars.Context | None = None) -> Any:
        task = super().create_task(coro, name=name, context=context)
        owner = _PROCESS.get() if context is None else context.get(_PROCESS)
        if owner is not None:
            owner.tasks[id(task)] = task
            task.add_done_callback(lambda done: owner.tasks.pop(id(done), None), context=self.world)
        return task

    def later(self, seconds: float, what: Callable[..., object], *args: Any) -> Any:
        """Let the world do something after ``seconds``, whoever asks."""
        return self.call_later(max(0.0, seconds), what, *args, context=self.world)

    def task_of_world(self, coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin a task that belongs to no process."""
        return self.create_task(coro, context=self.world.copy())

    def task_of(self, owner: Process, coro: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Begin a task in a process."""
        context = self.world.copy()
        context.run(_PROCESS.set, owner)
        return self.create_task(coro, context=context)

    def stop_process(self, owner: Process) -> None:
        """SIGSTOP: nothing of it runs until ``cont_process``."""
        owner.stopped = True

    def cont_process(self, owner: Process) -> None:
        """SIGCONT: what was due meanwhile runs now."""
        owner.stopped = False
        withheld, owner.withheld = owner.withheld, []
        for callback, context in withheld:
            super().call_soon(callback, context=context)

    async def kill(self, owner: Process) -> None:
        """SIGKILL: every task ends where it stands; the store and the wires refuse it from this moment on."""
        owner.dead = True
        if owner.stopped:
            self.cont_process(owner)
        while owner.tasks:
            tasks = list(owner.tasks.values())
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

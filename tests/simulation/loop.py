"""An event loop in which time passes only when nobody has anything to do, and processes that can be stopped or killed.

No thread, no socket and no real clock is touched: what a thread would have done is done in its turn, after a delay
that the dice give. Whatever belongs to a process runs in a context that names it; so a process that is stopped simply
gets no turn any more, wherever it stands, and one that is killed never gets another.
"""

from __future__ import annotations

import asyncio
import contextvars
import heapq
import random
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

#: Which process is running; None is the world outside: far ends, the network, people.
RUNNING: contextvars.ContextVar[Process | None] = contextvars.ContextVar("process", default=None)

#: So many tasks are kept before those that are over are forgotten.
_MANY = 256
#: What is cancelled may wait for something else that is to end first.
_ROUNDS = 8


@dataclass(eq=False, slots=True)
class Process:
    """One program with its tasks. What it holds outside (locks, connections) is let go of by `at_death`."""

    name: str
    loop: Loop
    dead: bool = False
    ghost: bool = False  #: its run is over: what is left of it may end, and can do nothing
    stopped: bool = False
    at_death: list[Callable[[], None]] = field(default_factory=list)
    tasks: list[asyncio.Task[Any]] = field(default_factory=list)
    _missed: list[asyncio.Handle] = field(default_factory=list)

    def start(self, doing: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """A task of this process; whatever it starts belongs to the process too."""
        context = contextvars.copy_context()
        context.run(RUNNING.set, self)
        return self.loop.create_task(doing, context=context)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        self.tasks.append(task)
        if len(self.tasks) > _MANY:
            self.tasks = [one for one in self.tasks if not one.done()]

    async def bury(self) -> None:
        """After the run: what is left of it ends, as far as anything of it still waits."""
        self.ghost = True
        self.go_on()
        for _ in range(_ROUNDS):
            left = [one for one in self.tasks if not one.done()]
            for task in left:
                task.cancel()
            if left:
                await asyncio.wait(left, timeout=60.0)
        left = [one for one in self.tasks if not one.done()]
        assert not left, f"these do not end: {left}"

    def stop(self) -> None:
        """SIGSTOP."""
        self.stopped = True

    def go_on(self) -> None:
        """SIGCONT: everything that should have happened meanwhile happens now, in its order."""
        self.stopped = False
        if self.dead and not self.ghost:
            return
        missed, self._missed = self._missed, []
        for handle in missed:
            self.loop.again(handle)

    def kill(self) -> None:
        """SIGKILL: not one more line of its code runs."""
        if self.dead:
            return
        self.dead = True
        for let_go in self.at_death:
            let_go()

    def may_run(self, handle: asyncio.Handle) -> bool:
        if (self.dead and not self.ghost) or self.stopped:
            self._missed.append(handle)
            return False
        return True


class _Turn(asyncio.Handle):
    """A callback that asks first whether its process may run."""

    __slots__ = ("process",)

    def _run(self) -> None:
        if self.process is None or self.process.may_run(self):
            super()._run()


class _LaterTurn(asyncio.TimerHandle):
    """The same for a callback that has its time."""

    __slots__ = ("process",)

    def _run(self) -> None:
        if self.process is None or self.process.may_run(self):
            super()._run()


class _NoSockets(selectors.BaseSelector):
    """Waits for nothing: it sets the clock forward to the moment that the loop would have slept until."""

    def __init__(self) -> None:
        self.now = 0.0
        self._map: dict[Any, selectors.SelectorKey] = {}

    def register(self, fileobj: Any, events: int, data: Any = None) -> selectors.SelectorKey:
        key = selectors.SelectorKey(fileobj, fileobj if isinstance(fileobj, int) else fileobj.fileno(), events, data)
        self._map[fileobj] = key
        return key

    def unregister(self, fileobj: Any) -> selectors.SelectorKey:
        return self._map.pop(fileobj)

    def get_map(self) -> Any:
        return self._map

    def get_key(self, fileobj: Any) -> selectors.SelectorKey:
        return self._map[fileobj]

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("everybody waits and nothing will happen: the simulation hangs")
        self.now += max(timeout, 0.0)
        return []

    def close(self) -> None:
        self._map.clear()


Connector = Callable[[Callable[[], asyncio.BaseProtocol], str, int], Coroutine[Any, Any, Any]]


class Loop(asyncio.SelectorEventLoop):
    """The loop. `connector` makes its connections; `thread_delay` says how long a thread takes for its work."""

    def __init__(self, dice: random.Random) -> None:
        self._still = _NoSockets()
        super().__init__(self._still)
        self.dice = dice
        self.connector: Connector | None = None
        self.turns = 0

    def time(self) -> float:
        return self._still.now

    def call_soon(self, callback: Any, *args: Any, context: contextvars.Context | None = None) -> asyncio.Handle:
        handle = _Turn(callback, args, self, context)
        handle.process = _process_of(context)
        self._ready.append(handle)
        return handle

    def call_at(
        self, when: float, callback: Any, *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.TimerHandle:
        timer = _LaterTurn(when, callback, args, self, context)
        timer.process = _process_of(context)
        timer._scheduled = True
        heapq.heappush(self._scheduled, timer)
        return timer

    def again(self, handle: asyncio.Handle) -> None:
        """Give a missed turn now."""
        if not handle.cancelled():
            self._ready.append(handle)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> asyncio.Task[Any]:
        task = super().create_task(coro, name=name, context=context)
        process = _process_of(context)
        if process is not None:
            process.adopt(task)
        return task

    def run_in_executor(self, executor: Any, func: Any, *args: Any) -> asyncio.Future[Any]:
        """What a thread does is done in one turn, at a moment between now and its end."""
        done: asyncio.Future[Any] = self.create_future()
        self.call_later(self.dice.expovariate(1 / 0.002), self._do, done, func, args)
        return done

    def _do(self, done: asyncio.Future[Any], func: Any, args: tuple[Any, ...]) -> None:
        try:
            result = func(*args)
        except Exception as fault:  # noqa: BLE001  # whatever it is, it belongs to the one who waits for the thread
            if not done.done():
                done.set_exception(fault)
        else:
            if not done.done():
                done.set_result(result)

    async def create_connection(self, protocol_factory: Any, host: Any = None, port: Any = None, **_: Any) -> Any:
        assert self.connector is not None
        return await self.connector(protocol_factory, host, port)


def _process_of(context: contextvars.Context | None) -> Process | None:
    return RUNNING.get() if context is None else context.get(RUNNING)

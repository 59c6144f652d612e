"""The network between a process and the far ends: it delays, keeps the order of each direction, and breaks."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from .faults import Fault
from .loop import RUNNING

if TYPE_CHECKING:
    from .world import World

#: Nobody's context: what happens in it happens although every process may be dead.
OUTSIDE = contextvars.Context()


class Session(Protocol):
    """A far end's side of one connection."""

    def receive(self, data: bytes) -> None: ...

    def gone(self) -> None: ...


class Transport(asyncio.Transport):
    """A process's side of one connection."""

    def __init__(self, world: World, protocol: Any, peer: tuple[str, int]) -> None:
        super().__init__({"peername": peer})
        self._world, self._protocol, self._loop = world, protocol, world.loop
        self._context = contextvars.copy_context()
        self._process = RUNNING.get()
        self._there = self._back = 0.0  #: when the last bytes of each direction arrive
        self.session: Session | None = None
        self._closing = False
        if self._process is not None:
            self._process.at_death.append(self._vanish)

    def is_closing(self) -> bool:
        return self._closing

    def get_write_buffer_size(self) -> int:
        return 0

    def write(self, data: Any) -> None:
        if self._closing:
            return
        if self._world.weather.happens(Fault.LOST):
            self._break(ConnectionResetError("connection reset by peer"))
            return
        self._send(self.session_receives, bytes(data))
        self._world.danger()

    def session_receives(self, data: bytes) -> None:
        if self.session is not None:
            self.session.receive(data)

    def _send(self, what: Callable[..., None], *facts: Any) -> None:
        self._there = max(self._there, self._loop.time() + self._world.delay())
        self._loop.call_at(self._there, what, *facts, context=OUTSIDE)

    def say(self, data: bytes, after: float = 0.0) -> None:
        """The far end answers; on the way back the answer may be lost with the connection."""
        self._back = max(self._back, self._loop.time() + self._world.delay() + after)
        if self._world.weather.happens(Fault.LOST):
            self._break(ConnectionResetError("connection reset by peer"))
        else:
            self._loop.call_at(self._back, self._hear, data, context=self._context)

    def _hear(self, data: bytes) -> None:
        if not self._closing:
            self._protocol.data_received(data)

    def hang_up(self, fault: Exception | None = None) -> None:
        """The far end ends the connection."""
        self._back = max(self._back, self._loop.time() + self._world.delay())
        self._loop.call_at(self._back, self._end, fault, context=self._context)

    def _break(self, fault: Exception) -> None:
        """Both sides learn of it, each in its time; what is on its way there arrives before."""
        self._send(self._session_ends)
        self.hang_up(fault)

    def _session_ends(self) -> None:
        session, self.session = self.session, None
        if session is not None:
            session.gone()

    def _end(self, fault: Exception | None) -> None:
        if not self._closing:
            self._closing = True
            self._protocol.connection_lost(fault)

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._send(self._session_ends)
            self._loop.call_soon(self._protocol.connection_lost, None, context=self._context)

    abort = close

    def _vanish(self) -> None:
        """The process is gone; the system closes its connection, and what it had written arrives all the same."""
        self._closing = True
        self._send(self._session_ends)


async def connect(world: World, factory: Callable[[], Any], host: str, port: int) -> tuple[Transport, Any]:
    """What the loop does for a process that wants a connection."""
    await asyncio.sleep(world.delay())
    if world.weather.happens(Fault.REFUSED):
        raise ConnectionRefusedError(f"nobody listens at {host}:{port}")
    if world.weather.happens(Fault.SILENT):
        await asyncio.sleep(3600.0)
    protocol = factory()
    transport = Transport(world, protocol, (host, port))
    protocol.connection_made(transport)
    transport.session = world.mail.session(transport)
    return transport, protocol

"""A process that renders letters, one after the other. It is replaced when a letter has ended it; the others go on."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from dispatcher.domain.errors import Problem, TemplateError

from .address import Order
from .nursery import UNKNOWN, Nursery
from .printer import Rendered, render_in_process
from .seal import Signing
from .watch import MAX_MEMORY, MAX_SECONDS, TOO_LONG, watch_this_process

_TIME = f"was stopped after {MAX_SECONDS:.0f} seconds of computing"
_MEMORY = f"was stopped when it took more than {MAX_MEMORY // 1024 // 1024} MiB of memory"
#: A library that gets no memory ends its process so.
_NO_MEMORY = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS)


@dataclass(slots=True)
class Hand:
    """Serves one letter at a time. The process is born with the first letter."""

    nursery: Nursery
    templates: str
    signing: Signing | None = None
    _number: int = field(default=0, init=False)
    _pipe: Connection | None = field(default=None, init=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False)

    def render(self, order: Order) -> Rendered:
        """Blocks until the letter is there. Raises TemplateError with every problem; E_TPL_LIMIT: it was stopped."""
        with self._turn:  # whoever stopped waiting for a letter has not stopped its thread
            answer = self._answer(order)
        if isinstance(answer, Rendered):
            return answer
        assert isinstance(answer, Exception)
        raise answer

    def _answer(self, order: Order) -> object:
        try:
            pipe = self._started()
            pipe.send(order)
            return pipe.recv()
        except (EOFError, ConnectionError):
            raise TemplateError(self._epitaph(order)) from None

    def close(self) -> int:
        """Let the process end; how it ended."""
        pipe, self._pipe = self._pipe, None
        if pipe is None:
            return UNKNOWN
        pipe.close()
        return self.nursery.ended(self._number)

    def _started(self) -> Connection:
        if self._pipe is None:
            self._number, self._pipe = self.nursery.born()
            self._pipe.send((self.templates, self.signing))
        return self._pipe

    def _epitaph(self, order: Order) -> Problem:
        """Why the process ended; the next letter gets another."""
        ended_by = -self.close()
        known: dict[int, str] = {TOO_LONG: _TIME, **dict.fromkeys(_NO_MEMORY, _MEMORY)}
        cause = known.get(ended_by, f"ended the process that renders letters ({_how(ended_by)})")
        place = f"letters/{order.letter}, contact {order.contact.id}"
        return Problem(place, cause, "Write the letter more simply, and look at the contact's data", "E_TPL_LIMIT")


def _how(number: int) -> str:
    """The name of the signal that ended a process."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"exit code {-number}"


def open_nursery() -> Nursery:
    """Where hands are born. Whoever makes it closes it, after the hands."""
    return Nursery(serve)


def serve(pipe: Connection) -> None:
    """The life of the process: takes orders until the other end of the pipe is closed."""
    watch_this_process()
    # What a library says as it dies, a page of its own stack, is for nobody; ours is said at the other end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with contextlib.suppress(EOFError, ConnectionError):
        templates, signing = pipe.recv()
        while True:
            pipe.send(_answer(pipe.recv(), templates, signing))


def _answer(order: Order, templates: str, signing: Signing | None) -> Rendered | Exception:
    try:
        return render_in_process(templates, order, signing)
    except MemoryError:
        return TemplateError(Problem(f"letters/{order.letter}", _MEMORY, "Write it more simply", "E_TPL_LIMIT"))
    except Exception as error:  # noqa: BLE001  # it is raised again at the other end of the pipe
        return error

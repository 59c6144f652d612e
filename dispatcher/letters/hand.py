"""A process that renders letters, one after the other. It is replaced when a letter has ended it; the others go on."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from dispatcher.domain.errors import Problem, TemplateError

from .address import Order
from .printer import Rendered, render_in_process
from .seal import Signing
from .watch import MAX_MEMORY, MAX_SECONDS, TOO_LONG, watch_this_process

_TIME = f"was stopped after {MAX_SECONDS:.0f} seconds of computing"
_MEMORY = f"was stopped when it took more than {MAX_MEMORY // 1024 // 1024} MiB of memory"
#: A library that gets no memory ends its process so.
_NO_MEMORY = (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS)


@dataclass(slots=True)
class Hand:
    """Serves one letter at a time. The process starts with the first letter."""

    templates: str
    signing: Signing | None = None
    _process: BaseProcess | None = field(default=None, init=False)
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
        pipe = self._started()
        try:
            pipe.send(order)
            return pipe.recv()
        except (EOFError, ConnectionError):
            raise TemplateError(self._epitaph(order)) from None

    def close(self) -> None:
        """Let the process end."""
        if self._pipe is not None and self._process is not None:
            self._pipe.close()
            self._process.join(5)
            if self._process.exitcode is None:
                self._process.kill()
                self._process.join()
            self._process.close()
        self._pipe = self._process = None

    def _started(self) -> Connection:
        if self._pipe is None:
            # A forked copy of a process with threads is not safe to work in.
            spawn = multiprocessing.get_context("spawn")
            self._pipe, theirs = spawn.Pipe()
            self._process = spawn.Process(target=serve, args=(theirs, self.templates, self.signing), daemon=True)
            self._process.start()
            theirs.close()
        return self._pipe

    def _epitaph(self, order: Order) -> Problem:
        """Why the process ended; the next letter gets another."""
        process = self._process
        assert process is not None
        process.join(5)
        ended_by = -(process.exitcode or 0)
        self.close()
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


def serve(pipe: Connection, templates: str, signing: Signing | None) -> None:
    """The life of the process: takes orders until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us decides when we end
    watch_this_process()
    # What a library says as it dies, a page of its own stack, is for nobody; ours is said at the other end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
    with contextlib.suppress(EOFError, ConnectionError):
        while True:
            pipe.send(_answer(pipe.recv(), templates, signing))


def _answer(order: Order, templates: str, signing: Signing | None) -> Rendered | Exception:
    try:
        return render_in_process(templates, order, signing)
    except MemoryError:
        return TemplateError(Problem(f"letters/{order.letter}", _MEMORY, "Write it more simply", "E_TPL_LIMIT"))
    except Exception as error:  # noqa: BLE001  # it is raised again at the other end of the pipe
        return error

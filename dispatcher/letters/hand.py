"""A process that renders letters, one after the other. It is replaced when a letter has ended it; the others go on."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import threading
from dataclasses import dataclass, field
from multiprocessing.connection import Connection

from dispatcher.domain.errors import Conflict, Problem, TemplateError

from .address import Order
from .nursery import UNKNOWN, Nursery, bound
from .printer import Rendered, render_in_process
from .seal import Signing
from .watch import MAX_MEMORY, MAX_SECONDS, TOO_LONG, watch_this_process

#: Seconds by the clock on the wall in which a process answers. It computes for two at most; the rest is for a machine
#: that has other things to do.
PATIENCE = 60.0
_TIME = f"was stopped after {MAX_SECONDS:.0f} seconds of computing"
_MEMORY = f"was stopped when it took more than {MAX_MEMORY // 1024 // 1024} MiB of memory"
_TOO_MUCH = "Write the letter more simply, and look at the contact's data"
_AGAIN = "Try it again. If it comes to the same: write the letter more simply, and look at the contact's data"
#: The ends of a process that its letter brings about. A library that gets no memory ends its process so.
_BY_THE_LETTER: dict[int, str] = {
    -TOO_LONG: _TIME,
    **dict.fromkeys((-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS), _MEMORY),
}


@dataclass(frozen=True, slots=True)
class _Ended:
    """A process that gave no letter."""

    cause: str
    by_the_letter: bool  #: else for a reason of its own: another process may well make this letter


@dataclass(slots=True)
class Hand:
    """Serves one letter at a time. The process is born with the first letter."""

    nursery: Nursery
    templates: str
    signing: Signing | None = None
    patience: float = PATIENCE
    _number: int = field(default=0, init=False)
    _pipe: Connection | None = field(default=None, init=False)
    _closed: bool = field(default=False, init=False)
    _turn: threading.Lock = field(default_factory=threading.Lock, init=False)
    #: Held while the process changes, so that nobody ends one that is gone, and whose number is another's by now.
    _change: threading.Lock = field(default_factory=threading.Lock, init=False)

    def render(self, order: Order) -> Rendered:
        """Blocks until the letter is there. Raises Conflict once the hand is closed, else TemplateError with every
        problem; E_TPL_LIMIT: it was stopped."""
        with self._turn:  # whoever stopped waiting for a letter has not stopped its thread
            answer = self._answer(order)
        if isinstance(answer, Rendered):
            return answer
        assert isinstance(answer, Exception)
        raise answer

    def close(self) -> None:
        """End the process, in the middle of a letter too. No letter is made afterwards."""
        self._closed = True
        self._kill()
        with self._turn:
            self._end()

    def _answer(self, order: Order) -> object:
        """What an idle process died of is no fault of the next letter: that has a second process."""
        answer = self._asked(order)
        if isinstance(answer, _Ended) and not answer.by_the_letter:
            answer = self._asked(order)
        return answer if not isinstance(answer, _Ended) else _epitaph(order, answer)

    def _asked(self, order: Order) -> object:
        pipe = self._started()
        try:
            pipe.send((self.templates, self.signing, order))
            return pipe.recv()
        except BlockingIOError:
            self._kill()
            self._end()
            return _Ended(f"gave no answer within {self.patience:.0f} seconds", by_the_letter=False)
        except (EOFError, OSError):
            code = self._end()
            other = f"ended the process that renders letters ({_how(-code)})"
            return _Ended(_BY_THE_LETTER.get(code, other), code in _BY_THE_LETTER)

    def _started(self) -> Connection:
        self._require_open()
        if self._pipe is None:
            number, pipe = self._born()
            with socket.socket(fileno=os.dup(pipe.fileno())) as line:
                bound(line, self.patience)  # a process that was stopped may have sent half a letter
            with self._change:
                self._number, self._pipe = number, pipe
            self._require_open()  # it was closed meanwhile: whoever closed it waits for our turn to end this one
        return self._pipe

    def _born(self) -> tuple[int, Connection]:
        try:
            return self.nursery.born()
        except OSError:  # the nursery had ended; it starts again
            return self.nursery.born()

    def _require_open(self) -> None:
        if self._closed:
            raise Conflict("the office is closing: no letter is made any more")

    def _kill(self) -> None:
        """The process as it is: it holds nothing but the letter. One that has ended is at the end of its pipe."""
        with self._change, contextlib.suppress(OSError):
            if self._pipe is not None and not self._pipe.poll(0):
                os.kill(self._number, signal.SIGKILL)

    def _end(self) -> int:
        """Let the process end; how it ended."""
        with self._change:
            pipe, self._pipe = self._pipe, None
        if pipe is None:
            return UNKNOWN
        pipe.close()
        return self.nursery.ended(self._number)


def _epitaph(order: Order, ended: _Ended) -> TemplateError:
    way_out = _TOO_MUCH if ended.by_the_letter else _AGAIN
    place = f"letters/{order.letter}, contact {order.contact.id}"
    return TemplateError(Problem(place, ended.cause, way_out, "E_TPL_LIMIT"))


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
        while True:
            templates, signing, order = pipe.recv()
            pipe.send(_answer(order, templates, signing))


def _answer(order: Order, templates: str, signing: Signing | None) -> Rendered | Exception:
    try:
        return render_in_process(templates, order, signing)
    except MemoryError:
        return TemplateError(Problem(f"letters/{order.letter}", _MEMORY, "Write it more simply", "E_TPL_LIMIT"))
    except Exception as error:  # noqa: BLE001  # it is raised again at the other end of the pipe
        return error

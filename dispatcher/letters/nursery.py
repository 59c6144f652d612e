"""The process that those which render letters are forked from: it has loaded everything once, and never has a thread.

It alone may fork: a forked copy of a process with threads, as the program itself is one, is not safe to work in, and a
process started afresh computes for seconds before its first letter.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection

#: What goes over the line, both ways. To the nursery: 0 and a socket, for a new child that works at it; or the number
#: of a child that shall have ended. Back: the new child's number, or how the child ended.
_WORD = struct.Struct("!q")
#: How a child ended of which nobody can tell any more: that of a nursery which has ended itself.
UNKNOWN = 255
#: Seconds in which a child whose socket was closed ends by itself.
GRACE = 5.0
#: Seconds after which a nursery that does not answer is ended: it loads for seconds, on a busy machine for longer.
PATIENCE = 60.0
_LOOK_EVERY = 0.005
#: Ctrl-C is for whoever started us, who then decides when we end.
_PROGRAM = (
    "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); sys.path[:] = {path!r}; "
    "from {module} import {name}; from dispatcher.letters.nursery import nurse; nurse({line}, {name}, {grace})"
)
Work = Callable[[Connection], None]


def bound(line: socket.socket, seconds: float) -> None:
    """From now on no read and no write at this end waits longer for the other; both then raise BlockingIOError.

    SO_RCVTIMEO and SO_SNDTIMEO, socket(7). It goes by the socket, whichever handle it is read through.
    """
    limit = struct.pack("@ll", int(seconds), int(seconds % 1 * 1_000_000))
    for option in (socket.SO_RCVTIMEO, socket.SO_SNDTIMEO):
        line.setsockopt(socket.SOL_SOCKET, option, limit)


class Nursery:
    """Starts with the first child and ends with `close`. Its children do `work`, a function of a module.

    May be used by several threads. Raises OSError where the nursery itself has ended, or does not answer; the next
    child gets another.
    """

    def __init__(self, work: Work, grace: float = GRACE, patience: float = PATIENCE) -> None:
        self._work, self._grace, self._patience = work, grace, patience
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._line: socket.socket | None = None

    def born(self) -> tuple[int, Connection]:
        """A new child's number, and our end of what it reads from."""
        ours, its = socket.socketpair()
        with its, ours, self._turn:
            number = self._ask(self._started(), 0, its)
            return number, Connection(ours.detach())

    def ended(self, number: int) -> int:
        """How a child ended whose socket was closed: its exit code, or less than 0 for the signal that ended it.

        A child that has not ended when its seconds of grace are over is ended.
        """
        with self._turn, contextlib.suppress(OSError):
            return UNKNOWN if self._line is None else self._ask(self._line, number)
        return UNKNOWN

    def close(self) -> None:
        with self._turn:
            self._let_go()

    def _ask(self, line: socket.socket, number: int, its: socket.socket | None = None) -> int:
        try:
            socket.send_fds(line, [_WORD.pack(number)], [its.fileno()] if its else [])
            answer = line.recv(_WORD.size, socket.MSG_WAITALL)
        except OSError:
            self._let_go()
            raise
        if len(answer) < _WORD.size:
            self._let_go()
            raise ConnectionResetError("the process that others are forked from has ended")
        (found,) = _WORD.unpack(answer)
        return int(found)

    def _started(self) -> socket.socket:
        if self._line is None:
            self._line, its = socket.socketpair()
            bound(self._line, self._patience)
            with its:
                self._process = subprocess.Popen(
                    [sys.executable, "-c", self._program(its.fileno())],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.DEVNULL,  # a reader of our output does not wait for it
                    pass_fds=[its.fileno()],
                )
        return self._line

    def _program(self, line: int) -> str:
        work = self._work
        return _PROGRAM.format(path=sys.path, module=work.__module__, name=work.__name__, line=line, grace=self._grace)

    def _let_go(self) -> None:
        if self._line is not None and self._process is not None:
            self._line.close()
            try:
                self._process.wait(self._grace)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._line = self._process = None


def nurse(handle: int, work: Work, grace: float) -> None:
    """The life of the nursery: forks until the other end of the line is closed."""
    gc.collect()
    gc.freeze()  # what is loaded is shared with the children as long as nobody writes to it
    with socket.socket(fileno=handle) as line, contextlib.suppress(ConnectionError):
        while True:
            asked, given, _, _ = socket.recv_fds(line, _WORD.size, 1, socket.MSG_WAITALL)
            if len(asked) < _WORD.size:
                return
            (number,) = _WORD.unpack(asked)
            line.sendall(_WORD.pack(_end_of(number, grace) if number else _fork(line, given[0], work)))


def _fork(line: socket.socket, handle: int, work: Work) -> int:
    number = os.fork()
    if number:
        os.close(handle)
        return number
    code = 1
    try:
        line.close()
        work(Connection(handle))
        code = 0
    except BaseException:  # noqa: BLE001  # nothing of the nursery's own may run in its child
        traceback.print_exc()
    finally:
        os._exit(code)


def _end_of(number: int, grace: float) -> int:
    until = time.monotonic() + grace
    with contextlib.suppress(ChildProcessError):
        while time.monotonic() < until:
            ended, status = os.waitpid(number, os.WNOHANG)
            if ended:
                return os.waitstatus_to_exitcode(status)
            time.sleep(_LOOK_EVERY)
        os.kill(number, signal.SIGKILL)
        return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
    return UNKNOWN

"""The process that reads messages one by one, and has little to lose. Run by `reader.py` alone.

A hostile message can take all its memory or its time: then only this process ends, and the message is quarantined.
"""

from __future__ import annotations

import json
import resource
import signal
import struct
import sys
from dataclasses import asdict
from typing import Any, BinaryIO

from .classify import classify
from .limits import MAX_MEMORY, MAX_SECONDS, TooMuch

#: Before each message and each answer: its length in bytes.
LENGTH = struct.Struct("!I")


def main() -> None:
    """Messages come in on standard input, answers go out on standard output, until the input ends."""
    resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for whoever started us
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process, should nobody be there to do it
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while (raw := _take(source)) is not None:
        signal.setitimer(signal.ITIMER_REAL, MAX_SECONDS)
        answer, spent = _answer(raw)
        signal.setitimer(signal.ITIMER_REAL, 0)
        sink.write(LENGTH.pack(len(answer)) + answer)
        sink.flush()
        if spent:
            return


def _take(source: BinaryIO) -> bytes | None:
    head = source.read(LENGTH.size)
    return source.read(LENGTH.unpack(head)[0]) if len(head) == LENGTH.size else None


def _answer(raw: bytes) -> tuple[bytes, bool]:
    """The answer, and whether this process has had enough."""
    try:
        return _told(reading=asdict(classify(raw))), False
    except TooMuch as why:
        return _told(refused=str(why)), False
    except MemoryError:
        pass
    except RecursionError:
        return _told(refused="parts in each other beyond all reason", spent=True), True
    except Exception as fault:  # noqa: BLE001  # a fault of ours, or of a library's, over one message: a person sees it
        return _told(refused=f"a fault while reading: {type(fault).__name__}: {str(fault)[:200]}"), False
    return _told(refused="more memory than a message may take", spent=True), True


def _told(**data: Any) -> bytes:
    return json.dumps(data, default=str).encode()


if __name__ == "__main__":
    main()

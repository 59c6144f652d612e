"""The telephone exchange between two software modems: IAX2 (RFC 5456) on loopback, in a process of its own.

Each iaxmodem has it as its server. A call that is connected goes through it datagram by datagram, so that all of T.30
runs between the two modems; it only looks, and cuts the line when the number that was dialled says so. Otherwise it is
the far end itself: busy, ringing for ever, a person who talks, a number that there is not. The last three digits
decide, see `route_for`. What happened to each call is written down as a line of JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import random
import re
import selectors
import signal
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

Place = tuple[str, int]

# RFC 5456 section 8: kinds of frame, control frames, IAX frames, information elements.
VOICE, CONTROL, IAX = 0x02, 0x04, 0x06
HUNG_UP, RINGING, ANSWER, BUSY = 1, 3, 4, 5
NEW, PING, PONG, ACK, HANGUP, REJECT, ACCEPT, INVAL, LAGRQ, LAGRP, POKE = 1, 2, 3, 4, 5, 6, 7, 10, 11, 12, 30
UNCOUNTED = frozenset({ACK, INVAL, 18, 23, 25})  #: VNAK, TXCNT and TXACC too: they use up no number
CALLED, FORMAT, CAUSE, CAUSE_CODE = 1, 9, 22, 42
LINEAR = 0x40  #: 16 bit linear at 8 kHz
FRAME_SECONDS, SAMPLES = 0.02, 160


class Frame(NamedTuple):
    """A full frame."""

    src: int
    dst: int
    again: bool
    ts: int
    oseq: int
    iseq: int
    kind: int
    sub: int
    data: bytes = b""

    @classmethod
    def parse(cls, raw: bytes) -> Frame:
        src, dst, ts, oseq, iseq, kind, sub = struct.unpack_from("!HHIBBBB", raw)
        return cls(src & 0x7FFF, dst & 0x7FFF, bool(dst & 0x8000), ts, oseq, iseq, kind, sub, raw[12:])

    def pack(self) -> bytes:
        dst = self.dst | (0x8000 if self.again else 0)
        head = (self.src | 0x8000, dst, self.ts & 0xFFFFFFFF, self.oseq & 0xFF, self.iseq & 0xFF, self.kind, self.sub)
        return struct.pack("!HHIBBBB", *head) + self.data

    @property
    def counts(self) -> bool:
        return not (self.kind == IAX and self.sub in UNCOUNTED)

    def acknowledged(self) -> Frame:
        """What says that it was heard, as its receiver says it."""
        return Frame(self.dst, self.src, False, self.ts, self.iseq, self.oseq + 1, IAX, ACK)


def is_full(raw: bytes) -> bool:
    return len(raw) >= 12 and bool(raw[0] & 0x80)


def elements(data: bytes) -> dict[int, bytes]:
    found, at = {}, 0
    while at + 2 <= len(data):
        found[data[at]] = data[at + 2 : at + 2 + data[at + 1]]
        at += 2 + data[at + 1]
    return found


def element(kind: int, value: bytes) -> bytes:
    return bytes((kind, len(value))) + value


def cause(text: str, code: int) -> bytes:
    return element(CAUSE, text.encode()) + element(CAUSE_CODE, bytes((code,)))


@dataclass(frozen=True)
class Route:
    """What becomes of a call."""

    do: str  #: connect, busy, noanswer, voice, reject
    cut_after: float | None = None  #: seconds after it was answered
    first: int | None = None  #: so for the first calls only; connected afterwards


#: By the end of the number that was dialled.
ROUTES: tuple[tuple[str, Route], ...] = (
    (r"2\d\d", Route("connect")),
    (r"486", Route("busy")),
    (r"900", Route("busy", first=1)),
    (r"480", Route("noanswer")),
    (r"111", Route("voice")),
)


def route_for(number: str, before: int) -> Route:
    """`before`: calls to this number before. 3NN is cut after NN seconds."""
    if cut := re.search(r"3(\d\d)$", number):
        return Route("connect", float(cut[1]))
    found = next((route for end, route in ROUTES if re.search(f"{end}$", number)), Route("reject"))
    return Route("connect") if found.first is not None and before >= found.first else found


def speech(seconds: float = 4.0) -> list[bytes]:
    """A buzzing voice with syllables and pauses, which no modem takes for a fax tone."""
    chance, frames, phase, pitch = random.Random(7), [], 0.0, 120.0
    talking, left, formants = True, 8, (500.0, 1500.0)
    for _ in range(int(seconds / FRAME_SECONDS)):
        if left <= 0:
            talking, left, pitch = chance.random() < 0.7, chance.randint(5, 15), chance.uniform(95, 180)
            formants = (chance.uniform(300, 800), chance.uniform(900, 2000))
        left -= 1
        samples = []
        for _ in range(SAMPLES):
            phase += pitch / 8000.0
            tones = sum(0.25 * math.sin(2 * math.pi * f * phase / pitch) for f in formants) * (1 - phase % 1.0)
            level = phase % 1.0 - 0.5 + tones if talking else 0.0
            samples.append(int(max(-1.0, min(1.0, level)) * 6000))
        frames.append(struct.pack(f"!{SAMPLES}h", *samples))
    return frames


@dataclass
class Call:
    """What both kinds of call have in common."""

    exchange: Exchange
    caller: Place
    number_there: int  #: the caller's call number
    dialled: str
    route: Route
    started: float = field(default_factory=time.monotonic)
    answered: float | None = None
    over: bool = False
    heard: float = field(default_factory=time.monotonic)

    def log(self, event: str, **more: Any) -> None:
        self.exchange.write_log({"event": event, "number": self.dialled, "at": time.time(), **more})

    def pick_up(self) -> None:
        self.answered = time.monotonic()
        self.log("answer")

    def end(self, why: str) -> None:
        if not self.over:
            self.over = True
            self.log("end", why=why)

    def since_answer(self) -> float:
        return -1.0 if self.answered is None else time.monotonic() - self.answered

    def close(self) -> None:
        self.end("nothing heard any more")


@dataclass
class Relay(Call):
    """Modem to modem; the datagrams go through untouched.

    An iaxmodem turns callers away for five seconds after it hung up, as if it were in a call. A line does not do that,
    so the call is kept waiting and offered again.
    """

    offer: bytes | None = None
    offer_at: float | None = 0.0
    accepted: bool = False
    severed: bool = False
    there: int = 0  #: the callee's call number
    oseq: dict[str, int] = field(default_factory=lambda: {"caller": 0, "callee": 0})
    ts: dict[str, int] = field(default_factory=lambda: {"caller": 0, "callee": 0})

    def __post_init__(self) -> None:
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind((self.exchange.listen[0], 0))
        self.sock.setblocking(False)
        self.exchange.selector.register(self.sock, selectors.EVENT_READ, self.readable)

    def to(self, side: str, raw: bytes) -> None:
        if side == "caller":
            self.exchange.sock.sendto(raw, self.caller)
        else:
            self.sock.sendto(raw, self.exchange.callee)

    def from_caller(self, raw: bytes) -> None:
        if self.offer is None:
            self.offer = raw
        elif self.accepted and not (is_full(raw) and Frame.parse(raw)[6:8] == (IAX, NEW)):
            self.passed(raw, "caller", "callee")  # what is not, and matters, the caller says again

    def readable(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            for _ in range(64):
                raw, place = self.sock.recvfrom(4096)
                if place == self.exchange.callee:
                    self.passed(raw, "callee", "caller")

    def passed(self, raw: bytes, side: str, other: str) -> None:
        self.heard = time.monotonic()
        frame = Frame.parse(raw) if is_full(raw) else None
        if side == "callee" and self.accepted and struct.unpack_from("!H", raw)[0] & 0x7FFF != self.there:
            if frame is not None and frame.counts:  # of an offer that it turned away before
                self.to("callee", frame.acknowledged().pack())
        elif self.over:
            self.afterwards(frame, raw, side, other)
        elif frame is None or self.may_pass(frame, side):
            self.to(other, raw)
            if frame is not None and frame.kind == IAX and frame.sub in (HANGUP, REJECT):
                self.end(f"{side} hung up")

    def may_pass(self, frame: Frame, side: str) -> bool:
        if side == "callee":
            self.there = frame.src
        if frame.counts:
            self.oseq[side] = self.oseq[side] if frame.again else frame.oseq + 1 & 0xFF
            self.ts[side] = max(self.ts[side], frame.ts)
        if side == "callee" and (frame.kind, frame.sub) == (CONTROL, ANSWER) and self.answered is None:
            self.pick_up()
        if side == "callee" and not self.accepted and frame.kind == IAX:
            if frame.sub == REJECT and b"Busy" in frame.data:
                self.to("callee", frame.acknowledged().pack())
                self.oseq["callee"] = self.ts["callee"] = 0
                self.offer_at = time.monotonic() + 1.0
                return False
            self.accepted = frame.sub == ACCEPT
            return frame.sub != ACK
        return True

    def tick(self, now: float) -> None:
        if self.over:
            return
        if self.offer is not None and self.offer_at is not None and now >= self.offer_at and not self.accepted:
            self.offer_at = None
            self.passed(self.offer, "caller", "callee")
        if self.route.cut_after is not None and self.since_answer() >= self.route.cut_after:
            self.cut()

    def cut(self) -> None:
        """Both ends are told that the line is gone, each as if by the other."""
        self.severed = True
        self.log("cut")
        for side, by, src, dst in (
            ("caller", "callee", self.there, self.number_there),
            ("callee", "caller", self.number_there, self.there),
        ):
            ts = self.ts[by] + 3
            frame = Frame(src, dst, False, ts, self.oseq[by], self.oseq[side], IAX, HANGUP, cause("Line cut", 27))
            self.to(side, frame.pack())
        self.end("line cut")

    def afterwards(self, frame: Frame | None, raw: bytes, side: str, other: str) -> None:
        """Let the ends finish; or, where the line was cut, acknowledge what they say, so that nobody waits for it."""
        if frame is None:
            return
        if self.severed:
            if frame.counts:
                self.to(side, frame.acknowledged().pack())
        elif frame.kind == IAX and frame.sub in (ACK, HANGUP, REJECT):
            self.to(other, raw)

    def close(self) -> None:
        super().close()
        self.exchange.selector.unregister(self.sock)
        self.sock.close()


@dataclass
class FarEnd(Call):
    """The exchange itself is called."""

    mine: int = 0
    oseq: int = 0
    iseq: int = 1
    unheard: list[tuple[Frame, float, int]] = field(default_factory=list)  #: frame, when again, how often it was
    todo: list[tuple[float, Callable[[], None]]] = field(default_factory=list)
    voice: list[bytes] = field(default_factory=list)
    spoken: int = 0

    def __post_init__(self) -> None:
        self.mine = self.exchange.new_number()
        if self.route.do == "reject":
            self.say(IAX, REJECT, cause("No route to destination", 3))
            self.end("rejected")
            return
        self.say(IAX, ACCEPT, element(FORMAT, struct.pack("!I", LINEAR)))
        if self.route.do == "busy":
            self.later(0.5, lambda: self.say(CONTROL, BUSY))
        else:
            self.later(0.3, lambda: self.say(CONTROL, RINGING))
        if self.route.do == "voice":
            self.later(2.0, self.answer)

    def later(self, seconds: float, what: Callable[[], None]) -> None:
        self.todo.append((self.started + seconds, what))

    def say(self, kind: int, sub: int, data: bytes = b"", ts: int | None = None) -> None:
        ts = int((time.monotonic() - self.started) * 1000) if ts is None else ts
        frame = Frame(self.mine, self.number_there, False, ts, self.oseq, self.iseq, kind, sub, data)
        self.oseq = self.oseq + 1 & 0xFF
        self.unheard.append((frame, time.monotonic() + 0.5, 0))
        self.exchange.sock.sendto(frame.pack(), self.caller)

    def answer(self) -> None:
        self.say(CONTROL, ANSWER)
        self.pick_up()
        self.voice = self.exchange.speech

    def from_caller(self, raw: bytes) -> None:
        self.heard = time.monotonic()
        if not is_full(raw):
            return
        frame = Frame.parse(raw)
        self.unheard = [one for one in self.unheard if (frame.iseq - 1 - one[0].oseq) & 0xFF >= 128]
        if frame.kind == IAX and frame.sub == INVAL:
            self.unheard = []
            self.end("caller forgot the call")
        if not frame.counts:
            return
        if frame.oseq == self.iseq:
            self.iseq = self.iseq + 1 & 0xFF
        elif (self.iseq - frame.oseq) & 0xFF >= 128:
            return  # out of order: it will come again
        answers = {PING: PONG, POKE: PONG, LAGRQ: LAGRP}
        if frame.kind == IAX and frame.sub in answers:
            self.say(IAX, answers[frame.sub], ts=frame.ts)
        else:
            heard = Frame(self.mine, self.number_there, False, frame.ts, self.oseq, self.iseq, IAX, ACK)
            self.exchange.sock.sendto(heard.pack(), self.caller)
        if frame.kind == IAX and frame.sub in (HANGUP, REJECT):
            self.end("caller hung up")

    def tick(self, now: float) -> None:
        due = [what for at, what in self.todo if at <= now]
        self.todo = [one for one in self.todo if one[0] > now]
        for what in due:
            what()
        self.unheard = [self.repeated(one, now) for one in self.unheard]
        if not self.over and now - self.started > 150:
            self.say(IAX, HANGUP, cause("Normal clearing", 16))
            self.end("nobody hung up")
        while self.voice and not self.over and self.since_answer() >= self.spoken * FRAME_SECONDS:
            self.speak()

    def repeated(self, one: tuple[Frame, float, int], now: float) -> tuple[Frame, float, int]:
        frame, at, times = one
        if now < at or times >= 6:
            return one
        self.exchange.sock.sendto(frame._replace(again=True).pack(), self.caller)
        return frame, now + 1.0, times + 1

    def speak(self) -> None:
        """The first frame of each 65 s is a full one: the others carry the lower half of the time alone."""
        data = self.voice[self.spoken % len(self.voice)]
        ts = int(((self.answered or 0) - self.started) * 1000) + self.spoken * 20
        first = self.spoken == 0 or ts & 0xFFFF < 20
        self.spoken += 1
        if first:
            self.say(VOICE, LINEAR, data, ts)
        else:
            self.exchange.sock.sendto(struct.pack("!HH", self.mine, ts & 0xFFFF) + data, self.caller)


class Exchange:
    """Everything that is dialled comes in at `listen`; the modem that answers is at `callee`."""

    def __init__(self, listen: Place, callee: Place, log: Path) -> None:
        self.listen, self.callee, self._log = listen, callee, log
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sock.bind(listen)
        self.sock.setblocking(False)
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.sock, selectors.EVENT_READ, self.readable)
        self.calls: dict[tuple[Place, int], Relay | FarEnd] = {}
        self.dialled: Counter[str] = Counter()
        self.speech = speech()
        self.running, self._number, self._swept = True, 100, 0.0

    def new_number(self) -> int:
        self._number = self._number % 30000 + 1
        return self._number

    def write_log(self, record: dict[str, Any]) -> None:
        with self._log.open("a") as file:
            file.write(json.dumps(record) + "\n")

    def readable(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionRefusedError):
            for _ in range(64):
                raw, place = self.sock.recvfrom(4096)
                if len(raw) >= 4:
                    self.heard(raw, place)

    def heard(self, raw: bytes, place: Place) -> None:
        number = struct.unpack_from("!H", raw)[0] & 0x7FFF
        call, frame = self.calls.get((place, number)), Frame.parse(raw) if is_full(raw) else None
        is_new = frame is not None and (frame.kind, frame.sub) == (IAX, NEW)
        if frame is not None and is_new and (call is None or (call.over and not frame.again)):
            if call is not None:
                call.close()
            call = self.calls[place, number] = self.new_call(place, frame)
            if isinstance(call, FarEnd):
                return
        if call is not None:
            call.from_caller(raw)
        elif frame is not None:
            self.stray(frame, place)

    def new_call(self, place: Place, frame: Frame) -> Relay | FarEnd:
        number = elements(frame.data).get(CALLED, b"").decode("ascii", "replace")
        route = route_for(number, self.dialled[number])
        self.dialled[number] += 1
        made = (Relay if route.do == "connect" else FarEnd)(self, place, frame.src, number, route)
        made.log("call", do=route.do)
        return made

    def stray(self, frame: Frame, place: Place) -> None:
        """Of no call that we know."""
        if frame.kind == IAX and frame.sub == POKE:
            self.sock.sendto(Frame(1, frame.src, False, frame.ts, 0, 1, IAX, PONG).pack(), place)
        elif frame.counts:
            sub = ACK if frame.sub == HANGUP else INVAL
            self.sock.sendto(frame.acknowledged()._replace(sub=sub).pack(), place)

    def run(self) -> None:
        while self.running:
            for key, _ in self.selector.select(0.005 if self.calls else 0.5):
                key.data()
            now = time.monotonic()
            for call in list(self.calls.values()):
                call.tick(now)
            if now - self._swept > 1:
                self._swept = now
                self.sweep(now)

    def sweep(self, now: float) -> None:
        for key, call in list(self.calls.items()):
            idle = now - call.heard
            if (call.over and idle > 5) or idle > 90:
                call.close()
                del self.calls[key]

    def stop(self, *_: object) -> None:
        self.running = False


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("callee", type=int)
    parser.add_argument("log", type=Path)
    given = parser.parse_args()
    exchange = Exchange(("127.0.0.1", given.port), ("127.0.0.1", given.callee), given.log)
    signal.signal(signal.SIGTERM, exchange.stop)
    with contextlib.suppress(OSError):
        os.nice(-10)  # a voice frame is due every 20 ms
    print("listening", flush=True)
    exchange.run()


if __name__ == "__main__":
    main()

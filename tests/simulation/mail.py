"""A mail relay as far end: it speaks SMTP, writes down what it took, and sends reports later."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Verdict

from .faults import Fault
from .network import OUTSIDE, Transport

if TYPE_CHECKING:
    from .world import World

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^@>]+)@", re.IGNORECASE | re.MULTILINE)
#: Seconds in which a bounce, or a proof, is on its way.
REPORT_AFTER = (5.0, 900.0)
#: Of the letters that were taken and do not bounce, so many are proven later.
PROVEN = 0.2


@dataclass(slots=True)
class Taken:
    """A letter that a far end answers for."""

    delivery: str
    attempt: str
    at: float
    returned: bool = False  #: it came back: nobody has it


@dataclass(slots=True)
class Relay:
    """The relay, and its book."""

    world: World
    book: list[Taken] = field(default_factory=list)

    def session(self, transport: Transport) -> Session:
        made = Session(self, transport)
        transport.say(b"220 relay.example ready\r\n")
        return made

    def take(self, message: bytes, attempt: str) -> Taken:
        found = _MESSAGE_ID.search(message)
        assert found is not None, "a letter without a Message-ID"
        taken = Taken(found[1].decode(), attempt, self.world.loop.time())
        self.book.append(taken)
        self.world.note("taken", taken.delivery, attempt)
        if self.world.weather.happens(Fault.MAIL_BOUNCE):
            taken.returned = True
            self._report(taken, Outcome(Verdict.REFUSED, Cause.EMAIL_NO_MAILBOX, "550 5.1.1 bounced later"))
        elif self.world.dice.random() < PROVEN:
            self._report(taken, Outcome(Verdict.DELIVERED, detail="a positive delivery report"))
        return taken

    def _report(self, taken: Taken, outcome: Outcome) -> None:
        weather, dice = self.world.weather, self.world.dice
        report = Report(
            taken.attempt, f"dsn/{taken.attempt}/{len(self.book)}", outcome, b"report " + outcome.verdict.encode()
        )
        for _ in range(1 + weather.happens(Fault.TWICE)):
            after = dice.uniform(*REPORT_AFTER) * (4 if weather.happens(Fault.OUT_OF_ORDER) else 1)
            self.world.under_way += 1
            self.world.loop.call_later(after, self.world.deliver_report, report, context=OUTSIDE)


class Session:
    """One conversation."""

    def __init__(self, relay: Relay, transport: Transport) -> None:
        self._relay, self._transport = relay, transport
        self._weather = relay.world.weather
        self._buffer = b""
        self._in_letter = False
        self._attempt = ""
        self._over = False

    def receive(self, data: bytes) -> None:
        if self._over:
            return
        self._buffer += data
        while not self._over and (self._letter() if self._in_letter else self._command()):
            pass

    def gone(self) -> None:
        self._over = True

    def _command(self) -> bool:
        line, end, rest = self._buffer.partition(b"\r\n")
        if not end:
            return False
        self._buffer = rest
        self._answer(line.decode("ascii"))
        return True

    def _answer(self, line: str) -> None:
        word = line[:4].upper()
        if word == "EHLO":
            self._say("250-relay.example", "250-8BITMIME", "250 DSN")
        elif word == "MAIL":
            self._attempt = line.rpartition("ENVID=bounce-")[2].partition(" ")[0]
            self._say("250 2.1.0 ok")
        elif word == "RCPT":
            self._say(self._refusal() or "250 2.1.5 ok")
        elif word == "DATA":
            self._in_letter = True
            self._say("354 go on")
        else:
            self._say("221 2.0.0 bye")
            self._hang_up()

    def _refusal(self) -> str:
        if self._weather.happens(Fault.MAIL_LATER):
            return "451 4.3.0 try again later"
        return "550 5.1.1 no such mailbox" if self._weather.happens(Fault.MAIL_NEVER) else ""

    def _letter(self) -> bool:
        if self._buffer and self._weather.happens(Fault.MAIL_EARLY):
            self._say(self._relay.world.dice.choice(("552 5.3.4 too big", "421 4.3.2 going down")))
            self._hang_up()
            return False
        message, end, rest = self._buffer.partition(b"\r\n.\r\n")
        if not end:
            return False
        self._buffer, self._in_letter = rest, False
        self._dot(message)
        return True

    def _dot(self, message: bytes) -> None:
        if self._weather.happens(Fault.MAIL_DROPPED):
            self._hang_up()
        elif refusal := self._refusal():
            self._say(refusal)
        else:
            self._relay.take(message, self._attempt)
            self._say_taken()

    def _say_taken(self) -> None:
        if self._weather.happens(Fault.MAIL_UNSAID):
            self._hang_up()
        else:
            self._say(f"250 2.0.0 queued as {len(self._relay.book)}", late=self._weather.happens(Fault.LATE))

    def _say(self, *lines: str, late: bool = False) -> None:
        after = self._relay.world.dice.uniform(30.0, 120.0) if late else 0.0
        self._transport.say("".join(f"{line}\r\n" for line in lines).encode(), after)

    def _hang_up(self) -> None:
        self._over = True
        self._transport.hang_up()

"""What can go wrong, by name and by how often, and the weather of one run: the dice that decide when it does.

The words are shared by the simulation and by the stateful test (tests/stateful).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Fault(StrEnum):
    """One thing that goes wrong."""

    # the database
    READ = "database error while reading"
    WRITE = "database error at a statement that writes"
    BEFORE_COMMIT = "database error at COMMIT, nothing done"
    AFTER_COMMIT = "database error at COMMIT, and it was done"
    SLOW = "database slow for up to a minute"
    # the disk, in archive, checkpoint and spill file
    FSYNC = "disk error at fsync"
    TORN = "disk error, and the last bytes are missing"
    # processes and clocks
    KILL = "kill -9 at a random moment"
    KILL_HERE = "kill -9 at a commit, a write to the network or a disk"
    PAUSE = "a worker stopped for up to ten minutes"
    PAUSE_HERE = "a worker stopped at a commit for up to ten minutes"
    STEP = "the wall clock set by up to an hour"
    # the network
    REFUSED = "connection refused"
    SILENT = "connection without an answer"
    LOST = "connection reset, what was under way is lost"
    LATE = "an answer later than anybody waits"
    # mail relays
    MAIL_LATER = "relay: 4xx"
    MAIL_NEVER = "relay: 5xx"
    MAIL_EARLY = "relay: speaks in the middle of the letter"
    MAIL_DROPPED = "relay: hangs up at the dot, not taken"
    MAIL_UNSAID = "relay: taken, the reply is lost"
    MAIL_BOUNCE = "taken, and bounced later"
    # fax gateways
    FAX_NEVER = "gateway: refuses the fax"
    FAX_BUSY = "gateway: line busy, or no answer"
    FAX_UNSAID = "gateway: taken, the answer is lost"
    FAX_UNCLEAR = "gateway: lost after the last page"
    FAX_FAILS = "gateway: 5xx, not taken"
    FAX_FAILS_TAKEN = "gateway: 5xx, and taken"
    FAX_TOO_MANY = "gateway: 429, says when to come back"
    FAX_NO_CREDIT = "gateway: the account is empty"
    FAX_DOWN = "gateway: down for up to an hour"
    # calls
    CALL_NO_ANSWER = "call: no answer"
    CALL_VOICE = "call: a person answers"
    CALL_DECLINED = "call: the machine declines"
    CALL_CUT = "call: cut within the first page"
    CALL_PARTIAL = "call: cut after the first page"
    # what comes back later
    TWICE = "a report comes twice"
    OUT_OF_ORDER = "a report comes much later than the next one"
    UNREPORTED = "a callback never comes"
    FORGED = "a callback that somebody else made"
    REPLAYED = "a callback of before, changed and sent again"


#: How often, at each occasion. A database has many occasions for each letter, a relay one or two.
MIX: dict[Fault, float] = {
    Fault.READ: 0.0005,
    Fault.WRITE: 0.0005,
    Fault.BEFORE_COMMIT: 0.01,
    Fault.AFTER_COMMIT: 0.01,
    Fault.SLOW: 0.0005,
    Fault.FSYNC: 0.005,
    Fault.TORN: 0.002,
    Fault.KILL: 0.5,
    Fault.KILL_HERE: 0.002,
    Fault.PAUSE: 0.5,
    Fault.PAUSE_HERE: 0.001,
    Fault.STEP: 0.1,
    Fault.REFUSED: 0.02,
    Fault.SILENT: 0.01,
    Fault.LOST: 0.01,
    Fault.LATE: 0.02,
    Fault.MAIL_LATER: 0.08,
    Fault.MAIL_NEVER: 0.03,
    Fault.MAIL_EARLY: 0.02,
    Fault.MAIL_DROPPED: 0.02,
    Fault.MAIL_UNSAID: 0.03,
    Fault.MAIL_BOUNCE: 0.05,
    Fault.FAX_NEVER: 0.03,
    Fault.FAX_BUSY: 0.2,
    Fault.FAX_UNSAID: 0.05,
    Fault.FAX_UNCLEAR: 0.03,
    Fault.TWICE: 0.1,
    Fault.OUT_OF_ORDER: 0.1,
    Fault.UNREPORTED: 0.1,
}


@dataclass(slots=True)
class Weather:
    """The dice of one run. Each run knows only some of the faults, some of them much oftener than usual: what needs
    two rare ones together is found sooner so."""

    dice: random.Random
    mix: Mapping[Fault, float] = field(default_factory=lambda: MIX)
    rates: dict[Fault, float] = field(default_factory=dict)
    seen: Counter[Fault] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        for fault, rate in self.mix.items():
            share = self.dice.choice((0.0, 0.3, 1.0, 1.0, 3.0))
            self.rates[fault] = min(rate * share, 0.6)

    def happens(self, fault: Fault) -> bool:
        """Roll the dice for one occasion."""
        rate = self.rates.get(fault, 0.0)
        if not rate or self.dice.random() >= rate:
            return False
        self.seen[fault] += 1
        return True

    def clear_up(self) -> None:
        """From now on nothing goes wrong any more."""
        self.rates = dict.fromkeys(Fault, 0.0)

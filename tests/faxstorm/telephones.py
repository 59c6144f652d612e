"""The telephone network of a storm: which number is called when and until when, and which pages come out there.

It knows nothing of our record. What it wrote down is the truth that a storm is judged by.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from simulation.faults import Fault

if TYPE_CHECKING:
    from simulation.world import World

#: Seconds of a call in which nothing is sent, and of each page.
BUSY, RINGS, SPEAKS, PAGE = 3.0, 60.0, 25.0, (20.0, 60.0)


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the line is taken from `begins` to `ends`, in seconds."""

    gateway: str
    number: str
    reference: str  #: our attempt, as it was told to the gateway
    document: str  #: digest of what the gateway was given
    begins: float
    ends: float
    code: str  #: what became of it
    confirmed: int  #: pages that the far machine confirmed
    printed: int  #: pages that came out of it: one more, where the confirmation of the last was lost
    pages: int

    @property
    def delivery(self) -> str:
        return self.reference.partition(".")[0]

    @property
    def whole(self) -> bool:
        return self.printed == self.pages


@dataclass(slots=True)
class Telephones:
    """Every call so far, in the order in which they began."""

    world: World
    calls: list[Call] = field(default_factory=list)

    def ring(self, gateway: str, number: str, reference: str, document: str, pages: int) -> Call:
        """Call a number now. Whoever calls one that is being called already finds it busy, and is written down too."""
        now = self.world.loop.time()
        taken = any(one.number == number and one.begins <= now < one.ends for one in self.calls[-500:])
        code, seconds, confirmed, printed = ("busy", BUSY, 0, 0) if taken else self._becomes(pages)
        call = Call(gateway, number, reference, document, now, now + seconds, code, confirmed, printed, pages)
        self.calls.append(call)
        self.world.note("call", gateway, reference, code)
        return call

    def _becomes(self, pages: int) -> tuple[str, float, int, int]:
        """Code, seconds, pages confirmed, pages printed."""
        for fault, code, seconds in _NOTHING_SENT:
            if self.world.weather.happens(fault):
                return code, seconds, 0, 0
        dice = self.world.dice
        minutes = [dice.uniform(*PAGE) for _ in range(pages)]
        if pages > 2 and self.world.weather.happens(Fault.CALL_PARTIAL):
            confirmed = dice.randrange(1, pages - 1)
            return "line_lost", sum(minutes[: confirmed + 1]), confirmed, confirmed + dice.randrange(2)
        if self.world.weather.happens(Fault.FAX_UNCLEAR):
            return "lost_after_last_page", sum(minutes), pages - 1, pages - dice.randrange(2)
        return "ok", sum(minutes), pages, pages


_NOTHING_SENT = (
    (Fault.FAX_BUSY, "busy", BUSY),
    (Fault.CALL_NO_ANSWER, "no_answer", RINGS),
    (Fault.CALL_VOICE, "voice", SPEAKS),
    (Fault.CALL_DECLINED, "declined", SPEAKS),
    (Fault.CALL_CUT, "line_lost", PAGE[0]),
)


# -- what the network's book says ----------------------------------------------------------------------------------


def at_once(calls: Iterable[Call]) -> Iterator[str]:
    """Each call to a number that was being called already."""
    last: dict[str, Call] = {}
    for one in sorted(calls, key=lambda call: call.begins):
        before = last.get(one.number)
        if before is not None and one.begins < before.ends:
            both = " and ".join(f"{call.gateway} for {call.reference}" for call in (before, one))
            yield f"{one.number} is called at once by {both}"
        if before is None or one.ends > before.ends:
            last[one.number] = one


def copies(calls: Iterable[Call]) -> Counter[str]:
    """How many whole copies of each letter came out of a machine."""
    return Counter(one.delivery for one in calls if one.whole)


def printings(calls: Iterable[Call]) -> dict[str, list[Call]]:
    """The calls in which pages of a letter came out, letter by letter, in order."""
    found: dict[str, list[Call]] = defaultdict(list)
    for one in sorted(calls, key=lambda call: call.begins):
        if one.printed:
            found[one.delivery].append(one)
    return found

"""What a campaign takes before it is launched: time on the line, money, hours. Sums over the sizes of fax pages.

Measured with two T.30 engines that talk to each other (error correction on, 5 pages of 46,600 bytes, 14,400 bit/s):
168 seconds. Of these 136 are the pages' own bits with the frames of error correction around them; the rest is the
call's beginning and end, and what is said between pages. The other runs, of 24 to 56 seconds a page, come out within
three seconds a page.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from math import ceil

from .calendars import PLAIN, Calendar
from .model import Hours
from .schedule import next_opening

#: Bits a second: what nearly every line reaches, and what a good one does (ITU-T V.27 ter and V.17).
CAUTIOUS, GOOD = 9_600, 14_400
#: Frames of 256 bytes carry eight more, and the line a stuffed bit now and then (ITU-T T.4 annex A, T.30 annex A).
ERROR_CORRECTION = 1.05
#: From the answer to the first page, and from the last page to the end: tones, abilities, training.
CALL_SECONDS = 15.0
#: Between pages: "was this one good?", "it was", and training again.
PAGE_SECONDS = 3.5
#: Until somebody answers; it holds the line, and nobody asks money for it. An assumption, not measured.
DIALLING_SECONDS = 12.0
_CENT = Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Tariff:
    """What a gateway asks for a call to a number that begins so."""

    prefix: str  #: '+41', or '' for every number
    gateway: str  #: a channel's name, or '' for every one
    currency: str  #: ISO 4217
    per_minute: Decimal = Decimal(0)
    per_page: Decimal = Decimal(0)
    per_call: Decimal = Decimal(0)
    step_seconds: int = 60  #: each started step counts whole
    minimum_seconds: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One fax to come."""

    number: str  #: +E.164
    pages: tuple[int, ...]  #: bytes of each page's code
    due: datetime
    zone: str  #: the recipient's
    only_without_proof: bool = False  #: goes only if its email brings no proof
    calendar: Calendar = PLAIN  #: the recipient's closed days
    gateway: str = ""  #: the one that is tried first


@dataclass(frozen=True, slots=True)
class Cost:
    """Money in one currency: on a good line without the faxes that may not be needed, and cautiously with all."""

    currency: str
    low: str  #: a decimal number
    high: str


@dataclass(frozen=True, slots=True)
class Estimate:
    """What the first letters of a plan take; tries after a busy line, and follow-ups, come on top."""

    letters: int
    mails: int
    mail_bytes: int
    faxes: int
    faxes_only_without_proof: int  #: of these
    fax_pages: int
    line_seconds: tuple[int, int]  #: at 14,400 bit/s without the faxes that may not be needed; at 9,600 with all
    costs: tuple[Cost, ...]
    without_tariff: tuple[str, ...]  #: the numbers of calls that no tariff speaks of
    one_line_seconds: int  #: how long one line is busy with the faxes that surely go, cautiously, dialling included
    one_line_from: str  #: when it begins and is through, in the recipients' office hours: ISO 8601, UTC; '': no fax
    one_line_until: str


def seconds(pages: Iterable[int], rate: int) -> float:
    """Seconds of a call: 15 + for each page (3.5 + bytes × 8 × 1.05 / rate); `rate` in bits a second."""
    return CALL_SECONDS + sum(PAGE_SECONDS + size * 8 * ERROR_CORRECTION / rate for size in pages)


def tariff_for(number: str, gateway: str, tariffs: Iterable[Tariff]) -> Tariff | None:
    """The tariff with the longest beginning of this number; of two, the one of this very gateway."""
    fitting = [one for one in tariffs if one.gateway in ("", gateway) and number.startswith(one.prefix)]
    return max(fitting, key=lambda one: (len(one.prefix), one.gateway), default=None)


def price(tariff: Tariff, pages: int, duration: float) -> Decimal:
    """What a call of `duration` seconds costs: started steps count whole, and a call at least its minimum."""
    counted = max(ceil(duration / tariff.step_seconds) * tariff.step_seconds, tariff.minimum_seconds)
    whole = tariff.per_minute * counted / 60 + tariff.per_page * pages + tariff.per_call
    return whole.quantize(_CENT, ROUND_HALF_UP)


def estimate(
    letters: int,
    mails: Sequence[int],
    calls: Sequence[Call],
    tariffs: Sequence[Tariff],
    hours: Hours | None,
) -> Estimate:
    """`mails` are sizes in bytes. The same facts always give the same estimate: it is part of what is approved."""
    sure = [call for call in calls if not call.only_without_proof]
    begins, ends, busy = on_one_line(sure, hours)
    return Estimate(
        letters=letters,
        mails=len(mails),
        mail_bytes=sum(mails),
        faxes=len(calls),
        faxes_only_without_proof=len(calls) - len(sure),
        fax_pages=sum(len(call.pages) for call in calls),
        line_seconds=(_line_seconds(sure, GOOD), _line_seconds(calls, CAUTIOUS)),
        costs=_costs(sure, calls, tariffs),
        without_tariff=tuple(
            sorted({call.number for call in calls if tariff_for(call.number, call.gateway, tariffs) is None})
        ),
        one_line_seconds=ceil(busy),
        one_line_from=begins.isoformat(timespec="seconds") if begins else "",
        one_line_until=ends.isoformat(timespec="seconds") if ends else "",
    )


def _line_seconds(calls: Iterable[Call], rate: int) -> int:
    return ceil(sum(seconds(call.pages, rate) for call in calls))


def _costs(sure: Sequence[Call], calls: Sequence[Call], tariffs: Sequence[Tariff]) -> tuple[Cost, ...]:
    low, high = _bill(sure, GOOD, tariffs), _bill(calls, CAUTIOUS, tariffs)
    return tuple(Cost(currency, str(low.get(currency, Decimal(0))), str(high[currency])) for currency in sorted(high))


def _bill(calls: Iterable[Call], rate: int, tariffs: Sequence[Tariff]) -> dict[str, Decimal]:
    """By currency."""
    bill: dict[str, Decimal] = {}
    for call in calls:
        if tariff := tariff_for(call.number, call.gateway, tariffs):
            asked = price(tariff, len(call.pages), seconds(call.pages, rate))
            bill[tariff.currency] = bill.get(tariff.currency, Decimal(0)) + asked
    return bill


def on_one_line(calls: Sequence[Call], hours: Hours | None) -> tuple[datetime | None, datetime | None, float]:
    """When a single line begins, when it is through, and for how many seconds it is busy; cautiously, without retries.

    Whoever may be called is called, in the order in which they are due; where nobody may, the line waits for the first
    office to open. A call that began in office hours is finished.
    """
    waiting = _queues(calls)
    now = begun = None
    busy = 0.0
    while waiting:
        start, first = _first(now, waiting, hours)
        queue = waiting[first]
        duration = seconds(queue.pop().pages, CAUTIOUS) + DIALLING_SECONDS
        if not queue:
            del waiting[first]
        begun = begun or start
        now = start + timedelta(seconds=duration)
        busy += duration
    return begun, now, busy


#: What decides when a call may be made: its hour, the zone, and the number of its calendar.
_Key = tuple[datetime, str, int]


def _queues(calls: Iterable[Call]) -> dict[_Key, list[Call]]:
    """The calls by what decides when they may be made, the first one last."""
    queues: dict[_Key, list[Call]] = {}
    numbers: dict[int, int] = {}
    for call in calls:
        number = numbers.setdefault(id(call.calendar), len(numbers))
        queues.setdefault((call.due, call.zone, number), []).append(call)
    return {key: queues[key][::-1] for key in sorted(queues)}


def _first(now: datetime | None, waiting: Mapping[_Key, list[Call]], hours: Hours | None) -> tuple[datetime, _Key]:
    """The queue that may be called soonest, and when; where several may be called at once, the first of them."""
    found: list[tuple[datetime, _Key]] = []
    for key, queue in waiting.items():
        found.append((_opens(now, queue[-1], hours), key))
        if found[-1][0] == now:
            return found[-1]
    return min(found)


def _opens(now: datetime | None, call: Call, hours: Hours | None) -> datetime:
    return next_opening(max(now or call.due, call.due), hours, call.zone, call.calendar)

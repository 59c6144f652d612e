"""What becomes of each try in a rehearsal: drawn from a seed and the letter's own name, so that order plays no part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol

from dispatcher.domain.estimate import CAUTIOUS, DIALLING_SECONDS, GOOD, seconds
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Kind, Verdict

from .faults import FAULTS, OUTAGES, Fault, Mix, Moment
from .post import News, Post
from .tiff import page_sizes

#: Of calls that go well, this share is as slow as nearly every line can do; the others are good ones.
SLOW_LINES = 0.25


class Try(Protocol):
    """What is known of a try: what a channel is handed."""

    @property
    def attempt_id(self) -> str: ...
    @property
    def delivery_id(self) -> str: ...
    @property
    def kind(self) -> Kind: ...
    @property
    def address(self) -> str: ...
    @property
    def date(self) -> datetime: ...
    @property
    def document(self) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Call:
    """A call that somebody answered: what the gateway asks money for."""

    attempt_id: str
    number: str
    at: datetime
    pages: int  #: that went through
    seconds: float


@dataclass(slots=True)
class Fates:
    """The far ends of one run. `asked` and `of` are what a channel of the rehearsal says."""

    mix: Mix
    seed: int
    post: Post
    may_answer: Mapping[str, tuple[str, str]]  #: delivery id → (occurrence, addressee), of first letters
    ways: Mapping[Kind, tuple[str, bool]]  #: which channel carries which kind, and whether it hears what comes later
    page_extra: int = 0  #: bytes that the line at the top adds to a fax page
    calls: list[Call] = field(default_factory=list)
    met: dict[str, str] = field(default_factory=dict)  #: attempt id → the name of the fault that it met with
    _tries: dict[str, int] = field(default_factory=dict)
    _first_of_day: dict[tuple[Kind, date], datetime] = field(default_factory=dict)
    _ends: dict[str, tuple[datetime, Outcome]] = field(default_factory=dict)
    _answered: set[tuple[str, str]] = field(default_factory=set)

    def of(self, one: Try) -> Outcome:
        """What the far end says to a letter that is handed over; what it says later goes into the post."""
        if outage := self._outage(one):
            return outage
        name = self._fault(one)
        if name:
            self.met[one.attempt_id] = name
        return self._mail(one, FAULTS.get(name)) if one.kind is Kind.EMAIL else self._fax(one, FAULTS.get(name))

    def asked(self, attempt_id: str, now: datetime) -> Outcome:
        """What the far end says of an earlier try: its end, once there is one; until then, that it is under way."""
        end = self._ends.get(attempt_id)
        if end is not None and end[0] <= now:
            return end[1]
        return Outcome(Verdict.ACCEPTED, detail="still under way")

    # -- drawing -------------------------------------------------------------------------------------------------------

    def _chance(self, *names: str) -> float:
        """From 0 to 1, the same for the same names under the same seed."""
        text = "\0".join((str(self.seed), *names))
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") / 2**64

    def _fault(self, one: Try) -> str:
        """The fault that this try meets with; ''. A letter has one fate, which its tries meet with in a row."""
        number = self._tries[one.delivery_id] = self._tries.get(one.delivery_id, 0) + 1
        left = self._chance("fault", one.delivery_id)
        for name, share in self.mix.of_kind(one.kind).items():
            left -= share.share
            if left < 0:
                most = share.figure or FAULTS[name].tries
                return name if not most or number <= most else ""
        return ""

    def _outage(self, one: Try) -> Outcome | None:
        day = one.date.date()
        since = self._first_of_day.setdefault((one.kind, day), one.date)
        for name, facts in OUTAGES.items():
            share = self.mix.outages.get(name)
            if share is None or facts.kind is not one.kind:
                continue
            lasts = timedelta(minutes=share.figure or facts.minutes)
            if one.date < since + lasts and self._chance("outage", name, day.isoformat()) < share.share:
                return Outcome(Verdict.UNSENT, facts.cause, facts.says, pause_route=self.ways[one.kind][0])
        return None

    # -- mail ----------------------------------------------------------------------------------------------------------

    def _mail(self, one: Try, fault: Fault | None) -> Outcome:
        if fault is None:
            self._arrived(one, one.date)
            return Outcome(Verdict.ACCEPTED)
        if fault.arrives:
            self._arrived(one, one.date)
        if fault.moment is Moment.DOOR:
            return _said(fault)
        self._later(one, one.date + timedelta(seconds=fault.seconds), _said(fault))
        return Outcome(Verdict.ACCEPTED)

    # -- fax -----------------------------------------------------------------------------------------------------------

    def _fax(self, one: Try, fault: Fault | None) -> Outcome:
        if fault is not None and fault.verdict is Verdict.REFUSED:
            return _said(fault)
        sizes = [size + self.page_extra for size in page_sizes(one.document)]
        taken = Outcome(Verdict.ACCEPTED)
        if fault is None or fault.arrives:
            self._whole_call(one, sizes, fault)
            return _said(fault) if fault is not None and fault.moment is Moment.DOOR else taken
        if fault.answered:
            self.calls.append(Call(one.attempt_id, one.address, one.date, 0, fault.seconds))
        if fault.moment is Moment.LATER:
            self._later(one, one.date + timedelta(seconds=fault.seconds), _said(fault))
        return taken

    def _whole_call(self, one: Try, sizes: Sequence[int], fault: Fault | None) -> None:
        """All pages went over the line. Where it was lost after the last one, nobody can say that they arrived."""
        slow = self._chance("line", one.attempt_id) < SLOW_LINES
        lasts = seconds(sizes, CAUTIOUS if slow else GOOD)
        self.calls.append(Call(one.attempt_id, one.address, one.date, len(sizes), lasts))
        end = one.date + timedelta(seconds=round(DIALLING_SECONDS + lasts))
        doubtful = fault is not None and fault.moment is Moment.LATER
        self._later(one, end, _said(fault) if fault and doubtful else Outcome(Verdict.DELIVERED, pages=len(sizes)))
        self._arrived(one, end)

    # -- afterwards ----------------------------------------------------------------------------------------------------

    def _later(self, one: Try, at: datetime, outcome: Outcome) -> None:
        self._ends[one.attempt_id] = at, outcome
        channel, hears = self.ways[one.kind]
        if hears:
            report = Report(one.attempt_id, f"{one.attempt_id}/end", outcome)
            self.post.put(News(at, f"channel:{channel}", one.attempt_id, report))

    def _arrived(self, one: Try, at: datetime) -> None:
        """The letter is there. Some addressees answer, each a first letter once, whichever way it came first."""
        whose = self.may_answer.get(one.delivery_id)
        if whose is None or whose in self._answered or self._chance("answer", *whose) >= self.mix.answers:
            return
        self._answered.add(whose)
        first, last = self.mix.answer_days
        days = first + int(self._chance("answer after", *whose) * (last - first + 1))
        self.post.put(News(at + timedelta(days=days), "answer", one.delivery_id))


def _said(fault: Fault) -> Outcome:
    return Outcome(fault.verdict, fault.cause, fault.says)

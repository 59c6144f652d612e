"""What becomes of each try in a rehearsal: drawn from a seed and the letter's own name, so that order plays no part."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    gateway: str
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
    ways: Mapping[str, tuple[Kind, bool]]  #: the channels: what each carries, and whether it hears what comes later
    page_extra: Mapping[str, int] = field(default_factory=dict)  #: bytes that the line at the top adds, by gateway
    calls: list[Call] = field(default_factory=list)
    met: dict[str, str] = field(default_factory=dict)  #: attempt id → the name of the fault that it met with
    _tries: dict[str, int] = field(default_factory=dict)
    _first_of_day: dict[tuple[str, date], datetime] = field(default_factory=dict)
    _ends: dict[str, tuple[datetime, Outcome]] = field(default_factory=dict)
    _answered: set[tuple[str, str]] = field(default_factory=set)

    def of(self, one: Try, channel: str) -> Outcome:
        """What the far end says to a letter that is handed over; what it says later goes into the post."""
        self._first_of_day.setdefault((channel, one.date.date()), one.date)
        if outage := self._outage(channel, one.date):
            return replace(outage, pause_route=channel)
        name = self._fault(one)
        if name:
            self.met[one.attempt_id] = name
        meets = self._mail if one.kind is Kind.EMAIL else self._fax
        return replace(meets(one, channel, FAULTS.get(name)), route=channel)

    def knocked(self, channel: str, now: datetime) -> Outcome:
        """What the far end says to somebody who brings no letter."""
        return self._outage(channel, now) or Outcome(Verdict.ACCEPTED, route=channel)

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

    def _outage(self, channel: str, now: datetime) -> Outcome | None:
        """It takes nothing for a while from the first letter of the day on, on a day that is drawn."""
        since, kind = self._first_of_day.get((channel, now.date())), self.ways[channel][0]
        for name, facts in OUTAGES.items():
            share = self.mix.outages.get(name)
            if share is None or since is None or facts.kind is not kind:
                continue
            lasts = timedelta(minutes=share.figure or facts.minutes)
            drawn = self._chance("outage", name, channel, now.date().isoformat())
            if now < since + lasts and drawn < share.share:
                return Outcome(Verdict.UNSENT, facts.cause, facts.says)
        return None

    # -- mail ----------------------------------------------------------------------------------------------------------

    def _mail(self, one: Try, channel: str, fault: Fault | None) -> Outcome:
        if fault is None:
            self._arrived(one, one.date)
            return Outcome(Verdict.ACCEPTED)
        if fault.arrives:
            self._arrived(one, one.date)
        if fault.moment is Moment.DOOR:
            return _said(fault)
        self._later(one, channel, one.date + timedelta(seconds=fault.seconds), _said(fault))
        return Outcome(Verdict.ACCEPTED)

    # -- fax -----------------------------------------------------------------------------------------------------------

    def _fax(self, one: Try, channel: str, fault: Fault | None) -> Outcome:
        if fault is not None and fault.verdict is Verdict.REFUSED:
            return _said(fault)
        sizes = [size + self.page_extra.get(channel, 0) for size in page_sizes(one.document)]
        taken = Outcome(Verdict.ACCEPTED)
        if fault is None or fault.arrives:
            self._whole_call(one, channel, sizes, fault)
            return _said(fault) if fault is not None and fault.moment is Moment.DOOR else taken
        if fault.answered:
            self.calls.append(Call(one.attempt_id, channel, one.address, one.date, 0, fault.seconds))
        if fault.moment is Moment.LATER:
            self._later(one, channel, one.date + timedelta(seconds=fault.seconds), _said(fault))
        return taken

    def _whole_call(self, one: Try, channel: str, sizes: Sequence[int], fault: Fault | None) -> None:
        """All pages went over the line. Where it was lost after the last one, nobody can say that they arrived."""
        slow = self._chance("line", one.attempt_id) < SLOW_LINES
        lasts = seconds(sizes, CAUTIOUS if slow else GOOD)
        self.calls.append(Call(one.attempt_id, channel, one.address, one.date, len(sizes), lasts))
        end = one.date + timedelta(seconds=round(DIALLING_SECONDS + lasts))
        doubtful = fault is not None and fault.moment is Moment.LATER
        self._later(
            one, channel, end, _said(fault) if fault and doubtful else Outcome(Verdict.DELIVERED, pages=len(sizes))
        )
        self._arrived(one, end)

    # -- afterwards ----------------------------------------------------------------------------------------------------

    def _later(self, one: Try, channel: str, at: datetime, outcome: Outcome) -> None:
        self._ends[one.attempt_id] = at, outcome
        if self.ways[channel][1]:
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

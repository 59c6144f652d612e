"""A telephone exchange of our own: what becomes of a fax, decided by the number dialled and by the bytes that came.

It dials nobody and knows no HTTP; `gateway` is its door. Time is handed in: what it says depends on `clock` alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

from .ledger import Ledger, write_durably
from .t30 import Heard
from .tiff import page_sizes

Clock = Callable[[], datetime]


class Door(StrEnum):
    """How the gateway behaves while the fax is handed over."""

    TAKES = "takes"  # 202, when the fax is in the ledger
    REFUSES = "refuses"  # answers with an error; the fax is not taken
    TAKES_AND_HANGS = "takes_and_hangs"  # the fax is in the ledger, the answer never comes
    TAKES_AND_DROPS = "takes_and_drops"  # the fax is in the ledger, the connection is reset
    DROPS = "drops"  # the connection is reset before the body is read; the fax is not taken


@dataclass(frozen=True, slots=True)
class Script:
    """What happens to a fax to a number."""

    says: str  #: for people
    code: str = "ok"  #: a code of CALLS, or the error of a refusal
    door: Door = Door.TAKES
    status: int = 202  #: HTTP status of a refusal
    first: str = ""  #: the code of the first call to the number, where it differs
    calls_back: tuple[str, ...] = ("end",)  #: callbacks, in order: 'end' is the result, 'sending' a report of progress
    late: bool = False  #: calls back only `late_by` after the end
    ends: bool = True  #: False: 'sending' for ever


#: The last two digits of the number decide; any other number is delivered.
SCRIPTS: dict[str, Script] = {
    "21": Script("busy at the first call, delivered at the next", first="busy"),
    "22": Script("always busy", "busy"),
    "23": Script("no answer", "no_answer"),
    "24": Script("a person answers", "voice"),
    "25": Script("the far machine declines", "declined"),
    "31": Script("the line is lost in the middle of a page", "line_lost"),
    "32": Script("the line is lost after the last page: nobody knows", "lost_after_last_page"),
    "33": Script("said to be delivered, with a page too few", "short"),
    "34": Script("a code that nobody has heard of", "E4711"),
    "41": Script("refused: no such number", "bad_number", Door.REFUSES, 422),
    "42": Script("refused: the account is empty", "no_credit", Door.REFUSES, 402),
    "43": Script("refused: the key is not good", "bad_key", Door.REFUSES, 401),
    "44": Script("refused: too many faxes at once", "too_many", Door.REFUSES, 429),
    "45": Script("the gateway fails before it takes the fax", "internal", Door.REFUSES, 503),
    "46": Script("refused for a reason nobody has heard of", "E4712", Door.REFUSES, 418),
    "51": Script("taken, then silence: no callback, and 'sending' for ever", calls_back=(), ends=False),
    "52": Script("taken, and the answer never comes", door=Door.TAKES_AND_HANGS),
    "53": Script("taken, and the connection is reset", door=Door.TAKES_AND_DROPS),
    "54": Script("the connection is reset before the fax is read", door=Door.DROPS),
    "55": Script("taken, the answer never comes, and no callback either", door=Door.TAKES_AND_HANGS, calls_back=()),
    "61": Script("delivered, calls back twice", calls_back=("end", "end")),
    "62": Script("delivered, calls back late", late=True),
    "63": Script("delivered, calls back in the wrong order", calls_back=("end", "sending")),
    "64": Script("delivered, never calls back: it has to be asked", calls_back=()),
}
DELIVERED = Script("delivered")


def script_for(number: str) -> Script:
    return SCRIPTS.get(number[-2:], DELIVERED)


@dataclass(frozen=True, slots=True)
class Call:
    """How a call ends."""

    status: str  #: the gateway's word for the result
    missing: int  #: pages that are not confirmed; a number beyond the document means all
    rings: int  #: seconds before the first page, or before the end where there is none
    said: str = ""  #: the code that it reports, where that is not the true one


ALL = 1_000_000
CALLS: dict[str, Call] = {
    "ok": Call("delivered", 0, 8),
    "busy": Call("failed", ALL, 3),
    "no_answer": Call("failed", ALL, 60),
    "voice": Call("failed", ALL, 25),
    "declined": Call("failed", ALL, 8),
    "line_lost": Call("failed", ALL - 1, 8),  # one page came through where there were several
    "lost_after_last_page": Call("unknown", 1, 8),
    "short": Call("delivered", 1, 8, said="ok"),
    "E4711": Call("completed", 0, 8),
}
LINE_RATE = 9600  #: bit/s, the V.29 rate that every Group 3 machine can do


@dataclass(frozen=True, slots=True)
class Fax:
    """A fax that was taken. What became of it is a function of these facts and the time."""

    id: str
    reference: str
    number: str
    callback: str
    sha256: str
    sizes: tuple[int, ...]  #: bytes of picture, page by page
    code: str
    taken_at: datetime
    heard: Heard | None = None  #: what the call came to, where one was made over a line in software

    @property
    def script(self) -> Script:
        return script_for(self.number)

    @property
    def confirmed(self) -> int:
        """Pages that the far machine confirmed: of a line lost mid page, the first one unless it was the only one."""
        if self.heard is not None:
            return self.heard.pages
        pages = len(self.sizes)
        if self.code == "line_lost":
            return min(1, pages - 1)
        return max(pages - CALLS[self.code].missing, 0)

    @property
    def seconds(self) -> float:
        """How long the call was; of one that was never made, how long the confirmed pages take at the line rate."""
        if self.heard is not None:
            return self.heard.seconds
        return round(8 * sum(self.sizes[: self.confirmed]) / LINE_RATE, 3)

    @property
    def ends_at(self) -> datetime:
        return self.taken_at + timedelta(seconds=CALLS[self.code].rings + self.seconds)

    def over(self, now: datetime) -> bool:
        return self.script.ends and now >= self.ends_at

    def report(self, now: datetime) -> dict[str, Any]:
        """What the gateway says of it at `now`."""
        head = {"id": self.id, "reference": self.reference, "to": self.number, "sha256": self.sha256}
        if not self.over(now):
            return head | {"status": "sending", "code": "sending"}
        return head | self._result()

    def _result(self) -> dict[str, Any]:
        return {
            "status": CALLS[self.code].status,
            "code": CALLS[self.code].said or self.code,
            "pages_confirmed": self.confirmed,
            "pages_total": len(self.sizes),
            "duration_seconds": self.seconds,
            "station_id": self.heard.station if self.heard else self.number if self.confirmed else "",
            "ended_at": self.ends_at.isoformat(),
        } | self._line()

    def _line(self) -> dict[str, Any]:
        if self.heard is None:
            return {}
        heard = self.heard  # what the far machine kept is not for the caller to know
        return {"t30_code": heard.code, "t30_says": heard.says, "rate": heard.rate, "ecm": heard.ecm}


@dataclass(frozen=True, slots=True)
class Event:
    """A callback that is to be made."""

    id: str  #: the same when the same news comes twice
    fax: Fax
    what: str  #: 'end' or 'sending'
    at: datetime
    number: int  #: which callback of its fax
    tries: int = 0

    @property
    def key(self) -> tuple[str, int]:
        return self.fax.id, self.number

    def body(self) -> dict[str, Any]:
        instant = self.fax.ends_at if self.what == "end" else self.fax.taken_at
        return {"event_id": self.id} | self.fax.report(instant)


@dataclass
class Exchange:
    """The faxes that were taken and the callbacks that are due. Takes up again where its ledger ends."""

    ledger: Ledger
    folder: Path  #: keeps the documents
    clock: Clock
    dedupe: bool = True  #: a second fax with a reference that is known is the first one again; real gateways do not
    late_by: timedelta = timedelta(hours=2)
    faxes: dict[str, Fax] = field(default_factory=dict)  #: by the gateway's own name for them
    again_after: timedelta = timedelta(seconds=30)  #: a callback that was not taken is made again after this
    most_tries: int = 5
    _events: dict[tuple[str, int], Event] = field(default_factory=dict)  #: callbacks still to be made
    _references: dict[str, list[Fax]] = field(default_factory=dict)
    _called: set[str] = field(default_factory=set)  #: numbers

    def __post_init__(self) -> None:
        entries = self.ledger.entries()
        made = {(entry["id"], entry["number"]) for entry in entries if entry["event"] == "called_back"}
        for entry in entries:
            if entry["event"] == "taken":
                self._remember(_fax(entry), made)

    def take(self, reference: str, number: str, callback: str, document: bytes, heard: Heard | None = None) -> Fax:
        """Take a fax: its pages kept and its line in the ledger before this returns. Raises NotATiff.

        `heard` is what its call came to, where one was made; otherwise the table says what became of it.
        """
        if (known := self.known(reference)) is not None:
            return known
        sizes = page_sizes(document)
        fax = replace(self._new(reference, number, callback, document, sizes), heard=heard)
        write_durably(self.folder / f"{fax.id}.tif", document)
        if heard is not None and heard.received:
            write_durably(self.folder / f"{fax.id}.received.tif", heard.received)
        self.ledger.append(event="taken", **_entry(fax))
        self._remember(fax, set())
        return fax

    def known(self, reference: str) -> Fax | None:
        """The fax with this reference, where a second one would be the first one again."""
        found = self.by_reference(reference) if self.dedupe else []
        return found[0] if found else None

    def code_for(self, number: str) -> str:
        """How the next call to this number ends."""
        script = script_for(number)
        return script.code if number in self._called or not script.first else script.first

    def _new(self, reference: str, number: str, callback: str, document: bytes, sizes: tuple[int, ...]) -> Fax:
        return Fax(
            id=f"fax-{len(self.faxes) + 1:06d}",
            reference=reference,
            number=number,
            callback=callback,
            sha256=hashlib.sha256(document).hexdigest(),
            sizes=sizes,
            code=self.code_for(number),
            taken_at=self.clock(),
        )

    def _remember(self, fax: Fax, made: set[tuple[str, int]]) -> None:
        self.faxes[fax.id] = fax
        self._references.setdefault(fax.reference, []).append(fax)
        self._called.add(fax.number)
        if not fax.callback:
            return
        at = fax.ends_at + (self.late_by if fax.script.late else timedelta())
        for number, what in enumerate(fax.script.calls_back):
            if (fax.id, number) not in made:
                self._owe(Event(f"{fax.id}-{what}", fax, what, at, number))

    def _owe(self, event: Event) -> None:
        self._events[event.key] = event

    def by_reference(self, reference: str) -> list[Fax]:
        return list(self._references.get(reference, ()))

    def due_events(self, now: datetime) -> list[Event]:
        return [event for event in self._events.values() if event.at <= now]

    def next_event(self) -> datetime | None:
        """When it next calls back; None: never, as things stand."""
        return min((event.at for event in self._events.values()), default=None)

    def made(self, event: Event) -> None:
        """The callback was taken by the other side."""
        self._events.pop(event.key, None)
        self.ledger.append(event="called_back", id=event.fax.id, number=event.number, event_id=event.id)

    def missed(self, event: Event) -> None:
        """The callback was not taken: again later, a few times."""
        self._events.pop(event.key, None)
        if event.tries + 1 < self.most_tries:
            self._owe(replace(event, at=self.clock() + self.again_after, tries=event.tries + 1))


def _entry(fax: Fax) -> dict[str, Any]:
    return {
        "id": fax.id,
        "reference": fax.reference,
        "to": fax.number,
        "callback": fax.callback,
        "sha256": fax.sha256,
        "sizes": list(fax.sizes),
        "pages": len(fax.sizes),
        "outcome": fax.code,
        "taken_at": fax.taken_at.isoformat(),
        **({"heard": _without_pages(fax.heard)} if fax.heard else {}),
    }


def _without_pages(heard: Heard) -> dict[str, Any]:
    """The pages stand in a file of their own."""
    return {name: value for name, value in asdict(heard).items() if name != "received"}


def _fax(entry: dict[str, Any]) -> Fax:
    return Fax(
        id=entry["id"],
        reference=entry["reference"],
        number=entry["to"],
        callback=entry["callback"],
        sha256=entry["sha256"],
        sizes=tuple(entry["sizes"]),
        code=entry["outcome"],
        taken_at=datetime.fromisoformat(entry["taken_at"]),
        heard=Heard(**entry["heard"]) if "heard" in entry else None,
    )

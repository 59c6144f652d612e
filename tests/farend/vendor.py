"""What the fax vendors of our tests have in common: a ledger, a clock turned by hand, and fates by number.

A vendor is stateful: it takes a fax once, lets it go through its states as its clock is turned, and calls back. Which
words it has for that, and what it asks of a request, stands in each vendor's own file.
"""

from __future__ import annotations

import hashlib
import io
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

import httpx2
from farend.http import HttpServer, Instead, Reply, Request
from PIL import Image


class End(StrEnum):
    """How a fax ends; each vendor has words of its own for it."""

    WHOLE = "every page confirmed"
    SHORT = "said to be delivered, with a page too few"
    BUSY = "the line is busy"
    ODD = "a word that nobody has heard of"


class Door(StrEnum):
    """What happens to the request that is to send a fax."""

    TAKES = "takes it"
    BAD_NUMBER = "refuses the number"
    TOO_MANY = "has no room, and says when it will"
    ODD = "answers what nobody has heard of"
    HANGS = "takes it and never answers"
    RESETS = "takes it and resets the connection"


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of faxes to one number."""

    door: Door = Door.TAKES
    end: End = End.WHOLE
    calls: tuple[str, ...] = ("end",)  #: callbacks, in the order in which they come: 'start', 'end'
    early: bool = False  #: the callback comes before the answer to the request


#: So long a call takes by the vendor's clock.
CALL = timedelta(minutes=2)
#: Seconds until it has room again.
WAIT = 90
FATES: dict[str, Fate] = {
    "41": Fate(Door.BAD_NUMBER),
    "44": Fate(Door.TOO_MANY),
    "46": Fate(Door.ODD),
    "52": Fate(Door.HANGS),
    "53": Fate(Door.RESETS),
    "33": Fate(end=End.SHORT),
    "34": Fate(end=End.ODD),
    "22": Fate(end=End.BUSY),
    "61": Fate(calls=("end", "end")),
    "63": Fate(calls=("end", "start")),
    "64": Fate(calls=()),
    "65": Fate(early=True),
}


@dataclass
class Fax:
    """A fax in the vendor's ledger."""

    id: str
    reference: str
    to: str
    sha256: str
    pages: int
    created: datetime
    fate: Fate
    callback: str
    given: dict[str, object] = field(default_factory=dict)  #: the request as it came
    calls_left: list[str] = field(default_factory=list)

    @property
    def ends(self) -> datetime:
        return self.created if self.fate.early else self.created + CALL


class Vendor(ABC):
    """A vendor on loopback. `now` is its clock; `let_in` says whether our key is good."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self.now = now
        self.let_in = True
        self.faxes: list[Fax] = []
        self.requests: list[Request] = []
        self.server = HttpServer(self._answer)

    async def _answer(self, request: Request) -> Reply | Instead:
        self.requests.append(request)
        return await self.answer(request)

    @abstractmethod
    async def answer(self, request: Request) -> Reply | Instead: ...

    @abstractmethod
    def callback(self, fax: Fax, which: str) -> tuple[dict[str, str], bytes]:
        """Headers and body of one callback."""

    def over(self, fax: Fax) -> bool:
        return self.now() >= fax.ends

    async def take(self, fax: Fax, answer: Reply) -> Reply | Instead:
        """The fax is in the ledger from here on, whatever comes of the answer."""
        self.faxes.append(fax)
        fax.calls_left = list(fax.fate.calls) if fax.callback else []
        if fax.fate.early:
            await self._call(fax)
        if fax.fate.door is Door.HANGS:
            return Instead.NOTHING
        return Instead.RESET if fax.fate.door is Door.RESETS else answer

    def next_call(self) -> datetime | None:
        """When the next callback is due."""
        return min((fax.ends for fax in self.faxes if fax.calls_left), default=None)

    async def pump(self) -> int:
        """Make the callbacks that are due; how many."""
        made = 0
        for fax in [one for one in self.faxes if self.over(one)]:
            while fax.calls_left:
                await self._call(fax)
                made += 1
        return made

    async def _call(self, fax: Fax) -> None:
        headers, body = self.callback(fax, fax.calls_left.pop(0))
        async with httpx2.AsyncClient(trust_env=False, verify=False) as client:  # loopback, without TLS
            await client.post(fax.callback, content=body, headers=headers)


def fate_of(number: str) -> Fate:
    return FATES.get(number[-2:], Fate())


def digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def pages_in(content: bytes) -> int:
    """How many pages a TIFF has; 0 for what is none. Every page is looked at."""
    try:
        with Image.open(io.BytesIO(content)) as image:
            for page in range(frames := getattr(image, "n_frames", 1)):
                image.seek(page)
                image.load()
            return frames
    except (OSError, SyntaxError):
        return 0

"""The fax gateways of a storm: each takes faxes in its own time, goes down, forgets to answer, and calls back badly."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx2
from simulation.faults import Fault
from simulation.fax import CALLBACKS, Line
from simulation.network import OUTSIDE

from dispatcher.domain.tokens import sign_callback

if TYPE_CHECKING:
    from .storm import StormWorld

#: Seconds that a fax waits in the gateway before it is dialled: mostly, and where its lines are taken.
QUEUE, LONG_QUEUE = (1.0, 30.0), (30.0, 300.0)
#: Seconds that a gateway is down, and seconds that one that has too many faxes asks for.
DOWN, WAIT = (60.0, 3600.0), "120"
PAGES = 3


@dataclass(slots=True)
class Gateway:
    """One gateway, and the faxes that it took, by their names."""

    world: StormWorld
    name: str
    faxes: dict[str, dict[str, Any]] = field(default_factory=dict)
    down_until: float = 0.0

    @property
    def is_down(self) -> bool:
        """It goes down now and then: everything in it stands still meanwhile."""
        now = self.world.loop.time()
        if now >= self.down_until and self.world.weather.happens(Fault.FAX_DOWN):
            self.down_until = now + self.world.dice.uniform(*DOWN)
            self.world.note("down", self.name)
        return now < self.down_until

    def take(self, headers: Mapping[str, str], document: bytes) -> tuple[int, dict[str, Any]]:
        weather = self.world.weather
        for fault, status, code in _REFUSALS:
            if weather.happens(fault):
                return status, {"code": code} if code else {}
        name, reference = f"{self.name}-{len(self.faxes)}", headers["x-fax-reference"]
        fax = {"id": name, "reference": reference, "status": "sending", "code": "sending", "pages_total": PAGES}
        self.faxes[name] = fax
        self.world.note("taken", name, reference)
        long = self.world.dice.random() < 0.1
        after = self.world.dice.uniform(*(LONG_QUEUE if long else QUEUE))
        digest = hashlib.sha256(document).hexdigest()
        order = (name, headers["x-fax-to"], headers.get("x-fax-callback", ""), digest)
        self.world.loop.call_later(after, self._dial, *order, context=OUTSIDE)
        return (503, {}) if weather.happens(Fault.FAX_FAILS_TAKEN) else (202, {"id": name})

    def _dial(self, name: str, number: str, callback: str, digest: str) -> None:
        fax = self.faxes[name]
        call = self.world.telephones.ring(self.name, number, fax["reference"], digest, PAGES)
        after = call.ends - self.world.loop.time()
        ended = {"status": "delivered" if call.code == "ok" else "failed", "code": call.code}
        ended |= {"pages_confirmed": call.confirmed}
        self.world.loop.call_later(after, self._end, name, ended, callback, context=OUTSIDE)

    def _end(self, name: str, ended: dict[str, Any], callback: str) -> None:
        fax = self.faxes[name]
        before = dict(fax)
        fax.update(ended)
        self.world.note("ended", name, fax["code"])
        if callback and not self.world.weather.happens(Fault.UNREPORTED):
            self._call_back(before, dict(fax))

    def _call_back(self, before: dict[str, Any], fax: dict[str, Any]) -> None:
        weather, dice = self.world.weather, self.world.dice
        for number, (event, facts) in enumerate((("sending", before), ("end", fax))):
            body = json.dumps({**facts, "event_id": f"{fax['id']}/{event}"}, sort_keys=True).encode()
            for _ in range(1 + weather.happens(Fault.TWICE)):
                late = weather.happens(Fault.OUT_OF_ORDER)
                after = dice.uniform(0.1, 900.0 if late else 2.0) + number
                self.world.loop.call_later(after, self._start, body, context=OUTSIDE)
        self._imitate(fax)

    def _imitate(self, fax: dict[str, Any]) -> None:
        """Somebody without the key says the opposite; and somebody who overheard a callback changes it."""
        lie = {**fax, "event_id": f"{fax['id']}/lie"}
        good = fax["status"] == "delivered"
        lie |= {"status": "failed", "code": "busy", "pages_confirmed": 0} if good else {"status": "delivered"}
        lie |= {} if good else {"code": "ok", "pages_confirmed": PAGES}
        raw, signed = json.dumps(lie, sort_keys=True).encode(), json.dumps(fax, sort_keys=True).encode()
        for fault, over, secret in (
            (Fault.FORGED, raw, b"another key altogether"),
            (Fault.REPLAYED, signed, self.world.secret_of(self.name)),
        ):
            if self.world.weather.happens(fault):
                stamp = str(int(self.world.clock.now().timestamp()))
                headers = {"x-simulator-timestamp": stamp, "x-simulator-signature": sign_callback(secret, stamp, over)}
                self.world.outside(self._must_be_refused(headers, raw))

    async def _must_be_refused(self, headers: Mapping[str, str], body: bytes) -> None:
        if await self.world.call_door(headers, body, self.name):
            self.world.defects.append(f"a callback that {self.name} never made was believed: {body!r}")

    def _start(self, body: bytes) -> None:
        self.world.outside(self._deliver(body))

    async def _deliver(self, body: bytes) -> None:
        for number in range(CALLBACKS):
            stamp = str(int(self.world.clock.now().timestamp()))
            signature = sign_callback(self.world.secret_of(self.name), stamp, body)
            headers = {"x-simulator-timestamp": stamp, "x-simulator-signature": signature}
            if await self.world.call_door(headers, body, self.name):
                return
            await asyncio.sleep(10.0 * 3**number)


_REFUSALS = (
    (Fault.FAX_FAILS, 503, ""),
    (Fault.FAX_TOO_MANY, 429, "too_many"),
    (Fault.FAX_NO_CREDIT, 402, "no_credit"),
    (Fault.FAX_NEVER, 422, "bad_number"),
)


class StormLine(Line):
    """A line to one gateway: nobody is there while it is down."""

    def __init__(self, world: StormWorld, gateway: Gateway) -> None:
        super().__init__(world, gateway)
        self._of = gateway

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        if self._of.is_down:
            await asyncio.sleep(self._of.world.delay())
            raise httpx2.ConnectError("the gateway is down")
        return await super().handle_async_request(request)

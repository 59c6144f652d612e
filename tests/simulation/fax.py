"""A fax gateway as far end: takes faxes over HTTP, calls in its own time, calls back, and answers when it is asked."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

import httpx2

from dispatcher.domain.tokens import sign_callback

from .faults import Fault
from .mail import Taken
from .network import OUTSIDE

if TYPE_CHECKING:
    from .world import World

#: Seconds that a call takes, and that a program waits for an answer.
CALL = (20.0, 200.0)
TIMEOUT = 20.0
#: How often a callback is made anew to somebody who does not answer 200.
CALLBACKS = 4


@dataclass(slots=True)
class Gateway:
    """The gateway, its faxes by their numbers, and its book of those that came out of a machine."""

    world: World
    faxes: dict[str, dict[str, Any]] = field(default_factory=dict)
    book: list[Taken] = field(default_factory=list)

    def take(self, headers: Mapping[str, str], document: bytes) -> tuple[int, dict[str, Any]]:
        weather = self.world.weather
        if weather.happens(Fault.FAX_NEVER):
            return 422, {"code": "bad_number"}
        name, reference = f"fax-{len(self.faxes)}", headers["x-fax-reference"]
        self.faxes[name] = {
            "id": name,
            "reference": reference,
            "status": "sending",
            "code": "sending",
            "pages_total": 1,
        }
        self.world.note("fax taken", reference)
        self.world.loop.call_later(self.world.dice.uniform(*CALL), self._end, name, context=OUTSIDE)
        return 202, {"id": name}

    def _end(self, name: str) -> None:
        weather, fax = self.world.weather, self.faxes[name]
        if weather.happens(Fault.FAX_BUSY):
            fax.update(
                status="failed", code=self.world.dice.choice(("busy", "no_answer", "line_lost")), pages_confirmed=0
            )
        elif weather.happens(Fault.FAX_UNCLEAR):
            fax.update(status="failed", code="lost_after_last_page", pages_confirmed=0)
            self._came_out(fax)
        else:
            fax.update(status="delivered", code="ok", pages_confirmed=1)
            self._came_out(fax)
        self.world.note("fax", fax["reference"], fax["code"])
        if not weather.happens(Fault.UNREPORTED):
            self._call_back(fax)

    def _came_out(self, fax: dict[str, Any]) -> None:
        reference = fax["reference"]
        self.book.append(Taken(reference.partition(".")[0], reference, self.world.loop.time()))

    def _call_back(self, fax: dict[str, Any]) -> None:
        events = [("sending", {**fax, "status": "sending", "code": "sending"}), ("end", dict(fax))]
        for number, (event, body) in enumerate(events):
            body["event_id"] = f"{fax['id']}/{event}"
            for _ in range(1 + self.world.weather.happens(Fault.TWICE)):
                late = self.world.weather.happens(Fault.OUT_OF_ORDER)
                after = self.world.dice.uniform(0.1, 60.0 if late else 2.0) + number
                self.world.loop.call_later(after, self._start_call, body, context=OUTSIDE)

    def _start_call(self, body: dict[str, Any]) -> None:
        self.world.outside(self._deliver(body))

    async def _deliver(self, body: dict[str, Any]) -> None:
        for number in range(CALLBACKS):
            raw = json.dumps(body, sort_keys=True).encode()
            stamp = str(int(self.world.clock.now().timestamp()))
            signature = sign_callback(self.world.secret, stamp, raw)
            headers = {"x-simulator-timestamp": stamp, "x-simulator-signature": signature}
            if await self.world.call_door(headers, raw):
                return
            await asyncio.sleep(10.0 * 3**number)


class Taker(Protocol):
    """A gateway behind a line."""

    faxes: dict[str, dict[str, Any]]  #: by its own names for them

    def take(self, headers: Mapping[str, str], document: bytes) -> tuple[int, dict[str, Any]]: ...


class Line(httpx2.AsyncBaseTransport):
    """How a process reaches a gateway: the HTTP client's own seam for it."""

    def __init__(self, world: World, gateway: Taker) -> None:
        self._world, self._gateway = world, gateway

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        world = self._world
        await asyncio.sleep(world.delay())
        if world.weather.happens(Fault.REFUSED):
            raise httpx2.ConnectError("nobody listens")
        if world.weather.happens(Fault.SILENT):
            await asyncio.sleep(TIMEOUT)
            raise httpx2.ConnectTimeout("no answer")
        if request.method == "GET":
            return await self._ask(request)
        document = b"".join([chunk async for chunk in request.stream])  # type: ignore[union-attr]
        return await self._post(dict(request.headers), document)

    async def _post(self, headers: dict[str, str], document: bytes) -> httpx2.Response:
        """The fax is on its way from here on, whatever becomes of the process."""
        world = self._world
        answer: asyncio.Future[tuple[int, dict[str, Any]]] = world.loop.create_future()
        if not world.weather.happens(Fault.LOST):
            world.loop.call_later(world.delay(), self._arrive, headers, document, answer, context=OUTSIDE)
        world.danger()
        try:
            status, facts = await asyncio.wait_for(answer, TIMEOUT)
        except TimeoutError:
            raise httpx2.ReadTimeout("no answer") from None
        return httpx2.Response(status, json=facts)

    def _arrive(self, headers: dict[str, str], document: bytes, answer: asyncio.Future[Any]) -> None:
        world = self._world
        reply = self._gateway.take(headers, document)
        if not world.weather.happens(Fault.FAX_UNSAID):
            after = world.delay() + (60.0 if world.weather.happens(Fault.LATE) else 0.0)
            world.loop.call_later(after, _give, answer, reply, context=OUTSIDE)

    async def _ask(self, request: httpx2.Request) -> httpx2.Response:
        await asyncio.sleep(self._world.delay())
        if self._world.weather.happens(Fault.LATE):
            await asyncio.sleep(TIMEOUT)
            raise httpx2.ReadTimeout("no answer")
        faxes, name = self._gateway.faxes, request.url.path.rpartition("/")[2]
        if name in faxes:
            return httpx2.Response(200, json=faxes[name])
        reference = request.url.params.get("reference", "")
        return httpx2.Response(200, json={"faxes": [one for one in faxes.values() if one["reference"] == reference]})


def _give(answer: asyncio.Future[Any], reply: tuple[int, dict[str, Any]]) -> None:
    if not answer.done():
        answer.set_result(reply)

"""A fax gateway of our own, over HTTP: the door of `exchange`. It may listen on 127.0.0.1, and call back.

    POST /faxes                 the document (TIFF) as body; x-fax-to, x-fax-reference, x-fax-callback → 202 {id, …}
    GET  /faxes/{id}            what became of a fax; 404 {"code": "not_found"}
    GET  /faxes?reference=…     {"faxes": […]}: every fax with this reference, none when it never took one

What becomes of a fax depends on the last two digits of the number (`exchange.SCRIPTS` is the table itself, and a test
compares the two):

    21  busy at the first call, delivered at the next       45  the gateway fails before it takes the fax
    22  always busy                                         46  refused for a reason nobody has heard of
    23  no answer                                           51  taken, then silence: no callback, and 'sending' for ever
    24  a person answers                                    52  taken, and the answer never comes
    25  the far machine declines                            53  taken, and the connection is reset
    31  the line is lost in the middle of a page            54  the connection is reset before the fax is read
    32  the line is lost after the last page: nobody knows  55  taken, the answer never comes, and no callback either
    33  said to be delivered, with a page too few           61  delivered, calls back twice
    34  a code that nobody has heard of                     62  delivered, calls back late
    41  refused: no such number                             63  delivered, calls back in the wrong order
    42  refused: the account is empty                       64  delivered, never calls back: it has to be asked
    43  refused: the key is not good                        any other number: delivered
    44  refused: too many faxes at once

Where `real_line` is asked for, the calls are made: the pages go over T.30 in software, and what the far machine kept
lies beside the document as <fax id>.received.tif. The number decides who picks up and what the line does; pages,
duration and station are then what the calling machine heard.

Callbacks are POSTs of JSON, signed (`tokens.sign_callback`), with x-simulator-signature and x-simulator-timestamp. They
are made when `pump` is called and the clock has come to them: by the process itself, or by a test or the demo.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import ssl
import struct
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any, Self, cast

import httpx2
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from dispatcher.domain.tokens import sign_callback

from . import t30, telephone
from .exchange import Clock, Door, Event, Exchange, Fax, Script, script_for
from .guard import loopback_only
from .ledger import Entry, Ledger
from .t30 import Heard
from .tiff import NotATiff

HOST = "127.0.0.1"
SIGNATURE, TIMESTAMP = "x-simulator-signature", "x-simulator-timestamp"
BUSY_SECONDS = 90  #: in which it asks to be left alone where it has too many faxes
CALLBACK_TIMEOUT = 5.0  #: seconds
PUMP_EVERY = 0.2  #: seconds, when it runs as a process
_TRUSTS_NOBODY = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # it calls back on loopback, in clear
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)  # SO_LINGER, on, no seconds


class _Line(H11Protocol):
    """An HTTP connection whose transport the application can reach, so that it can be cut."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in H11Protocol
        super().connection_made(transport)
        self.app_state = {"transport": transport}


class Gateway:
    """The fax gateway. `async with` starts and stops it; `pump` lets its time pass."""

    def __init__(
        self,
        ledger: Path,
        clock: Clock,
        secret: bytes,
        *,
        port: int = 0,
        dedupe: bool = True,
        late_by: timedelta = timedelta(hours=2),
        real_line: bool = False,
    ) -> None:
        """`real_line`: calls are made, over T.30 in software (t30.py); otherwise the table alone says how they end."""
        self.ledger = Ledger(ledger)
        self.folder = ledger.parent / "faxes"  #: the documents as they came, <fax id>.tif
        self.exchange = Exchange(self.ledger, self.folder, clock, dedupe, late_by)
        self._clock, self._secret, self._port = clock, secret, port
        self._calls = telephone.place if real_line else None
        self._at_the_telephone = asyncio.Lock()
        self._state = ServerState()
        self._server: asyncio.Server | None = None
        self._client = httpx2.AsyncClient(timeout=CALLBACK_TIMEOUT, trust_env=False, verify=_TRUSTS_NOBODY)

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self._port}"

    @property
    def makes_calls(self) -> bool:
        """Are calls really made, or does the table alone say how they end?"""
        return self._calls is not None

    async def start(self) -> None:
        config = Config(self._app(), log_config=None, lifespan="off", ws="none", access_log=False, proxy_headers=False)
        config.load()
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Line(config, self._state, {}), HOST, self._port)
        self._port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening, cut every connection, and wait until the answers that never came have been given up."""
        if self._server:
            self._server.close()
            self.cut()
            await asyncio.gather(*self._state.tasks, return_exceptions=True)
            await self._server.wait_closed()
            self._server = None
        await self._client.aclose()

    def cut(self) -> None:
        """Break every connection that is open now, and go on."""
        for line in list(self._state.connections):
            line.transport.abort()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def taken(self) -> list[Entry]:
        """The faxes in its ledger, in the order in which they were taken."""
        return [entry for entry in self.ledger.entries() if entry["event"] == "taken"]

    def arrived(self, entry: Entry) -> Path | None:
        """The pages as the far machine kept them (None: not one); where no call was made, as they came here."""
        received = self.folder / f"{entry['id']}.received.tif"
        if "heard" in entry:
            return received if received.exists() else None
        return self.folder / f"{entry['id']}.tif"

    def due_events(self, now: datetime) -> list[Event]:
        return self.exchange.due_events(now)

    def next_event(self) -> datetime | None:
        """When it next does something by itself; None: never, as things stand."""
        return self.exchange.next_event()

    async def pump(self) -> int:
        """Make every callback that is due by the clock. Returns how many the other side took."""
        return sum([await self._call_back(event) for event in self.due_events(self._clock())])

    async def _call_back(self, event: Event) -> bool:
        headers, body = self.signed(event.body())
        try:
            reply = await self._client.post(event.fax.callback, content=body, headers=headers)
        except httpx2.HTTPError:
            self.exchange.missed(event)
            return False
        if reply.is_success:
            self.exchange.made(event)
        else:
            self.exchange.missed(event)
        return reply.is_success

    def signed(self, facts: dict[str, Any]) -> tuple[dict[str, str], bytes]:
        """Headers and body of a callback that says `facts`."""
        body = json.dumps(facts).encode()
        stamp = str(int(self._clock().timestamp()))
        signature = sign_callback(self._secret, stamp, body)
        return {"content-type": "application/json", TIMESTAMP: stamp, SIGNATURE: signature}, body

    def _app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/faxes", self._post, methods=["POST"]),
                Route("/faxes", self._search, methods=["GET"]),
                Route("/faxes/{id}", self._get, methods=["GET"]),
            ]
        )

    async def _get(self, request: Request) -> Response:
        fax = self.exchange.faxes.get(request.path_params["id"])
        return JSONResponse(fax.report(self._clock())) if fax else _refusal(404, "not_found", "no such fax")

    async def _search(self, request: Request) -> Response:
        found = self.exchange.by_reference(request.query_params.get("reference", ""))
        return JSONResponse({"faxes": [fax.report(self._clock()) for fax in found]})

    async def _post(self, request: Request) -> Response:
        number, reference = request.headers.get("x-fax-to", ""), request.headers.get("x-fax-reference", "")
        script = script_for(number)
        if script.door is Door.DROPS:
            return await _cut(request)
        try:
            document = await request.body()
        except ClientDisconnect:  # the letter did not come whole: it is not taken
            return Response(status_code=400)
        if script.door is Door.REFUSES:
            return _refusal(script.status, script.code, script.says)
        if not (number and reference):
            return _refusal(400, "bad_request", "x-fax-to and x-fax-reference are needed")
        return await self._take(request, script, (reference, number, document))

    async def _take(self, request: Request, script: Script, order: tuple[str, str, bytes]) -> Response:
        reference, number, document = order
        try:
            async with self._at_the_telephone:
                heard = await self._call(reference, number, document)
                callback = request.headers.get("x-fax-callback", "")
                fax = self.exchange.take(reference, number, callback, document, heard)
        except NotATiff as error:
            return _refusal(415, "bad_document", str(error))
        return await _ANSWERS[script.door](request, fax)

    async def _call(self, reference: str, number: str, document: bytes) -> Heard | None:
        """What the call comes to, made before it is due: none where the table decides, or the fax is known already."""
        if self._calls is None or self.exchange.known(reference) is not None:
            return None
        return await asyncio.to_thread(self._calls, self.exchange.code_for(number), number, document)


def _refusal(status: int, code: str, message: str) -> Response:
    wait = {"retry-after": str(BUSY_SECONDS)} if status == 429 else {}
    return JSONResponse({"code": code, "message": message}, status_code=status, headers=wait)


async def _accept(_: Request, fax: Fax) -> Response:
    return JSONResponse({"id": fax.id, "reference": fax.reference, "status": "sending"}, status_code=202)


async def _hang(request: Request, _: Fax | None = None) -> Response:
    """Say nothing until the other side has gone."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Response()


async def _cut(request: Request, _: Fax | None = None) -> Response:
    """Reset the connection, as a machine does that falls over."""
    transport = cast("asyncio.Transport", request.state.transport)
    transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
    return await _hang(request)


_ANSWERS: dict[Door, Callable[[Request, Fax], Awaitable[Response]]] = {
    Door.TAKES: _accept,
    Door.TAKES_AND_HANGS: _hang,
    Door.TAKES_AND_DROPS: _cut,
}


async def serve(gateway: Gateway) -> None:
    """Run until SIGINT or SIGTERM, with the real time; says on standard output where it listens."""
    over = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, over.set)
    async with gateway:
        sys.stdout.write(f"{gateway.url}\n")
        sys.stdout.flush()
        while not over.is_set():
            await gateway.pump()
            await _wait(over, PUMP_EVERY)


async def _wait(over: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(over.wait(), seconds)
    except TimeoutError:
        return


def main() -> None:
    parser = argparse.ArgumentParser(description="A fax gateway on loopback, to rehearse with.")
    parser.add_argument("--port", type=int, default=0, help="0: any free one; the address is printed")
    parser.add_argument("--ledger", type=Path, required=True, help="JSON lines; the faxes are kept beside it")
    parser.add_argument("--secret-file", type=Path, required=True, help="the key that callbacks are signed with")
    parser.add_argument("--no-dedupe", action="store_true", help="take a second fax with the same reference as well")
    given = parser.parse_args()
    secret = given.secret_file.read_bytes().strip()
    with loopback_only():
        gateway = Gateway(
            given.ledger,
            lambda: datetime.now(UTC),
            secret,
            port=given.port,
            dedupe=not given.no_dedupe,
            real_line=t30.is_here(),
        )
        asyncio.run(serve(gateway))


if __name__ == "__main__":
    main()

"""Where gateways call back: POST /callbacks/{channel}. Anything not provably from the provider changes nothing.

Providers that sign nothing are given an address of their own, /callbacks/{channel}/{token}. They may send the letter's
pages back with their news: what is more than a callback needs is read and dropped.
"""

from __future__ import annotations

import logging

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from dispatcher.domain.errors import DispatcherError
from dispatcher.usecases.hear import hear
from dispatcher.usecases.office import Office

log = logging.getLogger(__name__)

#: Bytes; no provider's callback comes near it.
LARGEST = 256 * 1024
#: Bytes that may come to an address with a token; only the first LARGEST of them are kept.
LARGEST_WITH_PAGES = 64 * 1024 * 1024


def routes(office: Office) -> list[Route]:
    """The callback door of this office."""

    async def callback(request: Request) -> Response:
        try:
            token = request.path_params.get("token", "")
            body, size = await _body(request, LARGEST_WITH_PAGES if token else LARGEST)
        except ClientDisconnect:
            return Response(status_code=400)
        if size > (LARGEST_WITH_PAGES if token else LARGEST):
            return _problem(413, "the callback is too large")
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            remote = request.client.host if request.client else ""
            extra = {"token": token, **({"cut": "yes"} if size > len(body) else {})} if token else {}
            heard = await hear(office, request.path_params["channel"], headers, body, remote, extra)
        except DispatcherError as error:
            log.warning("callback refused: %s", error)
            return _problem(error.http_status, "refused")
        return JSONResponse({"heard": heard})

    return [
        Route("/callbacks/{channel}", callback, methods=["POST"]),
        Route("/callbacks/{channel}/{token}", callback, methods=["POST"]),
    ]


async def _body(request: Request, most: int) -> tuple[bytes, int]:
    """What is kept of the body, and how long it is; one longer than `most` is not read to its end."""
    kept, size = bytearray(), 0
    async for part in request.stream():
        size += len(part)
        kept += part[: LARGEST - len(kept)]
        if size > most:
            break
    return bytes(kept), size


def _problem(status: int, title: str) -> Response:
    """RFC 9457. Says nothing that helps a forger."""
    body = {"status": status, "title": title}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")

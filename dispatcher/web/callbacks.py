"""Where gateways call back: POST /callbacks/{channel}. Anything not provably from the provider changes nothing."""

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


def routes(office: Office) -> list[Route]:
    """The callback door of this office."""

    async def callback(request: Request) -> Response:
        try:
            body = await _body(request)
        except ClientDisconnect:
            return Response(status_code=400)
        if body is None:
            return _problem(413, "the callback is too large")
        try:
            headers = {name.lower(): value for name, value in request.headers.items()}
            remote = request.client.host if request.client else ""
            heard = await hear(office, request.path_params["channel"], headers, body, remote)
        except DispatcherError as error:
            log.warning("callback refused: %s", error)
            return _problem(error.http_status, "refused")
        return JSONResponse({"heard": heard})

    return [Route("/callbacks/{channel}", callback, methods=["POST"])]


async def _body(request: Request) -> bytes | None:
    """The body, or None as soon as it is too large: it is never held whole to find that out."""
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > LARGEST:
            return None
        parts.append(part)
    return b"".join(parts)


def _problem(status: int, title: str) -> Response:
    """RFC 9457. Says nothing that helps a forger."""
    body = {"status": status, "title": title}
    return JSONResponse(body, status_code=status, media_type="application/problem+json")

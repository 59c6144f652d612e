"""Where callbacks come in: a loopback server that keeps them as notices, as the web's door would hand them on."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from farend.http import HttpServer, Reply, Request

from dispatcher.channels.base import Notice


class Doorstep:
    """`path` is the path of the door; what comes after it is the token that a callback brings."""

    def __init__(self, now: Callable[[], datetime], path: str) -> None:
        self.notices: list[Notice] = []
        self.server = HttpServer(self._take)
        self._now, self._path = now, path

    @property
    def url(self) -> str:
        return self.server.url + self._path

    async def _take(self, request: Request) -> Reply:
        token = request.path.removeprefix(self._path).lstrip("/")
        self.notices.append(Notice(request.headers, request.body, self._now(), extra={"token": token}))
        return Reply(204)

"""The InterFAX REST API on loopback, as Upland's help pages and the vendor's Python client of 2021 have it."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlencode

from farend.http import Instead, Reply, Request
from farend.vendor import WAIT, Door, End, Fax, Vendor, digest, fate_of, pages_in

USER, PASSWORD = "foundation", "a password of the tests"
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
#: Query arguments of "Send fax".
_GIVEN = frozenset(
    (
        *("faxNumber", "contact", "postponeTime", "retriesToPerform", "csid", "pageHeader", "reference"),
        *("replyAddress", "pageSize", "fitToPage", "pageOrientation", "resolution", "rendering"),
    )
)
_WORDS = {
    "pageSize": ("a4", "letter", "legal", "b4"),
    "fitToPage": ("scale", "noscale"),
    "resolution": ("fine", "standard"),
    "rendering": ("grayscale", "bw"),
}
_ENDS = {End.WHOLE: 0, End.SHORT: 0, End.BUSY: 6017, End.ODD: 471147}


class Interfax(Vendor):
    """One account. `door` is the web feedback that is set in it; `faults` is what is wrong with our requests."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.faults: list[str] = []
        self.door = ""
        self.statuses: dict[str, tuple[int, int]] = {}  #: by number: an end of its own, and the pages confirmed
        self._welcome = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()

    @property
    def url(self) -> str:
        return self.server.url

    async def answer(self, request: Request) -> Reply | Instead:
        if not self.let_in or request.headers.get("authorization") != self._welcome:
            return _error(401, -1003, "Authentication failed")
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["outbound", "faxes"]:
                return await self._send(request)
            case "GET", ["outbound", "faxes", name]:
                found = next((fax for fax in self.faxes if fax.id == name), None)
                return Reply.of(200, self._shown(found)) if found else _error(404, -1062, "Not found")
            case "GET", ["outbound", "search"]:
                wanted = request.first("reference")
                return Reply.of(200, [self._shown(fax) for fax in self.faxes if fax.reference == wanted])
            case "GET", ["accounts", "self", "ppcards", "balance"]:
                return Reply(200, b"9.86", {"date": format_datetime(self.now(), usegmt=True)})
        return _error(404, -1, "Not found")

    async def _send(self, request: Request) -> Reply | Instead:
        given = dict(request.query)
        wrong = sorted(set(given) - _GIVEN) + [
            name for name, words in _WORDS.items() if name in given and given[name] not in words
        ]
        wrong += ["reference"] if len(given.get("reference", "")) > 60 else []
        if wrong or not given.get("faxNumber"):
            self.faults += wrong or ["faxNumber"]
            return _error(400, -112, f"wrong: {wrong}")
        if not _NUMBER.fullmatch(given["faxNumber"]):
            return _error(400, -112, "the number is not valid")
        if request.headers.get("content-type") != "image/tiff" or not pages_in(request.body):
            return _error(415, -123, "no valid documents attached")
        return await self._at_the_door(given, request.body)

    async def _at_the_door(self, given: dict[str, str], content: bytes) -> Reply | Instead:
        fate = fate_of(given["faxNumber"])
        if fate.door is Door.BAD_NUMBER:
            return _error(400, -112, "the number is not valid")
        if fate.door is Door.TOO_MANY:
            return _error(429, -1011, "too many requests", retry_after=str(WAIT))
        if fate.door is Door.ODD:
            return _error(418, -4712, "I am a teapot")
        fax = Fax(
            id=str(279415116 + len(self.faxes)),
            reference=given.get("reference", ""),
            to=given["faxNumber"],
            sha256=digest(content),
            pages=pages_in(content),
            created=self.now(),
            fate=fate,
            callback=self.door,
            given=dict(given),
        )
        return await self.take(fax, Reply(201, b"", {"location": f"{self.url}/outbound/faxes/{fax.id}"}))

    def _shown(self, fax: Fax) -> dict[str, Any]:
        status, sent = self._status(fax)
        shown = {"id": int(fax.id), "uri": f"{self.url}/outbound/faxes/{fax.id}", "status": status}
        shown |= {"userId": USER, "pagesSent": sent, "pagesSubmitted": fax.pages, "subject": fax.reference}
        shown |= {"destinationFax": fax.to, "attemptsMade": 1, "attemptsToPerform": 1, "duration": 61}
        return shown | {"remoteCSID": "MISSION GENEVA", "completionTime": fax.ends.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def _status(self, fax: Fax) -> tuple[int, int]:
        if not self.over(fax):
            return -3, 0
        if fax.to in self.statuses:
            return self.statuses[fax.to]
        status = _ENDS[fax.fate.end]
        return status, fax.pages - (fax.fate.end is End.SHORT) if status == 0 else 0

    def callback(self, fax: Fax, which: str) -> tuple[dict[str, str], bytes]:
        """Web feedback by HTTP POST: a form, and nobody signs it."""
        status, sent = self._status(fax)
        form = {"TransactionIDType": "Outbound", "TransactionID": fax.id, "DestinationFax": fax.to, "PagesSent": sent}
        form |= {"Status": status, "CompletionTime": fax.ends.strftime("%d/%m/%Y %H:%M:%S")}
        return {"content-type": "application/x-www-form-urlencoded"}, urlencode(form).encode()


def _error(status: int, code: int, message: str, **headers: str) -> Reply:
    return Reply.of(status, {"code": code, "message": message, "moreInfo": None}, **headers)

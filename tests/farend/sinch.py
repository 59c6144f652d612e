"""The Sinch Fax API v3 on loopback, as its OpenAPI description "Fax API 3.0" has it: requests are held to it strictly.

`REQUEST` and `FAX` are that description's schemas of the same name as far as we use them, with its readOnly properties
left out of a request; what they do not name is refused.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from farend.http import Instead, Reply, Request
from farend.vendor import WAIT, Door, End, Fax, Vendor, digest, fate_of, pages_in
from jsonschema import Draft202012Validator

PROJECT, KEY, SECRET = "3acb7ae1-cf3d-4112-ba5e-3a9d8c71cd47", "key-of-the-tests", "a secret of the tests"
TOKEN = "token-of-the-tests"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
_TEXTS = {"type": "object", "additionalProperties": {"type": "string"}}
_GIVEN: dict[str, Any] = {
    "from": {"type": "string"},
    "headerText": {"type": "string", "maxLength": 50},
    "headerPageNumbers": {"type": "boolean"},
    "headerTimeZone": {"type": "string"},
    "retryDelaySeconds": {"type": "integer", "minimum": 30, "maximum": 300},
    "maxRetries": {"type": "integer", "minimum": 0, "maximum": 5},
    "resolution": {"enum": ["FINE", "SUPERFINE"]},
    "imageConversionMethod": {"enum": ["HALFTONE", "MONOCHROME"]},
    "callbackUrl": {"type": "string", "pattern": "^https?://"},
    "callbackUrlContentType": {"enum": ["multipart/form-data", "application/json"]},
    "labels": _TEXTS,
    "serviceId": {"type": "string"},
    "coverPageId": {"type": "string"},
    "coverPageData": _TEXTS,
    "inProgressNotifications": {"type": "boolean"},
}
_FILE = {
    "type": "object",
    "properties": {
        "file": {"type": "string"},
        "fileType": {"enum": ["DOCX", "PDF", "TIF", "JPG", "TXT", "HTML", "PNG"]},
    },
    "required": ["file", "fileType"],
    "additionalProperties": False,
}
_NUMBERS = {"oneOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
REQUEST = Draft202012Validator(
    {
        "type": "object",
        "properties": {**_GIVEN, "to": _NUMBERS, "files": {"type": "array", "items": _FILE}},
        "required": ["to"],
        "additionalProperties": False,
    }
)
FAX = Draft202012Validator(
    {
        "type": "object",
        "properties": {
            **_GIVEN,
            "id": {"type": "string"},
            "to": {"type": "string"},
            "direction": {"enum": ["OUTBOUND", "INBOUND"]},
            "status": {"enum": ["QUEUED", "IN_PROGRESS", "COMPLETED", "FAILURE"]},
            "numberOfPages": {"type": "integer"},
            "pagesSentSuccessfully": {"type": "integer"},
            "retryCount": {"type": "integer"},
            "errorCode": {"type": "integer"},
            "errorMessage": {"type": "string"},
            "errorType": {
                "enum": [
                    *("DOCUMENT_CONVERSION_ERROR", "CALL_ERROR", "FAX_ERROR"),
                    *("FATAL_ERROR", "GENERAL_ERROR", "LINE_ERROR"),
                ]
            },
            "createTime": {"type": "string"},
            "completedTime": {"type": "string"},
            "projectId": {"type": "string"},
            "hasFile": {"type": "boolean"},
        },
        "additionalProperties": False,
    }
)


class Sinch(Vendor):
    """One project at Sinch. `faults` is what its description says against our words and its own, in both ways."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.faults: list[str] = []
        self.page_size = 1000  #: it gives no more at a time, whatever is asked for
        self.ends: dict[str, dict[str, Any]] = {}  #: by number: an end of its own
        basic = base64.b64encode(f"{KEY}:{SECRET}".encode()).decode()
        self._welcome = (f"Basic {basic}", f"Bearer {TOKEN}")

    @property
    def url(self) -> str:
        return self.server.url

    async def answer(self, request: Request) -> Reply | Instead:
        if not self.let_in or request.headers.get("authorization") not in self._welcome:
            return Reply(401)  # "Empty body"
        match request.method, request.path.strip("/").split("/"):
            case "POST", ["oauth2", "token"]:
                return Reply.of(200, {"access_token": TOKEN, "expires_in": 3600, "scope": "", "token_type": "bearer"})
            case "POST", ["v3", "projects", project, "faxes"] if project == PROJECT:
                return await self._send(request)
            case "GET", ["v3", "projects", project, "faxes"] if project == PROJECT:
                return self._list(request)
            case "GET", ["v3", "projects", project, "faxes", name] if project == PROJECT:
                found = next((fax for fax in self.faxes if fax.id == name), None)
                return Reply.of(200, self._shown(found)) if found else _error(404, "Not found")
        return _error(404, "Not found")

    # -- taking

    async def _send(self, request: Request) -> Reply | Instead:
        given = request.json() if request.headers["content-type"] == "application/json" else self._form(request)
        wrong = [f"{'/'.join(map(str, one.absolute_path))}: {one.message}" for one in REQUEST.iter_errors(given)]
        if wrong:
            self.faults += wrong
            return _error(400, "Bad Request")
        to = given["to"] if isinstance(given["to"], str) else given["to"][0]
        content = base64.b64decode(given["files"][0]["file"]) if given.get("files") else b""
        if not _E164.fullmatch(to):
            return _error(422, "Invalid parameters", "to")
        if not pages_in(content):
            return _error(422, "Invalid parameters", "files")
        return await self._at_the_door(to, given, content)

    def _form(self, request: Request) -> dict[str, Any]:
        """A form says the same in its fields; numbers and truths come as text."""
        given: dict[str, Any] = {"files": []}
        for part in request.parts():
            if part.name == "file":
                kind = {"tif": "TIF", "pdf": "PDF"}[part.filename.rpartition(".")[2]]
                given["files"].append({"file": base64.b64encode(part.content).decode(), "fileType": kind})
            else:
                text = part.content.decode()
                plain = text in ("true", "false") or (text.isdecimal() and part.name != "to")
                given[part.name] = json.loads(text) if plain else text
        return given

    async def _at_the_door(self, to: str, given: dict[str, Any], content: bytes) -> Reply | Instead:
        fate = fate_of(to)
        if fate.door is Door.BAD_NUMBER:
            return _error(422, "Invalid parameters", "to")
        if fate.door is Door.TOO_MANY:
            return _error(429, "Rate limit exceeded", retry_after=str(WAIT))
        if fate.door is Door.ODD:
            return _error(418, "I am a teapot")
        fax = Fax(
            id=f"01HDF5S9P29WC29J578J8E{len(self.faxes):04d}",
            reference=given.get("labels", {}).get("dispatcher-attempt", ""),
            to=to,
            sha256=digest(content),
            pages=pages_in(content),
            created=self.now(),
            fate=fate,
            callback=given.get("callbackUrl", ""),
            given={name: value for name, value in given.items() if name not in ("files", "to")},
        )
        return await self.take(fax, Reply.of(200, self._shown(fax)))

    # -- telling

    def _shown(self, fax: Fax) -> dict[str, Any]:
        shown = {**fax.given, "id": fax.id, "to": fax.to, "direction": "OUTBOUND", "projectId": PROJECT}
        shown |= {"createTime": _stamp(fax.created), "numberOfPages": fax.pages, "retryCount": 0, "hasFile": True}
        shown |= {"status": "IN_PROGRESS"} if not self.over(fax) else self._end(fax)
        if fax.fate.end is not End.ODD:
            self.faults += [one.message for one in FAX.iter_errors(shown)]
        return shown

    def _end(self, fax: Fax) -> dict[str, Any]:
        done = {"completedTime": _stamp(fax.ends)}
        if fax.to in self.ends:
            return {**done, **self.ends[fax.to]}
        match fax.fate.end:
            case End.BUSY:
                error = {"errorType": "CALL_ERROR", "errorCode": 17, "errorMessage": "Busy"}
                return {**done, **error, "status": "FAILURE", "pagesSentSuccessfully": 0}
            case End.ODD:
                return {**done, "status": "FAILURE", "errorType": "LINE_ERROR", "errorCode": 4711}
        return {**done, "status": "COMPLETED", "pagesSentSuccessfully": fax.pages - (fax.fate.end is End.SHORT)}

    def _list(self, request: Request) -> Reply:
        size, number = min(int(request.first("pageSize", "100")), self.page_size), int(request.first("page", "1"))
        since, to = request.first("createTime>"), request.first("to")
        if request.first("direction", "OUTBOUND") != "OUTBOUND":
            return Reply.of(200, {"faxes": [], "page": 1, "totalPages": 0, "pageSize": size, "totalItems": 0})
        found = [fax for fax in self.faxes if fax.to.startswith(to) and _stamp(fax.created) >= since]
        found.reverse()
        shown = [self._shown(fax) for fax in found[(number - 1) * size : number * size]]
        total = -(-len(found) // size)
        pages = {"page": number, "totalPages": total, "pageSize": size, "totalItems": len(found)}
        return Reply.of(200, {"faxes": shown, **pages}, date=format_datetime(self.now(), usegmt=True))

    # -- calling

    def callback(self, fax: Fax, which: str) -> tuple[dict[str, str], bytes]:
        """FAX_COMPLETED, as JSON; nobody signs it."""
        event = {"event": "FAX_COMPLETED", "eventTime": _stamp(fax.ends), "fax": self._shown(fax)}
        return {"content-type": "application/json"}, json.dumps(event).encode()


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(status: int, error: str, field: str = "", **headers: str) -> Reply:
    violation = {"fieldViolations": [{"field": field, "description": error}]}
    details = {"details": violation} if field else {}
    return Reply.of(status, {"code": str(status), "error": error, "message": error, **details}, **headers)

"""Telnyx Programmable Fax on loopback, as its OpenAPI description of 2026-07-16 and its page "Upload media" have it.

Stricter than the vendor where that finds our mistakes: a field that the description does not name is refused.
"""

from __future__ import annotations

import base64
import json
import re
import uuid
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from farend import openapi
from farend.http import Instead, Reply, Request
from farend.vendor import WAIT, Door, End, Fax, Vendor, digest, fate_of, pages_in

KEY = "KEY-of-the-tests"
CONNECTION = "1494404757140276705"
NUMBER = "+13125550199"
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
#: Of a request to send a fax, as the description has them.
_FIELDS = frozenset(
    (
        *("black_threshold", "client_state", "connection_id", "from", "from_display_name", "media_name", "media_url"),
        *("monochrome", "preview_format", "quality", "store_media", "store_preview", "t38_enabled", "to"),
        "webhook_url",
    )
)
#: The words for each end, once the call is over.
_ENDS = {End.WHOLE: "delivered", End.SHORT: "delivered", End.BUSY: "user_busy", End.ODD: "E4711"}


class Telnyx(Vendor):
    """One account at Telnyx. `faults` is what the vendor's own description says against our words, in both ways."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__(now)
        self.key = Ed25519PrivateKey.generate()
        self.media: dict[str, bytes] = {}
        self.faults: list[str] = []
        self.page_size = 250  #: it gives no more at a time, whatever is asked for

    @property
    def url(self) -> str:
        return f"{self.server.url}/v2"

    @property
    def public_key(self) -> bytes:
        return self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)

    async def answer(self, request: Request) -> Reply | Instead:
        if not self.let_in or request.headers.get("authorization") != f"Bearer {KEY}":
            return _error(401, "10009", "Authentication failed")
        path = request.path.removeprefix("/v2")
        match request.method, path.strip("/").split("/"):
            case "POST", ["media"]:
                return self._upload(request)
            case "POST", ["faxes"]:
                return await self._send(request)
            case "GET", ["faxes"]:
                return self._list(request)
            case "GET", ["balance"]:
                data = {"record_type": "balance", "balance": "12.30", "available_credit": "12.30", "currency": "USD"}
                return Reply.of(200, {"data": data})
            case "GET", ["faxes", name]:
                return self._one(name)
        return _error(404, "10005", "Resource not found")

    # -- taking

    def _upload(self, request: Request) -> Reply:
        parts = {part.name: part for part in request.parts()}
        if set(parts) - {"media", "media_name", "ttl_secs"} or "media" not in parts:
            return _error(422, "10015", "Bad Request", "/media")
        name = parts["media_name"].content.decode() if "media_name" in parts else str(uuid.uuid4())
        if not pages_in(parts["media"].content) or len(parts["media"].content) > 20_000_000:
            return _error(422, "10014", "Unsupported Media Type", "/media")
        self.media[name] = parts["media"].content
        data = {"media_name": name, "content_type": parts["media"].media, "created_at": _stamp(self.now())}
        return Reply.of(201, {"data": data})

    async def _send(self, request: Request) -> Reply | Instead:
        given = request.json()
        wrong = self._held("/components/schemas/SendFaxRequest", given) + sorted(set(given) - _FIELDS)
        if wrong:
            self.faults += wrong
            return _error(422, "422", "Unprocessable Entity", "/")
        if not _E164.fullmatch(given["to"]):
            return _error(422, "10016", "Phone number must be in +E.164 format", "/to")
        if given["connection_id"] != CONNECTION:
            return _error(422, "10017", "Associated resource does not exist", "/connection_id")
        content = self.media.get(given.get("media_name", ""))
        if content is None:
            return _error(422, "10017", "Associated resource does not exist", "/media_name")
        return await self._at_the_door(given, content)

    async def _at_the_door(self, given: dict[str, Any], content: bytes) -> Reply | Instead:
        fate = fate_of(given["to"])
        if fate.door is Door.BAD_NUMBER:
            return _error(422, "10002", "Invalid phone number", "/to")
        if fate.door is Door.TOO_MANY:
            return _error(429, "10011", "Too many requests", x_ratelimit_reset=str(WAIT))
        if fate.door is Door.ODD:
            return _error(418, "E4712", "I am a teapot")
        fax = Fax(
            id=str(uuid.uuid4()),
            reference=_reference(given.get("client_state", "")),
            to=given["to"],
            sha256=digest(content),
            pages=pages_in(content),
            created=self.now(),
            fate=fate,
            callback=given.get("webhook_url", ""),
            given=given,
        )
        return await self.take(fax, self._data(202, "Fax", self._shown(fax)))

    # -- telling

    def _shown(self, fax: Fax) -> dict[str, Any]:
        shown = {name: fax.given[name] for name in ("connection_id", "from", "to", "media_name", "quality")}
        shown |= {name: fax.given[name] for name in ("client_state", "webhook_url") if name in fax.given}
        shown |= {"id": fax.id, "record_type": "fax", "direction": "outbound", "failure_reason": None}
        shown |= {"created_at": _stamp(fax.created), "updated_at": _stamp(self.now()), "store_media": False}
        return shown | self._status(fax)

    def _status(self, fax: Fax) -> dict[str, str]:
        if not self.over(fax):
            return {"status": "sending"}
        word = _ENDS[fax.fate.end]
        return {"status": "delivered"} if word == "delivered" else {"status": "failed", "failure_reason": word}

    def _one(self, name: str) -> Reply:
        try:
            uuid.UUID(name)
        except ValueError:
            return _error(422, "10006", "Invalid ID", "/id")
        found = next((fax for fax in self.faxes if fax.id == name), None)
        return self._data(200, "Fax", self._shown(found)) if found else _error(404, "404", "Not Found")

    def _list(self, request: Request) -> Reply:
        size = min(int(request.first("page[size]", "20")), self.page_size)
        number = int(request.first("page[number]", "1"))
        since, to = request.first("filter[created_at][gte]"), request.first("filter[to][eq]")
        if request.first("filter[direction][eq]", "outbound") != "outbound":
            return Reply.of(200, {"data": [], "meta": {"total_pages": 1, "total_results": 0}})
        found = [fax for fax in self.faxes if (not to or fax.to == to) and _stamp(fax.created) >= since]
        found.reverse()
        shown = [self._shown(fax) for fax in found[(number - 1) * size : number * size]]
        meta = {"page_number": number, "page_size": size, "total_results": len(found)}
        meta["total_pages"] = -(-len(found) // size)
        for one in shown:
            self.faults += self._held("/components/schemas/Fax", one)
        self.faults += self._held("/components/schemas/PaginationMeta", meta)
        return Reply.of(200, {"data": shown, "meta": meta}, date=format_datetime(self.now(), usegmt=True))

    def _data(self, status: int, schema: str, value: dict[str, Any]) -> Reply:
        self.faults += self._held(f"/components/schemas/{schema}", value)
        return Reply.of(status, {"data": value})

    def _held(self, pointer: str, value: object) -> list[str]:
        description = openapi.telnyx()
        return description.faults(pointer, value) if description else []

    # -- calling

    def callback(self, fax: Fax, which: str) -> tuple[dict[str, str], bytes]:
        event = self._event(fax, which)
        schema = {"fax.delivered": "FaxDelivered", "fax.failed": "FaxFailed"}.get(
            event["data"]["event_type"], "FaxSendingStarted"
        )
        self.faults += self._held(f"/components/schemas/{schema}", event)
        body = json.dumps(event).encode()
        return self.signed(body), body

    def _event(self, fax: Fax, which: str) -> dict[str, Any]:
        status = {"status": "sending"} if which == "start" else self._status(fax)
        kind = {"sending": "fax.sending.started"}.get(status["status"], f"fax.{status['status']}")
        payload = {name: fax.given[name] for name in ("connection_id", "from", "to", "media_name", "client_state")}
        payload |= {"fax_id": fax.id, "direction": "outbound", "user_id": str(uuid.uuid4()), **status}
        if kind == "fax.delivered":
            payload |= {"page_count": fax.pages - (fax.fate.end is End.SHORT), "call_duration_secs": 61}
        data = {
            "id": str(uuid.uuid5(uuid.UUID(fax.id), which)),
            "event_type": kind,
            "occurred_at": _stamp(fax.ends),
            "record_type": "event",
            "payload": payload,
        }
        return {"data": data, "meta": {"attempt": 1, "delivered_to": fax.callback}}

    def signed(self, body: bytes) -> dict[str, str]:
        stamp = str(int(self.now().timestamp()))
        signature = base64.b64encode(self.key.sign(stamp.encode() + b"|" + body)).decode()
        names = {"telnyx-timestamp": stamp, "telnyx-signature-ed25519": signature}
        return {"content-type": "application/json", **names}


def _reference(state: str) -> str:
    return base64.b64decode(state).decode().rpartition("/")[0]


def _stamp(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _error(status: int, code: str, title: str, pointer: str = "", **headers: str) -> Reply:
    source = {"source": {"pointer": pointer}} if pointer else {}
    return Reply.of(status, {"errors": [{"code": code, "title": title, "detail": title, **source}]}, **headers)

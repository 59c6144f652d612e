"""Fax through our own gateway, `dispatcher.rehearsal.gateway`: the pattern for all that are spoken to over HTTP.

The point of no return is the first byte of the body, not the request: the connection is opened and the head sent first,
since no gateway can take a fax without its pages. So a gateway that cannot be reached, or that hangs up before the body
has left, leaves the letter UNSENT, and no try is spent. Once the body may have left, only the gateway's own answer
decides; any other end is UNKNOWN, and `ask` has to clear it.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import AsyncIterator, Callable
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import quote

import httpcore2
import httpx2

from dispatcher.domain.errors import NoticeRejected
from dispatcher.domain.outcome import Outcome, Report, escape
from dispatcher.domain.tokens import verify_callback
from dispatcher.domain.words import Cause, Kind, Verdict

from .base import Abilities, CommitPoint, Notice, Parcel, Try
from .hints import retry_after

Meaning = tuple[Verdict, Cause]

#: What became of a fax: their code → ours. Source: dispatcher/rehearsal/exchange.py. A code not in it is UNKNOWN.
CODES: dict[str, Meaning] = {
    "sending": (Verdict.ACCEPTED, Cause.NONE),
    "ok": (Verdict.DELIVERED, Cause.NONE),  # and every page confirmed, see _outcome
    "busy": (Verdict.DEFERRED, Cause.FAX_BUSY),
    "no_answer": (Verdict.DEFERRED, Cause.FAX_NO_ANSWER),
    "voice": (Verdict.DEFERRED, Cause.FAX_VOICE),
    "declined": (Verdict.REFUSED, Cause.FAX_REFUSED),
    "line_lost": (Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE),
    "lost_after_last_page": (Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
}
UNHEARD_OF: Meaning = (Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE)

#: A connection is waited for at least so many seconds, however short the time for an answer.
CONNECT_SECONDS = 5.0
#: Why it did not take a fax: the code in its answer, or 'http' and the status where the answer has no code (something
#: between us answered). All of them are answers below 500, and prove that nothing was taken. UNSENT: unfit for every
#: letter, not just this one.
REFUSALS: dict[str, Meaning] = {
    "bad_request": (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
    "bad_number": (Verdict.REFUSED, Cause.FAX_BAD_NUMBER),
    "bad_document": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "too_many": (Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),
    "no_credit": (Verdict.UNSENT, Cause.FAX_NO_CREDIT),
    "bad_key": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "http 401": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "http 403": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "http 404": (Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE),
    "http 405": (Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE),
    "http 413": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "http 429": (Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),
}

#: Of several faxes with one reference, the one that came furthest speaks for the attempt.
_FURTHEST = (Verdict.DELIVERED, Verdict.UNKNOWN, Verdict.ACCEPTED, Verdict.REFUSED, Verdict.DEFERRED)
_FACTS = ("id", "station_id", "duration_seconds", "pages_total", "sha256", "ended_at")
NOTICE_LIMIT = 64 * 1024  #: bytes of a callback


class _Expired(Exception):
    """The leave to pass the point of no return ran out before it could be used."""


class _Body(AsyncIterator[bytes]):
    """The request's body, which asks for leave before its first and only chunk.

    A gateway that speaks or hangs up first gets no body: WriteError makes the HTTP client read what it has to say.
    """

    def __init__(self, document: bytes, commit: CommitPoint) -> None:
        self._document, self._commit = document, commit
        self._line: httpcore2.AsyncNetworkStream | None = None
        self.left = False  #: from here on it may have been taken

    async def watch(self, event: str, info: dict[str, Any]) -> None:
        """The HTTP client's trace of this request; tells which connection it goes over."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._line = info["return_value"]

    async def __anext__(self) -> bytes:
        if self.left:
            raise StopAsyncIteration
        self._still_waits()
        permit = await self._commit(self._document)
        self._still_waits()
        if time.monotonic() >= permit.until:
            raise _Expired
        self.left = True
        return self._document

    def _still_waits(self) -> None:
        if self._line is not None and self._line.get_extra_info("is_readable"):
            raise httpcore2.WriteError("the gateway spoke or hung up before the body")


class SimulatorChannel:
    """One gateway. It may have many letters under way at once; each has a connection of its own."""

    kind = Kind.FAX
    routes: tuple[str, ...] = ()
    abilities = Abilities(asks=True, speaks_back=True, proves=True, confirms_pages=True)

    def __init__(
        self,
        url: str,
        secret: bytes,
        callback_url: str,
        *,
        timeout: float = 60.0,
        client: httpx2.AsyncClient | None = None,
        now: Callable[[], datetime],
        name: str = "simulator",
    ) -> None:
        """`timeout` in seconds, for each step; `secret` of 16 bytes and more; '' as `callback_url`: only asked."""
        self.name = name
        self._url, self._secret, self._callback_url, self._now = url.rstrip("/"), secret, callback_url, now
        self._client = client or _client(timeout)

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        body = _Body(parcel.document, commit)
        try:
            reply = await self._post(body, self._headers(parcel))
        except _Expired:
            return Outcome(Verdict.UNSENT, Cause.WORKER_LOST, "the leave to send ran out before the body left")
        except httpx2.RequestError as error:
            return self._broken(error, body)
        return self._answered(reply, body)

    async def _post(self, body: _Body, headers: dict[str, str]) -> httpx2.Response:
        return await self._client.post(
            f"{self._url}/faxes", content=body, headers=headers, extensions={"trace": body.watch}
        )

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        return {
            "content-type": "image/tiff",
            "content-length": str(len(parcel.document)),
            "x-fax-to": parcel.address,
            "x-fax-reference": parcel.attempt_id,
            "x-fax-callback": self._callback_url,
        }

    def _broken(self, error: httpx2.RequestError, body: _Body) -> Outcome:
        return self._unclear(escape(f"{type(error).__name__}: {error}"), body)

    def _unclear(self, detail: str, body: _Body, cause: Cause = Cause.FAX_NO_ANSWER_AFTER_SUBMIT) -> Outcome:
        """It did not say what it did with the letter: a doubt, unless it cannot have got it."""
        if body.left:
            return Outcome(Verdict.UNKNOWN, cause, detail)
        return Outcome(Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE, detail, pause_route=self.name)

    def _answered(self, reply: httpx2.Response, body: _Body) -> Outcome:
        facts, detail = _object(reply), _words(reply)
        ref = facts.get("id")
        if reply.status_code == 202 and _is_name(ref) and body.left:
            return Outcome(Verdict.ACCEPTED, detail=detail, ref=str(ref), facts={"gateway": self._url}, route=self.name)
        if not 400 <= reply.status_code < 500:
            return self._unclear(detail, body)
        code = str(facts.get("code", f"http {reply.status_code}"))
        if code not in REFUSALS:
            return self._unclear(detail, body, Cause.FAX_UNKNOWN_CODE)
        verdict, cause = REFUSALS[code]
        if verdict is Verdict.UNSENT:
            return Outcome(verdict, cause, detail, pause_route=self.name)
        wait = retry_after(reply.headers.get("retry-after", ""), self._now())
        return Outcome(verdict, cause, detail, route=self.name, again_after=wait)

    async def probe(self, route: str = "") -> Outcome:
        """Ask for a fax that there never was: whoever answers that is a gateway at work."""
        answer = await self.ask("probe", "")
        if answer.verdict is Verdict.DEFERRED:
            return Outcome(Verdict.ACCEPTED, detail="it answers", route=self.name)
        return Outcome(Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE, answer.detail, pause_route=self.name)

    async def ask(self, attempt_id: str, ref: str, about: Try | None = None) -> Outcome:
        """By the gateway's name for it, else by ours. Only 'none', said to ours, proves that it never took one."""
        path = f"/faxes/{quote(ref, safe='')}" if ref else f"/faxes?reference={quote(attempt_id, safe='')}"
        try:
            reply = await self._client.get(self._url + path)
        except httpx2.RequestError as error:
            return Outcome(Verdict.UNKNOWN, Cause.FAX_GATEWAY_UNREACHABLE, escape(f"{type(error).__name__}: {error}"))
        facts = _object(reply)
        found = [facts] if ref else facts.get("faxes")
        if reply.status_code != 200 or not isinstance(found, list):
            return Outcome(Verdict.UNKNOWN, Cause.FAX_GATEWAY_UNREACHABLE, _words(reply), ref)
        return _of_these(attempt_id, found)

    async def hear(self, notice: Notice) -> list[Report]:
        if len(notice.body) > NOTICE_LIMIT:
            raise NoticeRejected("the callback is too long")
        stamp = notice.headers.get("x-simulator-timestamp", "")
        signature = notice.headers.get("x-simulator-signature", "")
        if not verify_callback(self._secret, stamp, signature, notice.body, self._now()):
            raise NoticeRejected("the callback is not signed with our key, or is too old")
        facts = _parse(notice.body)
        attempt_id, event_id = facts.get("reference"), facts.get("event_id")
        if not (_is_name(attempt_id) and _is_name(event_id)):
            raise NoticeRejected("the callback does not say which fax, or which event it is")
        return [Report(str(attempt_id), str(event_id), _outcome(facts), notice.body)]

    async def aclose(self) -> None:
        await self._client.aclose()


def _client(timeout: float) -> httpx2.AsyncClient:
    """No connection is used twice: one that the gateway has just closed would make a doubt for nothing."""
    limits = httpx2.Limits(max_keepalive_connections=0)
    transport = httpx2.AsyncHTTPTransport(verify=_trusting(), retries=0, limits=limits, trust_env=False)
    # A connection that comes late costs nothing: nothing has left before it.
    patience = httpx2.Timeout(timeout, connect=max(timeout, CONNECT_SECONDS))
    return httpx2.AsyncClient(transport=transport, timeout=patience, follow_redirects=False, trust_env=False)


@cache
def _trusting() -> ssl.SSLContext:
    """The authorities to trust; kept, as reading them takes a while."""
    return httpx2.create_ssl_context(trust_env=False)


def _parse(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; empty when it is anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _object(reply: httpx2.Response) -> dict[str, Any]:
    return _parse(reply.content)


def _words(reply: httpx2.Response) -> str:
    return escape(f"{reply.status_code} {reply.text}")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isascii() and value.isprintable()


def _count(value: object) -> int | None:
    """A number of pages; None for what is none, or no fax ever had."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9999 else None


def _of_these(attempt_id: str, found: list[Any]) -> Outcome:
    if not found:
        return Outcome(Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE, "the gateway has no fax with our reference")
    if not all(isinstance(fax, dict) and fax.get("reference") == attempt_id for fax in found):
        return Outcome(Verdict.UNKNOWN, Cause.FAX_NO_PROOF, "the gateway answered about another fax")
    return min(map(_outcome, found), key=lambda outcome: _FURTHEST.index(outcome.verdict))


def _outcome(facts: dict[str, Any]) -> Outcome:
    """What the gateway says of a fax, in our words. Success is every page confirmed, never the word alone."""
    confirmed, total = _count(facts.get("pages_confirmed")), _count(facts.get("pages_total"))
    verdict, cause = CODES.get(str(facts.get("code", "")), UNHEARD_OF)
    whole = total is not None and confirmed == total > 0
    if verdict is Verdict.DELIVERED and not (whole and facts.get("status") == "delivered"):
        verdict, cause = Verdict.UNKNOWN, Cause.FAX_NO_PROOF
    if verdict is Verdict.DEFERRED and whole:  # the last page was confirmed, then it failed: never again unasked
        verdict, cause = Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE
    known = {name: escape(str(facts[name]), 128) for name in _FACTS if name in facts}
    return Outcome(verdict, cause, escape(json.dumps(facts)), known.get("id", ""), confirmed, known)

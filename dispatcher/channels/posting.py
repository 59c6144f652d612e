"""One HTTP request that may not be made twice: it asks for leave before its body, and says whether the body left.

What every gateway over HTTP has in common: the client, the body that waits for leave, and what a broken or a foreign
answer proves. Which gateway it is, and what its words mean, stands in that gateway's own file.
"""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cache
from typing import Any

import httpcore2
import httpx2

from dispatcher.domain.outcome import Outcome, escape
from dispatcher.domain.words import Cause, Verdict

from .base import CommitPoint, Try

Meaning = tuple[Verdict, Cause]

UNHEARD_OF: Meaning = (Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE)
#: A connection is waited for at least so many seconds, however short the time for an answer.
CONNECT_SECONDS = 5.0
NOTICE_LIMIT = 64 * 1024  #: bytes of a callback
#: A list without our fax proves nothing before it had the time to get in there.
SETTLED = timedelta(minutes=10)
#: The gateway's clock stamps the faxes in its list, and may be wrong by this much.
CLOCK_MARGIN = timedelta(hours=1)
#: Of several faxes with one reference, the one that came furthest speaks for the attempt.
_FURTHEST = (Verdict.DELIVERED, Verdict.UNKNOWN, Verdict.ACCEPTED, Verdict.REFUSED, Verdict.DEFERRED)


class Expired(Exception):
    """The leave to pass the point of no return ran out before it could be used."""


class Body(AsyncIterator[bytes]):
    """A request's body, which asks for leave before its first and only chunk.

    `letter` is what leave is asked for: the pages themselves, where the body wraps them or only names them. A gateway
    that speaks or hangs up first gets no body: WriteError makes the HTTP client read what it has to say.
    """

    def __init__(self, content: bytes, letter: bytes, commit: CommitPoint) -> None:
        self._content, self._letter, self._commit = content, letter, commit
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
        permit = await self._commit(self._letter)
        self._still_waits()
        if time.monotonic() >= permit.until:
            raise Expired
        self.left = True
        return self._content

    def _still_waits(self) -> None:
        if self._line is not None and self._line.get_extra_info("is_readable"):
            raise httpcore2.WriteError("the gateway spoke or hung up before the body")


async def post(
    client: httpx2.AsyncClient, url: str, body: Body, length: int, headers: Mapping[str, str], route: str
) -> httpx2.Response | Outcome:
    """Make the request, once: the answer, or what it comes to where there is none. What `commit` raises passes through.

    `body.left` tells whether it may have been taken.
    """
    fields = {**headers, "content-length": str(length)}
    try:
        return await client.post(url, content=body, headers=fields, extensions={"trace": body.watch})
    except Expired:
        return Outcome(Verdict.UNSENT, Cause.WORKER_LOST, "the leave to send ran out before the body left")
    except httpx2.RequestError as error:
        return unclear(broken(error), body.left, route)


def unclear(detail: str, left: bool, route: str, cause: Cause = Cause.FAX_NO_ANSWER_AFTER_SUBMIT) -> Outcome:
    """It did not say what it did with the letter: a doubt, unless it cannot have got it."""
    if left:
        return Outcome(Verdict.UNKNOWN, cause, detail)
    return Outcome(Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE, detail, pause_route=route)


def judged(
    reply: httpx2.Response, left: bool, named: Iterable[str], refusals: Mapping[str, Meaning], wait: float, route: str
) -> Outcome:
    """What an answer comes to that takes nothing: by the first of its names that the gateway's table knows.

    Only an answer from 400 to 499 proves that nothing was taken, and only with a name that is in the table.
    """
    detail = words(reply)
    if not 400 <= reply.status_code < 500:
        return unclear(detail, left, route)
    meaning = next((refusals[one] for one in named if one in refusals), None)
    if meaning is None:
        return unclear(detail, left, route, Cause.FAX_UNKNOWN_CODE)
    return refused(meaning, detail, wait, route)


def refused(meaning: Meaning, detail: str, wait: float, route: str) -> Outcome:
    """A refusal that the gateway's table knows. UNSENT closes the gateway to letters, and spends no try."""
    verdict, cause = meaning
    if verdict is Verdict.UNSENT:
        return Outcome(verdict, cause, detail, pause_route=route)
    return Outcome(verdict, cause, detail, route=route, again_after=wait)


def clock_of(reply: httpx2.Response) -> datetime | None:
    """The time by the far end's clock (Date, RFC 9110 section 6.6.1); None where it does not say."""
    try:
        at = parsedate_to_datetime(reply.headers.get("date", ""))
    except (ValueError, TypeError):
        return None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def unfit(outcome: Outcome, route: str) -> Outcome:
    """Why a gateway that was knocked at is not fit for letters."""
    cause = outcome.cause if outcome.verdict is Verdict.UNSENT else Cause.FAX_GATEWAY_UNREACHABLE
    return Outcome(Verdict.UNSENT, cause, outcome.detail, pause_route=route)


def not_listed(about: Try | None, now: datetime) -> Outcome:
    """The gateway's whole list has no fax with our reference: it took none, once the list had the time to know."""
    if about is not None and now < about.left_at + SETTLED:
        return silent("not in the gateway's list yet")
    return Outcome(Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE, "the gateway has no fax with our reference")


def silent(detail: str, ref: str = "") -> Outcome:
    """It was asked and told nothing that could be used."""
    return Outcome(Verdict.UNKNOWN, Cause.FAX_GATEWAY_UNREACHABLE, detail, ref)


def another(ref: str) -> Outcome:
    """It told of a fax that is not the one that was asked about."""
    return Outcome(Verdict.UNKNOWN, Cause.FAX_NO_PROOF, "the gateway answered about another fax", ref)


def client(timeout: float, **more: Any) -> httpx2.AsyncClient:
    """Never tries twice, follows no redirect, reads no proxy out of the environment; `timeout` in seconds a step.

    No connection is used twice: one that the gateway has just closed would make a doubt for nothing.
    """
    limits = httpx2.Limits(max_keepalive_connections=0)
    transport = httpx2.AsyncHTTPTransport(verify=_trusting(), retries=0, limits=limits, trust_env=False)
    # A connection that comes late costs nothing: nothing has left before it.
    patience = httpx2.Timeout(timeout, connect=max(timeout, CONNECT_SECONDS))
    return httpx2.AsyncClient(transport=transport, timeout=patience, follow_redirects=False, trust_env=False, **more)


@cache
def _trusting() -> ssl.SSLContext:
    """The authorities to trust; kept, as reading them takes a while."""
    return httpx2.create_ssl_context(trust_env=False)


def parse(body: bytes) -> dict[str, Any]:
    """The JSON object in `body`; empty when it is anything else."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def words(reply: httpx2.Response) -> str:
    """The status and what the gateway says with it, safe to keep."""
    return escape(f"{reply.status_code} {reply.text}")


def broken(error: httpx2.RequestError) -> str:
    """What went wrong with a connection, safe to keep."""
    return escape(f"{type(error).__name__}: {error}")


def is_name(value: object) -> bool:
    """Can it be a gateway's name for something: short, printable ASCII?"""
    return isinstance(value, str) and 0 < len(value) <= 200 and value.isascii() and value.isprintable()


def count(value: object) -> int | None:
    """A number of pages; None for what is none, or no fax ever had."""
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 9999 else None


def furthest(outcomes: list[Outcome]) -> Outcome:
    """Of the outcomes of several faxes with one reference: that of the fax that came furthest."""
    return min(outcomes, key=lambda outcome: _FURTHEST.index(outcome.verdict))

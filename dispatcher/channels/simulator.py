"""Fax through our own gateway, `dispatcher.rehearsal.gateway`: the pattern for all that are spoken to over HTTP.

The point of no return is the first byte of the body, not the request: the connection is opened and the head sent first,
since no gateway can take a fax without its pages. So a gateway that cannot be reached, or that hangs up before the body
has left, leaves the letter UNSENT, and no try is spent. Once the body may have left, only the gateway's own answer
decides; any other end is UNKNOWN, and `ask` has to clear it.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import httpx2

from dispatcher.domain.errors import NoticeRejected
from dispatcher.domain.outcome import Outcome, Report, escape
from dispatcher.domain.tokens import verify_callback
from dispatcher.domain.words import Cause, Kind, Verdict

from . import posting
from .base import Abilities, CommitPoint, Notice, Parcel, Try
from .hints import retry_after

#: What became of a fax: their code → ours. Source: dispatcher/rehearsal/exchange.py. A code not in it is UNKNOWN.
CODES: dict[str, posting.Meaning] = {
    "sending": (Verdict.ACCEPTED, Cause.NONE),
    "ok": (Verdict.DELIVERED, Cause.NONE),  # and every page confirmed, see _outcome
    "busy": (Verdict.DEFERRED, Cause.FAX_BUSY),
    "no_answer": (Verdict.DEFERRED, Cause.FAX_NO_ANSWER),
    "voice": (Verdict.DEFERRED, Cause.FAX_VOICE),
    "declined": (Verdict.REFUSED, Cause.FAX_REFUSED),
    "line_lost": (Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE),
    "lost_after_last_page": (Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE),
}

#: Why it did not take a fax: the code in its answer, or 'http' and the status where the answer has no code (something
#: between us answered). All of them are answers below 500, and prove that nothing was taken. UNSENT: unfit for every
#: letter, not just this one.
REFUSALS: dict[str, posting.Meaning] = {
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

_FACTS = (
    *("id", "station_id", "duration_seconds", "pages_total", "sha256", "ended_at"),
    *("t30_code", "t30_says", "rate", "ecm"),  # where it makes the calls itself
)


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
        self._client = client or posting.client(timeout)

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        body = posting.Body(parcel.document, parcel.document, commit)
        reply = await posting.post(
            self._client, f"{self._url}/faxes", body, len(parcel.document), self._headers(parcel), self.name
        )
        return reply if isinstance(reply, Outcome) else self._answered(reply, body.left)

    def _headers(self, parcel: Parcel) -> dict[str, str]:
        return {
            "content-type": "image/tiff",
            "x-fax-to": parcel.address,
            "x-fax-reference": parcel.attempt_id,
            "x-fax-callback": self._callback_url,
        }

    def _answered(self, reply: httpx2.Response, left: bool) -> Outcome:
        facts, detail = posting.parse(reply.content), posting.words(reply)
        ref = facts.get("id")
        if reply.status_code == 202 and posting.is_name(ref) and left:
            return Outcome(Verdict.ACCEPTED, detail=detail, ref=str(ref), facts={"gateway": self._url}, route=self.name)
        named = (str(facts.get("code", f"http {reply.status_code}")),)
        wait = retry_after(reply.headers.get("retry-after", ""), self._now())
        return posting.judged(reply, left, named, REFUSALS, wait, self.name)

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
            return posting.silent(posting.broken(error))
        facts = posting.parse(reply.content)
        found = [facts] if ref else facts.get("faxes")
        if reply.status_code != 200 or not isinstance(found, list):
            return posting.silent(posting.words(reply), ref)
        return _of_these(attempt_id, found)

    async def hear(self, notice: Notice) -> list[Report]:
        if len(notice.body) > posting.NOTICE_LIMIT:
            raise NoticeRejected("the callback is too long")
        stamp = notice.headers.get("x-simulator-timestamp", "")
        signature = notice.headers.get("x-simulator-signature", "")
        if not verify_callback(self._secret, stamp, signature, notice.body, self._now()):
            raise NoticeRejected("the callback is not signed with our key, or is too old")
        facts = posting.parse(notice.body)
        attempt_id, event_id = facts.get("reference"), facts.get("event_id")
        if not (posting.is_name(attempt_id) and posting.is_name(event_id)):
            raise NoticeRejected("the callback does not say which fax, or which event it is")
        return [Report(str(attempt_id), str(event_id), _outcome(facts), notice.body)]

    async def aclose(self) -> None:
        await self._client.aclose()


def _of_these(attempt_id: str, found: list[Any]) -> Outcome:
    if not found:
        return Outcome(Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE, "the gateway has no fax with our reference")
    if not all(isinstance(fax, dict) and fax.get("reference") == attempt_id for fax in found):
        return posting.another("")
    return posting.furthest([_outcome(fax) for fax in found])


def _outcome(facts: dict[str, Any]) -> Outcome:
    """What the gateway says of a fax, in our words. Success is every page confirmed, never the word alone."""
    confirmed, total = posting.count(facts.get("pages_confirmed")), posting.count(facts.get("pages_total"))
    verdict, cause = CODES.get(str(facts.get("code", "")), posting.UNHEARD_OF)
    whole = total is not None and confirmed == total > 0
    if verdict is Verdict.DELIVERED and not (whole and facts.get("status") == "delivered"):
        verdict, cause = Verdict.UNKNOWN, Cause.FAX_NO_PROOF
    if verdict is Verdict.DEFERRED and whole:  # the last page was confirmed, then it failed: never again unasked
        verdict, cause = Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE
    elif verdict is Verdict.DEFERRED and confirmed:  # it says itself that the page after them did not come through
        cause = Cause.FAX_PARTIAL
    known = {name: escape(str(facts[name]), 128) for name in _FACTS if name in facts}
    return Outcome(verdict, cause, escape(json.dumps(facts)), known.get("id", ""), confirmed, known)

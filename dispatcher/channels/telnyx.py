"""Fax through Telnyx Programmable Fax, https://api.telnyx.com/v2: never tried against the live service.

Written against the vendor's OpenAPI description 2.0.0 (team-telnyx/openapi, 2026-07-16), the words that its SDK 4.189.0
(2026-11) lists as `failure_reason`, and its pages "Upload media", "API rate limiting" and "API error codes" as of
2026-11. Two requests a fax: the pages go to the media store under our reference, which calls nobody; then POST /faxes
names them. That request cannot be repeated safely (Telnyx has no key for it), so it alone is the point of no return.
Our reference travels as `client_state`, the only field that comes back in the list of faxes and in every webhook.
Telnyx never dials twice by itself, prints no header line, and counts the pages only of a fax that was delivered.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx2
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from dispatcher.domain.errors import NoticeRejected
from dispatcher.domain.outcome import Outcome, Report, escape
from dispatcher.domain.words import Cause, Kind, Verdict

from . import posting
from .base import Abilities, CommitPoint, Notice, Parcel, Told, Try
from .hints import retry_after

#: Fax.status of an outbound fax. One not in it is UNKNOWN; 'failed' is told by its reason.
STATUS: dict[str, posting.Meaning] = {
    "queued": (Verdict.ACCEPTED, Cause.NONE),
    "media.processing": (Verdict.ACCEPTED, Cause.NONE),
    "media.processed": (Verdict.ACCEPTED, Cause.NONE),
    "initiated": (Verdict.ACCEPTED, Cause.NONE),
    "originated": (Verdict.ACCEPTED, Cause.NONE),
    "sending": (Verdict.ACCEPTED, Cause.NONE),
    "delivered": (Verdict.DELIVERED, Cause.NONE),  # and not with a page too few, see _outcome
}

#: Fax.failure_reason. Where the line was lost nobody says after which page: it may have printed every one.
REASONS: dict[str, posting.Meaning] = {
    "user_busy": (Verdict.DEFERRED, Cause.FAX_BUSY),
    "receiver_no_answer": (Verdict.DEFERRED, Cause.FAX_NO_ANSWER),
    "receiver_no_response": (Verdict.DEFERRED, Cause.FAX_NO_ANSWER),
    "receiver_recovery_on_timer_expire": (Verdict.DEFERRED, Cause.FAX_NO_ANSWER),
    "destination_unreachable": (Verdict.DEFERRED, Cause.FAX_NO_ANSWER),
    "receiver_incompatible_destination": (Verdict.REFUSED, Cause.FAX_REFUSED),
    "fax_initial_communication_timeout": (Verdict.DEFERRED, Cause.FAX_VOICE),
    "receiver_decline": (Verdict.REFUSED, Cause.FAX_REFUSED),
    "rejected": (Verdict.REFUSED, Cause.FAX_REFUSED),
    "receiver_unallocated_number": (Verdict.REFUSED, Cause.FAX_BAD_NUMBER),
    "receiver_invalid_number_format": (Verdict.REFUSED, Cause.FAX_BAD_NUMBER),
    "destination_invalid": (Verdict.REFUSED, Cause.FAX_BAD_NUMBER),
    "receiver_call_dropped": (Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),
    "sender_call_dropped": (Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),
    "carrier_lost": (Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),
    "fax_signaling_error": (Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),
    "receiver_communication_error": (Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),
    "sender_communication_error": (Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),
    "invalid_ecm_response_from_receiver": (Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),
    "sender_canceled": (Verdict.UNKNOWN, Cause.FAX_PAGES_UNKNOWN),  # somebody did it at Telnyx; it may have begun
    "file_download_failed": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "file_format_invalid": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "file_size_limit_exceeded": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "page_count_limit_exceeded": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "media_processing_exception": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "account_disabled": (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
    "no_outbound_profile": (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
    "destination_not_in_service_plan": (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
    "destination_not_in_countries_whitelist": (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
    "unverified_origination_number": (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
    "unverified_destination_not_allowed": (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
    "outbound_profile_daily_spend_limit_exceeded": (Verdict.REFUSED, Cause.FAX_NO_CREDIT),
    "user_channel_limit_exceeded": (Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),
    "connection_channel_limit_exceeded": (Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),
    "outbound_profile_channel_limit_exceeded": (Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),
    "service_unavailable": (Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),
}

#: Why a request was not taken: the field that is wrong (a 400 or 422 names it), else the status. All of them are
#: answers below 500 and prove that nothing was taken. UNSENT: unfit for every letter, not just this one.
REFUSALS: dict[str, posting.Meaning] = {
    "/to": (Verdict.REFUSED, Cause.FAX_BAD_NUMBER),
    "/media": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "/media_name": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "/from": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "/connection_id": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "/webhook_url": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "http 400": (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
    "http 401": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "http 402": (Verdict.UNSENT, Cause.FAX_NO_CREDIT),
    "http 403": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "http 404": (Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE),
    "http 405": (Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE),
    "http 413": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "http 422": (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
    "http 429": (Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),
}

WINDOW = timedelta(seconds=300)  #: a signature is worth nothing that is older, or from further ahead
MEDIA_SECONDS = 86_400  #: so long the pages stay in the vendor's store
PAGE_SIZE, MOST_PAGES = 250, 40
_MOST_STATE = 300  #: characters of a client_state of ours
_FACTS = ("failure_reason", "internal_failure_reason", "from", "call_duration_secs", "created_at")


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are at Telnyx, and from which number faxes leave."""

    key: str
    public_key: bytes  #: 32 bytes of Ed25519, out of the portal: webhooks are signed with its other half
    connection_id: str
    number: str  #: E.164
    quality: str = "high"


class TelnyxChannel:
    """One account. It may have many letters under way at once; each request has a connection of its own."""

    kind = Kind.FAX
    routes: tuple[str, ...] = ()
    abilities = Abilities(asks=True, speaks_back=True, proves=True)

    def __init__(
        self,
        account: Account,
        callback_url: str,
        *,
        now: Callable[[], datetime],
        url: str = "https://api.telnyx.com/v2",
        timeout: float = 60.0,
        name: str = "telnyx",
    ) -> None:
        """`timeout` in seconds, for each step; '' as `callback_url`: only asked."""
        self.name = name
        self._account, self._callback_url, self._now, self._url = account, callback_url, now, url.rstrip("/")
        self._key = Ed25519PublicKey.from_public_bytes(account.public_key)
        self._client = posting.client(timeout, headers={"authorization": f"Bearer {account.key}"})

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        refusal = await self._store(parcel)
        if refusal is not None:
            return refusal
        content = json.dumps(self._request(parcel)).encode()
        body = posting.Body(content, parcel.document, commit)
        headers = {"content-type": "application/json"}
        reply = await posting.post(self._client, f"{self._url}/faxes", body, len(content), headers, self.name)
        return reply if isinstance(reply, Outcome) else self._answered(reply, body.left)

    async def _store(self, parcel: Parcel) -> Outcome | None:
        """The pages into the vendor's store, for a day: nobody is called. What stands in the way, if anything does."""
        fields = {"media_name": parcel.attempt_id, "ttl_secs": str(MEDIA_SECONDS)}
        files = {"media": ("letter.tif", parcel.document, "image/tiff")}
        try:
            reply = await self._client.post(f"{self._url}/media", data=fields, files=files)
        except httpx2.RequestError as error:
            return posting.unclear(posting.broken(error), False, self.name)
        if reply.status_code in (200, 201) and _data(reply).get("media_name") == parcel.attempt_id:
            return None
        return self._refused(reply, left=False)

    def _request(self, parcel: Parcel) -> dict[str, Any]:
        given = {
            "connection_id": self._account.connection_id,
            "from": self._account.number,
            "to": parcel.address,
            "media_name": parcel.attempt_id,
            "client_state": _state(parcel.attempt_id, parcel.pages),
            "quality": self._account.quality,
            "monochrome": True,  # the pages are black and white; halftones would only blur them
        }
        return given | ({"webhook_url": self._callback_url} if self._callback_url else {})

    def _answered(self, reply: httpx2.Response, left: bool) -> Outcome:
        ref = _data(reply).get("id")
        if reply.status_code == 202 and posting.is_name(ref) and left:
            detail = posting.words(reply)
            return Outcome(Verdict.ACCEPTED, detail=detail, ref=str(ref), facts={"gateway": self._url}, route=self.name)
        return self._refused(reply, left)

    def _refused(self, reply: httpx2.Response, left: bool) -> Outcome:
        named = [*_pointers(reply), f"http {reply.status_code}"]
        return posting.judged(reply, left, named, REFUSALS, self._wait(reply), self.name)

    def _wait(self, reply: httpx2.Response) -> float:
        """Seconds until it takes requests again, where it says so with a 429."""
        if reply.status_code != 429:
            return 0.0
        fields = (reply.headers.get(name, "") for name in ("retry-after", "x-ratelimit-reset"))
        return next((wait for field in fields if (wait := retry_after(field, self._now()))), 0.0)

    async def probe(self, route: str = "") -> Outcome:
        """The first entry of the list of faxes: whoever gives it knows our key, and is at work."""
        return (await self._knock()).knock

    async def look(self) -> Told:
        """The same, with its clock and the account's balance, for the doctor."""
        told = await self._knock()
        if told.knock.verdict is not Verdict.ACCEPTED:
            return told
        try:
            found = _data(await self._client.get(f"{self._url}/balance"))
        except httpx2.RequestError:
            return told
        return replace(told, balance=escape(f"{found.get('balance', '')} {found.get('currency', '')}".strip(), 40))

    async def _knock(self) -> Told:
        try:
            reply = await self._client.get(f"{self._url}/faxes", params={"page[size]": "1"})
        except httpx2.RequestError as error:
            return Told(posting.unclear(posting.broken(error), False, self.name))
        if reply.status_code == 200 and isinstance(posting.parse(reply.content).get("data"), list):
            knock = Outcome(Verdict.ACCEPTED, detail="it lists our faxes", route=self.name)
        else:
            knock = posting.unfit(self._refused(reply, left=False), self.name)
        return Told(knock, posting.clock_of(reply))

    # -- asking

    async def ask(self, attempt_id: str, ref: str, about: Try | None = None) -> Outcome:
        """By Telnyx' name for it, else by ours in the list. Only a whole list without it proves that none was taken."""
        try:
            if ref:
                reply = await self._client.get(f"{self._url}/faxes/{quote(ref, safe='')}")
                return self._told(attempt_id, reply, ref)
            return await self._listed(attempt_id, about)
        except httpx2.RequestError as error:
            return posting.silent(posting.broken(error), ref)

    def _told(self, attempt_id: str, reply: httpx2.Response, ref: str) -> Outcome:
        fax = _data(reply)
        if reply.status_code != 200 or not fax:
            return posting.silent(posting.words(reply), ref)
        known = _read_state(fax.get("client_state"))
        if known is None or known[0] != attempt_id:
            return posting.another(ref)
        return _outcome(fax, known[1])

    async def _listed(self, attempt_id: str, about: Try | None) -> Outcome:
        mine: list[Outcome] = []
        for page in range(1, MOST_PAGES + 1):
            reply = await self._client.get(f"{self._url}/faxes", params=_filter(about, page))
            found = posting.parse(reply.content)
            faxes, meta = found.get("data"), found.get("meta")
            if reply.status_code != 200 or not isinstance(faxes, list) or not isinstance(meta, dict):
                return posting.silent(posting.words(reply))
            for fax in faxes:
                known = _read_state(fax.get("client_state")) if isinstance(fax, dict) else None
                if known is not None and known[0] == attempt_id:
                    mine.append(_outcome(fax, known[1]))
            total = posting.count(meta.get("total_pages"))
            if total is not None and page >= total:
                return posting.furthest(mine) if mine else posting.not_listed(about, self._now())
        if mine:
            return posting.furthest(mine)
        return posting.silent("the gateway's list of faxes has no end")

    # -- hearing

    async def hear(self, notice: Notice) -> list[Report]:
        """The report in a webhook; none in one about a fax that is not ours: the account may have other users."""
        if len(notice.body) > posting.NOTICE_LIMIT:
            raise NoticeRejected("the callback is too long")
        self._verify(notice)
        event = posting.parse(notice.body).get("data")
        payload = event.get("payload") if isinstance(event, dict) else None
        if not isinstance(event, dict) or not isinstance(payload, dict) or not posting.is_name(event.get("id")):
            raise NoticeRejected("the callback does not say which fax, or which event it is")
        known = _read_state(payload.get("client_state"))
        if known is None:
            return []
        outcome = _outcome({**payload, "id": payload.get("fax_id", "")}, known[1])
        return [Report(known[0], str(event["id"]), outcome, notice.body)]

    def _verify(self, notice: Notice) -> None:
        """Ed25519 over 'timestamp|body', as the vendor's SDK does it (telnyx 4.189.0, `webhooks.unwrap`)."""
        stamp = notice.headers.get("telnyx-timestamp", "")
        if not stamp.isascii() or not stamp.isdecimal() or len(stamp) > 11:
            raise NoticeRejected("the callback has no time")
        try:
            signature = base64.b64decode(notice.headers.get("telnyx-signature-ed25519", ""), validate=True)
            self._key.verify(signature, stamp.encode() + b"|" + notice.body)
        except (InvalidSignature, ValueError) as error:
            raise NoticeRejected("the callback is not signed with Telnyx' key") from error
        if abs(self._now() - datetime.fromtimestamp(int(stamp), UTC)) > WINDOW:
            raise NoticeRejected("the callback is too old, or our clock is wrong")

    async def aclose(self) -> None:
        await self._client.aclose()


def _state(attempt_id: str, pages: int) -> str:
    """What comes back with all that Telnyx says of a fax: our reference, and how many pages it has."""
    return base64.b64encode(f"{attempt_id}/{pages}".encode()).decode("ascii")


def _read_state(value: object) -> tuple[str, int] | None:
    """The attempt and its pages; None when it is nothing of ours."""
    if not isinstance(value, str) or len(value) > _MOST_STATE:
        return None
    try:
        attempt_id, _, pages = base64.b64decode(value, validate=True).decode("ascii").rpartition("/")
    except (binascii.Error, ValueError):
        return None
    return (attempt_id, int(pages)) if posting.is_name(attempt_id) and pages.isdecimal() and len(pages) < 5 else None


def _data(reply: httpx2.Response) -> dict[str, Any]:
    data = posting.parse(reply.content).get("data")
    return data if isinstance(data, dict) else {}


def _pointers(reply: httpx2.Response) -> list[str]:
    """The fields that an error names; [] where it names none. Those of a 401 or 429 would say nothing."""
    errors = posting.parse(reply.content).get("errors")
    if reply.status_code not in (400, 422) or not isinstance(errors, list):
        return []
    sources = (one.get("source") for one in errors if isinstance(one, dict))
    return [str(one.get("pointer", "")) for one in sources if isinstance(one, dict)]


def _filter(about: Try | None, page: int) -> dict[str, str]:
    wanted = {"filter[direction][eq]": "outbound", "page[number]": str(page), "page[size]": str(PAGE_SIZE)}
    if about is None:
        return wanted
    since = (about.opened_at - posting.CLOCK_MARGIN).astimezone(UTC)
    wanted["filter[created_at][gte]"] = since.strftime("%Y-%m-%dT%H:%M:%SZ")
    return wanted | ({"filter[to][eq]": about.address} if about.address else {})


def _outcome(fax: dict[str, Any], pages: int) -> Outcome:
    """What Telnyx says of a fax of so many pages, in our words."""
    status, confirmed = str(fax.get("status", "")), posting.count(fax.get("page_count"))
    verdict, cause = STATUS.get(status, posting.UNHEARD_OF)
    if status == "failed":
        verdict, cause = REASONS.get(str(fax.get("failure_reason", "")), posting.UNHEARD_OF)
    if verdict is Verdict.DELIVERED and confirmed is not None and confirmed < pages:
        verdict, cause = Verdict.UNKNOWN, Cause.FAX_NO_PROOF
    facts = {name: escape(str(fax[name]), 128) for name in _FACTS if fax.get(name) is not None}
    ref = str(fax["id"]) if posting.is_name(fax.get("id")) else ""
    return Outcome(verdict, cause, escape(json.dumps(fax)), ref, confirmed, {"status": escape(status, 128), **facts})

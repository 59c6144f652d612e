"""Fax through the Sinch Fax API v3, https://fax.api.sinch.com: never tried against the live service.

Written against the vendor's OpenAPI 3.1 description "Fax API 3.0" as of 2026-11 and its npm client @sinch/fax 1.4.0.
One POST a fax, with the pages in it and our reference among its `labels`; Sinch has no key that would make it safe to
repeat. `maxRetries` is 0: Sinch never dials twice, all repeating is ours. Nobody signs its callbacks. So each fax gets
a callback address of its own, which only we could have made, and a callback there only makes us ask. Sinch prints a
header line (a text of ours, the time, page numbers); nobody has seen it yet on a fax of ours that arrived.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import httpx2

from dispatcher.domain.errors import ChannelError, NoticeRejected
from dispatcher.domain.outcome import Outcome, Report, broken_off, escape
from dispatcher.domain.tokens import sign_hint, verify_hint
from dispatcher.domain.words import Cause, Kind, Verdict

from . import posting
from .base import Abilities, CommitPoint, Notice, Parcel, Told, Try
from .hints import retry_after

#: Fax.status. One not in it is UNKNOWN; FAILURE is told by its error.
STATUS: dict[str, posting.Meaning] = {
    "QUEUED": (Verdict.ACCEPTED, Cause.NONE),
    "IN_PROGRESS": (Verdict.ACCEPTED, Cause.NONE),
    "COMPLETED": (Verdict.DELIVERED, Cause.NONE),  # and not with a page too few, see _outcome
}
_CUT: posting.Meaning = (Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE)  # the pages decide: broken_off
_LATER: posting.Meaning = (Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE)
_MACHINE: posting.Meaning = (Verdict.DEFERRED, Cause.FAX_VOICE)
_PAPER: posting.Meaning = (Verdict.REFUSED, Cause.CONTENT_INVALID)

#: (errorType, errorCode): a code alone means nothing, 133 is in two families. Source: the description's FaxError,
#: CallError and DocumentConversionError.
ERRORS: dict[tuple[str, int], posting.Meaning] = {
    ("CALL_ERROR", 11): _LATER,  # the call dropped prematurely
    ("CALL_ERROR", 15): (Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),  # congestion
    ("CALL_ERROR", 16): (Verdict.DEFERRED, Cause.FAX_NO_ANSWER),
    ("CALL_ERROR", 17): (Verdict.DEFERRED, Cause.FAX_BUSY),
    ("CALL_ERROR", 19): (Verdict.REFUSED, Cause.FAX_REFUSED),  # immediate hangup
    ("CALL_ERROR", 30): _MACHINE,  # no answer from a fax machine
    ("CALL_ERROR", 32): (Verdict.REFUSED, Cause.FAX_REFUSED),  # incompatible destination
    ("CALL_ERROR", 34): (Verdict.REFUSED, Cause.FAX_BAD_NUMBER),
    ("CALL_ERROR", 43): (Verdict.DEFERRED, Cause.FAX_NO_ANSWER),  # problem establishing connection
    ("CALL_ERROR", 49): (Verdict.REFUSED, Cause.FAX_BAD_NUMBER),
    **dict.fromkeys([("FAX_ERROR", code) for code in (13, 14, 38, 132)], _MACHINE),
    **dict.fromkeys([("FAX_ERROR", code) for code in (12, 22, 28, 41, 80)], _LATER),  # before the first page
    ("FAX_ERROR", 48): (Verdict.DEFERRED, Cause.FAX_NO_ANSWER),
    **dict.fromkeys([("FAX_ERROR", code) for code in (40, 44)], (Verdict.DEFERRED, Cause.FAX_NO_ANSWER)),
    **dict.fromkeys([("FAX_ERROR", code) for code in (7, 25, 31, 68)], (Verdict.REFUSED, Cause.FAX_REFUSED)),
    **dict.fromkeys([("FAX_ERROR", code) for code in (6, 8, 10, 18, 20, 21, 26, 29, 53, 60, 63)], _CUT),
    **dict.fromkeys([("FAX_ERROR", code) for code in (75, 76, 77, 79, 82, 84, 117, 119, 131)], _CUT),
    ("FAX_ERROR", 46): (Verdict.REFUSED, Cause.FAX_NO_CREDIT),
    ("FAX_ERROR", 113): _PAPER,
    ("FAX_ERROR", 133): (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),  # this number is not permitted
    **dict.fromkeys([("DOCUMENT_CONVERSION_ERROR", code) for code in (4, 54, 55, 57, 69, 122)], _PAPER),
    **dict.fromkeys([("DOCUMENT_CONVERSION_ERROR", code) for code in (128, 129, 130, 133)], _PAPER),
}
#: Errors in the middle of a call, or at a time that nobody tells: how many pages were confirmed decides.
MID_CALL = frozenset((kind, code) for (kind, code), meaning in ERRORS.items() if meaning is _CUT)

#: Why a request was not taken: the field that is wrong (a 400 or 422 names it), else the status. All of them are
#: answers below 500 and prove that nothing was taken. UNSENT: unfit for every letter, not just this one.
REFUSALS: dict[str, posting.Meaning] = {
    "to": (Verdict.REFUSED, Cause.FAX_BAD_NUMBER),
    "files": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "from": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "serviceId": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "callbackUrl": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
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

LABEL, PAGES_LABEL = "dispatcher-attempt", "dispatcher-pages"
HEADER_LENGTH = 50  #: of headerText
#: How far back is asked where it is not known when a fax was sent; unasked, Sinch lists the last week alone.
LONG_AGO = timedelta(days=90)
PAGE_SIZE, MOST_PAGES = 1000, 40
_FACTS = ("status", "errorType", "errorCode", "errorMessage", "retryCount", "completedTime", "from")


@dataclass(frozen=True, slots=True)
class Account:
    """Who we are at Sinch, and how a fax leaves from there."""

    project: str
    key: str
    secret: str
    number: str = ""  #: E.164; '' is the first of the account
    service: str = ""  #: '' is the project's default
    #: Sender ('' is the letter's) and number, for Sinch's own header line; None: we print ours, and theirs is bare.
    header: tuple[str, str] | None = None
    zone: str = "UTC"  #: of the time in their header line


class SinchChannel:
    """One project. It may have many letters under way at once; each request has a connection of its own."""

    kind = Kind.FAX
    routes: tuple[str, ...] = ()

    def __init__(
        self,
        account: Account,
        callback_url: str,
        *,
        now: Callable[[], datetime],
        url: str = "https://fax.api.sinch.com",
        timeout: float = 60.0,
        name: str = "sinch",
    ) -> None:
        """`timeout` in seconds, for each step; '' as `callback_url`: only asked."""
        self.name = name
        self.abilities = Abilities(
            asks=True,
            speaks_back=True,
            only_hints=True,
            proves=True,
            confirms_pages=True,
            prints_header=account.header is not None,
        )
        self._account, self._callback_url, self._now = account, callback_url.rstrip("/"), now
        self._faxes = f"{url.rstrip('/')}/v3/projects/{quote(account.project, safe='')}/faxes"
        self._client = posting.client(timeout, auth=(account.key, account.secret))

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        content = json.dumps(self._request(parcel)).encode()
        body = posting.Body(content, parcel.document, commit)
        headers = {"content-type": "application/json"}
        reply = await posting.post(self._client, self._faxes, body, len(content), headers, self.name)
        return reply if isinstance(reply, Outcome) else self._answered(reply, body.left)

    def _request(self, parcel: Parcel) -> dict[str, Any]:
        account = self._account
        given = {
            "to": parcel.address,
            "files": [{"file": base64.b64encode(parcel.document).decode("ascii"), "fileType": "TIF"}],
            "headerText": _header(account.header, parcel),
            "headerPageNumbers": account.header is not None,
            "headerTimeZone": account.zone,
            "resolution": "FINE",
            "imageConversionMethod": "MONOCHROME",  # the pages are black and white; halftones would only blur them
            "maxRetries": 0,
            "labels": {LABEL: parcel.attempt_id, PAGES_LABEL: str(parcel.pages)},
        }
        optional = {"from": account.number, "serviceId": account.service, "callbackUrl": self._callback(parcel)}
        if self._callback_url:
            optional["callbackUrlContentType"] = "application/json"
        return given | {name: value for name, value in optional.items() if value}

    def _callback(self, parcel: Parcel) -> str:
        """Where Sinch calls back about this one fax: nobody else can make such an address."""
        token = sign_hint(self._account.secret, self.name, parcel.attempt_id)
        return f"{self._callback_url}/{token}" if self._callback_url else ""

    def _answered(self, reply: httpx2.Response, left: bool) -> Outcome:
        fax = posting.parse(reply.content)
        ref = fax.get("id")
        if reply.status_code == 200 and posting.is_name(ref) and left:
            detail = posting.words(reply)
            return Outcome(
                Verdict.ACCEPTED, detail=detail, ref=str(ref), facts={"gateway": self._faxes}, route=self.name
            )
        return self._refused(reply, left)

    def _refused(self, reply: httpx2.Response, left: bool) -> Outcome:
        named = [*_violations(reply), f"http {reply.status_code}"]
        wait = retry_after(reply.headers.get("retry-after", ""), self._now())
        return posting.judged(reply, left, named, REFUSALS, wait, self.name)

    async def probe(self, route: str = "") -> Outcome:
        """The first entry of the list of faxes: whoever gives it knows our key, and is at work."""
        return (await self._knock()).knock

    async def look(self) -> Told:
        """The same, with its clock, for the doctor. Sinch tells no balance here."""
        return await self._knock()

    async def _knock(self) -> Told:
        try:
            reply = await self._client.get(self._faxes, params={"pageSize": "1"})
        except httpx2.RequestError as error:
            return Told(posting.unclear(posting.broken(error), False, self.name))
        if reply.status_code == 200 and isinstance(posting.parse(reply.content).get("faxes"), list):
            knock = Outcome(Verdict.ACCEPTED, detail="it lists our faxes", route=self.name)
        else:
            knock = posting.unfit(self._refused(reply, left=False), self.name)
        return Told(knock, posting.clock_of(reply))

    # -- asking

    async def ask(self, attempt_id: str, ref: str, about: Try | None = None) -> Outcome:
        """By Sinch's name for it, else by ours in the list. Only a whole list without it proves that none was taken."""
        try:
            if not ref:
                return await self._listed(attempt_id, about)
            reply = await self._client.get(f"{self._faxes}/{quote(ref, safe='')}")
        except httpx2.RequestError as error:
            return posting.silent(posting.broken(error), ref)
        fax = posting.parse(reply.content)
        if reply.status_code != 200 or not fax:
            return posting.silent(posting.words(reply), ref)
        if _labels(fax).get(LABEL) != attempt_id:
            return posting.another(ref)
        return _outcome(fax)

    async def _listed(self, attempt_id: str, about: Try | None) -> Outcome:
        mine: list[Outcome] = []
        for page in range(1, MOST_PAGES + 1):
            reply = await self._client.get(self._faxes, params=self._filter(about, page))
            found = posting.parse(reply.content)
            faxes, total = found.get("faxes"), posting.count(found.get("totalPages"))
            if reply.status_code != 200 or not isinstance(faxes, list) or total is None:
                return posting.silent(posting.words(reply))
            mine += [_outcome(fax) for fax in faxes if _labels(fax).get(LABEL) == attempt_id]
            if page >= total:
                return posting.furthest(mine) if mine else posting.not_listed(about, self._now())
        if mine:
            return posting.furthest(mine)
        return posting.silent("the gateway's list of faxes has no end")

    def _filter(self, about: Try | None, page: int) -> dict[str, str]:
        since = about.opened_at - posting.CLOCK_MARGIN if about else self._now() - LONG_AGO
        wanted = {
            "direction": "OUTBOUND",
            "createTime>": since.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),  # the '=' of '>=' comes after it
            "page": str(page),
            "pageSize": str(PAGE_SIZE),
        }
        return wanted | ({"to": about.address} if about and about.address else {})

    # -- hearing

    async def hear(self, notice: Notice) -> list[Report]:
        """What Sinch says when it is asked, now that somebody who knows the address says that there is news.

        Raises ChannelError when it cannot be asked now: then Sinch calls again later.
        """
        attempt_id = verify_hint(self._account.secret, self.name, notice.extra.get("token", ""))
        if attempt_id is None:
            raise NoticeRejected("the callback did not come to an address of ours")
        fax = posting.parse(notice.body).get("fax")
        ref = fax.get("id") if isinstance(fax, dict) else None
        if not posting.is_name(ref) and not notice.extra.get("cut"):  # it may carry all pages, and then be cut short
            raise NoticeRejected("the callback does not say which fax it is about")
        outcome = await self.ask(attempt_id, str(ref) if posting.is_name(ref) else "")
        if outcome.cause is Cause.FAX_GATEWAY_UNREACHABLE and outcome.verdict is Verdict.UNKNOWN:
            raise ChannelError(f"{self.name} cannot be asked now: {outcome.detail}")
        if not outcome.facts:
            raise NoticeRejected("the callback is about a fax that the gateway does not know as ours")
        event = f"{outcome.ref}/{outcome.facts.get('status', '')}/{outcome.verdict}/{outcome.cause}"
        return [Report(attempt_id, event, outcome, notice.body)]

    async def aclose(self) -> None:
        await self._client.aclose()


def _header(given: tuple[str, str] | None, parcel: Parcel) -> str:
    """Sender and number, at most as long as Sinch prints; the number is never cut, nor that it was sent before."""
    if given is None:
        return ""
    name, number = given
    rest = f"{number}, sent again" if parcel.again else number
    return f"{(name or parcel.sender_name)[: HEADER_LENGTH - len(rest) - 1]} {rest}".strip()


def _labels(fax: object) -> Mapping[str, Any]:
    labels = fax.get("labels") if isinstance(fax, dict) else None
    return labels if isinstance(labels, dict) else {}


def _violations(reply: httpx2.Response) -> list[str]:
    """The fields that a 400 or 422 names; [] where it names none."""
    details = posting.parse(reply.content).get("details")
    found = details.get("fieldViolations") if isinstance(details, dict) else None
    if reply.status_code not in (400, 422) or not isinstance(found, list):
        return []
    return [str(one.get("field", "")) for one in found if isinstance(one, dict)]


def _outcome(fax: Mapping[str, Any]) -> Outcome:
    """What Sinch says of a fax, in our words."""
    confirmed, total = posting.count(fax.get("pagesSentSuccessfully")), posting.count(fax.get("numberOfPages"))
    ours = str(_labels(fax).get(PAGES_LABEL, ""))
    pages = max(total or 0, int(ours) if ours.isdecimal() and len(ours) < 5 else 0)
    status = str(fax.get("status", ""))
    verdict, cause = STATUS.get(status, posting.UNHEARD_OF)
    if status == "FAILURE":
        verdict, cause = _failed(fax, confirmed, pages)
    if verdict is Verdict.DELIVERED and min(one for one in (confirmed, total, pages) if one is not None) < pages:
        verdict, cause = Verdict.UNKNOWN, Cause.FAX_NO_PROOF
    facts = {name: escape(str(fax[name]), 128) for name in _FACTS if fax.get(name) is not None}
    ref = str(fax["id"]) if posting.is_name(fax.get("id")) else ""
    return Outcome(verdict, cause, escape(json.dumps(dict(fax))), ref, confirmed, facts)


def _failed(fax: Mapping[str, Any], confirmed: int | None, pages: int) -> posting.Meaning:
    code = fax.get("errorCode")
    error = (str(fax.get("errorType", "")), code if isinstance(code, int) else -1)
    meaning = ERRORS.get(error, posting.UNHEARD_OF)
    if meaning[0] is not Verdict.DEFERRED or (error not in MID_CALL and not confirmed):
        return meaning
    return broken_off(confirmed, pages)

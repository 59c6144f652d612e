"""Fax through the InterFAX REST API, https://rest.interfax.net: never tried against the live service.

Written against Upland's help pages "Send fax", "Get fax record", "Fax status codes" and "System limitations" as of
2026-11 and the vendor's Python client of 2021. One POST a fax, the pages as its body, our reference in its address;
InterFAX has no key that would make it safe to repeat. `retriesToPerform` is 1: at most one call more than the first, by
InterFAX itself. It takes six questions a minute, whatever they are about; more are not asked. Nobody signs its
callbacks: they come to an address that only we could have made, and only make us ask. It prints no header line unless
the account says so.
"""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, quote

import httpx2

from dispatcher.domain.errors import ChannelError, NoticeRejected
from dispatcher.domain.outcome import Outcome, Report, broken_off, escape
from dispatcher.domain.tokens import sign_hint, verify_hint
from dispatcher.domain.words import Cause, Kind, Verdict

from . import posting
from .base import Abilities, CommitPoint, Notice, Parcel, Told, Try
from .hints import retry_after

_BUSY: posting.Meaning = (Verdict.DEFERRED, Cause.FAX_BUSY)
_NO_ANSWER: posting.Meaning = (Verdict.DEFERRED, Cause.FAX_NO_ANSWER)
_WRONG: posting.Meaning = (Verdict.REFUSED, Cause.FAX_BAD_NUMBER)
_NO: posting.Meaning = (Verdict.REFUSED, Cause.FAX_REFUSED)
LINE: posting.Meaning = (Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE)  # the pages decide, see broken_off

#: Positive values of `status`. Negative ones are under way, 0 is every page confirmed; one not in it is UNKNOWN.
STATUS: dict[int, posting.Meaning] = {
    **dict.fromkeys((263, 3931, 3933, 3937, 6017, 8025), _BUSY),
    **dict.fromkeys((3935, 6018, 8021), _NO_ANSWER),
    3936: (Verdict.DEFERRED, Cause.FAX_VOICE),
    **dict.fromkeys((6021, 6029), _NO),
    **dict.fromkeys((3912, 3932, 3938, 6001, 6022, 6027, 6028), _WRONG),
    **dict.fromkeys((6088, 6096, 6099, 6100), _NO),  # incompatible destination
    **dict.fromkeys((2, 12, 3072, 3080, 3224, 3225, 3230, 3231, 3233, 3268, 3300, 3510, 3830, 8010), LINE),
    **dict.fromkeys((1, 256), LINE),  # "disconnected after several minutes without a page break or confirmation"
    **dict.fromkeys((204000, 204001), (Verdict.REFUSED, Cause.CONTENT_INVALID)),
    205000: (Verdict.REFUSED, Cause.FAX_NO_CREDIT),
}
ACCEPTED: posting.Meaning = (Verdict.ACCEPTED, Cause.NONE)

#: Why a request was not taken: the `code` in the answer, else the status. All of them prove that nothing was taken.
REFUSALS: dict[str, posting.Meaning] = {
    "code -111": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),  # a developer's account: one number only
    "http 400": (Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED),
    "http 401": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "http 402": (Verdict.UNSENT, Cause.FAX_NO_CREDIT),
    "http 403": (Verdict.UNSENT, Cause.FAX_PROVIDER_REJECTED),
    "http 404": (Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE),
    "http 405": (Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE),
    "http 413": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "http 415": (Verdict.REFUSED, Cause.CONTENT_INVALID),
    "http 429": (Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE),
}

RETRIES = 1
QUESTIONS = 6  #: a minute, and no more: "System limitations"
_MINUTE = timedelta(minutes=1)
#: Where our reference comes back, whichever page is right.
_REFERENCES = ("reference", "userReference", "subject")
_FACTS = ("status", "duration", "attemptsMade", "completionTime", "units", "costPerUnit")
_DOOR = "callbacks"  #: what the token of the one address stands for


class InterfaxChannel:
    """One account. It may have many letters under way at once; each request has a connection of its own."""

    kind = Kind.FAX
    routes: tuple[str, ...] = ()
    abilities = Abilities(
        asks=True, speaks_back=True, only_hints=True, proves=True, confirms_pages=True, retries_itself=True
    )

    def __init__(
        self,
        user: str,
        password: str,
        *,
        now: Callable[[], datetime],
        url: str = "https://rest.interfax.net",
        timeout: float = 60.0,
        questions: int = QUESTIONS,
        name: str = "interfax",
    ) -> None:
        """`timeout` in seconds, for each step; `questions` a minute, of this process alone."""
        self.name = name
        self._password, self._now, self._url, self._questions = password, now, url.rstrip("/"), questions
        self._asked: deque[datetime] = deque(maxlen=questions)
        self._client = posting.client(timeout, auth=(user, password))

    @property
    def door(self) -> str:
        """The last part of the address that is to be set in the account as its web feedback."""
        return sign_hint(self._password, self.name, _DOOR)

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        body = posting.Body(parcel.document, parcel.document, commit)
        wanted = {"faxNumber": parcel.address, "reference": parcel.attempt_id, "retriesToPerform": RETRIES}
        wanted |= {"resolution": "fine", "rendering": "bw", "pageSize": "a4", "fitToPage": "noscale"}
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in wanted.items())
        url, headers = f"{self._url}/outbound/faxes?{query}", {"content-type": "image/tiff"}
        reply = await posting.post(self._client, url, body, len(parcel.document), headers, self.name)
        return reply if isinstance(reply, Outcome) else self._answered(reply, body.left)

    def _answered(self, reply: httpx2.Response, left: bool) -> Outcome:
        ref = reply.headers.get("location", "").rstrip("/").rpartition("/")[2]
        if reply.status_code == 201 and ref.isascii() and ref.isdecimal() and left:
            detail = posting.words(reply)
            return Outcome(Verdict.ACCEPTED, detail=detail, ref=ref, facts={"gateway": self._url}, route=self.name)
        return self._refused(reply, left)

    def _refused(self, reply: httpx2.Response, left: bool) -> Outcome:
        named = (f"code {posting.parse(reply.content).get('code')}", f"http {reply.status_code}")
        wait = retry_after(reply.headers.get("retry-after", ""), self._now())
        return posting.judged(reply, left, named, REFUSALS, wait, self.name)

    async def probe(self, route: str = "") -> Outcome:
        """The account's balance: whoever tells it knows our key, and is at work."""
        return (await self.look()).knock

    async def look(self) -> Told:
        """The same, with its clock, the balance, and the address to set in the account, for the doctor."""
        try:
            reply = await self._client.get(f"{self._url}/accounts/self/ppcards/balance")
        except httpx2.RequestError as error:
            return Told(posting.unclear(posting.broken(error), False, self.name), door=self.door)
        if reply.status_code != 200:
            knock = posting.unfit(self._refused(reply, left=False), self.name)
            return Told(knock, posting.clock_of(reply), door=self.door)
        knock = Outcome(Verdict.ACCEPTED, detail="it tells our balance", route=self.name)
        return Told(knock, posting.clock_of(reply), escape(reply.text.strip('" \r\n'), 40), self.door)

    # -- asking

    async def ask(self, attempt_id: str, ref: str, about: Try | None = None) -> Outcome:
        """By InterFAX' name for it, else by our reference; only an empty answer to that proves that none was taken."""
        try:
            reply = await self._get(f"faxes/{quote(ref, safe='')}" if ref else f"search?reference={quote(attempt_id)}")
        except httpx2.RequestError as error:
            return posting.silent(posting.broken(error), ref)
        if reply is None:
            return posting.silent(f"asked {self._questions} times this minute; it takes no more questions", ref)
        found = _faxes(reply)
        if reply.status_code != 200 or found is None:
            return posting.silent(posting.words(reply), ref)
        if not found:
            return posting.not_listed(about, self._now())
        if not all(attempt_id in (_references(fax) or [attempt_id]) for fax in found):
            return posting.another(ref)
        return posting.furthest([_outcome(fax) for fax in found])

    async def _get(self, path: str) -> httpx2.Response | None:
        """An answer; None when all questions of this minute were asked."""
        now = self._now()
        if len(self._asked) == self._questions and now - self._asked[0] < _MINUTE:
            return None
        self._asked.append(now)
        return await self._client.get(f"{self._url}/outbound/{path}")

    # -- hearing

    async def hear(self, notice: Notice) -> list[Report]:
        """What InterFAX says when it is asked, now that somebody who knows the address says that there is news.

        Raises ChannelError when it cannot be asked now.
        """
        if verify_hint(self._password, self.name, notice.extra.get("token", "")) != _DOOR:
            raise NoticeRejected("the callback did not come to the address of ours")
        ref = _transaction(notice.body)
        if not ref:
            raise NoticeRejected("the callback does not say which fax it is about")
        try:
            reply = await self._get(f"faxes/{ref}")
        except httpx2.RequestError as error:
            raise ChannelError(f"{self.name} cannot be asked now: {posting.broken(error)}") from error
        if reply is None or reply.status_code >= 500 or reply.status_code == 429:
            raise ChannelError(f"{self.name} cannot be asked now")
        (fax, *_) = _faxes(reply) or [{}]
        ours = next(iter(_references(fax)), "")
        if reply.status_code != 200 or not posting.is_name(ours):
            raise NoticeRejected("the callback is about a fax that the gateway does not know as ours")
        outcome = _outcome(fax)
        event = f"{outcome.ref}/{outcome.facts.get('status', '')}/{outcome.verdict}"
        return [Report(ours, event, outcome, notice.body)]

    async def aclose(self) -> None:
        await self._client.aclose()


def _transaction(body: bytes) -> str:
    """TransactionID of the form; '' where there is none."""
    if len(body) > posting.NOTICE_LIMIT:
        return ""
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=100) if b"&" in body or b"=" in body else {}
    (ref, *_) = fields.get("TransactionID") or [""]
    return ref if ref.isascii() and ref.isdecimal() and len(ref) < 20 else ""


def _faxes(reply: httpx2.Response) -> list[dict[str, Any]] | None:
    """The faxes in an answer, of one or of many; None when it is anything else."""
    try:
        value = json.loads(reply.content)
    except (ValueError, RecursionError):
        return None
    found = value if isinstance(value, list) else [value]
    return found if all(isinstance(one, dict) and "status" in one for one in found) else None


def _references(fax: Mapping[str, Any]) -> list[str]:
    return [str(fax[name]) for name in _REFERENCES if fax.get(name)]


def _outcome(fax: Mapping[str, Any]) -> Outcome:
    """What InterFAX says of a fax, in our words. Success is every page that was submitted."""
    confirmed, pages = posting.count(fax.get("pagesSent")), posting.count(fax.get("pagesSubmitted"))
    status = fax.get("status")
    verdict, cause = posting.UNHEARD_OF
    if isinstance(status, int) and status < 0:
        verdict, cause = ACCEPTED
    elif status == 0 and status is not False:
        whole = confirmed is not None and confirmed == pages != 0
        verdict, cause = (Verdict.DELIVERED, Cause.NONE) if whole else (Verdict.UNKNOWN, Cause.FAX_NO_PROOF)
    elif isinstance(status, int):
        verdict, cause = STATUS.get(status, posting.UNHEARD_OF)
        if verdict is Verdict.DEFERRED and ((verdict, cause) == LINE or confirmed):
            verdict, cause = broken_off(confirmed, pages or 0)
    facts = {name: escape(str(fax[name]), 128) for name in _FACTS if fax.get(name) is not None}
    facts |= {"station_id": escape(str(fax["remoteCSID"]), 40)} if fax.get("remoteCSID") else {}
    return Outcome(verdict, cause, escape(json.dumps(dict(fax))), str(fax.get("id", ""))[:20], confirmed, facts)

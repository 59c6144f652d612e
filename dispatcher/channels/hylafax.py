"""Fax through a HylaFAX server of one's own, over its own protocol. Checked against hfaxd 6.0.7 of Debian 12 with two
software modems on a real T.30 line (`make test-fax`); written for HylaFAX+ too, and never run against one.

The point of no return is JSUBM: a document and a job vanish with the connection that made them. The job carries our
attempt as its JOBINFO, so that it is found again in the queues; and an absolute end, after which the server refuses a
JSUBM that it slept over. So once that end has passed, and as long as the server keeps what is done, "no such job" is
proof. Nobody calls back: the queues are asked.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dispatcher.domain.address import parse_fax
from dispatcher.domain.errors import NoticeRejected, Problem, UserError
from dispatcher.domain.outcome import Outcome, Report, escape
from dispatcher.domain.words import Cause, Kind, Verdict

from .base import Abilities, CommitPoint, Notice, Parcel, Seen, Try
from .hylafax_results import DONE, FAILED, Job, outcome_of
from .hylafax_wire import Broken, Conversation, Refused, Server, minute, open_conversation, span
from .smtp import unfit

#: A refusal of these is about the letter; of any other command, about our place at the server.
ABOUT_THE_LETTER = frozenset({"STOT", "JPARM DIALSTRING", "JPARM EXTERNAL", "JPARM DOCUMENT"})
#: SENDTIME and LASTTIME count in minutes, and the two sides' answers cross.
MARGIN = timedelta(minutes=3)
#: BEGBR: the signalling rate at which a call begins, by HylaFAX' own number for it (class2.h): 3 is 9600 bit/s, which
#: every Group 3 machine can do (V.29) and a bad line bears better. Unasked it begins with the fastest.
SLOWER = 3
#: Of several jobs with one tag, the one that came furthest speaks for the attempt.
_FURTHEST = (Verdict.DELIVERED, Verdict.UNKNOWN, Verdict.ACCEPTED, Verdict.REFUSED, Verdict.DEFERRED)
_TAG = re.compile(r"[A-Za-z0-9._-]{1,120}")
_TIFF = (b"II*\0", b"MM\0*")
_STATION = re.compile(r"REMOTE (?:CSI|TSI) \"([^\"]{1,40})\"")


@dataclass(frozen=True, slots=True)
class Calls:
    """How the server calls."""

    dial: str = "{e164}"  #: with {e164} (+ and digits) or {digits}; the server's own dial rules come after it
    modem: str = "any"  #: a modem, or a group of them
    dials: int = 1  #: calls until a fax machine is spoken to
    tries: int = 1  #: calls in which a fax machine was spoken to
    end: timedelta = timedelta(minutes=50)  #: what is not sent by then is given up
    keeps: timedelta = timedelta(minutes=15)  #: what is over stays in the queue 'doneq' at least so long
    error_correction: bool = True
    connections: int = 4  #: at once

    def number(self, address: str) -> str:
        """What is dialled for a +E.164 number."""
        return self.dial.replace("{e164}", address).replace("{digits}", address.removeprefix("+"))


class HylafaxChannel:
    """The channel 'hylafax': one server, a connection for each letter."""

    name = "hylafax"
    kind = Kind.FAX
    routes: tuple[str, ...] = ()

    def __init__(
        self,
        server: Server,
        calls: Calls | None = None,
        *,
        now: Callable[[], datetime],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`now` is the time of day; `clock` counts the seconds of a Permit."""
        self._server, self._calls, self._now, self._clock = server, calls or Calls(), now, clock
        self._places = asyncio.Semaphore(self._calls.connections)
        again = self._calls.dials > 1 or self._calls.tries > 1
        self.abilities = Abilities(asks=True, proves=True, confirms_pages=True, retries_itself=again)

    # -- sending

    async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
        left = False
        try:
            _check(parcel)
            async with self._places, open_conversation(self._server) as talk:
                job = await self._lay_out(talk, parcel)
                permit = await commit(parcel.document)
                if talk.spoke:
                    raise Broken("the server spoke or hung up before the job was submitted")
                if self._clock() >= permit.until:
                    return Outcome(Verdict.UNSENT, Cause.WORKER_LOST, "the leave to send ran out before the job left")
                talk.submit(job)
                left = True
                reply = await talk.answer()
                talk.part()
        except UserError as exc:
            return unfit(exc)
        except Refused as refusal:
            return self._refused(refusal)
        except Broken as error:
            return self._unclear(escape(str(error)), left=left)
        if reply.code == 200 and re.search(rf"\b{job}\b", reply.text):
            facts = {"gateway": f"{self._server.host}:{self._server.port}"}
            return Outcome(Verdict.ACCEPTED, detail=escape(str(reply)), ref=job, facts=facts, route=self.name)
        # Even a 4xx proves nothing: hfaxd has written the job into its queue before it asks the scheduler.
        return self._unclear(escape(str(reply)), left=True)

    async def _lay_out(self, talk: Conversation, parcel: Parcel) -> str:
        """Everything but JSUBM; the number of the job."""
        document = await talk.store(parcel.document)
        size = await talk.size(document)
        if size != len(parcel.document):
            raise Broken(f"the server holds {size} of {len(parcel.document)} bytes")
        begun = await talk.written(document)
        job = await talk.new_job()
        for name, value in self._parameters(parcel, begun):
            await talk.set(name, value)
        await talk.set("DOCUMENT", document)
        return job

    def _parameters(self, parcel: Parcel, begun: datetime) -> list[tuple[str, str | int]]:
        """`begun` by the server's clock. The length of A4 in full: HylaFAX would scale a longer page down to it."""
        calls = self._calls
        return [
            ("JOBINFO", parcel.attempt_id),
            ("REGARDING", f"pages {parcel.pages}"),
            ("FROMUSER", self._server.user),
            ("DIALSTRING", calls.number(parcel.address)),
            ("EXTERNAL", parcel.address),
            ("MODEM", calls.modem),
            ("NOTIFY", "none"),
            ("SENDTIME", minute(begun)),
            ("LASTTIME", span(calls.end // timedelta(minutes=1))),
            ("MAXDIALS", calls.dials),
            ("MAXTRIES", calls.tries),
            ("VRES", 196),
            ("PAGEWIDTH", 215),
            ("PAGELENGTH", 297),
            ("PAGECHOP", "none"),
            ("USEECM", "yes" if calls.error_correction else "no"),
            *([("BEGBR", SLOWER)] if parcel.slower else []),
            ("USETAGLINE", "yes"),
            ("TAGLINE", ""),  # an empty one: ours stands in the page
        ]

    def _refused(self, refusal: Refused) -> Outcome:
        detail, passing = escape(str(refusal)), refusal.code < 500
        cause = Cause.FAX_GATEWAY_UNREACHABLE if passing else Cause.FAX_PROVIDER_REJECTED
        if refusal.verb in ABOUT_THE_LETTER:
            return Outcome(Verdict.DEFERRED if passing else Verdict.REFUSED, cause, detail, route=self.name)
        return Outcome(Verdict.UNSENT, cause, detail, pause_route=self.name)

    def _unclear(self, detail: str, *, left: bool) -> Outcome:
        if left:
            return Outcome(Verdict.UNKNOWN, Cause.FAX_NO_ANSWER_AFTER_SUBMIT, detail)
        return Outcome(Verdict.UNSENT, Cause.FAX_GATEWAY_UNREACHABLE, detail, pause_route=self.name)

    # -- asking

    async def ask(self, attempt_id: str, ref: str, about: Try | None = None) -> Outcome:
        """By the job's number, else by our tag in both queues."""
        try:
            async with open_conversation(self._server) as talk:
                numbers = [ref] if ref and await _knows(talk, ref) else await _with_tag(talk, attempt_id)
                jobs = [await _read(talk, number) for number in numbers]
                outcomes = [await _with_station(talk, outcome_of(job), job) for job in jobs]
                talk.part()
        except (Broken, Refused) as error:
            return Outcome(Verdict.UNKNOWN, Cause.FAX_GATEWAY_UNREACHABLE, escape(str(error)), ref)
        if any(job.tag != attempt_id for job in jobs):
            return Outcome(Verdict.UNKNOWN, Cause.FAX_NO_PROOF, "the server answered about another job", ref)
        if outcomes:
            return min(outcomes, key=lambda outcome: _FURTHEST.index(outcome.verdict))
        if ref:
            detail = f"the server no longer knows job {escape(ref, 40)}"
            return Outcome(Verdict.UNKNOWN, Cause.FAX_NO_PROOF, detail, ref)
        return self._absent(about)

    def _absent(self, about: Try | None) -> Outcome:
        """No job has our tag. That is proof from its end on, as long as the server would still show it."""
        detail = "the server has no job with our tag"
        age = self._now() - about.left_at if about else None
        if age is None or self._calls.end + MARGIN <= age <= self._calls.keeps:
            return Outcome(Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE, detail)
        why = "it no longer shows what is so old" if age > self._calls.keeps else "it could still come to it"
        return Outcome(Verdict.UNKNOWN, Cause.FAX_GATEWAY_UNREACHABLE, f"{detail}, and {why}")

    async def probe(self, route: str = "") -> Outcome:
        """Sign in, and see whether the scheduler is at work."""
        try:
            seen = await self.look()
        except Refused as refusal:
            return replace(self._refused(refusal), verdict=Verdict.UNSENT, pause_route=self.name, route="")
        except Broken as error:
            return self._unclear(escape(str(error)), left=False)
        if not seen.works:
            return self._unclear(seen.work, left=False)
        return Outcome(Verdict.ACCEPTED, detail=seen.release, route=self.name)

    async def look(self) -> Seen:
        """Release, clock, scheduler and modems. Raises Broken, Refused."""
        async with open_conversation(self._server) as talk:
            clock = await talk.written(await talk.store(b"II*\0"))
            await talk.ask('MDMFMT "%m: %s"')
            scheduler, *modems = await talk.listing("status") or ["no scheduler"]
            talk.part()
        works = scheduler.rstrip().endswith(": Running")
        return Seen(escape(talk.greeting), clock, works, escape(scheduler), tuple(map(escape, modems)))

    async def hear(self, notice: Notice) -> list[Report]:
        """HylaFAX calls nobody back; whoever does is not it."""
        raise NoticeRejected("no callback is expected from HylaFAX")

    async def aclose(self) -> None:
        """No connection outlives its letter."""


# -- the letter --------------------------------------------------------------------------------------------------------


def _check(parcel: Parcel) -> None:
    """Raises UserError. HylaFAX dials first, and looks into a document that it cannot send afterwards."""
    try:
        canonical = parse_fax(parcel.address)
    except UserError as exc:
        raise UserError([replace(problem, place="recipient") for problem in exc.problems]) from exc
    if canonical != parcel.address:
        raise UserError(Problem("recipient", "the number is not in canonical form", "", "E_FAX_FORM"))
    if not parcel.document.startswith(_TIFF):
        raise UserError(Problem("document", "the pages are no TIFF", "", "E_ATT_EMPTY"))
    if not _TAG.fullmatch(parcel.attempt_id):
        raise UserError(Problem("attempt", "its name cannot be a job's tag", "", "E_FAX_FORM"))


# -- what the queues say -----------------------------------------------------------------------------------------------


async def _knows(talk: Conversation, number: str) -> bool:
    """Is there a job of this number? One that moves to the other queue just now is not found by it."""
    if not number.isdecimal():
        return False
    try:
        await talk.choose(number)
    except Refused:
        return False
    return True


async def _with_tag(talk: Conversation, attempt_id: str) -> list[str]:
    """The numbers of the jobs with our tag. What is over moves from sendq to doneq, so that one is read first."""
    await talk.ask('JOBFMT "%j|%J"')
    lines = [line for queue in ("sendq", "doneq") for line in await talk.listing(queue)]
    found = [number.strip() for number, _, tag in (line.partition("|") for line in lines) if tag.strip() == attempt_id]
    return list(dict.fromkeys(number for number in found if number.isdecimal()))


async def _read(talk: Conversation, number: str) -> Job:
    await talk.choose(number)
    names = ("JOBINFO", "STATE", "STATUS", "ERRORCODE", "REGARDING", "NPAGES", "TOTPAGES", "TOTDIALS", "TOTTRIES")
    said = {name: await talk.get(name) for name in (*names, "COMMID")}
    return Job(
        number=number,
        tag=said["JOBINFO"],
        state=said["STATE"],
        status=said["STATUS"],
        code=said["ERRORCODE"],
        pages=_count(said["NPAGES"]),
        total=_count(said["TOTPAGES"]),
        sent=_count(said["REGARDING"].removeprefix("pages ")),
        dials=_count(said["TOTDIALS"]),
        tries=_count(said["TOTTRIES"]),
        session=said["COMMID"],
    )


async def _with_station(talk: Conversation, outcome: Outcome, job: Job) -> Outcome:
    """With the far machine's own name for itself, out of the session's log, where we may read it."""
    if job.state not in (DONE, FAILED) or not job.tries or not job.session.isdecimal():
        return outcome
    try:
        log = await talk.read_file(f"log/c{job.session}")
    except (Refused, Broken):  # its absence says nothing of the fax
        return outcome
    names = _STATION.findall(log)
    return replace(outcome, facts=outcome.facts | {"station_id": escape(names[-1], 40)}) if names else outcome


def _count(text: str) -> int | None:
    """A number of pages or calls; None where it is none."""
    return int(text) if text.isdecimal() and len(text) <= 6 else None

"""What HylaFAX says of a job, in our words: a literal table, and the one rule that decides over a broken page.

Sources: sendq(5) of HylaFAX 6.0.7; the texts of its faxsend and faxq, and the error codes that HylaFAX+ puts into them
("Busy signal detected {E001}"). Those of 6.0.7 that name a far end's behaviour were seen on a real T.30 line; what is
not in the table is UNKNOWN.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from dispatcher.domain.outcome import Outcome, broken_off, escape
from dispatcher.domain.words import Cause, Verdict


class Reach(StrEnum):
    """How far the call that ended with a text had come."""

    NO_CALL = "no call"  # no fax machine was spoken to; HylaFAX counts no try
    SETUP = "setup"  # two machines spoke, and no page was begun
    PAGES = "pages"  # a page may have been sent, and its confirmation lost


@dataclass(frozen=True, slots=True)
class Meaning:
    verdict: Verdict
    cause: Cause
    reach: Reach


@dataclass(frozen=True, slots=True)
class Job:
    """A job as hfaxd tells of it (JPARM)."""

    number: str
    tag: str  #: JOBINFO: our attempt
    state: str  #: STATE
    status: str  #: STATUS
    code: str  #: ERRORCODE: 'E333', 'E001'; '' where the release has none
    pages: int | None  #: NPAGES: confirmed, over all calls
    total: int | None  #: TOTPAGES
    sent: int | None  #: pages that we handed in, as noted in the job
    dials: int | None  #: TOTDIALS
    tries: int | None  #: TOTTRIES: calls in which a fax machine was spoken to
    session: str = ""  #: COMMID: its log


#: A job that is not over.
UNDER_WAY = frozenset({"SUSPENDED", "PENDING", "SLEEPING", "BLOCKED", "READY", "ACTIVE"})
DONE, FAILED = "DONE", "FAILED"

_BUSY = Meaning(Verdict.DEFERRED, Cause.FAX_BUSY, Reach.NO_CALL)
_NO_ANSWER = Meaning(Verdict.DEFERRED, Cause.FAX_NO_ANSWER, Reach.NO_CALL)
_NO_FAX = Meaning(Verdict.DEFERRED, Cause.FAX_VOICE, Reach.NO_CALL)
_NO_FAX_SIGNAL = Meaning(Verdict.DEFERRED, Cause.FAX_VOICE, Reach.SETUP)
_NO_LINE = Meaning(Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE, Reach.NO_CALL)
_OURS = Meaning(Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED, Reach.NO_CALL)
_DOCUMENT = Meaning(Verdict.REFUSED, Cause.CONTENT_INVALID, Reach.NO_CALL)
_DECLINED = Meaning(Verdict.REFUSED, Cause.FAX_REFUSED, Reach.SETUP)
_NO_TRAINING = Meaning(Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE, Reach.SETUP)
_LOST = Meaning(Verdict.DEFERRED, Cause.FAX_NO_CARRIER_MID_PAGE, Reach.PAGES)
#: Ended by a person or by the clock, whatever it was doing just then.
_KILLED = Meaning(Verdict.REFUSED, Cause.FAX_PROVIDER_REJECTED, Reach.PAGES)
_TOO_LATE = Meaning(Verdict.DEFERRED, Cause.FAX_GATEWAY_UNREACHABLE, Reach.PAGES)

#: The codes of HylaFAX+ (and of 6.0.7 where it gives one of the first hundred): they count before the text.
CODES: dict[str, Meaning] = {
    "E001": _BUSY,
    "E002": _NO_FAX,
    "E003": _NO_ANSWER,
    "E004": _NO_LINE,
    "E005": _OURS,
    "E007": _NO_FAX,
    "E008": _NO_FAX,
    "E009": _BUSY,  # glare: a call came in as ours went out
    "E010": _OURS,
    "E011": _NO_ANSWER,
    "E012": _NO_FAX,
}

#: How a status text begins; the longest beginning counts. What follows a ';' ("too many attempts to dial") says only
#: that there will be no further call.
TEXTS: dict[str, Meaning] = {
    # the call
    "Busy signal detected": _BUSY,
    "Glare - RING detected": _BUSY,
    "No answer from remote": _NO_ANSWER,
    "No answer or ring back": _NO_ANSWER,
    "Ringback detected, no answer": _NO_ANSWER,
    "No carrier detected": _NO_FAX,
    "Ring detect without successful handshake": _NO_FAX,
    "Data connection established": _NO_FAX,
    "Carrier established, but Phase A failure": _NO_FAX,
    "Unspecified Phase A error": _NO_FAX,
    "No answer (T.30 T1 timeout)": _NO_FAX,
    "No local dialtone": _NO_LINE,
    "No loop current": _NO_LINE,
    "Invalid dialing command": _OURS,
    "Blacklisted by modem": _OURS,
    # our side
    "Unable to configure modem for fax use": _NO_LINE,
    "Can not lock modem device": _NO_LINE,
    "Can not setup modem": _NO_LINE,
    "Kill time expired": _TOO_LATE,
    "Job aborted by request": _KILLED,
    "Job aborted by user": _KILLED,
    "Call aborted by user": _KILLED,
    "Send aborted due to operator intervention": _KILLED,
    "Blocked by concurrent calls": _NO_LINE,
    # the document
    "Document is not valid TIFF": _DOCUMENT,
    "Document is not in a Group 3": _DOCUMENT,
    "Could not reopen converted document": _DOCUMENT,
    "Can not open document file": _DOCUMENT,
    "Can not access document file": _DOCUMENT,
    "Job contains no documents": _DOCUMENT,
    "Rejected document in corrupt job request": _DOCUMENT,
    # phase B
    "No receiver protocol (T.30 T1 timeout)": _NO_FAX_SIGNAL,
    "Remote has no T.4 receiver capability": _DECLINED,
    "Remote cannot receive": _DECLINED,
    "Remote station cannot receive": _DECLINED,
    "RSPREC error/got DCN": _DECLINED,
    "RSPREC invalid response received": _NO_TRAINING,
    "COMREC error in transmit Phase B": _NO_TRAINING,
    "COMREC invalid command received/no DIS or DTC": _NO_TRAINING,
    "DCS sent 3 times without response": _NO_TRAINING,
    "Failure to train": _NO_TRAINING,
    # The far end knows another resolution, and no call was left to send the pages in that: the next job knows it.
    "REJECT: Too many attempts to dial": _NO_TRAINING,
    "Error sending T.30 prologue frames": _NO_TRAINING,
    "Unspecified Transmit Phase B error": _NO_TRAINING,
    # from the first page on
    "No response to ": _LOST,
    "Invalid response to ": _LOST,
    "COMREC ": _LOST,
    "Remote fax disconnected prematurely": _LOST,
    "Unable to transmit page": _LOST,
    "Unable to establish message carrier": _LOST,
    "Giving up after 3 attempts to send same page": _LOST,
    "Failure to transmit clean ECM image data": _LOST,
    "Failure to raise V.21 transmission carrier": _LOST,
    "Stop and wait failure": _LOST,
    "Timeout waiting for Phase C carrier drop": _LOST,
    "Fax protocol error": _LOST,
    "Unspecified Transmit Phase C error": _LOST,
    "Unspecified Transmit Phase D error": _LOST,
}
_UNHEARD_OF = Meaning(Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE, Reach.PAGES)
_CODE = re.compile(r"\bE\d{3}\b")


def outcome_of(job: Job) -> Outcome:
    """What a job came to. Success is every page confirmed, never the word alone."""
    verdict, cause = _judged(job)
    return Outcome(verdict, cause, _told(job), job.number, job.pages, _facts(job))


def _judged(job: Job) -> tuple[Verdict, Cause]:
    if job.state in UNDER_WAY:
        return Verdict.ACCEPTED, Cause.NONE
    if job.state == DONE:
        return (Verdict.DELIVERED, Cause.NONE) if _whole(job) else (Verdict.UNKNOWN, Cause.FAX_NO_PROOF)
    if job.state != FAILED:
        return Verdict.UNKNOWN, Cause.FAX_UNKNOWN_CODE
    meaning = meaning_of(job.status, job.code)
    if meaning.verdict is not Verdict.UNKNOWN and _may_be_whole(job, meaning.reach):
        return Verdict.UNKNOWN, Cause.FAX_LOST_AFTER_LAST_PAGE
    if meaning.verdict is Verdict.DEFERRED and job.pages:  # of one of its calls, however the last one ended
        return broken_off(job.pages, job.sent or job.total or 0)
    return meaning.verdict, meaning.cause


def meaning_of(status: str, code: str = "") -> Meaning:
    """Of a job that failed: by its code where that is one of the table, else by its text."""
    for found in (code, *_CODE.findall(status)):
        if found in CODES:
            return CODES[found]
    begins = [text for text in TEXTS if status.startswith(text)]
    return TEXTS[max(begins, key=len)] if begins else _UNHEARD_OF


def _whole(job: Job) -> bool:
    """Was every page confirmed, and were they as many as we handed in?"""
    return job.total is not None and job.pages == job.total > 0 and job.sent in (None, job.total)


def _may_be_whole(job: Job, reach: Reach) -> bool:
    """May the far end hold every page, although the job failed?

    Seen on the real line: when the confirmation of a page is lost, the receiver holds one page more than are counted.
    So a failure with at most one page left is a doubt, unless it is certain that no call came as far as a page: no
    machine was spoken to in any call, or only in one that ended before its first page.
    """
    if job.dials == 0:
        return False
    spoken = {Reach.NO_CALL: 0, Reach.SETUP: 1}.get(reach)
    if spoken is not None and job.tries is not None and job.tries <= spoken and not job.pages:
        return False
    total = job.sent or job.total
    return not total or job.pages is None or total - job.pages <= 1


def _told(job: Job) -> str:
    code = f" ({job.code})" if job.code.strip("E0") else ""
    return escape(
        f"job {job.number} {job.state}: {job.status or 'no text'}{code}; "
        f"{_count(job.pages)} of {_count(job.total)} pages, {_count(job.dials)} calls"
    )


def _count(number: int | None) -> str:
    return "?" if number is None else str(number)


def _facts(job: Job) -> dict[str, str]:
    known = {"pages_total": job.total, "dials": job.dials, "tries": job.tries, "session": job.session or None}
    return {"id": job.number, **{name: escape(str(value), 128) for name, value in known.items() if value is not None}}

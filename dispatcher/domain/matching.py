"""Which letter a message that came in is about, and what it says of that letter. Decides on values that are handed in.

Only what cannot be known without our envelope or our letter ties a message to a letter; all else is a guess.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from .incoming import About, Reading
from .model import Delivery
from .outcome import Outcome
from .words import BounceVerdict, Cause, Incoming, Tie, Verdict

#: Points from which a guess is worth a person's look; an own domain, or a recent date, is not enough.
WORTH_A_LOOK = 3
#: A message that comes later than this after a letter is hardly about it.
_LATELY = timedelta(days=45)
#: 'Re:' and its likes, in the languages of mail programs.
_WORDS = "re|aw|antw|sv|vs|ref|rif|tr|fw|fwd|wg|odp|ynt|回复|答复|رد"
_PREFIX = re.compile(rf"^\s*((?:{_WORDS})\s*(?:\[\d+\])?\s*[:\uff1a]\s*)+", re.IGNORECASE)
#: Says that only forged, or very confused, reports have.
_ANOTHER = "it cites another letter of ours than the one whose return path it came to"


@dataclass(frozen=True, slots=True)
class Match:
    """What a message is tied to."""

    tie: Tie = Tie.NONE
    delivery: Delivery | None = None
    attempt_id: str = ""  #: the try that it is about; '' where nobody can tell which of several
    score: int = 0
    reasons: tuple[str, ...] = ()

    @property
    def by_our_envelope(self) -> bool:
        """Could only somebody who handled our envelope have written it?"""
        return self.tie in (Tie.RETURN_PATH, Tie.ENVELOPE_ID)

    @property
    def proven(self) -> bool:
        return self.by_our_envelope or self.tie is Tie.MESSAGE_ID


@dataclass(frozen=True, slots=True)
class Candidate:
    """A letter that a message may be about, when nothing ties it to one."""

    delivery: Delivery
    attempt_id: str
    subject: str
    sent_at: datetime


def cited(reading: Reading, domain: str) -> tuple[str, ...]:
    """The Message-IDs of ours in it, the most telling first: returned, replied to, then the latest reference."""
    found = (reading.original_id, reading.in_reply_to, *reversed(reading.references))
    ours = [one.lower() for one in found if one.lower().endswith(f"@{domain.lower()}>")]
    return tuple(dict.fromkeys(ours))


def contradicted(reading: Reading, match: Match, domain: str) -> str:
    """Why this cannot be about the letter whose return path it came to; '' where nothing speaks against it."""
    ids = cited(reading, domain)[:1] if reading.original_id else ()
    other = match.delivery is not None and ids and ids[0] != match.delivery.message_id
    return _ANOTHER if match.by_our_envelope and other else ""


def guess(reading: Reading, candidates: Iterable[Candidate], now: datetime) -> Match:
    """The likeliest of these letters with the reasons; no letter where none is worth a look."""
    best = Match()
    for one in candidates:
        reasons = list(_reasons(reading, one, now))
        score = sum(points for points, _ in reasons)
        if score >= WORTH_A_LOOK and score > best.score:
            best = Match(Tie.GUESS, one.delivery, one.attempt_id, score, tuple(words for _, words in reasons))
    return best


def _reasons(reading: Reading, one: Candidate, now: datetime) -> Iterable[tuple[int, str]]:
    address = one.delivery.address.lower()
    named = {about.address.lower() for about in reading.recipients}
    if reading.sender.lower() == address:
        yield 3, "it came from the address that the letter went to"
    elif address in named:
        yield 3, "it names the address that the letter went to"
    elif _domain(reading.sender) == _domain(address):
        yield 1, "it came from the same domain"
    if one.subject and _bare(reading.subject) == _bare(one.subject):
        yield 2, "it has the letter's subject"
    elif one.subject and _bare(one.subject) in _bare(reading.subject):
        yield 1, "its subject holds the letter's"
    if timedelta() <= now - one.sent_at <= _LATELY:
        yield 1, "the letter left lately"


def _domain(address: str) -> str:
    return address.rpartition("@")[2].lower()


def _bare(subject: str) -> str:
    return " ".join(_PREFIX.sub("", subject).casefold().split())


# -- what it says of the letter ----------------------------------------------------------------------------------------


def about(recipients: Sequence[About], address: str) -> About | None:
    """What is said of this address: under its own name, or, where it is forwarded, as the only one of its domain.

    None where the report speaks of somebody else: of a letter to one recipient, that is no news of it.
    """
    wanted = address.lower()
    for one in recipients:
        if wanted in (one.address.lower(), one.final.lower()):
            return one
    near = [one for one in recipients if not one.address or _domain(one.address) == _domain(wanted)]
    return near[0] if len(near) == 1 and len(recipients) == 1 else None


def by_name(recipients: Sequence[About], address: str) -> bool:
    """Does it name exactly this address?"""
    return any(address.lower() in (one.address.lower(), one.final.lower()) for one in recipients)


def outcome(kind: Incoming, said: About) -> Outcome:
    """What a report comes to for the try that it is about. "Relayed" is not "delivered"."""
    facts = {name: value for name, value in (("action", said.action), ("status", said.status)) if value}
    facts |= {"remote": said.remote} if said.remote else {}
    verdict, cause = _meaning(kind, said)
    return Outcome(verdict, cause, said.detail or said.status or said.action, facts=facts)


def _meaning(kind: Incoming, said: About) -> tuple[Verdict, Cause]:
    if kind is Incoming.BOUNCE:
        cause = said.cause or Cause.EMAIL_REFUSED
        return (Verdict.DEFERRED if said.verdict is BounceVerdict.SOFT else Verdict.REFUSED), cause
    if kind is Incoming.READ_RECEIPT or (kind is Incoming.DELIVERY_RECEIPT and said.action in ("", "delivered")):
        return Verdict.DELIVERED, Cause.NONE
    return Verdict.ACCEPTED, Cause.NONE  # a delay, or passed on to where no proof comes from


#: An address is barred for so long after a bounce that says that there is no such mailbox: it may be made again.
_NO_MAILBOX = timedelta(days=180)


@dataclass(frozen=True, slots=True)
class Bar:
    """Why, and for how long, nothing goes to an address; no end: until a person lifts it."""

    cause: Cause
    lasts: timedelta | None = field(default=None)


def bar(kind: Incoming, said: About | None) -> Bar | None:
    """Does a proven report bar the address for other letters too? A full mailbox, or a refusal of us, does not."""
    if kind is Incoming.FEEDBACK_REPORT:
        return Bar(Cause.EMAIL_COMPLAINED)
    dead = said is not None and said.verdict is BounceVerdict.HARD and said.cause is Cause.EMAIL_NO_MAILBOX
    return Bar(Cause.EMAIL_NO_MAILBOX, _NO_MAILBOX) if kind is Incoming.BOUNCE and dead else None

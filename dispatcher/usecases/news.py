"""What a message that came in does: by its kind, and by what ties it to a letter. Inside the transaction that files it.

Evidence moves a delivery by `hear.apply` alone, as a gateway's callback does; what is not certain goes to the holding
pen.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain import matching
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.incoming import About, Reading
from dispatcher.domain.matching import Match
from dispatcher.domain.model import Actor, Address, Delivery
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.words import Cause, Filing, Incoming, Kind, State, Tie, Verdict
from dispatcher.store import attempts, audit, contacts, deliveries
from dispatcher.store.incoming import Item

from .answers import note_in
from .hear import Heard, apply
from .office import Office

INBOX = Actor("inbox")
#: A delay notice keeps the bounce window open until so long after the letter was accepted, whatever it states.
_LONGEST_DELAY = timedelta(days=14)
#: Nobody is away for longer than this without a person looking.
_LONGEST_ABSENCE = timedelta(days=60)
_BACK_AT = time(9)


@dataclass(frozen=True, slots=True)
class News:
    """One message with what was found out about it."""

    item: Item
    reading: Reading
    match: Match
    against: str  #: what speaks against the match; '' where nothing does
    fax_reports: Sequence[Report] = ()  #: what the channel of a fax by mail reads in it


@dataclass(frozen=True, slots=True)
class Done:
    """What was done with it, and why."""

    filing: Filing
    why: str
    away_until: datetime | None = None


Act = Callable[[AsyncConnection, Office, News, Delivery], Awaitable[Done]]


async def act(connection: AsyncConnection, office: Office, news: News) -> Done:
    """Do what this message is good for; the holding pen for all that is not certain."""
    kind, match = news.reading.kind, news.match
    if kind is Incoming.AUTO_REPLY and not match.proven:
        return Done(Filing.KEPT, "an automatic reply, tied to no letter: nothing hangs on it")
    if kind not in _ACTS:
        return _hold("a person has to look what it is")
    if match.delivery is None or not match.proven:
        return _hold("; ".join(match.reasons) or news.against or "nothing ties it to a letter")
    if news.against:
        return _hold(news.against)
    if match.delivery.kind is Kind.FAX and kind is not Incoming.ANSWER:
        return await _of_fax(connection, office, news)
    return await _ACTS[kind](connection, office, news, match.delivery)


def _hold(why: str) -> Done:
    return Done(Filing.HELD, why)


# -- reports of machines -----------------------------------------------------------------------------------------------


async def _report(connection: AsyncConnection, office: Office, news: News, seen: Delivery) -> Done:
    said = _said(news, seen)
    if isinstance(said, str):
        return _hold(said)
    outcome = _late(seen, matching.outcome(news.reading.kind, said))
    heard = await _hear(connection, office, news, outcome)
    done = heard is Heard.APPLIED
    if done and news.match.by_our_envelope:
        await _bar(connection, office, news, said, seen)
    if news.reading.kind is Incoming.DELAY:
        done = await _wait_on(connection, office, news, said, seen.id) or done
    return Done(Filing.APPLIED if done else Filing.KEPT, f"{outcome.verdict}, {heard}")


def _said(news: News, seen: Delivery) -> About | str:
    """What it says of this letter's address; or why a person has to look."""
    reading, match = news.reading, news.match
    if reading.kind is Incoming.READ_RECEIPT:  # whoever reads it has it, by whichever try it came
        return matching.about(reading.recipients, seen.address) or About(seen.address)
    if not match.attempt_id:
        return "it cites a letter that was tried more than once, and does not say which try it means"
    said = matching.about(reading.recipients, seen.address)
    if said is None:
        others = ", ".join(one.address for one in reading.recipients[:3]) or "nobody"
        return f"it speaks of {others}, and the letter went to {seen.address}"
    if match.tie is Tie.MESSAGE_ID and not matching.by_name(reading.recipients, seen.address):
        return "it came neither to our return path nor names the address that the letter went to"
    return said


def _late(seen: Delivery, outcome: Outcome) -> Outcome:
    """A letter that was presumed to have arrived, and has not for a cause that may pass: a person sends it again."""
    late = seen.state is State.PRESUMED and outcome.verdict is Verdict.DEFERRED
    return replace(outcome, verdict=Verdict.REFUSED) if late else outcome


async def _hear(connection: AsyncConnection, office: Office, news: News, outcome: Outcome, source: str = "") -> Heard:
    attempt_id = news.match.attempt_id
    if not attempt_id and news.match.delivery is not None:
        made = await attempts.last_made(connection, news.match.delivery.id)
        attempt_id = made.id if made else ""
    report = Report(attempt_id, f"mail/{news.item.id[:32]}", outcome)
    return await apply(connection, office, report, source or str(INBOX), news.item.id)


async def _wait_on(connection: AsyncConnection, office: Office, news: News, said: About, delivery_id: str) -> bool:
    """A letter that is tried still may bounce later than others: silence says nothing before. Does it wait longer?"""
    seen = await deliveries.get(connection, delivery_id)
    made = await attempts.last_made(connection, delivery_id)
    if made is None or made.id != news.match.attempt_id:
        return False  # an earlier try is late: that says nothing of this one
    if seen.accepted_at is None or seen.state not in (State.ACCEPTED, State.PRESUMED):
        return False
    window = office.policy.bounce_window
    until = max(office.clock.now(), said.retry_until or office.clock.now()) + window
    until = min(until, seen.accepted_at + _LONGEST_DELAY + window)
    if seen.due is None or until <= seen.due:
        return False
    await deliveries.change(connection, seen, due=until)
    data = {"until": until.isoformat(timespec="seconds")}
    event = AuditEvent(str(INBOX), "delivery.delayed", f"delivery:{seen.id}", data=data)
    await audit.append(connection, event, office.clock.now())
    return True


async def _bar(connection: AsyncConnection, office: Office, news: News, said: About | None, seen: Delivery) -> bool:
    """No letter goes to an address that is dead, or whose holder complained, until that ends or a person lifts it."""
    found = matching.bar(news.reading.kind, said)
    if found is None:
        return False
    now = office.clock.now()
    address, until = Address(seen.kind, seen.address), now + found.lasts if found.lasts else None
    added = await contacts.suppress(connection, address, str(INBOX), found.cause, now, until)
    if added:
        data = {
            "cause": found.cause.value,
            "because": seen.id,
            "until": until.isoformat() if until else "",
        }
        event = AuditEvent(str(INBOX), "address.suppress", f"address:{seen.kind}", data=data)
        await audit.append(connection, event, now)
    return added


async def _complaint(connection: AsyncConnection, office: Office, news: News, seen: Delivery) -> Done:
    if not news.match.attempt_id:
        return _hold("somebody complains of a letter")
    outcome = Outcome(Verdict.ACCEPTED, Cause.EMAIL_COMPLAINED, "somebody complained of it")
    await _hear(connection, office, news, outcome)
    added = await _bar(connection, office, news, None, seen)
    return Done(Filing.APPLIED if added else Filing.KEPT, "nothing more goes to this address")


async def _of_fax(connection: AsyncConnection, office: Office, news: News) -> Done:
    """Of a fax by mail only its channel's own reading counts, and only at the return path of that very try."""
    mine = [one for one in news.fax_reports if one.attempt_id == news.match.attempt_id]
    attempt = await attempts.find(connection, news.match.attempt_id) if news.match.by_our_envelope else None
    if not mine or attempt is None:
        return _hold("it speaks of a fax, and proves nothing of it by itself")
    source = f"channel:{attempt.channel}"
    heard = [await apply(connection, office, one, source, news.item.id) for one in mine]
    return Done(Filing.APPLIED if Heard.APPLIED in heard else Filing.KEPT, ", ".join(heard))


# -- people ------------------------------------------------------------------------------------------------------------


async def _answer(connection: AsyncConnection, office: Office, news: News, seen: Delivery) -> Done:
    if news.reading.sender.rpartition("@")[2].lower() == office.domain.lower():
        return Done(Filing.KEPT, "one of our own wrote")
    noted = await note_in(connection, office, seen, f"message {news.item.id[:12]}", INBOX)
    return Done(Filing.APPLIED, f"answered; follow-ups stopped: {len(noted.stopped)}")


async def _auto_reply(connection: AsyncConnection, office: Office, news: News, seen: Delivery) -> Done:
    """Never an answer: it stops nothing. That somebody's program wrote shows that the letter came to somebody."""
    if news.match.attempt_id:
        await _hear(connection, office, news, Outcome(Verdict.ACCEPTED, detail="an automatic reply"))
    if news.reading.returns is None:
        return Done(Filing.KEPT, "an automatic reply")
    zone, day = ZoneInfo(seen.zone), news.reading.returns + timedelta(days=1)  # it may be their last day away
    until, now = datetime.combine(day, _BACK_AT, zone).astimezone(office.clock.now().tzinfo), office.clock.now()
    if until - now > _LONGEST_ABSENCE:
        return _hold(f"they say that they are away until {news.reading.returns:%d %B %Y}")
    if until <= now:
        return Done(Filing.KEPT, "an automatic reply; they are back")
    return Done(Filing.APPLIED, f"follow-ups wait until {until:%d %B %Y}", until)


async def _fax_feedback(connection: AsyncConnection, office: Office, news: News, seen: Delivery) -> Done:
    return _hold("it speaks of a fax, and is tied to an email")


_ACTS: dict[Incoming, Act] = {
    Incoming.BOUNCE: _report,
    Incoming.DELAY: _report,
    Incoming.DELIVERY_RECEIPT: _report,
    Incoming.READ_RECEIPT: _report,
    Incoming.FEEDBACK_REPORT: _complaint,
    Incoming.FAX_FEEDBACK: _fax_feedback,
    Incoming.ANSWER: _answer,
    Incoming.AUTO_REPLY: _auto_reply,
}

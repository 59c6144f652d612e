"""Dispatch: claim what is due, look once more, hand it to its channel, record what came of it."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.channels.base import CommitPoint, Parcel, Permit
from dispatcher.domain import gate
from dispatcher.domain.audit import AuditEntry, AuditEvent
from dispatcher.domain.errors import CheckFailed, Conflict, LostClaim, NotFound, SettingsError, UserError
from dispatcher.domain.gate import Answer, Facts, Say
from dispatcher.domain.model import Actor, Address, Attempt, Delivery, Letter
from dispatcher.domain.outcome import Outcome, escape
from dispatcher.domain.rollback import Quarantined
from dispatcher.domain.words import Asked, Cause, Kind, Signal, State, Verdict
from dispatcher.store import attempts, audit, calendars, campaigns, contacts, deliveries, incoming, sending, workers
from dispatcher.store.campaigns import CampaignRow
from dispatcher.store.engine import StoreFault
from dispatcher.store.faults import not_written

from . import guard
from .halt import Halted
from .halt import require as require_sending
from .moves import BY_SCHEDULE, move
from .office import Office
from .pacing import Ticket, note_rests, tickets
from .parcels import packed
from .record import record

#: A worker that was stopped for longer than this between its record and the final dot does not send the dot.
PERMIT_SECONDS = 5.0
#: A cancelled try may take no longer than this to be written down.
CALLED_OFF_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Claim:
    """A delivery that is ours to try, and the try as it was written down."""

    delivery: Delivery
    attempt: Attempt
    avoid: frozenset[str] = frozenset()  #: routes of its channel that are closed to it


@dataclass(frozen=True, slots=True)
class Envelope:
    """What goes around the letter: who it is from, and which frozen parts it has."""

    letter: Letter
    sender_name: str
    sender_address: str
    again: bool = False  #: pages of it were printed before, or may have been
    broke_off: bool = False  #: its latest call broke off


@dataclass(slots=True)
class Leave:
    """Was leave given to pass the point of no return? Without it surely nothing has left."""

    given: bool = False

    def give(self, until: float) -> Permit:
        self.given = True
        return Permit(until)

    def called_off(self) -> Outcome:
        """What a cancelled try comes to. Whether its record was being committed just then decides nothing."""
        if self.given:
            return Outcome(Verdict.UNKNOWN, Cause.WORKER_LOST_TRANSMITTING, "called off after it may have left")
        return Outcome(Verdict.UNSENT, Cause.WORKER_LOST, "called off before anything left")


async def claim(office: Office, worker: Actor, room: int) -> list[Claim]:
    """Lease up to `room` due deliveries for `worker` and write their attempts down. Raises Quarantined."""
    return await office.store.write(lambda connection: _claim(connection, office, worker, room))


async def _claim(connection: AsyncConnection, office: Office, worker: Actor, room: int) -> list[Claim]:
    if await workers.asked(connection, worker.name) is not Asked.RUN:
        return []
    await guard.require(connection, office)
    return [
        await _lease(connection, office, worker, ticket) async for ticket in tickets(connection, office, worker, room)
    ]


async def _lease(connection: AsyncConnection, office: Office, worker: Actor, ticket: Ticket) -> Claim:
    row, way = ticket.row, ticket.way
    channel, fence = way.channel, row.fence + 1
    knowingly = {"knowingly": row.knowingly} if row.knowingly else {}
    on_trial = {"trial": way.trial} if way.trial else {}
    data = {"attempt": f"{row.id}.{fence}", "channel": channel, **knowingly, **on_trial}
    moved = await move(connection, office, row, Signal.CLAIM, worker, data=data, fence=fence, channel=channel)
    now = office.clock.now()
    attempt = await attempts.begin(connection, moved, str(worker), channel, row.knowingly, now, ticket.fare)
    return Claim(moved, attempt, way.avoid)


async def attempt(office: Office, worker: Actor, one: Claim) -> None:
    """Make the try that was claimed, and record its outcome. What it raises leaves the try to the sweep."""
    leave, outcome = Leave(), None
    try:
        answer, envelope = await _look(office, one.delivery)
        if answer.say is not Say.PASS:
            await _turn_back(office, worker, one, answer)
            return
        outcome = await _try(office, one, envelope, leave)
        await record(office, one.attempt.id, outcome, worker)
    except asyncio.CancelledError:
        await _record_briefly(office, worker, one, outcome or leave.called_off())
        raise


async def _record_briefly(office: Office, worker: Actor, one: Claim, outcome: Outcome) -> None:
    """Of a cancelled try: told twice, it does no harm. Whoever cancels wants to end, and the sweep has the rest."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CALLED_OFF_SECONDS):
            await record(office, one.attempt.id, outcome, worker)


async def _try(office: Office, one: Claim, envelope: Envelope, leave: Leave) -> Outcome:
    parcel = await _pack(office, one, envelope)
    return parcel if isinstance(parcel, Outcome) else await _hand_over(office, one, parcel, leave)


async def _pack(office: Office, one: Claim, envelope: Envelope) -> Parcel | Outcome:
    """The parcel of this attempt, or why there is none. Whatever goes wrong here, nothing has left: no doubt."""
    try:
        return await packed(office, one.attempt.channel, _bare(office, one, envelope), envelope.letter)
    except SettingsError as fault:  # no fax can leave until somebody mends it
        return Outcome(Verdict.UNSENT, Cause.ROUTE_PAUSED, escape(str(fault)), pause_route=one.attempt.channel)
    except (NotFound, CheckFailed, UserError) as fault:
        return Outcome(Verdict.REFUSED, Cause.CONTENT_INVALID, escape(str(fault)))
    except Exception as fault:  # noqa: BLE001  # a defect of ours met this letter: a person looks, the run goes on
        return _not_packed(fault)


def _not_packed(fault: Exception) -> Outcome:
    """The disk or the memory may have room again; anything else would happen to this letter at every try."""
    detail = escape(f"before anything left: {type(fault).__name__}: {fault}")
    # A library that cannot read a picture raises an OSError too, but no number of the system's stands in it.
    if isinstance(fault, MemoryError) or (isinstance(fault, OSError) and fault.errno):
        return Outcome(Verdict.UNSENT, Cause.STORE_FAULT, detail)
    return Outcome(Verdict.REFUSED, Cause.CONTENT_INVALID, detail)


async def _hand_over(office: Office, one: Claim, parcel: Parcel, leave: Leave) -> Outcome:
    try:
        return await office.channels[one.attempt.channel].send(parcel, _commit_point(office, one, parcel.facts, leave))
    except LostClaim:
        return Outcome(Verdict.UNSENT, Cause.WORKER_LOST, "the lease had ended, or the campaign was paused")
    except Halted as fault:
        return Outcome(Verdict.UNSENT, Cause.GATE_HALTED, escape(str(fault)))
    except Quarantined as fault:
        return Outcome(Verdict.UNSENT, Cause.GATE_QUARANTINE, escape(str(fault)))
    except StoreFault as fault:
        return Outcome(Verdict.UNSENT, Cause.STORE_FAULT, escape(str(fault)))
    except Exception as fault:  # noqa: BLE001  # an adapter's defect: nobody knows what left; frozen, and the run goes on
        return Outcome(Verdict.UNKNOWN, Cause.CHANNEL_FAULT, escape(f"{type(fault).__name__}: {fault}"))


def _commit_point(office: Office, one: Claim, facts: Mapping[str, str], leave: Leave) -> CommitPoint:
    """What the channel calls just before the point of no return."""

    async def commit(sent: bytes) -> Permit:
        try:
            digest = await office.archive.put(sent)
        except OSError as fault:  # nothing has left yet: no doubt, as when the database does not take the record
            raise not_written("the archive", fault) from fault
        entry, until = await _marked(office, one, digest, facts)
        await _note(office, entry)
        return leave.give(until)

    return commit


async def _note(office: Office, entry: AuditEntry) -> None:
    """Outside the database too: a backup that is restored later does not know that this one left."""
    try:
        await guard.note(office, entry.seq, entry.hash)
    except OSError as fault:
        raise not_written("the checkpoint", fault) from fault


async def _marked(office: Office, one: Claim, digest: str, facts: Mapping[str, str]) -> tuple[AuditEntry, float]:
    """Durably; what it looks at is this letter's own, and whoever may change that waits for it: so beside others."""
    appended, until = await office.store.write(
        lambda connection: _mark(connection, office, one, digest, facts), beside=True
    )
    return appended.entry, until


async def _mark(
    connection: AsyncConnection, office: Office, one: Claim, sent_digest: str, facts: Mapping[str, str]
) -> tuple[audit.Appended, float]:
    """Mark the attempt as transmitting; the audit entry, whose number is noted outside before anything leaves.

    Leave counts from here: a worker that is stopped while this is committed, or noted, must not find it fresh.
    """
    now, until = office.clock.now(), time.monotonic() + PERMIT_SECONDS
    await guard.require(connection, office)
    lease_until = now + office.policy.transmitting_lease
    try:
        await attempts.mark_transmitting(connection, one.attempt, sent_digest, now, lease_until, facts)
    except LostClaim:
        await require_sending(connection)  # when everything was stopped, that is why
        raise
    data = {"attempt": one.attempt.id, "sent": sent_digest, "letter": one.delivery.letter}
    about = f"delivery:{one.delivery.id}"
    event = AuditEvent(one.attempt.worker, "attempt.transmitting", about, data=data)
    return await audit.append(connection, event, now), until


async def _look(office: Office, one: Delivery) -> tuple[Answer, Envelope]:
    async def facts(connection: AsyncConnection) -> tuple[Facts, Envelope]:
        campaign = await campaigns.get(connection, one.campaign_id)
        return await _facts(connection, office, campaign, one), await _envelope(connection, campaign, one)

    known, envelope = await office.store.read(facts)
    return gate.look(known), envelope


async def _envelope(connection: AsyncConnection, campaign: CampaignRow, one: Delivery) -> Envelope:
    letter = await campaigns.get_letter(connection, one.letter)
    again, broke_off = await attempts.earlier(connection, one.id) if one.kind is Kind.FAX else (False, False)
    return Envelope(letter, campaign.sender_name, campaign.sender_email, again, broke_off)


async def _facts(connection: AsyncConnection, office: Office, campaign: CampaignRow, one: Delivery) -> Facts:
    email = await deliveries.find(connection, one.fallback_for) if one.fallback_for else None
    sisters = await deliveries.sisters(connection, one)
    address = Address(one.kind, one.address)
    return Facts(
        now=office.clock.now(),
        running=campaign.running,
        stopped=campaign.stopped_at is not None,
        suppressed=await contacts.is_suppressed(connection, address),
        present=(await contacts.owners(connection, [address])).get(address) == one.contact_id,
        answered=await contacts.has_answered(connection, one),
        follow_up=one.step > 0,
        sister_in_doubt=any(sister.state is State.IN_DOUBT for sister in sisters),
        waits_for=email.state if email else None,
        expires_at=one.expires_at,
        hours=campaign.hours,
        zone=one.zone,
        halted=await sending.stopped(connection) is not None,
        voice=await deliveries.met_a_person(connection, one),
        late_by=_late_by(office, one),
        calendar=await calendars.get(connection, one.calendar),
        unfiled=one.step > 0 and await incoming.is_unfiled(connection, one),
        away_until=await incoming.away_until(connection, one) if one.step > 0 else None,
    )


def _late_by(office: Office, one: Delivery) -> timedelta:
    """How long ago one time of a campaign that repeats was to leave; nothing for follow-ups, and once it was tried."""
    if not one.occurrence or one.step or one.tries:
        return timedelta()
    return office.clock.now() - one.not_before


_SAYS = {Say.HOLD: Signal.HOLD, Say.WAIT: Signal.REQUEUE, Say.STOP: Signal.CANCEL, Say.FAIL: Signal.REFUSE}
#: That a second try may not be made any more says nothing of the first, which may have arrived.
_LEAVES_DOUBT = frozenset({Cause.GATE_SUPPRESSED, Cause.LETTER_EXPIRED})


async def _turn_back(office: Office, worker: Actor, one: Claim, answer: Answer) -> None:
    """What the gate did not let pass: the attempt is closed unsent, the delivery goes where the gate said."""
    outcome = Outcome(Verdict.UNSENT, answer.cause, answer.detail)

    async def unit(connection: AsyncConnection) -> None:
        seen = await deliveries.get(connection, one.delivery.id)
        if await attempts.close(connection, one.attempt.id, outcome, office.clock.now()) and _is_ours(seen, one):
            due = answer.until if answer.say is Say.WAIT else BY_SCHEDULE
            in_doubt = one.attempt.knowingly and answer.cause in _LEAVES_DOUBT
            signal, detail = Signal.DOUBT if in_doubt else _SAYS[answer.say], answer.detail
            await move(connection, office, seen, signal, worker, cause=answer.cause, detail=detail, due=due)
            await note_rests(connection, office, one.delivery, one.attempt.via)

    try:
        await office.store.write(unit)
    except (StoreFault, Conflict):
        return  # the lease ends, and the sweep puts it back


def _is_ours(seen: Delivery, one: Claim) -> bool:
    return seen.state is State.SENDING and seen.fence == one.delivery.fence


def _bare(office: Office, one: Claim, envelope: Envelope) -> Parcel:
    """The parcel of this attempt before the letter's bytes are in it."""
    delivery = one.delivery
    return Parcel(
        attempt_id=one.attempt.id,
        delivery_id=delivery.id,
        kind=delivery.kind,
        address=delivery.address,
        recipient_name=delivery.recipient,
        sender_name=envelope.sender_name,
        sender_address=envelope.sender_address,
        return_path=office.return_path(one.attempt.id),
        subject=envelope.letter.subject,
        message_id=delivery.message_id,
        date=office.clock.now(),
        avoid=one.avoid,
        automatic=delivery.step > 0,
        again=envelope.again,
        slower=envelope.broke_off,
    )


async def keep_leases(office: Office, held: list[Claim]) -> None:
    """Heartbeat: the leases of tries that have not begun to transmit go on while their worker lives."""
    if held:
        until = office.clock.now() + office.policy.lease
        ours = [(one.delivery.id, one.delivery.fence) for one in held]
        await office.store.write(lambda connection: deliveries.extend_leases(connection, ours, until), beside=True)

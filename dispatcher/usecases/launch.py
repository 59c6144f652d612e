"""Approve, launch, pause, resume, stop: what a person does with a campaign that is prepared."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import Conflict, Problem, UserError
from dispatcher.domain.model import Actor, Delivery, message_id
from dispatcher.domain.words import Cause, Signal
from dispatcher.store import audit, calendars, campaigns, deliveries
from dispatcher.store.campaigns import CampaignRow

from . import guard
from .fax_header import require_header
from .look import decide, require_confirmed, require_nothing_new
from .moves import move
from .office import Office
from .plan import Plan, Stop, plan_from_bytes
from .size import require_size

#: A campaign that is launched later than this after its hour needs a person's word that it may still go.
LATE = timedelta(hours=1)
_CHUNK = 200
#: So many characters of a digest name a plan without doubt.
_SHORTEST = 8


async def approve(
    office: Office,
    campaign_id: str,
    digest: str,
    actor: Actor,
    confirmed: Collection[str] = (),
    *,
    shown: Collection[str] | None = None,
) -> CampaignRow:
    """Sign the plan by its digest (or a beginning of it of at least eight characters).

    `confirmed` are codes of `look.TO_CONFIRM` that the approver has looked at and means so; `shown` are the digests
    (`look.digest_of`) of all that was shown to them, None where they mean whatever there is by now. Raises Conflict
    when the prepared plan is another one (then somebody has prepared it again since), UserError with what is not
    confirmed, was confirmed before it was changed again, or cannot be confirmed.
    """
    known = await office.store.read(lambda connection: campaigns.get(connection, campaign_id))
    _require_signable(known, digest)
    plan = await _plan(office, known.plan)
    require_size(office, campaign_id, len(plan.stops))

    async def unit(connection: AsyncConnection, seen: Sequence[Problem]) -> CampaignRow:
        _require_signable(await campaigns.get(connection, campaign_id), known.plan)
        meant = require_confirmed([*plan.remarks, *seen], confirmed, shown)
        signed = {"approved_plan": known.plan, "approved_by": str(actor), "approved_at": office.clock.now()}
        await campaigns.put(connection, campaign_id, **signed, confirmed=meant)
        data: dict[str, object] = {"plan": known.plan, **({"confirmed": meant} if meant else {})}
        await _audit(connection, office, actor, "approve", campaign_id, data)
        return await campaigns.get(connection, campaign_id)

    return await decide(office, plan, unit)


async def _plan(office: Office, digest: str) -> Plan:
    """From the archive; a large one is read in a thread, so that others are served meanwhile."""
    return await asyncio.to_thread(plan_from_bytes, await office.archive.get(digest))


def _require_signable(known: CampaignRow, digest: str) -> None:
    if not known.plan:
        raise Conflict(f"campaign '{known.id}' is not prepared yet; run: campaigns prepare")
    if known.launched_at is not None:
        raise Conflict(f"campaign '{known.id}' was launched already")
    if len(digest) < _SHORTEST:
        raise UserError(Problem("digest", f"'{digest}' is too short", f"Give at least {_SHORTEST} characters of it."))
    if not known.plan.startswith(digest):
        raise Conflict(
            f"E_CONTENT_CHANGED the plan of '{known.id}' is {known.plan[:12]}…, not {digest[:12]}…: "
            "look at it again (campaigns preview), then approve that"
        )


async def launch(office: Office, campaign_id: str, actor: Actor, *, late: bool = False) -> int:
    """Queue every delivery of the approved plan; how many. Launching twice queues nothing twice.

    Raises Conflict when the plan is not approved, something came up since that its approver has not seen, or its hour
    has passed by more than LATE and `late` is not said; CampaignError when its faxes could not carry the line with
    sender, number and date; Quarantined.
    """
    await guard.enter(office)
    known = await office.store.read(lambda connection: campaigns.get(connection, campaign_id))
    _require_approved(known)
    plan = await _plan(office, known.approved_plan)
    require_header(office, plan)
    require_size(office, campaign_id, len(plan.stops))
    late_by = _lateness(office, plan, late=late)

    async def unit(connection: AsyncConnection, seen: Sequence[Problem]) -> int:
        return await _launch(connection, office, plan, known, actor, late_by, seen)

    return await decide(office, plan, unit)


def _require_approved(known: CampaignRow) -> None:
    if not known.approved:
        why = "was changed after it was approved" if known.approved_plan else "is not approved"
        raise Conflict(f"campaign '{known.id}' {why}; look at it (campaigns preview), then approve it")
    if known.stopped_at is not None:
        raise Conflict(f"campaign '{known.id}' was stopped; a stopped campaign does not start again")


def _lateness(office: Office, plan: Plan, *, late: bool) -> timedelta:
    """How long after its hour it is launched; none before. The letters' expiry moves by as much."""
    late_by = office.clock.now() - datetime.fromisoformat(plan.campaign["instant"])
    if not late and late_by > LATE:
        raise Conflict(
            f"E_TIME_PAST campaign '{plan.campaign['id']}' was to leave at {plan.campaign['local_key']}, which has "
            "passed; launch it with --late to send it now, or give it a new time and approve that"
        )
    return max(late_by, timedelta())


async def _launch(
    connection: AsyncConnection,
    office: Office,
    plan: Plan,
    known: CampaignRow,
    actor: Actor,
    late_by: timedelta,
    seen: Sequence[Problem],
) -> int:
    now = office.clock.now()
    row = await campaigns.get(connection, known.id)
    if row.approved_plan != known.approved_plan or not row.approved:
        raise Conflict(f"the approval of '{known.id}' changed meanwhile; look again")
    if row.launched_at is None:
        require_nothing_new(known.id, seen, row.confirmed)
    for local_key, instant in plan.instants.items():
        await campaigns.open_occurrence(connection, known.id, local_key, instant)
    await calendars.put_all(connection, plan.calendars.values())
    await campaigns.put_letters(connection, plan.letters)
    queued = [_queued(office, plan, stop, now, late_by) for stop in plan.stops]
    added = await deliveries.add_all(connection, queued)
    if row.launched_at is None:
        await campaigns.put(connection, known.id, launched_at=now)
        data = {"plan": known.approved_plan, "deliveries": added}
        await _audit(connection, office, actor, "launch", known.id, data)
    return added


def _queued(office: Office, plan: Plan, stop: Stop, now: datetime, late_by: timedelta) -> Delivery:
    return Delivery(
        id=stop.id,
        campaign_id=plan.campaign["id"],
        step=0,
        contact_id=stop.contact_id,
        addressee_id=stop.addressee_id,
        kind=stop.kind,
        address=stop.address,
        role=stop.role,
        recipient=stop.recipient,
        zone=stop.zone,
        calendar=stop.calendar,
        occurrence=stop.occurrence,
        letter=stop.letter,
        message_id=message_id(stop.id, office.domain),
        not_before=_due(plan, stop, late_by),
        due=_due(plan, stop, late_by),
        created_at=now,
        changed_at=now,
        expires_at=_expires_at(plan, stop, late_by),
        fallback_for=stop.fallback_for,
    )


def _due(plan: Plan, stop: Stop, late_by: timedelta) -> datetime:
    """Whoever launches a campaign that repeats late has said that its first time may leave now."""
    first = stop.occurrence == plan.campaign["local_key"]
    return datetime.fromisoformat(stop.due) + (late_by if first else timedelta())


def _expires_at(plan: Plan, stop: Stop, late_by: timedelta) -> datetime | None:
    """A late launch moves the end of the first letters; the later times of a campaign that repeats keep theirs."""
    first = stop.occurrence in ("", plan.campaign["local_key"])
    return datetime.fromisoformat(stop.expires) + (late_by if first else timedelta()) if stop.expires else None


async def pause(office: Office, campaign_id: str, reason: str, actor: Actor) -> None:
    """Nothing more leaves until it is resumed; what is on its way stays so. One row changes."""
    await _switch(office, campaign_id, "pause", reason, actor, wanted=True)


async def resume(office: Office, campaign_id: str, reason: str, actor: Actor) -> None:
    """What was due meanwhile is due now. Raises Quarantined."""
    await guard.enter(office)
    await _switch(office, campaign_id, "resume", reason, actor, wanted=False)


async def _switch(office: Office, campaign_id: str, action: str, reason: str, actor: Actor, *, wanted: bool) -> None:
    async def unit(connection: AsyncConnection) -> None:
        known = await campaigns.get(connection, campaign_id)
        if known.launched_at is None or known.stopped_at is not None:
            raise Conflict(f"campaign '{campaign_id}' is {known.phase}; only a running one can be paused or resumed")
        if (known.paused_at is not None) is wanted:
            raise Conflict(f"campaign '{campaign_id}' is {known.phase} already")
        await campaigns.put(connection, campaign_id, paused_at=office.clock.now() if wanted else None)
        await _audit(connection, office, actor, action, campaign_id, {}, reason)

    await office.store.write(unit)


async def stop(office: Office, campaign_id: str, reason: str, actor: Actor) -> int:
    """End it for good: what has not left is cancelled; how many. What is on its way is still watched."""

    async def unit(connection: AsyncConnection) -> None:
        known = await campaigns.get(connection, campaign_id)
        if known.launched_at is None or known.stopped_at is not None:
            raise Conflict(f"campaign '{campaign_id}' is {known.phase}; only a launched one can be stopped")
        await campaigns.put(connection, campaign_id, stopped_at=office.clock.now())
        await _audit(connection, office, actor, "stop", campaign_id, {}, reason)

    await office.store.write(unit)
    return await _cancel_waiting(office, campaign_id, reason, actor)


async def _cancel_waiting(office: Office, campaign_id: str, reason: str, actor: Actor) -> int:
    async def chunk(connection: AsyncConnection) -> int:
        rows = await deliveries.waiting_of(connection, campaign_id, _CHUNK)
        for row in rows:
            await move(connection, office, row, Signal.CANCEL, actor, cause=Cause.GATE_STOPPED, reason=reason)
        return len(rows)

    total = 0
    while done := await office.store.write(chunk):
        total += done
    return total


async def _audit(
    connection: AsyncConnection,
    office: Office,
    actor: Actor,
    action: str,
    campaign_id: str,
    data: dict[str, object],
    reason: str = "",
) -> None:
    event = AuditEvent(str(actor), f"campaign.{action}", f"campaign:{campaign_id}", reason=reason, data=data)
    await audit.append(connection, event, office.clock.now())

"""Prepare: render and freeze every letter of a campaign, and draw the plan that can be approved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent, canonical
from dispatcher.domain.calendars import Calendar
from dispatcher.domain.errors import CampaignError, Conflict, Problem, TemplateError
from dispatcher.domain.model import Actor, Address, Campaign, Contact, Letter, Step
from dispatcher.domain.schedule import add_working_days
from dispatcher.intake.contacts import ContactBook
from dispatcher.letters import Order
from dispatcher.letters.enclosure import Enclosure
from dispatcher.store import audit, campaigns, contacts

from .closed_days import calendars_of, not_known
from .differences import Difference, differences
from .enclose import Enclosed, cover_note, enclose, require_sendable
from .estimate import estimated
from .office import Office
from .plan import Plan, draw, kinds_of, plan_from_bytes
from .size import require_size, size_of


@dataclass(frozen=True, slots=True)
class Frozen:
    """A frozen letter."""

    letter: Letter
    warnings: tuple[Problem, ...]  #: what a person should look at
    names: Mapping[str, str]  #: contact id → how the letter calls its addressee and those who receive copies


#: So many changed fields are told of a plan; a new picture in the letterhead changes every letter.
MOST_TOLD = 50

#: Called after each letter with (done, all).
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A frozen plan, ready to be looked at and approved."""

    plan: Plan
    digest: str
    voided: str  #: digest of an approval that this plan has made void; ''
    changes: tuple[Difference, ...] = ()  #: what differs from what was approved


async def prepare(
    office: Office,
    campaign: Campaign,
    book: ContactBook,
    actor: Actor,
    progress: Progress = lambda done, of: None,
    *,
    noted: Sequence[Problem] = (),
) -> Prepared:
    """Freeze every letter of every step, then the plan. Doing it again with the same inputs gives the same digest.

    The plan carries what was noticed on the way (`noted` while the campaign's file was read), for whoever approves it.

    Raises CampaignError with the problems of all letters (then nothing has changed), Conflict after the launch.
    """
    await office.store.read(lambda connection: _require_unlaunched(connection, campaign.id))
    _require_signer(office)
    require_size(office, campaign.id, size_of(campaign))
    people = {one.id: one for one in book.contacts}
    closed_days = calendars_of(office.almanac, campaign, people)
    unsure = not_known(campaign, people, closed_days)
    barred = await office.store.read(lambda connection: _barred(connection, campaign, people))
    try:
        enclosed = await enclose(office, campaign)
        frozen = await _freeze_all(office, campaign, people, closed_days, enclosed, progress)
    except CampaignError as error:
        raise CampaignError([*barred, *error.problems]) from error
    if barred:
        raise CampaignError(barred)
    remarks = [*noted, *_once([warning for one in frozen for warning in one.warnings]), *unsure]
    names = {(one.letter.contact_id, name): called for one in frozen for name, called in one.names.items()}
    letters = [one.letter for one in frozen]
    per_day = campaign.limits.a_day(office.limits)
    plan = await estimated(office, draw(campaign, people, letters, names, remarks, closed_days, per_day))
    return await propose(office, plan, actor)


async def propose(office: Office, plan: Plan, actor: Actor) -> Prepared:
    """Freeze a plan and put it on record, to be approved. Raises Conflict after the launch."""
    digest = await office.archive.put(plan.as_bytes())
    changes = await _since_approved(office, plan)
    voided = await office.store.write(lambda connection: _note_plan(connection, office, plan, digest, actor, changes))
    return Prepared(plan, digest, voided, changes if voided else ())


async def _since_approved(office: Office, plan: Plan) -> tuple[Difference, ...]:
    """What differs from the plan that is approved now; () where none is."""
    known = await office.store.read(lambda connection: campaigns.find(connection, plan.campaign["id"]))
    if known is None or not known.approved:
        return ()
    before = await office.archive.get(known.approved_plan)
    return await asyncio.to_thread(lambda: differences(plan_from_bytes(before), plan))


async def _require_unlaunched(connection: AsyncConnection, campaign_id: str) -> None:
    known = await campaigns.find(connection, campaign_id)
    if known is not None and known.launched_at is not None:
        raise Conflict(f"campaign '{campaign_id}' was launched on {known.launched_at:%d %B %Y}; it stays as approved")


def _require_signer(office: Office) -> None:
    """A signature outside the certificate's days proves nothing."""
    seal, now = office.signer, office.clock.now()
    if seal and not seal.first <= now <= seal.last:
        cause = f"the certificate of {seal.name} is good from {seal.first.date()} to {seal.last.date()} only"
        way_out = "Name its successor under [signing], or take the section out"
        raise CampaignError(Problem("signing.certificate_file", cause, way_out, "E_SIGNING_EXPIRED"))


async def _barred(connection: AsyncConnection, campaign: Campaign, people: Mapping[str, Contact]) -> list[Problem]:
    """Recipients at whose address nothing may arrive any more. The address itself is not told again."""
    ways = [(contact_id, campaign.policy_for(contact_id)) for contact_id in campaign.contact_ids]
    ways += [(copy.contact_id, copy.policy) for copy in campaign.copies]
    wanted = [(contact_id, kind) for contact_id, policy in dict.fromkeys(ways) for kind in kinds_of(policy)]
    addresses = [Address(kind, people[contact_id].address(kind) or "") for contact_id, kind in wanted]
    listed = await contacts.suppressed_among(connection, addresses)
    found: list[Problem] = []
    for (contact_id, kind), address in zip(wanted, addresses, strict=True):
        if since := listed.get(address):
            cause = f"its {kind} is on the suppression list since {since[0]:%d %B %Y}, by {since[1]}"
            way_out = f'Take it out (except = ["{contact_id}"]) or choose another channel for it'
            found.append(Problem(f"contact {contact_id}", cause, way_out, "E_SUPPRESSED"))
    return found


async def _freeze_all(
    office: Office,
    campaign: Campaign,
    people: Mapping[str, Contact],
    closed_days: Mapping[str, Calendar],
    enclosed: Mapping[int, Enclosed],
    progress: Progress,
) -> list[Frozen]:
    pairs = [(step, contact_id) for step in campaign.steps for contact_id in campaign.contact_ids]
    orders = [(edition, *pair) for edition in campaign.editions for pair in pairs]
    done = 0

    async def one(edition: Campaign, step: Step, contact_id: str) -> Frozen | TemplateError:
        nonlocal done
        try:
            copies = copies_for(campaign, people, contact_id)
            enclosures, calendar = enclosed[step.number].enclosures, closed_days[contact_id]
            order = order_for(edition, step, people[contact_id], copies, enclosures, calendar)
            return await _freeze(office, edition, step, order, enclosed[step.number])
        except TemplateError as error:
            return error
        finally:
            done += 1
            progress(done, len(orders))

    made = await _together([one(*order) for order in orders])
    problems = [problem for error in made if isinstance(error, TemplateError) for problem in error.problems]
    if problems:
        raise CampaignError(_once(problems))
    return [one for one in made if not isinstance(one, TemplateError)]


async def _together(letters: Iterable[Coroutine[Any, Any, Frozen | TemplateError]]) -> list[Frozen | TemplateError]:
    """All of them; what ends one for a reason of our own (the disk is full) ends the others before it is told."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in letters]
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from failed
    return [one.result() for one in tasks]


def _once(problems: list[Problem]) -> list[Problem]:
    """A fault of the template is one problem, not one a contact."""
    return list(dict.fromkeys(problems))


def copies_for(campaign: Campaign, people: Mapping[str, Contact], contact_id: str) -> tuple[Contact, ...]:
    """Who receives a copy of the letter to this contact."""
    return tuple(people[copy.contact_id] for copy in campaign.copies_for(contact_id))


async def _freeze(office: Office, campaign: Campaign, step: Step, order: Order, enclosed: Enclosed) -> Frozen:
    rendered, contact = await office.render(order), order.contact
    require_sendable(office, campaign, contact.id, rendered)
    objects = await office.archive.put_all(rendered.parts)
    letter = Letter(
        digest="",
        campaign_id=campaign.id,
        step=step.number,
        contact_id=contact.id,
        subject=rendered.subject,
        language=rendered.language,
        pages=rendered.pages,
        fax_pages=rendered.fax_pages,
        objects={**objects, **enclosed.objects},
        occurrence=campaign.occurrence,
    )
    named = replace(letter, digest=await office.archive.put(_manifest(letter)))
    ids = (contact.id, *(copy.id for copy in order.copies))
    return Frozen(named, rendered.warnings, dict(zip(ids, rendered.names, strict=True)))


def order_for(
    campaign: Campaign,
    step: Step,
    contact: Contact,
    copies: tuple[Contact, ...],
    enclosures: tuple[Enclosure, ...],
    calendar: Calendar,
) -> Order:
    """What the printer is asked for: the same, whether the letter is to be frozen or only looked at."""
    return Order(
        letter=step.letter,
        organisation=campaign.organisation,
        contact=contact,
        copies=copies,
        sender=campaign.sender,
        letter_date=_expected_date(campaign, step, calendar),
        first_date=campaign.letter_date if step.number else None,
        fall_back=campaign.fall_back,
        enclosures=enclosures,
        cover=cover_note(campaign, contact, copies),
    )


def _expected_date(campaign: Campaign, step: Step, calendar: Calendar) -> date:
    """The date on a letter: a follow-up is frozen now, with the day on which it leaves if the first arrives at once."""
    days = sum(one.after for one in campaign.steps if one.number <= step.number)
    noon = datetime.combine(campaign.letter_date, time(12), UTC)
    return add_working_days(noon, days, "UTC", calendar).date() if days else campaign.letter_date


def _manifest(letter: Letter) -> bytes:
    """What a letter's digest is over: its facts and the digests of its parts."""
    names = [name for name in Letter.__slots__ if name != "digest"]
    return canonical({"v": 1, **{name: getattr(letter, name) for name in names}}).encode()


async def _note_plan(
    connection: AsyncConnection,
    office: Office,
    plan: Plan,
    digest: str,
    actor: Actor,
    changes: Sequence[Difference],
) -> str:
    """The digest of an approval that is void now, or ''. The record says which fields made it so."""
    facts, now = plan.campaign, office.clock.now()
    await _require_unlaunched(connection, facts["id"])
    known = await campaigns.find(connection, facts["id"])
    voided = known.approved_plan if known and known.approved and known.plan != digest else ""
    if voided:
        await campaigns.void_approval(connection, facts["id"])
    await campaigns.put(
        connection,
        facts["id"],
        title=facts["title"],
        sender_name=facts["sender"]["name"],
        sender_email=facts["sender"]["email"],
        plan=digest,
        prepared_by=str(actor),
        prepared_at=now,
        hours=[*facts["hours"], facts["days"]] if facts["hours"] else None,
        steps=facts["steps"],
        proof_after=facts["proof_after"],
        limits=facts["limits"] or None,
    )
    data = {"plan": digest, "letters": len(plan.letters), "deliveries": len(plan.stops)}
    data |= {"voided": voided, "changed": _told(changes)} if voided else {}
    event = AuditEvent(str(actor), "campaign.prepare", f"campaign:{facts['id']}", data=data)
    await audit.append(connection, event, now)
    return voided


def _told(changes: Sequence[Difference]) -> list[str]:
    """For the record: which fields, and no names or addresses; of very many, so many and how many more there are."""
    fields = [one.field for one in changes[:MOST_TOLD]]
    return [*fields, *([f"and {len(changes) - MOST_TOLD} more"] if len(changes) > MOST_TOLD else [])]

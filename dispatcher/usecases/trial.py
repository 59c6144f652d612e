"""Test letters: the frozen letter of a campaign, by the same channel as a real one, to a tester and to nobody else.

A test has no delivery and no attempt: the campaign's numbers know nothing of it. It has its audit entries, and the
exact bytes that left are in the archive like those of every letter.
"""

from __future__ import annotations

import random
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.channels.base import CommitPoint, Parcel, Permit
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.errors import NotFound, Problem, UserError
from dispatcher.domain.model import Actor, Address, Letter, message_id
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Kind
from dispatcher.store import audit, contacts

from .dispatch import PERMIT_SECONDS
from .office import Office
from .parcels import packed
from .plan import Plan
from .preview import letter_of
from .review import read_plan

MARK = "[Test]"


@dataclass(frozen=True, slots=True)
class Trial:
    """One test letter, and what came of it."""

    contact_id: str  #: whose letter it is; nothing went there
    address: Address
    letter: str  #: digest
    name: str  #: of this test, in the audit log
    subject: str
    outcome: Outcome


async def typical(office: Office, plan: Plan, step: int = 0) -> tuple[str, ...]:
    """Whose letters somebody would look at who cannot look at all: the first, the longest, and one at random.

    The draw is the plan's own: everybody who tests the same plan sees the same letters.
    """
    letters = [one for one in plan.letters if one.step == step]
    if not letters:
        raise NotFound(f"the campaign has no letter of step {step}")
    lengths = {one.digest: len(await office.archive.get(one.objects["text"])) for one in letters}
    longest = max(letters, key=lambda one: (one.pages, one.fax_pages, lengths[one.digest]))
    drawn = random.Random(plan.as_bytes()).choice(letters)  # noqa: S311  # a sample, not a secret
    return tuple(dict.fromkeys(one.contact_id for one in (letters[0], longest, drawn)))


async def send_tests(
    office: Office,
    campaign_id: str,
    to: Sequence[Address],
    actor: Actor,
    *,
    contact_ids: Sequence[str] = (),
    step: int = 0,
    reason: str = "",
) -> list[Trial]:
    """Send the letters to these contacts, or the typical ones, to each address in `to`.

    With a `reason` also to an address that belongs to a contact. Raises UserError with everything that speaks against
    it (E_TEST_CONTACT, E_SUPPRESSED, E_NO_WAY); then nothing was sent.
    """
    _, plan = await read_plan(office, campaign_id)
    letters = [letter_of(plan, contact_id, step) for contact_id in contact_ids or await typical(office, plan, step)]
    problems = await office.store.read(lambda connection: _against(connection, office, plan, to, reason))
    if problems:
        raise UserError(problems)
    return [await _send(office, plan, letter, address, actor, reason) for address in to for letter in letters]


async def _against(
    connection: AsyncConnection, office: Office, plan: Plan, to: Sequence[Address], reason: str
) -> list[Problem]:
    """Why these addresses must not get a test."""
    known = {_folded(one): person.id for person, _ in await contacts.active(connection) for one in person.addresses}
    known |= {_folded(Address(stop.kind, stop.address)): stop.contact_id for stop in plan.stops}
    problems = []
    for one in to:
        owner = known.get(_folded(one), "")
        if one.kind not in office.outgoing:
            way_out = "Set up a way for it; `dispatcher doctor` looks"
            problems.append(Problem(one.value, f"nothing carries {one.kind} here", way_out, "E_NO_WAY"))
        if owner and not reason:
            cause = f"this is an address of the contact '{owner}'; a test is for your own"
            way_out = "Give another, or say --knowingly with a --reason"
            problems.append(Problem(one.value, cause, way_out, "E_TEST_CONTACT"))
        if await contacts.is_suppressed(connection, one):
            problems.append(Problem("", f"this {one.kind} is on the suppression list", "Give another", "E_SUPPRESSED"))
    return problems


def _folded(one: Address) -> tuple[Kind, str]:
    """Most servers take a mailbox in any case of letters."""
    return one.kind, one.value.casefold()


async def _send(office: Office, plan: Plan, letter: Letter, address: Address, actor: Actor, reason: str) -> Trial:
    name = f"test-{secrets.token_hex(8)}"
    channel = office.channels[office.ways(address.kind, address.value)[0]]
    parcel = await packed(office, channel.name, _bare(office, plan, letter, address, name), letter)
    outcome = await channel.send(parcel, _commit_point(office, plan, letter, actor, name))
    data = {"test": name, "letter": letter.digest, "channel": channel.name, "cause": outcome.cause.value}
    about = f"campaign:{plan.campaign['id']}"
    event = AuditEvent(str(actor), "letter.test", about, after=outcome.verdict.value, reason=reason, data=data)
    await office.store.write(lambda connection: audit.append(connection, event, office.clock.now()))
    return Trial(letter.contact_id, address, letter.digest, name, parcel.subject, outcome)


def _bare(office: Office, plan: Plan, letter: Letter, address: Address, name: str) -> Parcel:
    """As a real letter is addressed, but to the tester alone, marked, and under a name of its own."""
    sender = plan.campaign["sender"]
    return Parcel(
        attempt_id=name,
        delivery_id=name,
        kind=address.kind,
        address=address.value,
        recipient_name="",
        sender_name=sender["name"],
        sender_address=sender["email"],
        return_path="",  # a test that bounces comes back to the sender, and is nobody's delivery
        subject=f"{MARK} {letter.subject}",
        message_id=message_id(name, office.domain),
        date=office.clock.now(),
    )


def _commit_point(office: Office, plan: Plan, letter: Letter, actor: Actor, name: str) -> CommitPoint:
    """Keeps the exact bytes, and says in the log that they are about to leave, before they leave."""

    async def commit(sent: bytes) -> Permit:
        data = {"test": name, "letter": letter.digest, "sent": await office.archive.put(sent)}
        about = f"campaign:{plan.campaign['id']}"
        event = AuditEvent(str(actor), "letter.test.transmitting", about, data=data)
        await office.store.write(lambda connection: audit.append(connection, event, office.clock.now()))
        return Permit(until=time.monotonic() + PERMIT_SECONDS)

    return commit

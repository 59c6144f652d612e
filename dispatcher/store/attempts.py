"""The rows of attempts and of the evidence about them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, exists, insert, or_, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import LostClaim
from dispatcher.domain.limits import lane
from dispatcher.domain.model import Attempt, Delivery
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Stage, State, Verdict

from .campaigns import RUNNING
from .limits import correct_cost
from .schema import address, attempt, campaign, delivery, evidence
from .sending import ON


@dataclass(frozen=True, slots=True)
class Fare:
    """Which way a try was given, and what it may cost."""

    via: str = ""  #: relay or line
    cost: int = 0  #: in ten-thousandths of `currency`
    currency: str = ""


FREE = Fare()


def from_row(row: Row[Any]) -> Attempt:
    fields = {name: row._mapping[name] for name in Attempt.__slots__}
    return Attempt(**{**fields, "stage": Stage(row.stage), "cause": Cause(row.cause)})


#: Each asked for every letter: making a statement anew takes longer than answering it.
_BEGIN = insert(attempt).returning(attempt)
_BY_ID = select(attempt).where(attempt.c.id == bindparam("key"))
_OF_DELIVERY = select(attempt).where(attempt.c.delivery_id == bindparam("delivery")).order_by(attempt.c.fence)
_LATEST = (
    select(attempt).where(attempt.c.delivery_id == bindparam("delivery")).order_by(attempt.c.fence.desc()).limit(1)
)
_LAST_MADE = _LATEST.where(attempt.c.verdict != Verdict.UNSENT)


async def begin(
    connection: AsyncConnection,
    one: Delivery,
    worker: str,
    channel: str,
    knowingly: bool,
    now: datetime,
    fare: Fare = FREE,
) -> Attempt:
    """Write the try down before it is made. The unique index refuses a second open one."""
    row = {
        "id": f"{one.id}.{one.fence}",
        "delivery_id": one.id,
        "fence": one.fence,
        "worker": worker,
        "channel": channel,
        "stage": Stage.OPEN,
        "opened_at": now,
        "facts": {},
        "knowingly": knowingly,
        "campaign_id": one.campaign_id,
        "lane": lane(one.kind, one.address),
        **asdict(fare),
    }
    return from_row((await connection.execute(_BEGIN, row)).one())


async def find(connection: AsyncConnection, attempt_id: str) -> Attempt | None:
    row = (await connection.execute(_BY_ID, {"key": attempt_id})).first()
    return from_row(row) if row else None


async def of_delivery(connection: AsyncConnection, delivery_id: str) -> list[Attempt]:
    """All tries of a delivery, first to last."""
    return [from_row(row) for row in await connection.execute(_OF_DELIVERY, {"delivery": delivery_id})]


async def of_campaign(connection: AsyncConnection, campaign_id: str) -> list[Attempt]:
    """All tries of a campaign's deliveries, delivery by delivery, first to last."""
    query = select(attempt).join(delivery, delivery.c.id == attempt.c.delivery_id)
    query = query.where(delivery.c.campaign_id == campaign_id).order_by(attempt.c.delivery_id, attempt.c.fence)
    return [from_row(row) for row in await connection.execute(query)]


async def news_of_campaign(connection: AsyncConnection, campaign_id: str) -> dict[str, tuple[Verdict, Cause]]:
    """What the latest report that moved its delivery said of each try, by the try's id."""
    query = select(evidence).join(delivery, delivery.c.id == evidence.c.delivery_id).order_by(evidence.c.id)
    rows = await connection.execute(query.where(delivery.c.campaign_id == campaign_id, evidence.c.applied))
    return {row.attempt_id: (Verdict(row.verdict), Cause(row.cause)) for row in rows}


async def latest(connection: AsyncConnection, delivery_id: str) -> Attempt | None:
    row = (await connection.execute(_LATEST, {"delivery": delivery_id})).first()
    return from_row(row) if row else None


async def last_made(connection: AsyncConnection, delivery_id: str) -> Attempt | None:
    """The latest try of which something may have left. One that was turned back before says nothing of those before."""
    row = (await connection.execute(_LAST_MADE, {"delivery": delivery_id})).first()
    return from_row(row) if row else None


async def earlier(connection: AsyncConnection, delivery_id: str) -> tuple[bool, bool]:
    """Of the calls for a fax so far: may pages of it have been printed, and did one break off?"""
    heard = evidence.c.delivery_id == delivery_id
    printed = exists().where(heard, evidence.c.pages > 0)
    knowingly = exists().where(attempt.c.delivery_id == delivery_id, attempt.c.knowingly)
    broke_off = exists().where(heard, evidence.c.cause.in_([Cause.FAX_NO_CARRIER_MID_PAGE, Cause.FAX_PARTIAL]))
    row = (await connection.execute(select(or_(printed, knowingly), broke_off))).one()
    return bool(row[0]), bool(row[1])


async def station_before(connection: AsyncConnection, one: Delivery) -> str:
    """What the machine called itself that answered at this number last, for another letter; '' where none did."""
    others = (delivery.c.kind == one.kind) & (delivery.c.address == one.address) & (delivery.c.id != one.id)
    query = select(evidence.c.facts).join(delivery, delivery.c.id == evidence.c.delivery_id).where(others)
    query = query.where(evidence.c.pages > 0).order_by(evidence.c.at.desc()).limit(20)
    found = [facts.get("station_id", "") for facts in (await connection.execute(query)).scalars()]
    return next(filter(None, found), "")


async def sent_digests(connection: AsyncConnection) -> set[str]:
    """Of everything that left, or was about to, by this database."""
    return set((await connection.execute(select(attempt.c.sent_digest).where(attempt.c.sent_digest != ""))).scalars())


_MINE = (
    (delivery.c.id == bindparam("ours"))
    & (delivery.c.fence == bindparam("numbered"))
    & (delivery.c.state == State.SENDING)
)
_RUNS = exists().where(campaign.c.id == delivery.c.campaign_id, RUNNING)
_THERE = exists().where(
    address.c.contact_id == delivery.c.contact_id,
    address.c.kind == delivery.c.kind,
    address.c.value == delivery.c.address,
)
_LEASE = update(delivery).where(_MINE, delivery.c.due > bindparam("now"), ON, _RUNS, _THERE)
_STAMP = update(attempt).where(attempt.c.id == bindparam("key"), attempt.c.stage == Stage.OPEN)


async def mark_transmitting(
    connection: AsyncConnection,
    one: Attempt,
    sent_digest: str,
    now: datetime,
    lease_until: datetime,
    facts: Mapping[str, str] | None = None,
) -> None:
    """The fence: after this commits, bytes may leave. Raises LostClaim when the try is no longer ours to make.

    One statement looks at everything that may have changed since the claim: the lease, the fencing number, the state,
    whether anything is sent at all and the campaign still runs, and whether the contact still has this address.
    """
    leased = {"ours": one.delivery_id, "numbered": one.fence, "now": now, "due": lease_until}
    stamp = {
        "key": one.id,
        "stage": Stage.TRANSMITTING,
        "transmitting_at": now,
        "sent_digest": sent_digest,
        "facts": dict(facts or {}),
    }
    for statement, given in ((_LEASE, leased), (_STAMP, stamp)):
        if (await connection.execute(statement, given)).rowcount != 1:
            raise LostClaim(f"attempt {one.id} is no longer ours to make")


_STILL_OPEN = (attempt.c.id == bindparam("key")) & (attempt.c.stage != Stage.CLOSED)
_NOTED = select(attempt.c.facts).where(_STILL_OPEN)
_CLOSE = update(attempt).where(_STILL_OPEN)


async def close(connection: AsyncConnection, attempt_id: str, outcome: Outcome, now: datetime) -> bool:
    """Write down what a try came to; False when that stands already. Facts that were noted as it left are kept."""
    noted = (await connection.execute(_NOTED, {"key": attempt_id})).scalar()
    if noted is None:
        return False
    row = {
        "key": attempt_id,
        "stage": Stage.CLOSED,
        "closed_at": now,
        "verdict": outcome.verdict,
        "cause": outcome.cause,
        "detail": outcome.detail,
        "ref": outcome.ref,
        "pages": outcome.pages,
        "facts": {**noted, **outcome.facts},
    }
    await correct_cost(connection, attempt_id, outcome)
    return (await connection.execute(_CLOSE, row)).rowcount == 1


_KEPT = select(evidence.c.id).where(evidence.c.source == bindparam("source"), evidence.c.event_id == bindparam("event"))
_KEEP = insert(evidence)
_EVIDENCE = select(evidence).where(evidence.c.delivery_id == bindparam("delivery")).order_by(evidence.c.id)


async def add_evidence(connection: AsyncConnection, **row: Any) -> bool:
    """Keep what was heard; False when this event of this source was kept before."""
    same = {"source": row["source"], "event": row["event_id"]}
    if (await connection.execute(_KEPT, same)).first():
        return False
    await connection.execute(_KEEP, row)
    return True


async def evidence_of(connection: AsyncConnection, delivery_id: str) -> list[dict[str, Any]]:
    """Everything heard about a delivery, in order."""
    return [dict(row) for row in (await connection.execute(_EVIDENCE, {"delivery": delivery_id})).mappings()]

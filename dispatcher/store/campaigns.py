"""The rows of campaigns, their occurrences and their frozen letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import NotFound
from dispatcher.domain.limits import NOTHING_OWN, OwnLimits
from dispatcher.domain.model import Delivery, Hours, Letter, hours_from

from .parts import in_parts
from .schema import campaign, letter, occurrence

#: A campaign whose queued rows may be claimed.
RUNNING = campaign.c.launched_at.is_not(None) & campaign.c.paused_at.is_(None) & campaign.c.stopped_at.is_(None)


@dataclass(frozen=True, slots=True)
class CampaignRow:
    """What the database knows of a campaign; what will happen stands in its frozen plan."""

    id: str
    title: str
    sender_name: str
    sender_email: str
    plan: str  #: sha256 of the plan in the archive; '' before it is prepared
    prepared_by: str
    prepared_at: datetime | None
    approved_plan: str  #: what was signed last; `approved` tells whether that stands
    approved_by: str
    approved_at: datetime | None
    confirmed: tuple[tuple[str, ...], ...]  #: (code, place, digest) of what the approver confirmed besides the plan
    launched_at: datetime | None
    paused_at: datetime | None
    stopped_at: datetime | None
    hours: Hours | None
    steps: tuple[tuple[int, int], ...]  #: (number, working days after arrival)
    proof_after: int
    limits: OwnLimits = NOTHING_OWN  #: what it says for itself

    @property
    def approved(self) -> bool:
        """The present plan is signed. A signature that was void once is not good again when its plan comes back."""
        return bool(self.plan) and self.approved_plan == self.plan and self.approved_at is not None

    @property
    def running(self) -> bool:
        return self.launched_at is not None and self.paused_at is None and self.stopped_at is None

    @property
    def phase(self) -> str:
        """Where it stands, in one word for people: derived, never stored."""
        if self.stopped_at:
            return "stopped"
        if self.launched_at:
            return "paused" if self.paused_at else "running"
        return "approved" if self.approved else "prepared" if self.plan else "draft"

    def follow_up_after(self, step: int) -> int | None:
        """Working days from the arrival of `step` to the next one; None when there is none."""
        return next((after for number, after in self.steps if number == step + 1), None)


def _from_row(row: Row[Any]) -> CampaignRow:
    fields = dict(row._mapping)
    fields["hours"] = hours_from(fields["hours"])
    fields["confirmed"] = tuple(tuple(one) for one in fields["confirmed"] or ())
    fields["steps"] = tuple((number, after) for number, after in fields["steps"])
    fields["limits"] = OwnLimits(**(fields["limits"] or {}))
    return CampaignRow(**fields)


#: Asked many times for every letter: making a statement anew takes longer than answering it.
_BY_ID = select(campaign).where(campaign.c.id == bindparam("key"))


async def find(connection: AsyncConnection, campaign_id: str) -> CampaignRow | None:
    row = (await connection.execute(_BY_ID, {"key": campaign_id})).first()
    return _from_row(row) if row else None


async def get(connection: AsyncConnection, campaign_id: str) -> CampaignRow:
    """Raises NotFound."""
    found = await find(connection, campaign_id)
    if found is None:
        raise NotFound(
            f"no campaign '{campaign_id}' was prepared; campaigns list shows those that were, "
            "campaigns prepare NAME prepares one from its file"
        )
    return found


async def every(connection: AsyncConnection) -> list[CampaignRow]:
    return [_from_row(row) for row in await connection.execute(select(campaign).order_by(campaign.c.id))]


async def put(connection: AsyncConnection, campaign_id: str, **values: Any) -> None:
    """Insert the campaign, or change these columns of it."""
    if await find(connection, campaign_id) is None:
        await connection.execute(insert(campaign).values(id=campaign_id, **values))
    else:
        await connection.execute(update(campaign).where(campaign.c.id == campaign_id).values(**values))


async def void_approval(connection: AsyncConnection, campaign_id: str) -> None:
    """What was signed is kept, to compare with; the signature and all that was confirmed with it are gone for good."""
    await put(connection, campaign_id, approved_by="", approved_at=None, confirmed=None)


async def open_occurrence(connection: AsyncConnection, campaign_id: str, local_key: str, at: datetime) -> bool:
    """Note that this occurrence of the campaign exists; False when it was noted before."""
    same = (occurrence.c.campaign_id == campaign_id) & (occurrence.c.local_key == local_key)
    if (await connection.execute(select(occurrence.c.at).where(same))).first():
        return False
    await connection.execute(insert(occurrence).values(campaign_id=campaign_id, local_key=local_key, at=at))
    return True


async def occurrences(connection: AsyncConnection, campaign_id: str) -> dict[str, datetime]:
    """The times at which a launched campaign happens, by local key, in order."""
    mine = select(occurrence.c.local_key, occurrence.c.at).where(occurrence.c.campaign_id == campaign_id)
    return {row.local_key: row.at for row in await connection.execute(mine.order_by(occurrence.c.at))}


async def put_letters(connection: AsyncConnection, letters: Sequence[Letter]) -> None:
    """Note frozen letters, in a few statements; noting one again does nothing (its digest is its name)."""
    for part in in_parts(letters):
        known = letter.c.digest.in_([one.digest for one in part])
        there = set((await connection.execute(select(letter.c.digest).where(known))).scalars())
        rows = [{name: getattr(one, name) for name in Letter.__slots__} for one in part if one.digest not in there]
        if rows:
            await connection.execute(insert(letter), rows)


_LETTER = select(letter).where(letter.c.digest == bindparam("digest"))


async def find_letter(connection: AsyncConnection, digest: str) -> Letter | None:
    row = (await connection.execute(_LETTER, {"digest": digest})).first()
    return Letter(**row._mapping) if row else None


async def get_letter(connection: AsyncConnection, digest: str) -> Letter:
    """Raises NotFound."""
    found = await find_letter(connection, digest)
    if found is None:
        raise NotFound(f"there is no letter {digest[:12]}…")
    return found


async def letter_for(connection: AsyncConnection, one: Delivery, step: int) -> Letter | None:
    """The approved letter of that step to the addressee of this delivery, of the same time of its campaign."""
    of = (letter.c.campaign_id == one.campaign_id) & (letter.c.step == step)
    of &= (letter.c.contact_id == one.addressee_id) & (letter.c.occurrence == one.occurrence)
    row = (await connection.execute(select(letter).where(of))).first()
    return Letter(**row._mapping) if row else None

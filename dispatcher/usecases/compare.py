"""Two versions of one contact's letter: what was approved against what is prepared, or against what would come now."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import NotFound, Problem, UserError
from dispatcher.letters.compare import Change, Version, side_by_side, word_changes
from dispatcher.store import audit, campaigns

from .office import Office
from .plan import plan_from_bytes
from .preview import Places, Sight, fresh_sight, frozen_sight, letter_of
from .proofs import find_letter

#: Plans of one campaign that are looked through for a digest; nobody prepares it so often.
_PLANS = 10_000
_SHORTEST = 6


@dataclass(frozen=True, slots=True)
class Compared:
    """What the two versions are, and how the words of the letter differ."""

    old: Version
    new: Version
    changes: tuple[Change, ...]

    @property
    def same(self) -> bool:
        return all(one.kind == "same" for one in self.changes)

    def pages(self) -> bytes:
        """Both as one PDF, side by side."""
        return side_by_side(self.old, self.new)


async def compare(
    office: Office, campaign_id: str, contact_id: str, places: Places, *, old: str = "", new: str = "", step: int = 0
) -> Compared:
    """`old` and `new` are digests, or beginnings of digests, of plans or letters.

    Without `old`, what was approved, where the prepared plan is another; else the prepared plan, and then `new` is what
    the templates give now. Raises NotFound, and UserError for a digest that is not clear.
    """
    row = await office.store.read(lambda connection: campaigns.get(connection, campaign_id))
    if not row.plan:
        raise NotFound(f"campaign '{campaign_id}' is not prepared yet; run: campaigns prepare")
    pending = bool(row.approved_plan) and row.approved_plan != row.plan
    first = old or (row.approved_plan if pending else row.plan)
    second = new or (row.plan if first != row.plan else "")
    left = await _version(office, campaign_id, contact_id, first, step, row.approved_plan)
    if second:
        right = await _version(office, campaign_id, contact_id, second, step, row.approved_plan)
    else:
        right = _as_version(
            "as the templates give it now", await fresh_sight(office, campaign_id, contact_id, places, step=step)
        )
    changes = await asyncio.to_thread(word_changes, left.text, right.text)
    return Compared(left, right, tuple(changes))


def _as_version(caption: str, sight: Sight) -> Version:
    return Version(caption, sight.form("text").decode(), sight.form("pdf"))


async def _version(office: Office, campaign_id: str, contact_id: str, digest: str, step: int, approved: str) -> Version:
    plan_digest = await _plan_of(office, campaign_id, digest)
    if plan_digest:
        plan = plan_from_bytes(await office.archive.get(plan_digest))
        word = "approved" if plan_digest == approved else "prepared"
        sight = await frozen_sight(office, letter_of(plan, contact_id, step))
        return _as_version(f"{word} plan {plan_digest[:12]}…", sight)
    letter = await find_letter(office, digest)
    return _as_version(f"letter {letter.digest[:12]}… to {letter.contact_id}", await frozen_sight(office, letter))


async def _plan_of(office: Office, campaign_id: str, beginning: str) -> str:
    """The digest of the campaign's plan that begins so, the voided ones too; '' where none does."""

    async def query(connection: AsyncConnection) -> list[str]:
        entries = await audit.tail(connection, _PLANS, f"campaign:{campaign_id}")
        return [str(one.event.data["plan"]) for one in entries if one.event.action == "campaign.prepare"]

    if len(beginning) < _SHORTEST:
        raise UserError(Problem(beginning, "is too short for a digest", f"Give at least {_SHORTEST} characters"))
    known = {one for one in await office.store.read(query) if one.startswith(beginning)}
    if len(known) > 1:
        raise UserError(Problem(beginning, f"{len(known)} plans begin so", "Give more characters"))
    return next(iter(known), "")

"""The frozen bytes of a letter, for a person to look at: before the launch from the plan, after it from the record."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import NotFound, Problem, UserError
from dispatcher.domain.model import Letter
from dispatcher.domain.words import Kind
from dispatcher.store import attempts, campaigns, deliveries

from .office import Office
from .plan import Plan, plan_from_bytes

#: Which part of a letter a file of this ending is.
PART_BY_ENDING = {
    ".pdf": "pdf",
    ".tif": "tiff",
    ".tiff": "tiff",
    ".eml": "entity",
    ".html": "html",
    ".htm": "html",
    ".txt": "text",
}
#: A shorter beginning of a digest might be a name of something else.
_SHORTEST = 6


@dataclass(frozen=True, slots=True)
class Proof:
    """One part of one letter."""

    letter: Letter
    part: str
    data: bytes
    as_sent: bool  #: these are the very bytes that left, headers included


def part_for(file_name: str) -> str:
    """The part that a file's name asks for. Raises UserError for an ending that says nothing."""
    ending = file_name[file_name.rfind(".") :].lower() if "." in file_name else ""
    if ending not in PART_BY_ENDING:
        way_out = f"End its name in {', '.join(PART_BY_ENDING)}, or say --part"
        raise UserError(Problem(file_name, "the ending does not tell which part of the letter is wanted", way_out))
    return PART_BY_ENDING[ending]


async def proof(office: Office, name: str, part: str) -> Proof:
    """A part of the letter called `name`: a delivery's id, or the beginning of a letter's digest.

    For a delivery by email that has left, the part 'entity' is the whole message as it left. Raises NotFound, UserError
    when several letters begin so, CheckFailed when the archived bytes have changed.
    """
    if part == "entity" and (sent := await _as_sent(office, name)):
        letter = await find_letter(office, name)
        return Proof(letter, part, await office.archive.get(sent), as_sent=True)
    letter = await find_letter(office, name)
    if part not in letter.objects:
        raise NotFound(f"the letter has no part '{part}'; it has: {', '.join(sorted(letter.objects))}")
    return Proof(letter, part, await office.archive.get(letter.objects[part]), as_sent=False)


async def _as_sent(office: Office, delivery_id: str) -> str:
    """The digest of the newest message of a delivery by email that left; '' when there is none."""

    async def query(connection: AsyncConnection) -> str:
        known = await deliveries.find(connection, delivery_id)
        if known is None or known.kind is not Kind.EMAIL:
            return ""
        tries = await attempts.of_delivery(connection, known.id)
        return next((one.sent_digest for one in reversed(tries) if one.sent_digest), "")

    return await office.store.read(query)


async def find_letter(office: Office, name: str) -> Letter:
    """The letter of a delivery's id, or of the beginning of a digest. Raises NotFound, UserError when it is unclear."""
    known = await office.store.read(lambda connection: _recorded(connection, name))
    found = {known.digest: known} if known else {}
    for plan in await _plans(office) if not known else ():
        found |= {one.digest: one for one in _planned(plan, name)}
    if len(found) > 1:
        raise UserError(Problem(name, f"{len(found)} letters begin so", "Give more characters."))
    if not found:
        raise NotFound(f"there is no letter and no delivery '{name}'")
    return next(iter(found.values()))


async def _recorded(connection: AsyncConnection, name: str) -> Letter | None:
    known = await deliveries.find(connection, name)
    return await campaigns.find_letter(connection, known.letter if known else name)


async def _plans(office: Office) -> list[Plan]:
    rows = await office.store.read(campaigns.every)
    return [plan_from_bytes(await office.archive.get(row.plan)) for row in rows if row.plan]


def _planned(plan: Plan, name: str) -> list[Letter]:
    digests = {stop.letter for stop in plan.stops if stop.id == name}
    begins = len(name) >= _SHORTEST
    return [one for one in plan.letters if one.digest in digests or (begins and one.digest.startswith(name))]

"""Finds the letter that a message is about. Only names that we signed, or our own Message-ID, are more than a guess."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.incoming import Reading
from dispatcher.domain.matching import Match, cited, contradicted, guess
from dispatcher.domain.tokens import is_return_path
from dispatcher.domain.words import Tie, Verdict
from dispatcher.store import attempts, deliveries, incoming

from .hear import require_memory
from .office import Office

_SPOILED = "it came to a return path that we did not sign, or that has expired"
_SEVERAL = "it came to the return paths of more than one letter"


async def find_letter(
    connection: AsyncConnection, office: Office, reading: Reading, envelope: Sequence[str]
) -> tuple[Match, str]:
    """What the message is tied to, and what speaks against that; '' where nothing does.

    Raises StoreFault where a database in quarantine may have forgotten the try: it is looked for again later.
    """
    names = [one.rpartition("@")[0] or one for one in (*envelope, *reading.arrived_for)]
    signed = dict.fromkeys(attempt for one in names if (attempt := office.signed(one)))
    if len(signed) > 1:
        return Match(), _SEVERAL
    by_envelope_id = office.signed(reading.envelope_id)
    for tie, attempt_id in ((Tie.RETURN_PATH, next(iter(signed), None)), (Tie.ENVELOPE_ID, by_envelope_id)):
        if attempt_id:
            match = await _of_attempt(connection, tie, attempt_id)
            return match, contradicted(reading, match, office.domain)
    spoiled = any(is_return_path(one) for one in (*names, reading.envelope_id))
    return await _by_letter(connection, office, reading), _SPOILED if spoiled else ""


async def _of_attempt(connection: AsyncConnection, tie: Tie, attempt_id: str) -> Match:
    attempt = await attempts.find(connection, attempt_id)
    if attempt is None:
        await require_memory(connection)
        return Match(reasons=("it names a try of ours that is not on record",))
    return Match(tie, await deliveries.get(connection, attempt.delivery_id), attempt.id)


async def _by_letter(connection: AsyncConnection, office: Office, reading: Reading) -> Match:
    seen = await incoming.by_message_id(connection, cited(reading, office.domain))
    if seen is None:
        addresses = {reading.sender, *(one.address for one in reading.recipients)}
        return guess(reading, await incoming.candidates(connection, addresses), office.clock.now())
    made = [one for one in await attempts.of_delivery(connection, seen.id) if one.verdict != Verdict.UNSENT]
    return Match(Tie.MESSAGE_ID, seen, made[0].id if len(made) == 1 else "")

"""Writes changes of contacts: the rows, their history, and what becomes of letters that wait. The only way in."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import Conflict
from dispatcher.domain.model import Actor
from dispatcher.store import contact_history, contacts
from dispatcher.store.contact_history import Change
from dispatcher.store.contacts import Kept

from .follow import Followed, follow
from .office import Office


async def change_all(
    connection: AsyncConnection,
    office: Office,
    changes: Sequence[Change],
    actor: Actor,
    *,
    import_number: int | None = None,
    reason: str = "",
) -> list[Followed]:
    """Write these changes and their history; waiting letters follow."""
    now = office.clock.now()
    # All addresses are freed first: two contacts of one change may have exchanged theirs.
    await contacts.release_addresses(connection, (one.contact_id for one in changes))
    for one in changes:
        await _require_free(connection, one.after)
        await contacts.set_to(connection, one.contact_id, one.after, now)
        await contact_history.add_change(connection, one, str(actor), now, import_number=import_number, reason=reason)
    why = reason or (f"import {import_number}" if import_number else "")
    followed: list[Followed] = []
    for one in changes:
        if one.before and one.after:
            followed += await follow(connection, office, one.before.person, one.after.person, why, actor)
    return followed


async def _require_free(connection: AsyncConnection, after: Kept | None) -> None:
    for address in after.person.addresses if after and after.active else ():
        if taken := await contacts.owner(connection, address):
            raise Conflict(f"{address.value} belongs to the contact '{taken}' now; correct that one first")

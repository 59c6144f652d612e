"""Writes changes of contacts: the rows, their history, and what becomes of letters that wait. The only way in."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.model import Actor
from dispatcher.store import contact_history, contacts
from dispatcher.store.contact_history import Change

from .contact_checks import require_free
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
    """Write these changes and their history; waiting letters follow. Raises Conflict for an address of another."""
    now = office.clock.now()
    await require_free(connection, changes)
    # All addresses are freed first: two contacts of one change may have exchanged theirs.
    await contacts.set_all(connection, {one.contact_id: one.after for one in changes}, now)
    await contact_history.add_changes(connection, changes, str(actor), now, import_number=import_number, reason=reason)
    why = reason or (f"import {import_number}" if import_number else "")
    followed: list[Followed] = []
    written_to = await contacts.written_to(connection, [one.contact_id for one in changes])
    for one in changes:
        if one.before and one.contact_id in written_to:
            followed += await follow(connection, office, one.before, one.after, why, actor)
    return followed

"""What must be right before a change of contacts is written: every address is one contact's own, warnings were seen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import Conflict, Problem
from dispatcher.domain.model import Address
from dispatcher.store import contacts
from dispatcher.store.contact_history import Change

#: A warning of these codes is an error until somebody has looked and said so.
TO_CONFIRM = frozenset({"W_CONFUSABLE"})


def unconfirmed(warnings: Iterable[Problem], confirmed: Collection[str]) -> list[Problem]:
    """The warnings that stop a change, each with how to say that it is right."""
    stopping = TO_CONFIRM - set(confirmed)
    return [
        replace(one, way_out=f"{one.way_out}; when it is right, say --confirm {one.code}")
        for one in warnings
        if one.code in stopping
    ]


async def require_free(connection: AsyncConnection, changes: Sequence[Change]) -> None:
    """Raises Conflict where an address would be that of two contacts, of these changes or beside them."""
    wanted = [
        (one.contact_id, address)
        for one in changes
        for address in (one.after.person.addresses if one.after and one.after.active else ())
    ]
    changed = {one.contact_id for one in changes}
    held = await contacts.owners(connection, {address for _, address in wanted})
    owner: dict[Address, str] = {address: name for address, name in held.items() if name not in changed}
    for name, address in wanted:
        taken = owner.setdefault(address, name)
        if taken != name:
            raise Conflict(f"E_DUP {address.value} belongs to the contact '{taken}' now; correct that one first")

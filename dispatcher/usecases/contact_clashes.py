"""Which rows of a list cannot be taken because their address stays with another contact of the office."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Address
from dispatcher.store.contacts import Kept


@dataclass(frozen=True, slots=True)
class Beside:
    """What the files say, beside what the office has."""

    named: Mapping[str, Kept]  #: the good rows
    office_has: Mapping[str, Kept]
    retired: Collection[str]  #: ids of those who are retired by the same import, and free their addresses

    def owners(self) -> dict[Address, str]:
        """Whose each address is now."""
        active = ((name, one) for name, one in self.office_has.items() if one.active)
        return {address: name for name, one in active for address in one.person.addresses}


def clashes(beside: Beside) -> dict[str, Problem]:
    """The rows that cannot be taken, and why.

    A row that is left out leaves its own contact as it is, which may stand in the way of the next row: the search goes
    on until no more rows fall.
    """
    owners, found = beside.owners(), dict[str, Problem]()
    while new := dict(_clashing(beside, owners, found)):
        found |= new
    return found


def _clashing(
    beside: Beside, owners: Mapping[Address, str], found: Mapping[str, Problem]
) -> Iterator[tuple[str, Problem]]:
    for name, one in beside.named.items():
        for address in one.person.addresses if name not in found else ():
            owner = owners.get(address, name)
            goes_on = owner in beside.retired or (owner in beside.named and owner not in found)
            if owner != name and not goes_on:
                yield name, _clash(one, address, owner, left_out=owner in found)


def _clash(one: Kept, address: Address, owner: str, *, left_out: bool) -> Problem:
    cause = f"{address.kind}: {address.value} belongs to the contact '{owner}' already"
    if left_out:
        return Problem(one.source, f"{cause}, whose own row cannot be taken", "Mend that row first", "E_DUP")
    way_out = f"Correct one of the two, or use the id {owner} if they are one office"
    return Problem(one.source, cause, way_out, "E_DUP")

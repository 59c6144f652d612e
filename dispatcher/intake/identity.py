"""The id of a row: given, or that of the contact with its external id, or made from what outlasts people."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping

from dispatcher.domain.model import Contact
from dispatcher.domain.words import Form

from .findings import Findings, clip
from .text import Where
from .values import LONGEST_ID, SLUG_WAY_OUT, is_slug
from .words import city_in, fold

#: Forms that say enough in an id; for missions, state and seat do.
_SAID = {Form.HEAD_OF_STATE, Form.MONARCH, Form.HEAD_OF_GOVERNMENT, Form.FOREIGN_MINISTER}


def check_id(slug: str, where: Where, findings: Findings) -> None:
    """Notes an id that is not a plain name."""
    if not is_slug(slug):
        findings.fault(where.place, "E_ID", f"{where.name}: {clip(slug)} is not a plain name", SLUG_WAY_OUT)


def by_external_id(known: Mapping[str, Contact]) -> dict[str, str]:
    """External id → the id of the one contact of the office that came with it; those of several are left out."""
    counts = Counter(one.external_id for one in known.values() if one.external_id)
    return {one.external_id: name for name, one in known.items() if counts[one.external_id] == 1}


def made_id(said: Mapping[str, str], form: Form, city: str) -> tuple[str, str]:
    """An id from state and seat ('td-geneva'), or organisation and office, or the name; and what it was made from.

    Holder, addresses and numbers are no part of it, so that the same row of a later list has the same id.
    """
    state, seat = said.get("state_code", ""), said.get("seat", "")
    town = city_in(city)
    if state and form in _SAID:
        return f"{state}-{form}".casefold().replace("_", "-"), "state and office"
    if state and (town or seat):
        return f"{state}-{town.slug if town else seat}".casefold(), "state and seat"
    organisation, office = slug_of(said.get("organisation", "")), slug_of(said.get("office", ""))
    if state and (organisation or office):
        return slug_of(f"{state} {organisation or office}"), f"state and {'organisation' if organisation else 'office'}"
    if organisation:
        return slug_of(f"{organisation} {office}"), "organisation and office" if office else "organisation"
    return (slug_of(said["name"]), "name") if said.get("name") else (office, "office")


def slug_of(text: str) -> str:
    """The text as a plain name: ASCII, cut between words; '' where nothing of it can be kept."""
    words = re.sub(r"[^a-z0-9]+", "-", fold(text)).strip("-")
    return words if len(words) <= LONGEST_ID else words[: LONGEST_ID + 1].rpartition("-")[0]

"""States, seats and cities: what a list calls them becomes an ISO code and a time zone, or a problem with a hint."""

from __future__ import annotations

from dispatcher.domain import states

from .findings import Findings, clip
from .text import Where
from .words import City, city_in


def read_state(text: str, where: Where, findings: Findings) -> str:
    """The ISO 3166-1 code of a state by code or by any of its names; E_STATE, with the nearest name, where unknown."""
    code = states.resolve(text) if text else ""
    if text and not code:
        cause, way_out = _not_one_state(text)
        findings.fault(where.place, "E_STATE", f"{where.name}: {clip(text)} {cause}", way_out)
    return code


def _not_one_state(text: str) -> tuple[str, str]:
    """Why a name is no state's, and what to do: it could be two states', or is like another name, or is unknown."""
    if meant := states.could_be(text):
        return f"could be {' or '.join(map(repr, meant))}", "Write which of them it is"
    near = states.nearest(text)
    return "is not a state that is known", f"Did you mean {near!r}?" if near else _WAY_OUT


_WAY_OUT = "Give its name as the United Nations has it, or its two-letter code (ISO 3166-1)"


def region_named(country: str) -> str:
    """The ISO code for the last line of a postal address; '' where it names no state or territory that is known."""
    return states.resolve(country) if country else ""


def city_named(text: str) -> City | None:
    """The seat of missions that a line names; None where it names none that is known."""
    return city_in(text)


def zone_of(code: str) -> tuple[str, str]:
    """The time zone of a state's capital, and the capital's name; both '' where the state is not known."""
    found = states.state(code)
    return (found.zone, found.capital) if found else ("", "")

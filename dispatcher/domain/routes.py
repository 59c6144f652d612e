"""The circuit breaker of a route (mail relay, fax gateway): when it closes to letters, is looked at, and opens again.

Pure: what a route was, and what happened, give what it is now. Spelt for people: a *closed* route takes no letters.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from .words import Cause, Kind, RouteState

#: So many faults in a row, none of them older than `WINDOW`, close a route.
FAULTS = 3
WINDOW = timedelta(minutes=5)
#: These close it at the first: they do not pass by themselves, and three wrong passwords lock many accounts.
AT_ONCE = frozenset(
    {
        Cause.SMTP_AUTH,
        Cause.SMTP_TLS,
        Cause.SMTP_REFUSED,
        Cause.FAX_NO_CREDIT,
        Cause.FAX_PROVIDER_REJECTED,
        Cause.ROUTE_PAUSED,
    }
)
#: How long a closed route is left alone: the first time, and at the most; each look in vain doubles it.
FIRST_WAIT = timedelta(minutes=2)
LONGEST_WAIT = timedelta(minutes=15)
#: After so many the wait has reached its most: a number of days without end is no number.
_DOUBLINGS = 10
#: A look that was begun and never ended (its worker died) is begun again after this.
LOOK_LEASE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Route:
    """One way out as it stands. A route that nothing is known of is open."""

    name: str
    state: RouteState
    since: datetime  #: when it was closed or paused; of an open one, when its first fault was counted
    until: datetime | None = None  #: closed: the next look; trial: when the next letter may go; else None
    faults: int = 0  #: in a row, while it is open
    looks: int = 0  #: in vain, since it closed
    cause: Cause = Cause.NONE
    detail: str = ""  #: the far end's words, or a person's reason
    by: str = ""  #: who paused it

    @property
    def takes_letters(self) -> bool:
        return self.state is RouteState.OPEN

    def trial_is_free(self, now: datetime) -> bool:
        """May one letter go, to find out?"""
        return self.state is RouteState.TRIAL and (self.until is None or self.until <= now)

    def look_is_due(self, now: datetime) -> bool:
        return self.state is RouteState.CLOSED and (self.until is None or self.until <= now)


def failed(known: Route | None, name: str, cause: Cause, detail: str, now: datetime) -> Route | None:
    """After it refused us, whoever the letter was for; None where that changes nothing."""
    if known is None or (known.state is RouteState.OPEN and now - known.since > WINDOW):
        known = Route(name, RouteState.OPEN, now)
    if known.state is RouteState.TRIAL:
        return in_vain(known, cause, detail, now)
    if known.state is not RouteState.OPEN:
        return None  # a letter that was under way when it closed
    counted = replace(known, faults=known.faults + 1, cause=cause, detail=detail)
    if counted.faults < FAULTS and cause not in AT_ONCE:
        return counted
    return replace(counted, state=RouteState.CLOSED, since=now, until=now + FIRST_WAIT, looks=0)


def answered(known: Route | None) -> bool:
    """After it answered about a letter: is it as good as new, so that nothing need be remembered of it?

    A closed one stays closed: a letter that was under way when it closed proves nothing.
    """
    return known is not None and known.state in (RouteState.OPEN, RouteState.TRIAL)


def in_vain(known: Route, cause: Cause, detail: str, now: datetime) -> Route:
    """After a look, or a letter on trial, that it did not let in: ever longer until the next."""
    looks = known.looks + 1
    wait = min(FIRST_WAIT * 2 ** min(looks, _DOUBLINGS), LONGEST_WAIT)
    return replace(known, state=RouteState.CLOSED, until=now + wait, looks=looks, cause=cause, detail=detail)


def let_in(known: Route, now: datetime) -> Route:
    """After a look that got through: one letter may go."""
    return replace(known, state=RouteState.TRIAL, until=now)


def paused(known: Route | None, name: str, reason: str, by: str, now: datetime) -> Route:
    """By a person: nothing goes until a person opens it."""
    known = known or Route(name, RouteState.OPEN, now)
    return replace(
        known, state=RouteState.PAUSED, since=now, until=None, detail=reason, by=by, cause=Cause.ROUTE_PAUSED
    )


@dataclass(frozen=True, slots=True)
class Lot:
    """Letters that leave by the same ways: of a kind, and to numbers that begin so, but not so."""

    kind: Kind
    begins: str = ""
    but: tuple[str, ...] = ()  #: longer beginnings, which have ways of their own

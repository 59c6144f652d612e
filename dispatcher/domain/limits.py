"""Politeness as values: how fast letters may leave on a way, to a domain, to an office, and for how much money.

Decides on facts that are handed in; `usecases.pacing` asks it at every claim, and `usecases.limits` tells people.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from .words import Kind

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
#: Money is kept in ten-thousandths of its unit, as tariffs are.
UNITS = 10_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast letters may leave on one road. 0 is no limit."""

    at_once: int = 0  #: tries under way at the same time, over all workers and hosts
    per_minute: int = 0  #: in any sixty seconds, not in a minute of the clock
    per_hour: int = 0
    gap: timedelta = timedelta()  #: from the beginning of one to the beginning of the next

    @property
    def spans(self) -> tuple[tuple[int, timedelta], ...]:
        """(so many, within): what a new try is measured against."""
        found = ((1, self.gap), (self.per_minute, MINUTE), (self.per_hour, HOUR))
        return tuple((count, span) for count, span in found if count and span)

    @property
    def words(self) -> str:
        """'1 at once, 30 a minute, 2 s apart'; '' where there is no limit."""
        parts = (
            f"{self.at_once} at once" if self.at_once else "",
            f"{self.per_minute} a minute" if self.per_minute else "",
            f"{self.per_hour} an hour" if self.per_hour else "",
            f"{self.gap.total_seconds():g} s apart" if self.gap else "",
        )
        return ", ".join(part for part in parts if part)


FREELY = Pace()


def rests_until(pace: Pace, starts: Sequence[datetime]) -> datetime | None:
    """When the next try may begin, after those that began at `starts` (the latest first); None: there was none."""
    free = [starts[count - 1] + span for count, span in pace.spans if len(starts) >= count]
    return max(free, default=None)


@dataclass(frozen=True, slots=True)
class Spending:
    """What faxes may cost, in one currency. 0 is no limit."""

    currency: str = "EUR"
    per_day: Decimal = Decimal(0)
    per_month: Decimal = Decimal(0)
    per_campaign: Decimal = Decimal(0)

    @property
    def limited(self) -> bool:
        return bool(self.per_day or self.per_month or self.per_campaign)


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of an installation. What nobody set does not limit."""

    domain: Pace = FREELY  #: of each domain that mail goes to
    routes: Mapping[str, Pace] = field(default_factory=dict)  #: of each relay and gateway, by its name
    call: timedelta = timedelta()  #: so long a fax that a gateway took, without a word since, counts as a call
    courtesy: timedelta = timedelta()  #: between two letters to the same office
    campaign_letters: int = 0  #: letters to addresses that a campaign may have without the administrator's word
    campaign_exceptions: Mapping[str, int] = field(default_factory=dict)  #: campaign → the administrator's word
    per_day: int = 0  #: letters a day of each campaign
    spending: Spending = Spending()
    zone: str = "UTC"  #: whose days and months count

    def letters_of(self, campaign_id: str) -> int:
        """How many letters that campaign may have; 0: any number."""
        return self.campaign_exceptions.get(campaign_id, self.campaign_letters)

    def of_route(self, name: str) -> Pace:
        return self.routes.get(name, FREELY)


UNLIMITED = Limits()


@dataclass(frozen=True, slots=True)
class OwnLimits:
    """What a campaign says for itself."""

    per_day: int = 0  #: letters a day; 0: as the settings say
    courtesy_hours: int | None = None  #: instead of the setting; None: as the settings say
    reason: str = ""  #: why the gap is another one

    def record(self) -> dict[str, object]:
        """As a row and a plan keep it; {} where the campaign says nothing."""
        gap = {} if self.courtesy_hours is None else {"courtesy_hours": self.courtesy_hours, "reason": self.reason}
        return {**({"per_day": self.per_day} if self.per_day else {}), **gap}

    def a_day(self, limits: Limits) -> int:
        """The smaller of its own and the settings' number; 0: any number."""
        return min((one for one in (self.per_day, limits.per_day) if one), default=0)

    def gap(self, limits: Limits) -> timedelta:
        return limits.courtesy if self.courtesy_hours is None else timedelta(hours=self.courtesy_hours)


NOTHING_OWN = OwnLimits()


def lane(kind: Kind, address: str) -> str:
    """What letters to this address share with others: a mail's domain in lower case, a fax's number."""
    return address.rpartition("@")[2].lower() if kind is Kind.EMAIL else address


def day_of(instant: datetime, zone: str) -> tuple[datetime, datetime]:
    """The beginning of this day in that zone, and of the next one."""
    place = ZoneInfo(zone)
    today = instant.astimezone(place).date()
    first, after = (datetime.combine(day, time(), place) for day in (today, today + timedelta(days=1)))
    return first.astimezone(UTC), after.astimezone(UTC)


def month_of(instant: datetime, zone: str) -> tuple[datetime, datetime]:
    """The beginning of this month in that zone, and of the next one."""
    place = ZoneInfo(zone)
    first = instant.astimezone(place).date().replace(day=1)
    after = (first + timedelta(days=32)).replace(day=1)
    return datetime.combine(first, time(), place).astimezone(UTC), datetime.combine(after, time(), place).astimezone(
        UTC
    )


def units(money: Decimal) -> int:
    """The money in ten-thousandths."""
    return int(money * UNITS)


def money(amount: int, currency: str) -> str:
    """'EUR 12.40'."""
    return f"{currency} {Decimal(amount) / UNITS:.2f}"

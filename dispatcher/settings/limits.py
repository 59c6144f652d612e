"""The shape of the limits among the settings: how fast, how many, for how much money. 0 is no limit, everywhere."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Self

from pydantic import Field, model_validator

from .section import Section, wrong

Number = Annotated[int, Field(ge=0, le=1_000_000)]
Gap = Annotated[float, Field(ge=0, le=3600)]
Money = Annotated[Decimal, Field(ge=0, le=10_000_000, max_digits=12, decimal_places=4)]


class Pace(Section):
    """How fast letters may leave on one way, over all workers and machines."""

    at_once: Number = 0
    per_minute: Number = 0
    per_hour: Number = 0
    gap_seconds: Gap = 0


class DomainPace(Pace):
    """The same for each domain that mail goes to: one letter after the other, unless somebody says otherwise."""

    at_once: Number = 1
    gap_seconds: Gap = 2


class Spending(Section):
    """What faxes may cost."""

    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    per_day: Money = Decimal(0)
    per_month: Money = Decimal(0)
    per_campaign: Money = Decimal(0)

    @property
    def limited(self) -> bool:
        return bool(self.per_day or self.per_month or self.per_campaign)


class CampaignException(Section):
    """The administrator's word that one campaign may have more letters."""

    campaign: Annotated[str, Field(min_length=1, max_length=100)] = ""
    letters: Number = 0


class Limits(Section):
    """How many letters, and how close together."""

    courtesy_hours: Annotated[float, Field(ge=0, le=8760)] = 24  #: between two letters to the same office
    campaign_letters: Number = 5000  #: of a campaign, to addresses, all times and both ways together
    per_day: Number = 0  #: of each campaign
    exceptions: tuple[CampaignException, ...] = ()

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [one.campaign for one in self.exceptions]
        if "" in names:
            raise wrong("E_LIMIT_CAMPAIGN", "limits.exceptions names no campaign", "Give the campaign's id")
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise wrong("E_LIMIT_CAMPAIGN", f"limits.exceptions names '{twice[0]}' twice", "Leave one of them")
        return self

"""The public holidays of a country, by the tables of the package `holidays`. It alone knows that package."""

from __future__ import annotations

from functools import lru_cache

import holidays


@lru_cache(maxsize=1024)
def public_holidays(country: str, subdivision: str, years: tuple[int, ...]) -> tuple[tuple[str, str], ...]:
    """('2026-09-10', 'Genevan Fast') and so on, in order; () for a country or years that the package does not know.

    `country` is an ISO 3166-1 code, `subdivision` the second half of an ISO 3166-2 code, or '' for what the whole
    country keeps. Names are English where the package has them; it marks days that depend on the moon '(estimated)'.
    """
    known = holidays.list_supported_countries()
    if country not in known:
        return ()
    part = subdivision if subdivision in known[country] else None
    table = holidays.country_holidays(country, subdiv=part)
    inside = [year for year in years if table.start_year <= year <= table.end_year]  # it warns of any other
    found = holidays.country_holidays(country, subdiv=part, years=inside, language=_language(country))
    return tuple(sorted((day.isoformat(), name) for day, name in found.items()))


def _language(country: str) -> str | None:
    """English, of the languages that the package has for a country; None for the country's own."""
    spoken = holidays.list_localized_countries().get(country, [])
    return next((tag for tag in ("en_US", "en_GB", "en") if tag in spoken), None)

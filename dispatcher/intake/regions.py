"""From the name of a country in a postal address to its region code, for fax numbers written the national way.

A closed list, because a guess would dial a stranger. It holds the seats of the United Nations and of most missions in
English, and in French where the Geneva list of missions differs; a two-letter code of ISO 3166-1 always works.
"""

from __future__ import annotations

from phonenumbers import SUPPORTED_REGIONS

from .findings import fold

REGION_BY_NAME: dict[str, str] = {
    "argentina": "AR",
    "australia": "AU",
    "austria": "AT",
    "autriche": "AT",
    "belgium": "BE",
    "belgique": "BE",
    "brazil": "BR",
    "canada": "CA",
    "chile": "CL",
    "china": "CN",
    "denmark": "DK",
    "egypt": "EG",
    "ethiopia": "ET",
    "finland": "FI",
    "france": "FR",
    "germany": "DE",
    "allemagne": "DE",
    "greece": "GR",
    "india": "IN",
    "indonesia": "ID",
    "ireland": "IE",
    "italy": "IT",
    "italie": "IT",
    "japan": "JP",
    "kenya": "KE",
    "mexico": "MX",
    "netherlands": "NL",
    "the netherlands": "NL",
    "new zealand": "NZ",
    "norway": "NO",
    "poland": "PL",
    "portugal": "PT",
    "republic of korea": "KR",
    "russian federation": "RU",
    "south africa": "ZA",
    "spain": "ES",
    "espagne": "ES",
    "sweden": "SE",
    "switzerland": "CH",
    "suisse": "CH",
    "thailand": "TH",
    "turkiye": "TR",
    "ukraine": "UA",
    "united kingdom": "GB",
    "united kingdom of great britain and northern ireland": "GB",
    "united states": "US",
    "united states of america": "US",
    "usa": "US",
}
_FOLDED = {fold(name): region for name, region in REGION_BY_NAME.items()}


def region_of(country: str) -> str:
    """The ISO 3166-1 code for the last line of a postal address; '' where the list does not have it."""
    code = country.strip().upper()
    return code if code in SUPPORTED_REGIONS else _FOLDED.get(fold(country), "")

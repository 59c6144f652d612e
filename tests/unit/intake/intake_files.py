"""The good contacts and the good campaign that these tests spoil, and how what was found is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from dispatcher.domain.errors import Problem, UserError
from dispatcher.intake.campaign import CampaignFile
from dispatcher.intake.contacts import FIELDS

Cells = Mapping[str, str]
WriteContacts = Callable[..., Path]
Found = list[Problem]

GOOD: dict[str, str] = {
    "id": "ardesia-geneva",
    "honorific": "H.E. Ms.",
    "name": "Elena Marchetti-Rossi",
    "office": "Ambassador and Permanent Representative",
    "organisation": "Permanent Mission of the Republic of Ardesia",
    "address_1": "18, chemin des Charmilles-Hautes",
    "address_2": "1202 Geneva",
    "country": "Switzerland",
    "state": "the Republic of Ardesia",
    "language": "en",
    "time_zone": "Europe/Zurich",
    "salutation": "Excellency,",
    "email": "mission@ardesia.example",
    "fax": "+44 1632 960101",
    "tags": "mission geneva",
}


def row(**cells: str) -> dict[str, str]:
    """A good contact with some cells changed."""
    return {**GOOD, **cells}


def quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def csv_text(rows: Sequence[Cells], delimiter: str = ",", columns: Sequence[str] = FIELDS) -> str:
    lines = [delimiter.join(columns)]
    lines += [delimiter.join(quoted(cells.get(column, "")) for column in columns) for cells in rows]
    return "\n".join(lines) + "\n"


def problems(act: Callable[[], object]) -> Found:
    try:
        act()
    except UserError as error:
        return list(error.problems)
    return []


def told(found: Sequence[Problem]) -> list[tuple[str, str]]:
    """Where and which: ('3', 'E_ZONE') for a problem of line 3."""
    return [(problem.place.rpartition(":")[2], problem.code) for problem in found]


BOOK_ROWS = (
    row(),
    row(id="halvorn-geneva", email="mission@halvorn.example", fax="+44 1632 960102"),
    row(id="miravale-geneva", email="mission@miravale.example", fax=""),
    row(id="pelagia-new-york", email="mission@pelagia.example", fax="+1 212 555 0103", tags="mission new-york"),
    row(id="registry", email="registry@castrevia.example", fax="+44 1632 960104", tags=""),
)

CAMPAIGN = """\
id = "air-strikes"
title = "Air strikes"
organisation = "coalition"
letter_date = 2015-10-01

[sender]
name = "Megan Burke"
title = "Director"
email = "letters@coalition.example"
place = "Geneva"

[when]
at = 2015-10-01T09:00:00
zone = "Europe/Zurich"
hours = "08:00-18:00"
expires_after = 20

[select]
contacts = ["pelagia-new-york"]
tags = ["geneva"]
except = ["halvorn-geneva"]

[channels]
default = "fax_if_no_proof"
proof_after = 4

[channels.by_contact]
"miravale-geneva" = "email"

[[cc]]
contact = "registry"
for = "ardesia-geneva"
channels = "email"

[[steps]]
letter = "air-strikes"

[[steps]]
letter = "air-strikes-follow-up"
after = 10
"""
LETTERS = ("air-strikes", "air-strikes-follow-up", "briefing-invitation")
ORGANISATIONS = ("coalition", "campaign-against-mines")


ReadCampaign = Callable[..., CampaignFile]

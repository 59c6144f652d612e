"""A list of 200 missions as a Geneva secretariat keeps it in Excel: French headers under a title, numbers as numbers.

With 40 planted faults of 15 kinds, each with its row, its column and the value that mends it. All addresses are
fictional; nothing is ever sent to them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import xlsxwriter

from dispatcher.domain.states import short, states

SHEET = "Missions permanentes"
HEADER_ROW = 4
HEADERS = (
    "N°", "Pays", "Mission permanente", "Adresse", "Code postal", "Ville", "Téléphone", "Téléfax", "Courriel",
    "Langue de correspondance", "Chef de mission", "Titre", "Fête nationale", "Lettres de créance", "Site internet",
)  # fmt: skip
MISSIONS = 200
LANGUAGES = ("Français", "Anglais", "Espagnol", "Russe", "Arabe", "Chinois")
TITLES = (
    "Ambassadeur, Représentant permanent", "Ambassadrice, Représentante permanente", "Chargé d'affaires a.i.",
    "Chargée d’affaires a.i.",
)  # fmt: skip
HONORIFICS = ("S.E. M.", "S.E. Mme", "M.", "Mme")
Value = str | int | date


@dataclass(frozen=True, slots=True)
class Planted:
    """A fault: where it stands, the code it is told by, and the value that belongs there."""

    mission: int  #: counted from 0
    header: str
    value: Value
    code: str

    @property
    def row(self) -> int:
        """As Excel counts."""
        return HEADER_ROW + 1 + self.mission

    @property
    def column(self) -> str:
        """Its letter in Excel."""
        return chr(ord("A") + HEADERS.index(self.header))


def mission(number: int) -> dict[str, Value]:
    """The good row of a mission."""
    listed = states()
    one = listed[number % len(listed)]
    geneva = number < len(listed)
    style = number % len(TITLES)
    return {
        "N°": number + 1,
        "Pays": one.shorts["fr"],
        "Mission permanente": f"Mission permanente : {short(one.code, 'fr')}",
        "Adresse": f"{number + 1}, chemin des Exemples",
        "Code postal": 1202 if geneva else 1010,
        "Ville": "Genève" if geneva else "Vienne",
        "Téléphone": f"+41 22 555 {number // 100:02} {number % 100:02}",
        "Téléfax": 41_22_556_00_00 + number if geneva else f"+43 1 555 {number:04}",
        "Courriel": f"mission.{one.code.lower()}.{number}@missions.example",
        "Langue de correspondance": LANGUAGES[number % len(LANGUAGES)],
        "Chef de mission": f"{HONORIFICS[style]} Prénom Nom-{number}",
        "Titre": TITLES[style],
        "Fête nationale": ("1er août", "14 juillet", "2 mars", "31 décembre")[number % 4],
        "Lettres de créance": date(2020 + number % 6, 1 + number % 12, 1 + number % 28),
        "Site internet": "",
    }


#: Header, code, and what is wrong in the cell: forty faults of fifteen kinds.
FAULTS: tuple[tuple[str, str, tuple[Value, ...]], ...] = (
    ("Courriel", "E_ADDR_MANY", ("a@x.example, b@x.example", "a@x.example; b@x.example", "a@x.example / b@x.example")),
    ("Courriel", "E_ADDR_NODOMAIN", ("registre", "mission.example", "voir site")),
    ("Courriel", "E_ADDR_DNS", ("mission@missions..example", "mission@missions")),
    ("Courriel", "E_ADDR_FORM", ("(mission)@missions.example", "Mission <m@missions.example>")),
    ("Téléfax", "E_FAX_FORM", ("en dérangement", "+41 22 555 01 00 poste 5", "00 41 22 555 01 00")),
    ("Téléfax", "E_FAX_CLASS", (118, "0900 123 456")),
    ("Téléfax", "E_FAX_MANY", ("022 555 01 00 / 022 555 01 01", "+41 22 555 01 02 / 555 01 03")),
    ("Pays", "E_STATE", ("Tchda", "Suisee", "Norvege du Sud", "Ardésie")),
    ("Langue de correspondance", "E_LANGUAGE", ("Klingon", "Fançais", "Latin")),
    ("Lettres de créance", "E_DATE", ("03/04/2026", "bientôt")),
    ("Fête nationale", "E_DATE", ("31 février", "04/07")),
    ("Chef de mission", "E_CTRL", ("M. Prénom\tNom", "Mme Prénom\nNom")),
    ("Chef de mission", "E_BIDI", ("M. Prénom \u202emoN", "Mme \u2067Prénom Nom")),
    ("Chef de mission", "E_ENCODED_WORD", ("=?utf-8?q?=0D=0ABcc:_e@x.example?=",)),
    ("Titre", "E_SALUTATION", ("Premier secrétaire", "Conseillère", "Vacant")),
    ("Courriel", "E_DUP", ("un@missions.example", "un@missions.example", "2@missions.example", "2@missions.example")),
)


def faults() -> tuple[Planted, ...]:
    """Forty faults of fifteen kinds, each in a row of its own, spread over the list."""
    kinds = [(header, value, code) for header, code, values in FAULTS for value in values]
    return tuple(Planted(3 + 4 * number, *kind) for number, kind in enumerate(kinds))


def cells(number: int, planted: Mapping[int, Planted]) -> dict[str, Value]:
    """The row of a mission, with its fault where it has one."""
    fault = planted.get(number)
    return mission(number) | ({fault.header: fault.value} if fault else {})


def write_blue_book(path: Path, *, faulty: bool = True) -> tuple[Planted, ...]:
    """Write the list as XLSX, as Excel keeps it; the faults that were planted, in the order of their rows."""
    planted = faults() if faulty else ()
    by_mission = {fault.mission: fault for fault in planted}
    with xlsxwriter.Workbook(str(path)) as book:
        sheet = book.add_worksheet(SHEET)
        day = book.add_format({"num_format": "dd/mm/yyyy"})
        title = "Missions permanentes auprès de l'Office des Nations Unies à Genève"
        sheet.merge_range(0, 0, 0, len(HEADERS) - 1, title, book.add_format({"bold": True}))
        sheet.write_string(1, 0, "État au 1er novembre 2026")
        sheet.write_row(HEADER_ROW - 1, 0, HEADERS)
        for number in range(MISSIONS):
            for column, value in enumerate(cells(number, by_mission).values()):
                _write(sheet, HEADER_ROW + number, column, value, day)
        book.add_worksheet("Notes").hide()
    return planted


def _write(sheet: Any, row: int, column: int, value: Value, day: Any) -> None:
    if isinstance(value, date):
        sheet.write_datetime(row, column, value, day)
    elif isinstance(value, int):
        sheet.write_number(row, column, value)
    elif value:
        sheet.write_string(row, column, value)

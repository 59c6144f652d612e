"""Lists as other programs write them: Outlook in four languages, Google, CiviCRM, the New York list, vCards."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from dispatcher.domain.model import Contact
from dispatcher.domain.words import Form, Gender, Kind
from dispatcher.intake.contacts import Reading, ReadOptions, read_lists

FRENCH = ReadOptions(defaults={"language": "fr"})
#: Outlook exports about ninety columns; these are the first ones, in its order, and those further on that matter.
OUTLOOK = {
    "English": (
        "Title,First Name,Middle Name,Last Name,Suffix,Company,Department,Job Title,Business Street,Business Street 2,"
        "Business Street 3,Business City,Business State,Business Postal Code,Business Country/Region,Home Street,"
        "Business Fax,Business Phone,Home Fax,Mobile Phone,Categories,E-mail Address,E-mail Type,E-mail Display Name,"
        "Gender,Language,Notes,Priority,Private"
    ),
    "French": (
        "Titre,Prénom,Deuxième prénom,Nom,Suffixe,Société,Service,Titre,Rue (bureau),Rue (bureau) 2,Rue (bureau) 3,"
        "Ville (bureau),Dép/Région (bureau),Code postal (bureau),Pays/Région (bureau),Rue (domicile),"
        "Télécopie (bureau),Téléphone (bureau),Télécopie (domicile),Tél. mobile,Catégories,Adresse de messagerie,"
        "Type de messagerie,Nom complet de l'adresse de messagerie,Sexe,Langue,Notes,Priorité,Privé"
    ),
    "German": (
        "Anrede,Vorname,Weitere Vornamen,Nachname,Suffix,Firma,Abteilung,Position,Straße geschäftlich,"
        "Straße geschäftlich 2,Straße geschäftlich 3,Ort geschäftlich,Region geschäftlich,Postleitzahl geschäftlich,"
        "Land/Region geschäftlich,Straße privat,Fax geschäftlich,Telefon geschäftlich,Fax privat,Mobiltelefon,"
        "Kategorien,E-Mail-Adresse,E-Mail-Typ,E-Mail: Angezeigter Name,Geschlecht,Sprache,Notizen,Priorität,Privat"
    ),
    "Spanish": (
        "Título,Nombre,Segundo nombre,Apellidos,Sufijo,Organización,Departamento,Puesto,Calle del trabajo,"
        "Calle 2 del trabajo,Calle 3 del trabajo,Ciudad de trabajo,Provincia o estado de trabajo,"
        "Código postal del trabajo,País o región del trabajo,Calle particular,Fax del trabajo,Teléfono del trabajo,"
        "Fax particular,Móvil,Categorías,Dirección de correo electrónico,Tipo de correo electrónico,"
        "Nombre de pantalla de correo electrónico,Sexo,Idioma,Notas,Prioridad,Privado"
    ),
}
OUTLOOK_ROW = (
    "{honorific},Elena,,Marchetti-Rossi,,Mission of Ardesia,,{office},"
    "\"18, chemin des Charmilles\",Bâtiment B,,Genève,,"
    "1202,{country},,022 555 01 00,+41 22 555 01 01,,,{tags},mission@ardesia.example,SMTP,Elena (mission@a.example),"
    "{gender},{language},,Normal,False"
)  # fmt: skip
SPOKEN = {
    "English": ("Ms.", "Permanent Representative", "Switzerland", "Female", "English", "en"),
    "French": ("Mme", "Représentante permanente", "Suisse", "Femme", "Français", "fr"),
    "German": ("Frau", "Ständige Vertreterin", "Schweiz", "Weiblich", "Deutsch", "de"),
    "Spanish": ("Sra.", "Representante Permanente", "Suiza", "Mujer", "Español", "es"),
}


def read(path: Path, text: str, options: ReadOptions = ReadOptions(), encoding: str = "utf-8") -> Reading:  # noqa: B008
    path.write_bytes(text.replace("\n", "\r\n").encode(encoding))
    return read_lists([path], options)


def only(reading: Reading) -> Contact:
    assert reading.problems == ()
    (contact,) = reading.contacts
    return contact


def table(columns: Sequence[str], *rows: Mapping[str, str]) -> str:
    file = io.StringIO()
    writer = csv.DictWriter(file, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return file.getvalue()


def _headers(text: str) -> list[str]:
    return text.split(",")


@pytest.mark.parametrize("language", list(OUTLOOK))
@pytest.mark.parametrize("encoding", ["utf-8-sig", "cp1252"])
def test_an_export_of_outlook_is_read_in_its_language(tmp_path: Path, language: str, encoding: str) -> None:
    honorific, office, country, gender, spoken, code = SPOKEN[language]
    row = OUTLOOK_ROW.format(
        honorific=honorific, office=office, country=country, gender=gender, language=spoken, tags="Geneva missions;VIP"
    )
    options = ReadOptions(encoding="" if encoding == "utf-8-sig" else encoding)
    reading = read(tmp_path / "contacts.CSV", f"{OUTLOOK[language]}\n{row}\n", options, encoding)
    contact = only(reading)
    assert (contact.name, contact.gender, contact.honorific) == ("Elena Marchetti-Rossi", Gender.FEMALE, "")
    assert (contact.office, contact.form) == (office, Form.PERMANENT_REPRESENTATIVE)
    assert contact.postal == ("18, chemin des Charmilles", "Bâtiment B", "1202 Genève")
    assert (contact.country, contact.language, contact.time_zone) == (country, code, "Europe/Zurich")
    assert (contact.address(Kind.EMAIL), contact.address(Kind.FAX)) == ("mission@ardesia.example", "+41225550100")
    assert (contact.phone, contact.tags) == ("+41 22 555 01 01", ("geneva-missions", "vip"))
    assert {one.how for one in reading.mapping if one.field} == {f"as in Outlook ({language})"}
    assert "W_COLUMN" not in {one.code for one in reading.warnings}


def test_two_columns_titre_of_outlook_in_french_are_told_apart_in_the_rejects_too(tmp_path: Path) -> None:
    row = OUTLOOK_ROW.format(
        honorific="Mme", office="Conseillère", country="Suisse", gender="", language="Français", tags=""
    )
    (bad,) = read(tmp_path / "contacts.csv", f"{OUTLOOK['French']}\n{row}\n").rows
    assert [problem.code for problem in bad.problems] == ["E_SALUTATION"]
    assert (bad.cells["Titre"], bad.cells["Titre#2"]) == ("Mme", "Conseillère")
    mended = table(list(bad.cells), {**bad.cells, "Titre#2": "Chargée d'affaires a.i."})
    assert only(read(tmp_path / "mended.csv", mended)).form is Form.CHARGE_DAFFAIRES


GOOGLE = _headers(
    "First Name,Middle Name,Last Name,Phonetic First Name,Phonetic Middle Name,Phonetic Last Name,Name Prefix,"
    "Name Suffix,Nickname,File As,Organization Name,Organization Title,Organization Department,Birthday,Notes,"
    "Photo,Labels,E-mail 1 - Label,E-mail 1 - Value,E-mail 2 - Label,E-mail 2 - Value,Phone 1 - Label,"
    "Phone 1 - Value,Phone 2 - Label,Phone 2 - Value,Phone 3 - Label,Phone 3 - Value,Address 1 - Label,"
    "Address 1 - Formatted,Address 1 - Street,Address 1 - City,Address 1 - PO Box,Address 1 - Region,"
    "Address 1 - Postal Code,Address 1 - Country,Address 1 - Extended Address"
)
GOOGLE_ROW = {
    "First Name": "Elena", "Last Name": "Marchetti", "Name Prefix": "H.E. Ms.",
    "Organization Name": "Mission of Ardesia",
    "Organization Title": "Permanent Representative", "Labels": "* myContacts ::: Geneva", "E-mail 1 - Label": "* Work",
    "E-mail 1 - Value": "mission@ardesia.example", "Phone 1 - Label": "Work", "Phone 1 - Value": "+41 22 555 01 01",
    "Phone 2 - Label": "Work Fax", "Phone 2 - Value": "+41 22 555 01 00",
    "Address 1 - Street": "18, chemin X\n2e étage",
    "Address 1 - City": "Geneva", "Address 1 - Postal Code": "1202", "Address 1 - Country": "CH",
    "Address 1 - Formatted": "18, chemin X\n2e étage\n1202 Geneva",
}  # fmt: skip


def test_an_export_of_google_is_read_with_its_labelled_numbers(tmp_path: Path) -> None:
    reading = read(tmp_path / "contacts.csv", table(GOOGLE, GOOGLE_ROW), ReadOptions(defaults={"language": "English"}))
    contact = only(reading)
    assert (contact.name, contact.gender, contact.form) == (
        "Elena Marchetti", Gender.FEMALE, Form.PERMANENT_REPRESENTATIVE,
    )  # fmt: skip
    assert (contact.phone, contact.address(Kind.FAX)) == ("+41 22 555 01 01", "+41225550100")
    assert contact.postal == ("18, chemin X", "2e étage", "1202 Geneva")
    assert contact.tags == ("mycontacts", "geneva")
    assert "W_COLUMN" not in {one.code for one in reading.warnings}


def test_an_older_export_of_google_is_read_too(tmp_path: Path) -> None:
    old = {"First Name": "Given Name", "Last Name": "Family Name", "Organization Name": "Organization 1 - Name",
           "Organization Title": "Organization 1 - Title", "Labels": "Group Membership"}  # fmt: skip
    columns = [old.get(name, name).replace("- Label", "- Type") for name in GOOGLE]
    row = {old.get(name, name).replace("- Label", "- Type"): cell for name, cell in GOOGLE_ROW.items()}
    contact = only(read(tmp_path / "contacts.csv", table(columns, row), FRENCH))
    assert (contact.name, contact.organisation) == ("Elena Marchetti", "Mission of Ardesia")
    assert contact.address(Kind.FAX) == "+41225550100"


def test_a_second_fax_number_and_an_unread_address_are_told(tmp_path: Path) -> None:
    row = {**GOOGLE_ROW, "Phone 3 - Label": "Home Fax", "Phone 3 - Value": "1", "E-mail 2 - Value": "b@x.example"}
    reading = read(tmp_path / "contacts.csv", table(GOOGLE, row), FRENCH)
    told = {one.code: one.cause for one in reading.warnings}
    assert "Phone 3 - Value" in told["W_SECOND"]
    assert "E-mail 2 - Value" in told["W_COLUMN"]


def test_several_addresses_in_one_cell_of_google_are_refused(tmp_path: Path) -> None:
    row = {**GOOGLE_ROW, "E-mail 1 - Value": "a@x.example ::: b@x.example"}
    assert [one.code for one in read(tmp_path / "c.csv", table(GOOGLE, row), FRENCH).problems] == ["E_ADDR_MANY"]


CIVICRM = _headers(
    "Contact ID,Contact Type,Contact Subtype,Do Not Email,Do Not Phone,Do Not Mail,External Identifier,"
    "Sort Name,Display Name,Preferred Language,Organization Name,First Name,Last Name,Individual Prefix,"
    "Job Title,Gender,Street Address,Supplemental Address 1,City,Postal Code,State,Country,Phone,Phone (Fax),"
    "Email"
)
CIVICRM_ROW = {
    "Contact ID": "4711", "Contact Type": "Individual", "Sort Name": "Marchetti, Elena",
    "Display Name": "Mme Elena Marchetti",
    "Preferred Language": "fr_FR", "Organization Name": "Mission de l'Ardésie", "First Name": "Elena",
    "Last Name": "Marchetti", "Individual Prefix": "Mme", "Job Title": "Chargée d’affaires a.i.", "Gender": "Female",
    "Street Address": "18, chemin X", "City": "Genève", "Postal Code": "1202", "Country": "Switzerland",
    "Phone": "+41 22 555 01 01", "Phone (Fax)": "022 555 01 00", "Email": "mission@ardesia.example",
}  # fmt: skip


def test_an_export_of_civicrm_is_read_and_found_again_by_its_contact_id(tmp_path: Path) -> None:
    first = only(read(tmp_path / "civicrm.csv", table(CIVICRM, CIVICRM_ROW)))
    assert (first.external_id, first.language, first.form) == ("4711", "fr", Form.CHARGE_DAFFAIRES)
    assert first.address(Kind.FAX) == "+41225550100"
    known = {"our-own-id": type(first)(**{**_fields(first), "id": "our-own-id"})}
    later = table(CIVICRM, {**CIVICRM_ROW, "Organization Name": "Another name", "Email": "new@ardesia.example"})
    again = only(read(tmp_path / "civicrm.csv", later, ReadOptions(known=known)))
    assert (again.id, again.organisation) == ("our-own-id", "Another name")


def _fields(contact: Contact) -> dict[str, object]:
    return {name: getattr(contact, name) for name in type(contact).__dataclass_fields__}


NEW_YORK = (
    "Country\tAddress\tTelephone\tTelefax\tE-mail\tLanguage of correspondence\tNational holiday\t"
    "Permanent Representative\tRank\n"
    "Viet Nam\t\"866 UN Plaza, Suite 435\nNew York, NY 10017\"\t(212) 555-0100\t(212) 555-0103\t"
    "vietnam@missions.example\tEnglish\t2 September\tH.E. Mr. A. Name\tAmbassador, Permanent Representative\n"
    "Bolivia (Plurinational State of)\tNew York\t\t212-555-0104\t\tSpanish\tAugust 6; 22 January\tSr. B. Name\t"
    "Chargé d'affaires a.i.\n"
)  # fmt: skip


def test_the_new_york_list_is_read_with_its_own_seat(tmp_path: Path) -> None:
    reading = read(tmp_path / "list.txt", NEW_YORK)
    assert reading.problems == ()
    one, two = reading.contacts
    assert (one.id, one.state_code, one.seat, one.time_zone) == ("vn-new-york", "VN", "US", "America/New_York")
    assert one.postal == ("866 UN Plaza, Suite 435", "New York, NY 10017")
    assert (one.address(Kind.FAX), one.national_days) == ("+12125550103", ("09-02",))
    assert (two.id, two.language, two.national_days) == ("bo-new-york", "es", ("08-06", "01-22"))


def test_the_person_says_what_a_column_is_and_which_to_leave_out(tmp_path: Path) -> None:
    text = "Who,Where to,Tongue,Zone,Start,fax,Fax 2\nA. Name,a@x.example,fr,Europe/Paris,Madame,,+41 22 555 01 00\n"
    mapping = {"Who": "name", "where TO": "email", "Tongue": "language", "Zone": "time_zone", "Start": "salutation"}
    options = ReadOptions(mapping={**mapping, "Fax 2": "fax"}, ignore=("fax",))
    reading = read(tmp_path / "odd.csv", text, options)
    contact = only(reading)
    assert (contact.name, contact.salutation, contact.id) == ("A. Name", "Madame", "a-name")
    assert contact.address(Kind.FAX) == "+41225550100"
    assert {one.header: one.how for one in reading.mapping}["Who"] == "as you said"


def test_a_row_is_not_taken_for_the_header_for_one_word_of_it(tmp_path: Path) -> None:
    reading = read(tmp_path / "odd.csv", "Who,What,Where to\nA. Name,Ambassador,a@x.example\n")
    assert [(one.code, one.place.rpartition(":")[2]) for one in reading.faults] == [("E_CSV_HEADER", "1")]


@pytest.mark.parametrize(
    ("options", "way_out"),
    [
        (ReadOptions(mapping={"Who": "nmae"}), "Did you mean 'name'?"),
        (ReadOptions(mapping={"Whoo": "name"}), "Did you mean 'Who'?"),
        (ReadOptions(ignore=("Whoo",)), "Did you mean 'Who'?"),
        (ReadOptions(defaults={"langage": "fr"}), "Did you mean 'language'?"),
    ],
)
def test_what_the_person_misspells_is_named(tmp_path: Path, options: ReadOptions, way_out: str) -> None:
    problems = read(tmp_path / "odd.csv", "Who,name,email\na,b,c@x.example\n", options).faults
    assert [(one.code, one.way_out) for one in problems] == [("E_MAPPING", way_out)]


def test_two_columns_for_one_field_are_a_problem_that_names_both(tmp_path: Path) -> None:
    (fault,) = read(tmp_path / "two.csv", "name,Courriel,E-mail\na,b@x.example,\n").faults
    assert fault.code == "E_CSV_HEADER"
    assert "2 'Courriel' and 3 'E-mail'" in fault.cause


CARDS = """\
BEGIN:VCARD
VERSION:3.0
PRODID:-//Some//Address Book//EN
N:Marchetti;Elena;;H.E. Ms.;
FN:H.E. Ms. Elena Marchetti
ORG:Mission of Ardesia;Political section
TITLE:Permanent Representative
EMAIL;TYPE=INTERNET,HOME:home@ardesia.example
item1.EMAIL;TYPE=INTERNET,WORK,pref:mission@ardesia.example
TEL;TYPE=WORK,VOICE:+41 22 555 01 01
TEL;TYPE=CELL:+41 79 555 01 01
TEL;TYPE=WORK,FAX:022 555 01 00
ADR;TYPE=WORK:;;18\\, chemin
  des Charmilles;Genève;;1202;Switzerland
CATEGORIES:Geneva missions,VIP
X-LANG:fr
UID:4711
NOTE:met at the reception
END:VCARD
BEGIN:VCARD
VERSION:4.0
KIND:org
FN:Secretariat of the Convention
TITLE:Director
EMAIL;PREF=1:office@convention.example
TEL;VALUE=uri;TYPE="work,fax":tel:+12125550103
ADR;TYPE=work:;;5 First Avenue;New York;NY;10017;USA
LANG:en
END:VCARD
BEGIN:VCARD
VERSION:2.1
N:Przyk=C5=82ad
FN;CHARSET=UTF-8;ENCODING=QUOTED-PRINTABLE:Anna=20Przyk=C5=82ad=
=20of=20Halvorn
TITLE:Ambassador
TEL;WORK;FAX:+41 22 555 01 07
TZ:Europe/Warsaw
LANG:pl
END:VCARD
"""


def test_cards_of_every_version_are_read_with_their_places(tmp_path: Path) -> None:
    reading = read(tmp_path / "cards.vcf", CARDS, FRENCH)
    assert [(row.place.rpartition(":")[2], [one.code for one in row.problems]) for row in reading.rows] == [
        ("1", []), ("20", []), ("30", ["E_LANGUAGE"]),
    ]  # fmt: skip
    one, two = reading.contacts
    assert (one.name, one.gender, one.external_id) == ("Elena Marchetti", Gender.FEMALE, "4711")
    assert (one.address(Kind.EMAIL), one.address(Kind.FAX)) == ("mission@ardesia.example", "+41225550100")
    assert one.postal == ("18, chemin des Charmilles", "1202 Genève")
    assert (one.organisation, one.tags) == ("Mission of Ardesia, Political section", ("geneva-missions", "vip"))
    assert (two.name, two.organisation, two.form) == ("", "Secretariat of the Convention", Form.DIRECTOR)
    assert (two.seat, two.time_zone, two.address(Kind.FAX)) == ("US", "America/New_York", "+12125550103")
    assert reading.rows[2].cells["name"] == "Anna Przykład of Halvorn"


def test_what_cards_hold_and_nobody_reads_is_named(tmp_path: Path) -> None:
    told = {one.code: one.cause for one in read(tmp_path / "cards.vcf", CARDS, FRENCH).warnings}
    assert told["W_COLUMN"] == "not read: NOTE, TEL (cell), X-LANG"
    assert "'home@ardesia.example'" in told["W_SECOND"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("BEGIN:VCARD\nFN:A\n", "1"),
        ("BEGIN:VCARD\nFN:A\nBEGIN:VCARD\nEND:VCARD\n", "1"),
        ("BEGIN:VCARD\nFN:A\nnonsense\nEND:VCARD\n", "3"),
        ("BEGIN:VCARD\nFN;CHARSET=klingon;ENCODING=QUOTED-PRINTABLE:A\nEND:VCARD\n", "2"),
    ],
)
def test_a_card_that_is_none_is_named_with_its_line(tmp_path: Path, text: str, line: str) -> None:
    fault = read(tmp_path / "cards.vcf", text).faults[0]
    assert (fault.code, fault.place.rpartition(":")[2]) == ("E_VCARD_SHAPE", line)

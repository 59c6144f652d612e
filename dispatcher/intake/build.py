"""One record in, one contact out, or every reason why not. What a list does not state stays as the office has it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from dispatcher.domain.model import Address, Contact, Provenance
from dispatcher.domain.words import Form, Gender, Kind

from .addresses import Home, read_email, read_fax
from .cells import cells_of
from .columns import FIELDS
from .compose import compose
from .findings import Findings, clip
from .identity import check_id, made_id
from .places import city_named, read_state, region_named, zone_of
from .records import Record
from .stations import Standing, standing
from .text import Where, check_line, clean
from .values import (
    LANGUAGE_WAY_OUT,
    SLUG_WAY_OUT,
    ZONE_WAY_OUT,
    form_of,
    gender_of_honorific,
    read_date,
    read_days,
    read_form,
    read_gender,
    read_language,
    read_names,
    read_policy,
    read_zone,
    split_honorific,
    tags_of,
)

#: What a spreadsheet shows for a formula without a result (ECMA-376 part 1, section 18.17.3).
ERRORS = frozenset({"#NULL!", "#DIV/0!", "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#N/A", "#GETTING_DATA", "#SPILL!"})
#: How the text of a field is read; the other fields are texts as they stand, addresses, and lines of an address.
_READERS: Mapping[str, Callable[[str, Where, Findings], Any]] = {
    "language": read_language,
    "time_zone": read_zone,
    "form": read_form,
    "gender": read_gender,
    "state_code": read_state,
    "seat": read_state,
    "since": read_date,
    "until": read_date,
    "prefers": read_policy,
    "tags": lambda text, where, findings: read_names(text, "E_TAG", where, findings),
    "copies_to": lambda text, where, findings: read_names(text, "E_CONTACT", where, findings),
    "national_days": read_days,
    "email_checked_on": read_date,
    "fax_checked_on": read_date,
}
#: What belongs to the holder of an office, and goes with them unless the list says it anew.
_OF_HOLDER = ("honorific", "gender", "since", "until")
#: Cells of the holder's own that no form can replace, which a person should look at when the holder changes.
_WORDED = ("salutation", "closing", "in_text")


@dataclass(slots=True)
class Row:
    """A record on its way to a contact: the texts of its fields, and what is known of them."""

    record: Record
    said: dict[str, str]  #: stated by the list, clean
    kept: Mapping[str, str] = field(default_factory=dict)  #: the office's
    defaults: Mapping[str, str] = field(default_factory=dict)
    made: dict[str, str] = field(default_factory=dict)  #: what we filled in, told as notes
    contact_id: str = ""

    @property
    def findings(self) -> Findings:
        return self.record.findings

    def text(self, name: str) -> str:
        """The field's text: the list's, or else the office's, or what we found out, or the person's for all."""
        stated = self.said[name] if name in self.said else self.kept.get(name, "")
        return stated or self.made.get(name, "") or self.defaults.get(name, "")

    def where(self, name: str) -> Where:
        """How messages call the field of this row."""
        cell = self.record.stated.get(name)
        return Where(self.record.place, cell.name if cell else name)

    def note(self, code: str, cause: str, way_out: str) -> None:
        self.findings.warn(self.record.place, code, cause, way_out)

    def note_made(self, code: str, name: str, value: str, because: str) -> None:
        self.note(code, f"{name}: {value}, because of {because}", f"Give it in a column '{name}' if it is wrong")

    def lacks(self, name: str, code: str, cause: str, way_out: str) -> None:
        """Says once for the whole list that no column has it, or for this row that its cell is empty."""
        if name in self.record.stated:
            self.findings.fault(self.record.place, code, f"{self.where(name).name}: the cell is empty", way_out)
        else:
            self.findings.fault(
                self.record.header, code, f"{name}: {cause}", f"{way_out}; or say it for all with --default {name}=…"
            )


def read_value(row: Row, name: str) -> Any:
    """The value of a field that has a reader of its own; what is wrong with its text is noted."""
    return _READERS[name](row.text(name), row.where(name), row.findings)


@dataclass(frozen=True, slots=True)
class Beside:
    """What a list is read beside: the office's contacts, and what a person says for all."""

    known: Mapping[str, Contact]
    external: Mapping[str, str]  #: external id → id
    defaults: Mapping[str, str]


def read_record(record: Record, beside: Beside) -> tuple[str, Contact | None]:
    """The id, where it can be told, and the contact, where nothing is wrong; the findings are in the record."""
    if record.findings.problems:  # a row of the wrong width: its cells may belong to other columns
        return "", None
    compose(record)
    row = Row(record, {name: read_cell(record, name) for name in FIELDS if name in record.stated})
    row.defaults = beside.defaults
    stands = standing(record)
    _tidy_foreign(row)
    _resolve_states(row, stands)
    _identify(row, stands.city, beside)
    _forget_former(row, beside.known.get(row.contact_id))
    _fill_in(row, stands)
    contact = _contact(row)
    return row.contact_id, None if record.findings.problems else contact


def read_cell(record: Record, name: str) -> str:
    """The clean text of a cell; '' where the problems make it unusable."""
    cell = record.stated[name]
    if not check_line(cell.text, Where(record.place, cell.name), record.findings):
        return ""
    if cell.text.strip() in ERRORS:
        cause = f"{cell.name}: the formula in this cell comes to {cell.text.strip()}"
        record.findings.fault(record.place, "E_CELL", cause, "Put the value itself there")
        return ""
    if cell.text.lstrip().startswith("=") and not record.text_only and not cell.protected:
        cause = f"{cell.name}: the cell begins with '=' and is taken as plain text"
        record.findings.warn(record.place, "W_FORMULA", cause, "If a formula was meant, put its result there")
    return clean(cell.text)


def _tidy_foreign(row: Row) -> None:
    """In other programs' lists the honorific may stand before the name, and groups are written their way."""
    if row.record.own:
        return
    if row.said.get("name") and not row.said.get("honorific"):
        honorific, name = split_honorific(row.said["name"])
        if honorific:
            row.said |= {"honorific": honorific, "name": name}
    if "tags" in row.said:
        row.said["tags"] = tags_of(row.said["tags"])


def _resolve_states(row: Row, stands: Standing) -> None:
    """Names of states become codes; a seat that no column states is that of the city in the address."""
    for name in ("state_code", "seat"):
        if name in row.said:
            row.said[name] = read_state(row.said[name], row.where(name), row.findings)
    if stands.seat and "seat" not in row.said and not row.record.own:
        row.made["seat"] = stands.seat


# -- who it is ---------------------------------------------------------------------------------------------------------


def _identify(row: Row, city: str, beside: Beside) -> None:
    """The id, and what the office has under it."""
    given = row.said.get("id", "")
    if given:
        check_id(given, row.where("id"), row.findings)
    row.contact_id = given or beside.external.get(row.said.get("external_id", ""), "")
    if not row.contact_id and not any(_unreadable(row, name) for name in ("id", "external_id", "state_code", "seat")):
        _make_id(row, city, beside.known)
    holder = beside.known.get(row.contact_id)
    row.kept = cells_of(holder) if holder else {}


def _unreadable(row: Row, name: str) -> bool:
    """Was there something in the cell that could not be taken?"""
    cell = row.record.stated.get(name)
    return bool(cell and cell.text.strip() and not row.said[name])


def _make_id(row: Row, city: str, known: Mapping[str, Contact]) -> None:
    form = form_of(row.said.get("form", "") or row.said.get("office", "")) or Form.NONE
    texts = {**row.defaults, **row.made, **{name: text for name, text in row.said.items() if text}}
    row.contact_id, source = made_id(texts, form, city)
    before = known.get(row.contact_id)
    if before and row.said.get("organisation", before.organisation) == before.organisation:
        return  # the same row of a later list; under another organisation's name, somebody should look
    if row.contact_id:
        row.note("W_ID_MADE", f"id: {row.contact_id}, made from {source}", "Give another in a column 'id' if you like")
    else:
        row.lacks("id", "E_ID", "no column has it, and nothing else gives one", SLUG_WAY_OUT)


def _forget_former(row: Row, before: Contact | None) -> None:
    """A new holder does not inherit gender, honorific and term; a new address does not inherit its provenance."""
    if before is None:
        return
    kept = dict(row.kept)
    if before.name and row.said.get("name", before.name) != before.name:
        gone = [name for name in _OF_HOLDER if name not in row.said and kept[name]]
        worded = [name for name in _WORDED if name not in row.said and kept[name]]
        kept |= dict.fromkeys(gone, "")
        if gone or worded:
            _note_holder(row, before.name, gone, worded)
    for kind in Kind:
        if row.said.get(kind, kept[kind]) != kept[kind] and not _same_address(row, kind, before):
            kept |= dict.fromkeys((f"{kind}_source", f"{kind}_checked_on", f"{kind}_checked_by"), "")
    row.kept = kept


def _same_address(row: Row, kind: Kind, before: Contact) -> bool:
    """Is it the same address, only written in another way?"""
    where, aside = Where("", ""), Findings()
    text = row.said[kind]
    value = read_email(text, where, aside) if kind is Kind.EMAIL else read_fax(text, _home(row), where, aside)
    return value == before.address(kind)


def _note_holder(row: Row, former: str, gone: list[str], worded: list[str]) -> None:
    parts = [f"{', '.join(gone)} of {former} not kept"] if gone else []
    parts += [f"{', '.join(worded)} kept from {former}"] if worded else []
    way_out = "See that they suit the new holder" if worded else "State them for the new holder where they are known"
    row.note("W_HOLDER", f"{row.where('name').name}: there is another holder now; {'; '.join(parts)}", way_out)


# -- what follows from the rest ----------------------------------------------------------------------------------------


def _fill_in(row: Row, stands: Standing) -> None:
    if row.made.get("seat") and not row.kept.get("seat"):
        row.note_made("W_SEAT_MADE", "seat", row.made["seat"], clip(stands.because))
    _fill_zone(row, stands)
    _fill_form(row)


def _fill_zone(row: Row, stands: Standing) -> None:
    """The time zone of the city in the address, or of the capital of the seat or the state."""
    if row.said.get("time_zone", row.kept.get("time_zone")) or _unreadable(row, "time_zone"):
        return
    town = city_named(stands.city)
    if town is None and row.defaults.get("time_zone"):
        return
    zone, capital = (town.zone, "") if town else zone_of(row.text("seat") or row.text("state_code"))
    if zone:
        row.made["time_zone"] = zone
        because = clip(stands.because) if town else f"the capital, {clip(capital)}"
        row.note_made("W_ZONE_MADE", "time_zone", zone, because)


def _fill_form(row: Row) -> None:
    """The office names the form of address, where neither form nor salutation is stated and all of it is known."""
    if "form" in row.said or row.text("form") or row.text("salutation"):
        return
    form = form_of(row.text("office"))
    if form:
        row.made["form"] = form.value
        row.note_made("W_FORM_MADE", "form", form, clip(row.text("office")))


# -- the contact -------------------------------------------------------------------------------------------------------


def _contact(row: Row) -> Contact:
    form: Form = read_value(row, "form")
    honorific, gender = _honorific(row, form), read_gender_of(row)
    _check_whole(row, form)
    emails, faxes = _address(row, Kind.EMAIL), _address(row, Kind.FAX)
    return Contact(
        id=row.contact_id,
        honorific=honorific,
        name=row.text("name"),
        office=row.text("office"),
        organisation=row.text("organisation"),
        postal=tuple(filter(None, map(row.text, ("address_1", "address_2", "address_3")))),
        country=row.text("country"),
        state=row.text("state"),
        language=read_value(row, "language"),
        time_zone=read_value(row, "time_zone"),
        salutation=row.text("salutation"),
        addresses=tuple(one.address for one in (*emails, *faxes)),
        tags=read_value(row, "tags"),
        form=form,
        gender=gender,
        closing=row.text("closing"),
        in_text=row.text("in_text"),
        state_code=row.text("state_code"),
        seat=row.text("seat"),
        since=read_value(row, "since"),
        until=read_value(row, "until"),
        prefers=read_value(row, "prefers"),
        copies_to=read_value(row, "copies_to"),
        national_days=read_value(row, "national_days"),
        provenance=tuple(one for one in (*emails, *faxes) if one != Provenance(one.address)),
        phone=row.text("phone"),
        external_id=row.text("external_id"),
    )


def _honorific(row: Row, form: Form) -> str:
    """As written; but in others' lists, one that only states a gender is left to the form, in the letter's language."""
    text = row.text("honorific")
    if row.record.own or not form or not gender_of_honorific(text):
        return text
    cause = f"honorific: {clip(text)}, which states the gender; the form of address says the rest"
    row.note("W_HONORIFIC", cause, "Give it in a column 'honorific' of our own layout if these very words are meant")
    return ""


def read_gender_of(row: Row) -> Gender:
    """As the row states it, or as its honorific does; W_GENDER where the two differ."""
    stated: Gender = read_value(row, "gender")
    told = gender_of_honorific(row.text("honorific"))
    if stated and told and stated is not told:
        cause = f"{row.where('gender').name}: {stated.value}, but the honorific is {row.text('honorific')}"
        row.note("W_GENDER", cause, "See which of the two is right")
    asked = "gender" not in row.said and "honorific" in row.said
    return told if asked and not stated else stated


def _check_whole(row: Row, form: Form) -> None:
    """Notes what a letter must not lack."""
    if not row.text("name") and not row.text("office") and not _unreadable(row, "name"):
        way_out = "Write the person's name, or the office"
        row.lacks("name", "E_NAME", "no column has it, and none has the office", way_out)
    if not row.text("language") and not _unreadable(row, "language"):
        row.lacks("language", "E_LANGUAGE", "no column says which language to write in", LANGUAGE_WAY_OUT)
    if not row.text("time_zone") and not _unreadable(row, "time_zone"):
        row.lacks("time_zone", "E_TIME_ZONE", "no column has it, and no city or state gives it", ZONE_WAY_OUT)
    if not form and not row.text("salutation") and not _unreadable(row, "salutation"):
        _lacks_salutation(row)
    if not any(row.text(kind) or _unreadable(row, kind) for kind in Kind):
        row.findings.fault(
            row.record.place, "E_NO_ADDRESS", "email, fax: the contact has neither", "Give at least one of them"
        )


def _lacks_salutation(row: Row) -> None:
    way_out = "Write how the letter begins, as in 'Excellency,', or name the form of address in a column 'form'"
    office, stated = row.text("office"), {"salutation", "form"} & set(row.record.stated)
    if not office or stated:
        row.lacks("salutation", "E_SALUTATION", "no column has it, and no form of address is known", way_out)
        return
    cause = f"{row.where('office').name}: {clip(office)} names no form of address, and there is no salutation"
    row.findings.fault(row.record.place, "E_SALUTATION", cause, way_out)


def _address(row: Row, kind: Kind) -> tuple[Provenance, ...]:
    """The address of that kind with where it is known from; none where there is none, or it cannot be used."""
    value = row.text(kind) and read_address(row, kind)
    if not value:
        return ()
    checked_on = read_value(row, f"{kind}_checked_on")
    address = Address(kind, value)
    return (Provenance(address, row.text(f"{kind}_source"), checked_on, row.text(f"{kind}_checked_by")),)


def read_address(row: Row, kind: Kind) -> str:
    """The canonical address; '' and the problem where the text is none."""
    text, where, findings = row.text(kind), row.where(kind), row.findings
    return read_email(text, where, findings) if kind is Kind.EMAIL else read_fax(text, _home(row), where, findings)


def _home(row: Row) -> Home:
    """Whose national fax numbers the office uses: those of its seat, or else of the country in its address."""
    seat, country = row.text("seat"), row.text("country")
    cell = row.record.stated.get("fax")
    return Home(seat or region_named(country), seat or country, zero_lost=bool(cell and cell.number))

"""Between vCards and our fields: standard properties where they say the same, X-DISPATCHER-… for all the rest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from .cards import Card, Property, escape, split, unescape, written
from .columns import FIELDS, ColumnGuess, is_field
from .findings import Findings, clip, listing
from .records import Cell, Record
from .values import gender_of_honorific
from .words import fold

_OURS = "X-DISPATCHER-"
#: Properties, and what they are to us.
_STANDARD = {
    "FN": "name", "N": "N", "ORG": "organisation", "TITLE": "office", "ROLE": "role", "ADR": "ADR", "EMAIL": "email",
    "LANG": "language", "TZ": "time_zone", "GENDER": "gender", "CATEGORIES": "tags", "UID": "external_id",
}  # fmt: skip
#: What other cards hold and we have no use for.
_NOTHING = frozenset({
    "VERSION", "PRODID", "REV", "KIND", "UID", "BDAY", "ANNIVERSARY", "PHOTO", "LOGO", "SOUND", "KEY", "SORT-STRING",
    "NICKNAME", "CLASS", "MAILER", "SOURCE", "NAME", "PROFILE", "CLIENTPIDMAP", "XML", "LABEL", "GEO",
})  # fmt: skip
#: The components of N and ADR (RFC 6350 sections 6.2.2 and 6.3.1) by the names of our parts.
_N = ("family_name", "given_name", "middle_name", "honorific", "suffix")
_ADR = ("street_3", "street_2", "street", "city", "region", "postcode", "country")
_ADDRESS = ("address_1", "address_2", "address_3")
#: Fields that a standard property carries in our own cards.
_CARRIED = frozenset({
    "honorific", "name", "office", "organisation", *_ADDRESS, "country", "language", "time_zone", "email", "fax",
    "tags", "gender", "phone",
})  # fmt: skip


# -- out ---------------------------------------------------------------------------------------------------------------


def card_of(cells: Mapping[str, str]) -> str:
    """A contact's cells as a vCard 4.0."""
    return written([(name, value) for name, value in _standard(cells) if value] + list(_rest(cells)))


def _standard(cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    named = cells["name"]
    yield "UID;VALUE=text", escape(cells["id"])
    yield "KIND", "individual" if named else "org"
    yield "FN", escape(named or cells["organisation"] or cells["office"])
    if named:
        yield "N", f";{escape(named)};;{escape(cells['honorific'])};"
    yield "ORG", escape(cells["organisation"])
    yield "TITLE", escape(cells["office"])
    yield "ADR;TYPE=work", _adr(cells)
    yield "EMAIL;TYPE=work", escape(cells["email"])
    yield "TEL;TYPE=fax;VALUE=uri", f"tel:{cells['fax']}" if cells["fax"] else ""
    yield "TEL;TYPE=voice", escape(cells["phone"])
    yield "LANG", escape(cells["language"])
    yield "TZ", escape(cells["time_zone"])
    # U: not known (RFC 6350 section 6.2.7). An honorific that would tell it must not be asked when the card is read.
    yield "GENDER", cells["gender"].upper() or ("U" if gender_of_honorific(cells["honorific"]) else "")
    yield "CATEGORIES", ",".join(map(escape, cells["tags"].split()))


def _adr(cells: Mapping[str, str]) -> str:
    lines = [escape(cells[name]) for name in _ADDRESS if cells[name]]
    return f";;{','.join(lines)};;;;{escape(cells['country'])}" if lines or cells["country"] else ""


def _rest(cells: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name in FIELDS:
        kept = name not in _CARRIED or (name == "honorific" and not cells["name"])
        if cells[name] and kept:
            yield _OURS + name.upper().replace("_", "-"), escape(cells[name])


# -- in ----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Use:
    """What one kind of property is taken for."""

    label: str  #: 'TITLE', 'TEL (fax, work)'
    field: str  #: ours; 'ADR' and 'N' are several; '': it is not read
    how: str
    sample: str = ""


def read_card(card: Card, mapping: Mapping[str, str]) -> tuple[Record, list[Use]]:
    """The card as a record, and what its properties were taken for."""
    said = {fold(name): field for name, field in mapping.items()}
    own = any(one.name.startswith(_OURS) for one in card.properties)
    record = Record(card.place, card.place, {}, {}, own, text_only=True)
    uses = []
    for one in sorted(card.properties, key=_rank):
        use = _use(one, said, own=own)
        uses.append(use)
        for name, text in _values(one, use.field, own=own):
            _put(record, name, Cell(f"{use.label} ({name})", text), one)
    _settle_name(card, record.stated, own=own)
    record.cells = {name: cell.text for name, cell in record.stated.items()}
    return record, uses


def _rank(one: Property) -> tuple[int, int]:
    """Preferred ones first, then those of work (RFC 6350 section 5.3: PREF=1 is most preferred)."""
    preferred = one.parameters.get("PREF", ("100",))[0]
    rank = 0 if "pref" in one.types else int(preferred) if preferred.isdecimal() else 100
    return rank, 0 if "work" in one.types else 1 if "home" not in one.types else 2


def _use(one: Property, said: Mapping[str, str], *, own: bool) -> Use:
    sample = one.text[:60]
    if fold(one.name) in said:
        return Use(one.name, said[fold(one.name)], "as you said", sample)
    if one.name.startswith(_OURS):
        name = one.name.removeprefix(_OURS).lower().replace("-", "_")
        return Use(one.name, name if is_field(name) else "", "by its name", sample)
    if one.name == "TEL":
        kind = "fax" if "fax" in one.types else "" if {"cell", "pager"} & set(one.types) else "phone"
        return Use(f"TEL ({', '.join(one.types) or 'no type'})", kind, "as in a vCard", sample)
    field = "" if own and one.name == "UID" else _STANDARD.get(one.name, "")
    return Use(one.name, field, "as in a vCard" if field else "not known", sample)


def _values(one: Property, field: str, *, own: bool) -> Iterator[tuple[str, str]]:
    """The fields that a property states, with their texts."""
    if field == "ADR":
        yield from _components(one, _ADR, "\n")
    elif field == "N":
        yield from _components(one, _N, " ")
    elif field == "organisation":
        yield field, ", ".join(filter(None, one.parts()))
    elif one.name == "CATEGORIES" and field:
        yield field, (" " if own else " ::: ").join(one.parts(","))
    elif one.name == "GENDER" and field:
        yield field, one.parts()[0] if one.parts()[0].casefold() in ("f", "m") else ""
    elif one.name != "TZ" or "/" in one.text or one.text == "UTC":
        yield from [(field, _without_scheme(one))] if field else ()


def _without_scheme(one: Property) -> str:
    """The text of a property that may be a URI (RFC 3966, RFC 6068)."""
    scheme = "mailto:" if one.name == "EMAIL" else "tel:" if "uri" in one.parameters.get("VALUE", ()) else ""
    return one.text.removeprefix(scheme)


def _components(one: Property, names: Sequence[str], between: str) -> Iterator[tuple[str, str]]:
    for name, part in zip(names, split(one.value, ";"), strict=False):
        texts = [text for text in map(unescape, split(part, ",")) if text]
        if texts:
            yield name, between.join(texts)


def _put(record: Record, name: str, cell: Cell, one: Property) -> None:
    """The first of several counts, which is the preferred one; another address or number is told."""
    held = record.stated.setdefault(name, cell)
    if held is cell:
        return
    if name == "tags":
        record.stated[name] = Cell(held.name, f"{held.text} ::: {cell.text}")
    elif name in ("email", "fax") and held.text != cell.text:
        cause = f"{cell.name}: {clip(cell.text)} of line {one.line} is not read; {clip(held.text)} is"
        record.findings.warn(record.place, "W_SECOND", cause, "Mark the one that letters should go to as preferred")


def _settle_name(card: Card, stated: dict[str, Cell], *, own: bool) -> None:
    """FN is a person's name, or that of an organisation; it may begin with the prefix that N has, too."""
    kinds = [one.text.casefold() for one in card.properties if one.name == "KIND"]
    full, honorific = stated.get("name"), stated.get("honorific")
    if full and "org" in kinds:
        stated["name"] = Cell(full.name, "")
        if not own:
            stated.setdefault("organisation", full)
    elif full and honorific and _whole_name(stated) != full.text:
        stated["name"] = Cell(full.name, full.text.removeprefix(f"{honorific.text} "))
    role = stated.pop("role", None)
    if role:
        stated.setdefault("office", role)


def _whole_name(stated: Mapping[str, Cell]) -> str:
    parts = (stated[name].text for name in ("given_name", "middle_name", "family_name") if name in stated)
    return " ".join(filter(None, parts))


def guesses(path: Path, uses: Sequence[Use]) -> list[ColumnGuess]:
    """What the properties of a file's cards were taken for, each kind of property once."""
    first = {use.label: use for use in reversed(uses)}
    told = [use for use in reversed(first.values()) if use.field or use.label not in _NOTHING]
    return [
        ColumnGuess(str(path), "", use.label, use.field, use.how, tuple(filter(None, [use.sample]))) for use in told
    ]


def warn_unread(path: Path, uses: Sequence[Use], findings: Findings) -> None:
    """One warning that names every kind of property that is not read."""
    unread = list(dict.fromkeys(use.label for use in uses if not use.field and use.label not in _NOTHING))
    if unread:
        shown = listing(unread, 12)
        findings.warn(str(path), "W_COLUMN", f"not read: {shown}", "Say what they are with --map, if they are needed")

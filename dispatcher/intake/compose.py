"""Makes our fields of what other programs keep in parts: names, postal addresses, labelled telephone numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable

from .columns import PARTS
from .findings import Findings
from .records import Cell, Record
from .words import city_in, fold

_ADDRESS = ("address_1", "address_2", "address_3")
_TOWN = ("city", *reversed(_ADDRESS), "formatted_address")
_ADDRESS_PARTS = ("formatted_address", "street", "street_2", "street_3", "postcode", "city", "region")
_NAME_PARTS = ("given_name", "middle_name", "family_name")
_FAX_LABEL = re.compile(r"fax|telecop|факс")


def compose(record: Record) -> None:
    """Put the parts of a record together; afterwards only fields of ours are stated, and the city for its own sake."""
    stated = record.stated
    _compose_name(stated)
    _compose_address(stated)
    _compose_numbers(record)
    if "state_name" in stated:
        stated.setdefault("state_code", stated["state_name"])
    for part in PARTS:
        if part != "city":
            stated.pop(part, None)


def seat_city(record: Record) -> str:
    """The text of the cell or line that names a city where missions stand; '' where none does."""
    return next((piece.strip() for piece in _town_pieces(record) if city_in(piece)), "")


def town_lines(record: Record) -> list[str]:
    """What may name the town that a row's address is in, the city's own column before all; empty ones left out."""
    return list(dict.fromkeys(piece.strip() for piece in _town_pieces(record) if piece.strip()))


def _town_pieces(record: Record) -> Iterable[str]:
    """The lines of an address from the last one, each whole and from its commas on."""
    cells = (record.stated[name] for name in _TOWN if name in record.stated)
    lines = (line for cell in cells for line in reversed(cell.text.splitlines()))
    return (piece for line in lines for piece in (line, line.rpartition(",")[2], _from_comma(line, 2)))


def _from_comma(line: str, count: int) -> str:
    return ",".join(line.split(",")[-count:])


def _compose_name(stated: dict[str, Cell]) -> None:
    parts = [stated[part] for part in _NAME_PARTS if part in stated]
    said = [part for part in parts if part.text.strip()]
    if not parts or ("name" in stated and stated["name"].text.strip()):
        return
    suffix = stated["suffix"].text.strip() if "suffix" in stated else ""
    text = " ".join(part.text.strip() for part in said) + (f", {suffix}" if said and suffix else "")
    stated["name"] = Cell((said or parts)[-1].name, text)


def _compose_address(stated: dict[str, Cell]) -> None:
    """Lines of an address; a line break inside a cell begins another line. What is beyond the third joins it."""
    parts = {part: stated[part] for part in _ADDRESS_PARTS if part in stated}
    own = [stated[name] for name in _ADDRESS if name in stated]
    if not parts and not own:
        return
    source = own or [parts[part] for part in _ADDRESS_PARTS[:4] if part in parts]
    lines = list(_lines(cell.text for cell in source))
    if not own and (town := _town(parts)):
        lines.append(town)
    texts = [*lines[:2], ", ".join(lines[2:])]
    protected = any(cell.protected for cell in source)
    for number, name in enumerate(_ADDRESS):
        called = own[number].name if number < len(own) else (source or list(parts.values()))[0].name
        stated[name] = Cell(called, texts[number] if number < len(texts) else "", protected)


def _lines(texts: Iterable[str]) -> Iterable[str]:
    for text in texts:
        yield from (piece.strip() for piece in re.split(r"\r\n|\r|\n", text) if piece.strip())


def _town(parts: dict[str, Cell]) -> str:
    """'1202 Genève'; with a region as in North America, 'New York, NY 10017'."""
    postcode, city, region = (
        parts[name].text.strip() if name in parts else "" for name in ("postcode", "city", "region")
    )
    if region and re.fullmatch(r"[A-Z]{2}", region):
        return f"{city}, {region} {postcode}".strip(" ,")
    return " ".join(filter(None, (postcode, city))) + (f", {region}" if region and fold(region) != fold(city) else "")


def _compose_numbers(record: Record) -> None:
    """Google's pairs of label and number: the first that is labelled a fax, the first other one as telephone."""
    stated, findings = record.stated, record.findings
    pairs = sorted(name for name in stated if name.startswith("phone_value_"))
    for name in pairs:
        value, label = stated.pop(name), stated.pop(name.replace("value", "label"), None)
        kind = "fax" if label and _FAX_LABEL.search(fold(label.text)) else "phone"
        held = stated.get(kind)
        if held is None or not held.text.strip():
            stated[kind] = Cell(value.name.replace(f"({name})", f"({kind})"), value.text)
        elif value.text.strip() and kind == "fax":
            _warn_second(record.place, value, findings)
    for name in [name for name in stated if name.startswith("phone_label_")]:
        del stated[name]


def _warn_second(place: str, value: Cell, findings: Findings) -> None:
    cause = f"{value.name}: a second fax number is not read"
    findings.warn(place, "W_SECOND", cause, "Keep the one that letters should go to")

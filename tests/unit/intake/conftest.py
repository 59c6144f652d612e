"""Writes the files that these tests read."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from intake_files import (
    BOOK_ROWS,
    CAMPAIGN,
    LETTERS,
    ORGANISATIONS,
    Cells,
    Found,
    ReadCampaign,
    WriteContacts,
    csv_text,
    problems,
)

from dispatcher.intake.campaign import CampaignFile, read_campaign
from dispatcher.intake.contacts import ContactBook, read_contacts


@pytest.fixture
def contacts_file(tmp_path: Path) -> WriteContacts:
    def write(*rows: Cells, name: str = "missions.csv", delimiter: str = ",") -> Path:
        path = tmp_path / name
        path.write_text(csv_text(rows, delimiter), encoding="utf-8", newline="")
        return path

    return write


@pytest.fixture
def found_in(tmp_path: Path) -> Callable[[bytes], Found]:
    """The problems of a contacts file with these bytes; none where it is read."""

    def read(data: bytes) -> Found:
        path = tmp_path / "missions.csv"
        path.write_bytes(data)
        return problems(lambda: read_contacts([path]))

    return read


@pytest.fixture
def book(contacts_file: WriteContacts) -> ContactBook:
    return read_contacts([contacts_file(*BOOK_ROWS)])


@pytest.fixture
def campaign_file(tmp_path: Path, book: ContactBook) -> ReadCampaign:
    """Reads the good campaign with some texts replaced; each must stand in it."""

    def read(*changes: tuple[str, str]) -> CampaignFile:
        text = CAMPAIGN
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path = tmp_path / "campaign.toml"
        path.write_text(text, encoding="utf-8", newline="")
        return read_campaign(path, book, LETTERS, ORGANISATIONS)

    return read

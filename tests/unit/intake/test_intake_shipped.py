"""The contacts and campaigns that come with the program: read without a complaint, and nobody real can be reached."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from dispatcher.domain.words import Kind, Policy
from dispatcher.intake.campaign import CampaignFile, read_campaign
from dispatcher.intake.contacts import ContactBook, read_contacts

ROOT = Path(__file__).parents[3]
CAMPAIGNS = sorted((ROOT / "config/campaigns").glob("*.toml"))
#: Ofcom's and the Bundesnetzagentur's numbers for drama, and 555-0100 to 555-0199 of the North American plan.
FICTIONAL = re.compile(r"\+442079460\d{3}|\+441632960\d{3}|\+1[2-9]\d\d55501\d\d|\+493023125\d{3}")


@pytest.fixture(scope="module")
def shipped() -> ContactBook:
    return read_contacts(sorted((ROOT / "config/contacts").glob("*.csv")))


def folders(name: str) -> list[str]:
    return [path.name for path in (ROOT / "templates" / name).iterdir() if path.is_dir()]


def read(path: Path, book: ContactBook) -> CampaignFile:
    return read_campaign(path, book, folders("letters"), folders("letterheads"))


def test_the_contacts_are_read_without_problem_or_warning(shipped: ContactBook) -> None:
    assert shipped.warnings == ()
    assert len([contact for contact in shipped.contacts if "seed" not in contact.tags]) >= 14


def test_every_address_is_one_that_reaches_nobody(shipped: ContactBook) -> None:
    for contact in shipped.contacts:
        email, fax = contact.address(Kind.EMAIL), contact.address(Kind.FAX)
        assert email is None or email.endswith(".example")
        assert fax is None or FICTIONAL.fullmatch(fax)


@pytest.mark.parametrize("path", CAMPAIGNS, ids=lambda path: path.stem)
def test_the_campaigns_are_read_without_problem_or_warning(path: Path, shipped: ContactBook) -> None:
    file = read(path, shipped)
    assert file.warnings == ()
    assert file.campaign.id == path.stem


def test_the_seed_letter_goes_to_its_addressee_with_a_copy_to_its_mission(shipped: ContactBook) -> None:
    campaign = read(ROOT / "config/campaigns/air-strikes.toml", shipped).campaign
    president = next(contact for contact in shipped.contacts if contact.id == "ru-president")
    assert president.display_name == "H.E. Mr. Vladimir Vladimirovich Putin"
    assert (president.office, president.country) == ("President", "Russian Federation")
    assert president.postal == ("Staraya pl. 42", "103132 Moscow")
    assert "ru-president" in campaign.contact_ids
    assert [(copy.contact_id, copy.for_contact_id, copy.policy) for copy in campaign.copies] == [
        ("ru-geneva", "ru-president", Policy.EMAIL)
    ]


def test_the_demo_campaign_meets_every_kind_of_far_end(shipped: ContactBook) -> None:
    campaign = read(ROOT / "config/campaigns/air-strikes.toml", shipped).campaign
    contacts = {contact.id: contact for contact in shipped.contacts}
    emails, faxes = set(), set()
    for contact_id in campaign.contact_ids:
        policy, contact = campaign.policy_for(contact_id), contacts[contact_id]
        if policy is not Policy.FAX:
            emails.add((contact.address(Kind.EMAIL) or "").partition("@")[2].partition(".")[0])
        if policy is not Policy.EMAIL:
            faxes.add((contact.address(Kind.FAX) or "")[-2:])
    # The words and digits by which the rehearsal's mail server and fax gateway choose what becomes of a letter.
    assert {"busy-once", "unknown", "silent"} < emails
    assert {"21", "24", "31", "32", "61", "62", "64"} < faxes

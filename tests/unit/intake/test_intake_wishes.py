"""What contacts wish for themselves: their own channel, and who always receives a copy of their letters."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from intake_files import CAMPAIGN, LETTERS, ORGANISATIONS, problems

from dispatcher.domain.model import Campaign, Copy
from dispatcher.domain.words import Policy
from dispatcher.intake.campaign import read_campaign
from dispatcher.intake.contacts import ContactBook


def _read(folder: Path, book: ContactBook, text: str = CAMPAIGN, **wishes: dict[str, object]) -> Campaign:
    """The campaign, read against a book in which some contacts have wishes: id → fields."""
    named = {name.replace("_", "-"): fields for name, fields in wishes.items()}
    people = tuple(replace(one, **named.get(one.id, {})) for one in book.contacts)
    path = folder / "campaign.toml"
    path.write_text(text, encoding="utf-8")
    return read_campaign(path, replace(book, contacts=people), LETTERS, ORGANISATIONS).campaign


def test_an_office_is_reached_as_it_prefers(tmp_path: Path, book: ContactBook) -> None:
    campaign = _read(tmp_path, book, ardesia_geneva={"prefers": Policy.FAX})
    assert campaign.policy_for("ardesia-geneva") is Policy.FAX
    assert campaign.policy_for("pelagia-new-york") is campaign.policy


def test_a_campaign_that_names_a_contact_has_the_last_word(tmp_path: Path, book: ContactBook) -> None:
    campaign = _read(tmp_path, book, miravale_geneva={"prefers": Policy.FAX})
    assert campaign.policy_for("miravale-geneva") is Policy.EMAIL


def test_a_wish_that_cannot_be_met_is_a_problem(tmp_path: Path, book: ContactBook) -> None:
    wish = {"prefers": Policy.FAX, "addresses": book.contacts[0].addresses[:1]}
    name = book.contacts[0].id.replace("-", "_")
    found = problems(lambda: _read(tmp_path, book, **{name: wish}))
    assert [one.code for one in found] == ["E_NO_ADDRESS"]
    contact_id = book.contacts[0].id
    assert found[0].way_out.startswith(f"Give it: contacts repair {contact_id} --fax … (it came from ")
    assert book.places[contact_id] in found[0].way_out


def test_whoever_always_receives_copies_receives_one(tmp_path: Path, book: ContactBook) -> None:
    campaign = _read(tmp_path, book, pelagia_new_york={"copies_to": ("registry",)})
    assert Copy("registry", "pelagia-new-york", Policy.EMAIL) in campaign.copies


def test_a_copy_that_the_campaign_names_itself_is_not_doubled(tmp_path: Path, book: ContactBook) -> None:
    campaign = _read(tmp_path, book, ardesia_geneva={"copies_to": ("registry", "ardesia-geneva")})
    assert campaign.copies == (Copy("registry", "ardesia-geneva", Policy.EMAIL),)


def test_standing_copies_can_be_turned_off(tmp_path: Path, book: ContactBook) -> None:
    text = "standing_copies = false\n" + CAMPAIGN
    campaign = _read(tmp_path, book, text, pelagia_new_york={"copies_to": ("registry",)})
    assert [one.for_contact_id for one in campaign.copies] == ["ardesia-geneva"]


def test_a_standing_copy_to_nobody_is_a_problem_of_that_contact(tmp_path: Path, book: ContactBook) -> None:
    found = problems(lambda: _read(tmp_path, book, pelagia_new_york={"copies_to": ("regisrty",)}))
    assert [(one.code, one.place) for one in found] == [("E_CONTACT", book.places["pelagia-new-york"])]
    assert "'registry'" in found[0].way_out

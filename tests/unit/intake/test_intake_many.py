"""A campaign to many contacts is read without going through all of them for each of them."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

from intake_files import CAMPAIGN, LETTERS, ORGANISATIONS

from dispatcher.domain.words import Policy
from dispatcher.intake.campaign import read_campaign
from dispatcher.intake.contacts import ContactBook


def _seconds(folder: Path, book: ContactBook, many: int) -> float:
    """The processor's, for a campaign to so many offices that all have a wish of their own."""
    one = next(person for person in book.contacts if person.id == "ardesia-geneva")
    more = tuple(replace(one, id=f"office-{number}", prefers=Policy.FAX) for number in range(many))
    whole = replace(book, contacts=(*book.contacts, *more))
    path = folder / "campaign.toml"
    path.write_text(CAMPAIGN, encoding="utf-8")
    began = time.process_time()
    campaign = read_campaign(path, whole, LETTERS, ORGANISATIONS).campaign
    took = time.process_time() - began
    assert campaign.policy_for(f"office-{many - 1}") is Policy.FAX
    return took


def test_nobody_is_looked_for_among_all_the_others(tmp_path: Path, book: ContactBook) -> None:
    """It takes a tenth of a second; going through everybody for each of them took six."""
    assert _seconds(tmp_path, book, 8000) < 2

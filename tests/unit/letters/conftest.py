"""The seed letter's people, a printer, and a way to print a letter of one's own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import cache

import pytest
from letter_people import order_in
from letterbook import Own, Seed
from verapdf.judge import Judge

from dispatcher.domain.model import Contact, Sender
from dispatcher.letters import Order, Printer
from dispatcher.resources import resource

HEAD = "---\nsubject: A matter\nlanguage: en\nclosing: Sincerely,\n---\n"
TEMPLATES = resource("templates")


@pytest.fixture(scope="session")
def printer() -> Printer:
    return Printer(TEMPLATES)


@pytest.fixture(scope="session")
def judge() -> Iterator[Judge]:
    """One Java machine for all the tests of the standards."""
    made = Judge()
    yield made
    made.close()


@pytest.fixture(scope="session")
def seed(printer: Printer) -> Seed:
    return cache(lambda tag: printer.render(order_in(tag)))


@pytest.fixture(scope="session")
def order() -> Order:
    """The seed letter: from Geneva to the President, with a copy to the mission."""
    president = Contact(
        id="ru-president",
        honorific="H.E. Mr.",
        name="Vladimir Vladimirovich Putin",
        office="President",
        organisation="",
        postal=("Staraya pl. 42", "103132 Moscow"),
        country="Russian Federation",
        state="the Russian Federation",
        language="en",
        time_zone="Europe/Moscow",
        salutation="Excellency,",
        addresses=(),
    )
    ambassador = replace(
        president,
        id="ru-geneva",
        name="Alexey Borodavkin",
        office="Ambassador and Permanent Representative",
        organisation="Permanent Mission of the Russian Federation to the United Nations in Geneva",
        postal=(),
        country="",
    )
    sender = Sender("Megan Burke", "Director", "director@cmc.example", "Geneva")
    return Order("air-strikes", "cluster-munition-coalition", president, (ambassador,), sender, date(2015, 10, 1))


@pytest.fixture(scope="session")
def own(tmp_path_factory: pytest.TempPathFactory) -> Own:
    """A printer whose letter `own` has the given text; a body alone gets a front matter. One printer for all tests."""
    folder = tmp_path_factory.mktemp("letters") / "templates"
    shutil.copytree(TEMPLATES, folder)
    (folder / "letters/own").mkdir()
    printer = Printer(folder)

    def make(text: str) -> Printer:
        whole = text if text.startswith("---") else HEAD + text
        (folder / "letters/own/en.md").write_text(whole, encoding="utf-8")
        return printer

    return make

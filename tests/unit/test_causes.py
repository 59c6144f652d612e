"""The texts of the causes: each cause has one, and a wrong file is told at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher.domain.errors import SettingsError
from dispatcher.domain.words import CAUSES, Bulk, Cause
from dispatcher.resources import resource
from dispatcher.settings import causes


def test_every_cause_has_a_short_text_and_a_next_step() -> None:
    said = causes()
    assert set(said) == {cause for cause in Cause if cause}
    assert [cause for cause, one in said.items() if not 0 < len(one.text) <= 60 or one.text.endswith(".")] == []
    assert [cause for cause, one in said.items() if not 0 < len(one.next) <= 80 or one.next.endswith(".")] == []


def test_no_two_causes_of_a_family_read_the_same() -> None:
    texts = [(cause.partition(".")[0], said.text) for cause, said in causes().items()]
    assert len(set(texts)) == len(texts)


def test_a_doubt_always_offers_to_settle_it() -> None:
    for cause, facts in CAUSES.items():
        if facts.bulk is Bulk.NEVER:
            assert "settle the doubt" in causes()[cause].next


def test_missing_empty_and_foreign_texts_are_told_together(tmp_path: Path) -> None:
    text = resource("config/causes.toml").read_text()
    text = text.replace('text = "Line busy"', 'text = " "').replace("no_mailbox =", "no_postbox =")
    (tmp_path / "causes.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        causes(tmp_path / "causes.toml")
    told = [problem.cause.split("'")[1] for problem in caught.value.problems]
    assert told == [
        "email.no_mailbox.next",
        "email.no_mailbox.text",
        "fax.busy.text",
        "email.no_postbox.next",
        "email.no_postbox.text",
    ]


def test_a_file_that_is_no_toml_is_told(tmp_path: Path) -> None:
    (tmp_path / "causes.toml").write_text("[email\n")
    with pytest.raises(SettingsError, match="E_CAUSES_FILE"):
        causes(tmp_path / "causes.toml")

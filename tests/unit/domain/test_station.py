"""What is odd about the name that a far fax machine gives itself: a remark for people, and never more."""

from __future__ import annotations

import pytest

from dispatcher.domain.station import remark

NUMBER = "+41229180400"


@pytest.mark.parametrize("station", ["", "+41 22 918 04 00", "022 918 04 00", "0041229180400", "MISSION GENEVA", "400"])
def test_a_machine_that_says_its_number_in_any_spelling_or_none_is_not_odd(station: str) -> None:
    assert remark(station, NUMBER) == ""


def test_a_machine_that_says_another_number_is_told_of_with_both() -> None:
    assert remark("+49 30 23125 200", NUMBER) == f"the machine calls itself '+49 30 23125 200', not {NUMBER}"


def test_what_answered_there_before_is_expected_and_a_change_is_told() -> None:
    assert remark("+49 30 23125 200", NUMBER, "+49 30  23125 200") == ""
    assert remark("EMBASSY", NUMBER, "PIZZERIA") == "the machine calls itself 'EMBASSY', and was 'PIZZERIA' before"
    assert remark("", NUMBER, "PIZZERIA") == ""

"""The estimate against figures that were computed by hand."""

from __future__ import annotations

from datetime import UTC, datetime, time
from decimal import Decimal

import pytest

from dispatcher.domain.estimate import (
    CAUTIOUS,
    GOOD,
    Call,
    Cost,
    Tariff,
    estimate,
    on_one_line,
    price,
    seconds,
    tariff_for,
)
from dispatcher.domain.model import Hours

#: A Thursday, 9 in Geneva.
NINE = datetime(2015, 10, 1, 7, 0, tzinfo=UTC)
OFFICE = Hours(time(8), time(18))
#: A page that takes 3.5 + 40,000 × 8 × 1.05 / 9,600 = 38.5 seconds, or 3.5 + 23.333… at the good rate.
PAGE = 40_000


def call(number: str = "+41225550100", pages: int = 1, zone: str = "Europe/Zurich", **more: object) -> Call:
    return Call(number, (PAGE,) * pages, NINE, zone, **more)  # type: ignore[arg-type]


def test_a_call_takes_its_beginning_its_pages_and_their_bits() -> None:
    assert seconds([PAGE], CAUTIOUS) == pytest.approx(15 + 38.5)
    assert seconds([PAGE, PAGE], CAUTIOUS) == pytest.approx(15 + 77)
    assert seconds([PAGE], GOOD) == pytest.approx(15 + 3.5 + 23.3333, abs=0.001)


@pytest.mark.parametrize(
    ("page", "measured"),
    [(46_600, 34), (32_900, 24), (84_000, 56), (75_300, 53)],
    ids=["fine", "standard", "dithered", "superfine"],
)
def test_the_formula_agrees_with_what_was_measured(page: int, measured: int) -> None:
    """Five pages at 14,400 bit/s between two real T.30 engines; seconds a page."""
    assert seconds([page] * 5, GOOD) / 5 == pytest.approx(measured, abs=3)


def test_the_longest_beginning_counts_and_then_the_gateways_own() -> None:
    world, swiss = Tariff("", "", "EUR"), Tariff("+41", "", "CHF")
    geneva, own = Tariff("+4122", "", "CHF"), Tariff("+41", "mailfax", "USD")
    every = [world, swiss, geneva, own]
    assert tariff_for("+41225550100", "simulator", every) is geneva
    assert tariff_for("+41315550100", "simulator", every) is swiss
    assert tariff_for("+41315550100", "mailfax", every) is own
    assert tariff_for("+12025550100", "mailfax", every) is world
    assert tariff_for("+12025550100", "mailfax", [swiss]) is None


@pytest.mark.parametrize(
    ("tariff", "pages", "duration", "money"),
    [
        (Tariff("", "", "CHF", per_minute=Decimal("0.09")), 1, 53.5, "0.0900"),  # one started minute
        (Tariff("", "", "CHF", per_minute=Decimal("0.09")), 2, 61.0, "0.1800"),  # two
        (Tariff("", "", "CHF", per_minute=Decimal("0.09"), step_seconds=6), 1, 61.0, "0.0990"),  # 66 seconds
        (Tariff("", "", "CHF", per_minute=Decimal("0.09"), step_seconds=1), 1, 20.0, "0.0300"),
        (Tariff("", "", "CHF", per_minute=Decimal("0.09"), step_seconds=1, minimum_seconds=30), 1, 20.0, "0.0450"),
        (Tariff("", "", "USD", per_page=Decimal("0.07"), per_call=Decimal("0.02")), 3, 90.0, "0.2300"),
    ],
)
def test_a_call_is_priced_by_started_steps_pages_and_its_minimum(
    tariff: Tariff, pages: int, duration: float, money: str
) -> None:
    assert price(tariff, pages, duration) == Decimal(money)


def test_a_plan_adds_up() -> None:
    """Two pages to Geneva, one to London, one to Paris that goes only where an email brings no proof."""
    calls = [call(pages=2), call("+442079460000"), call("+33155550100", only_without_proof=True)]
    tariffs = [
        Tariff("+41", "", "CHF", per_minute=Decimal("0.10")),
        Tariff("+44", "", "GBP", per_page=Decimal("0.05")),
        Tariff("+33", "", "CHF", per_minute=Decimal("0.20")),
    ]
    found = estimate(4, [1000, 2000], calls, tariffs, None)
    assert (found.letters, found.mails, found.mail_bytes) == (4, 2, 3000)
    assert (found.faxes, found.faxes_only_without_proof, found.fax_pages) == (3, 1, 4)
    # Low: 15 + 2 × 26.8333 = 68.6667, and 15 + 26.8333 = 41.8333. High: 15 + 77 = 92, 53.5, 53.5.
    assert found.line_seconds == (111, 199)
    # Geneva is two started minutes either way; Paris one, or not at all.
    assert found.costs == (Cost("CHF", "0.2000", "0.4000"), Cost("GBP", "0.0500", "0.0500"))
    assert found.without_tariff == ()
    # One line: 92 + 12 + 53.5 + 12.
    assert found.one_line_seconds == 170
    assert (found.one_line_from, found.one_line_until) == ("2015-10-01T07:00:00+00:00", "2015-10-01T07:02:49+00:00")


def test_numbers_without_a_tariff_are_named_once() -> None:
    calls = [call(), call(), call("+12025550100")]
    found = estimate(3, [], calls, [Tariff("+41", "", "CHF")], None)
    assert found.without_tariff == ("+12025550100",)
    assert estimate(3, [], calls, [], None).costs == ()


def test_each_call_is_priced_by_the_tariff_of_its_own_gateway() -> None:
    tariffs = [
        Tariff("+44", "", "GBP", per_page=Decimal("0.05")),
        Tariff("+44", "cheap", "GBP", per_page=Decimal("0.01")),
    ]
    calls = [call("+442079460000", gateway="cheap"), call("+442079460001", gateway="other")]
    assert estimate(2, [], calls, tariffs, None).costs == (Cost("GBP", "0.0600", "0.0600"),)


def test_a_plan_without_faxes_has_no_line() -> None:
    found = estimate(2, [500], [], [], OFFICE)
    assert (found.line_seconds, found.costs, found.one_line_seconds, found.one_line_from) == ((0, 0), (), 0, "")


def test_one_line_calls_on_until_the_offices_close_and_goes_on_the_next_working_day() -> None:
    """Each call holds the line for 65.5 seconds: 600 of them are 10 h 55, an hour and a half more than the day has."""
    begins, ends, busy = on_one_line([call()] * 600, OFFICE)
    assert begins == NINE
    assert busy == 600 * 65.5
    # 495 calls begin before 18:00 (the 495th at 17:59:17); the other 105 take 1 h 54:37.5 from 8 o'clock on Friday.
    assert ends == datetime(2015, 10, 2, 7, 54, 37, 500_000, tzinfo=UTC)


def test_one_line_calls_whoever_is_awake() -> None:
    """New York opens at 14 in Geneva: one call there, and two in Geneva, which are made first."""
    begins, ends, busy = on_one_line([call(zone="America/New_York"), call(), call()], OFFICE)
    assert begins == NINE
    assert ends == datetime(2015, 10, 1, 12, 1, 5, 500_000, tzinfo=UTC)
    assert busy == 3 * 65.5


def test_the_same_facts_give_the_same_estimate_in_any_order_of_tariffs() -> None:
    tariffs = [Tariff("+41", "", "CHF"), Tariff("", "", "EUR")]
    once = estimate(1, [], [call(), call("+442079460000")], tariffs, OFFICE)
    assert once == estimate(1, [], [call(), call("+442079460000")], tariffs[::-1], OFFICE)

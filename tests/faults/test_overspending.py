"""Fault: the faxes that are due cost more than may be spent. The limit is never passed, and is told beforehand."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import ADA, MEGAN, Desk, open_desk, person

from dispatcher.domain.errors import SettingsError, UserError
from dispatcher.domain.estimate import Tariff
from dispatcher.domain.limits import Limits, Spending
from dispatcher.domain.model import Actor, Contact
from dispatcher.domain.words import Cause, Kind, Policy, State
from dispatcher.settings import load
from dispatcher.store.engine import Store
from dispatcher.usecases import audit_log, launch, purse
from dispatcher.usecases.limits import uses
from dispatcher.worker import Worker

#: Each letter of the desk has one page: a fax costs one euro.
A_EURO_A_PAGE = Tariff("+44", "", "EUR", per_page=Decimal(1))


def with_money(desk: Desk, **spending: int) -> Desk:
    limits = Limits(spending=Spending(**{name: Decimal(one) for name, one in spending.items()}), zone="Europe/Zurich")
    office = replace(desk.office, limits=limits, tariffs=(A_EURO_A_PAGE,))
    return replace(desk, office=office, worker=Worker(office))


def missions(count: int, ending: int = 0) -> list[Contact]:
    return [
        person(f"m-{n}", email=f"m@state-{n}.example", fax=f"+4420794{n:04}{ending:02}") for n in range(1, count + 1)
    ]


@pytest.fixture
async def counter(tmp_path: Path, databases: Databases) -> AsyncIterator[Desk]:
    """A desk over SQLite alone, for what does not depend on the database."""
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as made:
        yield made


async def launched(desk: Desk, people: list[Contact], policy: Policy, campaign_id: str = "air-strikes") -> None:
    """Although the estimate says that there is not money for all."""
    prepared = await desk.prepare(people, policy, campaign_id=campaign_id)
    await launch.approve(desk.office, campaign_id, prepared.digest, MEGAN, ["W_SPENDING"])
    await launch.launch(desk.office, campaign_id, ADA, late=True)


async def test_when_the_days_money_is_spent_faxes_wait_and_mail_goes_on(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk = with_money(desk, per_day=2)
    await launched(desk, missions(3), Policy.BOTH)
    with caplog.at_level(logging.WARNING):
        await desk.work()
        await desk.work()
    assert Counter((one.kind, one.state) for one in await desk.deliveries()) == {
        (Kind.EMAIL, State.ACCEPTED): 3,
        (Kind.FAX, State.ACCEPTED): 2,
        (Kind.FAX, State.QUEUED): 1,
    }
    waits = next(one for one in await desk.deliveries() if one.state is State.QUEUED)
    why = (await desk.story(waits.id)).waiting
    assert why is not None
    assert (why.cause, why.until) == (Cause.GATE_SPENDING, datetime(2015, 10, 1, 22, 0, tzinfo=UTC))
    assert why.words == "EUR 2.00 of EUR 2.00 a day are spent, and the next fax would pass that"
    assert (waits.fence, waits.tries) == (0, 0)
    told = [one for one in await audit_log.tail_audit(desk.office, 99) if one.event.action == "limit.spending"]
    assert [one.event.data["limit"] for one in told] == ["EUR 2.00 a day"]  # once, not at every claim
    assert [one.message for one in caplog.records if "W_SPENDING" in one.message] == [
        f"W_SPENDING faxes wait: {why.words}"
    ]
    day = next(one for one in await uses(desk.office) if one.what == "fax: a day")
    assert (day.limit, day.used, day.left) == ("EUR 2.00", "EUR 2.00", "EUR 0.00")
    await desk.pass_time(hours=14, seconds=1)
    assert (await desk.get(waits.id)).state is not State.QUEUED


async def test_workers_that_look_at_the_same_moment_do_not_spend_more(desk: Desk) -> None:
    desk = with_money(desk, per_month=3)
    await launched(desk, missions(8), Policy.FAX)
    stores = [Store(desk.database) for _ in range(3)]
    workers = [Worker(replace(desk.office, store=one), name=Actor("worker", str(id(one)))) for one in stores]
    await asyncio.gather(*(one.drain() for one in workers))
    for one in stores:
        await one.aclose()
    assert Counter(await desk.states()) == {State.ACCEPTED: 3, State.QUEUED: 5}


async def test_one_campaigns_money_is_not_anothers(counter: Desk) -> None:
    desk = with_money(counter, per_campaign=1)
    await launched(desk, missions(2), Policy.FAX, "first")
    await desk.work()
    await launched(desk, missions(2), Policy.FAX, "second")
    await desk.work()
    gone = [one.campaign_id for one in await desk.deliveries() if one.state is State.ACCEPTED]
    assert Counter(gone) == {"first": 1, "second": 1}


async def test_a_call_that_nobody_took_costs_nothing(counter: Desk) -> None:
    desk = with_money(counter, per_day=1)
    await desk.launch(missions(1, ending=22), Policy.FAX)  # always busy
    await desk.work()
    assert await spent(desk) == "EUR 1.00"  # as long as nobody knows
    await desk.pass_time(minutes=2)
    assert (await desk.only()).cause is Cause.FAX_BUSY
    assert await spent(desk) == "EUR 0.00"


async def spent(desk: Desk) -> str:
    return next(one.used for one in await uses(desk.office) if one.what == "fax: a day")


async def test_the_estimate_stands_against_what_is_left_and_is_confirmed_by_name(counter: Desk) -> None:
    desk = with_money(counter, per_month=5)
    await desk.launch(missions(3), Policy.FAX, campaign_id="first")
    await desk.work()
    prepared = await desk.prepare(missions(3), Policy.FAX, campaign_id="second")
    line = await purse.told(desk.office, prepared.plan)
    assert line == "faxes: at the most EUR 3.00; left are EUR 2.00 of EUR 5.00 a month"
    with pytest.raises(UserError, match=r"may cost EUR 3[.]00, and the limit is EUR 5[.]00 a month"):
        await launch.approve(desk.office, "second", prepared.digest, MEGAN)
    row = await launch.approve(desk.office, "second", prepared.digest, MEGAN, ["W_SPENDING"])
    assert [code for code, *_ in row.confirmed] == ["W_SPENDING"]


async def test_a_higher_limit_counts_at_once(counter: Desk) -> None:
    desk = with_money(counter, per_day=1)
    await launched(desk, missions(2), Policy.FAX)
    await desk.work()
    await with_money(counter, per_day=2).work()
    assert await desk.states() == [State.ACCEPTED] * 2


def test_limits_and_tariffs_are_in_one_currency(tmp_path: Path) -> None:
    file = tmp_path / "dispatcher.toml"
    file.write_text('[fax.spending]\nper_day = 10\n[[fax.tariffs]]\ncurrency = "CHF"\nper_page = 1\n')
    with pytest.raises(SettingsError, match="E_SPENDING_CURRENCY"):
        load(file, {})

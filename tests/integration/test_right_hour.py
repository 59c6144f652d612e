"""The right hour, with the clock turned by hand: weekends, national days and holidays of the recipient, on both
databases: first letters, faxes, retries, follow-ups; what was approved is what counts."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time
from pathlib import Path

import pytest
from desk.desk import ADA, Desk, open_desk, person
from farend.rogue import say

from dispatcher.cli.plan import show_plan
from dispatcher.domain.calendars import PLAIN
from dispatcher.domain.errors import NotFound
from dispatcher.domain.model import Contact, Hours, Step
from dispatcher.domain.words import Cause, Days, Policy, Signal, State
from dispatcher.intake.almanac import OwnDays
from dispatcher.store import deliveries
from dispatcher.usecases import operate, review
from dispatcher.usecases.closed_days import closed_days
from dispatcher.usecases.plan import plan_from_bytes, why_moved
from dispatcher.worker import Worker

EMAIL, FAX = "mission@ardesia.example", "+442079460000"
TWO_STEPS = (Step(0, "air-strikes"), Step(1, "air-strikes-follow-up", 1))
OFFICE = Hours(time(8), time(18))
#: 2 October 2015 is a Friday; the desk's clock begins on Thursday the first, at 10 in Geneva and 11 in Amman.
FRIDAY = datetime(2015, 10, 2, 9, 0)


def in_jordan(**given: str) -> Contact:
    """A ministry in Amman: Friday and Saturday are its weekend."""
    return replace(person("one", zone="Asia/Amman", **given), state_code="JO", country="", postal=("Amman",))


def mission(*national_days: str, **given: str) -> Contact:
    return replace(person("one", **given), seat="CH", national_days=national_days)


def utc(month: int, day: int, hour: int) -> datetime:
    return datetime(2015, month, day, hour, 0, tzinfo=UTC)


async def test_over_a_weekend_of_friday_and_saturday_a_letter_waits_for_sunday(desk: Desk) -> None:
    await desk.launch([in_jordan(email=EMAIL)], Policy.EMAIL, hours=OFFICE, at=FRIDAY)
    waiting = await desk.only()
    assert waiting.due == utc(10, 4, 5)  # 8 in Amman, in summer time
    await desk.pass_time(days=2, hours=20)  # Sunday, 7 in Amman
    assert desk.rogue.ledger == []
    await desk.pass_time(hours=1)
    assert len(desk.rogue.ledger) == 1


async def test_who_wants_every_day_has_every_day(desk: Desk) -> None:
    hours = replace(OFFICE, days=Days.EVERY)
    await desk.launch([in_jordan(email=EMAIL)], Policy.EMAIL, hours=hours, at=FRIDAY)
    await desk.pass_time(hours=23)
    assert len(desk.rogue.ledger) == 1


async def test_without_hours_nothing_waits(desk: Desk) -> None:
    await desk.launch([in_jordan(email=EMAIL)], Policy.EMAIL, at=FRIDAY)
    await desk.pass_time(hours=23)
    assert len(desk.rogue.ledger) == 1


async def test_at_the_moment_of_sending_a_closed_day_is_refused_with_its_name(desk: Desk) -> None:
    """Due on Thursday, reached on Friday, which is the mission's national day: it waits for Monday."""
    await desk.launch([mission("10-02", email=EMAIL, fax=FAX)], Policy.BOTH, hours=OFFICE)
    desk.clock.turn(days=1)
    await desk.work()
    for waiting in await desk.deliveries():
        assert (waiting.state, waiting.cause, waiting.tries) == (State.QUEUED, Cause.GATE_WINDOW, 0)
        assert waiting.detail == "national day of the Republic of Ardesia"
        assert waiting.due == utc(10, 5, 6)
    assert desk.rogue.ledger == []
    await desk.pass_time(days=2, hours=22)
    assert State.QUEUED not in await desk.states()


async def test_a_weekend_is_named_by_its_day(desk: Desk) -> None:
    await desk.launch([in_jordan(email=EMAIL)], Policy.EMAIL, hours=OFFICE)
    desk.clock.turn(days=1)
    await desk.work()
    assert (await desk.only()).detail == "Friday"


async def test_a_retry_waits_for_the_recipients_working_day_too(database: str, tmp_path: Path) -> None:
    """Put off on Thursday three minutes before Amman closes; on Friday and Saturday nobody is there."""
    async with open_desk(database, tmp_path, script={"data": [say("451 4.3.0 not now")]}) as desk:
        await desk.launch([in_jordan(email=EMAIL)], Policy.EMAIL, hours=OFFICE)
        desk.clock.turn(hours=6, minutes=57)
        await desk.work()
        put_off = await desk.only()
        assert (put_off.state, put_off.tries) == (State.DEFERRED, 1)
        assert put_off.due == utc(10, 4, 5)
        await desk.pass_time(days=2, hours=14, minutes=3)
        assert len(desk.rogue.ledger) == 1


async def test_a_follow_up_counts_the_recipients_working_days(desk: Desk) -> None:
    """A fax proven on Thursday: one working day later is Sunday in Amman, and Friday in Geneva."""
    people = [in_jordan(fax=FAX), replace(mission(fax="+442079460001"), id="two")]
    await desk.launch(people, Policy.FAX, steps=TWO_STEPS)
    await desk.work()
    await desk.pass_time(minutes=10)
    dues = {one.contact_id: one.due for one in await desk.deliveries(states=(State.DELIVERED,))}
    assert {name: due and due.date().isoformat() for name, due in dues.items()} == {
        "one": "2015-10-04",
        "two": "2015-10-02",
    }


async def test_a_follow_up_leaves_on_a_working_day(desk: Desk) -> None:
    """Decided late, on a Friday, it is queued for Amman's Sunday."""
    await desk.launch([in_jordan(fax=FAX)], Policy.FAX, steps=TWO_STEPS, hours=OFFICE)
    await desk.work()
    await desk.pass_time(minutes=10)
    desk.clock.turn(days=8)  # Friday, 9 October
    await desk.work()
    following = await desk.only(step=1)
    assert (following.state, following.due) == (State.QUEUED, utc(10, 11, 5))


async def test_expiry_and_the_fall_back_count_the_recipients_working_days(desk: Desk) -> None:
    prepared = await desk.prepare(
        [in_jordan(email=EMAIL, fax=FAX)], Policy.FAX_IF_NO_PROOF, proof_after=1, expires_after=2
    )
    email, fax = prepared.plan.stops
    assert fax.due[:10] == "2015-10-04"
    assert (email.expires[:10], fax.expires[:10]) == ("2015-10-05", "2015-10-06")


async def test_a_holiday_of_the_united_nations_closes_missions_alone(desk: Desk) -> None:
    """Eid al-Adha of 2015 at Headquarters, a Wednesday; Columbus Day closes everybody in New York."""
    at = datetime(2015, 9, 23, 16, 0)
    new_york = replace(
        person("one", email=EMAIL, zone="America/New_York"), country="United States of America", postal=("New York",)
    )
    club = replace(new_york, id="two", organisation="The Watchmakers' Club", addresses=())
    club = replace(club, addresses=person("two", email="club@ardesia.example").addresses)
    prepared = await desk.prepare([new_york, club], Policy.EMAIL, hours=OFFICE, at=at)
    assert [one.due[:10] for one in prepared.plan.stops] == ["2015-09-24", "2015-09-23"]
    first = prepared.plan.stops[0]
    assert why_moved(prepared.plan, first) == ("Wednesday 23 September is closed (UN holiday: Eid al-Adha)",)


# -- what was approved is what counts ----------------------------------------------------------------------------------


async def test_the_closed_days_are_part_of_what_is_approved(desk: Desk) -> None:
    first = await desk.prepare([mission(email=EMAIL)], Policy.EMAIL, hours=OFFICE)
    again = await desk.prepare([mission(email=EMAIL)], Policy.EMAIL, hours=OFFICE)
    other = await desk.prepare([mission("12-24", email=EMAIL)], Policy.EMAIL, hours=OFFICE)
    assert again.digest == first.digest
    assert other.digest != first.digest
    [kept] = other.plan.calendars.values()
    assert kept.yearly == {"12-24": "national day of the Republic of Ardesia"}
    _, read = await review.read_plan(desk.office, "air-strikes")
    assert read.calendars == other.plan.calendars


async def test_what_is_learned_after_the_approval_changes_nothing(desk: Desk) -> None:
    """A closed day is added to the office's own file after the approval: the launched letter still leaves on it."""
    campaign = await desk.launch([mission(email=EMAIL)], Policy.EMAIL, hours=OFFICE, at=FRIDAY)
    closed = OwnDays(FRIDAY.date(), FRIDAY.date(), "closed: the mission moves")
    almanac = replace(desk.office.almanac, own=(closed,))
    desk.office = replace(desk.office, almanac=almanac)
    desk.worker = Worker(desk.office, name=desk.worker.name)
    found = await closed_days(desk.office, "one", FRIDAY.date(), FRIDAY.date())
    assert found.days == ((FRIDAY.date(), "closed: the mission moves"),)
    await desk.pass_time(days=1)
    assert [one.campaign_id for one in await desk.deliveries()] == [campaign]
    assert len(desk.rogue.ledger) == 1


async def test_years_later_the_worker_knows_the_days_without_the_contact(desk: Desk) -> None:
    """Held for two years; released on the national day of 2017, a Monday; meanwhile its contact has left the list."""
    await desk.launch([mission("10-02", email=EMAIL)], Policy.EMAIL, hours=OFFICE)
    held = await operate.apply_by_hand(desk.office, (await desk.only()).id, Signal.HOLD, "wait", ADA)
    await desk.keep_contacts([replace(mission("01-01", email=EMAIL), seat="JO")])
    desk.clock.turn(days=732)
    assert desk.clock.now().date().isoformat() == "2017-10-02"
    released = await operate.apply_by_hand(desk.office, held.id, Signal.RELEASE, "go on", ADA)
    assert released.due == datetime(2017, 10, 3, 6, 0, tzinfo=UTC)


async def test_a_delivery_from_before_there_were_calendars_has_saturday_and_sunday(desk: Desk) -> None:
    await desk.launch([in_jordan(email=EMAIL)], Policy.EMAIL, hours=OFFICE)
    old = await desk.only()
    await desk.office.store.write(lambda connection: deliveries.change(connection, old, calendar=""))
    desk.clock.turn(days=1)  # Friday
    await desk.work()
    assert len(desk.rogue.ledger) == 1


async def test_a_plan_from_before_there_were_calendars_is_still_read(desk: Desk) -> None:
    prepared = await desk.prepare([in_jordan(email=EMAIL)], Policy.EMAIL, hours=OFFICE)
    record = json.loads(prepared.plan.as_bytes())
    del record["calendars"], record["campaign"]["days"], record["stops"][0]["calendar"]
    old = plan_from_bytes(json.dumps(record).encode())
    assert (old.calendars, old.hours, old.stops[0].calendar) == ({}, OFFICE, "")
    assert old.calendar_of(old.stops[0]) is PLAIN


# -- what people are told ----------------------------------------------------------------------------------------------


async def test_the_preview_tells_the_local_time_and_why_it_was_moved(
    desk: Desk, capsys: pytest.CaptureFixture[str]
) -> None:
    prepared = await desk.prepare([in_jordan(email=EMAIL)], Policy.EMAIL, hours=OFFICE, at=FRIDAY)
    show_plan(prepared.digest, prepared.plan, (), "Europe/Zurich", json=False)
    told = capsys.readouterr().out
    assert "08:00–18:00 on working days, in the recipient's time" in told
    assert "Sun 2015-10-04 08:00" in told
    assert "Friday is a weekend day in Jordan; Saturday is a weekend day in Jordan" in told
    show_plan(prepared.digest, prepared.plan, (), "Europe/Zurich", json=True)
    [delivery] = json.loads(capsys.readouterr().out)["deliveries"]
    assert delivery["due_there"] == "Sun 2015-10-04 08:00"
    assert len(delivery["moved_because"]) == 2


async def test_an_office_in_no_known_country_is_told_to_whoever_approves(desk: Desk) -> None:
    nowhere = replace(person("one", email=EMAIL), country="")
    told = (await desk.prepare([nowhere], Policy.EMAIL, hours=OFFICE)).plan.remarks
    assert [(one.code, one.place) for one in told] == [("W_CALENDAR", "contact one")]
    assert (await desk.prepare([nowhere], Policy.EMAIL)).plan.remarks == ()


async def test_closed_days_are_shown_for_contacts_and_countries(desk: Desk) -> None:
    await desk.keep_contacts([mission("05-17", email=EMAIL)])
    year = (date(2027, 1, 1), date(2027, 12, 31))
    one = await closed_days(desk.office, "one", *year)
    assert (date(2027, 9, 9), "public holiday: Genevan Fast") in one.days
    jordan = await closed_days(desk.office, "Jordanie", *year)
    assert (jordan.of, jordan.calendar.place) == ("JO", "Jordan")
    with pytest.raises(NotFound, match="no contact and no country"):
        await closed_days(desk.office, "nowhere", *year)

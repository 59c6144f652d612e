"""What a reviewer found: each test failed before its repair."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from desk.databases import Databases
from desk.desk import ADA, SECRET, Desk, open_desk, person
from farend.rogue import STALL, accept_then, say
from sqlalchemy import text

from dispatcher.archive import Archive
from dispatcher.channels.base import Abilities, CommitPoint, Parcel
from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.errors import Conflict
from dispatcher.domain.model import Address, Copy
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Kind, Policy, Signal, State, Verdict
from dispatcher.usecases import contacts, dispatch, launch, operate
from dispatcher.usecases.record import record

FAX = "+442079460000"
EMAIL = "mission@ardesia.example"


async def test_every_try_after_a_knowing_resend_says_that_it_may_be_the_second(database: str, tmp_path: Path) -> None:
    script = {"dot": [accept_then(STALL)], "rcpt": [None, say("450 4.7.1 later")]}
    async with open_desk(database, tmp_path, script=script) as desk:
        await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
        await desk.work()
        doubtful = await desk.only()
        desk.clock.turn(minutes=12)
        await operate.settle_doubt(desk.office, doubtful.id, operate.Decision.RESEND, "nobody can tell", ADA)
        await desk.work()
        await desk.pass_time(hours=1)
        assert len(desk.rogue.ledger) == 2
        assert [one.knowingly for one in (await desk.story(doubtful.id)).attempts] == [False, True, True]


class FullArchive(Archive):
    """The real archive, on a disk without room for anything new."""

    def _create(self, target: Path, data: bytes) -> None:
        raise OSError(28, "No space left on device", str(target))


async def test_a_full_archive_before_the_dot_leaves_no_doubt(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
    with monkeypatch.context() as full:
        full.setattr(desk.office.archive, "__class__", FullArchive)
        await desk.worker.tick()
        await desk.worker.settle()
    waiting = await desk.only()
    assert (waiting.state, waiting.cause, waiting.tries) == (State.QUEUED, Cause.STORE_FAULT, 0)
    assert desk.rogue.ledger == []
    await desk.pass_time(minutes=3)
    assert await desk.states() == [State.ACCEPTED]


async def test_a_read_sees_one_view_whatever_is_written_meanwhile(databases: Any, tmp_path: Path) -> None:
    async with open_desk(databases.fresh_postgresql(), tmp_path) as desk:

        async def twice(connection: Any) -> list[int]:
            count = text("SELECT count(*) FROM suppression")
            first = (await connection.execute(count)).scalar()
            await contacts.suppress(desk.office, Address(Kind.EMAIL, EMAIL), "asked for it", ADA)
            return [first, (await connection.execute(count)).scalar()]

        assert await desk.office.store.read(twice) == [0, 0]


# -- one row never stops the others ------------------------------------------------------------------------------------


class FaultyAsk(SimulatorChannel):
    """The real channel, with a defect: asking raises."""

    async def ask(self, attempt_id: str, ref: str) -> Outcome:
        raise RuntimeError("a defect of the adapter")


class BoundlessAsk(SimulatorChannel):
    """The real channel, believing more pages than any database can hold."""

    async def ask(self, attempt_id: str, ref: str) -> Outcome:
        return Outcome(Verdict.DELIVERED, pages=10**20)


class Unproven(SimulatorChannel):
    """The real channel, as one that can neither be asked nor gives proof: fax by email is so."""

    abilities = Abilities()


async def _swap(desk: Desk, channel: type[SimulatorChannel]) -> None:
    await desk.office.channels["simulator"].aclose()
    twin = channel(desk.gateway.url, SECRET, desk.callback_url, timeout=0.5, now=desk.clock.now)
    desk.office.channels["simulator"] = twin  # type: ignore[index]  # the test swaps one channel for its twin


@pytest.mark.parametrize("channel", [FaultyAsk, BoundlessAsk])
async def test_a_row_that_cannot_be_dealt_with_is_put_off_and_stops_no_other(
    desk: Desk, channel: type[SimulatorChannel]
) -> None:
    await desk.launch([person("fax", fax=FAX)], Policy.FAX)
    await desk.work()
    await _swap(desk, channel)
    await desk.launch([person("mail", email=EMAIL)], Policy.EMAIL, campaign_id="second")
    desk.clock.turn(minutes=3)
    await desk.work()
    assert await desk.states(campaign_id="second") == [State.ACCEPTED]
    put_off = await desk.only(campaign_id="air-strikes")
    assert put_off.state is State.ACCEPTED
    assert put_off.due is not None
    assert put_off.due > desk.clock.now()
    await desk.office.channels["simulator"].aclose()


async def test_faxes_get_their_share_beside_many_emails(desk: Desk) -> None:
    mails = [person(f"mail-{number}", email=f"mail-{number}@ardesia.example") for number in range(20)]
    by_fax = (("fax", Policy.FAX),)
    await desk.launch([*mails, person("fax", fax=FAX)], Policy.EMAIL, policy_by_contact=by_fax)
    claims = await dispatch.claim(desk.office, desk.worker.name, 4)
    assert {one.delivery.kind for one in claims} == {Kind.EMAIL, Kind.FAX}


async def test_many_copies_for_one_number_do_not_keep_other_numbers_waiting(desk: Desk) -> None:
    envoys = [person(f"envoy-{number}", email=f"envoy-{number}@ardesia.example") for number in range(8)]
    copies = tuple(Copy("capital", one.id, Policy.FAX) for one in envoys)
    other = person("other", fax="+442079460001")
    people = [*envoys, person("capital", fax=FAX), other]
    by_fax = (("other", Policy.FAX),)
    await desk.launch(people, Policy.EMAIL, copies=copies, policy_by_contact=by_fax)
    claimed: list[dispatch.Claim] = []
    for _ in range(8):
        claimed += await dispatch.claim(desk.office, desk.worker.name, 2)
    numbers = [one.delivery.address for one in claimed if one.delivery.kind is Kind.FAX]
    assert sorted(numbers) == sorted([FAX, "+442079460001"])


# -- nothing leaves early, nothing is left undecided -------------------------------------------------------------------


async def test_a_letter_held_and_released_still_waits_for_its_hour(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL, at=datetime(2015, 10, 2, 9, 0))
    row = await desk.only()
    for signal in (Signal.HOLD, Signal.RELEASE):
        await operate.apply_by_hand(desk.office, row.id, signal, "a look at it", ADA)
    await desk.work()
    assert desk.rogue.ledger == []
    await desk.pass_time(days=1)
    assert len(desk.rogue.ledger) == 1


async def test_a_try_under_way_when_its_campaign_is_stopped_ends_decided(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"rcpt": say("450 4.2.1 later")}) as desk:
        await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)

        class Slow(SmtpChannel):
            """The real channel; the campaign is stopped while it is at work."""

            async def send(self, parcel: Parcel, commit: CommitPoint) -> Outcome:
                outcome = await super().send(parcel, commit)
                await launch.stop(desk.office, "air-strikes", "enough", ADA)
                return outcome

        desk.office.channels["smtp"] = Slow([desk.rogue.relay()])  # type: ignore[index]  # swapped for its twin
        await desk.work()
        assert (await desk.only()).state is State.CANCELLED
        await desk.office.channels["smtp"].aclose()


async def test_nothing_can_be_asked_of_a_stopped_campaign(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"rcpt": say("550 5.1.1 no such user")}) as desk:
        await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
        await desk.work()
        await launch.stop(desk.office, "air-strikes", "enough", ADA)
        with pytest.raises(Conflict, match="sends nothing more"):
            await operate.retry(desk.office, (await desk.only()).id, "after all", ADA)


# -- no state before its evidence --------------------------------------------------------------------------------------


async def test_a_fax_without_proof_is_never_presumed(desk: Desk) -> None:
    await _swap(desk, Unproven)
    await desk.launch([person("fax", fax="+442079460064")], Policy.FAX)  # a number that never calls back
    await desk.work()
    await desk.pass_time(days=4)
    assert await desk.states() == [State.ACCEPTED]
    await desk.pass_time(days=2)
    doubtful = await desk.only()
    assert (doubtful.state, doubtful.cause) == (State.IN_DOUBT, Cause.FAX_NO_PROOF)
    await desk.office.channels["simulator"].aclose()


async def test_taking_a_channel_out_of_the_settings_proves_nothing(desk: Desk) -> None:
    await desk.launch([person("fax", fax=FAX)], Policy.FAX)
    await desk.work()
    gone = desk.office.channels.pop("simulator")  # type: ignore[attr-defined]  # as another configuration would
    await desk.pass_time(days=9)
    assert await desk.states() == [State.ACCEPTED]
    await gone.aclose()


async def test_the_same_doubt_told_twice_is_no_second_move(database: str, tmp_path: Path) -> None:
    async with open_desk(database, tmp_path, script={"dot": accept_then(STALL)}) as desk:
        await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
        await desk.work()
        before = await desk.only()
        desk.clock.turn(hours=1)
        again = Outcome(Verdict.UNKNOWN, Cause.EMAIL_NO_ANSWER_AFTER_DATA)
        await record(desk.office, f"{before.id}.1", again, desk.worker.name)
        assert await desk.only() == before


# -- the writer --------------------------------------------------------------------------------------------------------


async def test_whoever_gave_up_before_its_turn_changes_nothing(desk: Desk) -> None:
    await desk.launch([person("one", email=EMAIL)], Policy.EMAIL)
    gone = asyncio.create_task(dispatch.claim(desk.office, desk.worker.name, 5))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    await desk.work()
    [attempt] = (await desk.story((await desk.only()).id)).attempts
    assert attempt.fence == 1


async def test_a_writer_that_stops_in_the_middle_does_not_hold_the_lock_for_ever(
    databases: Databases, tmp_path: Path
) -> None:
    async with open_desk(databases.fresh("postgresql", tmp_path), tmp_path) as desk:

        async def limit(connection: Any) -> str:
            query = text("SHOW idle_in_transaction_session_timeout")
            return str((await connection.execute(query)).scalar_one())

        assert await desk.office.store.write(limit) == "30s"

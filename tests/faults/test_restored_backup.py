"""Fault: a backup is restored. It knows nothing of what left since: nothing more leaves until it is adopted"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import ADA, MEGAN, Desk, open_desk, person
from desk.servers import Server, clear_away, make_server

from dispatcher.archive import digest_of
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.audit import Verdict as AuditVerdict
from dispatcher.domain.errors import Conflict
from dispatcher.domain.model import Step
from dispatcher.domain.outcome import Outcome, Report
from dispatcher.domain.rollback import Finding, Quarantined, Sign
from dispatcher.domain.words import Cause, Policy, Signal, State, Verdict
from dispatcher.store import audit
from dispatcher.store.engine import StoreFault
from dispatcher.usecases import adopt, audit_log, dispatch, guard, hear, launch, operate
from dispatcher.usecases.adopt import Doom, Word

WORD = Word(reason="the disk died; this is last night's backup", actor=MEGAN)


@dataclass(slots=True)
class Kept:
    """A database that can be backed up and put back."""

    url: str
    backup: Callable[[], None]
    restore: Callable[[], None]


def _sqlite(databases: Databases, folder: Path) -> Kept:
    url = databases.fresh("sqlite", folder)
    file, copy = folder / "dispatcher.db", folder / "backup.db"

    def backup() -> None:
        with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(copy)) as other:
            one.backup(other)

    def restore() -> None:
        for left in folder.glob("dispatcher.db*"):
            left.unlink()
        shutil.copy(copy, file)

    return Kept(url, backup, restore)


def _postgresql(server: Server) -> Kept:
    copy = server.home / "backup"
    return Kept(server.url, lambda: server.base_backup(copy), lambda: server.put_in(copy))


@pytest.fixture(params=["sqlite", "postgresql"])
def kept(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> Iterator[Kept]:
    if request.param == "sqlite":
        yield _sqlite(databases, tmp_path)
        return
    server = make_server()
    yield _postgresql(server)
    clear_away(server)


PEOPLE = [person("one", email="one@ardesia.example"), person("two", email="two@ardesia.example")]


@asynccontextmanager
async def restored(kept: Kept, folder: Path) -> AsyncIterator[Desk]:
    """Two letters are launched, the backup is made, both leave, the worker is killed, the backup is put back."""
    async with open_desk(kept.url, folder) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
        kept.backup()
        await desk.worker.tick()
        await desk.worker.settle()
        assert len(desk.rogue.ledger) == 2
    kept.restore()
    async with open_desk(kept.url, folder) as desk:
        yield desk


async def test_a_restored_backup_sends_nothing(kept: Kept, tmp_path: Path) -> None:
    async with restored(kept, tmp_path) as desk:
        await desk.work()
        await desk.pass_time(days=30)
        assert await desk.states() == [State.QUEUED, State.QUEUED]
        assert desk.rogue.dots == 0
        with pytest.raises(Quarantined, match=r"^E_ADOPT log [0-9,]+ < checkpoint [0-9,]+; run: dispatcher adopt$"):
            await guard.enter(desk.office)


async def test_what_would_send_is_refused_and_reading_is_not(databases: Databases, tmp_path: Path) -> None:
    kept = _sqlite(databases, tmp_path)
    async with restored(kept, tmp_path) as desk:
        [first, second] = await desk.deliveries()
        with pytest.raises(Quarantined):
            await launch.launch(desk.office, first.campaign_id, ADA, late=True)
        with pytest.raises(Quarantined):
            await operate.retry(desk.office, first.id, "again", ADA)
        with pytest.raises(Quarantined):
            await launch.resume(desk.office, first.campaign_id, "go on", ADA)
        assert "in quarantine" in await guard.banner(desk.office)
        assert (await desk.story(second.id)).delivery.state is State.QUEUED


async def test_neither_side_alone_lifts_it(databases: Databases, tmp_path: Path) -> None:
    kept = _sqlite(databases, tmp_path)
    async with restored(kept, tmp_path) as desk:
        await desk.work()
        marker = tmp_path / "guard" / "quarantine.json"
        assert marker.exists()
        shutil.rmtree(tmp_path / "guard")
    async with open_desk(kept.url, tmp_path) as desk:  # the row still stands
        with pytest.raises(Quarantined):
            await guard.enter(desk.office)
        await desk.work()
        assert desk.rogue.dots == 0
        assert marker.exists()


async def test_the_marker_stands_when_another_database_takes_the_place(databases: Databases, tmp_path: Path) -> None:
    kept = _sqlite(databases, tmp_path)
    async with open_desk(kept.url, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
        kept.backup()
        (tmp_path / "guard" / "checkpoint.json").rename(tmp_path / "checkpoint.json")
    async with open_desk(kept.url, tmp_path) as desk:
        with pytest.raises(Quarantined):  # the note is gone
            await guard.enter(desk.office)
    (tmp_path / "checkpoint.json").rename(tmp_path / "guard" / "checkpoint.json")
    kept.restore()  # the right one, which knows of no quarantine
    async with open_desk(kept.url, tmp_path) as desk:
        assert (await guard.look(desk.office)).now == ()
        await desk.work()
        assert desk.rogue.dots == 0


async def test_a_claim_and_a_commit_point_refuse_by_themselves(databases: Databases, tmp_path: Path) -> None:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
        [one] = await dispatch.claim(desk.office, desk.worker.name, 1)
        seen = await guard.look(desk.office)
        found = (Finding(Sign.SHORTER, "log 1 < checkpoint 2"),)
        await guard.shut(desk.office, replace(seen, findings=found))
        with pytest.raises(Quarantined):
            await dispatch.claim(desk.office, desk.worker.name, 1)
        await dispatch.attempt(desk.office, desk.worker.name, one)
        assert desk.rogue.dots == 0
        assert (await desk.get(one.delivery.id)).cause is Cause.GATE_QUARANTINE


async def test_a_follow_up_that_may_have_gone_is_held(databases: Databases, tmp_path: Path) -> None:
    kept = _sqlite(databases, tmp_path)
    steps = (Step(0, "air-strikes"), Step(1, "air-strikes", 3))
    async with open_desk(kept.url, tmp_path) as desk:
        await desk.launch([person("one", fax="+41225550101")], Policy.FAX, steps=steps)
        await desk.work()
        await desk.pass_time(minutes=30)
        assert await desk.states() == [State.DELIVERED]
        kept.backup()
        await desk.pass_time(days=7)
        assert len(desk.gateway.taken()) == 2
    kept.restore()
    async with open_desk(kept.url, tmp_path) as desk:
        await adopt.adopt(desk.office, WORD)
        await desk.pass_time(days=7)
        assert await desk.states(step=1) == [State.HELD]
        assert len(desk.gateway.taken()) == 2


async def test_what_the_archive_says_has_gone_is_in_doubt_after_adoption_and_never_leaves_again(
    kept: Kept, tmp_path: Path
) -> None:
    async with restored(kept, tmp_path) as desk:
        before = await adopt.survey(desk.office, WORD)
        assert [(one.doom, one.evidence) for one in before.letters] == [
            (Doom.DOUBT, "the archive holds the mail that left")
        ] * 2
        assert await desk.states() == [State.QUEUED, State.QUEUED]  # a survey changes nothing
        done = await adopt.adopt(desk.office, WORD)
        assert done.count(Doom.DOUBT) == 2
        await desk.work()
        await desk.pass_time(days=30)
        assert await desk.states() == [State.IN_DOUBT, State.IN_DOUBT]
        assert desk.rogue.dots == 0
        story = await desk.story((await desk.deliveries())[0].id)
        assert [one.event.action for one in story.audit if one.event.actor == "operator:megan"] == [
            "delivery.claim",
            "delivery.doubt",
        ]


async def test_what_was_sealed_since_is_set_aside_and_named_in_the_log(databases: Databases, tmp_path: Path) -> None:
    """The adopted log cannot fit it; from the adoption on it is sealed again."""
    kept = _sqlite(databases, tmp_path)
    async with open_desk(kept.url, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
        kept.backup()
        await desk.work()
    kept.restore()
    async with open_desk(kept.url, tmp_path) as desk:
        assert desk.office.seals is not None
        before = desk.office.seals.file.read_bytes()
        assert (await audit_log.verify_audit(desk.office)).verdict is AuditVerdict.CUT
        await adopt.adopt(desk.office, WORD)
        [aside] = desk.office.seals.file.parent.glob("*.before-*")
        assert aside.read_bytes() == before
        told = [one.event.data for one in await audit_log.tail_audit(desk.office, 50)]
        assert [one["seals"] for one in told if "seals" in one] == [digest_of(before)]
        await desk.work()
        found = await audit_log.verify_audit(desk.office)
        assert (found.verdict, found.compared) == (AuditVerdict.WHOLE, 1)


async def test_what_left_no_sign_is_held(databases: Databases, tmp_path: Path) -> None:
    kept = _sqlite(databases, tmp_path)
    async with restored(kept, tmp_path) as desk:
        shutil.rmtree(tmp_path / "archive")  # it was restored too, from the same night
        with pytest.raises(Quarantined):
            await guard.enter(desk.office)
        await adopt.adopt(desk.office, WORD)
        await desk.pass_time(days=30)
        assert await desk.states() == [State.HELD, State.HELD]
        assert desk.rogue.dots == 0


async def test_what_was_released_leaves_once(databases: Databases, tmp_path: Path) -> None:
    kept = _sqlite(databases, tmp_path)
    async with open_desk(kept.url, tmp_path) as desk:
        await desk.launch(PEOPLE[:1], Policy.EMAIL)
        kept.backup()
        await desk.worker.tick()
        await desk.worker.settle()
        files = [path for path in (tmp_path / "archive").rglob("*") if path.is_file()]
        sent = [path for path in files if b"Message-ID" in path.read_bytes()]
    kept.restore()
    for path in sent:
        path.unlink()
    async with open_desk(kept.url, tmp_path) as desk:
        await adopt.adopt(desk.office, WORD)
        one = await desk.only()
        assert one.state is State.HELD
        await operate.apply_by_hand(desk.office, one.id, Signal.RELEASE, "their office has no letter", ADA)
        await desk.work()
        assert (await desk.only()).state is State.ACCEPTED
        assert len(desk.rogue.ledger) == 1


async def test_with_a_whole_archive_what_it_does_not_hold_goes_on(databases: Databases, tmp_path: Path) -> None:
    kept = _sqlite(databases, tmp_path)
    async with open_desk(kept.url, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
        kept.backup()
        desk.worker.room = 1
        await desk.worker.tick()
        await desk.worker.settle()
        assert len(desk.rogue.ledger) == 1
    kept.restore()
    async with open_desk(kept.url, tmp_path) as desk:
        await adopt.adopt(desk.office, Word(WORD.reason, trust_archive=True, actor=MEGAN))
        await desk.work()
        assert sorted(await desk.states()) == [State.ACCEPTED, State.IN_DOUBT]
        assert len(desk.rogue.ledger) == 1


async def test_a_fax_that_the_gateway_knows_is_proven_and_not_sent_again(databases: Databases, tmp_path: Path) -> None:
    kept = _sqlite(databases, tmp_path)
    async with open_desk(kept.url, tmp_path) as desk:
        await desk.launch([person("one", fax="+41225550101")], Policy.FAX)
        kept.backup()
        await desk.worker.tick()
        await desk.worker.settle()
        [fax] = desk.gateway.taken()
    kept.restore()
    async with open_desk(kept.url, tmp_path) as desk:
        done = await adopt.adopt(desk.office, WORD)
        assert [one.evidence for one in done.letters] == ["the gateway knows it"]
        story = await desk.story((await desk.only()).id)
        assert [one.id for one in story.attempts] == [fax["reference"]]
        await desk.pass_time(minutes=30)
        assert (await desk.only()).state is State.DELIVERED
        assert len(desk.gateway.taken()) == 1


async def test_a_log_that_went_another_way_is_found_by_its_hash(databases: Databases, tmp_path: Path) -> None:
    kept = _sqlite(databases, tmp_path)
    async with restored(kept, tmp_path):
        pass
    (tmp_path / "guard").rename(tmp_path / "kept")
    async with open_desk(kept.url, tmp_path) as desk:
        for _ in range(60):  # it ran on elsewhere, where nothing stood in its way: the log grows past the old end
            await desk.office.store.write(
                lambda one: audit.append(one, AuditEvent("operator:ada", "contact.change", ""), desk.clock.now())
            )
    (tmp_path / "kept").rename(tmp_path / "guard")
    async with open_desk(kept.url, tmp_path) as desk:
        seen = await guard.look(desk.office)
        assert [one.sign for one in seen.now] == [Sign.FORK]
        await desk.work()
        assert desk.rogue.dots == 0


async def test_news_of_a_forgotten_try_is_not_thrown_away_in_quarantine(databases: Databases, tmp_path: Path) -> None:
    async with restored(_sqlite(databases, tmp_path), tmp_path) as desk:
        one = (await desk.deliveries())[0]
        report = Report(f"{one.id}.1", "event-1", Outcome(Verdict.DELIVERED))
        await desk.work()
        with pytest.raises(StoreFault, match="tell it again later"):
            await hear.take(desk.office, report, "channel:smtp")
        await adopt.adopt(desk.office, WORD)
        assert await hear.take(desk.office, report, "channel:smtp") is hear.Heard.APPLIED
        assert (await desk.get(one.id)).state is State.DELIVERED


async def test_an_adoption_that_died_before_its_last_word_is_brought_to_its_end(
    databases: Databases, tmp_path: Path
) -> None:
    noted = tmp_path / "guard"
    async with restored(_sqlite(databases, tmp_path), tmp_path) as desk:
        await desk.work()
        shutil.copytree(noted, tmp_path / "before")
        await adopt.adopt(desk.office, WORD)
        url = desk.database
    shutil.rmtree(noted)
    (tmp_path / "before").rename(noted)  # the database was told, the folder outside was not
    async with open_desk(url, tmp_path) as desk:
        await guard.enter(desk.office)
        assert not (noted / "quarantine.json").exists()
        assert (await guard.look(desk.office)).clear


async def test_an_approval_from_before_ends_since_it_may_have_been_used(databases: Databases, tmp_path: Path) -> None:
    kept = _sqlite(databases, tmp_path)
    async with open_desk(kept.url, tmp_path) as desk:
        await desk.launch(PEOPLE[:1], Policy.EMAIL, campaign_id="earlier")
        prepared = await desk.prepare(PEOPLE, Policy.EMAIL)
        await launch.approve(desk.office, "air-strikes", prepared.digest, MEGAN)
        kept.backup()
        await launch.launch(desk.office, "air-strikes", ADA, late=True)
        await desk.worker.tick()
        await desk.worker.settle()
        assert len(desk.rogue.ledger) == 3
    kept.restore()
    async with open_desk(kept.url, tmp_path) as desk:
        done = await adopt.adopt(desk.office, WORD)
        assert done.approvals == ("air-strikes",)
        assert len(done.strangers) == 2
        with pytest.raises(Conflict, match="is not approved"):
            await launch.launch(desk.office, "air-strikes", ADA, late=True)
        await desk.work()
        assert desk.rogue.dots == 0

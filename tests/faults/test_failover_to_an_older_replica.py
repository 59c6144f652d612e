"""Fault: a replica that lags behind takes over. Its log lacks what left last: nothing leaves until it is adopted"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from desk.desk import MEGAN, open_desk, person
from desk.servers import Server, clear_away, make_server

from dispatcher.domain.rollback import Quarantined, Sign
from dispatcher.domain.words import Policy, State
from dispatcher.usecases import adopt, guard
from dispatcher.usecases.adopt import Word

PEOPLE = [person(f"m-{one}", email=f"m-{one}@ardesia.example") for one in range(3)]


@pytest.fixture
def server() -> Iterator[Server]:
    made = make_server()
    yield made
    clear_away(made)


def _lag(server: Server) -> Path:
    """A replica as it is at this moment; nothing reaches it from now on."""
    replica = server.home / "replica"
    server.base_backup(replica)
    (replica / "standby.signal").touch()
    return replica


def _take_over(server: Server, replica: Path) -> None:
    """Under the same address, as a failover manager does it."""
    server.put_in(replica)
    server.promote()


async def test_a_running_worker_notices_and_sends_nothing_more(server: Server, tmp_path: Path) -> None:
    async with open_desk(server.url, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
        await desk.worker.tick()
        await desk.worker.settle()
        assert len(desk.rogue.ledger) == 3
        await desk.launch(PEOPLE, Policy.EMAIL, campaign_id="second")
        replica = _lag(server)
        desk.worker.room = 1
        await desk.worker.tick()
        await desk.worker.settle()
        assert len(desk.rogue.ledger) == 4
        _take_over(server, replica)
        for _ in range(5):
            await desk.worker.tick()
            await desk.worker.settle()
        await desk.pass_time(days=2)
        assert len(desk.rogue.ledger) == 4
        seen = await guard.look(desk.office)
        assert {one.sign for one in seen.findings} >= {Sign.SHORTER, Sign.TIMELINE}
        await adopt.adopt(desk.office, Word("the primary's disk is gone", actor=MEGAN))
        await desk.pass_time(days=2)
        assert len(desk.rogue.ledger) == 4
        states = await desk.states(campaign_id="second")
        assert sorted(states) == [State.HELD, State.HELD, State.IN_DOUBT]


async def test_a_host_that_lost_nothing_itself_sees_the_other_timeline(server: Server, tmp_path: Path) -> None:
    async with open_desk(server.url, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
    _take_over(server, _lag(server))
    async with open_desk(server.url, tmp_path) as desk:
        with pytest.raises(Quarantined, match="timeline 00000002, was on 00000001"):
            await guard.enter(desk.office)
        await desk.work()
        assert desk.rogue.dots == 0
        # A planned switch-over loses nothing: said by a person, with nothing held.
        await adopt.adopt(desk.office, Word("switched over on purpose, in step", moved=True, actor=MEGAN))
        await desk.work()
        assert len(desk.rogue.ledger) == 3


async def test_a_crash_of_the_server_is_no_fault(server: Server, tmp_path: Path) -> None:
    async with open_desk(server.url, tmp_path) as desk:
        await desk.launch(PEOPLE, Policy.EMAIL)
        server.stop()
        server.start()
        for _ in range(3):  # each connection of the pools finds out for itself
            await desk.work()
        assert len(desk.rogue.ledger) == 3
        await guard.enter(desk.office)

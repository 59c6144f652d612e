"""Behind a pooler in transaction mode: each transaction on another connection, and nothing of a session left behind."""

from __future__ import annotations

import asyncio
from pathlib import Path

import psycopg
import pytest
from desk.databases import Databases
from desk.desk import open_desk, person
from desk.pooler import pooled
from sqlalchemy import make_url

from dispatcher.domain.words import Policy, State
from dispatcher.store import migrate
from dispatcher.store.engine import WRITERS_LOCK, StoreFault


async def test_letters_leave_through_a_pooler_and_leave_no_state_on_its_connections(
    databases: Databases, tmp_path: Path
) -> None:
    async with pooled(databases.fresh_postgresql()) as pooler:
        assert (await asyncio.to_thread(migrate.upgrade, make_url(pooler.url)))[0]  # nothing to do, and it can be asked
        async with open_desk(pooler.url, tmp_path) as desk:
            people = [person(f"m-{n}", email=f"m{n}@ardesia.example", fax=f"+4122555010{n}") for n in range(2)]
            await desk.launch(people)
            before = pooler.transactions
            await desk.work()
            await desk.pass_time(minutes=5)
            assert sorted(await desk.states()) == [*[State.ACCEPTED] * 2, *[State.DELIVERED] * 2]
            assert len(desk.rogue.ledger) == 2
            assert pooler.transactions > before + 20
        assert await pooler.left_behind() == []


async def test_a_lock_is_waited_for_no_longer_than_asked_through_a_pooler_too(
    databases: Databases, tmp_path: Path
) -> None:
    url = databases.fresh_postgresql()
    async with pooled(url) as pooler, open_desk(pooler.url, tmp_path, busy_seconds=0.1) as desk:
        with psycopg.connect(url, application_name="psql") as other:
            other.execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS_LOCK])
            with pytest.raises(StoreFault, match=r"E_DB_BUSY .* Held by psql, doing nothing in a transaction"):
                await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        await desk.work()
        assert await desk.states() == [State.ACCEPTED]


async def test_the_pooler_itself_gives_a_session_no_rest(databases: Databases) -> None:
    """It would tell: a session's lock or setting stays behind on a connection, and the next transaction has another."""
    async with pooled(databases.fresh_postgresql(), connections=2) as pooler:
        async with await psycopg.AsyncConnection.connect(pooler.url, autocommit=True) as session:
            await session.execute("SET lock_timeout = 7")
            answer = await session.execute("SHOW lock_timeout")
            assert await answer.fetchone() == ("0",)
            await session.execute("SELECT pg_advisory_lock(1)")
        assert sorted(await pooler.left_behind()) == ["lock 1", "setting lock_timeout"]
        with pytest.raises(psycopg.OperationalError, match="unsupported startup parameter: options"):
            await psycopg.AsyncConnection.connect(pooler.url, options="-c lock_timeout=7")

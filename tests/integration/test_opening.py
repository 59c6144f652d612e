"""Our own connection to a SQLite file: it goes to its thread for what may wait, and for nothing else."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from desk.databases import Databases
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.store.engine import Store
from dispatcher.store.opening import AHEAD, Connection, opened

#: As many numbers as it is given, and one that takes the thread some time.
NUMBERS = text("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :many) SELECT i FROM n")
SLOW = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000000) SELECT max(i) FROM n"
LENGTHS = (1, AHEAD - 1, AHEAD, AHEAD + 1, 5 * AHEAD)


@pytest.fixture
async def store(databases: Databases, tmp_path: Path) -> Any:
    made = Store(databases.fresh("sqlite", tmp_path))
    yield made
    await made.aclose()


async def handed(connection: AsyncConnection) -> int:
    """How often the thread was given something."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, Connection)
    return driver.handed


async def test_a_question_goes_to_the_thread_once_and_an_answer_that_is_written_once_more(store: Store) -> None:
    async def ask(connection: AsyncConnection) -> int:
        await connection.execute(NUMBERS, {"many": 3})
        return await handed(connection)

    first = await store.read(ask)
    assert await store.read(ask) - first == 1
    begun = await store.write(ask)
    assert await store.write(ask) - begun == 3  # BEGIN IMMEDIATE, which may wait for a lock; the question; the commit


@pytest.mark.parametrize("many", LENGTHS)
async def test_every_row_comes_once_and_in_order_at_once_or_one_by_one(store: Store, many: int) -> None:
    async def at_once(connection: AsyncConnection) -> list[int]:
        return list((await connection.execute(NUMBERS, {"many": many})).scalars())

    async def one_by_one(connection: AsyncConnection) -> list[int]:
        async with connection.stream(NUMBERS, {"many": many}) as rows:
            return [row.i async for row in rows]

    assert await store.read(at_once) == await store.read(one_by_one) == list(range(1, many + 1))


async def test_while_the_thread_works_for_somebody_who_gave_up_nothing_is_done_beside_it(tmp_path: Path) -> None:
    connection = opened(str(tmp_path / "some.db"), reads=True)
    await connection
    cursor = await connection.cursor()
    given_up = asyncio.create_task(cursor.execute(SLOW))
    await asyncio.sleep(0)
    given_up.cancel()
    before = connection.handed
    await connection.rollback()  # at any other time it would be done at once
    assert connection.handed == before + 1
    await connection.rollback()
    assert connection.handed == before + 1
    await connection.close()


async def test_a_file_that_cannot_be_opened_leaves_no_thread(tmp_path: Path) -> None:
    before = threading.enumerate()
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        await opened(str(tmp_path / "nowhere" / "some.db"), reads=True)
    assert threading.enumerate() == before

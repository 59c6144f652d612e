"""Each fault of the database has a name, a place and a way out: made by a real file and a real server."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from desk.databases import Databases
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.seat import here
from dispatcher.domain.words import Asked
from dispatcher.store import migrate, workers
from dispatcher.store.engine import WRITERS_LOCK, Store, StoreFault
from dispatcher.store.holders import label
from dispatcher.store.workers import WorkerRow

NOW = datetime(2015, 10, 1, 8, 0, tzinfo=UTC)


@asynccontextmanager
async def opened(url: str, busy_seconds: float = 5.0) -> AsyncIterator[Store]:
    store = Store(url, busy_seconds)
    try:
        yield store
    finally:
        await store.aclose()


async def _nothing(_connection: AsyncConnection) -> None:
    return


async def _refusal(store: Store, question: str) -> StoreFault:
    """What is said of a write that the database does not do."""

    async def unit(connection: AsyncConnection) -> None:
        for one in question.split(";"):
            await connection.execute(text(one))

    with pytest.raises(StoreFault) as caught:
        await store.write(unit)
    return caught.value


async def _announce(store: Store, name: str) -> None:
    row = WorkerRow("1", name, here(), "0", NOW, NOW, None, "", 0, 0, Asked.RUN, "", "")
    await store.write(lambda connection: workers.add(connection, row))


# -- a file ------------------------------------------------------------------------------------------------------------


async def test_a_locked_file_names_the_worker_that_holds_it(databases: Databases, tmp_path: Path) -> None:
    async with opened(databases.fresh("sqlite", tmp_path), 0.05) as store:
        await _announce(store, "two")
        lock = sqlite3.connect(tmp_path / "dispatcher.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        fault = await _refusal(store, "SELECT 1")
        lock.close()
    assert fault.code == "E_DB_BUSY"
    assert str(fault).startswith(f"{tmp_path}/dispatcher.db: E_DB_BUSY the database did not take it")
    assert f"Held by worker two (process {os.getpid()}). End the process" in str(fault)


async def test_a_process_that_is_none_of_ours_is_named_too(databases: Databases, tmp_path: Path) -> None:
    async with opened(databases.fresh("sqlite", tmp_path), 0.05) as store:
        lock = sqlite3.connect(tmp_path / "dispatcher.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        fault = await _refusal(store, "SELECT 1")
        lock.close()
    assert f"Held by process {os.getpid()} (this one)" in str(fault)


@pytest.mark.parametrize(
    ("code", "question"),
    [
        ("E_DISK_FULL", "PRAGMA max_page_count = 1; CREATE TABLE more AS SELECT zeroblob(100000)"),
        ("E_DB_RO", "PRAGMA query_only = ON; DELETE FROM suppression"),
    ],
)
async def test_what_a_file_does_not_take_has_its_name(
    databases: Databases, tmp_path: Path, code: str, question: str
) -> None:
    async with opened(databases.fresh("sqlite", tmp_path)) as store:
        fault = await _refusal(store, question)
    assert fault.code == code
    assert fault.problem.way_out


async def test_a_damaged_page_is_told_as_damage(databases: Databases, tmp_path: Path) -> None:
    url = databases.fresh("sqlite", tmp_path)
    file = tmp_path / "dispatcher.db"
    with sqlite3.connect(file) as connection:
        page, size = connection.execute(
            "SELECT rootpage, page_size FROM sqlite_master, pragma_page_size WHERE name = 'suppression'"
        ).fetchone()
    connection.close()
    with file.open("r+b") as bytes_:
        bytes_.seek((page - 1) * size)
        bytes_.write(b"\xff" * size)
    async with opened(url) as store:
        fault = await _refusal(store, "SELECT * FROM suppression")
    assert fault.code == "E_DB_CORRUPT"
    assert "docs/backup.md" in str(fault)


async def test_a_file_that_is_no_database_is_told_so_at_every_door(tmp_path: Path) -> None:
    (tmp_path / "letter.pdf").write_bytes(b"%PDF-1.7" * 1000)
    url = f"sqlite+aiosqlite:///{tmp_path}/letter.pdf"
    async with opened(url) as store:
        with pytest.raises(StoreFault, match="E_DB_CORRUPT the database does not answer"):
            await store.read(_nothing)
        assert [one for one in threading.enumerate() if "_connection_worker_thread" in one.name] == []
    with pytest.raises(StoreFault, match="E_DB_CORRUPT the database was not upgraded"):
        migrate.upgrade(make_url(url))


async def test_a_file_that_cannot_be_opened_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "dispatcher.db").mkdir()
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/dispatcher.db") as store:
        fault = await _refusal(store, "SELECT 1")
    assert (fault.code, fault.problem.place) == ("E_DB_GONE", f"{tmp_path}/dispatcher.db")


# -- a server ----------------------------------------------------------------------------------------------------------


async def test_what_a_server_does_not_take_has_its_name(databases: Databases) -> None:
    full = "COPY (SELECT generate_series(1, 9999)) TO '/dev/full'"  # the system says ENOSPC, as on any full disk
    async with opened(databases.fresh_postgresql()) as store:
        found = [
            (await _refusal(store, one)).code for one in (full, "SET TRANSACTION READ ONLY; CREATE TABLE x (y int)")
        ]
        dead = "SELECT pg_terminate_backend(pg_backend_pid())"
        found += [(await _refusal(store, dead)).code]
        assert found == ["E_DISK_FULL", "E_DB_RO", "E_DB_GONE"]
        await store.write(_nothing)  # over a new connection


async def test_the_worker_that_holds_a_server_s_lock_is_named(databases: Databases) -> None:
    url = databases.fresh_postgresql()
    async with opened(url, 0.1) as store:
        await _announce(store, "two")
        name = label(here().host, here().pid)
        with psycopg.connect(url, application_name=name) as other:  # as a store of that process would call itself
            process = other.info.backend_pid
            other.execute("SELECT pg_advisory_xact_lock(%s)", [WRITERS_LOCK])
            fault = await _refusal(store, "SELECT 1")
    assert fault.code == "E_DB_BUSY"
    assert f"Held by worker two, doing nothing in a transaction since 0 s (the server's process {process})" in str(
        fault
    )


async def test_who_holds_a_row_is_named_as_far_as_it_has_a_name(databases: Databases) -> None:
    url = databases.fresh_postgresql()
    async with opened(url, 0.1) as store:
        await _announce(store, "two")
        with psycopg.connect(url, application_name="psql") as other:
            other.execute("UPDATE worker SET held = 1")
            fault = await _refusal(store, "UPDATE worker SET held = 2")
    assert fault.code == "E_DB_BUSY"
    assert "Held by psql, doing nothing in a transaction" in str(fault)


async def test_each_of_our_processes_has_its_name_among_the_connections(databases: Databases) -> None:
    async def name(connection: AsyncConnection) -> object:
        return (await connection.execute(text("SHOW application_name"))).scalar()

    async with opened(databases.fresh_postgresql()) as store:
        assert await store.write(name) == await store.read(name) == label(here().host, os.getpid())


async def test_a_server_that_is_not_there_is_told_with_its_place_and_without_its_password() -> None:
    async with opened("postgresql://nobody:secret@127.0.0.1:1/none") as store:
        fault = await _refusal(store, "SELECT 1")
    assert str(fault).startswith("127.0.0.1:1/none: E_DB_GONE the database did not take it: it cannot be reached")
    assert "secret" not in str(fault)

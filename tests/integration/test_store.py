"""The store: one writer that groups, readers that cannot write, migrations that go both ways."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.ddl.impl import DefaultImpl
from alembic.script import ScriptDirectory
from desk.databases import Databases
from sqlalchemy import create_engine, event, inspect, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import Conflict
from dispatcher.store import migrate, version
from dispatcher.store.engine import Store, StoreFault, journal_for
from dispatcher.store.schema import metadata


@pytest.fixture
async def store(database: str) -> Any:
    made = Store(database)
    yield made
    await made.aclose()


async def _suppress(connection: AsyncConnection, value: str) -> str:
    row = {"kind": "fax", "value": value}
    await connection.execute(text("INSERT INTO suppression VALUES (:kind, :value, 0, 'test', '', NULL)"), row)
    return value


async def _count(connection: AsyncConnection) -> int:
    return int((await connection.execute(text("SELECT count(*) FROM suppression"))).scalar_one())


async def test_many_writers_share_few_commits_and_each_gets_its_own_answer(store: Store) -> None:
    commits = 0

    def counted(_connection: object) -> None:
        nonlocal commits
        commits += 1

    event.listen(store._writing.sync_engine, "commit", counted)
    answers = await asyncio.gather(*(store.write(lambda c, n=n: _suppress(c, f"+4{n}")) for n in range(50)))
    assert answers == [f"+4{n}" for n in range(50)]
    assert await store.read(_count) == 50
    assert commits < 10


async def test_a_unit_that_fails_undoes_itself_alone(store: Store) -> None:
    async def half(connection: AsyncConnection) -> None:
        await _suppress(connection, "+41")
        raise Conflict("changed our mind")

    good, bad, twice = await asyncio.gather(
        store.write(lambda c: _suppress(c, "+42")),
        store.write(half),
        store.write(lambda c: _suppress(c, "+42")),
        return_exceptions=True,
    )
    assert good == "+42"
    assert isinstance(bad, Conflict)
    assert isinstance(twice, IntegrityError)
    assert await store.read(_count) == 1


async def test_a_reader_cannot_write(store: Store) -> None:
    with pytest.raises((DBAPIError, StoreFault), match=r"readonly|read-only"):
        await store.read(lambda c: _suppress(c, "+41"))


async def test_a_waiter_that_gives_up_harms_nobody_else(store: Store) -> None:
    gone = asyncio.create_task(store.write(lambda c: _suppress(c, "+41")))
    await asyncio.sleep(0)
    gone.cancel()
    assert await store.write(lambda c: _suppress(c, "+42")) == "+42"
    assert await store.read(_count) in (1, 2)


async def test_writes_take_the_lock_at_once_on_sqlite(databases: Databases, tmp_path: Path) -> None:
    """The driver's own BEGIN is a deferred one, with which two workers claim the same row."""
    store = Store(databases.fresh("sqlite", tmp_path))
    said: list[str] = []
    event.listen(
        store._writing.sync_engine, "before_cursor_execute", lambda _c, _k, statement, *_rest: said.append(statement)
    )
    await store.write(_count)
    await store.aclose()
    assert said[0] == "BEGIN IMMEDIATE"


async def test_a_durable_level_goes_with_every_journal(databases: Databases, tmp_path: Path) -> None:
    store = Store(databases.fresh("sqlite", tmp_path))

    async def level(connection: AsyncConnection) -> int:
        return int((await connection.execute(text("PRAGMA synchronous"))).scalar_one())

    assert await store.write(level) in (2, 3)  # FULL, EXTRA
    await store.aclose()


@pytest.mark.parametrize(
    ("version", "journal"),
    [
        ((3, 40, 1), "DELETE"),
        ((3, 44, 5), "DELETE"),
        ((3, 44, 6), "WAL"),
        ((3, 45, 0), "DELETE"),
        ((3, 50, 6), "DELETE"),
        ((3, 50, 7), "WAL"),
        ((3, 51, 2), "DELETE"),
        ((3, 51, 3), "WAL"),
        ((3, 53, 0), "WAL"),
    ],
)
def test_wal_only_where_its_reset_defect_is_mended(version: tuple[int, int, int], journal: str) -> None:
    assert journal_for(version)[0] == journal


async def test_a_database_that_is_not_there_is_one_clear_fault(tmp_path: Path) -> None:
    store = Store("postgresql://nobody@127.0.0.1:1/none")
    with pytest.raises(StoreFault, match="the database did not take it"):
        await store.write(_count)
    await store.aclose()


# -- migrations --------------------------------------------------------------------------------------------------------


def _empty(kind: str, databases: Databases, folder: Path) -> str:
    if kind == "sqlite":
        return f"sqlite:///{folder}/empty.db"
    return make_url(databases.empty_postgresql()).set(drivername="postgresql+psycopg").render_as_string(False)


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_migrations_make_exactly_the_schema_and_can_be_undone(kind: str, databases: Databases, tmp_path: Path) -> None:
    url = _empty(kind, databases, tmp_path)
    assert migrate.upgrade(make_url(url)) == ("", version.newest())
    engine = create_engine(url)
    with engine.begin() as connection:
        command.check(migrate.config(connection))
        assert set(metadata.tables) <= set(inspect(connection).get_table_names())
        command.downgrade(migrate.config(connection), "base")
    with engine.begin() as connection:
        assert set(inspect(connection).get_table_names()) == {"alembic_version"}
    assert migrate.upgrade(make_url(url)) == ("", version.newest())
    assert migrate.upgrade(make_url(url)) == (version.newest(), version.newest())
    assert ScriptDirectory.from_config(migrate.config()).get_current_head() == version.newest()
    engine.dispose()


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_migration_that_breaks_off_leaves_nothing_of_itself(
    kind: str, databases: Databases, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = _empty(kind, databases, tmp_path)
    made = 0

    def breaks(impl: DefaultImpl, *given: Any, **more: Any) -> Any:
        nonlocal made
        made += 1
        if made > 40:
            raise KeyboardInterrupt
        return execute(impl, *given, **more)

    execute = DefaultImpl._exec
    with monkeypatch.context() as patch:
        patch.setattr(DefaultImpl, "_exec", breaks)
        with pytest.raises(KeyboardInterrupt):
            migrate.upgrade(make_url(url))
    engine = create_engine(url)
    assert inspect(engine).get_table_names() == []
    engine.dispose()
    assert migrate.upgrade(make_url(url)) == ("", version.newest())


async def test_an_older_or_empty_schema_is_refused_with_the_way_out(tmp_path: Path) -> None:
    store = Store(f"sqlite+aiosqlite:///{tmp_path}/new.db")
    with pytest.raises(Conflict, match=r"E_SCHEMA .* has schema 'none'.*db upgrade"):
        await store.read(version.require_newest)
    await store.aclose()

"""Writers of several processes beside one another: they share the writers' lock, and take turns at the chain alone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest
from desk.databases import Databases
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent, check
from dispatcher.domain.errors import Conflict
from dispatcher.store import audit
from dispatcher.store.engine import Store

NOW = datetime(2015, 10, 1, 8, 0, tzinfo=UTC)


@pytest.fixture
async def stores(databases: Databases) -> AsyncIterator[tuple[Store, Store]]:
    """Two processes' doors to one PostgreSQL database."""
    url = databases.fresh_postgresql()
    async with AsyncExitStack() as stack:
        one, two = Store(url), Store(url)
        stack.push_async_callback(one.aclose)
        stack.push_async_callback(two.aclose)
        yield one, two


async def _append(connection: AsyncConnection, about: str) -> audit.Appended:
    return await audit.append(connection, AuditEvent("clock", "test", about), NOW)


async def _chain(store: Store) -> list[str]:
    async def query(connection: AsyncConnection) -> list[str]:
        entries = [entry async for entry in audit.entries(connection)]
        assert check(entries).sound
        return [entry.event.object for entry in entries]

    return await store.read(query)


async def test_two_stand_beside_one_another_and_the_chain_has_them_in_the_order_of_their_commits(
    stores: tuple[Store, Store],
) -> None:
    one, two = stores
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(connection: AsyncConnection) -> audit.Appended:
        appended = await _append(connection, "slow")
        begun.set()
        await go_on.wait()
        return appended

    first = asyncio.create_task(one.write(slow, beside=True))
    await begun.wait()
    quick = await two.write(lambda connection: _append(connection, "quick"), beside=True)
    go_on.set()
    assert (quick.entry.seq, (await first).entry.seq) == (1, 2)
    assert await _chain(one) == ["quick", "slow"]


async def test_one_that_wants_its_turn_waits_for_those_beside_and_is_alone(stores: tuple[Store, Store]) -> None:
    one, two = stores
    begun, go_on = asyncio.Event(), asyncio.Event()
    order: list[str] = []

    async def slow(connection: AsyncConnection) -> None:
        begun.set()
        await go_on.wait()
        order.append("beside")

    async def alone(connection: AsyncConnection) -> None:
        order.append("alone")

    first = asyncio.create_task(one.write(slow, beside=True))
    await begun.wait()
    second = asyncio.create_task(two.write(alone))
    done, _ = await asyncio.wait({second}, timeout=0.3)
    assert not done
    go_on.set()
    await asyncio.gather(first, second)
    assert order == ["beside", "alone"]


async def test_what_a_failed_unit_told_the_log_does_not_stand_in_it(stores: tuple[Store, Store]) -> None:
    store, _ = stores

    async def half(connection: AsyncConnection) -> None:
        await _append(connection, "half")
        raise Conflict("changed our mind")

    def whole(name: str) -> asyncio.Task[audit.Appended]:
        return asyncio.create_task(store.write(lambda connection: _append(connection, name)))

    results = await asyncio.gather(whole("a"), store.write(half), whole("b"), return_exceptions=True)
    assert isinstance(results[1], Conflict)
    with pytest.raises(Conflict):
        await store.write(half)  # alone in its transaction
    assert await _chain(store) == ["a", "b"]

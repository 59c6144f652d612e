"""Preparing that cannot go on: the letters beside the one that ended it end with it, before anybody is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from errno import ENOSPC
from pathlib import Path

import pytest
from desk.databases import Databases
from desk.desk import Desk, open_desk, person

from dispatcher.domain.errors import NotFound
from dispatcher.domain.words import Policy
from dispatcher.letters import Order, Rendered
from dispatcher.usecases import review


@pytest.fixture
async def desk(databases: Databases, tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(databases.fresh("sqlite", tmp_path), tmp_path) as made:
        yield made


async def test_when_the_disk_is_full_no_letter_is_made_any_more_once_it_is_told(desk: Desk) -> None:
    begun: list[str] = []
    ended: list[str] = []

    async def render(order: Order) -> Rendered:
        """The press of a full disk: the first letter finds out when all have begun; the others take their time."""
        begun.append(order.contact.id)
        if order.contact.id == "c0":
            while len(begun) < 4:
                await asyncio.sleep(0)
            raise OSError(ENOSPC, "No space left on device")
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(order.contact.id)
        raise AssertionError("nothing ends this wait")

    desk.office = replace(desk.office, render=render)
    people = [person(f"c{number}", email=f"c{number}@x.example") for number in range(4)]
    with pytest.raises(OSError, match="No space left"):
        await desk.prepare(people, Policy.EMAIL)
    assert sorted(ended) == ["c1", "c2", "c3"]
    with pytest.raises(NotFound):
        await review.read_plan(desk.office, "air-strikes")

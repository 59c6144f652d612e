"""What several faults begin with."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from desk.desk import Desk, person

from dispatcher.domain.words import Policy

HERE = Path(__file__).parent


@pytest.fixture
def one_email() -> Callable[[Desk], Awaitable[str]]:
    """Launches one letter by email; the delivery's id."""

    async def launched(desk: Desk) -> str:
        await desk.launch([person("one", email="mission@ardesia.example")], Policy.EMAIL)
        return (await desk.only()).id

    return launched


@pytest.fixture
def start_dying() -> Callable[[Desk, str], Awaitable[asyncio.subprocess.Process]]:
    """Starts a worker that will die at the point; see dying.py."""

    async def start(desk: Desk, point: str) -> asyncio.subprocess.Process:
        now = desk.clock.now().isoformat()
        places = (desk.database, str(desk.folder / "archive"), str(desk.folder / "office"), str(desk.rogue.port), now)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            str(HERE / "dying.py"),
            point,
            *places,
            env={**os.environ, "PYTHONPATH": str(HERE.parents[1])},
        )

    return start


@pytest.fixture
def die(
    start_dying: Callable[[Desk, str], Awaitable[asyncio.subprocess.Process]],
) -> Callable[[Desk, str], Awaitable[int]]:
    """Runs a worker until it has died at the point; its exit code."""

    async def run(desk: Desk, point: str) -> int:
        return await (await start_dying(desk, point)).wait()

    return run

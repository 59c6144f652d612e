"""For every test: no packet leaves loopback. And the few things that tests of several rooms share.

`pytest --long` also runs what is marked `long`: the same tests over everything, not over a fixed part of it. So are
marked the tests on PostgreSQL of what a database can hardly change; where letters could be lost, both run always.
"""

from __future__ import annotations

import gc
import io
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from desk.compiled import compiled_once
from desk.databases import Databases
from desk.desk import Desk, open_desk
from PIL import Image, ImageDraw

from dispatcher.rehearsal.guard import loopback_only

pytest.register_assert_rewrite("contract.suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--long", action="store_true", help="also run what is marked long")


#: What runs on both databases always: folders, and modules, of this one.
BOTH = ("faults", "e2e", "stateful", "test_store", "test_dispatch", "test_workers", "test_review", "test_breaker")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if _on_postgresql(item) and not any(part in BOTH for part in (*item.path.parts, item.path.stem)):
            item.add_marker("long")
    if not config.getoption("--long"):
        items[:] = [item for item in items if item.get_closest_marker("long") is None]


def _on_postgresql(item: pytest.Item) -> bool:
    """Is it the second of two runs of one test, once on each database?"""
    call = getattr(item, "callspec", None)
    return call is not None and call.params.get("database") == "postgresql"


@pytest.fixture(scope="session", autouse=True)
def _no_packet_leaves_loopback() -> Iterator[None]:
    with loopback_only():
        yield


@pytest.fixture(scope="session", autouse=True)
def _statements_are_compiled_once() -> Iterator[None]:
    with compiled_once():
        yield


@pytest.fixture
def quiet() -> Iterator[None]:
    """What is logged of a storm is no news."""
    logging.disable(logging.CRITICAL)
    yield
    gc.collect()  # tasks that were killed in the middle tell so when they are thrown away
    logging.disable(logging.NOTSET)


@pytest.fixture(scope="module")
def database_file(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty database, to be copied."""
    folder = tmp_path_factory.mktemp("empty")
    databases.fresh("sqlite", folder)
    return folder / "dispatcher.db"


def _page(number: int) -> Image.Image:
    image = Image.new("1", (1728, 400), 1)
    ImageDraw.Draw(image).rectangle((100, 100, 100 + 50 * number, 300), fill=0)
    return image


@pytest.fixture(scope="session")
def fax_pages() -> Callable[[int], bytes]:
    """Makes a Group 4 TIFF of so many pages, 1728 pixels wide; small, but a real one."""

    def make(pages: int) -> bytes:
        first, *rest = [_page(number) for number in range(1, pages + 1)]
        file = io.BytesIO()
        first.save(file, "TIFF", compression="group4", dpi=(204, 196), save_all=True, append_images=rest)
        return file.getvalue()

    return make


@pytest.fixture(scope="session")
def databases(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Databases]:
    made = Databases(tmp_path_factory.mktemp("databases"))
    yield made
    made.stop()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, databases: Databases, tmp_path: Path) -> str:
    """The address of a fresh, migrated database; a test that asks for it runs on both kinds."""
    return databases.fresh(request.param, tmp_path)


@pytest.fixture
async def desk(database: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """A whole office with its far ends; see tests/desk."""
    async with open_desk(database, tmp_path) as made:
        yield made

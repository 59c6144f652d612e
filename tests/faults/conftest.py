"""What several faults share: worker processes, which end with the tests."""

from __future__ import annotations

from collections.abc import Iterator

import children
import pytest


@pytest.fixture(scope="session", autouse=True)
def _children() -> Iterator[None]:
    yield
    children.close()

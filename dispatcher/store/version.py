"""Which schema a database has, and which one this program speaks. Asked at every start, so without loading Alembic."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.errors import Conflict

_STEPS = Path(__file__).parent / "migrations" / "versions"


def newest() -> str:
    """The revision that this program speaks: the steps are numbered, and the last one is the newest."""
    return max(path.name.partition("_")[0] for path in _STEPS.glob("[0-9]*.py"))


async def require_newest(connection: AsyncConnection) -> None:
    """Raises Conflict unless the database has exactly the schema that this program speaks."""
    have, need = await _revision(connection), newest()
    if have != need:
        raise Conflict(
            f"E_SCHEMA the database has schema '{have or 'none'}', this program needs '{need}'; "
            "run: dispatcher db upgrade"
        )


async def _revision(connection: AsyncConnection) -> str:
    if not await connection.run_sync(lambda bare: inspect(bare).has_table("alembic_version")):
        return ""
    return str((await connection.execute(text("SELECT version_num FROM alembic_version"))).scalar() or "")

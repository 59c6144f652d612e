"""What Alembic runs: over the connection that it is handed, or over one of its own to DISPATCHER_DATABASE_URL."""

from __future__ import annotations

import os
from typing import Literal

from alembic import context
from sqlalchemy import Connection, create_engine, make_url

from dispatcher.store.column_types import Instant, Json
from dispatcher.store.schema import metadata


def _render_item(kind: str, item: object, _context: object) -> str | Literal[False]:
    """Writes our column types as plain ones, so that old migrations never depend on today's code."""
    if kind == "type" and isinstance(item, Instant):
        return "sa.BigInteger()"
    if kind == "type" and isinstance(item, Json):
        return "sa.Text()"
    return False


def _migrate(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_item=_render_item,
        render_as_batch=connection.dialect.name == "sqlite",
        compare_type=True,
        transactional_ddl=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def _own_connection() -> None:
    url = make_url(os.environ["DISPATCHER_DATABASE_URL"])
    plain = "sqlite" if url.get_backend_name() == "sqlite" else "postgresql+psycopg"
    with create_engine(url.set(drivername=plain)).connect() as connection:
        _migrate(connection)
        connection.commit()


given = context.config.attributes.get("connection")
if given is None:
    _own_connection()
else:
    _migrate(given)

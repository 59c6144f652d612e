"""Brings a database to the schema that this program speaks. Alone loads Alembic, which takes its time."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import URL

from .netfs import require_local_disk

_FOLDER = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for our migrations, over `connection` if given."""
    made = Config()
    made.set_main_option("script_location", str(_FOLDER))
    made.attributes["connection"] = connection
    return made


def upgrade(url: URL) -> tuple[str, str]:
    """Bring the database at `url` up to date; returns the revisions before and after ('' is an empty database)."""
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and url.database:
        require_local_disk(Path(url.database))
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(url.set(drivername="sqlite" if sqlite else "postgresql+psycopg"))
    with engine.connect() as connection:
        before = _revision(connection)
        command.upgrade(config(connection), "head")
        connection.commit()
        after = _revision(connection)
    engine.dispose()
    return before, after


def _revision(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""

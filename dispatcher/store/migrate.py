"""Brings a database to the schema that this program speaks. Alone loads Alembic, which takes its time."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError

from .faults import is_illness, told
from .netfs import require_local_disk

_FOLDER = Path(__file__).parent / "migrations"


def config(connection: Connection | None = None) -> Config:
    """Alembic's configuration for our migrations, over `connection` if given."""
    made = Config()
    made.set_main_option("script_location", str(_FOLDER))
    made.attributes["connection"] = connection
    return made


def upgrade(url: URL) -> tuple[str, str]:
    """Bring the database at `url` up to date; returns the revisions before and after ('' is an empty database).

    Raises StoreFault when the database fails.
    """
    sqlite = url.get_backend_name() == "sqlite"
    if sqlite and url.database:
        require_local_disk(Path(url.database))
        Path(url.database).parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        url.set(drivername="sqlite" if sqlite else "postgresql+psycopg"),
        connect_args={} if sqlite else {"prepare_threshold": None},  # as the store's own, through a pooler or not
    )
    if sqlite:
        _in_one_transaction(engine)
    try:
        with engine.connect() as connection:
            return _upgraded(connection)
    except DBAPIError as fault:
        if not is_illness(fault):
            raise
        raise told(fault, "was not upgraded", url) from fault
    finally:
        engine.dispose()


def _in_one_transaction(engine: Engine) -> None:
    """The driver begins none before CREATE, ALTER and DROP: each would stand, whatever became of the next."""

    @event.listens_for(engine, "connect")
    def _connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN IMMEDIATE")


def _upgraded(connection: Connection) -> tuple[str, str]:
    before = _revision(connection)
    if connection.dialect.name == "postgresql":
        # What works on the tables goes on: who waits for them has all others wait behind it.
        connection.execute(text("SET LOCAL lock_timeout = '30s'"))
    command.upgrade(config(connection), "head")
    connection.commit()
    return before, _revision(connection)


def _revision(connection: Connection) -> str:
    return MigrationContext.configure(connection).get_current_revision() or ""

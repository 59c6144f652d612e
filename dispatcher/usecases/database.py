"""The database's schema, brought up to date."""

from __future__ import annotations

from sqlalchemy import make_url

from dispatcher.store import migrate


def upgrade_database(url: str) -> tuple[str, str]:
    """Bring the database to the schema that this program speaks; its revisions before and after."""
    return migrate.upgrade(make_url(url))

"""How an instant, JSON, a word and a text lie in a column, the same on both databases, and how rules are named."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, MetaData, Text, TypeDecorator
from sqlalchemy.engine import Dialect

from dispatcher.domain.audit import canonical
from dispatcher.domain.words import Asked, Filing, Kind, Role, RouteState, Stage, State, Tie

#: How indexes and constraints are named, so that a migration can name them too.
NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}

#: Of all tables.
metadata = MetaData(naming_convention=NAMES)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Instant(TypeDecorator[datetime]):
    """An aware instant as microseconds since 1970 UTC: the same order and the same precision on both databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        return None if value is None else _EPOCH + timedelta(microseconds=value)


class Json(TypeDecorator[Any]):
    """A small JSON value as canonical text."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else canonical(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)


def one_of(name: str, words: type[State | Kind | Role | RouteState | Stage | Asked | Filing | Tie]) -> CheckConstraint:
    listed = ", ".join(f"'{word}'" for word in words)
    return CheckConstraint(f"{name} IN ({listed})", name=name)


def a_text(name: str, **more: Any) -> Column[str]:
    """Text is never null: what is missing is empty."""
    return Column(name, Text, nullable=False, server_default="", **more)

"""What a single value of the settings may be: paths, names, numbers, times. Reads nothing."""

from __future__ import annotations

import re
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from .section import wrong

_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", re.IGNORECASE)
_PASSWORD = re.compile(r"(://[^:/@]*:).*@")
SQLITE = "sqlite+aiosqlite:///"
_POSTGRESQL = "postgresql+psycopg://"


def masked(url: str) -> str:
    """The address without the password that may stand in it."""
    return _PASSWORD.sub(r"\1***@", url)


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine for certain, without asking a name server."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _resolved(value: object, info: ValidationInfo) -> object:
    if value == "":
        return None
    if isinstance(value, str | Path):
        return (info.context or {}).get("base", Path()) / Path(value).expanduser()
    return value


def zone(name: str) -> str:
    """The name, where there is such a time zone."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise wrong("E_ZONE", f"there is no time zone '{name}'", "Use an IANA name such as Europe/Zurich") from None
    return name


def _domain(name: str) -> str:
    if not _DOMAIN.fullmatch(name):
        raise wrong("E_DOMAIN", f"'{name}' is no domain name", "Use ASCII letters, digits, hyphens and dots") from None
    return name.lower()


def database(url: str, info: ValidationInfo) -> str:
    """The address of a database that we can use; a file's is made absolute."""
    if url.startswith(_POSTGRESQL):
        return url
    if not url.startswith(SQLITE):
        raise wrong(
            "E_DATABASE_URL", "the database is neither SQLite nor PostgreSQL", f"Use {SQLITE}… or {_POSTGRESQL}…"
        )
    base: Path = (info.context or {}).get("base", Path())
    return SQLITE + str(base / url.removeprefix(SQLITE))


Place = Annotated[Path, BeforeValidator(_resolved)]  #: relative to the project folder, see `load`
File = Annotated[Path | None, BeforeValidator(_resolved)]  #: a file that anybody may read
Secret = Annotated[Path | None, BeforeValidator(_resolved)]  #: a file that holds one secret and nothing else
Domain = Annotated[str, AfterValidator(_domain)]
Zone = Annotated[str, AfterValidator(zone)]
Port = Annotated[int, Field(ge=1, le=65535)]
Price = Annotated[Decimal, Field(ge=0, le=1000, max_digits=9, decimal_places=5)]  #: as text or as a number
Count = Annotated[int, Field(ge=1, le=10_000)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Minutes = Annotated[tuple[Annotated[float, Field(gt=0, le=43_200)], ...], Field(min_length=1, max_length=50)]

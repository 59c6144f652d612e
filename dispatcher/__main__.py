"""The program's entry: hands the command line the one thing of the web's that it needs. Stands above both doors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from dispatcher import cli

if TYPE_CHECKING:
    from dispatcher.usecases.office import Office


def main() -> None:
    """What the command `dispatcher` and `python -m dispatcher` run."""
    cli.main(serve=_serve)


@asynccontextmanager
async def _serve(office: Office, host: str, port: int) -> AsyncIterator[int]:
    from dispatcher.web.site import serve

    async with serve(office, host, port) as actual:
        yield actual


if __name__ == "__main__":
    main()

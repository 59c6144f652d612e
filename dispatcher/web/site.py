"""The site of one office: its routes, and how it is served in the process of its worker."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from starlette.applications import Starlette

from dispatcher.usecases.office import Office

from . import callbacks


def site(office: Office) -> Starlette:
    return Starlette(routes=callbacks.routes(office))


@asynccontextmanager
async def serve(office: Office, host: str, port: int) -> AsyncIterator[int]:
    """Serve the site while the block runs; gives the port (asked for with 0, the system picks one)."""
    config = uvicorn.Config(
        site(office),
        host=host,
        port=port,
        log_config=None,
        lifespan="off",
        ws="none",
        access_log=False,
        proxy_headers=False,
        timeout_graceful_shutdown=5,
    )
    server = uvicorn.Server(config)  # `startup` and `main_loop` alone: signals are the program's affair
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    task = asyncio.create_task(server.main_loop(), name="site")
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        await task
        await server.shutdown()

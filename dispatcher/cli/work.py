"""`dispatcher up` and `dispatcher worker`: the processes that send. A signal lets them finish what is under way."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from .output import say
from .session import in_office, session_of

if TYPE_CHECKING:
    import asyncio

    from dispatcher.settings import Settings
    from dispatcher.usecases.office import Office
    from dispatcher.worker import Worker


def up(context: typer.Context) -> None:
    """Worker, clock and callbacks in one process, until it is told to end. The database is taken as it is."""
    from dispatcher.usecases import guard

    session = session_of(context)
    settings = session.settings

    async def work(office: Office) -> None:
        await guard.enter(office)
        with _until_told() as told:
            async with session.serve(office, settings.callbacks.host, settings.callbacks.port) as port:
                say(f"callbacks are heard at http://{settings.callbacks.host}:{port}/callbacks/")
                say(f"letters leave by {_ways(office)}; end with Ctrl-C, and what is under way is finished")
                made = _worker(office, settings)
                async with _door(office, made):
                    await made.run(settings.worker.tick_seconds, told)

    in_office(context, work)
    say("ended; nothing is under way")


def worker(
    context: typer.Context,
    drain: Annotated[bool, typer.Option("--drain", help="Work until nothing is due, then end.")] = False,
) -> None:
    """Send what is due, until it is told to end. Any number of workers may share one database."""
    from dispatcher.usecases import guard

    settings = session_of(context).settings

    async def work(office: Office) -> None:
        await guard.enter(office)
        made = _worker(office, settings)
        with _until_told() as told:
            if drain:
                await made.drain(told)
            else:
                say(f"letters leave by {_ways(office)}; end with Ctrl-C, and what is under way is finished")
                async with _door(office, made):
                    await made.run(settings.worker.tick_seconds, told)

    in_office(context, work)
    say("nothing is due" if drain else "ended; nothing is under way")


def _worker(office: Office, settings: Settings) -> Worker:
    from dispatcher.app import mailboxes
    from dispatcher.domain.model import Actor
    from dispatcher.worker import Worker, worker_name

    given = settings.worker
    name = Actor("worker", given.name) if given.name else worker_name()
    ways_in, every = mailboxes(settings), settings.inbox.poll_seconds
    return Worker(office, given.concurrency, given.batch, name, mailboxes=ways_in, poll_seconds=every)


@asynccontextmanager
async def _door(office: Office, made: Worker) -> AsyncIterator[None]:
    """The door for one's own mail server, where it is set. Of several workers on one machine, the first has it."""
    from dispatcher.usecases.mailboxes import open_door

    async with AsyncExitStack() as stack:
        if made.mailboxes.door is not None:
            host, port = made.mailboxes.door
            try:
                await stack.enter_async_context(open_door(office, host, port))
                say(f"messages are taken by LMTP at {host}:{port}")
            except OSError as fault:
                say(f"no message is taken by LMTP here: {fault}")
        yield


def _ways(office: Office) -> str:
    return " and ".join(f"{kind} ({name})" for kind, name in office.outgoing.items()) or "no way at all: see doctor"


@contextmanager
def _until_told() -> Iterator[asyncio.Event]:
    """An event that SIGINT or SIGTERM sets."""
    import asyncio
    import signal

    told = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told.set)
    try:
        yield told
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

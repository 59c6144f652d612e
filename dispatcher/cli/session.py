"""What a command starts from: the settings, the open office, who is at the keyboard. Heavy imports wait until asked."""

from __future__ import annotations

import os
import pwd
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import typer

from dispatcher.domain.model import Actor

from .output import say

if TYPE_CHECKING:
    from dispatcher.settings import Settings
    from dispatcher.usecases.office import Office

T = TypeVar("T")
#: Runs the site that gateways call back to, while its block runs; gives the port.
Serve = Callable[["Office", str, int], AbstractAsyncContextManager[int]]


@dataclass(slots=True)
class Session:
    """One call of the program."""

    serve: Serve
    config: Path | None = None
    verbose: bool = False
    _settings: Settings | None = None

    @property
    def settings(self) -> Settings:
        """Raises SettingsError with every problem."""
        if self._settings is None:
            from dispatcher.settings import load

            self._settings = load(self.config)
        return self._settings


def session_of(context: typer.Context) -> Session:
    session = context.obj
    assert isinstance(session, Session)  # program.main put it there
    return session


def settings_of(context: typer.Context) -> Settings:
    return session_of(context).settings


def in_office(context: typer.Context, work: Callable[[Office], Awaitable[T]], *, banner: bool = True) -> T:
    """Open the office of the settings, do the work in it, close it. That nothing is sent, and why, is told first."""
    import asyncio

    from dispatcher.app import open_office
    from dispatcher.usecases import guard, halt

    settings = settings_of(context)

    async def run() -> T:
        async with open_office(settings) as office:
            for told in (await guard.banner(office), await halt.banner(office)) if banner else ():
                if told:
                    say(told)
            return await work(office)

    return asyncio.run(run())


def operator() -> Actor:
    """Whoever the operating system says is running us; never what the environment or an option says."""
    uid = os.getuid()
    try:
        return Actor("operator", pwd.getpwuid(uid).pw_name)
    except KeyError:
        return Actor("operator", f"uid-{uid}")

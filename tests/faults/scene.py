"""One letter, its desk and its far end: what is done to it, what is found afterwards, and what recovery makes of it."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dying
import points
import psycopg
import pytest
from desk.databases import Databases
from desk.desk import SECRET, Desk, open_desk, person
from desk.link import Link
from farend.rogue import Script
from sqlalchemy import make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.audit import Verdict as LogVerdict
from dispatcher.domain.words import Policy, Stage, State, Verdict
from dispatcher.store import audit
from dispatcher.store.engine import StoreFault
from dispatcher.usecases import audit_log, dispatch

ADDRESS = "mission@ardesia.example"
#: A lease; then a transmission's lease and the longest wait before a second try.
RECOVERY = ({"seconds": 61}, {"minutes": 31})


@dataclass(slots=True)
class Scene:
    """What a fault has in its hands."""

    databases: Databases
    database: str
    folder: Path
    patch: pytest.MonkeyPatch
    script: Script
    number: str  #: of the fax; '' for an email
    link: Link | None  #: between the desk and its PostgreSQL server
    desk: Desk = field(init=False)
    acts: dict[str, Callable[[], object]] = field(default_factory=dict)  #: what happens in this process, at which point
    _before: int = 0  #: letters that the far ends of earlier desks have
    _watched: bool = False
    _open: AsyncExitStack = field(default_factory=AsyncExitStack)

    # -- the desk ------------------------------------------------------------------------------------------------------

    async def begin(self) -> None:
        """A launched letter that is due."""
        await self._open_desk()
        if self.number:
            await self.desk.launch([person("one", fax=self.number)], Policy.FAX)
        else:
            await self.desk.launch([person("one", email=ADDRESS)], Policy.EMAIL)

    async def _open_desk(self) -> None:
        database = self.link.through if self.link else self.database
        self.desk = await self._open.enter_async_context(open_desk(database, self.folder, script=self.script))

    async def close(self) -> None:
        self._before = self.arrived()
        await self._open.aclose()

    async def reopen(self) -> None:
        """Another desk at the same place; what the far end took before counts on."""
        await self._open_desk()

    # -- the worker ----------------------------------------------------------------------------------------------------

    def places(self, permit: float = dispatch.PERMIT_SECONDS) -> dying.Places:
        desk = self.desk
        return dying.Places(
            self.database,
            self.folder,
            desk.rogue.port,
            desk.gateway.url,
            SECRET,
            desk.callback_url,
            desk.clock.now(),
            permit,
        )

    def at(self, point: str, act: Callable[[], object]) -> None:
        """In this process: `act` whenever a send passes the point."""
        if not self._watched:
            points.watch(self.desk.office.store, self._reached, self.patch.setattr)
            self._watched = True
        self.acts[point] = act

    def _reached(self, point: str) -> object:
        act = self.acts.get(point)
        return act() if act else None

    async def one_try(self) -> None:
        """Ours, in this process."""
        await self.desk.worker.tick()
        await self.desk.worker.settle()

    # -- what is found -------------------------------------------------------------------------------------------------

    def arrived(self) -> int:
        """How many letters the far end has taken: the truth, from its own ledger."""
        return self._before + len(self.desk.gateway.taken() if self.number else self.desk.rogue.ledger)

    async def found(self) -> tuple[State, Stage | None]:
        """What stands in the database: the delivery's state, and how far its latest try got."""
        one = await self.desk.only()
        tries = (await self.desk.story(one.id)).attempts
        return one.state, tries[-1].stage if tries else None

    async def keeps_its_lease(self) -> None:
        """Its worker may still live: nobody takes the letter, unless its outcome lies beside the database. Only what
        the far end itself says may end the try sooner."""
        if list(self.desk.office.folder.glob("spill*")):
            return
        _, stage = await self.found()
        await self.desk.work()
        assert (await self.found())[0] is State.SENDING
        if stage is Stage.TRANSMITTING:  # the ordinary lease does not end a transmission
            await self.desk.pass_time(seconds=61)
            story = await self.desk.story((await self.desk.only()).id)
            heard = any(one["applied"] for one in story.evidence)
            assert story.delivery.fence == 1
            assert heard or story.delivery.state is State.SENDING

    async def recover(self) -> None:
        """Time passes, and another worker does what is due."""
        self.acts.clear()
        for turn in RECOVERY if not self.number else (*RECOVERY, {"minutes": 20}, {"minutes": 20}, {"minutes": 20}):
            await self.desk.pass_time(**turn)

    async def hold_the_record(self) -> None:
        """The record is whole; somebody knew of every letter that may have come twice; no doubt ended unexplained."""
        found = await audit_log.verify_audit(self.desk.office)
        restored = self.desk.office.guard is not None and self.desk.office.guard.marker() is not None
        # What was sealed since the backup does not fit it; the chain holds in any case.
        assert found.verdict in ((LogVerdict.CUT, LogVerdict.REWRITTEN) if restored else (LogVerdict.WHOLE,))
        story = await self.desk.story((await self.desk.only()).id)
        assert self.arrived() <= 1 + sum(one.knowingly for one in story.attempts)
        heard = {one["attempt_id"] for one in story.evidence if one["applied"] and one["verdict"] != Verdict.UNKNOWN}
        doubts = [one for one in story.attempts if one.verdict == Verdict.UNKNOWN and one.id not in heard]
        words = sum(one.knowingly for one in story.attempts) + (story.delivery.state is State.IN_DOUBT)
        assert len(doubts) <= words

    # -- the database --------------------------------------------------------------------------------------------------

    @property
    def is_sqlite(self) -> bool:
        return self.database.startswith("sqlite")

    async def back_up(self, name: str) -> None:
        """Of a desk that is closed."""
        if self.is_sqlite:
            shutil.copy(self.folder / "dispatcher.db", self.folder / name)
        else:
            self._administer(f"CREATE DATABASE {self._name}_{name} TEMPLATE {self._name}")

    async def restore(self, name: str) -> None:
        if self.is_sqlite:
            shutil.copy(self.folder / name, self.folder / "dispatcher.db")
        else:
            self._administer(f"DROP DATABASE {self._name}")
            self._administer(f"ALTER DATABASE {self._name}_{name} RENAME TO {self._name}")

    @property
    def _name(self) -> str:
        return make_url(self.database).database or ""

    def _administer(self, statement: str) -> None:
        plain = make_url(self.database).set(database="postgres").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute(statement.encode())

    async def fill_the_disk(self) -> None:
        """From here on nothing can be recorded: SQLite's own limit answers exactly as a full disk does, and a
        PostgreSQL server that has become a read-only replica takes as little."""
        if not self.is_sqlite:
            await self._execute("SET default_transaction_read_only = on")
            return
        await self._execute("PRAGMA max_page_count = 1")  # SQLite makes that the size it has

        async def fill_up() -> None:
            for _ in range(10_000):
                await self.desk.office.store.write(self._add)

        with pytest.raises(StoreFault, match="full"):
            await fill_up()

    async def _add(self, connection: AsyncConnection) -> None:
        await audit.append(connection, AuditEvent("test", "fill", ""), self.desk.clock.now())

    async def empty_the_disk(self) -> None:
        if self.is_sqlite:
            await self._execute("PRAGMA max_page_count = 100000")
        else:
            await self.desk.office.store._writing.dispose()  # over a new connection the server takes writes again

    async def _execute(self, statement: str) -> None:
        async def unit(connection: AsyncConnection) -> None:
            await connection.execute(text(statement))

        await self.desk.office.store.write(unit)

    async def durability(self) -> tuple[str, ...]:
        """What the connection that writes says of its commits."""
        questions = ("PRAGMA synchronous",) if self.is_sqlite else ("SHOW synchronous_commit", "SHOW fsync")

        async def unit(connection: AsyncConnection) -> tuple[str, ...]:
            return tuple([str((await connection.execute(text(one))).scalar()) for one in questions])

        return await self.desk.office.store.write(unit)

    async def cut_the_power(self) -> None:
        """Of a server: every process at once. SQLite has none; there it is what the worker left on the disk."""
        if not self.is_sqlite:
            await self.desk.office.store._writing.dispose()
            await self.desk.office.store._reading.dispose()
            self.databases.crash_postgresql()


@asynccontextmanager
async def open_scene(
    databases: Databases,
    kind: str,
    folder: Path,
    patch: pytest.MonkeyPatch,
    *,
    script: Script,
    number: str = "",
    linked: bool = False,
) -> AsyncIterator[Scene]:
    """A scene that has begun. `linked`: the desk speaks to a PostgreSQL server over a link that may break."""
    database = databases.fresh(kind, folder)
    async with AsyncExitStack() as stack:
        link = None
        if linked and kind == "postgresql":
            link = await stack.enter_async_context(Link(database, points.label))
        scene = Scene(databases, database, folder, patch, script, number, link)
        stack.push_async_callback(scene.close)
        await scene.begin()
        yield scene


def io_error() -> None:
    """What SQLite says when the disk gives an error."""
    raise sqlite3.OperationalError("disk I/O error")

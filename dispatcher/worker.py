"""The worker: APScheduler as a clock that fires a handful of use cases. It keeps no job, no state, no truth of its own.

Memory store, UTC, coalesced, no misfire limit: a late tick is one tick. Due times live in the database.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.schedulers.asyncio import AsyncIOScheduler

from dispatcher.domain import seat
from dispatcher.domain.audit import AuditEvent
from dispatcher.domain.clock import StepWatch
from dispatcher.domain.errors import Conflict, DispatcherError
from dispatcher.domain.model import Actor
from dispatcher.domain.notes import BadNote
from dispatcher.domain.rollback import Quarantined
from dispatcher.domain.seat import Seat
from dispatcher.domain.words import Asked
from dispatcher.store import audit
from dispatcher.store.engine import StoreFault
from dispatcher.usecases import breaker, crew, dispatch, guard, receive, sweep
from dispatcher.usecases.crew import WorkerRow
from dispatcher.usecases.dispatch import Claim
from dispatcher.usecases.mailboxes import Mailboxes
from dispatcher.usecases.office import Office
from dispatcher.usecases.sealing import Sealing

log = logging.getLogger(__name__)

#: A slow try keeps a drain from looking at what else is due for no longer than this.
WAIT_SECONDS = 1.0
#: How often the end of the audit log is noted outside the database.
NOTE_SECONDS = 600
#: How often, at the most, a worker looks whether others of its machine have died.
LOOK_SECONDS = 1.0


def worker_name() -> Actor:
    """'worker:<host>-<pid>'."""
    return Actor("worker", f"{socket.gethostname()}-{os.getpid()}")


@dataclass(slots=True)
class Worker:
    """Claims as much as it has room for, at every tick, and keeps the leases of what it holds."""

    office: Office
    room: int = 16  #: tries under way at once
    batch: int = 20  #: claims in one transaction
    name: Actor = field(default_factory=worker_name)
    mailboxes: Mailboxes = field(default_factory=Mailboxes)
    poll_seconds: float = 60.0  #: between two looks into them
    _held: dict[str, Claim] = field(default_factory=dict)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set)
    _watch: StepWatch = field(default_factory=StepWatch)
    _stepped: bool = False
    _refused: str = ""
    sits: Callable[[str], Seat] = seat.here  #: the machine's name → where this process sits
    _seat: Seat = field(default_factory=seat.here)
    _row: WorkerRow | None = None
    _looked: float = -LOOK_SECONDS
    _timed: float = -LOOK_SECONDS
    _behind: timedelta = timedelta()
    _off: bool = False
    _claimed: int = 0
    _leaving: asyncio.Event = field(default_factory=asyncio.Event)
    _sealing: Sealing = field(init=False)
    _unsealed: str = ""

    def __post_init__(self) -> None:
        self._sealing = Sealing(self.office)

    async def tick(self) -> int:
        """Sweep, then start what is due; how many rows were touched.

        Nothing on a sick database, on one in quarantine, or while the clock is not to be trusted, be it that it steps
        or that it is far from the server's. Raises Conflict where
        another worker has this one's name.
        """
        self._claimed = 0
        try:
            if not await self._steady() or not await self._at_home() or not await self._is_wanted():
                return 0
            if not await self._on_time():
                return 0
            await self._look_for_the_dead()
            swept = await sweep.sweep(self.office)
            self._claimed = await self._start_due()
            return swept + self._claimed
        except StoreFault as fault:
            log.error("sending pauses: %s", fault)
            return 0
        except Quarantined as fault:
            self._refuse(fault)
            return 0

    async def ask(self) -> int:
        """Ask the gateways about what nobody knows yet, and look at closed routes; how many of both.

        Slow answers hold up no send.
        """
        try:
            if not await self._at_home() or self._off:
                return 0
            await self.seal()
            return await sweep.ask(self.office) + await breaker.look_at_closed(self.office)
        except StoreFault as fault:
            log.error("nobody is asked: %s", fault)
            return 0

    async def take_in(self) -> int:
        """Take what lies in the mailboxes, and read what was not read; how many of both."""
        try:
            if not await self._at_home() or self._off:
                return 0
            return await self.mailboxes.look(self.office) + await receive.read_waiting(self.office)
        except (StoreFault, OSError) as fault:
            log.error("what came in is read later: %s", fault)
            return 0

    async def heartbeat(self) -> None:
        try:
            await dispatch.keep_leases(self.office, list(self._held.values()))
            if self._row is not None and not await crew.beat(self.office, self._row, len(self._held), self._behind):
                self._row = None  # others took us for dead; the next tick announces us anew
        except StoreFault as fault:
            log.error("leases were not kept: %s", fault)

    async def drain(self, until: asyncio.Event | None = None) -> None:
        """Work until nothing is due now and nothing is under way; once `until` is set, only finish that."""
        while not (until and until.is_set()) and (await self.tick() + await self.ask() or self._tasks):
            await self._wait()
        await self._finish()

    async def _finish(self) -> None:
        """What is under way, and our own row."""
        await self.settle()
        await self.seal("the end of a worker")
        await self.note()
        try:
            if self._row is not None:
                await crew.leave(self.office, self._row, "drained" if self._leaving.is_set() else "stopped")
                self._row = None
        except StoreFault as fault:
            log.error("this worker's end was not written down: %s", fault)

    async def note(self) -> None:
        """Note the end of the audit log outside the database."""
        try:
            await guard.note_end(self.office)
        except (DispatcherError, OSError) as fault:
            log.error("the end of the audit log was not noted: %s", fault)

    async def seal(self, why: str = "") -> None:
        """Seal the audit log where that is due; where it cannot be, letters go out nevertheless, and the log tells."""
        try:
            await self._sealing.look(why)
        except (DispatcherError, BadNote, OSError) as fault:
            if str(fault) != self._unsealed:
                log.error("the audit log was not sealed: %s", fault)
            self._unsealed = str(fault)

    async def settle(self) -> None:
        """Wait for the tries under way."""
        while self._tasks:
            await self._wait()

    async def _wait(self) -> None:
        """Until all tries under way are over, or a while has passed; the leases of slow ones are kept meanwhile."""
        if self._tasks and (await asyncio.wait(self._tasks, timeout=WAIT_SECONDS))[1]:
            await self.heartbeat()

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    async def _start_due(self) -> int:
        free = self.room - len(self._tasks)
        if free <= 0:
            return 0
        claims = await dispatch.claim(self.office, self.name, min(free, self.batch))
        for one in claims:
            self._held[one.attempt.id] = one
            task = asyncio.create_task(self._attempt(one), name=f"attempt {one.attempt.id}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return len(claims)

    # -- this worker among others --------------------------------------------------------------------------------------

    async def announce(self) -> None:
        """Make ourselves known, once. Raises Conflict where another worker has our name."""
        if self._row is None:
            guard_of = self.office.guard
            self._seat = self.sits(await asyncio.to_thread(guard_of.machine) if guard_of else "")
            self._row = await crew.enter(self.office, self.name.name, self._seat, given=self.name != worker_name())
            self.name = Actor("worker", self._row.name)

    async def _is_wanted(self) -> bool:
        """May we take anything new? A worker that is to drain ends when its hands are empty."""
        await self.announce()
        assert self._row is not None  # announced just now
        asked = await crew.asked(self.office, self._row)
        if asked is Asked.DRAIN and not self._tasks:
            self._leaving.set()
        return asked is Asked.RUN

    async def _look_for_the_dead(self) -> None:
        """Letters of a worker that died on this machine need not wait for their leases."""
        now = self.office.clock.monotonic()
        if now >= self._looked + LOOK_SECONDS:
            self._looked = now
            for name in await crew.reap(self.office, self._seat):
                log.warning("worker %s is gone; what it had in hand is looked after now", name)

    async def _on_time(self) -> bool:
        """Is our clock near enough to the server's? One that is ahead would end others' leases and send too early."""
        limit, now = self.office.policy.clock_limit, self.office.clock.monotonic()
        if limit is not None and now >= self._timed + LOOK_SECONDS:
            self._timed, was = now, self._off
            self._behind = await crew.behind(self.office)
            self._off = crew.is_off(self._behind, limit)
            if self._off is not was:
                await self._tell_of_clock(limit)
        return not self._off

    async def _tell_of_clock(self, limit: timedelta) -> None:
        """To the log, and at once to the others."""
        if self._off:
            log.error(
                "E_CLOCK_SKEW this machine's clock is %.1f s %s the database server's: nothing is sent from here "
                "until it is within %g s; set it, or have chrony or systemd-timesyncd do so",
                abs(self._behind).total_seconds(),
                "behind" if self._behind > timedelta() else "ahead of",
                limit.total_seconds(),
            )
        else:
            log.warning("this machine's clock is right again: letters are taken")
        await self.heartbeat()

    async def _attempt(self, one: Claim) -> None:
        try:
            await dispatch.attempt(self.office, self.name, one)
        except (DispatcherError, OSError) as fault:
            log.error("attempt %s is left to the sweep: %s", one.attempt.id, fault)
        finally:
            self._held.pop(one.attempt.id, None)

    async def _at_home(self) -> bool:
        """Is this the database that was left? In a restored one even the clock moves nothing."""
        try:
            await guard.stand(self.office)
        except Quarantined as fault:
            self._refuse(fault)
            return False
        except OSError as fault:  # nobody could look: nothing is wrong with the database for all we know
            log.error("sending pauses: what is noted outside the database cannot be looked at: %s", fault)
            return False
        self._refused = ""
        return True

    def _refuse(self, fault: Quarantined) -> None:
        """Told once, not at every tick."""
        if self._refused != str(fault):
            self._refused = str(fault)
            log.error("nothing is sent: %s", fault)

    async def _steady(self) -> bool:
        """Is the wall clock to be trusted? A step is put on record once, when it is found."""
        steady = self._watch.steady(self.office.clock)
        if not steady and not self._stepped:
            seconds = round(self._watch.last_step.total_seconds())
            log.error("E_CLOCK_STEP the clock stepped by %+d s: sending pauses until it was steady for 10 min", seconds)
            event = AuditEvent(str(self.name), "clock.step", "clock", data={"seconds": seconds})
            await self.office.store.write(
                lambda connection: audit.append(connection, event, self.office.clock.now()),
            )
        self._stepped = not steady
        return steady

    # -- the clock -----------------------------------------------------------------------------------------------------

    async def run(
        self, tick_seconds: float, until: asyncio.Event, after_tick: Callable[[], Awaitable[Any]] | None = None
    ) -> None:
        """Tick until `until` is set, or a person has drained us; then finish what is under way.

        Raises Conflict where another worker has our name.
        """
        await self.announce()
        clock = AsyncIOScheduler(
            timezone=UTC, job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1}
        )
        clock.add_job(self._rounds, "interval", (until, after_tick), seconds=tick_seconds, id="tick")
        clock.add_job(self.ask, "interval", seconds=tick_seconds, id="ask")
        clock.add_job(self.take_in, "interval", seconds=self.poll_seconds, id="inbox")
        clock.add_job(self.note, "interval", seconds=NOTE_SECONDS, id="note")
        clock.add_job(self.heartbeat, "interval", seconds=self.office.policy.lease.total_seconds() / 3, id="heartbeat")
        clock.start()
        winding = asyncio.create_task(_wind(clock), name="clock")
        try:
            await _either(until, self._leaving)
        finally:
            winding.cancel()
            clock.shutdown(wait=False)
            await self._finish()

    async def _rounds(self, until: asyncio.Event, after_tick: Callable[[], Awaitable[Any]] | None) -> None:
        """One tick; and as long as letters are due and there is room for them, the next at once."""
        going = True
        while going and not until.is_set():
            try:
                await self.tick()
            except Conflict as fault:
                log.error("nothing is sent: %s", fault)
            if after_tick is not None:
                await after_tick()
            going = self._claimed > 0 and await self._room_again()

    async def _room_again(self) -> bool:
        """Wait until half of the room is free; False when that takes longer than a while."""
        end = time.monotonic() + WAIT_SECONDS
        while len(self._tasks) > self.room // 2 and (left := end - time.monotonic()) > 0:
            await asyncio.wait(self._tasks, timeout=left, return_when=asyncio.FIRST_COMPLETED)
        return len(self._tasks) <= self.room // 2


async def _wind(clock: AsyncIOScheduler) -> None:
    """The scheduler goes by the wall clock: set back, it would be silent until that has caught up. The loop goes on."""
    while True:
        await asyncio.sleep(WAIT_SECONDS)
        ring_what_was_set_back(clock, datetime.now(UTC))


def ring_what_was_set_back(clock: AsyncIOScheduler, now: datetime) -> None:
    """Fire every job at once that would wait for longer than its interval."""
    for job in clock.get_jobs():
        if job.next_run_time is not None and job.next_run_time - now > job.trigger.interval:
            job.modify(next_run_time=now)


async def _either(*events: asyncio.Event) -> None:
    """Until one of them is set."""
    waiting = [asyncio.create_task(one.wait()) for one in events]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waiting:
            one.cancel()

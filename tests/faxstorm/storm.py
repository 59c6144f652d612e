"""One storm: the office with three gateways behind different prefixes, letters, people, and a watch."""

from __future__ import annotations

import asyncio
import io
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import httpx2
from desk import bare
from desk.bare import letter_of, mission, queued
from PIL import Image, ImageDraw
from simulation import office as simulated
from simulation import people
from simulation.faults import Fault
from simulation.people import ADA, quietly
from simulation.world import World

from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.domain.limits import Limits, Pace
from dispatcher.domain.model import Address
from dispatcher.domain.schedule import minutes
from dispatcher.domain.words import Cause, Kind, State
from dispatcher.letters.header_line import FaxHeader
from dispatcher.usecases import breaker, operate
from dispatcher.usecases.office import Office
from dispatcher.usecases.operate import Decision

from .gateways import PAGES, Gateway, StormLine
from .telephones import Telephones, copies

GATEWAYS = ("alpine", "baltic", "celtic")
#: Which of them take faxes to numbers that begin so. The third calls nobody back, and takes few at a time.
WAYS: Mapping[str, tuple[str, ...]] = {
    "": ("alpine", "celtic"),
    "+41": ("baltic", "alpine"),
    "+44": ("celtic", "baltic", "alpine"),
}
SILENT = "celtic"
BEGINNINGS = ("+4122", "+4420", "+1212")
#: Letters to one number, each of a campaign of its own: they fall due one soon after the other.
CAMPAIGNS = 2
#: A gateway that has said nothing for so long is taken to have ended its call; no gateway here takes so long.
CALL = timedelta(minutes=20)
#: Seconds beyond a deadline within which a worker must have seen to it: it may have been killed, and looks in turns.
GRACE = 1800.0
#: Of a try from its claim to its end: the longest wait for an answer, both leases, and the grace.
LONGEST_TRY = 240.0 + GRACE
POLICY = replace(
    simulated.FIGURES,
    causes={
        Cause.FAX_BUSY: minutes(2, 3, 5),
        Cause.FAX_NO_ANSWER: minutes(5, 10),
        Cause.FAX_NO_CARRIER_MID_PAGE: minutes(3, 5),
        Cause.FAX_PARTIAL: minutes(4),
        Cause.FAX_GATEWAY_UNREACHABLE: minutes(1, 2, 5, 15),
    },
)

#: How often, at each occasion. The clocks of machines are not set here: a call is over by the clock.
MIX: dict[Fault, float] = {
    Fault.READ: 0.0003,
    Fault.WRITE: 0.0003,
    Fault.BEFORE_COMMIT: 0.005,
    Fault.AFTER_COMMIT: 0.005,
    Fault.FSYNC: 0.002,
    Fault.TORN: 0.001,
    Fault.KILL: 0.2,
    Fault.KILL_HERE: 0.001,
    Fault.PAUSE: 0.2,
    Fault.PAUSE_HERE: 0.001,
    Fault.REFUSED: 0.02,
    Fault.SILENT: 0.02,
    Fault.LOST: 0.02,
    Fault.LATE: 0.02,
    Fault.FAX_NEVER: 0.01,
    Fault.FAX_FAILS: 0.03,
    Fault.FAX_FAILS_TAKEN: 0.03,
    Fault.FAX_TOO_MANY: 0.03,
    Fault.FAX_NO_CREDIT: 0.01,
    Fault.FAX_DOWN: 0.003,
    Fault.FAX_UNSAID: 0.05,
    Fault.FAX_BUSY: 0.1,
    Fault.CALL_NO_ANSWER: 0.05,
    Fault.CALL_VOICE: 0.03,
    Fault.CALL_DECLINED: 0.02,
    Fault.CALL_CUT: 0.03,
    Fault.CALL_PARTIAL: 0.06,
    Fault.FAX_UNCLEAR: 0.03,
    Fault.TWICE: 0.1,
    Fault.OUT_OF_ORDER: 0.1,
    Fault.UNREPORTED: 0.1,
    Fault.FORGED: 0.1,
    Fault.REPLAYED: 0.1,
}


class StormWorld(World):
    """The world of a storm: one network, the gateways before it, and what the watch saw."""

    beat, turn = 40.0, 8.0

    def __init__(self, seed: int, folder: Path) -> None:
        super().__init__(seed, folder, MIX)
        self.telephones = Telephones(self)
        self.gateways = {name: Gateway(self, name) for name in GATEWAYS}

    def secret_of(self, gateway: str) -> bytes:
        return b"a key to simulate with: " + gateway.encode()

    def channel(self, name: str) -> SimulatorChannel:
        client = httpx2.AsyncClient(
            transport=StormLine(self, self.gateways[name]), timeout=simulated.REPLY, trust_env=False
        )
        door = "" if name == SILENT else f"http://door/{name}"
        return SimulatorChannel(
            f"http://{name}", self.secret_of(name), door, client=client, now=self.clock.now, name=name
        )


def make_office(world: World) -> Office:
    assert isinstance(world, StormWorld)
    return replace(
        simulated.make_office(world),
        policy=POLICY,
        channels={name: world.channel(name) for name in GATEWAYS},
        outgoing={Kind.FAX: GATEWAYS[0]},
        fax_gateways=WAYS,
        fax_header=FaxHeader("+41 22 555 01 00", "UTC"),
        limits=Limits(call=CALL, routes={SILENT: Pace(at_once=4)}),
    )


# -- letters -----------------------------------------------------------------------------------------------------------


def pages() -> bytes:
    """Three pages, their strip at the top free."""
    made = []
    for number in range(PAGES):
        image = Image.new("1", (1728, 160), 1)
        ImageDraw.Draw(image).rectangle((100, 120, 400 + 50 * number, 150), fill=0)
        made.append(image)
    file = io.BytesIO()
    made[0].save(file, "TIFF", compression="group4", dpi=(204, 196), save_all=True, append_images=made[1:])
    return file.getvalue()


async def put_in(office: Office, faxes: int, seconds: float) -> None:
    """So many letters, `CAMPAIGNS` to each number; they fall due over so many seconds."""
    frozen = await office.archive.put(pages())
    numbers = -(-faxes // CAMPAIGNS)
    people_ = [mission(at, Address(Kind.FAX, f"{BEGINNINGS[at % len(BEGINNINGS)]}555{at:05}")) for at in range(numbers)]
    now = office.clock.now()
    for turn in range(CAMPAIGNS):
        theirs = people_[: len(range(turn * numbers, min((turn + 1) * numbers, faxes)))]
        letter = letter_of(f"storm-{turn}", {"tiff": frozen, "fax_pdf": frozen})
        letter = replace(letter, digest=str(turn) * 64, fax_pages=PAGES)
        dues = [timedelta(seconds=seconds * at / numbers + 20 * turn) for at in range(len(theirs))]
        rows = [queued(one, letter, now, now + due) for one, due in zip(theirs, dues, strict=True)]
        await office.store.write(lambda one, t=theirs, le=letter, r=rows: bare.put_in(one, t, [le], r, now))


# -- people ------------------------------------------------------------------------------------------------------------


async def live(world: StormWorld, office: Office) -> None:
    """They retry failures, settle doubts by what the recipient tells them, and close a gateway now and then."""
    while True:
        await asyncio.sleep(world.dice.expovariate(1 / people.PAUSE))
        act = world.dice.choices((_retry, _settle, _close), (3, 4, 1))[0]
        await quietly(act(world, office))


async def _retry(world: StormWorld, office: Office) -> None:
    one = await people.some(world, office, State.FAILED)
    if one is not None:
        await operate.retry(office, one.id, "mended", ADA)
    await people.release_all(office)


async def _settle(world: StormWorld, office: Office) -> None:
    one = await people.some(world, office, State.IN_DOUBT)
    if one is None:
        return
    known = Decision.ARRIVED if copies(world.telephones.calls)[one.id] else Decision.NOT_SENT
    decision = world.dice.choice((known, known, Decision.RESEND, Decision.GIVE_UP))
    await operate.settle_doubt(office, one.id, decision, "asked them", ADA)


async def _close(world: StormWorld, office: Office) -> None:
    name = world.dice.choice(GATEWAYS)
    await breaker.pause(office, name, "maintenance", ADA)
    await asyncio.sleep(world.dice.uniform(30.0, 600.0))
    await reopen(office, name)


async def reopen(office: Office, *names: str) -> None:
    """Until it is done: a gateway that nobody opens again is no fault of the program."""
    for name in names:
        for _ in range(100):
            try:
                await breaker.open_again(office, name, "done", ADA)
                break
            except (people.DispatcherError, OSError):
                await asyncio.sleep(5.0)


# -- the watch ---------------------------------------------------------------------------------------------------------

_OPEN = """SELECT a.id, (:now - a.opened_at) / 1000000.0 FROM attempt a WHERE a.stage <> 'closed'"""
_LATE = """SELECT id, (:now - changed_at) / 1000000.0 FROM delivery WHERE state = 'accepted'"""
_DUE = """SELECT id, (:now - due) / 1000000.0 FROM delivery WHERE state = 'sending'"""


@dataclass(slots=True)
class Watch:
    """Looks once a minute, with its own eyes, for what stays open beyond its deadline."""

    world: StormWorld
    late: dict[str, str] = field(default_factory=dict)

    async def keep(self) -> None:
        proof = POLICY.proof_wait.total_seconds() + GRACE
        with sqlite3.connect(self.world.file) as connection:
            while True:
                await asyncio.sleep(60.0)
                now = round(self.world.clock.now().timestamp() * 1_000_000)
                for query, most, what in (
                    (_OPEN, LONGEST_TRY, "is an open try"),
                    (_DUE, GRACE, "has a lease that ended"),
                    (_LATE, proof, "waits for its proof"),
                ):
                    for name, seconds in connection.execute(query, {"now": now}):
                        if seconds > most:
                            self.late[name] = f"{name} {what} since {seconds:.0f} s"

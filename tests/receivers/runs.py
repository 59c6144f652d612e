"""The two runs: Postfix, stopped and killed and started again; smtp-sink, in one bad mood after the other."""

from __future__ import annotations

import asyncio
import multiprocessing
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from desk.bare import FastClock

from . import doubts, verdict
from . import place as places
from .place import Crew, Place
from .postfix import Postfix
from .programs import Missing, Programs
from .sink import KIND, MOODS, Sink
from .verdict import Found

#: True seconds: over which the letters fall due, and within which they must all be decided.
SPREAD, PATIENCE = 30.0, 600.0
#: Of the clock: with Postfix, whose log knows whole seconds alone, a second must not hold two tries of one letter.
SPEED_POSTFIX, SPEED_SINK = 20.0, 600.0
#: True seconds that smtp-sink is in one mood, that Postfix runs before the next strike, and that it is down.
MOOD, UP, DOWN = 1.5, 5.0, 0.5
STRIKES = 6

_fork = multiprocessing.get_context("fork")


@dataclass(frozen=True, slots=True)
class Done:
    """One run and its verdict."""

    name: str
    letters: int
    stops: int
    seconds: float
    found: Found
    notes: tuple[str, ...] = ()
    faults: tuple[str, ...] = ()


def with_postfix(programs: Programs, database: str, folder: Path, letters: int) -> Done:
    """Postfix is stopped and killed in turn while it takes them. Raises Missing when it does not start."""
    postfix = Postfix(programs, folder / "postfix", free_port())
    place = _place(database, folder, postfix.port, SPEED_POSTFIX)
    began = time.monotonic()
    postfix.start()
    try:
        stops = _while_working(place, letters, lambda crew: _strikes(postfix, crew))
        _empty(postfix)
        found = asyncio.run(_judge(place, postfix.ledger(), postfix.taken()))
        settled = asyncio.run(doubts.settle(place, postfix))
    finally:
        postfix.end()
    faults = tuple(f"settled against the mailbox: {one}" for one in settled.wrong)
    seconds = time.monotonic() - began
    return Done(f"Postfix {programs.version()}", letters, stops, seconds, found, (str(settled),), faults)


def _strikes(postfix: Postfix, crew: Crew) -> Iterator[float]:
    """Postfix is stopped, a worker killed, Postfix killed, and so on; yields how many seconds to go on from there."""
    for number in range(STRIKES):
        yield UP
        if number % 3 == 1:
            crew.kill(number % places.WORKERS)
            continue
        (postfix.stop if number % 3 == 0 else postfix.kill)()
        yield DOWN
        postfix.start()


def _empty(postfix: Postfix) -> None:
    """Let it deliver what it has taken: the mailbox is the ledger."""
    end = time.monotonic() + PATIENCE
    while postfix.waiting():
        if time.monotonic() > end:
            raise Missing(f"Postfix has not delivered {postfix.waiting()} letters in {PATIENCE:.0f} s")
        time.sleep(0.2)


def with_sink(programs: Programs, database: str, folder: Path, letters: int) -> Done:
    """smtp-sink goes through all its moods, then stays kind until every letter is decided."""
    dumps = folder / "sink"
    dumps.mkdir()
    sink = Sink(programs, dumps, free_port())
    place = _place(database, folder, sink.port, SPEED_SINK)
    began = time.monotonic()
    sink.start(KIND)
    try:
        stops = _while_working(place, letters, lambda crew: _moods(sink, crew))
    finally:
        sink.kill()
    found = asyncio.run(_judge(place, sink.ledger()))
    refused = sum(sink.refused().values())
    note = f"smtp-sink got {refused} letters whole and refused them; none of these is accepted with us"
    version = f"smtp-sink {programs.version()}, {len({one.name for one in MOODS})} moods"
    return Done(version, letters, stops, time.monotonic() - began, found, (note,))


def _moods(sink: Sink, crew: Crew) -> Iterator[float]:
    for number, mood in enumerate((*MOODS, KIND)):
        yield MOOD
        if number % 5 == 4:
            crew.kill(number % places.WORKERS)
        sink.kill()
        sink.start(mood)


def _while_working(place: Place, letters: int, strikes: Callable[[Crew], Iterator[float]]) -> int:
    """Seed, let the workers work under these strikes until every letter is decided; how many strikes there were."""
    asyncio.run(places.put_in(place, letters, SPREAD))
    crew = Crew(place)
    struck, following, coming = 0, 0.0, strikes(crew)
    with ExitStack() as stack:
        left = stack.enter_context(_watched(place))
        stack.callback(crew.end)
        crew.start()
        end = time.monotonic() + SPREAD + PATIENCE
        over = False
        while time.monotonic() < end and not (over and left() == 0):
            if not crew.well:
                raise Missing("a worker ended by itself; --keep keeps its log")
            if not over and time.monotonic() >= following:
                pause = next(coming, None)
                over, struck = pause is None, struck + (pause is not None)
                following = time.monotonic() + (pause or 0)
            time.sleep(0.05)
    return struck


@contextmanager
def _watched(place: Place) -> Iterator[Callable[[], int]]:
    """A process that counts, once a second, the letters that are not yet decided; -1 before it has counted."""
    left = _fork.Value("i", -1)
    counting = _fork.Process(target=_count, args=(place, left), daemon=True)
    counting.start()
    try:
        yield lambda: int(left.value)
    finally:
        counting.kill()
        counting.join()


def _count(place: Place, left: "multiprocessing.sharedctypes.Synchronized[int]") -> None:  # noqa: UP037
    asyncio.run(_keep_counting(place, left))


async def _keep_counting(place: Place, left: "multiprocessing.sharedctypes.Synchronized[int]") -> None:  # noqa: UP037
    async with places.open_office(place) as office:
        while True:
            left.value = await verdict.undecided(office)
            await asyncio.sleep(1)


async def _judge(place: Place, ledger: dict[str, int], names: set[tuple[str, str]] | None = None) -> Found:
    async with places.open_office(place) as office:
        return await verdict.find(office, ledger, names)


def _place(database: str, folder: Path, port: int, speed: float) -> Place:
    return Place(database, folder, port, FastClock(speed))


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as one:
        return int(one.getsockname()[1])

"""A run: both conversations compared, the letters made, the calls made, and everything that came of them judged."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from farend.hfaxd import Hfaxd

from dispatcher.channels.hylafax_wire import open_conversation
from dispatcher.domain.model import Delivery
from dispatcher.domain.words import State, Verdict
from dispatcher.letters import Rendered
from dispatcher.settings import causes
from dispatcher.store import attempts
from dispatcher.usecases import audit_log
from dispatcher.usecases.office import Office

from . import cases, dialogue, pages, place
from .cases import Case
from .deaf import deaf_for
from .place import Place, Story
from .rig import NUMBER, RECEIVER, Rig

#: True seconds that the calls of one campaign may take together.
PATIENCE = 600.0
#: Characters that may be misread, of a hundred.
MOST_MISREAD = 0.5
#: Bit/s, at the most, where a call is to begin slowly; and where a session's log names the speed.
SLOW, _RATE = 9600, re.compile(r"training at [^\n]*?(\d{4,5}) bit/s")

MATTER = (
    "I write to you about the use of explosive weapons in populated areas, and about the harm that it does to "
    "civilians, in Ardesia and elsewhere.",
    "Our teams have documented thirty-one attacks since the first of January, in which at least 214 persons lost their "
    "lives; most of them were women and children. Hospitals, schools and markets were hit, some of them twice.",
    "The Political Declaration of 18 November 2022 asks all states to restrict or refrain from such use. "
    "Eighty-seven states have joined it. We ask that your Government do so too, and that it report on the steps "
    "that it takes.",
    "We should be grateful for an answer by 30 April, and are at your disposal for a meeting in Geneva at any time "
    "that suits your Mission. Our office can be reached by telephone, by fax and by letter.",
)


@dataclass
class Told:
    """One line of the table, and what is wrong with it."""

    case: Case
    story: Story
    received: str
    faults: list[str]


@dataclass
class Found:
    """What a run came to."""

    calls: list[Told] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


async def run(rig: Rig, there: Place) -> Found:
    """The whole of it."""
    found = Found()
    made = await asyncio.to_thread(letters, there.folder)
    await compare(rig, made[0], found)
    async with there.office() as office:
        whole = await calls(office, 0, made, cases.WHOLE)
    await slowly(rig, there, made[0], found)
    session = whole[1].last_fact("session")
    if not session:
        found.faults.append("the letter of three pages did not arrive; the other calls were not made")
        return await judged(rig, there, found, cases.WHOLE, whole)
    hard = cases.hard(rig.session_log(session))
    async with deaf_for(rig.port, hard[0].number) as (deaf, port):
        there.port = port
        async with there.office() as office:
            rest = await calls(office, len(whole), made, hard, there)
    if deaf.taken_away != 1:
        found.faults.append(f"{deaf.taken_away} answers were taken away, not one")
    return await judged(rig, there, found, (*cases.WHOLE, *hard), [*whole, *rest])


def letters(folder: Path) -> tuple[Rendered, Rendered]:
    """One that fills one fax page, and one that fills three."""
    one = place.rendered(folder, "\n\n".join(MATTER))
    long, paragraphs = one, [*MATTER, *(f"Point {number}. {text}" for number in range(1, 8) for text in MATTER[1:3])]
    while long.fax_pages < 3 and len(paragraphs) < 100:
        paragraphs += [f"Point {len(paragraphs)}. {text}" for text in MATTER[1:3]]
        long = place.rendered(folder, "\n\n".join(paragraphs))
    if (one.fax_pages, long.fax_pages) != (1, 3):
        raise AssertionError(f"letters of {one.fax_pages} and {long.fax_pages} fax pages were made, not of 1 and 3")
    return one, long


async def compare(rig: Rig, letter: Rendered, found: Found) -> None:
    """The same conversation with hfaxd and with the far end of our contract tests."""
    document = letter.parts["tiff"]
    real = await dialogue.held(rig.port, document)
    async with Hfaxd(lambda: datetime.now(UTC)) as farend:
        ours = await dialogue.held(farend.port, document)
    differ = list(dialogue.differences(real, ours))
    found.faults += [f"hfaxd and our far end differ at {one}" for one in differ]
    found.notes.append(f"{len(dialogue.COMMANDS)} commands to hfaxd and to our far end, {len(differ)} answers differ")


async def slowly(rig: Rig, there: Place, letter: Rendered, found: Found) -> None:
    """As after a call that broke off: the modems must begin at a lower speed, and every page arrives."""
    parcel = replace(place.bare(f"{NUMBER}212", "slowly.1"), document=letter.parts["tiff"], pages=1, slower=True)
    async with there.office() as office:
        channel = office.channels["hylafax"]
        outcome = await channel.send(parcel, place.leave)
        for _ in range(120):
            if outcome.verdict is not Verdict.ACCEPTED:
                break
            await asyncio.sleep(1.0)
            outcome = await channel.ask(parcel.attempt_id, outcome.ref)
    rates = _RATE.findall(rig.session_log(outcome.facts["session"])) if "session" in outcome.facts else []
    found.notes.append(f"told to be slow: {outcome.verdict}, trained at {', '.join(rates) or 'nothing'} bit/s")
    if outcome.verdict is not Verdict.DELIVERED or not rates or max(map(int, rates)) > SLOW:
        found.faults.append(f"told to be slow, it was not: {outcome.verdict} at {rates} bit/s")


async def calls(
    office: Office, first: int, made: Sequence[Rendered], wanted: Sequence[Case], killing: Place | None = None
) -> list[Story]:
    """Queue a letter for each case and let the worker work until each has come to where it should, or time is over."""
    kept = {one.fax_pages: one for one in await place.keep(office, first, made)}
    rows = await place.queue(office, first, [*kept.values()], [(case.number, kept[case.pages]) for case in wanted])
    goal = {row.id: case.state for row, case in zip(rows, wanted, strict=True)}
    killed = next((row.id for row, case in zip(rows, wanted, strict=True) if "killed" in case.name), "")
    killer = asyncio.create_task(_kill(office, killing, killed)) if killing else None
    # A doubt is where some end, and where one only passes through: that one has been accepted by then.
    seen = await place.work(office, [*goal], lambda row: row.state is goal[row.id], PATIENCE)
    if killer and not killer.cancel():
        killer.result()
    return [await place.story_of(office, name, seen[name]) for name in goal]


async def _kill(office: Office, there: Place, name: str) -> None:
    """As an administrator does it, as soon as the server has the job: with JKILL, before it was dialled."""
    while True:
        latest = await office.store.read(lambda connection: attempts.latest(connection, name))
        if latest is not None and latest.ref:
            async with open_conversation(there.server) as talk:
                await talk.kill(latest.ref)
                talk.part()
            return
        await asyncio.sleep(0.2)


# -- judging -----------------------------------------------------------------------------------------------------------


async def judged(rig: Rig, there: Place, found: Found, wanted: Sequence[Case], stories: Sequence[Story]) -> Found:
    received = {path: pages.dots(path.read_bytes()) for path in rig.received()}
    async with there.office() as office:
        for case, story in zip(wanted, stories, strict=True):
            told = Told(case, story, "", cases.faults(case, story))
            await _look_at_pages(office, told, received)
            found.calls.append(told)
            if case.name == "one page" and not told.faults:
                await _read(office, rig, story, there.folder, found)
        found.faults += [
            f"the audit log: {one.seq} {one.what}" for one in (await audit_log.verify_audit(office)).findings
        ]
    found.faults += [fault for told in found.calls for fault in told.faults]
    strange = [path.name for path, document in received.items() if len(document) > 3]
    found.faults += [f"{name} is no letter of ours" for name in strange]
    return found


async def _look_at_pages(office: Office, told: Told, received: dict[Path, list[object]]) -> None:
    """Did exactly those arrive whole that are said to have arrived? Dot for dot, against the bytes that left."""
    whole = 0
    for attempt in told.story.tries:
        sent = await office.archive.get(attempt.sent_digest)
        same = [path for path, document in received.items() if document == pages.dots(sent)]
        whole += len(same)
        (path := office.folder / "sent.tif").write_bytes(sent)
        told.faults += [f"{told.case.name}: as sent, {fault}" for fault in pages.faults(path, told.case.pages)]
    told.received = f"{told.case.pages} of {told.case.pages}, same dots" if whole == 1 else f"whole {whole} times"
    # In doubt is what it says: on this line a page whose call was cut arrived whole once, and another time it did not.
    if whole > 1 or (whole != told.case.arrives and told.case.state is not State.IN_DOUBT):
        told.faults.append(f"{told.case.name}: arrived whole {whole} times")
    if told.case.arrives and (station := told.story.last_fact("station_id")) != RECEIVER:
        told.faults.append(f"{told.case.name}: the far machine's name is kept as '{station}'")


async def _read(office: Office, rig: Rig, story: Story, folder: Path, found: Found) -> None:
    """What a reader reads on the page that arrived, between the salutation and the closing."""
    sent = pages.dots(await office.archive.get(story.tries[0].sent_digest))
    path = next(one for one in rig.received() if pages.dots(one.read_bytes()) == sent)
    page = next(pages.frames(path.read_bytes()))
    wanted = " ".join(MATTER)
    seen = pages.between(await asyncio.to_thread(pages.read_back, page, folder), "Excellency,", "Sincerely,")
    misread = pages.distance(wanted, seen) * 100 / len(wanted)
    found.notes.append(f"read back by OCR: {len(wanted)} characters, {misread:.2f} % misread")
    if misread > MOST_MISREAD:
        found.faults.append(f"{misread:.2f} % of the characters were misread: {seen}")


def next_step(row: Delivery) -> str:
    """What people are told to do about it."""
    return causes()[row.cause].next if row.state is not State.DELIVERED and row.cause in causes() else "—"

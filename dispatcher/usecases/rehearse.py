"""Rehearse: a whole campaign through the real engine, over a database of its own, on a clock that jumps to what is due.

The office is only read from: its plan, its contacts, and the addresses that nobody may write to.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from dispatcher.domain.clock import HandClock
from dispatcher.domain.errors import Problem
from dispatcher.domain.model import Actor, Address, Attempt, Campaign, Delivery
from dispatcher.domain.words import Cause, Role, Verdict
from dispatcher.intake.contacts import ContactBook
from dispatcher.rehearsal.fates import Call, Fates
from dispatcher.rehearsal.post import News, Post
from dispatcher.store import attempts, campaigns, contacts, deliveries, routes, views
from dispatcher.store.contacts import Kept
from dispatcher.store.views import Wanted

from . import launch, operate, review
from .campaign_files import find_campaign_file, read_campaign_file, without_a_way
from .fax_header import header_warnings
from .hear import take
from .look import TO_CONFIRM
from .office import Office
from .plan import Plan, plan_from_bytes
from .prepare import Progress, prepare, propose

#: The rehearsal's own people: one who writes, one who signs. They are on record in its own database alone.
OFFICER, DIRECTOR = Actor("operator", "rehearsal-officer"), Actor("operator", "rehearsal-director")
#: The clock goes on by whole steps of this: a worker looks every few seconds, and nobody plans by the second.
STEP = timedelta(minutes=1)
#: What waits for a person for so long after the last letter is due waits beyond the end of the rehearsal.
AFTERWARDS = timedelta(days=21)


@dataclass(frozen=True, slots=True)
class Script:
    """Everything that a rehearsal takes from the office."""

    what: Plan | Campaign  #: as it was prepared; or what its file says, where it was not
    people: Mapping[str, Kept]
    suppressed: Mapping[Address, tuple[datetime, str]]
    remarks: tuple[Problem, ...] = ()  #: what a person should know besides

    @property
    def hour(self) -> datetime:
        """The campaign's own hour, in UTC."""
        return first_hour(self.what) if isinstance(self.what, Plan) else self.what.when.instant


@dataclass(slots=True)
class Stage:
    """One run's own office, its far ends, and the clock."""

    office: Office
    clock: HandClock
    post: Post
    fates: Fates
    work: Callable[[], Awaitable[int]]  #: does what is due now, and says how much that was: a worker's turn


@dataclass(frozen=True, slots=True)
class Tried:
    """One try, and what it came to in the end."""

    at: datetime
    verdict: Verdict
    cause: Cause


@dataclass(frozen=True, slots=True)
class Played:
    """One delivery as it stood at the end of a run."""

    delivery: Delivery
    tries: tuple[Tried, ...]  #: those that reached the far end

    @property
    def left_at(self) -> datetime | None:
        """When the far end was first given the letter; None where it never was."""
        return self.tries[0].at if self.tries else None


@dataclass(frozen=True, slots=True)
class Run:
    """What came of one run."""

    played: tuple[Played, ...]
    calls: tuple[Call, ...]  #: that the gateway asks money for
    answered: int
    ended: datetime


# -- what the office gives ---------------------------------------------------------------------------------------------


async def read_script(office: Office, name: str, folder: Path, templates: Path) -> Script:
    """The prepared plan of that id; else the campaign file of that name or path. Raises NotFound, CampaignError."""
    known = None
    if not _is_file(name):
        known = await office.store.read(lambda connection: campaigns.find(connection, name))
    if known is not None and known.plan:
        return await _from_plan(office, plan_from_bytes(await office.archive.get(known.plan)), folder)
    return await _from_file(office, find_campaign_file(name, folder), templates)


def _is_file(name: str) -> bool:
    return Path(name).is_file()


def remarks_of(office: Office, script: Script, plan: Plan) -> list[Problem]:
    """What whoever launches it should know besides: of the script, the letters, and the office's own ways out."""
    own = [*without_a_way(office, plan), *header_warnings(office, plan)]
    return [*script.remarks, *(one for one in plan.remarks if one not in script.remarks), *own]


async def _from_plan(office: Office, plan: Plan, folder: Path) -> Script:
    remarks = _changed_file(plan, folder)
    ways = [Address(one.kind, one.address) for one in plan.stops]
    people, suppressed = await _known(office, list(plan.people), ways)
    return Script(plan, people, suppressed, tuple(remarks))


def _changed_file(plan: Plan, folder: Path) -> list[Problem]:
    """The file says something else by now: what is rehearsed is what was prepared."""
    path = folder / f"{plan.campaign['id']}.toml"
    if not path.is_file() or path.read_text(encoding="utf-8", errors="replace") == plan.source:
        return []
    way_out = f"Prepare it again, or rehearse the file: campaigns rehearse {path}"
    return [Problem(str(path), "the file was changed after the campaign was prepared", way_out, "W_FILE_CHANGED")]


async def _from_file(office: Office, path: Path, templates: Path) -> Script:
    read, book = await read_campaign_file(office, path, templates)
    campaign = read.campaign
    names = [*campaign.contact_ids, *(copy.contact_id for copy in campaign.copies)]
    chosen = [one for one in book.contacts if one.id in set(names)]
    people, suppressed = await _known(office, names, [way for one in chosen for way in one.addresses])
    return Script(campaign, people, suppressed, tuple(read.warnings))


async def _known(
    office: Office, names: Sequence[str], ways: Sequence[Address]
) -> tuple[dict[str, Kept], dict[Address, tuple[datetime, str]]]:
    async def query(
        connection: AsyncConnection,
    ) -> tuple[dict[str, Kept], dict[Address, tuple[datetime, str]]]:
        kept = await contacts.kept_among(connection, list(dict.fromkeys(names)))
        return kept, await contacts.suppressed_among(connection, list(dict.fromkeys(ways)))

    return await office.store.read(query)


# -- before the curtain ------------------------------------------------------------------------------------------------


async def furnish(office: Office, script: Script) -> None:
    """Give the rehearsal's own database the people of the script, and the addresses that nobody may write to."""

    async def unit(connection: AsyncConnection) -> None:
        now = office.clock.now()
        await contacts.set_all(connection, script.people, now)
        for one, (_, by) in script.suppressed.items():
            await contacts.suppress(connection, one, by, "as in the office", now)

    await office.store.write(unit)


async def draw(office: Office, script: Script, progress: Progress) -> Plan:
    """The plan; of a campaign that was not prepared, its letters are made now, in the rehearsal's own archive."""
    if isinstance(script.what, Plan):
        return script.what
    book = ContactBook(tuple(one.person for one in script.people.values()), (), {})
    return (await prepare(office, script.what, book, OFFICER, progress, noted=script.remarks)).plan


async def open_play(office: Office, plan: Plan) -> None:
    """Approve and launch the plan in the rehearsal's own database, by the roads that the office would take.

    Raises UserError where nobody could approve it: a contact is gone, or has another address by now.
    """
    campaign_id, digest = plan.campaign["id"], (await propose(office, plan, OFFICER)).digest
    await launch.approve(office, campaign_id, digest, DIRECTOR, tuple(TO_CONFIRM))
    await launch.launch(office, campaign_id, OFFICER, late=True)


def first_hour(plan: Plan) -> datetime:
    """The campaign's own hour."""
    return next(iter(plan.instants.values()))


def last_hour(plan: Plan) -> datetime:
    """Until when a rehearsal looks: the last letter, its expiry and its follow-ups, and what comes of them."""
    last = max(datetime.fromisoformat(one.expires or one.due) for one in plan.stops)
    follow_ups = sum(after for _, after in plan.campaign["steps"])
    return last + timedelta(days=2 * follow_ups) + AFTERWARDS


def seed_of(seed: int, number: int) -> int:
    """The seed of that run, from 0: the first run has the given one, so that a single run can be seen again."""
    return seed + 1_000_003 * number


def may_answer(plan: Plan) -> dict[str, tuple[str, str]]:
    """The deliveries that an addressee may answer: of first letters, not of copies."""
    return {one.id: (one.occurrence, one.contact_id) for one in plan.stops if one.role is Role.TO}


# -- the play ----------------------------------------------------------------------------------------------------------


async def play(stage: Stage, plan: Plan) -> Run:
    """Run the launched campaign to its end: work, hear what comes, go on to whatever is due next."""
    end = max(last_hour(plan), stage.clock.now() + AFTERWARDS)
    answered = 0
    while True:
        done = await stage.work()
        if news := stage.post.take(stage.clock.now()):
            answered += sum([await _heard(stage, one) for one in news])
            continue
        coming = await _next(stage, done)
        if coming is None or coming > end:
            return await _run(stage, plan, answered)
        stage.clock.turn_to(_on_the_minute(coming))


async def _heard(stage: Stage, one: News) -> bool:
    """Take one piece of news by the road that it comes in by; whether it was an answer."""
    if one.report is not None:
        await take(stage.office, one.report, one.source)
        return False
    await operate.note_answer(stage.office, one.about, "they answered", OFFICER)
    return True


async def _next(stage: Stage, done: int) -> datetime | None:
    """When something happens next: in the database, at a closed way out, or at a far end. None: only people could go
    on."""
    now, due, still = stage.clock.now(), await review.next_instant(stage.office), stage.post.next_at() is None

    async def query(connection: AsyncConnection) -> tuple[bool, list[datetime]]:
        over = still and due is not None and due > now and await deliveries.only_doubts_wait(connection)
        return over, [one.until for one in (await routes.every(connection)).values() if one.until]

    over, looks = await stage.office.store.read(query)
    if over:
        return None
    if due is not None and due <= now and not done:  # it waits for something else than its hour
        due = min((one for one in looks if one > now), default=now + STEP)
    return min((one for one in (due, stage.post.next_at()) if one is not None), default=None)


def _on_the_minute(instant: datetime) -> datetime:
    """The first step of the clock that is not before `instant`."""
    return instant + (datetime.min.replace(tzinfo=UTC) - instant) % STEP


async def _run(stage: Stage, plan: Plan, answered: int) -> Run:
    name = plan.campaign["id"]

    async def query(connection: AsyncConnection) -> tuple[Played, ...]:
        rows = [one.delivery for one in await views.list_deliveries(connection, Wanted(name))]
        made, news = await attempts.of_campaign(connection, name), await attempts.news_of_campaign(connection, name)
        tries: dict[str, list[Tried]] = {}
        for one in made:
            if one.verdict not in ("", Verdict.UNSENT):
                verdict, cause = news.get(one.id) or (Verdict(one.verdict), one.cause)
                tries.setdefault(one.delivery_id, []).append(Tried(_when(one), verdict, cause))
        return tuple(Played(row, tuple(tries.get(row.id, ()))) for row in rows)

    played = await stage.office.store.read(query)
    calls = sorted(stage.fates.calls, key=lambda one: (one.at, one.attempt_id))
    return Run(played, tuple(calls), answered, stage.clock.now())


def _when(one: Attempt) -> datetime:
    return one.transmitting_at or one.opened_at

"""The desk: one office with its far ends, and the few acts that most tests begin with."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

from farend.rogue import Rogue, Script

from dispatcher.archive import Archive
from dispatcher.channels.base import Channel
from dispatcher.channels.relay import Relay
from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.clock import HandClock
from dispatcher.domain.limits import NOTHING_OWN
from dispatcher.domain.model import Actor, Address, Campaign, Contact, Copy, Delivery, Sender, Step, When
from dispatcher.domain.schedule import Policy as Figures
from dispatcher.domain.tokens import read_return_path, sign_return_path
from dispatcher.domain.words import Kind, Policy, State
from dispatcher.inbox.reader import Reader
from dispatcher.intake.contacts import ContactBook
from dispatcher.letters import Order, Printer, Rendered
from dispatcher.rehearsal.gateway import Gateway
from dispatcher.resources import resource
from dispatcher.seals import Seals
from dispatcher.store import contacts, deliveries
from dispatcher.store.engine import Store
from dispatcher.usecases import launch, prepare, review
from dispatcher.usecases.office import Office
from dispatcher.usecases.review import Wanted
from dispatcher.web.site import serve
from dispatcher.worker import Worker

#: A Thursday, 10 in Geneva.
START = datetime(2015, 10, 1, 8, 0, tzinfo=UTC)
SECRET = b"a key to rehearse with"
#: Signs return paths.
KEY = b"a key that signs return paths"
ADA = Actor("operator", "ada")
MEGAN = Actor("operator", "megan")


@lru_cache(maxsize=1)
def _printer() -> Printer:
    return Printer(resource("templates"))


@lru_cache(maxsize=64)
def _rendered(order: Order) -> Rendered:
    return _printer().render(order)


#: One printer serves one thread at a time, as it serves one process.
_ONE_AT_A_TIME = threading.Lock()


def _in_turn(order: Order) -> Rendered:
    with _ONE_AT_A_TIME:
        return _rendered(order)


async def render(order: Order) -> Rendered:
    """The real printer; the same letter is set once in a test run. All missions share one body to save time."""
    return await asyncio.to_thread(_in_turn, order)


def person(contact_id: str, *, email: str = "", fax: str = "", zone: str = "Europe/Zurich") -> Contact:
    """A mission; all of them have the same name, so that their letters are set only once."""
    given = ((Kind.EMAIL, email), (Kind.FAX, fax))
    return Contact(
        id=contact_id,
        honorific="H.E. Ms.",
        name="Elena Marchetti-Rossi",
        office="Ambassador and Permanent Representative",
        organisation="Permanent Mission of the Republic of Ardesia to the United Nations Office at Geneva",
        postal=("Chemin des Cèdres 9", "1202 Geneva"),
        country="Switzerland",
        state="the Republic of Ardesia",
        language="en",
        time_zone=zone,
        salutation="Excellency,",
        addresses=tuple(Address(kind, value) for kind, value in given if value),
    )


_SAME = person("ardesia-geneva")


def return_path(attempt_id: str, now: datetime) -> str:
    """The envelope sender of this try, good for sixty days from `now`."""
    return f"{sign_return_path(KEY, attempt_id, now + timedelta(days=60))}@bounce.coalition.example"


@dataclass(slots=True)
class Desk:
    """What a test has in its hands."""

    office: Office
    clock: HandClock
    rogue: Rogue
    gateway: Gateway
    worker: Worker
    database: str
    folder: Path
    callback_url: str
    book: ContactBook = field(default_factory=lambda: ContactBook((), (), {}))

    async def prepare(
        self,
        people: Sequence[Contact],
        policy: Policy = Policy.BOTH,
        *,
        campaign_id: str = "air-strikes",
        steps: tuple[Step, ...] = (Step(0, "air-strikes"),),
        copies: tuple[Copy, ...] = (),
        at: datetime = datetime(2015, 10, 1, 9, 0),
        **more: Any,
    ) -> prepare.Prepared:
        copied = {one.contact_id for one in copies}
        campaign = Campaign(
            id=campaign_id,
            title="Air strikes",
            organisation="cluster-munition-coalition",
            sender=Sender("Megan Burke", "Director", "letters@coalition.example", "Geneva"),
            letter_date=date(2015, 10, 1),
            when=When(at, "Europe/Zurich"),
            hours=more.pop("hours", None),
            contact_ids=tuple(one.id for one in people if one.id not in copied),
            policy=policy,
            policy_by_contact=more.pop("policy_by_contact", ()),
            proof_after=more.pop("proof_after", 3),
            copies=copies,
            steps=steps,
            expires_after=more.pop("expires_after", 0),
            source="written by a test",
            fax_cover=more.pop("fax_cover", False),
            fax_remarks=more.pop("fax_remarks", ""),
            repeats=more.pop("repeats", ()),
            limits=more.pop("limits", NOTHING_OWN),
        )
        self.book = ContactBook(tuple(people), (), {})
        await self.keep_contacts(people)
        return await prepare.prepare(self.office, campaign, self.book, ADA)

    async def keep_contacts(self, people: Sequence[Contact]) -> None:
        kept = {one.id: contacts.Kept(one, True, "test") for one in people}
        await self.office.store.write(lambda connection: contacts.set_all(connection, kept, self.clock.now()))

    async def launch(self, people: Sequence[Contact], policy: Policy = Policy.BOTH, **more: Any) -> str:
        """Prepared, approved by somebody else, launched; the campaign's id."""
        prepared = await self.prepare(people, policy, **more)
        campaign_id: str = prepared.plan.campaign["id"]
        await launch.approve(self.office, campaign_id, prepared.digest, MEGAN)
        await launch.launch(self.office, campaign_id, ADA, late=True)
        return campaign_id

    async def work(self) -> None:
        """Everything that is due now is done."""
        await self.worker.drain()

    async def callbacks(self) -> int:
        """The gateway makes the callbacks that are due by our clock."""
        return await self.gateway.pump()

    async def pass_time(self, **by: float) -> None:
        """Turn the clock, let the gateway call, and work."""
        self.clock.turn(**by)
        await self.callbacks()
        await self.work()

    async def deliveries(self, **wanted: Any) -> list[Delivery]:
        return [one.delivery for one in await review.list_deliveries(self.office, Wanted(**wanted))]

    async def only(self, **wanted: Any) -> Delivery:
        [found] = await self.deliveries(**wanted)
        return found

    async def get(self, delivery_id: str) -> Delivery:
        return await self.office.store.read(lambda connection: deliveries.get(connection, delivery_id))

    async def states(self, **wanted: Any) -> list[State]:
        return [one.state for one in await self.deliveries(**wanted)]

    async def story(self, delivery_id: str) -> review.Story:
        return await review.tell(self.office, delivery_id)

    def another_worker(self, name: str = "other") -> Worker:
        return Worker(self.office, name=Actor("worker", name))


@asynccontextmanager
async def open_desk(
    database: str,
    folder: Path,
    *,
    script: Script | None = None,
    relays: Sequence[Relay] = (),
    figures: Figures | None = None,
    busy_seconds: float = 5.0,
    dedupe: bool = False,
    channels: Mapping[str, Channel] | None = None,
) -> AsyncIterator[Desk]:
    """An office over `database`, its relay (a Rogue with `script`), its fax gateway, and the door for callbacks."""
    clock = HandClock(START)
    async with AsyncExitStack() as stack:
        rogue = await stack.enter_async_context(Rogue(dict(script or {})))
        gateway = Gateway(folder / "gateway" / "ledger.jsonl", clock.now, SECRET, dedupe=dedupe)
        await stack.enter_async_context(gateway)
        store = Store(database, busy_seconds)
        stack.push_async_callback(store.aclose)
        smtp = SmtpChannel(list(relays) or [rogue.relay()])
        reader = Reader()
        stack.push_async_callback(reader.close)
        office = Office(
            store=store,
            archive=Archive(folder / "archive"),
            clock=clock,
            policy=figures or Figures(),
            channels={"smtp": smtp},
            outgoing={Kind.EMAIL: "smtp", Kind.FAX: "simulator"},
            render=_render_for_all,
            domain="coalition.example",
            return_path=lambda attempt_id: return_path(attempt_id, clock.now()),
            signed=lambda text: read_return_path(KEY, text, clock.now()),
            read=reader.read,
            folder=folder / "office",
            guard=Checkpoint(folder / "guard"),
            seals=Seals(
                "coalition.example/audit-log", folder / "guard" / "seals.jsonl", folder / "guard" / "audit.key"
            ),
        )
        # The site needs the office and the simulator needs the site's port: the channel joins when the port is known.
        known: dict[str, Channel] = {"smtp": smtp}
        office = replace(office, channels=known)
        port = await stack.enter_async_context(serve(office, "127.0.0.1", 0))
        callback = f"http://127.0.0.1:{port}/callbacks/simulator"
        known["simulator"] = SimulatorChannel(gateway.url, SECRET, callback, timeout=0.5, now=clock.now)
        known.update(channels or {})
        for channel in known.values():
            stack.push_async_callback(channel.aclose)
        worker = Worker(office, name=Actor("worker", "one"))
        yield Desk(office, clock, rogue, gateway, worker, database, folder, callback)


async def _render_for_all(order: Order) -> Rendered:
    """Sets the letter of the one mission that all test contacts are, whatever their ids and addresses."""
    same = replace(order.contact, id=_SAME.id, addresses=(), time_zone=_SAME.time_zone)
    return await render(replace(order, contact=same))


HOUR = timedelta(hours=1)

"""The run with real mail servers: python -m mailreal.run, with tests/ on the path; `make inbox-real` does it.

Letters go out through Debian's Postfix: some bounce in eight ways, some are late, some are answered, by people and by
programs, some give receipts. Reports come in by LMTP from Postfix, all else over IMAP from Debian's Dovecot. Exit code
0: every state, bar and follow-up is as it should be, and nothing waits for a person; or nothing could be run here, and
why is said.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import smtplib
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from desk import bare
from desk.bare import DOMAIN, ENTITY, letter_of, mission, queued
from desk.databases import Databases
from desk.desk import KEY, return_path
from receivers import postfix as receivers_postfix
from receivers import programs
from receivers.postfix import Postfix
from receivers.programs import Missing, Programs
from receivers.runs import free_port
from returns import messages
from returns.messages import Letter

from dispatcher.archive import Archive
from dispatcher.channels.relay import Relay
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.clock import HandClock
from dispatcher.domain.model import Actor, Address, Contact, Delivery
from dispatcher.domain.schedule import Policy
from dispatcher.domain.tokens import read_return_path
from dispatcher.domain.words import Cause, Kind, State
from dispatcher.inbox.imap import Account
from dispatcher.inbox.maildir import Maildir
from dispatcher.inbox.reader import Reader
from dispatcher.letters import Order, Rendered
from dispatcher.rehearsal.guard import loopback_only
from dispatcher.store import contacts, deliveries, incoming
from dispatcher.store.engine import Store
from dispatcher.usecases.mailboxes import LARGEST, look_into_folder, look_into_maildir, open_door
from dispatcher.usecases.office import Office
from dispatcher.worker import Worker

from .dovecot import Dovecot
from .dovecot import find as find_dovecot
from .postoffice import PostOffice
from .recipients import Recipients, serve

CAMPAIGN = "returns"
#: Of five hundred letters, so many of each; the others are taken, and nothing is heard of them.
MIX = {
    "nouser": 10, "moved": 6, "closed": 6, "dead": 6, "full": 10, "large": 6, "spam": 10, "nowhere": 6,
    "late": 20, "answer": 40, "away": 15, "auto": 15, "served": 20, "read": 10,
}  # fmt: skip
#: What each comes to at once: its state, its cause, whether the address is barred.
COMES_TO: Mapping[str, tuple[State, Cause, bool]] = {
    "nouser": (State.FAILED, Cause.EMAIL_NO_MAILBOX, True),
    "moved": (State.FAILED, Cause.EMAIL_NO_MAILBOX, True),
    "closed": (State.FAILED, Cause.EMAIL_NO_MAILBOX, True),
    "dead": (State.FAILED, Cause.EMAIL_NO_MAILBOX, True),
    "full": (State.DEFERRED, Cause.EMAIL_MAILBOX_FULL, False),
    "large": (State.FAILED, Cause.EMAIL_TOO_BIG, False),
    "spam": (State.FAILED, Cause.EMAIL_BLOCKED, False),
    "nowhere": (State.FAILED, Cause.EMAIL_NO_MAILBOX, True),
    "answer": (State.DELIVERED, Cause.PERSON_NOTE, False),
    "served": (State.DELIVERED, Cause.NONE, False),
    "read": (State.DELIVERED, Cause.NONE, False),
}
_TAKEN = (State.ACCEPTED, Cause.NONE, False)
#: Of the clock: how long those who are away stay away.
AWAY = timedelta(days=40)
#: True seconds in which everything must have come back.
PATIENCE = 600.0


@dataclass(slots=True)
class Scene:
    """The office, its mail server, and the others'."""

    office: Office
    clock: HandClock
    worker: Worker
    post: PostOffice
    others: Recipients
    account: Account | None
    wrong: list[str] = field(default_factory=list)

    async def rows(self) -> dict[str, Delivery]:
        """First letters, by whom they went to."""
        found = await self.office.store.read(lambda connection: deliveries.of_campaign(connection, CAMPAIGN))
        return {one.contact_id: one for one in found if one.step == 0}

    async def settle(self) -> None:
        """Until the mail server has nothing more to do, and everything has been read."""
        end, quiet = time.monotonic() + PATIENCE, 0
        while quiet < 5 and time.monotonic() < end:
            await asyncio.sleep(0.5)
            quiet = 0 if await asyncio.to_thread(self.post.postfix.waiting) else quiet + 1
        if quiet < 5:
            self.wrong.append(f"the mail server still had {self.post.postfix.waiting()} messages")

    async def look(self) -> int:
        if self.account is not None:
            return await look_into_folder(self.office, self.account)
        return await look_into_maildir(self.office, Maildir(self.post.maildir, LARGEST))


def main() -> int:
    given = _parse()
    with tempfile.TemporaryDirectory(prefix="mailreal-") as name, loopback_only(), Fresh(name) as databases:
        base = (given.keep or Path(name)).resolve()
        base.mkdir(parents=True, exist_ok=True)
        base.chmod(0o755)  # the mail servers run as users of their own
        try:
            found = _programs(base)
            print(
                f"Postfix {found[0].version()}; Dovecot: {'its package' if found[1] else 'none, the Maildir is read'}"
            )
        except Missing as why:
            print(f"skipped: {why}")
            return 0
        database = databases.fresh(given.database, base)
        wrong = asyncio.run(_run(base, database, found, given.letters))
    for one in wrong[:40]:
        print(f"wrong: {one}")
    print("all as it should be" if not wrong else f"{len(wrong)} things are not as they should be")
    return 1 if wrong else 0


class Fresh:
    """Databases that end with the run."""

    def __init__(self, folder: str) -> None:
        self._made = Databases(Path(folder) / "databases")

    def __enter__(self) -> Databases:
        return self._made

    def __exit__(self, *_: object) -> None:
        self._made.stop()


def _programs(base: Path) -> tuple[Programs, Programs | None]:
    if why := receivers_postfix.why_not():
        raise Missing(why)
    found = programs.find(base / "package")
    try:
        return found, find_dovecot(base / "dovecot-package")
    except Missing as why:
        print(f"without Dovecot: {why}")
        return found, None


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="mailreal", description=__doc__)
    parser.add_argument("--letters", type=int, default=500)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--keep", type=Path, help="keep database, queue and logs in this folder")
    return parser.parse_args()


# -- the scene ---------------------------------------------------------------------------------------------------------


async def _never(order: Order) -> Rendered:
    raise AssertionError(f"nothing is rendered here: {order}")


@asynccontextmanager
async def _scene(base: Path, database: str, found: tuple[Programs, Programs | None]) -> AsyncIterator[Scene]:
    clock, others, reader = HandClock(datetime.now(UTC)), Recipients(), Reader()
    async with AsyncExitStack() as stack:
        farend = await stack.enter_async_context(serve(others))
        port = free_port()
        channel = SmtpChannel([Relay("own", "127.0.0.1", port, "none", connections=8, hello="client.example")])
        store = Store(database, 30.0)
        for end in (store.aclose, channel.aclose, reader.close):
            stack.push_async_callback(end)
        office = Office(
            store=store,
            archive=Archive(base / "archive"),
            clock=clock,
            policy=Policy(),
            channels={"smtp": channel},
            outgoing={Kind.EMAIL: "smtp"},
            render=_never,
            domain=DOMAIN,
            return_path=lambda attempt_id: return_path(attempt_id, clock.now()),
            folder=base / "office",
            signed=lambda text: read_return_path(KEY, text, clock.now()),
            read=reader.read,
        )
        door = await stack.enter_async_context(open_door(office, "127.0.0.1", 0))
        post = PostOffice(Postfix(found[0], base / "postfix", port), farend, door)
        stack.callback(post.postfix.end)
        await asyncio.to_thread(post.postfix.start)
        scene = Scene(office, clock, Worker(office, name=Actor("worker", "one")), post, others, None)
        yield scene


async def _with_dovecot(scene: Scene, base: Path, found: Programs | None) -> Dovecot | None:
    """Once there is a Maildir to look into."""
    if found is None or not scene.post.maildir.is_dir():
        return None
    dovecot = Dovecot(found, base / "dovecot", scene.post.maildir, free_port())
    try:
        await asyncio.to_thread(dovecot.start)
    except Missing as why:
        print(f"without Dovecot: {why}")
        return None
    scene.account = Account("127.0.0.1", dovecot.port, "none", "letters", "secret", timeout=20.0)
    return dovecot


def _people(letters: int) -> list[Contact]:
    part = letters / 500
    kinds = [kind for kind, number in MIX.items() for _ in range(max(1, round(number * part)))]
    kinds += ["ok"] * max(1, letters - len(kinds))
    return [_person(kind, number) for number, kind in enumerate(kinds)]


def _person(kind: str, number: int) -> Contact:
    domain = "served.example" if kind == "served" else "mx.example"
    made = mission(number, Address(Kind.EMAIL, f"{kind}-{number}@{domain}"))
    return replace(made, id=f"{kind}-{number}", name=f"{kind}-{number}")


async def _put_in(scene: Scene, people: Sequence[Contact]) -> None:
    parts, now = {"entity": await scene.office.archive.put(ENTITY)}, scene.clock.now()
    letters = [letter for one in people for letter in _letters(one, parts)]
    rows = [queued(one, letters[2 * number], now, now) for number, one in enumerate(people)]
    await scene.office.store.write(
        lambda connection: bare.put_in(connection, people, letters, rows, now, steps=[[0, 0], [1, 2]])
    )


def _letters(person: Contact, parts: dict[str, str]) -> Iterator:  # type: ignore[type-arg]
    for step in (0, 1):
        digest = hashlib.sha256(f"{step} {person.id}".encode()).hexdigest()
        yield replace(letter_of(CAMPAIGN, parts, step), digest=digest, contact_id=person.id)


# -- the run -----------------------------------------------------------------------------------------------------------


async def _run(base: Path, database: str, found: tuple[Programs, Programs | None], letters: int) -> list[str]:
    people = _people(letters)
    async with _scene(base, database, found) as scene:
        await _put_in(scene, people)
        began = time.monotonic()
        await scene.worker.drain()
        await scene.settle()
        told = Counter(one.filing for one in await _items(scene))
        print(f"{len(people)} letters sent, {sum(told.values())} reports by LMTP in {time.monotonic() - began:.0f} s")
        await _write_back(scene, people)
        dovecot = await _with_dovecot(scene, base, found[1])
        try:
            print(f"{await scene.look()} messages by {'IMAP' if dovecot else 'Maildir'}; again: {await scene.look()}")
            await _judge_states(scene, people)
            await _later(scene, people)
        finally:
            if dovecot is not None:
                await asyncio.to_thread(dovecot.end)
        return scene.wrong


async def _items(scene: Scene) -> list[incoming.Item]:
    rows = await scene.rows()

    async def all_of(connection: object) -> list[incoming.Item]:
        found = [await incoming.of_delivery(connection, one.id) for one in rows.values()]  # type: ignore[arg-type]
        return [item for items in found for item in items]

    return await scene.office.store.read(all_of)  # type: ignore[arg-type]


async def _write_back(scene: Scene, people: Sequence[Contact]) -> None:
    """Those who were reached answer, or their programs do; half of the programs write to the return path."""
    back = f"{scene.clock.now() + AWAY:%B %d, %Y}"
    mails = [mail for one in people if (mail := _reply(scene.others, one, back)) is not None]

    def send() -> None:
        with smtplib.SMTP("127.0.0.1", scene.post.postfix.port, local_hostname="localhost") as client:
            for sender, to, raw in mails:
                client.sendmail(sender, [to], raw)

    await asyncio.to_thread(send)
    await scene.settle()


def _reply(others: Recipients, person: Contact, back: str) -> tuple[str, str, bytes] | None:
    (kind, _, number), address = person.id.partition("-"), person.addresses[0].value
    if address not in others.taken or kind not in ("answer", "away", "auto", "read"):
        return None
    letter, ours = Letter(others.message_id(address), address), f"letters@{DOMAIN}"
    match kind:
        case "answer":
            return address, ours, messages.answer(letter)
        case "away":
            return "", ours, messages.out_of_office(letter, back)
        case "auto":
            to = others.taken[address][0] if int(number) % 2 else ours
            return "", to, messages.out_of_office(letter, cites=to == ours)
    return "", ours, messages.read_receipt(letter)


async def _judge_states(scene: Scene, people: Sequence[Contact]) -> None:
    rows = await scene.rows()
    for one in people:
        kind, row = one.id.partition("-")[0], rows[one.id]
        state, cause, barred = COMES_TO.get(kind, _TAKEN)
        address = Address(Kind.EMAIL, row.address)
        is_barred = await scene.office.store.read(lambda connection, a=address: contacts.is_suppressed(connection, a))
        if (row.state, row.cause, is_barred) != (state, cause, barred):
            scene.wrong.append(
                f"{one.id} is {row.state} {row.cause}, barred: {is_barred}; it should be {state} {cause}, {barred}"
            )
    for item in await scene.office.store.read(incoming.held):
        scene.wrong.append(f"held: {item.kind} of {item.sender}: {item.why}")
    print("states:", dict(Counter(row.state.value for row in rows.values())))


async def _later(scene: Scene, people: Sequence[Contact]) -> None:
    """Silence is a presumption; of what was late it is none for longer; and follow-ups go to whom they should."""
    await _pass(scene, 5.1)
    late = [one for name, one in (await scene.rows()).items() if name.startswith("late-")]
    scene.wrong += [f"{one.contact_id} is {one.state} too soon" for one in late if one.state is not State.ACCEPTED]
    await _pass(scene, 5.5)
    await _pass(scene, 5)
    found = await scene.office.store.read(lambda connection: deliveries.of_campaign(connection, CAMPAIGN))
    followed = {one.contact_id for one in found if one.step == 1}
    wanted = {one.id for one in people if one.id.partition("-")[0] in ("late", "auto", "served", "read", "ok")}
    scene.wrong += [f"no follow-up went to {one}" for one in sorted(wanted - followed)]
    scene.wrong += [f"a follow-up went to {one}" for one in sorted(followed - wanted)]
    states = {one.contact_id: one.state for one in found if one.step == 0}
    quiet = [one.id for one in people if one.id.partition("-")[0] in ("late", "auto", "away", "ok")]
    scene.wrong += [f"{one} is {states[one]}, not presumed" for one in quiet if states[one] is not State.PRESUMED]
    print(f"follow-ups: {len(followed)}")


async def _pass(scene: Scene, days: float) -> None:
    scene.clock.turn(days=days)
    await scene.worker.drain()
    await scene.settle()


if __name__ == "__main__":
    sys.exit(main())

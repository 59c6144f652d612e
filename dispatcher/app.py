"""The composition root: from settings to an Office. The only module that picks a clock."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import shutil
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path

from dispatcher import providers
from dispatcher.archive import Archive, Overlay
from dispatcher.channels.base import Abilities, Channel
from dispatcher.channels.understudy import Understudy
from dispatcher.checkpoint import Checkpoint
from dispatcher.domain.address import parse_fax
from dispatcher.domain.clock import Clock, HandClock, SystemClock
from dispatcher.domain.errors import Conflict
from dispatcher.domain.estimate import Tariff
from dispatcher.domain.limits import Limits, Pace, Spending
from dispatcher.domain.schedule import Policy, minutes
from dispatcher.domain.tokens import read_return_path, sign_return_path
from dispatcher.domain.words import Kind
from dispatcher.inbox.imap import Account
from dispatcher.inbox.maildir import Maildir
from dispatcher.inbox.reader import Reader
from dispatcher.intake.almanac_files import read_almanac
from dispatcher.letters import Hand, Nursery, Order, Rendered, Signing, open_nursery
from dispatcher.letters.header_line import FaxHeader
from dispatcher.rehearsal.fates import Fates
from dispatcher.rehearsal.faults import Mix
from dispatcher.rehearsal.guard import loopback_only
from dispatcher.rehearsal.post import Post
from dispatcher.seals import Seals
from dispatcher.settings import Settings, database_url, read_secret, signer
from dispatcher.settings.fax import FAX_GATEWAYS
from dispatcher.settings.limits import Pace as PaceSettings
from dispatcher.store import version
from dispatcher.store.engine import Store
from dispatcher.usecases.checks import Check
from dispatcher.usecases.database import upgrade_database
from dispatcher.usecases.doctor_live import Live, live_pages
from dispatcher.usecases.estimate import page_extra
from dispatcher.usecases.mailboxes import LARGEST, Mailboxes
from dispatcher.usecases.office import Office
from dispatcher.usecases.rehearse import Stage

#: A bounce that comes later than this after its letter is no longer believed.
RETURN_PATH_LIFE = timedelta(days=60)


@dataclass(slots=True)
class Press:
    """Renders letters in processes of their own: typesetting is all computing, and threads gain it nothing.

    One letter to a process at a time, so that a letter which must be stopped takes no other with it.
    """

    templates: Path
    hands: int = field(default_factory=lambda: os.cpu_count() or 1)
    signing: Signing | None = None
    _nursery: Nursery = field(default_factory=open_nursery, init=False)
    _all: list[Hand] = field(default_factory=list, init=False)
    _free: asyncio.LifoQueue[Hand] = field(default_factory=asyncio.LifoQueue, init=False)
    _closed: bool = field(default=False, init=False)

    async def render(self, order: Order) -> Rendered:
        """Raises TemplateError with every problem of the letter, Conflict once the press is closed."""
        if self._closed:
            raise Conflict("the office is closing: no letter is made any more")
        if self._free.empty() and len(self._all) < self.hands:
            self._all.append(Hand(self._nursery, str(self.templates), self.signing))
            self._free.put_nowait(self._all[-1])
        hand = await self._free.get()
        try:
            return await asyncio.to_thread(hand.render, order)
        finally:
            self._free.put_nowait(hand)

    def close(self) -> None:
        """End everything at once; whoever waits for a letter is told so."""
        self._closed = True
        for hand in self._all:
            hand.close()
        self._nursery.close()


@asynccontextmanager
async def open_office(settings: Settings, clock: Clock | None = None) -> AsyncIterator[Office]:
    """An Office over an up-to-date database; lets go of everything at the end.

    Raises Conflict when the schema is not the one this program speaks, SettingsError when a channel lacks a setting.
    """
    clock = clock or SystemClock()
    press = Press(settings.templates.folder, signing=_signing(settings))
    store = Store(database_url(settings))
    channels, reader = providers.channels(settings, clock), Reader()
    try:
        await store.read(version.require_newest)
        yield Office(
            store=store,
            archive=Archive(settings.archive.folder),
            clock=clock,
            policy=_policy(settings, real=isinstance(clock, SystemClock)),
            channels=channels,
            outgoing=_outgoing(settings, channels),
            render=press.render,
            domain=settings.office.organisation_domain,
            return_path=_return_path(settings, clock),
            signed=_signed(settings, clock),
            read=reader.read,
            folder=settings.office.folder,
            fax_gateways={one.prefix: one.gateways for one in settings.fax.ways},
            mail_bytes=settings.mail.max_bytes,
            fax_header=_fax_header(settings),
            almanac=read_almanac(settings.calendars.closed_days),
            limits=_limits(settings),
            tariffs=tuple(Tariff(**dict(one)) for one in settings.fax.tariffs),
            guard=Checkpoint(settings.guard.folder, settings.guard.machine, settings.guard.shared),
            seals=seals_of(settings),
            signer=signer(settings.signing.certificate_file) if settings.signing.certificate_file else None,
        )
    finally:
        press.close()
        await reader.close()
        for channel in channels.values():
            await channel.aclose()
        await store.aclose()


# -- rehearsals --------------------------------------------------------------------------------------------------------

#: What stands in where the office has no way out of its own yet.
_UNDERSTUDIES = {
    Kind.EMAIL: ("smtp", Abilities()),
    Kind.FAX: ("simulator", Abilities(asks=True, speaks_back=True, proves=True, confirms_pages=True)),
}


@dataclass(frozen=True, slots=True)
class Playhouse:
    """A rehearsal's own rooms: the office as it is, but for its database, its archive, its clock and its ways out."""

    office: Office  #: the real one: its archive is read, and its press makes letters
    folder: Path
    start: datetime

    @property
    def _database(self) -> Path:
        return self.folder / "opening.db"

    @asynccontextmanager
    async def opening(self) -> AsyncIterator[Office]:
        """The database that every run begins with, empty at first."""
        url = f"sqlite+aiosqlite:///{self._database}"
        await asyncio.to_thread(upgrade_database, url)
        async with self._own(url, HandClock(self.start), {}) as office:
            yield office

    @asynccontextmanager
    async def stage(
        self,
        mix: Mix,
        seed: int,
        whose: Mapping[str, tuple[str, str]],
        work: Callable[[Office], Callable[[], Awaitable[int]]],
    ) -> AsyncIterator[Stage]:
        """One run's own office, as the opening left it. `work` makes the worker's loop for it."""
        database = self.folder / f"run-{seed}.db"
        shutil.copyfile(self._database, database)
        clock, post, cast = HandClock(self.start), Post(), self._cast()
        # Bounces come by mail, whatever the channel can do.
        ways = {name: (kind, able.speaks_back or kind is Kind.EMAIL) for name, (kind, able) in cast.items()}
        fates = Fates(mix, seed, post, whose, ways, page_extra=self._page_extra())
        channels = {
            name: Understudy(name, kind, abilities, fates.of, fates.asked, fates.knocked, clock.now)
            for name, (kind, abilities) in cast.items()
        }
        try:
            async with self._own(f"sqlite+aiosqlite:///{database}", clock, channels) as office:
                yield Stage(office, clock, post, fates, work(office))
        finally:
            for path in self.folder.glob(f"{database.name}*"):
                path.unlink()

    def _cast(self) -> dict[str, tuple[Kind, Abilities]]:
        """Who carries what: the office's own channels by name, and somebody for a kind that has none yet."""
        own = {name: (one.kind, one.abilities) for name, one in self.office.channels.items()}
        return {**own, **{name: (kind, able) for kind, (name, able) in _UNDERSTUDIES.items() if name not in own}}

    def _page_extra(self) -> Mapping[str, int]:
        return {name: page_extra(self.office, name) for name in self.office.channels}

    def _by(self, kind: Kind) -> str:
        return self.office.outgoing.get(kind) or _UNDERSTUDIES[kind][0]

    @asynccontextmanager
    async def _own(self, url: str, clock: Clock, channels: Mapping[str, Channel]) -> AsyncIterator[Office]:
        store = Store(url, throw_away=True)
        try:
            yield replace(
                self.office,
                store=store,
                archive=Overlay(self.folder / "archive", self.office.archive),
                clock=clock,
                channels=channels or self.office.channels,
                outgoing={kind: self._by(kind) for kind in Kind},
                folder=self.folder,
                fax_header=None,  # what it lacks is told beforehand; no rehearsed page is looked at
                guard=None,
                seals=None,
            )
        finally:
            await store.aclose()


@asynccontextmanager
async def open_playhouse(office: Office, start: datetime) -> AsyncIterator[Playhouse]:
    """Rooms for a rehearsal from `start` on, thrown away at the end. Nothing of this process leaves loopback in it."""
    with loopback_only(), tempfile.TemporaryDirectory(prefix="dispatcher-rehearsal-") as folder:
        yield Playhouse(office, Path(folder), start)


def _policy(settings: Settings, *, real: bool) -> Policy:
    """`real`: the clock is the machine's, and so may be held against the server's."""
    retries = {Kind.EMAIL: settings.retries.email, Kind.FAX: settings.retries.fax}
    return Policy(
        retries={kind: tuple(timedelta(minutes=one) for one in delays) for kind, delays in retries.items()},
        causes={cause: minutes(*waits) for cause, waits in settings.retries.causes.by_cause().items()},
        lease=timedelta(seconds=settings.worker.lease_seconds),
        bounce_window=timedelta(days=settings.mail.bounce_window_days),
        proof_wait=timedelta(hours=settings.fax.proof_hours),
        clock_limit=timedelta(seconds=settings.worker.clock_limit_seconds) if real else None,
        transmitting_lease=timedelta(seconds=max([600.0, *(one.timeout_dot for one in settings.mail.relays)]) + 60),
    )


def _limits(settings: Settings) -> Limits:
    given = settings.limits
    fax = {name: settings.fax.gateway(name).pace for name in FAX_GATEWAYS}
    return Limits(
        domain=_pace(settings.mail.per_domain),
        routes={
            **{one.name: _pace(one.pace) for one in settings.mail.relays},
            **{name: _pace(pace) for name, pace in fax.items()},
        },
        call=timedelta(minutes=settings.fax.call_minutes),
        courtesy=timedelta(hours=given.courtesy_hours),
        campaign_letters=given.campaign_letters,
        campaign_exceptions={one.campaign: one.letters for one in given.exceptions},
        per_day=given.per_day,
        spending=Spending(**dict(settings.fax.spending)),
        zone=settings.office.timezone,
    )


def _pace(given: PaceSettings) -> Pace:
    return Pace(given.at_once, given.per_minute, given.per_hour, timedelta(seconds=given.gap_seconds))


async def try_live(settings: Settings, to: str) -> list[Check]:
    """One test page by each fax gateway of the settings, to `to` (any spelling; '' is where it costs nothing).

    Raises UserError where `to` is no fax number, SettingsError.
    """
    clock = SystemClock()
    channels = providers.channels(settings, clock)
    try:
        given = Live(channels, parse_fax(to) if to else "", _fax_header(settings), clock.now, _for)
        return await live_pages(given)
    finally:
        for channel in channels.values():
            await channel.aclose()


async def _for(span: timedelta) -> None:
    await asyncio.sleep(span.total_seconds())


def _fax_header(settings: Settings) -> FaxHeader | None:
    given = settings.fax.header
    if not given.enabled:
        return None
    return FaxHeader(given.number, given.zone or settings.office.timezone, given.sender)


def _outgoing(settings: Settings, channels: Mapping[str, Channel]) -> dict[Kind, str]:
    """Which channel carries which kind; a kind without one is not claimed, and the doctor says so."""
    others = next((one.gateways[0] for one in settings.fax.ways if not one.prefix), settings.fax.default)
    wanted = {Kind.EMAIL: "smtp", Kind.FAX: others}
    return {kind: name for kind, name in wanted.items() if name in channels}


# -- keys --------------------------------------------------------------------------------------------------------------


def _return_path(settings: Settings, clock: Clock) -> Callable[[str], str]:
    """Signs the envelope sender of a try, so that its bounces can be told from forged ones."""
    key = _token_key(settings.secrets.token_key_file)
    domain = settings.mail.return_path_domain

    def sign(attempt_id: str) -> str:
        expires: datetime = clock.now() + RETURN_PATH_LIFE
        return f"{sign_return_path(key, attempt_id, expires)}@{domain}"

    return sign


def _signed(settings: Settings, clock: Clock) -> Callable[[str], str | None]:
    """Reads what `_return_path` signed."""
    key = _token_key(settings.secrets.token_key_file)
    return lambda text: read_return_path(key, text, clock.now())


def mailboxes(settings: Settings) -> Mailboxes:
    """The ways in that are set."""
    given = settings.inbox
    account = given.imap
    accounts = (
        Account(
            account.host,
            account.port,
            account.security,
            account.user,
            read_secret(account.password_file),
            account.folder,
            account.timeout,
        )
        for _ in range(account.enabled)
        if account.password_file is not None
    )
    maildirs = (Maildir(given.maildir, LARGEST),) if given.maildir else ()
    return Mailboxes(maildirs, tuple(accounts), (given.lmtp.host, given.lmtp.port) if given.lmtp.enabled else None)


def seals_of(settings: Settings) -> Seals:
    """Under the name of this organisation's log."""
    return Seals(f"{settings.office.organisation_domain}/audit-log", settings.audit.seals, settings.audit.key_file)


def _signing(settings: Settings) -> Signing | None:
    """The files of [signing], read once: a certificate that is exchanged counts from the next start."""
    given = settings.signing
    if given.certificate_file is None or given.key_file is None:
        return None
    passphrase = read_secret(given.passphrase_file).encode() if given.passphrase_file else None
    return Signing(given.certificate_file.read_bytes(), read_secret(given.key_file).encode(), passphrase)


def _token_key(path: Path) -> bytes:
    """Our own key; made once, when it is first needed."""
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        made = path.with_name(f".{path.name}.{os.getpid()}")
        made.touch(mode=0o600)
        made.write_text(secrets.token_hex(32), encoding="ascii")
        with contextlib.suppress(FileExistsError):  # another process made one at the same moment: that one counts
            os.link(made, path)
        made.unlink()
    return read_secret(path).encode()

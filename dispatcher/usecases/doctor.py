"""Looks whether this installation is fit to send: each check says what it found and how to mend it. Changes nothing."""

from __future__ import annotations

import asyncio
import os
import stat
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import URL, make_url
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.checkpoint import Checkpoint, Unreadable
from dispatcher.domain.errors import Conflict, Problem, SettingsError
from dispatcher.domain.notes import BadNote
from dispatcher.domain.routes import Route
from dispatcher.domain.words import RouteState
from dispatcher.letters import Printer
from dispatcher.seals import Seals, opened
from dispatcher.settings import Settings, database_url, load, signer
from dispatcher.settings.fax import FAX_GATEWAYS, FaxGateway
from dispatcher.settings.values import is_loopback
from dispatcher.store import audit, installation, routes, sending, workers
from dispatcher.store.engine import Store, StoreFault
from dispatcher.store.sending import Stopped
from dispatcher.store.version import newest, require_newest

from . import crew
from .campaign_files import letterheads_in, letters_in
from .checks import Check, Finding
from .doctor_gateways import Knock, LookOverHttp, gateways_over_http
from .doctor_hylafax import Look, fax_server
from .doctor_logs import Newest, relay_logs
from .halt import told

#: The oldest Python that is tested.
OLDEST_PYTHON = (3, 11)
#: Seconds that a server may take to open a connection.
PATIENCE = 5.0
#: A certificate that expires sooner is spoken of: its issuer takes days or weeks for another.
RENEW = timedelta(days=45)
#: Zones that every copy of the time zone data has.
_ZONES = ("UTC", "Europe/Zurich", "America/New_York")


async def examine(
    path: Path | None,
    *,
    connect: bool = False,
    now: datetime | None = None,
    newest: Newest | None = None,
    look: Look | None = None,
    over_http: LookOverHttp | None = None,
    knock: Knock | None = None,
) -> list[Check]:
    """Every check, in order. Servers beyond this machine are only reached for with `connect`.

    A certificate is judged at `now`, the present where it is not given. `newest` reads a relay's log; without it no log
    is looked at; `look` signs in at the HylaFAX server, `over_http` at the gateways over HTTP, `knock` looks where they
    call back. With settings that cannot be read, the checks that need them are left out.
    """
    now = now or datetime.now(UTC)
    checks = [_python(), *_zones()]
    try:
        settings = load(path)
    except SettingsError as error:
        return [*checks, *_refused(error)]
    checks += [_origin(settings), *_secrets(settings), *_signature(settings, now), _folder(settings)]
    checks += [one async for one in _database(settings, now)]
    checks += await asyncio.to_thread(lambda: list(_templates(settings.templates.folder)))
    checks += [_spill(settings.office.folder), _ways_out(settings), *_fax_ways(settings), *_header_line(settings)]
    checks += await relay_logs(settings, newest, now) if newest else []
    checks += await fax_server(settings, look, now, connect=connect) if look else []
    checks += await gateways_over_http(settings, over_http, now, connect=connect, knock=knock) if over_http else []
    return checks + [await _reach(*server, connect=connect) for server in _servers(settings)]


# -- the machine -------------------------------------------------------------------------------------------------------


def _python() -> Check:
    version = ".".join(map(str, sys.version_info[:3]))
    good = sys.version_info[:2] >= OLDEST_PYTHON
    fix = f"Install Python {'.'.join(map(str, OLDEST_PYTHON))} or newer"
    return Check("python", Finding.GOOD, version) if good else Check("python", Finding.WRONG, version, fix)


def _zones() -> Iterator[Check]:
    try:
        for name in _ZONES:
            ZoneInfo(name)
        yield Check("time zones", Finding.GOOD, f"{', '.join(_ZONES)} and others")
    except ZoneInfoNotFoundError as error:
        yield Check("time zones", Finding.WRONG, str(error), "Install the package tzdata")


# -- settings and secrets ----------------------------------------------------------------------------------------------


def _refused(error: SettingsError) -> Iterator[Check]:
    for problem in error.problems:
        name = "secrets" if problem.code.startswith("E_SECRET") else "settings"
        yield Check(name, Finding.WRONG, f"{problem.place}: {problem.cause}", problem.way_out)


def _origin(settings: Settings) -> Check:
    given = len(settings.origins)
    return Check("settings", Finding.GOOD, f"{given} given, the others as shipped; project folder {settings.base}")


def _secrets(settings: Settings) -> Iterator[Check]:
    files = [settings.secrets.token_key_file, settings.database.password_file]
    files += [settings.signing.key_file, settings.signing.passphrase_file, *_gateways_secrets(settings)]
    files += [relay.password_file for relay in settings.mail.relays]
    there = [path for path in files if path is not None and path.exists()]
    open_ones = [path for path in there if stat.S_IMODE(path.stat().st_mode) & 0o077 and _ours(path)]
    for path in open_ones:
        yield Check("secrets", Finding.WRONG, f"others can read {path}", f"Run: chmod 600 {path}")
    if not open_ones:
        yield Check("secrets", Finding.GOOD, f"{len(there)} files, none open to others")


def _gateways_secrets(settings: Settings) -> Iterator[Path | None]:
    """Each gateway's files of secrets, by the names of its keys."""
    for name in FAX_GATEWAYS:
        yield from (value for key, value in settings.fax.gateway(name) if key.endswith("_file"))


def _signature(settings: Settings, now: datetime) -> Iterator[Check]:
    """Nothing where letters are not signed."""
    if settings.signing.certificate_file is None:
        return
    seal = signer(settings.signing.certificate_file)
    found = f"letters are signed by {seal.name}; the certificate is good from {seal.first.date()} to {seal.last.date()}"
    fix = "Name its successor under [signing]: outside those days no letter is prepared."
    if not seal.first <= now <= seal.last:
        yield Check("signature", Finding.WRONG, found, fix)
    else:
        yield Check("signature", Finding.GOOD if seal.last - now > RENEW else Finding.NOTE, found, fix)


def _ours(path: Path) -> bool:
    """Not in a folder that the container's runtime or systemd fills: there the mode is their affair."""
    given = os.environ.get("CREDENTIALS_DIRECTORY", "")
    folders = [Path("/run/secrets"), *([Path(given)] if given else [])]
    return not any(path.resolve().is_relative_to(folder.resolve()) for folder in folders)


def _folder(settings: Settings) -> Check:
    folder = settings.office.folder
    nearest = next(path for path in (folder, *folder.parents) if path.exists())
    if os.access(nearest, os.W_OK | os.X_OK):
        return Check("data folder", Finding.GOOD, str(folder))
    return Check("data folder", Finding.WRONG, f"{nearest} cannot be written to", "Give it to the user of Dispatcher")


# -- the database ------------------------------------------------------------------------------------------------------


async def _database(settings: Settings, now: datetime) -> AsyncIterator[Check]:
    url = make_url(database_url(settings))
    if _missing(url):
        yield Check("database", Finding.WRONG, f"{url.database} does not exist yet", "Run: dispatcher db upgrade")
        return
    try:
        store = Store(database_url(settings))
    except SettingsError as error:  # on a network file system
        for check in _refused(error):
            yield replace(check, name="database")
        return
    try:
        await store.read(require_newest)
        yield Check("database", Finding.GOOD, f"{url.render_as_string()}, schema {newest()}")
        yield await _adopted(store, settings)
        yield await _seals(store, settings)
        yield _sending(await store.read(sending.stopped))
        yield await _crew(store, settings, now)
        for route in (await store.read(routes.every)).values():
            if not route.takes_letters:
                yield _route(route)
    except Conflict as error:
        yield Check("database", Finding.WRONG, str(error), "Run: dispatcher db upgrade")
    except StoreFault as fault:
        yield Check("database", Finding.WRONG, fault.problem.cause, fault.problem.way_out or "See docs/database.md")
    except (SQLAlchemyError, OSError) as error:
        words = str(getattr(error, "orig", None) or error).splitlines()[0]
        yield Check("database", Finding.WRONG, f"cannot be read: {words}", "Check the setting database.url")
    finally:
        await store.aclose()


async def _adopted(store: Store, settings: Settings) -> Check:
    """Is it in quarantine, by its own word or by what is marked outside it?"""
    row = await store.read(installation.find)
    try:
        marker = Checkpoint(settings.guard.folder).marker()
    except (Unreadable, OSError) as error:
        return Check("checkpoint", Finding.WRONG, f"cannot be read: {error}", "Run: dispatcher adopt --dry-run")
    marked = marker is not None and (row is None or row.adopted != marker.id)
    if marked or (row is not None and row.quarantine):
        found = "it was restored, copied or moved: nothing is sent from it"
        return Check("checkpoint", Finding.WRONG, found, "Run: dispatcher adopt --dry-run, then adopt it")
    return Check("checkpoint", Finding.GOOD, f"{settings.guard.folder}, which no backup of the database may carry")


async def _seals(store: Store, settings: Settings) -> Check:
    """What was signed of the audit log, and whether the log is as long. The whole is the affair of `audit verify`."""
    seals = Seals("", settings.audit.seals, settings.audit.key_file)
    fix = "Bring the file back from a copy; then: dispatcher audit verify"
    try:
        kept = await asyncio.to_thread(seals.kept)
        head = opened(kept[-1].note, await asyncio.to_thread(seals.public)) if kept else None
    except (SettingsError, BadNote, OSError) as error:
        return Check("audit seals", Finding.WRONG, str(error), fix)
    if head is None:
        return Check(
            "audit seals", Finding.NOTE, "nothing is sealed yet", "The first worker does it; see docs/audit-log.md"
        )
    size = await store.read(audit.size)
    if size < head.size:
        found = f"the log has {size} entries, and had {head.size} when it was sealed at {kept[-1].at}"
        return Check("audit seals", Finding.WRONG, found, "Its end was cut off: run dispatcher audit verify")
    return Check("audit seals", Finding.GOOD, f"{len(kept)}, the last of {kept[-1].at} over {head.size} entries")


def _sending(stop: Stopped | None) -> Check:
    if stop is None:
        return Check("sending", Finding.GOOD, "letters may leave")
    return Check("sending", Finding.WRONG, told(stop), "When it shall go on: dispatcher sending resume --reason …")


def _route(route: Route) -> Check:
    """A way out by which no letter goes, or only one on trial."""
    if route.state is RouteState.PAUSED:
        found = f"{route.name} was paused by {route.by} on {route.since:%d %B %H:%M} UTC: {route.detail}"
        return Check("routes", Finding.NOTE, found, f"When it may go on: dispatcher routes resume {route.name}")
    if route.state is RouteState.TRIAL:
        return Check("routes", Finding.NOTE, f"{route.name} lets us in again; one letter is on trial", "")
    found = f"{route.name} takes no letters since {route.since:%d %B %H:%M} UTC: {route.cause} {route.detail}".strip()
    fix = f"Mend the cause; it is looked at by itself, or at once: dispatcher routes probe {route.name}"
    return Check("routes", Finding.WRONG, found, fix)


async def _crew(store: Store, settings: Settings, now: datetime) -> Check:
    """Is a worker there, and is every one heard of?"""
    rows = await store.read(workers.every)
    lease, limit = settings.worker.lease_seconds, settings.worker.clock_limit_seconds
    there = crew.members(rows, now, timedelta(seconds=lease), timedelta(seconds=limit))
    silent = [one.row for one in there if one.state == "not heard of"]
    told = ", ".join(f"{one.name} on {one.seat.host} since {one.heartbeat_at:%d %B %H:%M} UTC" for one in silent)
    off = ", ".join(f"{one.row.name} on {one.row.seat.host}" for one in there if one.state == "clock off")
    if off:
        found = f"their clocks are too far from the server's, so that they take nothing: {off}"
        return Check("workers", Finding.WRONG, found, "Set those machines' clocks, or have chrony do so")
    if silent:
        fix = "Look whether its process and host run; others take over its letters when its leases end"
        return Check("workers", Finding.WRONG, f"not heard of: {told}", fix)
    if not there:
        return Check("workers", Finding.NOTE, "none is running, so nothing leaves", "Start one: dispatcher up")
    return Check("workers", Finding.GOOD, ", ".join(f"{one.row.name} {one.state}" for one in there))


def _missing(url: URL) -> bool:
    """A file that is not there would be made by looking at it."""
    return url.get_backend_name() == "sqlite" and not Path(url.database or "").exists()


def _spill(folder: Path) -> Check:
    """Outcomes that the database would not take."""
    waiting, bad = folder / "spill.jsonl", folder / "spill.bad"
    if waiting.exists() or any(folder.glob("spill-*.taken")):
        found = f"some wait in {waiting} for the database"
        return Check("outcomes", Finding.WRONG, found, "Start a worker: it takes them in at once")
    if bad.exists():
        fix = "Compare it with doubts list, settle those doubts, then move the file away"
        return Check("outcomes", Finding.WRONG, f"{bad} holds some that could not be read", fix)
    return Check("outcomes", Finding.GOOD, "all are in the database")


# -- letters -----------------------------------------------------------------------------------------------------------


def _templates(folder: Path) -> Iterator[Check]:
    letters, heads = letters_in(folder), letterheads_in(folder)
    if not letters or not heads:
        found = f"{folder} holds {len(letters)} letters and {len(heads)} letterheads"
        yield Check("templates", Finding.WRONG, found, "See docs/writing-a-letter.md")
        return
    problems = list(dict.fromkeys(_faults(folder, letters, heads)))
    for problem in problems:
        yield Check("templates", Finding.WRONG, f"{problem.place}: {problem.cause}", problem.way_out)
    if not problems:
        yield Check("templates", Finding.GOOD, f"{len(letters)} letters in {len(heads)} letterheads")


def _faults(folder: Path, letters: tuple[str, ...], heads: tuple[str, ...]) -> Iterator[Problem]:
    printer = Printer(folder)
    for letter in letters:
        for path in sorted((folder / "letters" / letter).glob("*.md")):
            for head in heads:
                yield from printer.check(letter, head, path.stem)


# -- the ways out ------------------------------------------------------------------------------------------------------


def _by_fax(settings: Settings) -> bool:
    return any(_enabled(settings).get(name) for name in _gateways(settings))


def _enabled(settings: Settings) -> dict[str, bool]:
    return {name: settings.fax.gateway(name).enabled for name in FAX_GATEWAYS}


def _gateways(settings: Settings) -> list[FaxGateway]:
    """Those that faxes may go by: the ways that are set, and the default for numbers that none of them names."""
    ways = settings.fax.ways
    named = [] if any(not one.prefix for one in ways) else [settings.fax.default]
    return list(dict.fromkeys([*named, *(gateway for one in ways for gateway in one.gateways)]))


def _fax_ways(settings: Settings) -> Iterator[Check]:
    """Nothing where one gateway takes every fax."""
    for one in settings.fax.ways:
        off = [name for name in one.gateways if not _enabled(settings)[name]]
        numbers = f"faxes to {one.prefix or 'all other numbers'}"
        if len(off) == len(one.gateways):
            fix = f"Set fax.{off[0]}.enabled, or name another gateway in fax.ways"
            yield Check("fax ways", Finding.WRONG, f"{numbers} have no gateway: {', '.join(off)} not enabled", fix)
        elif off:
            found = f"{numbers} go without {', '.join(off)}, which is not enabled"
            yield Check("fax ways", Finding.NOTE, found, f"Set fax.{off[0]}.enabled")
        else:
            yield Check("fax ways", Finding.GOOD, f"{numbers} go by {', then '.join(one.gateways)}")


def _header_line(settings: Settings) -> Iterator[Check]:
    """The line with sender, number and date that faxes must show; nothing to say where none are sent."""
    name, header = "fax header line", settings.fax.header
    if not _by_fax(settings):
        return
    if all(getattr(settings.fax.gateway(one), "header", "ours") == "gateway" for one in _gateways(settings)):
        yield Check(
            name, Finding.NOTE, "the gateway prints it", "Look at a fax that arrived: some print '-' until told"
        )
    elif not header.enabled:
        yield Check(name, Finding.NOTE, "switched off", "Switch it on where the law asks for it: fax.header.enabled")
    elif not header.number:
        fix = "Set fax.header.number to your fax or telephone number"
        yield Check(name, Finding.WRONG, "no fax can leave: the number that it must show is not set", fix)
    else:
        yield Check(name, Finding.GOOD, f"{header.sender or 'the sender of the letter'}, {header.number}")


def _ways_out(settings: Settings) -> Check:
    by_fax = _by_fax(settings)
    ways = [
        *(["email"] if settings.mail.relays else []),
        *([f"fax ({', '.join(_gateways(settings))})"] if by_fax else []),
    ]
    if len(ways) == 2:
        return Check("ways out", Finding.GOOD, " and ".join(ways))
    if ways:
        return Check(
            "ways out", Finding.NOTE, f"only {ways[0]}; letters of the other kind wait", "Set it if you need it"
        )
    fix = "Set [[mail.relays]], or a gateway in [fax]"
    return Check("ways out", Finding.WRONG, "neither a mail server nor a fax gateway is set", fix)


def _servers(settings: Settings) -> Iterator[tuple[str, str, int]]:
    for relay in settings.mail.relays:
        yield f"mail server {relay.name}", relay.host, relay.port
    if settings.fax.simulator.enabled:
        url = urlsplit(settings.fax.simulator.url)
        yield "fax simulator", url.hostname or "", url.port or (443 if url.scheme == "https" else 80)


async def _reach(name: str, host: str, port: int, *, connect: bool) -> Check:
    if not connect and not is_loopback(host):
        return Check(name, Finding.NOTE, f"{host}:{port} was not tried", "Try it with: dispatcher doctor --connect")
    try:
        async with asyncio.timeout(PATIENCE):
            _, writer = await asyncio.open_connection(host, port)
    except (OSError, TimeoutError) as error:
        why = str(error) or f"no answer within {PATIENCE:.0f} s"
        return Check(name, Finding.WRONG, f"{host}:{port}: {why}", "Start it, or correct host and port")
    writer.close()
    return Check(name, Finding.GOOD, f"{host}:{port} answers")

"""The shape of the settings: every key, its type, its default and what it must satisfy. Reads nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidationInfo,
    field_serializer,
    model_validator,
)

from dispatcher.domain.address import parse_fax
from dispatcher.domain.errors import UserError

from .limits import DomainPace, Limits, Pace, Spending
from .rhythms import Rhythms
from .section import Section, wrong

#: Their names stand beside those of the relays wherever ways out are told or paused.
CHANNELS = ("smtp", "mailfax", "simulator")
_LABEL = r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_DOMAIN = re.compile(rf"(?=.{{1,253}}$){_LABEL}(\.{_LABEL})*", re.IGNORECASE)
_PASSWORD = re.compile(r"(://[^:/@]*:).*@")
_SQLITE = "sqlite+aiosqlite:///"
_POSTGRESQL = "postgresql+psycopg://"


def masked(url: str) -> str:
    """The address without the password that may stand in it."""
    return _PASSWORD.sub(r"\1***@", url)


def is_loopback(host: str) -> bool:
    """Whether `host` names this machine for certain, without asking a name server."""
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _resolved(value: object, info: ValidationInfo) -> object:
    if value == "":
        return None
    if isinstance(value, str | Path):
        return (info.context or {}).get("base", Path()) / Path(value).expanduser()
    return value


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise wrong("E_ZONE", f"there is no time zone '{name}'", "Use an IANA name such as Europe/Zurich") from None
    return name


def _domain(name: str) -> str:
    if not _DOMAIN.fullmatch(name):
        raise wrong("E_DOMAIN", f"'{name}' is no domain name", "Use ASCII letters, digits, hyphens and dots") from None
    return name.lower()


def _number(text: str) -> str:
    """A telephone number as it is printed: in any spelling, as long as it is an international one."""
    if text:
        try:
            parse_fax(text)
        except UserError:
            raise wrong(
                "E_FAX_HEADER", f"'{text}' is no international number", "Write it as +41 22 555 01 00"
            ) from None
    return text.strip()


def _database(url: str, info: ValidationInfo) -> str:
    if url.startswith(_POSTGRESQL):
        return url
    if not url.startswith(_SQLITE):
        raise wrong(
            "E_DATABASE_URL", "the database is neither SQLite nor PostgreSQL", f"Use {_SQLITE}… or {_POSTGRESQL}…"
        )
    base: Path = (info.context or {}).get("base", Path())
    return _SQLITE + str(base / url.removeprefix(_SQLITE))


Place = Annotated[Path, BeforeValidator(_resolved)]  #: relative to the project folder, see `load`
File = Annotated[Path | None, BeforeValidator(_resolved)]  #: a file that anybody may read
Secret = Annotated[Path | None, BeforeValidator(_resolved)]  #: a file that holds one secret and nothing else
Domain = Annotated[str, AfterValidator(_domain)]
Zone = Annotated[str, AfterValidator(_zone)]
Port = Annotated[int, Field(ge=1, le=65535)]
Price = Annotated[Decimal, Field(ge=0, le=1000, max_digits=9, decimal_places=5)]  #: as text or as a number
Count = Annotated[int, Field(ge=1, le=10_000)]
Seconds = Annotated[float, Field(gt=0, le=86_400)]
Minutes = Annotated[tuple[Annotated[float, Field(gt=0, le=43_200)], ...], Field(min_length=1, max_length=50)]


class Office(Section):
    """Whose letters these are, and where the data live."""

    folder: Place = Path("var")
    organisation_domain: Domain = "cmc.example"  #: the right-hand side of every Message-ID
    timezone: Zone = "Europe/Zurich"


class Database(Section):
    """Where the rows live."""

    url: Annotated[str, AfterValidator(_database)] = _SQLITE + "var/dispatcher.db"
    password_file: Secret = None  #: PostgreSQL only

    def __repr_args__(self) -> Iterator[tuple[str | None, object]]:
        yield from {**dict(self), "url": masked(self.url)}.items()

    @field_serializer("url", when_used="json")
    def _shown(self, url: str) -> str:
        return masked(url)


class Archive(Section):
    """Where the letters and the evidence live, by their digests."""

    folder: Place = Path("var/archive")


class Relay(Section):
    """A mail server that takes our letters. Time-outs in seconds, after RFC 5321 section 4.5.3.2."""

    name: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = "main"
    host: Annotated[str, Field(min_length=1)] = "localhost"
    port: Port = 25
    security: Literal["tls", "starttls", "none"] = "none"
    user: str = ""
    password_file: Secret = None
    timeout_connect: Seconds = 30
    timeout_reply: Seconds = 300
    timeout_dot: Seconds = 600
    connections: Annotated[int, Field(ge=1, le=100)] = 4
    pace: Pace = Pace()
    log_file: File = None  #: where this relay logs, if it is our own: doubts are looked up there
    log_folder: File = None  #: of the files rotated away from it, where they do not lie beside it
    log_zone: Annotated[str, AfterValidator(lambda name: name and _zone(name))] = ""  #: '' is this machine's
    queue_command: str = ""  #: lists its queue as postqueue -j does; '': only the log is asked

    @model_validator(mode="after")
    def _logged(self) -> Self:
        if self.log_file is None and (self.log_folder or self.log_zone or self.queue_command):
            raise wrong(
                "E_RELAY_LOG", f"relay '{self.name}' has no log_file that these keys could be about", "Set log_file"
            )
        return self

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.security == "none" and not is_loopback(self.host):
            raise wrong(
                "E_RELAY_PLAIN",
                f"relay '{self.name}' would send letters and password unencrypted to {self.host}",
                "Set security to 'tls' or 'starttls'; 'none' is for this machine alone",
            )
        if bool(self.user) != bool(self.password_file):
            raise wrong(
                "E_RELAY_SIGN_IN",
                f"relay '{self.name}' has only one of user and password_file",
                "Give both, or neither",
            )
        return self


class Mail(Section):
    """Letters by email."""

    return_path_domain: Domain = "cmc.example"  #: the domain that bounces come back to
    bounce_window_days: Annotated[float, Field(gt=0, le=30)] = 5
    max_bytes: Annotated[int, Field(ge=100_000, le=1_000_000_000)] = 10_000_000  #: of the largest mail that is sent
    per_domain: DomainPace = DomainPace()  #: how fast to each domain that mail goes to
    relays: tuple[Relay, ...] = ()  #: tried in this order

    @model_validator(mode="after")
    def _named_once(self) -> Self:
        names = [*CHANNELS, *(relay.name for relay in self.relays)]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            cause = f"two relays, or a relay and a channel, are named '{twice[0]}'"
            raise wrong("E_RELAY_TWICE", cause, "Give each relay a name of its own")
        return self


class MailFax(Section):
    """Fax by email to a gateway's address (RFC 3192)."""

    enabled: bool = False
    pattern: str = "FAX={e164}@{domain}"  #: {e164} is +41…, {digits} is 41…
    domain: str = ""
    relay: str = ""  #: the name of one relay; '' is all of them in order
    header: Literal["ours", "gateway"] = "ours"  #: who prints the line with sender, number, date and page
    pace: Pace = Pace()

    @model_validator(mode="after")
    def _addressable(self) -> Self:
        if "{e164}" not in self.pattern and "{digits}" not in self.pattern:
            raise wrong("E_FAX_PATTERN", "the pattern has no place for the number", "Put {e164} or {digits} into it")
        if self.enabled and "{domain}" in self.pattern and not self.domain:
            raise wrong("E_FAX_DOMAIN", "the pattern needs a domain and none is set", "Set fax.mailfax.domain")
        return self


class Simulator(Section):
    """The fax gateway of our own, for rehearsals."""

    enabled: bool = False
    url: Annotated[str, Field(pattern=r"^https?://[^\s/@]+(/\S*)?$")] = "http://127.0.0.1:8026"
    secret_file: Secret = None  #: what its callbacks are signed with
    pace: Pace = Pace()


class FaxHeader(Section):
    """The line with sender, number, date and page at the top of each fax page (47 CFR 68.318(d))."""

    enabled: bool = True
    sender: Annotated[str, Field(max_length=60)] = ""  #: '' is the sender of the letter
    number: Annotated[str, AfterValidator(_number)] = ""  #: of the sending machine, or of the sender
    zone: Annotated[str, AfterValidator(lambda name: name and _zone(name))] = ""  #: '' is office.timezone


class Tariff(Section):
    """What a gateway asks for calls to numbers that begin so; the longest beginning counts."""

    prefix: Annotated[str, Field(pattern=r"^(\+[0-9]{1,15})?$")] = ""  #: '' is every number
    gateway: Literal["", "simulator", "mailfax"] = ""  #: '' is every gateway
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    per_minute: Price = Decimal(0)
    per_page: Price = Decimal(0)
    per_call: Price = Decimal(0)
    step_seconds: Annotated[int, Field(ge=1, le=3600)] = 60  #: each started step counts whole
    minimum_seconds: Annotated[int, Field(ge=0, le=3600)] = 0


FaxGateway = Literal["simulator", "mailfax"]


class FaxWay(Section):
    """The gateways that take faxes to numbers that begin so, in the order in which they are tried."""

    prefix: Annotated[str, Field(pattern=r"^(\+[0-9]{1,15})?$")] = ""  #: '' is every other number
    gateways: Annotated[tuple[FaxGateway, ...], Field(min_length=1)] = ("simulator",)


class Fax(Section):
    """Letters by fax."""

    default: FaxGateway = "simulator"
    ways: tuple[FaxWay, ...] = ()  #: where one gateway is not enough; the longest beginning counts
    proof_hours: Annotated[float, Field(gt=0, le=720)] = 24
    call_minutes: Annotated[float, Field(ge=0, le=1440)] = 20  #: so long a fax without news is taken for a call
    header: FaxHeader = FaxHeader()
    mailfax: MailFax = MailFax()
    simulator: Simulator = Simulator()
    tariffs: tuple[Tariff, ...] = ()
    spending: Spending = Spending()

    @model_validator(mode="after")
    def _one_currency(self) -> Self:
        others = sorted({one.currency for one in self.tariffs} - {self.spending.currency})
        if self.spending.limited and others:
            raise wrong(
                "E_SPENDING_CURRENCY",
                f"fax.spending is in {self.spending.currency}, and a tariff in {others[0]}",
                "Write all tariffs, and the limits, in one currency",
            )
        return self

    @model_validator(mode="after")
    def _one_way_each(self) -> Self:
        beginnings = [one.prefix for one in self.ways]
        if twice := sorted({one for one in beginnings if beginnings.count(one) > 1}):
            raise wrong("E_FAX_WAY_TWICE", f"two ways are for '{twice[0]}'", "Leave one of them")
        return self

    @model_validator(mode="after")
    def _priced_once(self) -> Self:
        names = [(one.gateway, one.prefix) for one in self.tariffs]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise wrong("E_TARIFF_TWICE", f"two tariffs are for '{twice[0][1]}'", "Leave one of them")
        return self


class Worker(Section):
    """How much is tried at once, and under which name."""

    name: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9._-]{0,62})?$")] = ""  #: '': host and process number
    lease_seconds: Annotated[float, Field(ge=5, le=3600)] = 60
    clock_limit_seconds: Annotated[float, Field(ge=1, le=60)] = 5  #: how far its clock may be from the server's
    batch: Count = 20
    concurrency: Count = 16
    tick_seconds: Annotated[float, Field(gt=0, le=3600)] = 2


class Retries(Section):
    """Minutes between the tries of a cause that has no rhythm of its own; the length is the number of further tries."""

    email: Minutes = (15, 60, 240, 480, 1440)
    fax: Minutes = (10, 20, 40, 120)
    causes: Rhythms = Rhythms()


class Callbacks(Section):
    """Where the gateways' callbacks are listened for."""

    host: str = "127.0.0.1"
    port: Port = 8025


class Secrets(Section):
    """Keys of our own."""

    token_key_file: Place = Path("var/token.key")  #: signs return paths; made by Dispatcher when absent


class Guard(Section):
    """What is noted outside the database, so that a restored or copied one is found before it sends anything."""

    folder: Place = Path("var/guard")  #: no backup of the database carries it; best on another disk
    machine: Annotated[str, Field(max_length=100)] = ""  #: a name for this machine; '' is the system's own
    shared: bool = False  #: several machines send from this database, though it looks as if it were on each of them


class Signing(Section):
    """The signature in every PDF; none unless it is set. What the files hold is judged by `signing_problems`."""

    certificate_file: File = None  #: PEM: the signer's, then those that vouch for it
    key_file: Secret = None  #: PEM
    passphrase_file: Secret = None  #: of the key


class Templates(Section):
    """How the letters look."""

    folder: Place = Path("templates")


class Contacts(Section):
    """To whom we write."""

    folder: Place = Path("config/contacts")


class Campaigns(Section):
    """What we write, and when."""

    folder: Place = Path("config/campaigns")


class Calendars(Section):
    """Closed days that only you know."""

    closed_days: File = None  #: a file of your own, read by `intake.almanac`


class Settings(Section):
    """Everything that an administrator decides."""

    office: Office = Office()
    database: Database = Database()
    archive: Archive = Archive()
    mail: Mail = Mail()
    fax: Fax = Fax()
    worker: Worker = Worker()
    retries: Retries = Retries()
    limits: Limits = Limits()
    callbacks: Callbacks = Callbacks()
    secrets: Secrets = Secrets()
    guard: Guard = Guard()
    signing: Signing = Signing()
    templates: Templates = Templates()
    contacts: Contacts = Contacts()
    campaigns: Campaigns = Campaigns()
    calendars: Calendars = Calendars()

    base: Path = Field(default=Path(), exclude=True)  #: the project folder: relative paths start here
    origins: dict[str, str] = Field(default_factory=dict, exclude=True, repr=False)  #: key → where its value is from

    @model_validator(mode="after")
    def _relay_known(self) -> Self:
        name = self.fax.mailfax.relay
        if name and name not in {relay.name for relay in self.mail.relays}:
            raise wrong("E_RELAY_UNKNOWN", f"fax.mailfax.relay names no relay: '{name}'", "Name one of mail.relays")
        return self

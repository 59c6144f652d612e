"""The shape of the settings: every key, its type, its default and what it must satisfy. Reads nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, field_serializer, model_validator

from .fax import FAX_GATEWAYS, Fax
from .inbox import Inbox
from .limits import DomainPace, Limits, Pace
from .rhythms import Rhythms
from .section import Section, wrong
from .values import (
    SQLITE,
    Count,
    Domain,
    File,
    Minutes,
    Place,
    Port,
    Seconds,
    Secret,
    Zone,
    database,
    is_loopback,
    masked,
    zone,
)

#: Their names stand beside those of the relays wherever ways out are told or paused.
CHANNELS = ("smtp", *FAX_GATEWAYS)


class Office(Section):
    """Whose letters these are, and where the data live."""

    folder: Place = Path("var")
    organisation_domain: Domain = "cmc.example"  #: the right-hand side of every Message-ID
    timezone: Zone = "Europe/Zurich"


class Database(Section):
    """Where the rows live."""

    url: Annotated[str, AfterValidator(database)] = SQLITE + "var/dispatcher.db"
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
    log_zone: Annotated[str, AfterValidator(lambda name: name and zone(name))] = ""  #: '' is this machine's
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
    url: Annotated[str, Field(pattern=r"^(https?://[^\s/@?#]+(/[^\s?#]*)?)?$")] = ""  #: as providers reach it

    @property
    def outside(self) -> str:
        """The address that a provider is told, without the channel's name; '' where none reaches us."""
        return f"{self.url.rstrip('/')}/callbacks" if self.url else ""


class Secrets(Section):
    """Keys of our own."""

    token_key_file: Place = Path("var/token.key")  #: signs return paths; made by Dispatcher when absent


class Guard(Section):
    """What is noted outside the database, so that a restored or copied one is found before it sends anything."""

    folder: Place = Path("var/guard")  #: no backup of the database carries it; best on another disk
    machine: Annotated[str, Field(max_length=100)] = ""  #: a name for this machine; '' is the system's own
    shared: bool = False  #: several machines send from this database, though it looks as if it were on each of them


class Audit(Section):
    """How the state of the audit log is signed, and where that is kept."""

    key_file: Place = Path("var/guard/audit.key")  #: Ed25519, PEM; made by Dispatcher when absent; its .pub beside it
    seals: Place = Path("var/guard/audit-seals.jsonl")  #: best on another disk, and copied elsewhere


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
    inbox: Inbox = Inbox()
    worker: Worker = Worker()
    retries: Retries = Retries()
    limits: Limits = Limits()
    callbacks: Callbacks = Callbacks()
    secrets: Secrets = Secrets()
    guard: Guard = Guard()
    signing: Signing = Signing()
    audit: Audit = Audit()
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

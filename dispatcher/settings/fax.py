"""The shape of the settings for fax: the gateways, which of them take what, the header line, what calls cost."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Literal, Self, get_args

from pydantic import AfterValidator, Field, model_validator

from dispatcher.domain.address import parse_fax
from dispatcher.domain.errors import UserError

from .gateways import Interfax, Number, OverHttp, Sinch, Telnyx
from .limits import Pace, Spending
from .section import Section, wrong
from .values import Port, Price, Seconds, Secret, is_loopback, zone

#: The gateways, each with a table of its name in [fax]. A new one is a word here, a table and a channel.
FaxGateway = Literal["simulator", "mailfax", "hylafax", "telnyx", "sinch", "interfax"]
FAX_GATEWAYS: tuple[FaxGateway, ...] = get_args(FaxGateway)


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


class MailFax(Section):
    """Fax by email to a gateway's address (RFC 3192)."""

    enabled: bool = False
    preset: Literal["", "rfc3192", "interfax", "sinch", "documo"] = ""  #: a gateway whose address is known
    pattern: str = "FAX={e164}@{domain}"  #: without a preset: {e164} is +41…, {digits} is 41…
    domain: str = ""
    number: Number = ""  #: of your own, where the gateway wants it (sinch)
    relay: str = ""  #: the name of one relay; '' is all of them in order
    header: Literal["ours", "gateway"] = "ours"  #: who prints the line with sender, number, date and page
    pace: Pace = Pace()

    @model_validator(mode="after")
    def _addressable(self) -> Self:
        if "{e164}" not in self.pattern and "{digits}" not in self.pattern:
            raise wrong("E_FAX_PATTERN", "the pattern has no place for the number", "Put {e164} or {digits} into it")
        own = self.preset in ("", "rfc3192")
        if self.enabled and own and "{domain}" in self.pattern and not self.domain:
            raise wrong("E_FAX_DOMAIN", "the pattern needs a domain and none is set", "Set fax.mailfax.domain")
        return self


class Simulator(Section):
    """The fax gateway of our own, for rehearsals."""

    enabled: bool = False
    url: Annotated[str, Field(pattern=r"^https?://[^\s/@]+(/\S*)?$")] = "http://127.0.0.1:8026"
    secret_file: Secret = None  #: what its callbacks are signed with
    pace: Pace = Pace()


class Hylafax(Section):
    """A HylaFAX server of one's own (hfaxd, port 4559)."""

    enabled: bool = False
    host: Annotated[str, Field(min_length=1)] = "127.0.0.1"
    port: Port = 4559
    trusted_network: bool = False  #: nobody can listen between us and the server: its protocol knows no encryption
    user: Annotated[str, Field(pattern=r"^[!-~]{1,60}$")] = "dispatcher"
    password_file: Secret = None
    timeout: Seconds = 60  #: for a connection, and for each answer
    connections: Annotated[int, Field(ge=1, le=100)] = 4
    dial: Annotated[str, Field(pattern=r"^[0-9A-Za-z*#+,;@{} ()-]{1,60}$")] = "{e164}"  #: {e164}, or {digits}
    modem: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,60}$")] = "any"
    dials: Annotated[int, Field(ge=1, le=20)] = 1
    tries: Annotated[int, Field(ge=1, le=20)] = 1
    end_minutes: Annotated[int, Field(ge=5, le=10_000)] = 50  #: what is not sent by then, the server gives up
    keeps_minutes: Annotated[int, Field(ge=1, le=1_000_000)] = 15  #: so long it shows what is over (faxqclean -j)
    error_correction: bool = True
    pace: Pace = Pace()

    @model_validator(mode="after")
    def _addressable(self) -> Self:
        if "{e164}" not in self.dial and "{digits}" not in self.dial:
            raise wrong("E_FAX_PATTERN", "'dial' has no place for the number", "Put {e164} or {digits} into it")
        return self

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.enabled and not is_loopback(self.host) and not self.trusted_network:
            raise wrong(
                "E_FAX_PLAIN",
                f"fax.hylafax would send letters and password unencrypted to {self.host}",
                "Run on that machine, or say trusted_network = true where nobody can listen (a VPN)",
            )
        return self


class FaxHeader(Section):
    """The line with sender, number, date and page at the top of each fax page (47 CFR 68.318(d))."""

    enabled: bool = True
    sender: Annotated[str, Field(max_length=60)] = ""  #: '' is the sender of the letter
    number: Annotated[str, AfterValidator(_number)] = ""  #: of the sending machine, or of the sender
    zone: Annotated[str, AfterValidator(lambda name: name and zone(name))] = ""  #: '' is office.timezone


class Tariff(Section):
    """What a gateway asks for calls to numbers that begin so; the longest beginning counts."""

    prefix: Annotated[str, Field(pattern=r"^(\+[0-9]{1,15})?$")] = ""  #: '' is every number
    gateway: FaxGateway | Literal[""] = ""  #: '' is every gateway
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "EUR"
    per_minute: Price = Decimal(0)
    per_page: Price = Decimal(0)
    per_call: Price = Decimal(0)
    step_seconds: Annotated[int, Field(ge=1, le=3600)] = 60  #: each started step counts whole
    minimum_seconds: Annotated[int, Field(ge=0, le=3600)] = 0


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
    hylafax: Hylafax = Hylafax()
    telnyx: Telnyx = Telnyx()
    sinch: Sinch = Sinch()
    interfax: Interfax = Interfax()
    tariffs: tuple[Tariff, ...] = ()
    spending: Spending = Spending()

    def gateway(self, name: FaxGateway) -> MailFax | Simulator | Hylafax | OverHttp:
        """The table of a gateway."""
        table: MailFax | Simulator | Hylafax | OverHttp = getattr(self, name)
        return table

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

"""The shape of the settings for fax gateways spoken to over HTTP: one table each, with what its vendor asks."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, ClassVar, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from dispatcher.domain.address import parse_fax
from dispatcher.domain.errors import UserError

from .limits import Pace
from .section import Section, wrong
from .values import Seconds, Secret, is_loopback


def _e164(text: str) -> str:
    """A number of one's own, in any spelling; as +41225550100."""
    try:
        return parse_fax(text) if text else ""
    except UserError:
        raise wrong("E_FAX_NUMBER", f"'{text}' is no international number", "Write it as +41 22 555 01 00") from None


def _address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise wrong("E_FAX_URL", f"'{url}' is no address of a gateway", "Leave the key out, or write https://host/path")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        raise wrong("E_FAX_PLAIN", f"'{url}' would send letters and keys unencrypted", "Use https://")
    return url.rstrip("/")


def _public_key(text: str) -> str:
    try:
        good = not text or len(base64.b64decode(text, validate=True)) == 32
    except (binascii.Error, ValueError):
        good = False
    if not good:
        raise wrong("E_FAX_KEY", "this is no public key of Telnyx", "Copy it out of the portal: 44 letters, with '='")
    return text


Number = Annotated[str, AfterValidator(_e164)]
Address = Annotated[str, AfterValidator(_address)]
Word = Annotated[str, Field(pattern=r"^[!-~]{0,100}$")]


class OverHttp(Section):
    """What all of them have. `needs` are the keys without which one cannot be switched on."""

    needs: ClassVar[tuple[str, ...]] = ()
    title: ClassVar[str] = ""

    enabled: bool = False
    timeout: Seconds = 60  #: for a connection, and for each answer
    pace: Pace = Pace()

    @model_validator(mode="after")
    def _whole(self) -> Self:
        missing = [key for key in self.needs if not getattr(self, key)]
        if self.enabled and missing:
            cause = f"fax.{self.title} is enabled and lacks {', '.join(missing)}"
            raise wrong(
                "E_FAX_GATEWAY", cause, "Set it, or switch the gateway off; docs/fax-gateways.md says where it is"
            )
        return self


class Telnyx(OverHttp):
    """Telnyx Programmable Fax."""

    needs: ClassVar[tuple[str, ...]] = ("key_file", "public_key", "connection", "number")
    title: ClassVar[str] = "telnyx"

    url: Address = "https://api.telnyx.com/v2"
    key_file: Secret = None
    public_key: Annotated[str, AfterValidator(_public_key)] = ""  #: of the account: its webhooks are signed with it
    connection: Word = ""  #: the id of the fax application
    number: Number = ""  #: from which faxes leave
    quality: Literal["normal", "high", "very_high"] = "high"


class Sinch(OverHttp):
    """The Sinch Fax API v3."""

    needs: ClassVar[tuple[str, ...]] = ("project", "key", "secret_file")
    title: ClassVar[str] = "sinch"

    url: Address = "https://fax.api.sinch.com"
    project: Word = ""
    key: Word = ""  #: the id of the access key
    secret_file: Secret = None  #: the key's secret
    number: Number = ""  #: from which faxes leave; '' is the first of the account
    service: Word = ""  #: '' is the project's default
    header: Literal["ours", "gateway"] = "gateway"  #: who prints the line with sender, number, date and page


class Interfax(OverHttp):
    """The InterFAX REST API."""

    needs: ClassVar[tuple[str, ...]] = ("user", "password_file")
    title: ClassVar[str] = "interfax"

    url: Address = "https://rest.interfax.net"
    user: Word = ""
    password_file: Secret = None

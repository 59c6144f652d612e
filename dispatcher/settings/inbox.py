"""The shape of the settings for what comes back by mail: the ways in."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from .section import Section, wrong
from .values import File, Port, Seconds, Secret, is_loopback


class Imap(Section):
    """A folder on an IMAP server; read, never changed."""

    enabled: bool = False
    host: Annotated[str, Field(min_length=1)] = "localhost"
    port: Port = 993
    security: Literal["tls", "starttls", "none"] = "tls"
    user: str = ""
    password_file: Secret = None
    folder: Annotated[str, Field(min_length=1)] = "INBOX"
    timeout: Seconds = 60

    @model_validator(mode="after")
    def _guarded(self) -> Self:
        if self.enabled and self.security == "none" and not is_loopback(self.host):
            raise wrong(
                "E_IMAP_PLAIN",
                f"the password would go unencrypted to {self.host}",
                "Set security to 'tls' or 'starttls'; 'none' is for this machine alone",
            )
        if self.enabled and not (self.user and self.password_file):
            raise wrong("E_IMAP_SIGN_IN", "inbox.imap has no user, or no password_file", "Give both")
        return self


class Lmtp(Section):
    """The door for one's own mail server, on this machine alone."""

    enabled: bool = False
    host: str = "127.0.0.1"
    port: Port = 8024

    @model_validator(mode="after")
    def _near(self) -> Self:
        if not is_loopback(self.host):
            raise wrong("E_LMTP_HOST", f"inbox.lmtp would listen at {self.host}", "It listens on this machine alone")
        return self


class Inbox(Section):
    """Where what comes back by mail is found."""

    maildir: File = None
    poll_seconds: Annotated[float, Field(ge=1, le=86_400)] = 60
    imap: Imap = Imap()
    lmtp: Lmtp = Lmtp()

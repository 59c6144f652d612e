"""Our own mail server: the Postfix of the receivers, which sends on, gives back, and brings us what comes back."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from receivers.postfix import Postfix

_MORE = """
transport_maps = regexp:{home}/etc/transport
virtual_mailbox_domains = coalition.example, served.example
virtual_mailbox_maps = regexp:{home}/etc/mailboxes
smtp_host_lookup = native
lmtp_host_lookup = native
smtp_dns_support_level = disabled
delay_warning_time = 3s
smtp_destination_concurrency_limit = 20
"""
_TRANSPORT = """\
/@bounce\\.coalition\\.example$/ lmtp:inet:127.0.0.1:{door}
/@mx\\.example$/ smtp:[127.0.0.1]:{farend}
"""
_MAILBOXES = """\
/@coalition\\.example$/ office/
/@served\\.example$/ all/
"""
_SERVICES = """\
smtp unix - - n - - smtp
lmtp unix - - n - - lmtp
"""


@dataclass(slots=True)
class PostOffice:
    """It delivers what is for us: reports to the door for LMTP, all else to the Maildir `office`."""

    postfix: Postfix
    farend: int
    door: int

    def __post_init__(self) -> None:
        etc = self.postfix.home / "etc"
        facts = {"home": self.postfix.home, "farend": self.farend, "door": self.door}
        kept = [line for line in (etc / "main.cf").read_text().splitlines() if not line.startswith("virtual_mailbox_")]
        base = f"virtual_mailbox_base = {self.postfix.home}/mail"
        (etc / "main.cf").write_text("\n".join([*kept, base]) + _MORE.format(**facts))
        (etc / "master.cf").write_text((etc / "master.cf").read_text() + _SERVICES)
        (etc / "transport").write_text(_TRANSPORT.format(**facts))
        (etc / "mailboxes").write_text(_MAILBOXES)

    @property
    def maildir(self) -> Path:
        return self.postfix.home / "mail" / "office"

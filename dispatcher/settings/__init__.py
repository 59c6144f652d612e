"""Settings: a TOML file, the environment and secret files become one frozen `Settings`. Nothing else reads them.

What wins, from the strongest: command line, environment (`DISPATCHER__WORKER__BATCH=40`), secret files,
the TOML file, the default. Every problem in all of them is reported at once, as one SettingsError.
"""

from .causes import CauseText, causes
from .fax import Fax, MailFax, Simulator
from .load import load
from .model import Archive, Callbacks, Database, Mail, Office, Relay, Settings, Signing, Worker
from .secret import database_url, read_secret
from .shown import Shown, shown
from .signing import Signer, signer

__all__ = [
    "Archive",
    "Callbacks",
    "CauseText",
    "Database",
    "Fax",
    "Mail",
    "MailFax",
    "Office",
    "Relay",
    "Settings",
    "Shown",
    "Signer",
    "Signing",
    "Simulator",
    "Worker",
    "causes",
    "database_url",
    "load",
    "read_secret",
    "shown",
    "signer",
]

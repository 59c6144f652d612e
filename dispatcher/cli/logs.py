"""The program's own log on standard error: plain lines on a terminal, JSON lines elsewhere, addresses masked.

The log is for whoever minds the machine; what became of a letter stands in the audit log.
"""

from __future__ import annotations

import json
import logging
import re
import sys
from datetime import UTC, datetime

_EMAIL = re.compile(r"[\w.!#$%&'*+/=?^`{|}~-]+@(?=[\w-]+\.)")
_FAX = re.compile(r"\+\d{4,}(?=\d{2}(?!\d))")
#: Libraries that tell at INFO what only their own makers want to know.
_CHATTY = ("aiosqlite", "apscheduler", "alembic", "httpx2", "httpcore2", "sqlalchemy", "uvicorn", "asyncio", "mail.log")


def start(*, verbose: bool) -> None:
    """Send the log to standard error; `verbose` tells more."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines() if sys.stderr.isatty() else JsonLines())
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)
    for name in _CHATTY:
        logging.getLogger(name).setLevel(logging.INFO if verbose else logging.WARNING)
    # That a tick was still at work when the next one was due is what we want of it, and no news.
    logging.getLogger("apscheduler").setLevel(logging.INFO if verbose else logging.ERROR)


def masked(text: str) -> str:
    """The text without the local parts of email addresses and the middles of fax numbers."""
    return _FAX.sub(lambda found: f"{found[0][:3]}…", _EMAIL.sub("…@", text))


class Lines(logging.Formatter):
    """`12:30:01 WARNING …` for a person."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")

    def format(self, record: logging.LogRecord) -> str:
        return masked(super().format(record))


class JsonLines(logging.Formatter):
    """One object a line for a collector of logs."""

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": masked(record.getMessage()),
        }
        if record.exc_info:
            entry["traceback"] = masked(self.formatException(record.exc_info))
        return json.dumps(entry, ensure_ascii=False)

"""What the database's faults are called, and what to do about each. Alone gives a driver's error its code and words."""

from __future__ import annotations

import errno
import sqlite3
from dataclasses import dataclass

from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from dispatcher.domain.errors import DispatcherError, Problem

BUSY, FULL, READ_ONLY, CORRUPT = "E_DB_BUSY", "E_DISK_FULL", "E_DB_RO", "E_DB_CORRUPT"
GONE, CROWDED, DISK, OTHER = "E_DB_GONE", "E_DB_CROWDED", "E_DB_IO", "E_DB_FAULT"

#: The database is ill, not the unit wrong. A PostgreSQL server that became a read-only replica says InternalError.
_ILL = (OperationalError, InterfaceError, InternalError)


class StoreFault(DispatcherError):
    """What keeps our records did not do it: locked for too long, full, gone. What was asked is not done."""

    exit_code = 75
    http_status = 503

    def __init__(self, problem: Problem | str) -> None:
        self.problem = problem if isinstance(problem, Problem) else Problem("", problem)
        super().__init__(str(self.problem))

    @property
    def code(self) -> str:
        """'' where the words say it all."""
        return self.problem.code


@dataclass(frozen=True, slots=True)
class _Kind:
    """What people are told of one code."""

    cause: str
    file: str  #: the way out where the database is a file
    server: str  #: and where it is a server


_RESTORE = "Stop all workers, keep what is there, restore the newest backup and adopt it: docs/backup.md"
_KINDS = {
    BUSY: _Kind(
        "somebody else holds it",
        "End the process that does not let go of it; `dispatcher workers list` shows ours",
        "End the process that does not let go of it; pg_stat_activity shows them all",
    ),
    FULL: _Kind(
        "the disk is full",
        "Make room on that disk: nothing is sent without its record, and sending goes on by itself",
        "Make room on the server's disk: nothing is sent without its record, and sending goes on by itself",
    ),
    READ_ONLY: _Kind(
        "it can be read, but not written",
        "Give the file and its folder to the user of Dispatcher, on a disk that takes writes",
        "Name the server that takes writes in database.url; after a failover: dispatcher adopt",
    ),
    CORRUPT: _Kind("it is damaged, or no database at all", _RESTORE, _RESTORE),
    GONE: _Kind(
        "it cannot be reached",
        "Look whether its folder is there, whether we may open files in it, and how many we may open (ulimit -n)",
        "Start the server, or correct database.url and database.password_file",
    ),
    CROWDED: _Kind(
        "the server takes no more connections",
        "",
        "Raise its max_connections, run fewer workers, or put PgBouncer before it: each worker opens up to five",
    ),
    DISK: _Kind(
        "the disk did not do what was asked",
        "Look at the system's log for that disk before anything else is written to it",
        "Look at the server's log, and at the system's for its disk",
    ),
    OTHER: _Kind("it says", "`dispatcher doctor` looks at it", "`dispatcher doctor` looks at it"),
}

#: SQLite's primary result codes (sqlite.org/rescode.html, read November 2026).
_SQLITE = {
    sqlite3.SQLITE_PERM: READ_ONLY,
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_READONLY: READ_ONLY,
    sqlite3.SQLITE_IOERR: DISK,
    sqlite3.SQLITE_CORRUPT: CORRUPT,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_CANTOPEN: GONE,
    sqlite3.SQLITE_PROTOCOL: BUSY,
    sqlite3.SQLITE_NOTADB: CORRUPT,
}
#: PostgreSQL's codes, or the classes that they begin with (its appendix A). 57014: a question that took too long.
_SQLSTATE = {
    "08": GONE,
    "25006": READ_ONLY,
    "25P03": GONE,
    "53100": FULL,
    "53300": CROWDED,
    "55P03": BUSY,
    "57014": BUSY,
    "57P": GONE,
    "58030": DISK,
    "XX001": CORRUPT,
    "XX002": CORRUPT,
}
#: Of the system's own errors. A missing handle looks to SQLite as if the file could not be opened.
_SYSTEM = {errno.ENOSPC: FULL, errno.EDQUOT: FULL, errno.EROFS: READ_ONLY, errno.EACCES: READ_ONLY, errno.EIO: DISK}


def is_illness(fault: BaseException) -> bool:
    """Is it the database that failed, and not what was asked of it?"""
    return isinstance(fault, _ILL) or type(fault) is DatabaseError  # of a damaged file SQLite says no more than that


def told(fault: BaseException, what: str, url: URL) -> StoreFault:
    """`what` did the database not do? 'does not answer', 'did not take it'."""
    code, server = code_of(fault), url.get_backend_name() != "sqlite"
    kind = _KINDS[code]
    cause = f"the database {what}: {kind.cause} ({_words(fault)})"
    return StoreFault(Problem(place_of(url), cause, kind.server if server else kind.file, code))


def held(fault: StoreFault, holders: str) -> StoreFault:
    """The same, with who holds it."""
    problem = fault.problem
    return StoreFault(Problem(problem.place, f"{problem.cause}. Held by {holders}", problem.way_out, problem.code))


def not_written(what: str, fault: OSError) -> StoreFault:
    """A file beside the database was not written: `what` is 'the archive', or 'the checkpoint'."""
    code = _SYSTEM.get(fault.errno or 0, "")
    cause = f"{what} did not take it: {_KINDS[code].cause} ({fault})" if code else f"{what} did not take it: {fault}"
    return StoreFault(Problem("", cause, _KINDS[code].file if code else "", code))


def code_of(fault: BaseException) -> str:
    """The code of what a driver, its pool or the system raised."""
    driver = getattr(fault, "orig", None) or fault
    if isinstance(fault, PoolTimeout):
        return BUSY
    if isinstance(driver, sqlite3.Error):
        return _SQLITE.get(getattr(driver, "sqlite_errorcode", 0) & 0xFF, OTHER)
    state = getattr(driver, "sqlstate", None)
    if isinstance(state, str):
        return next((code for begin, code in _SQLSTATE.items() if state.startswith(begin)), OTHER)
    if isinstance(driver, OSError) and driver.errno in _SYSTEM:
        return _SYSTEM[driver.errno]
    return GONE  # a server that was not reached gives no code; so does one that refused us at its door


def place_of(url: URL) -> str:
    """Where the database is, without user and password."""
    if url.get_backend_name() == "sqlite":
        return url.database or ":memory:"
    host = url.query.get("host", url.host or "")
    return f"{host if isinstance(host, str) else ','.join(host)}:{url.port or 5432}/{url.database}"


def _words(fault: BaseException) -> str:
    lines = str(getattr(fault, "orig", None) or fault).split("\n")
    return lines[0].strip() or type(fault).__name__

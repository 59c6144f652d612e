"""Who holds a database that is locked: asked after the fact, so that it may be known, or not. Changes nothing."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlalchemy.engine import Row
from sqlalchemy.ext.asyncio import AsyncConnection

from . import workers

#: Linux: one line a lock, with the process that holds it (proc(5)).
LOCKS = Path("/proc/locks")
#: The bytes that SQLite locks to write: in the file itself, and in the index beside it where it writes ahead
#: (sqlite.org/fileformat2.html, section 1.2; sqlite.org/walformat.html, section 2.2.1; read November 2026).
_PENDING, _SHARED_FIRST = 0x40000000, 0x40000002
_WAL_WRITE = 120
#: So many are named.
_FEW = 3

# Ours first: then whoever has changed something in this database and has not come to an end, the oldest first.
_SERVER = text(
    "SELECT a.pid, a.application_name AS name, coalesce(host(a.client_addr), '') AS host, "
    "a.state LIKE 'idle in transaction%' AS idle, extract(epoch FROM clock_timestamp() - a.xact_start) AS seconds, "
    "EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND l.locktype = 'advisory' AND l.granted AND l.classid = 0 "
    "AND l.objid = :lock AND l.database = a.datid) AS ours "
    "FROM pg_stat_activity a WHERE a.datname = current_database() AND a.pid <> pg_backend_pid() "
    "AND a.state <> 'idle' ORDER BY ours DESC, a.backend_xid IS NULL, a.xact_start LIMIT :few"
)


def label(host: str, pid: int) -> str:
    """How a process of ours is called among the server's connections: as a worker is that was given no name."""
    return f"dispatcher {host}-{pid}"[:63]  # the server keeps no more


async def on_server(connection: AsyncConnection, lock: int) -> str:
    """'worker two (process 12 on venus), idle for 31 s in a transaction (the server's process 97)'; '' if unknown."""
    rows = (await connection.execute(_SERVER, {"lock": lock, "few": _FEW})).all()
    holding = [row for row in rows if row.ours] or rows
    names = {label(one.seat.host, one.seat.pid): f"worker {one.name}" for one in await workers.every(connection)}
    return "; ".join(_told(row, names) for row in holding)


def _told(row: Row[Any], names: Mapping[str, str]) -> str:
    who = names.get(row.name) or row.name or "a client without a name"
    where = f" from {row.host}" if row.host else ""
    doing = "doing nothing in a transaction" if row.idle else "in a transaction"
    return f"{who}{where}, {doing} since {round(row.seconds or 0)} s (the server's process {row.pid})"


def of_file(database: Path) -> str:
    """'worker two (process 12)', 'process 12 (sqlite3)', or those of ours that may hold it; '' if nothing is known.

    It waits for nobody.
    """
    try:
        holding = set(writers(database, LOCKS.read_text(encoding="ascii", errors="replace")))
    except OSError:  # not Linux
        holding = set()
    names = _on_record(database)
    if holding:
        return "; ".join(_process(pid, names) for pid in sorted(holding)[:_FEW])
    return "; ".join(f"perhaps worker {name} (process {pid})" for pid, name in sorted(names.items())[:_FEW])


def writers(database: Path, locks: str) -> Iterator[int]:
    """The processes that hold the file for writing. A process of another container's is not seen here."""
    bytes_of = {database: (_PENDING, _SHARED_FIRST), Path(f"{database}-shm"): (_WAL_WRITE, _WAL_WRITE)}
    wanted = {path.stat().st_ino: span for path, span in bytes_of.items() if path.exists()}
    for line in locks.splitlines():
        pid, inode, begin, kind = _lock(line)
        first, last = wanted.get(inode, (0, -1))
        if kind == "WRITE" and first <= begin <= last:
            yield pid


def _lock(line: str) -> tuple[int, int, int, str]:
    """(process, inode, first byte, kind) of '1: POSIX  ADVISORY  WRITE 5258 00:1b:658489 128 128'."""
    fields = line.split()
    if len(fields) != 8 or not fields[4].isdigit() or not fields[6].isdigit():
        return 0, 0, 0, ""
    return int(fields[4]), int(fields[5].rpartition(":")[2]), int(fields[6]), fields[3]


def _on_record(database: Path) -> dict[int, str]:
    """The workers that are there, by their process; none where even looking would have to wait."""
    try:
        # A connection of its own: those of the store wait as long as the lock is held.
        with closing(sqlite3.connect(f"{database.resolve().as_uri()}?mode=ro", uri=True, timeout=0)) as connection:
            return dict(connection.execute("SELECT pid, name FROM worker WHERE ended_at IS NULL").fetchall())
    except sqlite3.Error:
        return {}


def _process(pid: int, names: Mapping[int, str]) -> str:
    if pid in names:
        return f"worker {names[pid]} (process {pid})"
    try:
        name = Path(f"/proc/{pid}/comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        name = "ended meanwhile"
    return f"process {pid} ({'this one' if pid == os.getpid() else name})"

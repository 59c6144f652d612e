"""The drivers' errors and what they are called; who holds a file by the system's list of locks."""

from __future__ import annotations

import errno
import sqlite3
from pathlib import Path

import psycopg
import pytest
from psycopg.errors import lookup
from sqlalchemy import make_url
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError

from dispatcher.store.faults import StoreFault, code_of, is_illness, not_written, place_of, told
from dispatcher.store.holders import label, writers


def _sqlite(code: int) -> OperationalError:
    """As the driver makes it; the number is all that is looked at."""
    error = sqlite3.OperationalError("words")
    error.sqlite_errorcode = code
    return OperationalError("SELECT 1", {}, error)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (sqlite3.SQLITE_BUSY, "E_DB_BUSY"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "E_DB_BUSY"),
        (sqlite3.SQLITE_FULL, "E_DISK_FULL"),
        (sqlite3.SQLITE_READONLY_DBMOVED, "E_DB_RO"),
        (sqlite3.SQLITE_IOERR_FSYNC, "E_DB_IO"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "E_DB_CORRUPT"),
        (sqlite3.SQLITE_NOTADB, "E_DB_CORRUPT"),
        (sqlite3.SQLITE_CANTOPEN_ISDIR, "E_DB_GONE"),
        (sqlite3.SQLITE_ERROR, "E_DB_FAULT"),
    ],
)
def test_a_code_of_sqlite_s_and_all_its_kinds_have_one_name(number: int, code: str) -> None:
    assert code_of(_sqlite(number)) == code


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("55P03", "E_DB_BUSY"),
        ("57014", "E_DB_BUSY"),
        ("53100", "E_DISK_FULL"),
        ("25006", "E_DB_RO"),
        ("XX001", "E_DB_CORRUPT"),
        ("XX002", "E_DB_CORRUPT"),
        ("08006", "E_DB_GONE"),
        ("57P01", "E_DB_GONE"),
        ("25P03", "E_DB_GONE"),
        ("53300", "E_DB_CROWDED"),
        ("58030", "E_DB_IO"),
        ("53200", "E_DB_FAULT"),
    ],
)
def test_a_code_of_the_server_s_has_one_name(state: str, code: str) -> None:
    assert code_of(OperationalError("SELECT 1", {}, lookup(state)("words"))) == code


def test_a_server_that_was_not_reached_has_no_code_and_is_gone() -> None:
    assert code_of(OperationalError("", {}, psycopg.OperationalError("connection refused"))) == "E_DB_GONE"


def test_only_the_database_s_own_faults_are_an_illness() -> None:
    damaged = DatabaseError("SELECT 1", {}, sqlite3.DatabaseError("database disk image is malformed"))
    assert is_illness(damaged)
    assert is_illness(_sqlite(sqlite3.SQLITE_BUSY))
    assert not is_illness(IntegrityError("INSERT", {}, sqlite3.IntegrityError("UNIQUE")))


def test_a_fault_tells_place_code_cause_and_way_out() -> None:
    fault = told(_sqlite(sqlite3.SQLITE_FULL), "did not take it", make_url("sqlite+aiosqlite:///var/dispatcher.db"))
    assert str(fault) == (
        "var/dispatcher.db: E_DISK_FULL the database did not take it: the disk is full (words). "
        "Make room on that disk: nothing is sent without its record, and sending goes on by itself"
    )
    assert (fault.exit_code, fault.http_status) == (75, 503)


def test_what_lies_beside_the_database_and_was_not_written_has_a_name_where_there_is_one() -> None:
    full = not_written("the archive", OSError(errno.ENOSPC, "No space left on device"))
    assert full.code == "E_DISK_FULL"
    assert "the archive did not take it: the disk is full" in str(full)
    other = not_written("the checkpoint", OSError(errno.EMFILE, "Too many open files"))
    assert (other.code, str(other)) == ("", "the checkpoint did not take it: [Errno 24] Too many open files")
    assert StoreFault("the database is in quarantine").code == ""


def test_the_place_of_a_server_shows_no_password() -> None:
    assert place_of(make_url("postgresql+psycopg://ada:secret@db.example/letters")) == "db.example:5432/letters"
    assert place_of(make_url("postgresql+psycopg:///letters?host=/run/postgresql")) == "/run/postgresql:5432/letters"


def test_the_server_keeps_no_longer_name_than_ours() -> None:
    assert label("venus", 12) == "dispatcher venus-12"
    assert len(label("h" * 100, 12)) == 63


def test_those_that_write_are_told_from_those_that_read_and_from_other_files(tmp_path: Path) -> None:
    file, ahead = tmp_path / "a.db", tmp_path / "a.db-shm"
    file.touch()
    ahead.touch()
    mine, index = file.stat().st_ino, ahead.stat().st_ino
    locks = f"""1: POSIX  ADVISORY  READ 11 00:1b:{mine} 1073741826 1073742335
2: POSIX  ADVISORY  WRITE 12 00:1b:{mine} 1073741825 1073741825
3: POSIX  ADVISORY  WRITE 13 00:1b:{index} 120 120
4: POSIX  ADVISORY  READ 14 00:1b:{index} 123 123
5: POSIX  ADVISORY  WRITE 15 00:1b:{index + mine} 1073741825 1073741825
6: FLOCK  ADVISORY  WRITE 16 00:1b:{mine} 0 EOF
6: -> POSIX  ADVISORY  WRITE 17 00:1b:{mine} 1073741825 1073741825
"""
    assert list(writers(file, locks)) == [12, 13]

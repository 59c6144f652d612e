"""Is this database the one that was left? Compares what was noted outside it with what it says now; decides only.

Audit entries are numbered without gaps and chained, so one number with its hash says all: a log that does not reach
the number was rolled back, and a log that has another hash there has gone another way since.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from .errors import Forbidden


class Sign(StrEnum):
    """What shows that the database is not as it was left."""

    SHORTER = "shorter"  # its log ends before the entry that was noted outside
    FORK = "fork"  # its log has another entry there
    INSTANCE = "instance"  # it is another installation's
    GONE = "gone"  # nothing is noted outside, though something once was
    UNREADABLE = "unreadable"  # what was noted outside cannot be read
    REWOUND = "rewound"  # the PostgreSQL server has written less than it had
    TIMELINE = "timeline"  # a replica has taken over, or a backup was rolled forward
    SERVER = "server"  # another PostgreSQL server or database than before
    MACHINE = "machine"  # another machine than before
    PLACE = "place"  # the file lies in another place than before, or the server has another address


#: Signs of a move that somebody may have made on purpose, with nothing lost.
MOVES = frozenset({Sign.TIMELINE, Sign.SERVER, Sign.MACHINE, Sign.PLACE})


@dataclass(frozen=True, slots=True)
class Finding:
    """One sign, in words for people."""

    sign: Sign
    words: str


class Quarantined(Forbidden):
    """Nothing may be sent from this database until a named person has adopted it."""


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """Where a database lives, as far as it can tell; '' and 0 are not known, and are not compared."""

    place: str = ""  #: SQLite: the file's real path; PostgreSQL: the address by which we reach it
    server: str = ""  #: PostgreSQL: system identifier, database, and the table that holds this
    timeline: str = ""
    written: int = 0  #: PostgreSQL: how far its log of writes has come, in bytes
    local: bool = True  #: on the machine that we run on, so that a copy of the machine is a copy of it

    def for_all(self) -> Whereabouts:
        """Without what another machine may see otherwise: the address of a server."""
        return replace(self, place="") if self.server else self


@dataclass(frozen=True, slots=True)
class Note:
    """What is noted outside the database."""

    instance: str  #: the installation's name for itself, made once
    epoch: int  #: how often it was adopted, from 1; 0: a first start that did not come to its end
    seq: int  #: the last audit entry that is known to be on the disk; 0 is none
    hash: str
    machine: str
    where: Whereabouts


@dataclass(frozen=True, slots=True)
class Said:
    """What the database itself says now."""

    instance: str
    epoch: int
    machine: str  #: on which it was first used or last adopted; '' where that says nothing
    home: Whereabouts  #: where it was then
    where: Whereabouts  #: where it is now
    last: int  #: the number of the last audit entry
    hash_there: str  #: of the entry whose number is noted outside; '' where there is none


def judge(note: Note | None, said: Said | None, machine: str, *, shared: bool) -> tuple[Finding, ...]:
    """Everything that shows it is not the database that was left; empty when all is well.

    `said` is None for a database that was never started, `note` where nothing is noted outside. `shared`: several
    machines may send from it (PostgreSQL), so that a newcomer has no note yet.
    """
    return tuple(_judge(note, said, machine, shared=shared))


def _judge(note: Note | None, said: Said | None, machine: str, *, shared: bool) -> Iterator[Finding]:
    if said is None:
        if note is not None and note.seq:
            yield _shorter(0, note)
        return
    if note is None or (note.epoch == 0 and note.instance != said.instance):
        if not shared:
            yield Finding(Sign.GONE, "nothing is noted outside the database, though it was in use")
    elif not _superseded(note, said, shared=shared):
        yield from _log(note, said)
        yield from _moved(note.machine, note.where, said, machine)
        return
    yield from _moved(said.machine, said.home, said, machine)


def _superseded(note: Note, said: Said, *, shared: bool) -> bool:
    """Somebody adopted the database from another machine after this was noted: that adoption counts here too."""
    return shared and note.instance == said.instance and note.epoch < said.epoch


def _log(note: Note, said: Said) -> Iterator[Finding]:
    if note.instance != said.instance:
        yield Finding(Sign.INSTANCE, f"installation {said.instance[:8]}…, not {note.instance[:8]}…")
    elif note.seq > said.last:
        yield _shorter(said.last, note)
    elif note.seq and note.hash != said.hash_there:
        yield Finding(Sign.FORK, f"log has another entry {note.seq:,} than the checkpoint")
    elif note.where.timeline == said.where.timeline and 0 < said.where.written < note.where.written:
        yield Finding(Sign.REWOUND, f"server has written {said.where.written:,} < checkpoint {note.where.written:,}")


def _shorter(last: int, note: Note) -> Finding:
    return Finding(Sign.SHORTER, f"log {last:,} < checkpoint {note.seq:,}")


def _moved(was_on: str, was: Whereabouts, said: Said, machine: str) -> Iterator[Finding]:
    now = said.where
    if was_on and machine and was_on != machine and now.local:
        yield Finding(Sign.MACHINE, "another machine than the one it was used on")
    if was.place and now.place and was.place != now.place:
        yield Finding(Sign.PLACE, f"the database is at {now.place}, was at {was.place}")
    if was.server and now.server and was.server != now.server:
        yield Finding(Sign.SERVER, "another database server, or another database on it, than before")
    elif was.timeline and now.timeline and was.timeline != now.timeline:
        yield Finding(Sign.TIMELINE, f"server is on timeline {now.timeline}, was on {was.timeline}")


def refusal(findings: tuple[Finding, ...]) -> str:
    """The line that a person reads."""
    return f"E_ADOPT {'; '.join(one.words for one in findings)}; run: dispatcher adopt"

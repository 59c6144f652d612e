"""What a Postfix log tells of one Message-ID: each time that a server process began to take it, and what came of it.

It is fed line by line and keeps a few small facts. A queue id names a letter only from its 'client=' line to the next
one: ids are used again. The order of the lines is that of their arrival, so that 'message-id=' may stand behind the end
of the session that brought it (seen with Postfix 3.7).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from .log_lines import LogLine

#: Letters whose Message-ID is not yet known, kept at once; the oldest give way.
MOST_PENDING = 20_000
#: Letters with the one Message-ID; a mail that goes in a circle has it without end.
MOST_LIVES = 100

_QUEUED = re.compile(r"([0-9A-Za-z]{5,40}): (.*)", re.DOTALL)
_BROKE_OFF = re.compile(r"(lost connection|timeout) after (\S+)(?: \(\d+ bytes\))? from ")
_REFUSED = re.compile(
    r"(?:milter-)?reject: (?:END-OF-MESSAGE|header|body|mime-error|content)\b.*?: ([45]\.\d+\.\d+) (.*)"
)
_STATUS = re.compile(r"to=<.*?>, .*?relay=(.*?), .*?dsn=(\d\.\d+\.\d+), status=([a-z-]+) \((.*)\)", re.DOTALL)
_EXPIRED = re.compile(r"from=<.*?>, status=(expired|force-expired), (.*)")
_KILLED = re.compile(r"warning: process \S+ pid (\d+) (?:killed by signal|exit status) ")
_NEXT = re.compile(r"queued as ([0-9A-Za-z]{5,40})\b")


class End(StrEnum):
    """How the session that brought it went on."""

    OPEN = ""  # nothing more is told of it
    BROKE_OFF = "broke off"  # before the dot: Postfix says 'after DATA', and has thrown away what came
    OVER = "over"


@dataclass(slots=True)
class Life:
    """One letter under one queue id."""

    queue_id: str
    instance: str
    client: str  #: 'localhost[127.0.0.1], sasl_username=…'
    at: datetime | None  #: when the server process began with it
    taken: bool = False  #: the queue manager has it, which it only has when the dot was there
    end: End = End.OPEN
    ended_at: datetime | None = None
    refused: str = ""  #: '5.7.1 words', said to the client
    program: str = ""  #: which program last tried to pass it on
    dsn: str = ""
    status: str = ""  #: 'sent', 'deferred', 'bounced', 'expired'; '' before anybody tried
    words: str = ""


@dataclass(slots=True)
class Story:
    """Fed with a log, in its order."""

    message_id: str
    lives: list[Life] = field(default_factory=list)  #: those with this Message-ID
    _present: dict[tuple[str, str], Life] = field(default_factory=dict)
    _sessions: dict[tuple[str, int], Life] = field(default_factory=dict)

    def feed(self, line: LogLine) -> None:
        if line.program == "smtpd":
            self._server(line)
        elif line.program == "master":
            self._master(line)
        elif found := _QUEUED.fullmatch(line.text):
            self._queue(line, *found.groups())

    def _server(self, line: LogLine) -> None:
        session = (line.instance, line.pid)
        if line.text.startswith(("connect from ", "disconnect from ")):
            self._end(session, End.OVER, line.at)
        elif found := _BROKE_OFF.match(line.text):
            self._end(session, End.BROKE_OFF if found[2] == "DATA" else End.OVER, line.at)
        elif (found := _QUEUED.fullmatch(line.text)) and found[2].startswith("client="):
            self._end(session, End.OVER, line.at)
            self._begin(session, Life(found[1], line.instance, found[2].removeprefix("client="), line.at))

    def _begin(self, session: tuple[str, int], life: Life) -> None:
        key = (life.instance, life.queue_id)
        self._present.pop(key, None)
        self._present[key] = self._sessions[session] = life
        while len(self._present) > MOST_PENDING:
            del self._present[next(iter(self._present))]

    def _end(self, session: tuple[str, int], end: End, at: datetime | None) -> None:
        life = self._sessions.pop(session, None)
        if life is not None:
            life.end, life.ended_at = end, at

    def _master(self, line: LogLine) -> None:
        """Postfix was started anew, or says that one of its processes has died: those sessions are over."""
        if line.text.startswith("daemon started"):
            for session in [one for one in self._sessions if one[0] == line.instance]:
                self._end(session, End.OVER, line.at)
        elif found := _KILLED.match(line.text):
            self._end((line.instance, int(found[1])), End.OVER, line.at)

    def _queue(self, line: LogLine, queue_id: str, text: str) -> None:
        life = self._present.get((line.instance, queue_id))
        if life is None:
            return
        if line.program == "cleanup":
            self._cleanup(life, text)
        elif line.program == "qmgr":
            self._manager(life, text)
        elif found := _STATUS.match(text):
            life.taken, life.program = True, line.program
            life.dsn, life.status, life.words = found[2], found[3], f"{found[4]} (relay={found[1]})"

    def _cleanup(self, life: Life, text: str) -> None:
        if text.startswith("message-id="):
            if text == f"message-id={self.message_id}":
                if len(self.lives) < MOST_LIVES:
                    self.lives.append(life)
            else:
                self._present.pop((life.instance, life.queue_id))
        elif found := _REFUSED.match(text):
            life.refused = f"{found[1]} {found[2]}"

    def _manager(self, life: Life, text: str) -> None:
        if text.startswith("from=<") and text.endswith("(queue active)"):
            life.taken = True
        elif found := _EXPIRED.fullmatch(text):
            life.taken, life.program, life.dsn, life.status, life.words = True, "qmgr", "4.4.7", "expired", found[2]

    def passed_on(self, life: Life) -> Iterator[Life]:
        """The life itself, then those under which a content filter of this relay handed it in again."""
        seen = {life.queue_id}
        following: Life | None = life
        while following is not None:
            yield following
            found = _NEXT.search(following.words) if following.status == "sent" else None
            name = found[1] if found else ""
            fresh = (one for one in self.lives if one.queue_id == name and name not in seen)
            following = next(fresh, None)
            seen.add(name)

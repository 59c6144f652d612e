"""Postfix's smtp-sink, started anew in one bad mood after the other on the same port.

What it dumps with -D, a single file for all letters, it writes when the dot has come, and not before: a letter whose
body broke off is not in it. So the file of a mood that answers 250, or nothing, is its ledger; in the file of a mood
that refuses the dot stand the letters that it has refused. (The dumps of -d are begun at MAIL and prove nothing.)
"""

from __future__ import annotations

import os
import pwd
import re
import socket
import subprocess
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from .programs import Missing, Programs

_MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>\s]+>)", re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Mood:
    """How it behaves, and whether a letter whose dot has come was taken."""

    name: str
    options: tuple[str, ...] = ()
    takes: bool = True  #: it answers the dot with 250, or not at all


KIND = Mood("kind")
MOODS = (
    KIND,
    Mood("drops at the dot", ("-q", ".")),
    Mood("slow", ("-W", "data:1:50", "-W", ".:1:50")),
    Mood("4xx to the dot", ("-r", "."), takes=False),
    Mood("drops at DATA", ("-q", "data")),
    KIND,
    Mood("5xx to the dot", ("-f", "."), takes=False),
    Mood("421 at the dot", ("-Q", "."), takes=False),
    Mood("550 in the body", ("-A", "0")),
    KIND,
    Mood("drops at the dot", ("-q", ".")),
    Mood("4xx to RCPT", ("-r", "rcpt")),
    Mood("5xx to RCPT", ("-f", "rcpt")),
    Mood("421 at MAIL", ("-Q", "mail")),
    KIND,
    Mood("drops at RCPT", ("-q", "rcpt")),
    Mood("4xx to DATA", ("-r", "data")),
    Mood("5xx to MAIL", ("-f", "mail")),
    Mood("drops at EHLO", ("-q", "ehlo")),
    Mood("421 at connecting", ("-Q", "connect")),
    Mood("no ESMTP", ("-e",)),
)


@dataclass(slots=True)
class Sink:
    """One port, on which one process after the other listens."""

    programs: Programs
    folder: Path
    port: int
    began: int = 0
    moods: dict[str, Mood] = field(default_factory=dict)  #: by the name of the file that its letters are in
    _process: subprocess.Popen[bytes] | None = None

    def start(self, mood: Mood) -> None:
        """Listen in this mood. Raises Missing when it does not start."""
        file = self.folder / f"{self.began:03}.dump"
        self.began += 1
        self.moods[file.name] = mood
        command = [str(self.programs.commands / "smtp-sink"), *self._as_whom(), "-D", str(file), *mood.options]
        self._process = subprocess.Popen(
            [*command, f"127.0.0.1:{self.port}", "100"],
            env=self.programs.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self._wait(self._process)

    def kill(self) -> None:
        """Its process ends in the middle of whatever it does."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def ledger(self) -> Counter[str]:
        """How often it took each letter, by Message-ID."""
        return self._dumped(takes=True)

    def refused(self) -> Counter[str]:
        """How often it got each letter whole and refused it."""
        return self._dumped(takes=False)

    def _dumped(self, *, takes: bool) -> Counter[str]:
        found: Counter[str] = Counter()
        for name, mood in self.moods.items():
            file = self.folder / name
            if mood.takes is takes and file.exists():
                found.update(one.decode("ascii") for one in _MESSAGE_ID.findall(file.read_bytes()))
        return found

    def _as_whom(self) -> list[str]:
        """It asks root for the name of a user to go on as."""
        if os.geteuid() != 0:
            return []
        nobody = pwd.getpwnam("nobody")
        os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        return ["-u", "nobody"]

    def _wait(self, process: subprocess.Popen[bytes]) -> None:
        end = time.monotonic() + 10
        while time.monotonic() < end and process.poll() is None:
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.02)
        process.kill()
        raise Missing(f"smtp-sink does not start: {process.communicate()[1].decode(errors='replace').strip()}")

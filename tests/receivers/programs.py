"""Where mail servers' programs come from: the system's own, or Debian's package, unpacked and never installed.

Unpacking runs no script of the package's, makes no user and starts no service; removing the folder removes it all.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

#: Where a Debian system has them.
_SYSTEM = Path("/usr")
#: Seconds that one command of apt's may take.
_PATIENCE = 120


class Missing(Exception):
    """The programs cannot be had here; says why."""


@dataclass(frozen=True, slots=True)
class Programs:
    """Postfix's programs under a prefix: the system's /usr, or one that was unpacked."""

    prefix: Path

    @property
    def commands(self) -> Path:
        return self.prefix / "sbin"

    @property
    def daemons(self) -> Path:
        return self.prefix / "lib" / "postfix" / "sbin"

    @property
    def libraries(self) -> Path:
        return self.prefix / "lib" / "postfix"

    @property
    def maps(self) -> Path:
        """The table of map types that are packages of their own; Postfix asks for the file, be it empty."""
        return self.prefix / "share" / "postfix" / "dynamicmaps.cf"

    @property
    def environment(self) -> dict[str, str]:
        """What they are run with: nothing of ours, but where their libraries lie."""
        beside = [self.libraries, *(path.parent for path in self.prefix.glob("lib/*/lib*.so*"))]
        libraries = ":".join(dict.fromkeys(map(str, beside)))
        return {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC", "LD_LIBRARY_PATH": libraries}

    def version(self) -> str:
        """'3.7.11'. Raises Missing when they do not run."""
        command = [str(self.commands / "postconf"), "-d", "-h", "mail_version"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode:
            raise Missing(f"Postfix's programs do not run here: {done.stderr.strip()}")
        return done.stdout.strip()


def find(folder: Path) -> Programs:
    """The system's programs, or else those of the package, unpacked below `folder`. Raises Missing."""
    if (_SYSTEM / "lib/postfix/sbin/master").exists() and (_SYSTEM / "sbin/smtp-sink").exists():
        return Programs(_SYSTEM)
    return unpack(folder)


def unpack(folder: Path, package: str = "postfix") -> Programs:
    """Download the package and what it needs beyond what is installed, and unpack them. Raises Missing."""
    absent = [name for name in ("apt-get", "dpkg-deb") if shutil.which(name) is None]
    if absent:
        raise Missing(f"{absent[0]} is absent: this is no Debian")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        for name in _needed(package):
            _run(["apt-get", "download", name], folder)
    except Missing:
        if os.geteuid() != 0:
            raise
        _run(["apt-get", "update", "-qq"], folder)  # the lists may be absent, or name releases that are gone
        for name in _needed(package):
            _run(["apt-get", "download", name], folder)
    root = folder / "root"
    for file in folder.glob("*.deb"):
        _run(["dpkg-deb", "-x", str(file), str(root)], folder)
    return Programs(root / "usr")


def _needed(package: str) -> list[str]:
    """What apt would install for it, itself included: 'Inst postfix (3.7.11-0+deb12u1 Debian:…)'."""
    told = _run(["apt-get", "-s", "install", "--no-install-recommends", package], Path("/"))
    return [line.split()[1] for line in told.splitlines() if line.startswith("Inst ")]


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, timeout=_PATIENCE, check=True
        )
    except subprocess.CalledProcessError as fault:
        words = (fault.stderr.strip() or fault.stdout.strip()).splitlines() or ["no reason given"]
        raise Missing(f"{' '.join(command)}: {words[-1]}") from fault
    except (OSError, subprocess.TimeoutExpired) as fault:
        raise Missing(f"{' '.join(command)}: {fault}") from fault
    return done.stdout

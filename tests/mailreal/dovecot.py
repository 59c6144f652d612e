"""A Dovecot of our own on a loopback port, over one Maildir: Debian's package, unpacked and never installed.

It looks for its parts under /usr alone: it runs where what was unpacked lies over /usr, for its own processes only.
"""

from __future__ import annotations

import os
import pwd
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from receivers import programs
from receivers.programs import Missing

#: Users that every Debian has; Dovecot wants two for itself that own nothing.
_OWN, _LOGIN = "games", "man"
_CONF = """\
base_dir = {home}/run
state_dir = {home}/state
auth_mechanisms = plain login
protocols = imap
listen = 127.0.0.1
ssl = no
disable_plaintext_auth = no
log_path = {home}/dovecot.log
default_internal_user = {own}
default_internal_group = {own}
default_login_user = {login}
first_valid_uid = 1
mail_location = maildir:{maildir}:INDEX={home}/index:CONTROL={home}/control
passdb {{
  driver = static
  args = password=secret
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/user
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
"""


def find(folder: Path) -> programs.Programs:
    """Its programs, unpacked below `folder`. Raises Missing."""
    return programs.unpack(folder, "dovecot-imapd")


@dataclass(slots=True)
class Dovecot:
    """One instance, for one user with the password 'secret'."""

    programs: programs.Programs
    home: Path
    maildir: Path
    port: int
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Raises Missing where it does not listen within ten seconds."""
        owner = self.maildir.stat()
        for name in ("run", "state", "index", "control", "user"):
            (self.home / name).mkdir(parents=True, exist_ok=True)
            os.chown(self.home / name, owner.st_uid, owner.st_gid)
        os.chown(self.home / "run", 0, 0)
        os.chown(self.home / "state", 0, 0)
        facts = {"home": self.home, "own": _OWN, "login": _LOGIN, "port": self.port}
        facts |= {"maildir": self.maildir, "uid": owner.st_uid, "gid": owner.st_gid}
        pwd.getpwnam(_OWN), pwd.getpwnam(_LOGIN)
        (self.home / "dovecot.conf").write_text(_CONF.format(**facts))
        over = f"mount -t overlay overlay -o lowerdir={self.programs.prefix}:/usr /usr"
        dovecot = f"exec /usr/sbin/dovecot -F -c {self.home}/dovecot.conf"
        command = ["unshare", "--mount", "--propagation", "private", "sh", "-c", f"{over} && {dovecot}"]
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C", "TZ": "UTC"}
        with (self.home / "out").open("wb") as out:
            try:
                self._process = subprocess.Popen(command, env=environment, stdout=out, stderr=out)
            except OSError as fault:
                raise Missing(f"no file system can be laid over another here: {fault}") from fault
        self._wait()

    def _wait(self) -> None:
        assert self._process is not None
        for _ in range(100):
            if self._process.poll() is not None:
                break
            if _listens(self.port):
                return
            time.sleep(0.1)
        self.end()
        log = self.home / "dovecot.log"
        told = (self.home / "out").read_text() + (log.read_text() if log.exists() else "")
        raise Missing(f"Dovecot does not start: {told[-600:]}")

    def end(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)


def _listens(port: int) -> bool:
    listening = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return any(int(line[1].partition(":")[2], 16) == port and line[3] == "0A" for line in listening)

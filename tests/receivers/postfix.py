"""A Postfix of our own on a loopback port: own settings, queue, log and mailbox in a folder; never the system's.

It delivers everything to one maildir, which is its ledger: a letter is there once for each time that it was taken.
"""

from __future__ import annotations

import email
import grp
import os
import pwd
import re
import signal
import stat
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

from .programs import Missing, Programs

#: Users and groups that every Debian has: Postfix wants some that no other of its parts uses.
_OWNERS, _GROUPS, _KEEPERS = ("postfix", "uucp", "news"), ("postdrop", "list", "irc"), ("games", "man")
_RECEIVED = re.compile(r"by \S+ \(Postfix\) with \S+ id (\w+)")
#: The folders of its queue that are its owner's alone; the others are made one by one.
_FOLDERS = (
    "active",
    "bounce",
    "corrupt",
    "defer",
    "deferred",
    "flush",
    "hold",
    "incoming",
    "private",
    "saved",
    "trace",
)
_QUEUES = ("maildrop", "incoming", "active", "deferred", "hold")

_MAIN = """\
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/data
command_directory = {programs.commands}
daemon_directory = {programs.daemons}
shlib_directory = {programs.libraries}
meta_directory = {home}/etc
sendmail_path = {programs.commands}/sendmail
newaliases_path = {programs.prefix}/bin/newaliases
mailq_path = {programs.prefix}/bin/mailq
mail_owner = {owner}
setgid_group = {group}
default_privs = nobody
import_environment = MAIL_CONFIG TZ LANG=C LD_LIBRARY_PATH
maillog_file = {home}/log/mail.log
maillog_file_prefixes = {home}
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = relay.example
mynetworks = 127.0.0.0/8
mydestination =
local_recipient_maps =
alias_maps =
alias_database =
default_transport = error:nothing leaves this machine
smtpd_peername_lookup = no
queue_run_delay = 2s
minimal_backoff_time = 2s
maximal_backoff_time = 4s
transport_retry_time = 2s
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
virtual_mailbox_domains = ardesia.example
virtual_mailbox_maps = static:all/
virtual_mailbox_base = {home}/mail
virtual_uid_maps = static:{keeper.pw_uid}
virtual_gid_maps = static:{keeper.pw_gid}
virtual_minimum_uid = 1
"""
_MASTER = """\
127.0.0.1:{port} inet n - n - 50 smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
proxymap unix - - n - - proxymap
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
virtual unix - n n - - virtual
anvil unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
"""


def why_not() -> str:
    """Why no Postfix can be run here; '' where one can."""
    if os.geteuid() != 0:
        return "Postfix's master has to be started by root"
    return ""


def _first(names: tuple[str, ...], known: set[str]) -> str:
    found = next((name for name in names if name in known), None)
    if found is None:
        raise Missing(f"none of these is known here: {', '.join(names)}")
    return found


@dataclass(slots=True)
class Postfix:
    """One instance. Everything of it lies in `home`, which others must be able to enter."""

    programs: Programs
    home: Path
    port: int

    def __post_init__(self) -> None:
        users, groups = {one.pw_name for one in pwd.getpwall()}, {one.gr_name for one in grp.getgrall()}
        owner, group = _first(_OWNERS, users), _first(_GROUPS, groups)
        keeper = pwd.getpwnam(_first(_KEEPERS, users))
        self._make_folders(pwd.getpwnam(owner).pw_uid, grp.getgrnam(group).gr_gid)
        os.chown(self.home / "mail", keeper.pw_uid, keeper.pw_gid)
        facts = {"home": self.home, "programs": self.programs, "owner": owner, "group": group, "keeper": keeper}
        (self.home / "etc" / "main.cf").write_text(_MAIN.format(**facts))
        (self.home / "etc" / "master.cf").write_text(_MASTER.format(port=self.port))
        maps = self.programs.maps
        (self.home / "etc" / "dynamicmaps.cf").write_bytes(maps.read_bytes() if maps.exists() else b"")
        (self.home / "etc" / "postfix-files").touch()

    def _make_folders(self, owner: int, group: int) -> None:
        for name in ("etc", "queue/pid", "data", "log", "mail", *(f"queue/{one}" for one in _FOLDERS)):
            (self.home / name).mkdir(parents=True)
        for path in (self.home / "data", *(self.home / "queue" / name for name in _FOLDERS)):
            path.chmod(0o700)
            os.chown(path, owner, -1)
        for name, mode in (("public", 0o710), ("maildrop", 0o730)):
            path = self.home / "queue" / name
            path.mkdir()
            os.chown(path, owner, group)
            path.chmod(mode)

    @property
    def log(self) -> Path:
        return self.home / "log" / "mail.log"

    @property
    def list_command(self) -> tuple[str, ...]:
        """What lists its queue, for whoever knows nothing of where its libraries lie."""
        there = [f"{name}={value}" for name, value in self.programs.environment.items()]
        return ("env", *there, str(self.programs.commands / "postqueue"), "-c", str(self.home / "etc"), "-j")

    def start(self) -> None:
        self._command("start")

    def stop(self) -> None:
        """As an administrator stops it: what is under way is broken off, the queue is kept."""
        self._command("stop")

    def kill(self) -> None:
        """As a power cut stops its processes: all at once, in the middle of whatever they do."""
        pid = self._pid()
        os.killpg(pid, signal.SIGKILL)
        while Path(f"/proc/{pid}").exists() and _state(pid) != "Z":
            time.sleep(0.01)

    def end(self) -> None:
        """Whatever became of it, nothing of it runs after this."""
        if (self.home / "queue/pid/master.pid").exists() and self._runs():
            self.stop()

    def waiting(self) -> int:
        """Letters that it has taken and not yet delivered.

        A queue file is executable once it is whole: what a kill left half written is none, and nobody was told of it.
        """
        files = (path for name in _QUEUES for path in (self.home / "queue" / name).rglob("*") if path.is_file())
        return sum(1 for path in files if path.stat().st_mode & stat.S_IXUSR)

    def ledger(self) -> Counter[str]:
        """How often it took each letter, by Message-ID. One that it delivered twice itself, it took once."""
        return Counter(message_id for message_id, _ in self.taken())

    def taken(self) -> set[tuple[str, str]]:
        """Every letter in the mailbox: its Message-ID, and the queue id under which it was taken."""
        return set(self._letters())

    def _letters(self) -> Iterator[tuple[str, str]]:
        for path in (self.home / "mail/all/new").iterdir():
            letter: Message = email.message_from_bytes(path.read_bytes())
            found = _RECEIVED.search(" ".join(str(letter.get("Received", "")).split()))
            yield str(letter.get("Message-ID", "")).strip(), found[1] if found else path.name

    def _pid(self) -> int:
        return int((self.home / "queue/pid/master.pid").read_text())

    def _runs(self) -> bool:
        try:
            os.kill(self._pid(), 0)
        except ProcessLookupError:
            return False
        return True

    def _command(self, verb: str) -> None:
        command = [str(self.programs.commands / "postfix"), "-c", str(self.home / "etc"), verb]
        done = subprocess.run(
            command, env=self.programs.environment, capture_output=True, text=True, timeout=60, check=False
        )
        if done.returncode:
            told = self.log.read_text(errors="replace")[-2000:] if self.log.exists() else ""
            raise Missing(f"postfix {verb}: {done.stderr.strip() or told}")


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return "Z"

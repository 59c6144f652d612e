"""The line itself: a spool of its own, faxq, hfaxd, a modem that sends, one that answers, the exchange between them.

Debian's own spool and settings stay as they are. The one thing written outside the run's folder are the two modems' own
files, because iaxmodem looks for them only in /etc/iaxmodem; both go at the end.
"""

from __future__ import annotations

import grp
import os
import pwd
import secrets
import shutil
import socket
import stat
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from .programs import HYLAFAX, Missing

USER, PASSWORD = "gateway", "gw-secret"
SENDER, RECEIVER = "+49 30 23125 100", "+49 30 23125 200"
NUMBER = "+493023125"  #: and three digits, which say what becomes of the call
#: Keys of Debian's spool that ours takes over.
_TAKEN_OVER = ("dialrules", "lutRS18.pcf", "pagesizes", "cover.templ")
_FOLDERS = "archive bin client config dev docq doneq etc info log pollq recvq sendq status tmp mail"

_SCHEDULER = """\
LogFacility: daemon
CountryCode: 49
AreaCode: 30
LongDistancePrefix: 0
InternationalPrefix: 00
DialStringRules: etc/dialrules
ServerTracing: 0x00001
SendFaxCmd: {bin}/faxsend
ModemGroup: "any:{sender}"
"""
#: A software modem needs no time to come to its senses; a real one is given seconds.
_MODEM = """\
CountryCode: 49
AreaCode: 30
FAXNumber: "{number}"
LocalIdentifier: "{number}"
LongDistancePrefix: 0
InternationalPrefix: 00
DialStringRules: etc/dialrules
ServerTracing: 0x00001
SessionTracing: 0x0004f
RecvFileMode: 0644
LogFileMode: 0644
DeviceMode: 0660
SpeakerVolume: off
RingsBeforeAnswer: {rings}
MaxRecvPages: 200
ModemType: Class1
ModemResetCmds: AT+VCID=1
Class1AdaptRecvCmd: AT+FAR=1
Class1TMConnectDelay: 400
CallIDPattern: "NMBR="
CallIDPattern: "NAME="
CallIDPattern: "ANID="
CallIDPattern: "NDID="
ModemResetDelay: 0
ModemSoftResetCmdDelay: 100
ModemDTRDropDelay: 0
"""
#: How the receiver behaves, by the number that was dialled; faxgetty keeps what this prints, so that it prints all.
_POLICY = """\
#!/bin/sh
for last; do :; done
tsi='' resolutions=0x7F
case $last in
*204) tsi='etc/tsi.some' ;;
*208) resolutions=0x00 ;;
esac
cat <<END
QualifyTSI: "$tsi"
Class1Resolutions: $resolutions
END
"""
_IAXMODEM = """\
device /dev/{name}
owner uucp:uucp
mode 660
port {port}
refresh 0
server 127.0.0.1:{exchange}
peername {name}
secret x
cidname {name}
cidnumber {number}
codec slinear
nodaemon
"""


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


@dataclass
class Rig:
    """One line, in a folder of its own. `with` brings it up and takes it down; raises Missing when it does not come."""

    folder: Path
    port: int = field(default_factory=free_port)
    _token: str = field(default_factory=lambda: secrets.token_hex(3))
    _running: list[tuple[str, subprocess.Popen[bytes]]] = field(default_factory=list)

    @property
    def spool(self) -> Path:
        return self.folder / "spool"

    @property
    def sender(self) -> str:
        return f"ttyFX{self._token}A"

    @property
    def receiver(self) -> str:
        return f"ttyFX{self._token}B"

    @property
    def calls(self) -> Path:
        return self.folder / "calls.jsonl"

    def __enter__(self) -> Self:
        try:
            self._write()
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def received(self) -> list[Path]:
        """What has arrived, oldest first."""
        return sorted(self.spool.glob("recvq/*.tif"))

    def session_log(self, number: str) -> str:
        return (self.spool / "log" / f"c{number}").read_text(errors="replace")

    # -- what is written

    def _write(self) -> None:
        for name in _FOLDERS.split():
            (self.spool / name).mkdir(parents=True)
        etc, programs = self.spool / "etc", self.spool / "bin"
        shutil.copytree("/var/spool/hylafax/bin", programs, symlinks=True, dirs_exist_ok=True)
        for alias, program in (("ps2fax", "ps2fax.gs"), ("pdf2fax", "pdf2fax.gs")):
            (programs / alias).unlink(missing_ok=True)
            (programs / alias).symlink_to(program)
        for name in _TAKEN_OVER:
            shutil.copy(Path("/etc/hylafax") / name, etc)
        shutil.copytree("/etc/hylafax/templates", etc / "templates")
        shutil.copy("/etc/hylafax/setup.modem", etc)
        ours = f"SPOOL='{self.spool}'\nSENDMAIL='{programs}/mailsink'\nSBIN='{HYLAFAX}'\n"
        (etc / "setup.cache").write_text(Path("/etc/hylafax/setup.cache").read_text() + ours)
        _script(programs / "mailsink", f'#!/bin/sh\nexec cat > "{self.spool}/mail/$(date +%s.%N).eml"\n')
        _script(programs / "answerpolicy", _POLICY)
        (etc / "tsi.some").write_text("!^.*100$\n^.*$\n")
        (etc / "config").write_text(_SCHEDULER.format(bin=HYLAFAX, sender=self.sender))
        (etc / f"config.{self.sender}").write_text(_MODEM.format(number=SENDER, rings=0))
        answers = 'DynamicConfig: "bin/answerpolicy"\n'
        (etc / f"config.{self.receiver}").write_text(_MODEM.format(number=RECEIVER, rings=1) + answers)
        self._own(etc)

    def _own(self, etc: Path) -> None:
        """HylaFAX runs as uucp; a user who may sign in is in hosts.hfaxd, which it wants for itself."""
        (etc / "hosts.hfaxd").touch(mode=0o600)
        self._do(str(HYLAFAX / "faxadduser"), "-f", str(etc / "hosts.hfaxd"), "-u", "50001", "-p", PASSWORD, USER)
        user, group = pwd.getpwnam("uucp").pw_uid, grp.getgrnam("uucp").gr_gid
        for path in (self.spool, *self.spool.rglob("*")):
            os.chown(path, user, group, follow_symlinks=False)
        (self.spool / "tmp").chmod(0o1777)
        for path in (self.folder, self.spool):
            path.chmod(0o755)

    def _modem(self, name: str, exchange: int, number: str) -> int:
        port = free_port(socket.SOCK_DGRAM)
        folder = Path("/etc/iaxmodem")
        folder.mkdir(exist_ok=True)
        (folder / name).write_text(_IAXMODEM.format(name=name, port=port, exchange=exchange, number=number))
        return port

    # -- what runs

    def _start(self) -> None:
        exchange = free_port(socket.SOCK_DGRAM)
        self._modem(self.sender, exchange, "493023125100")
        answers = self._modem(self.receiver, exchange, "493023125200")
        self._run("exchange", sys.executable, "-m", "faxline.exchange", str(exchange), str(answers), str(self.calls))
        self._wait("the exchange", lambda: b"listening" in (self.folder / "exchange.log").read_bytes())
        for name in (self.sender, self.receiver):
            device = Path("/dev") / name
            self._run(name, "nice", "-n", "-10", "iaxmodem", name)
            self._wait(f"the modem {name}", lambda device=device: stat.S_ISCHR(device.stat().st_mode))
        self._run("faxq", "/usr/sbin/faxq", "-D", "-q", str(self.spool))
        self._wait("the scheduler", (self.spool / "FIFO").exists)
        self._run("hfaxd", "/usr/sbin/hfaxd", "-d", "-q", str(self.spool), "-l", "127.0.0.1", "-i", str(self.port))
        self._wait("hfaxd", self._listens)
        self._announce()
        self._run("faxgetty", "/usr/sbin/faxgetty", "-q", str(self.spool), self.receiver)
        status = self.spool / "status" / self.receiver
        self._wait("the answering modem", lambda: status.read_text().startswith("Running and idle"), 60)

    def _announce(self) -> None:
        """A modem that only sends, with all that it can: after each call faxgetty would take it to set it up again.

        faxq 6.0.7 drops a wake-up within the same second as a delayed run, and a job stays READY until something else
        happens. So something happens every second: news of a modem that no job can use.
        """
        faxmodem = str(HYLAFAX / "faxmodem")
        self._do(faxmodem, "-q", str(self.spool), "-c", "(0-3),(0-5),(0-4),(0-2),(0-3),(0-2),0,(0-7)", self.sender)
        nudge = f"while sleep 1; do '{faxmodem}' -q '{self.spool}' nudge; done"
        self._run("nudge", "sh", "-c", nudge)

    def _listens(self) -> bool:
        with socket.create_connection(("127.0.0.1", self.port), 1) as sock:
            return sock.recv(3) == b"220"

    def _run(self, name: str, *command: str) -> None:
        log = (self.folder / f"{name}.log").open("ab")
        with log:
            started = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
            )
        self._running.append((name, started))

    def _do(self, *command: str) -> None:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Missing(f"{Path(command[0]).name}: {(done.stderr or done.stdout).strip()}")

    def _wait(self, what: str, there: Callable[[], bool], seconds: float = 15.0) -> None:
        end = time.monotonic() + seconds
        while True:
            for name, one in self._running:
                if one.poll() is not None:
                    words = (self.folder / f"{name}.log").read_text(errors="replace").strip()[-300:]
                    raise Missing(f"{name} ended by itself: {words or one.returncode}")
            try:
                if there():
                    return
            except OSError:
                pass
            if time.monotonic() > end:
                raise Missing(f"{what} did not come up within {seconds:.0f} s")
            time.sleep(0.1)

    def _stop(self) -> None:
        for _, one in reversed(self._running):
            if one.poll() is None:
                os.killpg(one.pid, 15)
        for _, one in reversed(self._running):
            try:
                one.wait(5)
            except subprocess.TimeoutExpired:
                os.killpg(one.pid, 9)
                one.wait()
        for name in (self.sender, self.receiver):
            for path in (Path("/etc/iaxmodem") / name, Path("/dev") / name):
                path.unlink(missing_ok=True)


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)

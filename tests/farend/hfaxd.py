"""A HylaFAX server on loopback: the protocol of hfaxd with its sessions, documents, jobs and queues, and no telephone.

Its answers are those that hfaxd 6.0.7 gave; `tests/faxline` holds the two beside each other. What becomes of a job is
what a test says (`end`).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import re
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Self

USER, PASSWORD = "gateway", "gw-secret"
_SETTABLE = frozenset(
    [
        "JOBINFO",
        "REGARDING",
        "FROMUSER",
        "DIALSTRING",
        "EXTERNAL",
        "MODEM",
        "NOTIFY",
        "SENDTIME",
        "LASTTIME",
        "MAXDIALS",
        "MAXTRIES",
        "VRES",
        "PAGEWIDTH",
        "PAGELENGTH",
        "PAGECHOP",
        "USEECM",
        "BEGBR",
        "USETAGLINE",
        "TAGLINE",
    ]
)
_READABLE = frozenset(
    ["STATE", "STATUS", "STATUSCODE", "ERRORCODE", "NPAGES", "TOTPAGES", "TOTDIALS", "TOTTRIES", "COMMID", "JOBID"]
)

#: Numbers and times, which it repeats without quotes.
_NUMBERS = frozenset(("SENDTIME", "LASTTIME", "MAXDIALS", "MAXTRIES", "VRES", "BEGBR", "PAGEWIDTH", "PAGELENGTH"))


@dataclass
class Job:
    """One job: what was set, what was handed in, what became of it."""

    number: str
    parameters: dict[str, str]
    documents: list[bytes] = field(default_factory=list)
    over: bool = False

    @property
    def tag(self) -> str:
        return self.parameters["JOBINFO"]

    @property
    def sha256(self) -> str:
        return hashlib.sha256(b"".join(self.documents)).hexdigest()

    @property
    def ends(self) -> datetime:
        """After this it is killed."""
        begun = datetime.strptime(self.parameters["SENDTIME"][:12], "%Y%m%d%H%M").replace(tzinfo=UTC)
        days, hours, minutes = (int(self.parameters["LASTTIME"][at : at + 2]) for at in (0, 2, 4))
        return begun + timedelta(days=days, hours=hours, minutes=minutes)


@dataclass
class Hfaxd:
    """Listens from `start` until `stop`. What is set here holds for every session."""

    now: Callable[[], datetime]
    after_jsubm: str = ""  #: '', 'silent', 'drop', or another answer than the usual one
    scheduler: str = "Running"
    full: bool = False  #: no room for a document
    unreadable: bool = False  #: a document cannot be put into a job
    moving: frozenset[str] = frozenset()  #: jobs that are on their way from one queue to the other
    deaf: frozenset[str] = frozenset()  #: verbs that are not answered
    says: dict[str, str] = field(default_factory=dict)  #: verb → another answer
    truncates: bool = False  #: keeps only half of each document
    jobs: dict[str, Job] = field(default_factory=dict)  #: those that were submitted, in order
    ledger: list[Job] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    logs: dict[str, str] = field(default_factory=dict)  #: COMMID → the session's log
    port: int = 0
    sessions: int = 0
    _server: asyncio.Server | None = None
    _writers: dict[asyncio.Task[None], asyncio.StreamWriter] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, 32000)))

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        if self._server is None:
            return
        self._server.close()
        self.cut()
        await asyncio.gather(*self._writers, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    def cut(self) -> None:
        """Breaks every connection that is open now, with RST."""
        for writer in self._writers.values():
            sock = writer.get_extra_info("socket")
            if sock is not None and sock.fileno() >= 0:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            writer.transport.abort()

    def end(self, number: str, state: str, status: str = "", **parameters: str) -> None:
        """A job moves on: parameters as JPARM tells them; DONE and FAILED put it into doneq."""
        job = self.jobs[number]
        job.parameters |= {"STATE": state, "STATUS": status, **parameters}
        job.over = state in ("DONE", "FAILED")

    def new_number(self) -> str:
        return str(next(self._numbers))

    def submit(self, job: Job) -> str:
        """What JSUBM answers. A job whose time is over is killed, as hfaxd's scheduler does."""
        self.jobs[job.number] = job
        if self.now() >= job.ends:
            self.end(job.number, "FAILED", "Kill time expired", ERRORCODE="E325")
            return f"460 Failed to submit job {job.number}: Unspecified reason (scheduler NAK'd request)."
        job.parameters["STATE"] = "READY"
        self.ledger.append(job)
        return f"200 Job {job.number} submitted."

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._writers[task] = writer
        self.sessions += 1
        try:
            with contextlib.suppress(OSError, asyncio.IncompleteReadError):
                await _Session(self, reader, writer).run()
        finally:
            del self._writers[task]
            writer.transport.abort()


class _Session:
    """One conversation; its documents, and the jobs that it did not submit, vanish with it."""

    def __init__(self, farend: Hfaxd, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.farend, self.reader, self.writer = farend, reader, writer
        self.user, self.signed_in = "", False
        self.documents: dict[str, bytes] = {}
        self.jobs: dict[str, Job] = {}
        self.current: Job | None = None
        self.form = {"JOBFMT": "%j", "MDMFMT": "%m"}
        self.data: asyncio.Queue[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = asyncio.Queue()
        self.passive: asyncio.Server | None = None
        self.aside: list[asyncio.StreamWriter] = []  #: data connections, used or not

    async def run(self) -> None:
        try:
            await self.say(self.farend.says.get("CONNECT", "220 vm server (HylaFAX (tm) Version 6.0.7) ready."))
            while line := (await self.reader.readuntil(b"\r\n")).decode().strip():
                self.farend.commands.append(line)
                verb, _, rest = line.partition(" ")
                if verb in self.farend.deaf:
                    await self.reader.read()
                    return
                if verb in self.farend.says:
                    await self.say(self.farend.says[verb])
                elif not self.signed_in and verb not in ("USER", "PASS", "TYPE", "QUIT"):
                    await self.say("530 Please login with USER and PASS.")
                elif (handler := getattr(self, f"on_{verb.lower()}", None)) is None:
                    await self.say(f"500 {verb}: Command not recognized.")
                else:
                    await handler(rest)
        finally:
            if self.passive:
                self.passive.close()
            for writer in self.aside:
                writer.transport.abort()

    async def say(self, text: str) -> None:
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()

    # -- signing in

    async def on_user(self, rest: str) -> None:
        self.user = rest
        await self.say(f"331 Password required for {rest}.")

    async def on_pass(self, rest: str) -> None:
        self.signed_in = (self.user, rest) == (USER, PASSWORD)
        await self.say(f"230 User {self.user} logged in." if self.signed_in else "530 Login incorrect.")

    async def on_tzone(self, rest: str) -> None:
        await self.say("200 Using time values in GMT.")

    async def on_type(self, rest: str) -> None:
        await self.say("200 Type set to Image.")

    async def on_quit(self, rest: str) -> None:
        await self.say("221 Goodbye.")
        raise ConnectionResetError

    # -- documents, listings, logs

    async def on_pasv(self, rest: str) -> None:
        if self.passive is None:
            self.passive = await asyncio.start_server(self.called_aside, "127.0.0.1", 0)
        port = self.passive.sockets[0].getsockname()[1]
        await self.say(f"227 Entering passive mode (127,0,0,1,{port // 256},{port % 256})")

    async def called_aside(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.aside.append(writer)
        self.data.put_nowait((reader, writer))

    async def on_stot(self, rest: str) -> None:
        reader, writer = await self.data.get()
        name = f"/tmp/doc{len(self.documents) + 1}.ps"
        await self.say(f"150 FILE: {name} (Opening new data connection).")
        document = await reader.read()
        writer.close()
        if self.farend.full:
            await self.say("452 Write error: No space left on device.")
            return
        self.documents[name] = document[: len(document) // 2] if self.farend.truncates else document
        await self.say(f"226 Transfer complete (FILE: {name}).")

    async def on_size(self, rest: str) -> None:
        known = self.documents.get(rest)
        await self.say(f"550 {rest}: not a plain file." if known is None else f"213 {len(known)}")

    async def on_mdtm(self, rest: str) -> None:
        known = rest in self.documents
        await self.say(f"213 {self.farend.now():%Y%m%d%H%M%S}" if known else f"550 {rest}: No such file or directory.")

    async def send(self, name: str, text: str | None) -> None:
        if text is None:
            await self.say(f"550 {name}: No such file or directory.")
            return
        _, writer = await self.data.get()
        await self.say(f'150 Opening new data connection for "{name}".')
        writer.write(text.encode())
        writer.close()
        await self.say("226 Transfer complete.")

    async def on_list(self, rest: str) -> None:
        if rest == "status":
            lines = [f"HylaFAX scheduler on vm: {self.farend.scheduler}", "ttyS0: Running and idle"]
        else:
            jobs = [job for job in self.farend.jobs.values() if job.over is (rest == "doneq")]
            lines = [self.form["JOBFMT"].replace("%j", job.number).replace("%J", job.tag) for job in jobs]
        await self.send(rest, "".join(f"{line}\r\n" for line in lines))

    async def on_retr(self, rest: str) -> None:
        await self.send(rest, self.farend.logs.get(rest.removeprefix("log/c")))

    async def on_jobfmt(self, rest: str) -> None:
        self.form["JOBFMT"] = rest.strip('"')
        await self.say("200 JOBFMT command successful.")

    async def on_mdmfmt(self, rest: str) -> None:
        self.form["MDMFMT"] = rest.strip('"')
        await self.say("200 MDMFMT command successful.")

    # -- jobs

    async def on_jnew(self, rest: str) -> None:
        number = self.farend.new_number()
        usual = {"STATE": "SUSPENDED", "STATUS": "", "STATUSCODE": "000", "ERRORCODE": "E000", "JOBID": number}
        counts = dict.fromkeys(("NPAGES", "TOTPAGES", "TOTDIALS", "TOTTRIES"), "0")
        texts = {**dict.fromkeys(_SETTABLE, ""), "COMMID": "", "LASTTIME": "000300"}
        self.current = self.jobs[number] = Job(number, texts | usual | counts)
        self.current.parameters["SENDTIME"] = f"{self.farend.now():%Y%m%d%H%M%S}"
        await self.say(f"200 New job created: jobid: {number} groupid: {number}.")

    async def on_job(self, rest: str) -> None:
        job = self.jobs.get(rest) or self.farend.jobs.get(rest)
        if job is None:
            await self.say(f"500 Cannot set job {rest}; job does not exist (No such file or directory).")
        else:
            self.current = job
            await self.say(f"200 Current job: jobid: {rest} groupid: {rest}.")

    async def on_jparm(self, rest: str) -> None:
        name, _, value = rest.partition(" ")
        if name == "DOCUMENT":
            await self._add(value)
        elif name not in _SETTABLE | _READABLE | {"USECONTCOVER"} or self.current is None:
            await self.say(f"500 JPARM {name}: Parameter not recognized.")
        elif self.current.number in self.farend.moving:
            await self.say("500 Cannot access job state; job deleted by another party.")
        elif not value:
            await self.say(f"213 {self.current.parameters[name]}".replace("\n", "\\\n"))
        elif name in _READABLE | {"USECONTCOVER"}:
            await self.say(f"503 Permission denied: no write access to job parameter {name}.")
        else:
            value = value.strip('"')
            self.current.parameters[name] = value
            bare = name in _NUMBERS or name.startswith("USE")
            await self.say(f"213 {name} set to {value.upper()}." if bare else f'213 {name} set to "{value}".')

    async def _add(self, name: str) -> None:
        if name not in self.documents:
            await self.say(f"550 {name}: No such file or directory.")
        elif self.farend.unreadable or self.current is None:
            await self.say(f"550 {name}: Permission denied.")
        else:
            self.current.documents.append(self.documents[name])
            await self.say(f"200 Added document {name} as docq/{name.removeprefix('/tmp/')}.{self.current.number}.")

    async def on_jsubm(self, rest: str) -> None:
        job = self.jobs.get(rest)
        if job is None or not job.parameters["DIALSTRING"]:
            await self.say(f"504 Cannot submit job {rest}; null or missing DIALSTRING parameter.")
            return
        answer = self.farend.submit(job)
        if self.farend.after_jsubm == "silent":
            await self.reader.read()
        elif self.farend.after_jsubm == "drop":
            self.farend.cut()
        else:
            await self.say(self.farend.after_jsubm or answer)

    async def on_jkill(self, rest: str) -> None:
        if rest not in self.farend.jobs:
            await self.say(f"500 Cannot kill job {rest}; job does not exist (No such file or directory).")
            return
        self.farend.end(rest, "FAILED", "Job aborted by request", ERRORCODE="E345")
        await self.say(f"200 Job {rest} killed.")


def parameters(commands: list[str]) -> dict[str, str]:
    """What the JPARM commands of a session set."""
    found = (re.fullmatch(r"JPARM (\w+) (.*)", line) for line in commands)
    return {match[1]: match[2].strip('"') for match in found if match}

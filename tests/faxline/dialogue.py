"""One conversation held with two servers, and where their answers differ: is our far end's hfaxd the real one?"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

#: In order, within one session. '@' is the number of the job that was begun, '#' a document's name, '%' in an hour.
COMMANDS = (
    "JNEW",
    "USER gateway",
    "PASS wrong",
    "USER gateway",
    "PASS gw-secret",
    "TZONE GMT",
    "TYPE I",
    "STOT",
    "SIZE #",
    "MDTM #",
    "SIZE /tmp/none",
    "MDTM /tmp/none",
    "JNEW",
    'JPARM JOBINFO "attempt-1.2"',
    "JPARM JOBINFO",
    'JPARM REGARDING "pages 3"',
    'JPARM FROMUSER "dispatcher"',
    'JPARM DIALSTRING "+493023125486"',
    'JPARM EXTERNAL "+493023125486"',
    "JPARM MODEM any",
    "JPARM NOTIFY none",
    "JPARM SENDTIME %",
    "JPARM LASTTIME 000050",
    "JPARM MAXDIALS 1",
    "JPARM MAXTRIES 1",
    "JPARM VRES 196",
    "JPARM PAGEWIDTH 215",
    "JPARM PAGELENGTH 297",
    "JPARM PAGECHOP none",
    "JPARM USECONTCOVER no",
    "JPARM USEECM yes",
    "JPARM BEGBR 3",
    "JPARM USETAGLINE yes",
    'JPARM TAGLINE ""',
    "JPARM TAGLINE",
    "JPARM NONSENSE 1",
    "JPARM STATE DONE",
    "JPARM DOCUMENT /tmp/none",
    "JPARM DOCUMENT #",
    "JSUBM @",
    "JOB @",
    "JPARM STATE",
    "JPARM STATUS",
    "JPARM ERRORCODE",
    "JPARM NPAGES",
    "JPARM TOTPAGES",
    "JPARM TOTDIALS",
    "JPARM TOTTRIES",
    "JPARM COMMID",
    'JOBFMT "%j|%J"',
    "LIST sendq",
    "LIST doneq",
    'MDMFMT "%m: %s"',
    "JKILL @",
    "JKILL 4711",
    "JOB 4711",
    "JNOPE",
    "QUIT",
)
#: What differs from one session to the next, and says nothing.
_PASSING = (
    (re.compile(r"\b20\d{10}(\d\d)?\b"), "<time>"),
    (re.compile(r"\bjobid: \d+ groupid: \d+"), "jobid: <n> groupid: <n>"),
    (re.compile(r"\b[Jj]ob \d+\b"), "job <n>"),
    (re.compile(r"(doc\d+\.ps)\.\d+"), r"\1.<n>"),
    (re.compile(r"/tmp/doc\d+"), "/tmp/doc<n>"),
    (re.compile(r"docq/doc\d+"), "docq/doc<n>"),
    (re.compile(r"^220 .*"), "220 <greeting>"),
    (re.compile(r"^\d+\|"), "<n>|"),
)
#: States that a job may be in just after it was submitted; which of them is a matter of moments.
_FRESH = re.compile(r"^213 (SUSPENDED|PENDING|SLEEPING|READY|BLOCKED|ACTIVE)$")


async def held(port: int, document: bytes) -> list[tuple[str, str]]:
    """Every command with its answer, lines of listings included."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    later = datetime.now(UTC) + timedelta(hours=1)
    told, job, name = [("", _plain(await _line(reader)))], "", ""
    try:
        for template in COMMANDS:
            command = template.replace("@", job).replace("#", name)
            if command.endswith(" %"):
                command = f"{command[:-1]}{later:%Y%m%d%H%M}"
            if template == "STOT" or template.startswith("LIST"):
                answer = await _aside(reader, writer, command, document)
            else:
                answer = [await _said(reader, writer, command)]
            job = (re.findall(r"jobid: (\d+)", answer[0]) or [job])[0]
            name = (re.findall(r"FILE: ([^ )]+)", answer[0]) or [name])[0]
            told += [(template, _plain(line)) for line in answer]
    finally:
        writer.close()
    return told


async def _said(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: str) -> str:
    writer.write(f"{command}\r\n".encode())
    return await _line(reader)


async def _line(reader: asyncio.StreamReader) -> str:
    async with asyncio.timeout(20):
        return (await reader.readuntil(b"\r\n")).decode().rstrip()


async def _aside(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, command: str, document: bytes
) -> list[str]:
    numbers = re.findall(r"\d+", await _said(reader, writer, "PASV"))
    theirs, ours = await asyncio.open_connection("127.0.0.1", int(numbers[-2]) * 256 + int(numbers[-1]))
    begun = await _said(reader, writer, command)
    if command == "STOT":
        ours.write(document)
        await ours.drain()
        ours.close()
    listed = (await theirs.read()).decode().splitlines()
    ours.close()
    ended = await _line(reader)
    return [begun, *listed, ended]


def _plain(text: str) -> str:
    if _FRESH.match(text):
        return "213 <not over>"
    for pattern, instead in _PASSING:
        text = pattern.sub(instead, text)
    return text


def differences(one: list[tuple[str, str]], other: list[tuple[str, str]]) -> Iterator[str]:
    """In words; nothing where they agree."""
    if [command for command, _ in one] != [command for command, _ in other]:
        yield "they differ in how many lines they answer"
    for (command, said), (_, theirs) in zip(one, other, strict=False):
        if said != theirs:
            yield f"{command or 'greeting'}: '{said}' and '{theirs}'"

"""Named moments of one send, at the seams of the product, so that something can be made to happen at each of them.

The product knows nothing of it: the commit of a transaction is told by what was written in it, the conversation with
the relay by the line that it goes over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from sqlalchemy import event

from dispatcher.channels.base import CommitPoint, Parcel, Permit
from dispatcher.channels.simulator import SimulatorChannel
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.channels.wire import Line
from dispatcher.domain.outcome import Outcome
from dispatcher.store.engine import Store
from dispatcher.usecases import dispatch, record

#: In the order in which a send passes them. 'The record' is the one before the dot, 'the outcome' the one after it.
POINTS = (
    "the claim begins",
    "the claim is written",
    "the claim is committed",
    "the send begins",
    "MAIL is said",
    "MAIL is answered",
    "RCPT is said",
    "RCPT is answered",
    "DATA is said",
    "DATA is answered",
    "half the body is out",
    "leave is asked",
    "the record is written",
    "the record is committed",
    "leave is given",
    "the dot is out",
    "the reply is read",
    "the outcome is written",
    "the outcome is committed",
    "the outcome is spilled",
    "QUIT is said",
)

#: Told of each moment. What it returns is awaited, except around a commit, where nothing can be.
Reached = Callable[[str], Awaitable[None] | None]
Patch = Callable[[Any, str, Any], None]


def watch(store: Store, reached: Reached, patch: Patch = setattr) -> None:
    """From now on `reached` hears of every point that this process passes."""
    _watch_commits(store, reached)
    _watch_claims(reached, patch)
    _watch_spills(reached, patch)
    for channel in (SmtpChannel, SimulatorChannel):
        _watch_channel(channel, reached, patch)
    _watch_line(reached, patch)


def label(statement: str) -> str:
    """Whose transaction it is that writes this; '' where the statement does not tell."""
    if statement.startswith("INSERT INTO attempt"):
        return "the claim"
    if statement.startswith("UPDATE attempt"):
        return "the record" if "transmitting_at=" in statement.partition("WHERE")[0] else "the outcome"
    return ""


def _watch_commits(store: Store, reached: Reached) -> None:
    engine = store._writing.sync_engine
    dialect: Any = engine.dialect
    commit, open_now = dialect.do_commit, [""]

    @event.listens_for(engine, "begin")
    def _begin(_: object) -> None:
        open_now[0] = ""

    @event.listens_for(engine, "before_cursor_execute")
    def _execute(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        open_now[0] = label(statement) or open_now[0]

    def do_commit(connection: object) -> None:
        name = open_now[0]
        _now(reached, f"{name} is written")
        commit(connection)
        _now(reached, f"{name} is committed")

    dialect.do_commit = do_commit


def _now(reached: Reached, point: str) -> None:
    assert reached(point) is None, "nothing can be awaited here"


async def _then(reached: Reached, point: str) -> None:
    doing = reached(point)
    if doing is not None:
        await doing


def _watch_claims(reached: Reached, patch: Patch) -> None:
    claim = dispatch.claim

    async def watched(*given: Any) -> Any:
        await _then(reached, "the claim begins")
        return await claim(*given)

    patch(dispatch, "claim", watched)


def _watch_spills(reached: Reached, patch: Patch) -> None:
    spill = record._spill

    def watched(*given: Any) -> None:
        spill(*given)
        _now(reached, "the outcome is spilled")

    patch(record, "_spill", watched)


def _watch_channel(channel: Any, reached: Reached, patch: Patch) -> None:
    send = channel.send

    async def watched(self: Any, parcel: Parcel, commit: CommitPoint) -> Outcome:
        async def ask(sent: bytes) -> Permit:
            await _then(reached, "leave is asked")
            permit = await commit(sent)
            await _then(reached, "leave is given")
            return permit

        await _then(reached, "the send begins")
        outcome: Outcome = await send(self, parcel, ask)
        return outcome

    patch(channel, "send", watched)


def _watch_line(reached: Reached, patch: Patch) -> None:
    command, write_body, release_dot, read, part = (
        Line.command,
        Line.write_body,
        Line.release_dot,
        Line.read,
        Line.part,
    )

    async def watched_command(line: Line, text: str) -> Any:
        word = text.partition(" ")[0]
        await _then(reached, f"{word} is said")
        reply = await command(line, text)
        await _then(reached, f"{word} is answered")
        return reply

    async def watched_body(line: Line, body: bytes) -> None:
        half = body.index(b"\r\n", len(body) // 2) + 2
        await write_body(line, body[:half])
        await _then(reached, "half the body is out")
        await write_body(line, body[half:])

    def watched_dot(line: Line) -> None:
        release_dot(line)
        _now(reached, "the dot is out")

    async def watched_read(line: Line, within: float) -> Any:
        reply = await read(line, within)
        await _then(reached, "the reply is read")
        return reply

    def watched_part(line: Line) -> None:
        part(line)
        _now(reached, "QUIT is said")

    for name, instead in (
        ("command", watched_command),
        ("write_body", watched_body),
        ("release_dot", watched_dot),
        ("read", watched_read),
        ("part", watched_part),
    ):
        patch(Line, name, instead)

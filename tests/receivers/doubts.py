"""Asks the real Postfix's log and queue about the letters in doubt, and holds the answers against its mailbox."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from desk.bare import START, FastClock

from dispatcher.channels.log_files import LogFiles
from dispatcher.channels.log_lines import stamp_of
from dispatcher.channels.relay_log import RelayLog, RelayLogs
from dispatcher.channels.smtp import SmtpChannel
from dispatcher.domain.model import Delivery
from dispatcher.domain.words import State
from dispatcher.store import deliveries, views
from dispatcher.usecases import sweep
from dispatcher.usecases.office import Office

from . import verdict
from .place import Place, open_office, relay
from .postfix import Postfix


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of the doubts."""

    asked: int
    taken: int
    not_taken: int
    wrong: list[str] = field(default_factory=list)  #: settled otherwise than the mailbox has it

    def __str__(self) -> str:
        rest = self.asked - self.taken - self.not_taken
        return (
            f"of {self.asked} doubts the log and the queue settled {self.taken} as taken and {self.not_taken} as not "
            f"taken, {rest} stay; {len(self.wrong)} of these against the mailbox"
        )


async def settle(place: Place, postfix: Postfix) -> Settled:
    """Ask about every letter in doubt, as the worker's tick does."""
    log = _in_our_time(postfix.log, place.folder / "mail.log", place.clock)
    skew = timedelta(seconds=1.25 * place.clock.speed)  # a whole second of the log is so long for us
    relays = RelayLogs({"real": RelayLog(LogFiles(log), postfix.list_command, skew=skew)}, place.clock.now)
    async with open_office(place, channel=SmtpChannel([relay(place)], logs=relays)) as office:
        doubts = await _doubts(office)
        await office.store.write(lambda connection: _make_due(connection, office, doubts))
        while await sweep.ask(office):
            pass
        after = await office.store.read(lambda connection: _again(connection, doubts))
    return _count(after, postfix.ledger())


async def _doubts(office: Office) -> list[Delivery]:
    rows = await office.store.read(lambda connection: views.list_deliveries(connection, views.Wanted()))
    return [one.delivery for one in rows if one.delivery.state is State.IN_DOUBT]


async def _make_due(connection: Any, office: Office, doubts: list[Delivery]) -> None:
    """The workers could not read a log, so that nobody was to be asked."""
    for one in doubts:
        await deliveries.change(connection, one, due=office.clock.now())


async def _again(connection: Any, doubts: list[Delivery]) -> list[Delivery]:
    return [await deliveries.get(connection, one.id) for one in doubts]


def _count(after: list[Delivery], ledger: Mapping[str, int]) -> Settled:
    taken = [one for one in after if one.state in verdict.TAKEN]
    not_taken = [one for one in after if one.state in (State.DEFERRED, State.FAILED)]
    wrong = [one.id for one in taken if not ledger.get(one.message_id)]
    wrong += [one.id for one in not_taken if ledger.get(one.message_id)]
    return Settled(len(after), len(taken), len(not_taken), wrong)


def _in_our_time(log: Path, ours: Path, clock: FastClock) -> Path:
    """The log with its stamps in the run's own time."""
    wall = time.time() - (time.monotonic() - clock.origin)
    written = datetime.now(UTC)
    last = START
    with ours.open("wb") as file:
        for line in log.read_bytes().splitlines():
            at = stamp_of(line, written, UTC)
            if at is not None:
                last = START + timedelta(seconds=(at.timestamp() - wall) * clock.speed)
                file.write(last.isoformat(timespec="microseconds").encode() + line[15:] + b"\n")
    os.utime(ours, (last.timestamp(), last.timestamp()))
    return ours

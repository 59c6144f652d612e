"""What lies beside a database and tells of tries that it forgot: sent bytes in the archive, outcomes in spill files,
and what a gateway says when it is asked by our reference. Changes nothing.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from dispatcher.archive import Archive
from dispatcher.channels.base import Try
from dispatcher.domain.lifecycle import CLAIMABLE
from dispatcher.domain.model import Delivery, message_id
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Cause, Kind, State, Verdict
from dispatcher.store import attempts, audit, deliveries

from .office import Office

#: The end of a log may be this much older than a file that was made at the same moment, and clocks differ.
_MARGIN = timedelta(hours=1)
#: The headers of a mail of ours are shorter than this.
_HEADERS = 64 * 1024
_MESSAGE_ID = re.compile(rb"^Message-ID:\s*<([^<>@\s]{1,200})@([^<>@\s]{1,255})>", re.IGNORECASE | re.MULTILINE)
#: Questions to gateways at once, and how many forgotten tries of one letter are asked after.
_QUESTIONS = 8
_MOST_TRIES = 20
#: So many tries in a row may have been let in by no gateway.
_GAP = 3


@dataclass(frozen=True, slots=True)
class Trace:
    """A sign that a letter went, and the number of the last try that it tells of."""

    fence: int
    words: str
    channel: str = ""  #: the gateway that says so


@dataclass(frozen=True, slots=True)
class Traces:
    """Everything that was found, by delivery."""

    mails: Counter[str] = field(default_factory=Counter)  #: Message-IDs of mails that the database does not know
    spilled: dict[str, int] = field(default_factory=dict)  #: delivery id → number of the try
    asked: dict[str, int] = field(default_factory=dict)  #: delivery id → last try that a gateway knows; 0: none
    gateways: dict[str, str] = field(default_factory=dict)  #: delivery id → that gateway

    def of(self, seen: Delivery) -> Trace | None:
        """The strongest sign that this letter went after the backup was made."""
        if self.asked.get(seen.id):
            return Trace(self.asked[seen.id], "the gateway knows it", self.gateways.get(seen.id, ""))
        if self.spilled.get(seen.id, 0) > _last_known(seen):
            return Trace(self.spilled[seen.id], "its outcome lies beside the database")
        if count := self.mails[seen.message_id]:
            return Trace(seen.fence + count, "the archive holds the mail that left")
        return None

    def would_show(self, seen: Delivery) -> bool:
        """Had it gone, would there be a sign? Of a mail the archive has the bytes; of a fax the gateway must say so."""
        return seen.kind is Kind.EMAIL or self.asked.get(seen.id) == 0

    def strangers(self, rows: Sequence[Delivery]) -> tuple[str, ...]:
        """Mails that left and belong to none of these letters."""
        return tuple(sorted(set(self.mails) - {one.message_id for one in rows}))


def _last_known(seen: Delivery) -> int:
    """A try that is open in this database tells nothing new about the one before."""
    return seen.fence - (seen.state is State.SENDING)


async def find_traces(office: Office) -> Traces:
    """Look beside the database, and ask the gateways that can be asked."""
    wanted = [*CLAIMABLE, State.HELD, State.SENDING, State.FAILED]
    rows = await office.store.read(lambda connection: deliveries.in_states(connection, wanted))
    known = await office.store.read(attempts.sent_digests)
    last = await office.store.read(lambda connection: audit.tail(connection, 1))
    since = datetime.fromisoformat(last[0].at) - _MARGIN if last else datetime.fromtimestamp(0).astimezone()
    mails = await asyncio.to_thread(_mails, office.archive, known, since, office.domain)
    spilled = await asyncio.to_thread(lambda: dict(_spilled(office.folder)))
    return Traces(mails, spilled, *await _ask_all(office, rows, since))


def _mails(archive: Archive, known: set[str], since: datetime, domain: str) -> Counter[str]:
    """Message-IDs of the mails in the archive that no try of this database sent, and how often each is there."""
    found: Counter[str] = Counter()
    for digest, path in archive.since(since):
        if digest not in known and (name := _name_in(path, domain)):
            found[message_id(name, domain)] += 1
    return found


def _name_in(path: Path, domain: str) -> str:
    """The delivery that a mail is of, by its Message-ID; '' for what is no mail of ours."""
    with path.open("rb") as file:
        head = file.read(_HEADERS).replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    match = _MESSAGE_ID.search(head)
    return match[1].decode("ascii", "replace") if match and match[2].decode("ascii", "replace") == domain else ""


def _spilled(folder: Path) -> Iterator[tuple[str, int]]:
    for path in (folder / "spill.jsonl", *folder.glob("spill-*.taken")):
        for line in path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else ():
            delivery_id, _, fence = _attempt_in(line).rpartition(".")
            if delivery_id and fence.isdigit():
                yield delivery_id, int(fence)


def _attempt_in(line: str) -> str:
    try:
        return str(json.loads(line)["attempt_id"])
    except (ValueError, KeyError, TypeError):
        return ""


# -- gateways ----------------------------------------------------------------------------------------------------------


async def _ask_all(office: Office, rows: Sequence[Delivery], since: datetime) -> tuple[dict[str, int], dict[str, str]]:
    """By delivery: the last try that a gateway knows (0: none), and which gateway knows it."""
    places = asyncio.Semaphore(_QUESTIONS)

    async def one(row: Delivery) -> tuple[str, tuple[int, str] | None]:
        async with places:
            return row.id, await _ask(office, row, since)

    answers = {delivery_id: found for delivery_id, found in await asyncio.gather(*map(one, rows)) if found is not None}
    return (
        {delivery_id: fence for delivery_id, (fence, _) in answers.items()},
        {delivery_id: channel for delivery_id, (_, channel) in answers.items() if channel},
    )


async def _ask(office: Office, row: Delivery, since: datetime) -> tuple[int, str] | None:
    """The last of our tries that a gateway knows beyond those on record, and which; 0: none; None: none can be asked.

    Where a letter may go by several gateways, a try that one of them let nobody in for left no trace anywhere: the
    search goes on behind such gaps. A gateway that does not show what is as old as `since` cannot say that it has none.
    """
    names = dict.fromkeys((row.channel, *office.ways(row.kind, row.address)))
    gateways = [office.channels[name] for name in names if name in office.channels]
    if not gateways or not all(one.abilities.asks for one in gateways):
        return None
    about = Try(row.message_id, since, since) if row.kind is Kind.FAX else None
    last, gap, silent = (0, ""), 0, False
    first = _last_known(row) + 1
    for fence in range(first, first + _MOST_TRIES):
        outcomes = [(one.name, await one.ask(f"{row.id}.{fence}", "", about)) for one in gateways]
        took = next((name for name, outcome in outcomes if _took(outcome)), "")
        silent = silent or any(_is_silence(outcome) for _, outcome in outcomes)
        last, gap = ((fence, took), 0) if took else (last, gap + 1)
        if gap > (_GAP if len(gateways) > 1 else 0):
            break
    return None if silent and not last[0] else last


def _is_silence(outcome: Outcome) -> bool:
    return outcome.verdict is Verdict.UNKNOWN and outcome.cause in (Cause.NONE, Cause.FAX_GATEWAY_UNREACHABLE)


def _took(outcome: Outcome) -> bool:
    """Does the gateway know of it? That it has none is said as 'surely not delivered', with this cause."""
    nothing = outcome.verdict is Verdict.UNSENT or outcome.cause is Cause.FAX_GATEWAY_UNREACHABLE
    return not nothing and not _is_silence(outcome)

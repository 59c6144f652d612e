"""Fault: an act on many letters whose filter also fits some in doubt, or being sent. Those stay as they are.

Every use case that takes a filter is walked over every state, on both databases; a stale number changes nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from desk.desk import ADA, Desk, open_desk, person
from desk.standing import bring_to

from dispatcher.domain.errors import Conflict, CountChanged
from dispatcher.domain.model import Delivery
from dispatcher.domain.verbs import REACH, UNTOUCHED, Verb
from dispatcher.domain.words import Cause, Kind, Policy, State
from dispatcher.usecases import audit_log, launch, occurrences
from dispatcher.usecases.by_hand import By
from dispatcher.usecases.review import Wanted
from dispatcher.usecases.together import preview, together
from dispatcher.usecases.try_first import try_one

CAMPAIGN, CAUSE = "air-strikes", Cause.EMAIL_MAILBOX_FULL
#: A filter of every kind there is; each fits letters in doubt.
FILTERS: tuple[dict[str, Any], ...] = (
    {"campaign_id": CAMPAIGN},
    {"cause": CAUSE},
    {"kind": Kind.EMAIL},
    {"domain": "ardesia.example"},
    {"step": 0},
    {"campaign_id": CAMPAIGN, "cause": CAUSE, "kind": Kind.EMAIL, "domain": "ardesia.example", "step": 0},
)


@pytest.fixture
async def full(database: str, tmp_path: Path) -> AsyncIterator[Desk]:
    """Two letters in every state, all for one cause; of those being sent, one is past its commit point."""
    async with open_desk(database, tmp_path) as desk:
        names = [f"{state.replace('_', '-')}-{number}" for state in State for number in range(2)]
        people = [person(name, email=f"{name}@ardesia.example", fax=_number(i)) for i, name in enumerate(names)]
        await desk.launch(people, Policy.EMAIL)
        for row in await desk.deliveries():
            name, _, number = row.contact_id.rpartition("-")
            state = State(name.replace("-", "_"))
            await bring_to(desk, row.id, state, CAUSE, transmitting=state is State.SENDING and number == "1")
        yield desk


def _number(number: int) -> str:
    return f"+4420794600{number:02}"


async def _untouchable(desk: Desk) -> dict[str, tuple[Delivery, int, int]]:
    """What may not be touched: the rows, with their tries and their log."""
    rows = [one for one in await desk.deliveries() if one.state in UNTOUCHED]
    stories = [await desk.story(one.id) for one in rows]
    return {one.delivery.id: (one.delivery, len(one.attempts), len(one.audit)) for one in stories}


def _by(desk: Desk) -> By:
    return By(ADA, "as shown", until=desk.clock.now() + timedelta(days=1))


@pytest.mark.parametrize("verb", Verb)
def test_no_verb_reaches_what_is_in_doubt_or_being_sent(verb: Verb) -> None:
    assert not REACH[verb] & {State.IN_DOUBT, State.SENDING}


async def test_no_act_on_many_touches_a_doubt_or_a_letter_that_is_being_sent(full: Desk) -> None:
    before, done = await _untouchable(full), dict.fromkeys(Verb, 0)
    assert {row.state for row, _, _ in before.values()} == UNTOUCHED
    for verb in (
        Verb.HOLD,
        Verb.RELEASE,
        Verb.SNOOZE,
        Verb.UNSNOOZE,
        Verb.RETRY,
        Verb.GIVE_UP,
        Verb.SWITCH,
        Verb.CANCEL,
    ):
        for given in FILTERS:
            wanted = Wanted(**given)
            shown = await preview(full.office, verb, wanted)
            assert before.keys().isdisjoint(one.delivery.id for one in shown.going)
            told = {one.delivery.id: one.why.code for one in shown.left_out}
            if verb is not Verb.UNSNOOZE:
                assert {told[name] for name, (row, *_) in before.items() if row.state is State.IN_DOUBT} == {"E_DOUBT"}
            done[verb] += len((await together(full.office, verb, wanted, len(shown.going), _by(full))).done)
        assert await _untouchable(full) == before
        await _refill(full)
    assert min(done.values()) > 0, "each of them has done something"


async def _refill(desk: Desk) -> None:
    """What the verb used up is there again: the states that the next one works on."""
    left = [one for one in await desk.deliveries() if one.state is State.QUEUED]
    for row, state in zip(left, (State.HELD, State.FAILED, State.FAILED), strict=False):
        await bring_to(desk, row.id, state, CAUSE)


async def test_a_stale_number_changes_nothing_whatever_the_act(full: Desk) -> None:
    before, log = await full.deliveries(), len(await audit_log.tail_audit(full.office, 10_000))
    for verb in Verb:
        wanted = Wanted(CAMPAIGN)
        shown = len((await preview(full.office, verb, wanted)).going)
        for stale in (shown + 1, shown + 2) if not shown else (shown - 1, shown + 1, 0):
            with pytest.raises(CountChanged):
                await together(full.office, verb, wanted, stale, _by(full))
    assert await full.deliveries() == before
    assert len(await audit_log.tail_audit(full.office, 10_000)) == log


async def test_the_other_use_cases_that_take_a_filter_leave_doubts_alone_too(full: Desk) -> None:
    before = await _untouchable(full)
    [occurrence] = await occurrences.occurrences(full.office, CAMPAIGN)
    for late in (occurrences.release_late, occurrences.cancel_late):
        assert await late(full.office, CAMPAIGN, occurrence.local_key, 0, "as shown", ADA) == []
    tried = await try_one(full.office, Wanted(CAMPAIGN, cause=CAUSE), "", ADA)
    assert tried.id not in before
    await launch.pause(full.office, CAMPAIGN, "wait", ADA)
    await launch.resume(full.office, CAMPAIGN, "go on", ADA)
    assert await launch.stop(full.office, CAMPAIGN, "enough", ADA) > 0
    assert await _untouchable(full) == before


async def test_of_what_is_only_in_doubt_nothing_can_be_tried(full: Desk) -> None:
    doubt = next(one for one in await full.deliveries() if one.state is State.IN_DOUBT)
    with pytest.raises(Conflict, match="E_NONE"):
        await try_one(full.office, Wanted(cause=CAUSE, contact_id=doubt.contact_id), "", ADA)
    assert await full.get(doubt.id) == doubt

"""The judge of the simulation: what a person gave up is no claim while nobody knew, a false one when it had failed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from desk.bare import START, letter_of, mission, queued

from dispatcher.domain.model import Address, Attempt, Delivery
from dispatcher.domain.words import Cause, Kind, Stage, State, Verdict

from .checker import Class, History, classify


def _given_up() -> Delivery:
    person = mission(1, Address(Kind.EMAIL, "mission@ardesia.example"))
    row = queued(person, letter_of("storm", {"entity": "0" * 64}), START, START)
    return replace(row, state=State.CANCELLED, cause=Cause.PERSON_GAVE_UP)


def _tried(row: Delivery, verdict: Verdict) -> Attempt:
    return Attempt(
        id=f"{row.id}.1",
        delivery_id=row.id,
        fence=1,
        worker="worker:one",
        channel="smtp",
        stage=Stage.CLOSED,
        opened_at=START,
        transmitting_at=START,
        closed_at=START,
        verdict=verdict,
        cause=Cause.NONE,
        detail="",
        ref="",
        pages=None,
        sent_digest="",
        facts={},
        knowingly=False,
    )


@pytest.mark.parametrize("verdict", [Verdict.UNKNOWN, Verdict.ACCEPTED])
@pytest.mark.parametrize(
    ("in_doubt", "copies", "judged"),
    [(True, 1, Class.OK), (True, 0, Class.OK), (False, 1, Class.FAILED_THOUGH_SENT), (False, 0, Class.OK)],
)
def test_what_was_given_up_claims_only_what_was_known(
    verdict: Verdict, in_doubt: bool, copies: int, judged: Class
) -> None:
    row = _given_up()
    assert classify(History(row, [_tried(row, verdict)], given_up_in_doubt=in_doubt, copies=copies)) is judged

"""Fault: outcomes wait in spill files, and several workers of one host come to tell them at the same moment."""

from __future__ import annotations

import asyncio
import json
from dataclasses import asdict

from desk.desk import Desk, person

from dispatcher.domain.model import Actor
from dispatcher.domain.outcome import Outcome
from dispatcher.domain.words import Policy, State, Verdict
from dispatcher.usecases import dispatch
from dispatcher.usecases.record import unspill

WORKERS = [Actor("worker", name) for name in ("one", "two", "three")]


async def test_each_outcome_is_told_and_nobody_stumbles_over_a_file_that_another_finished(desk: Desk) -> None:
    people = [person(f"o{number}", email=f"o{number}@ardesia.example") for number in range(8)]
    await desk.launch(people, Policy.EMAIL)
    claims = await dispatch.claim(desk.office, WORKERS[0], 8)
    assert len(claims) == 8
    desk.office.folder.mkdir(parents=True, exist_ok=True)
    for number, one in enumerate(claims):
        line = json.dumps({"attempt_id": one.attempt.id, "outcome": asdict(Outcome(Verdict.ACCEPTED, detail="250 ok"))})
        (desk.office.folder / f"spill-{number}.taken").write_text(f"\n{line}\n", "utf-8")
    await asyncio.gather(*(unspill(desk.office, worker) for worker in WORKERS))
    assert set(await desk.states()) == {State.ACCEPTED}
    assert list(desk.office.folder.glob("spill*")) == []


async def test_a_file_that_is_gone_when_it_is_opened_was_told_by_another_worker(desk: Desk) -> None:
    """Listed and then not there: a link to nowhere is in that state for good."""
    await desk.launch([person("one", email="one@ardesia.example")], Policy.EMAIL)
    [claim] = await dispatch.claim(desk.office, WORKERS[0], 1)
    desk.office.folder.mkdir(parents=True, exist_ok=True)
    (desk.office.folder / "spill-0.taken").symlink_to("told-by-another")
    line = json.dumps({"attempt_id": claim.attempt.id, "outcome": asdict(Outcome(Verdict.ACCEPTED, detail="250 ok"))})
    (desk.office.folder / "spill-1.taken").write_text(f"\n{line}\n", "utf-8")
    assert await unspill(desk.office, WORKERS[1]) == 1
    assert await desk.states() == [State.ACCEPTED]
